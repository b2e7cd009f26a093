"""An organisation as either form of document tells it, before it becomes rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")
"""Of an organisation or a repository: more would make two things one in ids."""
LEVELS = ("read", "write", "maintain", "admin")
"""What a role may do to a repository, each more than the one before."""
ROLES = {
    "read": "read",
    "pull": "read",
    "triage": "read",
    "write": "write",
    "push": "write",
    "maintain": "maintain",
    "admin": "admin",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A name, such as a login, and where it stood."""

    name: str
    origin: str
    mail: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A role on a repository. `holder` is a login or a team's slug."""

    holder: str
    role: str
    origin: str


@dataclass(slots=True, kw_only=True)
class Team:
    slug: str
    origin: str
    parent: str = ""
    secret: bool = False
    """A secret team owns no code."""
    members: list[Told] | None = None
    """None where they were not told."""
    maintainers: list[Told] = field(default_factory=list)
    whole: bool = True
    """Whether the maintainers were told."""
    repositories: list[tuple[str, str, str]] = field(default_factory=list)
    """Name, role, origin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who goes past a rule. `kind`: user, team, app, key, level (who has at least this role), role (a custom one) or
    other."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Required reviews of a branch. `open`: why anybody who can push can do without; empty if nobody can but `past`."""

    branch: str
    approvals: int
    owners: bool
    last_push: bool
    past: tuple[Actor, ...]
    open: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    name: str
    origin: str
    reviewers: tuple[Actor, ...] = ()
    self_review: bool = True
    limited: bool = False
    """Only certain branches deploy to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    id: str
    title: str
    origin: str
    writes: bool = True


@dataclass(slots=True, kw_only=True)
class Repository:
    name: str
    origin: str
    visibility: str = ""
    traits: tuple[str, ...] = ()
    default: str = ""
    forks: bool = True
    people: list[Held] | None = field(default_factory=list)
    """None where collaborators were not told."""
    rules: list[Rule] = field(default_factory=list)
    keys: list[Key] | None = field(default_factory=list)
    environments: list[Environment] = field(default_factory=list)
    secrets: list[Told] = field(default_factory=list)
    owners: bytes | None = None
    """CODEOWNERS."""
    robots_approve: bool = True
    """Whether a workflow can approve a pull request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    slug: str
    origin: str
    permissions: dict[str, str]


@dataclass(slots=True, kw_only=True)
class Organisation:
    login: str
    origin: str
    base: str = "read"
    """The role that all members have on every repository; empty for none."""
    enterprise: bool = False
    owners: list[Told] = field(default_factory=list)
    members: list[Told] | None = field(default_factory=list)
    teams: dict[str, Team] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    """By name in lower case."""
    roles: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Custom roles: level, and whether it goes past protection."""
    apps: list[App] = field(default_factory=list)
    secrets: list[Told] = field(default_factory=list)
    identities: list[tuple[str, str, str]] = field(default_factory=list)
    """Login, what an identity provider knows it by, origin."""
    notes: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Matter, item, reason, origin: for review."""

    def repository(self, name: str, origin: str) -> Repository:
        return self.repositories.setdefault(name.lower(), Repository(name=name, origin=origin))
