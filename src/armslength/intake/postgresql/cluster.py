"""A cluster as both readers give it: what the server's catalogs say, and what pg_dumpall and pg_dump write, are one.

Rights are what an ACL lists, by (grantee, privilege, column), with where it was said. PUBLIC is the grantee "": no role
can have that name. The owner's own rights are left out, since an owner can always grant them anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

PUBLIC = ""
Right = tuple[str, str, str]
"""Grantee, privilege, column ("" for the whole object)."""
Rights = dict[Right, str]
"""Where each right was said."""
RelationName = tuple[str, str]
"""Schema and name."""


class Kind(StrEnum):
    """Of a relation."""

    TABLE = "table"
    PARTITIONED = "partitioned-table"
    VIEW = "view"
    MATERIALIZED = "materialized-view"
    SEQUENCE = "sequence"
    FOREIGN = "foreign-table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role and those of its attributes that give power."""

    name: str
    origin: str
    login: bool = False
    superuser: bool = False
    createrole: bool = False
    replication: bool = False
    inherit: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """`inherit` and `set_` as of PostgreSQL 16; before it, the member's own INHERIT, and always."""

    role: str
    member: str
    admin: bool
    inherit: bool
    set_: bool
    origin: str


@dataclass(slots=True, kw_only=True)
class Schema:
    name: str
    origin: str
    owner: str = ""
    rights: Rights = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Relation:
    """`reads`: relations that can be read or written through this one, with the rights of its owner: what a view shows,
    what a rule does, the partitions of a table. `owner` is empty where a dump does not tell it."""

    name: str
    kind: Kind
    origin: str
    owner: str = ""
    rights: Rights = field(default_factory=dict)
    reads: set[RelationName] = field(default_factory=set)
    by_caller: bool = False
    """A view that asks for the reader's own rights (security_invoker)."""
    ruled: bool = False
    """Rules say what is done in place of writing, or beside it; that may be to show something."""
    row_security: bool = False
    fires: set[RelationName] = field(default_factory=set)
    """Functions of its triggers, which whoever writes has called."""

    def passes(self) -> bool:
        """Whether rights on it reach what it reads."""
        return bool(self.reads) and (self.ruled or not self.by_caller)


@dataclass(slots=True, kw_only=True)
class Routine:
    """A function or procedure that does more than its caller may: it acts as its owner, or in a language that knows no
    bounds. `signature`: name and arguments, as the server identifies it."""

    signature: str
    origin: str
    owner: str = ""
    definer: bool = False
    unbounded: bool = False
    on_event: bool = False
    """Called by the server alone, after a DDL command."""
    rights: Rights = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Server:
    """A foreign server, and the roles (or PUBLIC) for whom credentials are stored; which ones, nothing here knows."""

    name: str
    origin: str
    owner: str = ""
    rights: Rights = field(default_factory=dict)
    mapped: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Database:
    """`relations`, `routines` by schema and name or signature. `builtin`: functions of the server or of an extension
    that somebody was let call who could not by default: (schema, name) to the rights that were added."""

    name: str
    origin: str
    owner: str = ""
    rights: Rights = field(default_factory=dict)
    schemas: dict[str, Schema] = field(default_factory=dict)
    relations: dict[RelationName, Relation] = field(default_factory=dict)
    routines: dict[tuple[str, str], Routine] = field(default_factory=dict)
    builtin: dict[tuple[str, str], Rights] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)
    remarks: dict[tuple[str, str], str] = field(default_factory=dict)
    """What is seen and not mapped: (item, reason) to where it stood."""

    def things(self) -> Iterator[Database | Schema | Relation | Routine | Server]:
        """Whatever has an owner and rights, itself included."""
        yield self
        yield from self.schemas.values()
        yield from self.relations.values()
        yield from self.routines.values()
        yield from self.servers.values()


@dataclass(slots=True, kw_only=True)
class Cluster:
    """`version`: the server's major one; 0 where no document tells it."""

    version: int = 0
    roles: dict[str, Role] = field(default_factory=dict)
    memberships: list[Membership] = field(default_factory=list)
    parameters: Rights = field(default_factory=dict)
    """Grantee, SET or ALTER SYSTEM, parameter."""
    databases: dict[str, Database] = field(default_factory=dict)
    origin: str = ""

    def named(self) -> Iterator[tuple[str, str]]:
        """Every role that something names, with where that stands; PUBLIC and owners that are not known left out."""
        for membership in self.memberships:
            yield membership.role, membership.origin
            yield membership.member, membership.origin
        yield from _grantees(self.parameters)
        for database in self.databases.values():
            for thing in database.things():
                if thing.owner:
                    yield thing.owner, thing.origin
                yield from _grantees(thing.rights)
            for rights in database.builtin.values():
                yield from _grantees(rights)
            for server in database.servers.values():
                yield from ((role, origin) for role, origin in server.mapped.items() if role != PUBLIC)


def _grantees(rights: Rights) -> Iterator[tuple[str, str]]:
    for (grantee, _, _), origin in rights.items():
        if grantee != PUBLIC:
            yield grantee, origin
