"""A cluster becomes rows: each role where it is bound is a group, whose holders the bindings name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from armslength.intake import Harvest, Matter, Problems
from armslength.intake.kubernetes.cluster import Cluster, Namespace, Role, Rule, Selector
from armslength.intake.kubernetes.powers import Can, Power, custom, powers, unknown_verbs
from armslength.intake.kubernetes.subjects import Subjects

PLACES = ("secrets", "workloads", "objects")
"""What lies in namespaces, each with its part of every namespace: a right in the whole cluster is one row."""
LARGEST = 20_000_000
"""Roles that all label selectors are held against, together; no cluster has a hundredth."""

Bound = tuple[str, bool, str]
"""Where (a namespace, or "" for everywhere), whether a ClusterRole, and its name."""


def map_kubernetes(
    cluster: Cluster,
    harvest: Harvest,
    problems: Problems,
    *,
    prefixes: Sequence[str] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """`prefixes`: what the cluster puts before the names of users from an identity provider (`oidc:`)."""
    problems.stop()
    tell("mapping the roles of the cluster")
    mapping = _Mapping(cluster, harvest, problems, prefixes)
    mapping.assets()
    mapping.bindings()
    mapping.remarks()


class _Mapping:
    def __init__(self, cluster: Cluster, harvest: Harvest, problems: Problems, prefixes: Sequence[str]) -> None:
        self._cluster, self._harvest, self._problems = cluster, harvest, problems
        self._subjects = Subjects(cluster, harvest, prefixes)
        self._powers: dict[tuple[str, bool, str, bool], tuple[tuple[Power, str], ...]] = {}
        self._selected: dict[Selector, list[Role]] = {}
        self._looked = 0
        self._made: dict[Bound, str] = {}
        self._waiting: list[Bound] = []
        self._tokens: dict[str, list[str]] = {}
        for secret in cluster.secrets.values():
            if secret.token_of and "/" not in secret.token_of:
                self._tokens.setdefault(secret.namespace, []).append(secret.name)
        for binding in cluster.bindings:
            if binding.namespace:
                cluster.namespaces.setdefault(binding.namespace, Namespace(binding.origin))
        # A dict keeps the order of the documents.
        self._guarded = {name: space.origin for name, space in cluster.namespaces.items() if space.guarded}
        self._first = cluster.bindings[0].origin if cluster.bindings else harvest.name

    # assets

    def assets(self) -> None:
        harvest, first = self._harvest, self._first
        root = harvest.id("cluster")
        harvest.asset(root, kind="cluster", origin=first)
        for place in (*PLACES, "cluster-objects", "urls"):
            harvest.asset(harvest.id(place), kind=place, within=root, origin=first)
        for name, namespace in self._cluster.namespaces.items():
            traits = (f"namespace:{name}", *(f"label:{key}={value}" for key, value in namespace.labels.items()))
            for place in PLACES:
                parts = {"within": harvest.id(place), "origin": namespace.origin}
                harvest.asset(harvest.id(place, name), kind=place, traits=traits, **parts)
        for secret in self._cluster.secrets.values():
            self._secret(secret.namespace, secret.name, secret.origin)

    def _secret(self, namespace: str, name: str, origin: str) -> str:
        id = self._harvest.id("secrets", namespace, name)
        within = self._harvest.id("secrets", namespace)
        traits = (f"namespace:{namespace}", f"name:{name}")
        self._harvest.asset(id, kind="secret", within=within, traits=traits, origin=origin)
        return id

    # who is bound to what

    def bindings(self) -> None:
        subjects, masters = self._subjects, Power(Can.CLUSTER)
        # Every account is there, so that whoever runs pods is led to those that nothing names but a right to act as it.
        for account in self._cluster.accounts.values():
            subjects.account(account.namespace, account.name, account.origin)
        for kind, name in (("Group", "system:masters"), ("Machines", "")):
            id = subjects.group(name, self._first) if kind == "Group" else subjects.machines(self._first)
            for action, target in self._rows(masters, "", str(id), self._first):
                self._harvest.grant(f"group:{id}", action, target, origin=self._first)
        everyone: dict[Bound, str] = {}
        for binding in self._cluster.bindings:
            bound = (binding.namespace, binding.cluster_role, binding.role)
            if self._role(bound) is None:
                what = f"{'ClusterRole' if binding.cluster_role else 'Role'} {binding.role}"
                reason = f"its {what} is not in the export: it gives nothing as long as that is so"
                where = f"{binding.namespace}/{binding.name}" if binding.namespace else binding.name
                self._harvest.review(Matter.UNMAPPED, where, reason, origin=binding.origin)
                continue
            if not self._all_powers(bound):
                continue
            group = self._bound(bound, binding.origin)
            for subject in binding.subjects:
                holder = subjects.of(subject)
                if holder is None:
                    everyone.setdefault(bound, subject.origin)
                elif holder:
                    self._harvest.member(group, f"group:{holder}", origin=subject.origin)
        # What roles give can name further roles (bind), whose groups then need their own grants.
        while self._waiting:
            bound = self._waiting.pop()
            self._grants(bound, f"group:{self._made[bound]}")
        for bound in everyone:
            self._grants(bound, "everyone")
        while self._waiting:
            bound = self._waiting.pop()
            self._grants(bound, f"group:{self._made[bound]}")
        subjects.close()

    def _role(self, bound: Bound) -> Role | None:
        namespace, wide, name = bound
        return self._cluster.roles.get(("" if wide else namespace, name))

    def _bound(self, bound: Bound, origin: str) -> str:
        """The group of those who have a role somewhere."""
        if (known := self._made.get(bound)) is not None:
            return known
        namespace, wide, name = bound
        kind = "clusterrole" if wide else "role"
        parts = ("namespace", namespace, kind, name) if namespace else (kind, name)
        id = self._made[bound] = self._harvest.id(*parts)
        self._harvest.group(id, origin=origin)
        self._waiting.append(bound)
        return id

    # what a role gives

    def _all_powers(self, bound: Bound) -> tuple[tuple[Power, str], ...]:
        role = self._role(bound)
        if role is None:
            return ()
        local = bool(bound[0])
        key = (role.namespace, bound[1], role.name, local)
        if (known := self._powers.get(key)) is None:
            found: dict[Power, str] = {}
            for rule in self._rules(role):
                for power in powers(rule, local):
                    found.setdefault(power, rule.origin)
            # What is certain says the same as what may be too much.
            certain = {(power.can, power.place, power.name) for power in found if not power.wider}
            known = self._powers[key] = tuple(
                (power, origin)
                for power, origin in found.items()
                if not power.wider or (power.can, power.place, power.name) not in certain
            )
        return known

    def _rules(self, role: Role) -> Iterator[Rule]:
        """Its own, and those of the roles that it takes over, as a controller has mostly filled in."""
        seen, waiting = {role.name}, [role]
        while waiting:
            one = waiting.pop()
            yield from one.rules
            for selector in one.selectors:
                for other in self._selection(selector):
                    if other.name not in seen:
                        seen.add(other.name)
                        waiting.append(other)

    def _selection(self, selector: Selector) -> list[Role]:
        if (known := self._selected.get(selector)) is None:
            self._looked += len(self._cluster.roles)
            if self._looked > LARGEST:
                self._problems.add(self._first.split(" ")[0], "roles are taken over by too many others to be followed")
                self._problems.stop()
            known = self._selected[selector] = [
                role
                for role in self._cluster.roles.values()
                if not role.namespace and all(part.holds(role.labels) for part in selector)
            ]
        return known

    def _grants(self, bound: Bound, holder: str) -> None:
        done: set[tuple[str, str]] = set()
        namespace, wide, name = bound
        # What is said of a ClusterRole is said once, wherever it is bound.
        item = self._harvest.id("clusterrole", name) if wide else self._harvest.id("namespace", namespace, "role", name)
        for power, origin in self._all_powers(bound):
            if power.wider:
                self._wider(item, power.wider, origin)
            for action, target in self._rows(power, namespace, item, origin):
                if (action, target) not in done:
                    done.add((action, target))
                    self._harvest.grant(holder, action, target, origin=origin)

    def _rows(self, power: Power, namespace: str, item: str, origin: str) -> Iterator[tuple[str, str]]:
        """What a power comes to in a namespace, or ("") in all: actions and their targets."""
        match power.can:
            case Can.READ | Can.WRITE:
                yield power.can.value, self._place(power, namespace, item, origin)
            case Can.RUN:
                yield from self._pods(namespace, origin)
                if not (namespace and self._cluster.namespaces[namespace].guarded):
                    yield from self._node(item, origin)
            case Can.ENTER:
                yield from self._pods(namespace, origin)
                self._wider(item, "which secrets and service accounts the pods have is not told apart", origin)
                if not self._kept_in(namespace):
                    yield from self._node(item, origin)
            case Can.TALK:
                yield "operate", self._at("workloads", namespace)
                self._wider(item, "what answers in a pod is not known: it may let do everything there", origin)
            case Can.READ_TOKENS:
                yield from self._tokens_read(power.name, namespace, item, origin)
            case Can.ACT:
                yield from self._acts(power.name, namespace, origin)
            case Can.USER:
                yield from self._user(power.name, item, origin)
            case Can.GROUP:
                yield from self._group(power.name, origin)
            case Can.BIND:
                yield from self._bind(power, namespace, item, origin)
            case Can.ALL:
                where = "kube-system" if power.place == "aws-auth" else namespace
                if power.place == "aws-auth":
                    if namespace in ("", "kube-system"):
                        yield from self._everything(origin)
                elif where:
                    yield from (("operate", self._at(place, where)) for place in PLACES)
                    yield from self._rows(Power(Can.RUN), where, item, origin)
                else:
                    yield from self._everything(origin)
            case Can.CLUSTER:
                yield from self._everything(origin)
            case Can.CUSTOM:
                yield "operate", f"asset:{self._harvest.id('objects')}"
                yield "operate", f"asset:{self._harvest.id('cluster-objects')}"
            case Can.RELABEL:
                if namespace and power.name not in ("", namespace):
                    return
                one = namespace or power.name
                if one in self._guarded if one else self._guarded:
                    self._wider(item, "can take the label off by which Pod Security keeps pods from nodes", origin)
                    yield from self._everything(origin)

    def _at(self, place: str, namespace: str) -> str:
        return f"asset:{self._harvest.id(place, namespace) if namespace else self._harvest.id(place)}"

    def _place(self, power: Power, namespace: str, item: str, origin: str) -> str:
        if power.place in PLACES and namespace:
            if power.name and "/" not in power.name:
                return f"asset:{self._secret(namespace, power.name, origin)}"
            return self._at(power.place, namespace)
        if power.name:
            self._wider(item, "a secret of a certain name in every namespace: taken for all secrets", origin)
        return self._at(power.place, "")

    def _everything(self, origin: str) -> Iterator[tuple[str, str]]:
        yield "operate", f"asset:{self._harvest.id('cluster')}"
        yield "enroll", f"group:{self._subjects.runners('', origin)}"

    def _pods(self, namespace: str, origin: str) -> Iterator[tuple[str, str]]:
        """Own code in a namespace has what its pods can have: data, secrets, settings, and service accounts."""
        yield "operate", self._at("workloads", namespace)
        yield "read", self._at("secrets", namespace)
        yield "read", self._at("objects", namespace)
        yield "enroll", f"group:{self._subjects.runners(namespace, origin)}"

    def _node(self, item: str, origin: str) -> Iterator[tuple[str, str]]:
        self._wider(item, "pods here may reach their node, and a node is taken for the cluster", origin)
        yield from self._everything(origin)

    def _kept_in(self, namespace: str) -> bool:
        """Whether no pod of the namespace reaches its node: not by its label alone, which older pods do not heed."""
        if not namespace or not self._cluster.kinds["Pod"]:
            return False
        found = self._cluster.namespaces[namespace]
        return found.guarded and not found.exposed

    def _tokens_read(self, name: str, namespace: str, item: str, origin: str) -> Iterator[tuple[str, str]]:
        """Some secrets are tokens of service accounts: which, only secrets in the export tell."""
        secrets = self._cluster.secrets
        if not self._cluster.kinds["Secret"]:
            self._wider(item, "a secret can be a service account's token: the export has no secrets to tell", origin)
            yield "enroll", f"group:{self._subjects.runners(namespace, origin)}"
            return
        for where in [namespace] if namespace else self._tokens:
            for secret in [name] if name else self._tokens.get(where, ()):
                known = secrets.get((where, secret))
                if known is not None and known.token_of and "/" not in known.token_of:
                    yield "enroll", f"group:{self._subjects.account(where, known.token_of, known.origin)}"

    def _acts(self, name: str, namespace: str, origin: str) -> Iterator[tuple[str, str]]:
        if not name:
            yield "enroll", f"group:{self._subjects.runners(namespace, origin)}"
        elif namespace and "/" not in name:
            yield "enroll", f"group:{self._subjects.account(namespace, name, origin)}"
        elif not namespace:
            for id in self._subjects.named(name):
                yield "enroll", f"group:{id}"

    def _user(self, name: str, item: str, origin: str) -> Iterator[tuple[str, str]]:
        if not name:
            self._wider(item, "can act as any user, the cluster's own parts among them", origin)
            yield from self._everything(origin)
        elif id := self._subjects.user(name, origin):
            yield "enroll", f"group:{id}"

    def _group(self, name: str, origin: str) -> Iterator[tuple[str, str]]:
        if name in ("", "system:masters"):
            yield from self._everything(origin)
        if name and (id := self._subjects.group(name, origin)):
            yield "enroll", f"group:{id}"

    def _bind(self, power: Power, namespace: str, item: str, origin: str) -> Iterator[tuple[str, str]]:
        """Who may bind a role can have it, given that bindings can be made, which is not asked for here."""
        self._wider(item, "to bind a role, some other right must let make a binding", origin)
        wide = power.place == "ClusterRole"
        if not power.name:
            # Roles are bound where they lie; to the role of every namespace that is the whole of each.
            yield from self._rows(Power(Can.ALL), namespace, item, origin)
            return
        for where in [namespace] if wide or namespace else self._cluster.namespaces:
            bound = (where, wide, power.name)
            if self._all_powers(bound):
                yield "enroll", f"group:{self._bound(bound, origin)}"

    def _wider(self, item: str, reason: str, origin: str) -> None:
        self._harvest.review(Matter.WIDER, item, reason, origin=origin)

    # what is left to say

    def remarks(self) -> None:
        say, cluster = self._harvest.review, self._cluster
        for kind, origin in cluster.unread.items():
            say(Matter.UNMAPPED, kind, "objects of this kind are not looked into", origin=origin)
        for file, count in cluster.values.items():
            reason = f"{count:,} secrets with what is in them: it was not read; the export does not need it"
            say(Matter.UNMAPPED, file, reason, origin=file)
        missing = {"Namespace": "Pod Security", "ServiceAccount": "identities in clouds", "Pod": "who reaches nodes"}
        for kind, what in missing.items():
            if not cluster.kinds[kind]:
                say(Matter.UNKNOWN, kind, f"the export has none, so it does not tell {what}", origin=self._first)
        if self._guarded:
            reason = "exempt users, namespaces and runtime classes of Pod Security are not in an export: taken for none"
            say(Matter.UNMAPPED, "Pod Security", reason, origin=next(iter(self._guarded.values())))
        for role in cluster.roles.values():
            for rule in role.rules:
                for verb in sorted(unknown_verbs(rule)) if not rule.paths else ():
                    say(Matter.UNMAPPED, f"verb {verb}", "what it allows is not known", origin=rule.origin)
                if "impersonate" in rule.verbs and any(
                    r.split("/")[0] in ("uids", "userextras") for r in rule.resources
                ):
                    say(
                        Matter.UNMAPPED,
                        "impersonate uids, userextras",
                        "RBAC does not look at them",
                        origin=rule.origin,
                    )
                for resource in custom(rule):
                    reason = "whether a controller runs pods for it, and with which rights, is not known"
                    say(Matter.UNMAPPED, resource, reason, origin=rule.origin)
