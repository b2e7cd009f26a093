"""A cluster as its documents tell it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A PolicyRule. `paths` are its nonResourceURLs; `names` its resourceNames, none for all."""

    verbs: frozenset[str]
    groups: frozenset[str]
    resources: tuple[str, ...]
    names: tuple[str, ...]
    paths: tuple[str, ...]
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One of a label selector: In, NotIn, Exists or DoesNotExist."""

    key: str
    operator: str
    values: frozenset[str]

    def holds(self, labels: dict[str, str]) -> bool:
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case _:
                return self.key not in labels


Selector = frozenset[Requirement]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """`namespace` is empty for a ClusterRole. `selectors`: whose rules it takes over, by label."""

    namespace: str
    name: str
    rules: tuple[Rule, ...]
    labels: dict[str, str]
    selectors: tuple[Selector, ...]
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """`kind`: User, Group or ServiceAccount; only the last has a namespace."""

    kind: str
    name: str
    namespace: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """`namespace` is empty for a ClusterRoleBinding; `cluster_role` tells which kind of role `role` names."""

    namespace: str
    name: str
    cluster_role: bool
    role: str
    subjects: tuple[Subject, ...]
    origin: str


@dataclass(slots=True)
class Namespace:
    """`enforce`: the level of Pod Security that its label demands. `exposed`: a pod in it reaches its node."""

    origin: str
    labels: dict[str, str] = field(default_factory=dict)
    exposed: bool = False

    @property
    def guarded(self) -> bool:
        """Whether new pods are kept from the node."""
        return self.labels.get("pod-security.kubernetes.io/enforce") in ("baseline", "restricted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A service account. `elsewhere`: identities in clouds that it stands for. `key`: a token that does not expire."""

    namespace: str
    name: str
    elsewhere: tuple[str, ...]
    key: bool
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """`token_of`: the service account whose token it holds, if it does. What is in it is never read."""

    namespace: str
    name: str
    token_of: str
    origin: str


@dataclass(slots=True)
class Cluster:
    """`kinds`: how many documents of each kind there were. `values`: the first file and how many secrets came with
    what is in them."""

    roles: dict[tuple[str, str], Role] = field(default_factory=dict)
    bindings: list[Binding] = field(default_factory=list)
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    accounts: dict[tuple[str, str], Account] = field(default_factory=dict)
    secrets: dict[tuple[str, str], Secret] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    unread: dict[str, str] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)
