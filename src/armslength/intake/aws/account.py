"""What the documents tell: accounts with their identities, the organization, policies of resources, assignments."""

from __future__ import annotations

from dataclasses import dataclass, field

from armslength.intake.aws.policy import Statement


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Policy:
    """A managed policy, by its default version, or the inline ones of an identity. `kept`: managed by the customer."""

    arn: str
    name: str
    statements: tuple[Statement, ...]
    kept: bool
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Identity:
    """A user, group or role. `kind` is one of these words. `groups`: names, of a user. `trust`: of a role."""

    kind: str
    name: str
    arn: str
    path: str
    account: str
    inline: tuple[Policy, ...]
    attached: tuple[tuple[str, str], ...]
    boundary: str
    groups: tuple[tuple[str, str], ...]
    trust: tuple[Statement, ...]
    tags: tuple[tuple[str, str], ...]
    origin: str

    @property
    def linked(self) -> bool:
        """A service's own role, which limits of the organization leave alone."""
        return self.path.startswith("/aws-service-role/")


@dataclass(slots=True)
class Account:
    id: str
    origin: str
    partition: str = "aws"
    users: dict[str, Identity] = field(default_factory=dict)
    groups: dict[str, Identity] = field(default_factory=dict)
    roles: dict[str, Identity] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)


@dataclass(slots=True)
class Organization:
    """`parents` by id of an account or unit; `targets` by policy id; `content` None where it was not given."""

    management: str = ""
    origin: str = ""
    roots: set[str] = field(default_factory=set)
    parents: dict[str, str] = field(default_factory=dict)
    targets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Center:
    """IAM Identity Center. `sets`: names of permission sets by ARN; None for what no document was given of."""

    owner: str = ""
    users: dict[str, tuple[str, tuple[str, ...], str]] = field(default_factory=dict)
    groups: dict[str, tuple[str, str]] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    sets: dict[str, str] = field(default_factory=dict)
    assignments: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    """(account, permission set, USER or GROUP, id, origin)"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResourcePolicy:
    """`account` is empty where neither the ARN nor the document tells it."""

    arn: str
    account: str
    statements: tuple[Statement, ...]
    origin: str


@dataclass(slots=True)
class Documents:
    accounts: dict[str, Account] = field(default_factory=dict)
    organization: Organization = field(default_factory=Organization)
    center: Center = field(default_factory=Center)
    resources: list[ResourcePolicy] = field(default_factory=list)
    unread: list[tuple[str, str, str]] = field(default_factory=list)
    """(item, reason, origin)"""
