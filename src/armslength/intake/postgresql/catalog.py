"""From what the catalogs of a live server answer to the cluster that they describe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from armslength.intake.postgresql.cluster import (
    Cluster,
    Database,
    Kind,
    Membership,
    Relation,
    Role,
    Routine,
    Schema,
    Server,
)
from armslength.intake.postgresql.dump_database import (
    DEFAULT_PRIVILEGES,
    FOREIGN_WRAPPER,
    LARGE_OBJECTS,
    default_item,
)
from armslength.intake.postgresql.names import shown
from armslength.intake.postgresql.predefined import BUILTIN_SCHEMAS

Answers = Mapping[str, Iterable[Sequence[object]]]
Tell = Callable[[str], None]

KINDS = {
    "r": Kind.TABLE,
    "p": Kind.PARTITIONED,
    "v": Kind.VIEW,
    "m": Kind.MATERIALIZED,
    "S": Kind.SEQUENCE,
    "f": Kind.FOREIGN,
}
"""By pg_class.relkind."""
DEFAULTS = {"r": "tables", "S": "sequences", "f": "functions", "n": "schemas", "L": "large"}
"""By pg_default_acl.defaclobjtype; those of types give nothing."""


def read_catalog(
    version: int,
    cluster: Answers,
    databases: Mapping[str, Answers],
    left: Mapping[str, str],
) -> Cluster:
    """`cluster` and `databases`: rows by the name of the question, as `store.read_postgresql` asks it. `left`:
    databases that were not looked into, with the reason."""
    made = Cluster(version=version, origin="pg_database")
    for name, login, superuser, createrole, replication, inherit in cluster["roles"]:
        made.roles[str(name)] = Role(
            name=str(name),
            origin=shown(f"pg_roles {name}"),
            login=login is True,
            superuser=superuser is True,
            createrole=createrole is True,
            replication=replication is True,
            inherit=inherit is True,
        )
    for role, member, admin, inherit, set_ in cluster["memberships"]:
        of = made.roles.get(str(member))
        built_in = str(role).startswith("pg_") and str(member).startswith("pg_")
        made.memberships.append(
            Membership(
                role=str(role),
                member=str(member),
                admin=admin is True,
                inherit=of is None or of.inherit if inherit is None else inherit is True,
                set_=set_ is not False,
                origin="predefined" if built_in else shown(f"pg_auth_members {role} {member}"),
            )
        )
    for grantee, privilege, parameter in cluster["parameters"]:
        made.parameters[str(grantee), str(privilege), str(parameter)] = shown(f"pg_parameter_acl {parameter}")
    for name, owner in cluster["databases"]:
        if name in databases:
            made.databases[str(name)] = _Reading(str(name), str(owner)).database(databases[str(name)])
    for name, grantee, privilege in cluster["database_rights"]:
        if (database := made.databases.get(str(name))) is not None:
            database.rights[str(grantee), str(privilege), ""] = database.origin
    for name, reason in left.items():
        first = next(iter(made.databases.values()), None)
        if first is not None:
            first.remarks.setdefault((f"database {name}", reason), shown(f"pg_database {name}"))
    return made


class _Reading:
    def __init__(self, name: str, owner: str) -> None:
        self._made = Database(name=name, owner=owner, origin=shown(f"pg_database {name}"))

    def _origin(self, catalog: str, *names: object) -> str:
        return shown(f"{catalog} {self._made.name} {'.'.join(map(str, names))}".strip())

    def database(self, answers: Answers) -> Database:
        self._schemas(answers)
        self._relations(answers)
        self._routines(answers)
        self._servers(answers)
        self._remarks(answers)
        return self._made

    def _schemas(self, answers: Answers) -> None:
        for name, owner in answers["schemas"]:
            origin = self._origin("pg_namespace", name)
            self._made.schemas[str(name)] = Schema(name=str(name), owner=str(owner), origin=origin)
        for name, grantee, privilege in answers["schema_rights"]:
            if (schema := self._made.schemas.get(str(name))) is not None:
                schema.rights[str(grantee), str(privilege), ""] = schema.origin

    def _relations(self, answers: Answers) -> None:
        relations = self._made.relations
        for schema, name, kind, owner, row_security, by_caller in answers["relations"]:
            relations[str(schema), str(name)] = Relation(
                name=str(name),
                kind=KINDS.get(str(kind), Kind.TABLE),
                owner=str(owner),
                origin=self._origin("pg_class", schema, name),
                row_security=row_security is True,
                by_caller=by_caller is True,
            )
        for question in ("relation_rights", "builtin_relation_rights"):
            for schema, name, column, grantee, privilege in answers[question]:
                key = str(schema), str(name)
                relation = relations.get(key)
                if relation is None:
                    if key[0] not in BUILTIN_SCHEMAS:
                        continue
                    origin = self._origin("pg_class", *key)
                    relation = relations[key] = Relation(name=key[1], kind=Kind.TABLE, origin=origin)
                relation.rights[str(grantee), str(privilege), str(column)] = relation.origin
        for schema, name, other_schema, other, ruled in answers["references"]:
            behind = str(other_schema), str(other)
            if (relation := relations.get((str(schema), str(name)))) is not None and behind in relations:
                relation.reads.add(behind)
                relation.ruled = relation.ruled or ruled is True

        for schema, name, function_schema, function in answers["triggers"]:
            if (relation := relations.get((str(schema), str(name)))) is not None:
                relation.fires.add((str(function_schema), str(function)))

    def _routines(self, answers: Answers) -> None:
        for schema, name, arguments, owner, definer, unbounded, on_event in answers["routines"]:
            signature = f"{name}({' '.join(str(arguments).split())})"
            self._made.routines[str(schema), signature] = Routine(
                signature=signature,
                owner=str(owner),
                definer=definer is True,
                unbounded=unbounded is True,
                on_event=on_event is True,
                origin=self._origin("pg_proc", schema, signature),
            )
        for schema, name, arguments, grantee, privilege in answers["routine_rights"]:
            signature = f"{name}({' '.join(str(arguments).split())})"
            if (routine := self._made.routines.get((str(schema), signature))) is not None:
                routine.rights[str(grantee), str(privilege), ""] = routine.origin
        for schema, name, grantee, privilege in answers["builtin_function_rights"]:
            rights = self._made.builtin.setdefault((str(schema), str(name)), {})
            rights[str(grantee), str(privilege), ""] = self._origin("pg_proc", schema, name)

    def _servers(self, answers: Answers) -> None:
        servers = self._made.servers
        for name, owner in answers["servers"]:
            origin = self._origin("pg_foreign_server", name)
            servers[str(name)] = Server(name=str(name), owner=str(owner), origin=origin)
        for name, grantee, privilege in answers["server_rights"]:
            if (server := servers.get(str(name))) is not None:
                server.rights[str(grantee), str(privilege), ""] = server.origin
        for name, user in answers["mappings"]:
            if (server := servers.get(str(name))) is not None:
                server.mapped[str(user)] = self._origin("pg_user_mappings", name)

    def _remarks(self, answers: Answers) -> None:
        made = self._made
        for owner, schema, kind in answers["defaults"]:
            if str(kind) in DEFAULTS:
                where = f"schema {schema} of database {made.name}" if schema else f"database {made.name}"
                item = default_item(str(owner), where, DEFAULTS[str(kind)])
                made.remarks[item, DEFAULT_PRIVILEGES] = self._origin("pg_default_acl", owner)
        for (name,) in answers["wrappers"]:
            item = f"foreign data wrapper {name} of database {made.name}"
            made.remarks[item, FOREIGN_WRAPPER] = self._origin("pg_foreign_data_wrapper", name)
        for _ in answers["large_objects"]:
            item = f"large objects of database {made.name}"
            made.remarks[item, LARGE_OBJECTS] = self._origin("pg_largeobject_metadata")
