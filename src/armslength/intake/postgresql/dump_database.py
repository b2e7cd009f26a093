"""The statements of one database's dump, as far as they say who may do what.

Statements that make or describe things without rights of their own are passed over by kind; those of a kind that is not
known here are listed.
"""

from __future__ import annotations

from armslength.intake.postgresql.cluster import (
    PUBLIC,
    Database,
    Kind,
    Relation,
    RelationName,
    Rights,
    Routine,
    Schema,
    Server,
)
from armslength.intake.postgresql.dump_grant import Grant, arguments, grant_of
from armslength.intake.postgresql.dump_text import YES, Dump, Statement, unquoted
from armslength.intake.postgresql.predefined import BUILTIN_SCHEMAS, DATABASE_OWNER, TRUSTED
from armslength.intake.problem import Problems

PASSED = frozenset(
    "ACCESS AGGREGATE CAST COLLATION CONVERSION CONSTRAINT DOMAIN EVENT INDEX OPERATOR POLICY PUBLICATION STATISTICS "
    "SUBSCRIPTION TEXT TRANSFORM TRIGGER TYPE UNIQUE".split()
)
"""Kinds of things that CREATE and ALTER name, and that give nobody a right to data by themselves."""
VERBS = frozenset("COMMENT SECURITY SET SELECT RESET COPY INSERT DROP REFRESH ANALYZE LOCK".split())
RELATIONS = {
    "TABLE": Kind.TABLE,
    "VIEW": Kind.VIEW,
    "SEQUENCE": Kind.SEQUENCE,
}
FOREIGN_WRAPPER = "who may use it can name any server that it reaches, with credentials of their own"
NO_OWNER = "its owner, and who may connect, are not told: pg_dump --create tells them"
NOT_KNOWN = "a statement that is not known here"


class DatabaseReading:
    """Fills in `database`, statement by statement."""

    def __init__(self, *, name: str, origin: str, dump: Dump, problems: Problems) -> None:
        self._dump, self._problems = dump, problems
        self.database = Database(name=name, origin=origin)
        for privilege in ("CONNECT", "TEMPORARY"):
            self.database.rights[PUBLIC, privilege, ""] = origin
        self._trusted = set(TRUSTED)
        self._created: set[tuple[str, str]] = set()
        self._waiting: tuple[tuple[str, str], Routine] | None = None
        self._names: dict[RelationName, list[RelationName]] = {}
        self._ruled: dict[RelationName, list[RelationName]] = {}
        self._last: tuple[tuple[str, str, str], Rights] | None = None

    def _begin(self) -> None:
        """What pg_dump takes for granted of the schema that every database has; its version stands before that."""
        if "public" in self.database.schemas:
            return
        origin = self.database.origin
        public = Schema(name="public", origin=origin, owner=DATABASE_OWNER)
        public.rights[PUBLIC, "USAGE", ""] = origin
        if 0 < self._dump.by_version < 15:
            public.owner = ""
            public.rights[PUBLIC, "CREATE", ""] = origin
        self.database.schemas["public"] = public

    def statement(self, statement: Statement, origin: str) -> None:
        self._begin()
        tokens = statement.tokens
        match tokens[0]:
            case "GRANT" | "REVOKE":
                self._grant(statement, origin)
            case "ALTER" if tokens[1:3] == ["DEFAULT", "PRIVILEGES"]:
                self._default(tokens, origin)
            case "CREATE":
                self._create(statement, origin)
            case "ALTER":
                self._alter(statement, origin)
            case word if word in VERBS or word.startswith("\\"):
                pass
            case _:
                self._not_known(tokens, origin)

    def _not_known(self, tokens: list[str], origin: str) -> None:
        words = " ".join(token for token in tokens[:2] if token.isalpha() and token.isupper()) or "a statement"
        self.database.remarks.setdefault((f"{words} in database {self.database.name}", NOT_KNOWN), origin)

    def _wrong(self, statement: Statement, message: str) -> None:
        self._problems.add(self._dump.file, message, line=statement.line)

    # things

    def _create(self, statement: Statement, origin: str) -> None:
        tokens = statement.tokens
        place = 3 if tokens[1:3] == ["OR", "REPLACE"] else 1
        while tokens[place : place + 1] and tokens[place] in ("UNLOGGED", "RECURSIVE", "TRUSTED", "PROCEDURAL"):
            place += 1
        match tokens[place:]:
            case ["SCHEMA", name, *_]:
                self._schema(unquoted(name), origin)
            case ["TABLE" | "VIEW" | "SEQUENCE" as kind, *_]:
                self._relation(statement, place + 1, RELATIONS[kind], origin)
            case ["MATERIALIZED", "VIEW", *_]:
                self._relation(statement, place + 2, Kind.MATERIALIZED, origin)
            case ["FOREIGN", "TABLE", *_]:
                self._relation(statement, place + 2, Kind.FOREIGN, origin)
            case ["FOREIGN", "DATA", *_]:
                pass
            case ["RULE", _, *_]:
                self._rule(tokens)
            case ["TRIGGER", *_] | ["CONSTRAINT", "TRIGGER", *_]:
                self._trigger(tokens)
            case ["FUNCTION" | "PROCEDURE", *_]:
                self._routine(statement, place + 1, origin)
            case ["LANGUAGE", name, *_]:
                if "TRUSTED" in tokens[:place]:
                    self._trusted.add(unquoted(name))
            case ["EXTENSION", *rest]:
                rest = rest[3:] if rest[:3] == ["IF", "NOT", "EXISTS"] else rest
                item = f"extension {unquoted(rest[0]) if rest else ''} of database {self.database.name}"
                reason = "a dump does not tell what its tables and functions let people do: a live intake does"
                self.database.remarks.setdefault((item, reason), origin)
            case ["SERVER", name, *_]:
                self.database.servers.setdefault(unquoted(name), Server(name=unquoted(name), origin=origin))
            case ["USER", "MAPPING", "FOR", user, "SERVER", name, *_]:
                server = self.database.servers.setdefault(unquoted(name), Server(name=unquoted(name), origin=origin))
                # pg_dump writes PUBLIC in small letters here; no role can be called so.
                server.mapped.setdefault(PUBLIC if user in ("public", "PUBLIC") else unquoted(user), origin)
            case [word, *_] if word in PASSED:
                pass
            case _:
                self._not_known(tokens, origin)

    def _schema(self, name: str, origin: str) -> Schema:
        return self.database.schemas.setdefault(name, Schema(name=name, origin=origin))

    def _relation(self, statement: Statement, place: int, kind: Kind, origin: str) -> None:
        tokens = statement.tokens
        name = _name(tokens, place)
        if name is None:
            return self._wrong(statement, "names no schema: expected pg_dump of version 10.3 or later")
        relation = self.database.relations.setdefault(name, Relation(name=name[1], kind=kind, origin=origin))
        rest = tokens[place + 3 :]
        if kind in (Kind.VIEW, Kind.MATERIALIZED):
            start = rest.index("AS") if "AS" in rest else 0
            if "security_invoker" in rest[:start]:
                at = rest.index("security_invoker")
                relation.by_caller = rest[at + 1 : at + 3] == ["=", YES] or rest[at + 1] in (")", ",")
            self._names.setdefault(name, []).extend(_pairs(rest[start:]))
        elif kind is Kind.TABLE:
            self._table(relation, name, rest)

    def _table(self, relation: Relation, name: RelationName, rest: list[str]) -> None:
        if "PARTITION" in rest and rest[rest.index("PARTITION") :][1:2] == ["BY"]:
            relation.kind = Kind.PARTITIONED
        if "INHERITS" in rest:
            for parent in _pairs(rest[rest.index("INHERITS") :]):
                self._names.setdefault(parent, []).append(name)
        if rest[:2] == ["PARTITION", "OF"] and (whole := _name(rest, 2)) is not None:
            self._names.setdefault(whole, []).append(name)

    def _rule(self, tokens: list[str]) -> None:
        if "TO" in tokens and (name := _name(tokens, tokens.index("TO") + 1)) is not None:
            found = _pairs(tokens[tokens.index("TO") + 4 :])
            self._names.setdefault(name, []).extend(found)
            self._ruled.setdefault(name, []).extend(found)

    def _trigger(self, tokens: list[str]) -> None:
        if "ON" not in tokens or "EXECUTE" not in tokens:
            return
        name, function = _name(tokens, tokens.index("ON") + 1), _name(tokens, tokens.index("EXECUTE") + 2)
        if name is not None and function is not None and (relation := self.database.relations.get(name)) is not None:
            relation.fires.add(function)

    def _routine(self, statement: Statement, place: int, origin: str) -> None:
        """What it is is told here, which it is by the ALTER … OWNER that comes next."""
        tokens = statement.tokens
        name = _name(tokens, place)
        if name is None:
            return self._wrong(statement, "names no schema: expected pg_dump of version 10.3 or later")
        head: list[str] = []
        depth = 0
        for token in tokens[place + 3 :]:
            depth += (token == "(") - (token == ")")
            if not depth:
                if token in ("AS", "BEGIN", "RETURN"):
                    break
                head.append(token)
        language = unquoted(head[head.index("LANGUAGE") + 1]) if "LANGUAGE" in head[:-1] else "sql"
        definer = "SECURITY" in head and head[head.index("SECURITY") :][1:2] == ["DEFINER"]
        event = "RETURNS" in head and head[head.index("RETURNS") :][1:2] == ["event_trigger"]
        made = Routine(
            signature="", origin=origin, definer=definer, unbounded=language not in self._trusted, on_event=event
        )
        self._waiting = name, made

    def _alter(self, statement: Statement, origin: str) -> None:
        tokens = statement.tokens
        match tokens[1:]:
            case ["SCHEMA", name, "OWNER", "TO", owner]:
                schema = self._schema(unquoted(name), origin)
                schema.owner = unquoted(owner)
            case ["TABLE" | "VIEW" | "SEQUENCE" | "FOREIGN" | "MATERIALIZED", *_]:
                self._alter_relation(tokens, origin)
            case ["FUNCTION" | "PROCEDURE" | "AGGREGATE", *_] if "OWNER" in tokens:
                self._owned_routine(statement)
            case ["SERVER", name, "OWNER", "TO", owner] if unquoted(name) in self.database.servers:
                self.database.servers[unquoted(name)].owner = unquoted(owner)
            case ["FUNCTION" | "PROCEDURE" | "AGGREGATE" | "SERVER" | "LANGUAGE" | "EXTENSION" | "SCHEMA", *_]:
                pass
            case [word, *_] if word in PASSED or word in ("DATABASE", "ROLE", "RULE", "LARGE", "USER"):
                pass
            case _:
                self._not_known(tokens, origin)

    def _alter_relation(self, tokens: list[str], origin: str) -> None:
        place = 3 if tokens[1] in ("FOREIGN", "MATERIALIZED") else 2
        place += tokens[place : place + 1] == ["ONLY"]
        name = _name(tokens, place)
        relation = self.database.relations.get(name) if name is not None else None
        if name is None or relation is None:
            return
        match tokens[place + 3 :]:
            case ["OWNER", "TO", owner]:
                relation.owner = unquoted(owner)
            case ["ENABLE", "ROW", "LEVEL", "SECURITY"]:
                relation.row_security = True
            case ["ATTACH", "PARTITION", *rest] if (part := _name(rest, 0)) is not None:
                self._names.setdefault(name, []).append(part)
            case ["INHERIT", *rest] if (parent := _name(rest, 0)) is not None:
                self._names.setdefault(parent, []).append(name)
            case ["ALTER", "COLUMN", _, "ADD", "GENERATED", *rest] if "SEQUENCE" in rest:
                if (own := _name(rest, rest.index("SEQUENCE") + 2)) is not None:
                    made = Relation(name=own[1], kind=Kind.SEQUENCE, origin=origin, owner=relation.owner)
                    self.database.relations.setdefault(own, made)

    def _owned_routine(self, statement: Statement) -> None:
        tokens = statement.tokens
        name = _name(tokens, 2)
        if name is None or tokens[5:6] != ["("] or tokens[-4:-1] != [")", "OWNER", "TO"]:
            return self._wrong(statement, "a function that cannot be read")
        signature = name[1] + arguments(statement, 5, len(tokens) - 4)
        self._created.add((name[0], signature))
        if tokens[1] != "AGGREGATE" and self._waiting is not None and self._waiting[0] == name:
            made = self._waiting[1]
            self._waiting = None
            made.signature, made.owner = signature, unquoted(tokens[-1])
            made.rights[PUBLIC, "EXECUTE", ""] = made.origin
            if made.definer or made.unbounded:
                self.database.routines[name[0], signature] = made

    # rights

    def _grant(self, statement: Statement, origin: str) -> None:
        grant = grant_of(statement, self._dump.from_version)
        if grant is None:
            return self._wrong(statement, "a grant that cannot be read")
        key = (grant.kind, grant.schema, grant.names)
        # One object's rights come one after the other.
        rights = self._last[1] if self._last is not None and self._last[0] == key else self._rights(grant, origin)
        if rights is not None:
            self._last = key, rights
            grant.apply(rights, origin)

    def _rights(self, grant: Grant, origin: str) -> Rights | None:
        """Those of the object that it names; None where they give nothing that an estate has a row for."""
        database, schema, name = self.database, grant.schema, grant.names
        match grant.kind:
            case "TABLE" | "SEQUENCE":
                kind = Kind.SEQUENCE if grant.kind == "SEQUENCE" else Kind.TABLE
                made = Relation(name=name, kind=kind, origin=origin)
                if grant.revoke and (schema, name) not in database.relations:
                    return None
                return database.relations.setdefault((schema, name), made).rights
            case "SCHEMA":
                if name in BUILTIN_SCHEMAS:
                    return None
                return self._schema(name, origin).rights
            case "FUNCTION" | "PROCEDURE" | "ROUTINE":
                if (routine := database.routines.get((schema, name))) is not None:
                    return routine.rights
                if (schema, name) in self._created or grant.revoke:
                    return None
                return database.builtin.setdefault((schema, name.partition("(")[0]), {})
            case "FOREIGN SERVER":
                return database.servers.setdefault(name, Server(name=name, origin=origin)).rights
            case "FOREIGN DATA WRAPPER" if not grant.revoke:
                item = f"foreign data wrapper {name} of database {database.name}"
                database.remarks.setdefault((item, FOREIGN_WRAPPER), origin)
            case "LARGE OBJECT" if not grant.revoke:
                item = f"large objects of database {database.name}"
                database.remarks.setdefault((item, LARGE_OBJECTS), origin)
        return None

    def _default(self, tokens: list[str], origin: str) -> None:
        match tokens[3:]:
            case ["FOR", "ROLE", owner, "IN", "SCHEMA", schema, "GRANT" | "REVOKE", *rest] if "ON" in rest:
                where = f"schema {unquoted(schema)} of database {self.database.name}"
            case ["FOR", "ROLE", owner, "GRANT" | "REVOKE", *rest] if "ON" in rest:
                where = f"database {self.database.name}"
            case _:
                return self._not_known(tokens, origin)
        kind = " ".join(rest[rest.index("ON") + 1 :][:1]).lower()
        if kind != "types":
            item = default_item(unquoted(owner), where, kind)
            self.database.remarks.setdefault((item, DEFAULT_PRIVILEGES), origin)

    def finish(self) -> Database:
        """The database, once all statements were read."""
        self._begin()
        database = self.database
        if not database.owner:
            database.remarks[f"database {database.name}", NO_OWNER] = database.origin
        owners = [relation.owner for relation in database.relations.values()]
        owners += [routine.owner for routine in database.routines.values()]
        if owners and not any(owners):
            message = "tells no owners: dump without --no-owner, and without --use-set-session-authorization"
            self._problems.add(self._dump.file, message)
        for name, others in self._names.items():
            if (relation := database.relations.get(name)) is not None:
                relation.reads = {other for other in others if other in database.relations and other != name}
                relation.ruled = not relation.reads.isdisjoint(self._ruled.get(name, ()))
        # Rights that an owner has as such.
        for thing in database.things():
            for key in [key for key in thing.rights if key[0] == thing.owner and thing.owner]:
                del thing.rights[key]
        database.builtin = {name: rights for name, rights in database.builtin.items() if rights}
        return database


LARGE_OBJECTS = "grants on single large objects are not told apart"
DEFAULT_PRIVILEGES = "rights on what will be made later: take the source in again then"


def default_item(owner: str, where: str, kind: str) -> str:
    return f"default privileges of {owner} on {kind} in {where}"


def _name(tokens: list[str], place: int) -> RelationName | None:
    """A schema and a name; pg_dump always writes both."""
    if len(tokens) > place + 2 and tokens[place + 1] == ".":
        return unquoted(tokens[place]), unquoted(tokens[place + 2])
    return None


def _pairs(tokens: list[str]) -> list[RelationName]:
    """Whatever may be the name of a relation."""
    return [
        (unquoted(tokens[at - 1]), unquoted(tokens[at + 1])) for at in range(1, len(tokens) - 1) if tokens[at] == "."
    ]
