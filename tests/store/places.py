"""The two places of a ledger's store, for tests that hold for both: a file, and a database of a server."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from armslength.store import Held, KeyDatabase, KeyStore, Lock, LockStore, LogDatabase, LogStore
from armslength.store.lock import lock_at
from armslength.store.postgresql_dsn import postgresql_address
from armslength.store.postgresql_keys import PostgresqlKeys
from armslength.store.postgresql_lock import PostgresqlLock, read_postgresql_lock
from armslength.store.postgresql_log import PostgresqlLog
from armslength.store.postgresql_place import PostgresqlPlace
from tests.intake.postgresql.server import PostgresqlServer

ORIGIN = "log.example.com/acts"


@dataclass(frozen=True)
class FilePlace:
    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def log(self, **how: Any) -> LogStore:
        return LogDatabase(self.path, **how)

    def keys(self, **how: Any) -> KeyStore:
        return KeyDatabase(self.path, **how)

    def lock(self, *, create: bool = False) -> LockStore:
        return Lock(self.path, create=create)

    def held(self, origin: str = ORIGIN) -> Held:
        return lock_at(self.path, origin)

    def everything(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table."""
        with closing(sqlite3.connect(self.path)) as db:
            tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type='table'")]
            return {table: sorted(db.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}

    def altered(self, statement: str) -> None:
        with closing(sqlite3.connect(self.path)) as db:
            assert db.execute(statement).rowcount != 0
            db.commit()


@dataclass(frozen=True)
class ServerPlace:
    server: PostgresqlServer
    database: str = "postgres"
    user: str = "root"

    @property
    def dsn(self) -> str:
        return f"postgresql://{self.user}@/{self.database}?host={self.server.folder}&port={self.server.port}"

    @property
    def place(self) -> PostgresqlPlace:
        return PostgresqlPlace(postgresql_address(self.dsn, {}))

    def __str__(self) -> str:
        return str(self.place)

    def log(self, **how: Any) -> LogStore:
        return PostgresqlLog(self.place, **how)

    def keys(self, **how: Any) -> KeyStore:
        return PostgresqlKeys(self.place, **how)

    def lock(self, *, create: bool = False) -> LockStore:
        return PostgresqlLock(self.place, ORIGIN, create=create)

    def held(self, origin: str = ORIGIN) -> Held:
        return read_postgresql_lock(self.place, origin)

    def everything(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table, but for the seat, which moves with every try."""
        with self.asking() as asked:
            tables = [
                (schema, name)
                for schema, name in asked(
                    "SELECT schemaname, tablename FROM pg_tables"
                    " WHERE schemaname LIKE 'ledger_%' AND tablename <> 'seat'"
                )
            ]
            return {
                name: sorted((tuple(row) for row in asked(f"SELECT * FROM {schema}.{name}")), key=repr)
                for schema, name in tables
            }

    def altered(self, statement: str) -> None:
        """A statement of SQLite's, in this server's words."""
        said = re.sub(r"\bx'([0-9a-f]*)'", r"'\\x\1'::bytea", statement)
        said = re.sub(r"zeroblob\((\d+)\)", r"decode(repeat('00', \1), 'hex')", said)
        with self.asking() as asked:
            asked(said)

    @contextmanager
    def asking(self) -> Iterator[Any]:
        """Asks the server as somebody else would, with nothing of ours in between."""
        from pg8000.native import Connection

        socket = f"{self.server.folder}/.s.PGSQL.{self.server.port}"
        with closing(Connection(self.user, unix_sock=socket, database=self.database)) as connection:
            connection.run("SET search_path = ledger_log, ledger_keys, ledger_lock")

            def asked(statement: str) -> list[Any]:
                rows = connection.run(statement)
                assert rows is not None or connection.row_count != 0
                return rows or []

            yield asked


Place = FilePlace | ServerPlace
