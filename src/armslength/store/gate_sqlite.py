"""A gate's database in a file: SQLite in WAL mode. One connection writes, many read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import QueuePool, StaticPool

from armslength.store.database import WriteAhead, connect, failure, integrity
from armslength.store.failure import Damaged, StorageFailed, StoreError
from armslength.store.gate_engine import PATIENCE, READERS
from armslength.store.gate_migrations import STEPS, check_gate_tables, gate_version, migrate_gate
from armslength.store.gate_schema import GATE


class SqliteGate:
    """A `GateEngine`."""

    def __init__(self, path: Path, *, create: bool) -> None:
        """Raises `StoreError`."""
        self.where = str(path)
        self._path = path
        if create and os.path.lexists(path):
            raise StoreError(f"{path}: is there already; a gate's database is made once")
        connection = _connected(path, writing=True, create=create)
        self._writer = _engine(lambda: connection, "BEGIN IMMEDIATE", StaticPool)
        self._readers = _engine(lambda: _connected(path, writing=False), "BEGIN", QueuePool)

    def ready(self, origin: str, *, url: str, create: bool, joining: bool) -> None:
        with self.writing(durable=True) as db:
            if not create and gate_version(db, self._path) == 0:
                raise Damaged(f"{self._path}: not the database of a gate")
            migrate_gate(db, self._path, STEPS)
            check_gate_tables(db, self._path, STEPS)
            if create:
                db.execute(GATE.insert().values(one=1, origin=origin))
            said = db.execute(select(GATE.c.origin)).scalar_one_or_none()
            if said != origin:
                raise StoreError(f"{self._path}: of the gate {said!r}; expected that of {origin!r}")

    def close(self) -> None:
        self._readers.dispose()
        self._writer.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._failing(), self._readers.connect() as db, db.begin():
            yield db

    @contextmanager
    def writing(self, *, durable: bool) -> Iterator[Connection]:
        """`durable`: whether the commit waits for the disk."""
        with self._failing(), self._writer.connect() as db:
            _raw(db).execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            with db.begin():
                yield db

    def failure(self, error: DBAPIError) -> StoreError:
        if isinstance(error.orig, sqlite3.Error):
            return failure(self._path, error.orig)
        return StorageFailed(f"{self._path}: {error.orig}")

    def own(self, error: DBAPIError) -> bool:
        """A full disk has undone all of it already, savepoints included."""
        return isinstance(error, IntegrityError)

    def unmake(self, *, shared: bool) -> None:
        pass

    def purge(self) -> None:
        """Empty the write-ahead log: with it goes what was dropped, which SQLite has overwritten in the file. Where
        somebody reads meanwhile, call it again later."""
        with self._failing(), self._writer.connect() as db:
            WriteAhead(_raw(db)).empty()

    def integrity(self) -> list[tuple[str, str]]:
        with self._failing(), self._readers.connect() as db:
            # What ANALYZE leaves has columns without a type.
            return [each for each in integrity(_raw(db)) if not each[0].startswith("sqlite_")]

    def version(self) -> int:
        with self.reading() as db:
            return gate_version(db, self._path)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self.failure(error) from error
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise StorageFailed(f"{self._path}: {error}") from error


def _connected(path: Path, *, writing: bool, create: bool = False) -> sqlite3.Connection:
    db = connect(path, writing=writing, create=create)
    db.execute("PRAGMA foreign_keys=ON")
    return db


def _engine(creator: Callable[[], sqlite3.Connection], begin: str, pool: type[StaticPool] | type[QueuePool]) -> Engine:
    sizes = {"pool_size": READERS, "max_overflow": READERS, "pool_timeout": PATIENCE} if pool is QueuePool else {}
    engine = create_engine("sqlite+pysqlite://", creator=creator, poolclass=pool, **sizes)

    @event.listens_for(engine, "begin")
    def _(db: Connection) -> None:
        # The driver's connection is in autocommit, so that a transaction begins when we say, and as we say.
        db.exec_driver_sql(begin)

    return engine


def _raw(db: Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, db.connection.dbapi_connection)
