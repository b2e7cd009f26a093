"""From what pg_dumpall and pg_dump write to the cluster that they were made of.

`pg_dumpall --globals-only` tells roles, `pg_dump --schema-only --create` one database with its owner and rights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from armslength.intake.postgresql.cluster import Cluster, Membership, Role
from armslength.intake.postgresql.dump_database import DatabaseReading
from armslength.intake.postgresql.dump_grant import grant_of
from armslength.intake.postgresql.dump_text import Dump, Statement, connected, unquoted
from armslength.intake.postgresql.predefined import MEMBERS, roles_of
from armslength.intake.problem import Problems

HOW = "expected what pg_dumpall --globals-only, or pg_dump --schema-only --create, writes as plain text"
Tell = Callable[[str], None]


def read_dumps(files: Mapping[str, bytes], problems: Problems, tell: Tell = lambda _: None) -> Cluster:
    """One cluster of all files. What is wrong is reported, and is worth stopping for before the cluster is used."""
    texts = {name: text for name, data in files.items() if (text := _text(name, data, problems)) is not None}
    reading = _Reading(problems)
    for name, text in texts.items():
        tell(f"reading {name}")
        reading.file(Dump(name, text, problems))
    return reading.cluster(next(iter(files), "dump"))


def _text(file: str, data: bytes, problems: Problems) -> str | None:
    if data.startswith(b"PGDMP"):
        problems.add(file, f"is a dump in pg_dump's own format: {HOW}")
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:4096]:
        problems.add(file, "is not UTF-8: write it with --file=NAME --encoding=UTF8, not by a redirection")
    else:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            problems.add(file, "is not UTF-8: write it with --encoding=UTF8", line=line)
    return None


class _Reading:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._roles: dict[str, dict[str, bool]] = {}
        self._role_origins: dict[str, str] = {}
        self._members: list[tuple[str, str, frozenset[str], str]] = []
        self._cluster = Cluster()
        self._versions: dict[int, str] = {}
        self._databases: dict[str, DatabaseReading] = {}

    def file(self, dump: Dump) -> None:
        database: DatabaseReading | None = None
        known = 0
        roles = len(self._roles)
        for statement in dump.statements():
            tokens = statement.tokens
            if (name := connected(tokens[0])) is not None:
                if not name:
                    self._problems.add(dump.file, "cannot tell which database \\connect names", line=statement.line)
                database = self._database(name, dump, statement)
                known += 1
                continue
            match tokens:
                case ["CREATE" | "ALTER", "ROLE", name, *rest]:
                    self._role(unquoted(name), rest, _origin(dump, statement))
                case ["GRANT", *_] if "ON" not in tokens:
                    self._membership(tokens, _origin(dump, statement), dump, statement)
                case ["GRANT" | "REVOKE", *_] if "PARAMETER" in tokens:
                    self._parameter(dump, statement)
                case ["CREATE", "DATABASE", name, *_]:
                    self._database(unquoted(name), dump, statement)
                case ["ALTER", "DATABASE", name, "OWNER", "TO", owner]:
                    self._database(unquoted(name), dump, statement).database.owner = unquoted(owner)
                case ["GRANT" | "REVOKE", *_] if "DATABASE" in tokens:
                    self._database_rights(dump, statement)
                case ["SET", "client_encoding" | "standard_conforming_strings", "=", _, *_]:
                    self._setting(dump, statement)
                case ["SET" | "SELECT" | "RESET" | "COMMENT" | "DROP", *_] | ["ALTER" | "CREATE", "DATABASE", *_]:
                    pass
                case ["CREATE" | "ALTER" | "COMMENT" | "GRANT", "TABLESPACE", *_]:
                    pass
                case [command, *_] if command.startswith("\\"):
                    pass
                case _ if database is not None:
                    database.statement(statement, _origin(dump, statement))
                case _ if "TABLESPACE" in tokens:
                    pass
                case _:
                    message = f"is no part of a dump of a whole database: {HOW}"
                    self._problems.add(dump.file, message, line=statement.line)
                    return
        if dump.from_version:
            self._versions[dump.from_version] = dump.file
        if not known and len(self._roles) == roles and not self._problems:
            self._problems.add(dump.file, f"holds no role and no database: {HOW}")

    def _setting(self, dump: Dump, statement: Statement) -> None:
        name, value = statement.tokens[1], statement.slice(3, len(statement.tokens) - 1)
        if name == "standard_conforming_strings" and value not in ("on", "'on'"):
            self._problems.add(dump.file, "standard_conforming_strings is off: expected on", line=statement.line)
        if name == "client_encoding" and value not in ("'UTF8'", "'SQL_ASCII'"):
            self._problems.add(dump.file, "is not UTF-8: write it with --encoding=UTF8", line=statement.line)

    def _database(self, name: str, dump: Dump, statement: Statement) -> DatabaseReading:
        found = self._databases.get(name)
        if found is None:
            found = DatabaseReading(name=name, origin=_origin(dump, statement), dump=dump, problems=self._problems)
            self._databases[name] = found
        return found

    def _role(self, name: str, rest: list[str], origin: str) -> None:
        if rest[:1] == ["SET"] or rest[:2] == ["IN", "DATABASE"] or rest[:1] == ["RESET"]:
            return
        attributes = self._roles.setdefault(name, {})
        self._role_origins.setdefault(name, origin)
        for token in rest:
            attributes[token.removeprefix("NO")] = not token.startswith("NO")

    def _membership(self, tokens: list[str], origin: str, dump: Dump, statement: Statement) -> None:
        match tokens:
            case ["GRANT", role, "TO", member, *rest]:
                words = " ".join(rest).partition("GRANTED BY")[0].removeprefix("WITH ").split(" , ")
                self._members.append((unquoted(role), unquoted(member), frozenset(w.strip() for w in words), origin))
            case _:
                self._problems.add(dump.file, "a grant that cannot be read", line=statement.line)

    def _parameter(self, dump: Dump, statement: Statement) -> None:
        grant = grant_of(statement, 0)
        if grant is None:
            self._problems.add(dump.file, "a grant that cannot be read", line=statement.line)
        else:
            grant.apply(self._cluster.parameters, _origin(dump, statement), column=grant.names)

    def _database_rights(self, dump: Dump, statement: Statement) -> None:
        grant = grant_of(statement, 0)
        if grant is None or grant.kind != "DATABASE":
            self._problems.add(dump.file, "a grant that cannot be read", line=statement.line)
        else:
            grant.apply(self._database(grant.names, dump, statement).database.rights, _origin(dump, statement))

    def cluster(self, file: str) -> Cluster:
        """All that was read, checked as a whole."""
        problems, cluster = self._problems, self._cluster
        if len(self._versions) > 1:
            told = ", ".join(f"{name} of {version}" for version, name in sorted(self._versions.items()))
            problems.add(file, f"the dumps are of servers of different versions: {told}")
        modern = any(w.startswith(("INHERIT", "SET")) for _, _, words, _ in self._members for w in words)
        cluster.version = min(self._versions, default=16 if modern else 0)
        if not self._roles and not problems:
            problems.add(file, "no file holds the roles: add what pg_dumpall --globals-only writes")
        for name in roles_of(cluster.version):
            if name not in self._roles:
                cluster.roles[name] = Role(name=name, origin="predefined")
        for name, has in self._roles.items():
            cluster.roles[name] = Role(
                name=name,
                origin=self._role_origins[name],
                login=has.get("LOGIN", False),
                superuser=has.get("SUPERUSER", False),
                createrole=has.get("CREATEROLE", False),
                replication=has.get("REPLICATION", False),
                inherit=has.get("INHERIT", True),
            )
        for role, member in MEMBERS:
            cluster.memberships.append(
                Membership(role=role, member=member, admin=False, inherit=True, set_=True, origin="predefined")
            )
        for role, member, words, origin in self._members:
            of = cluster.roles.get(member)
            inherit = "INHERIT FALSE" not in words and (
                "INHERIT TRUE" in words or "INHERIT OPTION" in words or of is None or of.inherit
            )
            cluster.memberships.append(
                Membership(
                    role=role,
                    member=member,
                    admin="ADMIN OPTION" in words or "ADMIN TRUE" in words,
                    inherit=inherit,
                    set_="SET FALSE" not in words,
                    origin=origin,
                )
            )
        for name, reading in self._databases.items():
            cluster.databases[name] = reading.finish()
        cluster.origin = next(iter(self._role_origins.values()), file).partition(" line ")[0]
        return cluster


def _origin(dump: Dump, statement: Statement) -> str:
    return f"{dump.file} line {statement.line}"
