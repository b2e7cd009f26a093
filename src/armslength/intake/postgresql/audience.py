"""Whom a right in one database reaches."""

from __future__ import annotations

from collections.abc import Iterable

from armslength.estate import OPERATE
from armslength.intake.harvest import Harvest, Matter
from armslength.intake.postgresql.cluster import PUBLIC, Database
from armslength.intake.postgresql.names import part, shown
from armslength.intake.postgresql.predefined import DATABASE_OWNER, READ_ALL, WRITE_ALL
from armslength.intake.postgresql.roles import Roles


class Audience:
    """Holders in one database; their groups are made when first asked for."""

    def __init__(self, database: Database, roles: Roles, harvest: Harvest) -> None:
        self._database, self._harvest = database, harvest
        self.roles = roles
        self._may: dict[str, str] = {}

    def role(self, name: str) -> str:
        """`pg_database_owner` is whoever owns this database; empty where that is not known."""
        return self._database.owner if name == DATABASE_OWNER else name

    def holder(self, grantee: str, schema: str) -> str:
        """A reference; PUBLIC, of something in a schema, is whoever may connect and use the schema."""
        if grantee == PUBLIC:
            return f"group:{self._may_use(schema)}"
        role = self.role(grantee)
        return self.roles.holds(role) if role else f"group:{self.roles.operators}"

    def own(self, owner: str, id: str, origin: str) -> None:
        if role := self.role(owner):
            self._harvest.grant(self.roles.holds(role), OPERATE, f"asset:{id}", origin=origin)

    def told(self, kind: str, schema: str, name: str) -> str:
        return f"{kind} {schema}.{name} of database {self._database.name}"

    def review(self, matter: Matter, item: str, reason: str, *, origin: str) -> None:
        self._harvest.review(matter, shown(item), shown(reason), origin=origin)

    def _may_use(self, schema: str) -> str:
        """The bare id of the group of those whom a grant to PUBLIC reaches: in a schema, or anywhere ("")."""
        found = self._may.get(schema)
        if found is None:
            found = self._may[schema] = self._made(schema)
        return found

    def _made(self, schema: str) -> str:
        database, harvest = self._database, self._harvest
        name = part(database.name)
        if not schema:
            connect = [grantee for grantee, privilege, _ in database.rights if privilege == "CONNECT"]
            if PUBLIC in connect:
                return self.roles.everyone
            return self._group(harvest.id("may-use", name), [*connect, database.owner], database.origin)
        around, at = self._may_use(""), database.schemas.get(schema)
        if at is None:
            return around
        use = [grantee for grantee, privilege, _ in at.rights if privilege == "USAGE"]
        if PUBLIC in use and around == self.roles.everyone:
            return around
        named = [grantee for grantee in use if grantee != PUBLIC]
        # These two need no USAGE.
        all_ = [role for role in (READ_ALL, WRITE_ALL) if role in self.roles]
        id = self._group(harvest.id("may-use", name, part(schema)), [*named, at.owner, *all_], at.origin)
        if PUBLIC in use:
            harvest.member(id, f"group:{around}", origin=at.origin)
        return id

    def _group(self, id: str, members: Iterable[str], origin: str) -> str:
        self._harvest.group(id, origin=origin)
        for member in dict.fromkeys(self.role(member) for member in members if member):
            if member:
                self._harvest.member(id, self.roles.holds(member), origin=origin)
        return id
