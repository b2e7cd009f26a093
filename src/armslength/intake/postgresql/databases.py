"""One database: its assets, one within the other, and who may do what with them."""

from __future__ import annotations

from armslength.intake.harvest import Harvest, Matter
from armslength.intake.postgresql.audience import Audience
from armslength.intake.postgresql.cluster import PUBLIC, Database, RelationName, Schema
from armslength.intake.postgresql.names import part
from armslength.intake.postgresql.predefined import MAINTAIN, READ_ALL, WRITE_ALL
from armslength.intake.postgresql.relations import Relations
from armslength.intake.postgresql.reviewed import Reviewed
from armslength.intake.postgresql.roles import Roles
from armslength.intake.postgresql.routines import Routines

SHOWN = 5
"""Names that a note repeats."""


class DatabaseMapping:
    def __init__(self, database: Database, roles: Roles, harvest: Harvest, reviewed: Reviewed) -> None:
        self._database, self._roles, self._harvest = database, roles, harvest
        self._id = harvest.id("db", part(database.name))
        self._audience = Audience(database, roles, harvest)
        self._routines = Routines(database, self._id, self._audience, harvest, reviewed)
        self._relations = Relations(database, self._id, self._audience, harvest, self._routines)

    def map(self) -> None:
        database, harvest, audience = self._database, self._harvest, self._audience
        harvest.asset(self._id, kind="postgresql-database", within=self._roles.cluster, origin=database.origin)
        audience.own(database.owner, self._id, database.origin)
        for (grantee, privilege, _), origin in database.rights.items():
            if privilege == "CREATE":
                harvest.grant(audience.holder(grantee, ""), "create", f"asset:{self._id}", origin=origin)
        for role, action in ((READ_ALL, "read"), (WRITE_ALL, "write"), (MAINTAIN, "maintain")):
            if role in self._roles:
                harvest.grant(self._roles.holds(role), action, f"asset:{self._id}", origin=database.origin)
        for schema in dict.fromkeys([*database.schemas, *(s for s, _ in (*database.relations, *database.routines))]):
            self._schema(schema)
        self._routines.map()
        views = self._relations.map()
        self._servers()
        self._list(views, "views that show others' tables", "who has one is taken to have all of what it names")
        self._notes()

    def _schema(self, name: str) -> None:
        schema = self._database.schemas.get(name) or Schema(name=name, origin=self._database.origin)
        id = f"{self._id}/{part(name)}"
        self._harvest.asset(id, kind="postgresql-schema", within=self._id, origin=schema.origin)
        self._audience.own(schema.owner, id, schema.origin)
        for (grantee, privilege, _), origin in schema.rights.items():
            if privilege == "CREATE":
                holder = self._audience.holder(grantee, name)
                self._harvest.grant(holder, "create", f"asset:{id}", origin=origin)

    def _servers(self) -> None:
        harvest, roles, audience = self._harvest, self._roles, self._audience
        for server in self._database.servers.values():
            id = harvest.id("server", part(self._database.name), part(server.name))
            harvest.asset(id, kind="postgresql-foreign-server", within=self._id, origin=server.origin)
            audience.own(server.owner, id, server.origin)
            users = {audience.holder(grantee, ""): origin for (grantee, _, _), origin in server.rights.items()}
            for role, origin in server.mapped.items():
                users.setdefault(audience.holder(role, ""), origin)
            if server.mapped and READ_ALL in roles:
                # The catalog that holds the stored credentials is a table like any other.
                users.setdefault(roles.holds(READ_ALL), server.origin)
            for holder, origin in users.items():
                harvest.grant(holder, "use", f"asset:{id}", origin=origin)

    # notes

    def _list(self, names: list[RelationName], item: str, reason: str) -> None:
        self._tell(sorted(dict.fromkeys(f"{schema}.{name}" for schema, name in names)), item, reason)

    def _tell(self, names: list[str], item: str, reason: str) -> None:
        if names:
            more = f", and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
            item = f"{item} in database {self._database.name}"
            reason = f"{reason}: {', '.join(names[:SHOWN])}{more}"
            self._audience.review(Matter.WIDER, item, reason, origin=self._database.origin)

    def _notes(self) -> None:
        database, audience = self._database, self._audience
        limited = [name for name, relation in database.relations.items() if relation.row_security]
        self._list(limited, "tables with row security", "each is counted whole, whatever its policies leave out")
        self._connections()
        inside: dict[str, set[str]] = {name: set() for name in database.schemas}
        for (within, _), relation in database.relations.items():
            inside.setdefault(within, set()).add(audience.role(relation.owner))
        for (within, _), routine in database.routines.items():
            inside.setdefault(within, set()).add(audience.role(routine.owner))
        everybody = set().union(*inside.values(), (audience.role(s.owner) for s in database.schemas.values()))
        for name, schema in database.schemas.items():
            self._replaces(schema.owner, inside[name], f"schema {name} of database {database.name}", schema.origin)
        self._replaces(database.owner, everybody, f"database {database.name}", database.origin)
        for (item, reason), origin in database.remarks.items():
            audience.review(Matter.UNMAPPED, item, reason, origin=origin)

    def _replaces(self, owner: str, others: set[str], item: str, origin: str) -> None:
        owner = self._audience.role(owner)
        if owner and not self._roles.superuser(owner) and others - {owner, ""}:
            reason = f"its owner, {owner}, can replace what others own in it, and is taken to control all of that"
            self._audience.review(Matter.WIDER, item, reason, origin=origin)

    def _connections(self) -> None:
        """Roles with rights in a database that they may not connect to by themselves."""
        database = self._database
        may = {grantee for grantee, privilege, _ in database.rights if privilege == "CONNECT"}
        if PUBLIC in may:
            return
        given = {
            grantee
            for thing in database.things()
            if thing is not database
            for grantee, _, _ in thing.rights
            if grantee not in (PUBLIC, database.owner)
        }
        reason = "rights of theirs count though they may not connect by themselves"
        self._tell(sorted(given - may), "roles without CONNECT", reason)
