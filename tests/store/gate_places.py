"""The two places of a gate's database, for tests that hold for both: a file, and a database of a server."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from armslength.store import GateDatabase, PostgresqlPlace, postgresql_address
from tests.intake.postgresql.server import PostgresqlServer

ORIGIN = "gate.example.com/acts"
SITE = "one"


@dataclass(frozen=True)
class FileGate:
    path: Path

    def open(self, *, origin: str = ORIGIN, create: bool = False) -> GateDatabase:
        return GateDatabase(self.path, origin=origin, create=create)

    def said(self, statement: str) -> str:
        return statement

    def altered(self, statement: str) -> None:
        """As somebody does it who has the database, with nothing of ours in between."""
        with closing(sqlite3.connect(self.path)) as other, other:
            other.execute(statement)


@dataclass(frozen=True)
class ServerGate:
    server: PostgresqlServer
    database: str = "postgres"
    user: str = "root"
    host: str = ""
    port: int = 0

    @property
    def dsn(self) -> str:
        host, port = self.host or self.server.folder, self.port or self.server.port
        return f"postgresql:///{self.database}?host={host}&port={port}&user={self.user}&sslmode=disable"

    @property
    def place(self) -> PostgresqlPlace:
        return PostgresqlPlace(postgresql_address(self.dsn, {}))

    def open(
        self, *, origin: str = ORIGIN, create: bool = False, site: str = SITE, joining: bool = False
    ) -> GateDatabase:
        return GateDatabase(self.place, origin=origin, create=create, site=site, joining=joining)

    def said(self, statement: str) -> str:
        """A statement of SQLite's, in this server's words."""
        return re.sub(r"\bx'([0-9a-f]*)'", r"'\\x\1'::bytea", statement)

    def altered(self, statement: str) -> None:
        self.server.sql(f"SET search_path = gate_{SITE}, gate_shared; {self.said(statement)}", self.database)

    def emptied(self) -> ServerGate:
        """Without a gate's tables."""
        named = self.server.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'gate\\_%'", self.database)
        self.server.sql("".join(f"DROP SCHEMA {name} CASCADE;" for name in named.split()), self.database)
        return self


GatePlace = FileGate | ServerGate
