"""A gate's database: rows of the gate's state, and what is no record: evidence, sessions, notices.

    with database.reading() as tables:
        row = tables.rows.read("request", id)
    database.change(lambda tables: tables.rows.claim("request", id, version=row.version, act=act, at=now))

SQLite in WAL mode through SQLAlchemy Core: when a change returns it is on the disk, unless the caller can do without; a
power failure then leaves the database as it was a moment before. One connection writes, many read; any number of
threads may use both. Whatever goes wrong is a `StoreError`, and then nothing of the transaction was changed, but for a
commit of which nobody can tell (`StorageFailed`).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import QueuePool, StaticPool

from armslength.store.database import WriteAhead, connect, failure, integrity
from armslength.store.failure import Damaged, StorageFailed, StoreError
from armslength.store.gate_away import GateAway
from armslength.store.gate_evidence import GateEvidence
from armslength.store.gate_idempotency import GateIdempotency
from armslength.store.gate_migrations import STEPS, check_gate_tables, gate_version, migrate_gate
from armslength.store.gate_outbox import GateOutbox
from armslength.store.gate_rows import GateRows
from armslength.store.gate_schema import GATE
from armslength.store.gate_sessions import GateCeremonies, GateSessions
from armslength.store.gate_snapshot import GateSnapshots

T = TypeVar("T")

READERS = 8
"""Connections that read and are kept; as many again are made and closed when needed."""
PATIENCE = 5.0
"""Seconds that a reader waits for a connection."""
TOGETHER = 256
"""Most changes in one commit."""


class GateTables:
    """Everything in the database, within one transaction: of no use after it."""

    def __init__(self, db: Connection, path: Path) -> None:
        self.rows = GateRows(db, path)
        self.evidence = GateEvidence(db, path)
        self.idempotency = GateIdempotency(db)
        self.sessions = GateSessions(db)
        self.ceremonies = GateCeremonies(db)
        self.outbox = GateOutbox(db)
        self.away = GateAway(db)
        self.snapshots = GateSnapshots(db)


class GateDatabase:
    """A gate's database file, open."""

    def __init__(self, path: Path, *, origin: str, create: bool = False) -> None:
        """Open the database of the gate whose ledger's origin is `origin`; `create` makes it. One of an earlier version
        is taken to the newest.

        Raises `StoreError` if it cannot be opened, is another gate's or of a later version, or, with `create`, is there
        already; `Damaged` if it is no gate's.
        """
        self._path = path
        if create and os.path.lexists(path):
            raise StoreError(f"{path}: is there already; a gate's database is made once")
        connection = _connected(path, writing=True, create=create)
        self._writer = _engine(lambda: connection, "BEGIN IMMEDIATE", StaticPool)
        self._readers = _engine(lambda: _connected(path, writing=False), "BEGIN", QueuePool)
        self._lock = Lock()
        self._waiting: list[_Change[object]] = []
        self._front = Lock()
        try:
            self._ready(origin, create=create)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go; whoever is within a transaction ends it first."""
        self._readers.dispose()
        with self._lock:
            self._writer.dispose()

    @contextmanager
    def reading(self) -> Iterator[GateTables]:
        """A transaction that reads: all of one moment. Raises `StorageFailed` if it changes something."""
        with self._failing(), self._readers.connect() as db, db.begin():
            yield GateTables(db, self._path)

    @contextmanager
    def writing(self) -> Iterator[GateTables]:
        """A transaction of its own, durable once the block has ended; undone if anything is raised within. Nobody else
        writes meanwhile, so nothing is to be waited for in it."""
        with self._lock, self._failing(), self._writer.connect() as db:
            _durable(db, True)
            with db.begin():
                yield GateTables(db, self._path)

    def change(self, work: Callable[[GateTables], T], *, durable: bool = True) -> T:
        """Do `work` in a transaction, durable once this returns; if it raises, what it did is undone and the exception
        is raised here. Without `durable`, a power failure may undo it and what came after it, but nothing before: for
        what can be made again from elsewhere. A killed process undoes nothing.

        Threads that ask at the same time share a commit, which is what takes the time: prefer this to `writing` for
        what every request does. `work` must not wait for anything, nor call `change` itself."""
        mine: _Change[T] = _Change(work, durable)
        with self._front:
            self._waiting.append(cast("_Change[object]", mine))
        with self._lock:
            while not mine.future.done():  # nobody who held the lock meanwhile has done it
                self._together()
        return mine.future.result()

    def purge(self) -> None:
        """Empty the write-ahead log: with it goes what was dropped, which SQLite has overwritten in the file. For an
        erasure; where somebody reads meanwhile, call it again later."""
        with self._lock, self._failing(), self._writer.connect() as db:
            WriteAhead(_raw(db)).empty()

    def integrity(self) -> list[tuple[str, str]]:
        """What is wrong with the file as a database, and with the types of what it holds: (table or nothing,
        problem)."""
        with self._failing(), self._readers.connect() as db:
            # What ANALYZE leaves has columns without a type.
            return [each for each in integrity(_raw(db)) if not each[0].startswith("sqlite_")]

    def version(self) -> int:
        """Of its tables."""
        with self._failing(), self._readers.connect() as db, db.begin():
            return gate_version(db, self._path)

    def _ready(self, origin: str, *, create: bool) -> None:
        with self._failing(), self._writer.connect() as db, db.begin():
            if not create and gate_version(db, self._path) == 0:
                raise Damaged(f"{self._path}: not the database of a gate")
            migrate_gate(db, self._path, STEPS)
            check_gate_tables(db, self._path, STEPS)
            if create:
                db.execute(GATE.insert().values(one=1, origin=origin))
            said = db.execute(select(GATE.c.origin)).scalar_one_or_none()
            if said != origin:
                raise StoreError(f"{self._path}: of the gate {said!r}; expected that of {origin!r}")

    def _together(self) -> None:
        """Do what waits, in one transaction with a savepoint for each. The caller holds the lock."""
        with self._front:
            changes, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
        try:
            with self._failing(), self._writer.connect() as db:
                _durable(db, any(each.durable for each in changes))
                with db.begin():
                    for each in changes:
                        each.do(db, self._path)
        except StoreError as error:
            for each in changes:
                each.future.set_exception(error)
        except BaseException:
            for each in changes:
                each.future.set_exception(StorageFailed(f"{self._path}: interrupted while it was written"))
            raise
        else:
            for each in changes:
                each.settle()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Errors of SQLAlchemy and SQLite become `StoreError`s."""
        try:
            yield
        except DBAPIError as error:
            raise _failure(self._path, error) from error
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise StorageFailed(f"{self._path}: {error}") from error


class _Change(Generic[T]):
    """A change that waits to be committed, alone or with others."""

    def __init__(self, work: Callable[[GateTables], T], durable: bool) -> None:
        self.durable = durable
        self.future: Future[T] = Future()
        self._work = work
        self._outcome: T | Exception
        self._failed = False

    def do(self, db: Connection, path: Path) -> None:
        """Its own failure undoes it alone; that of the database is raised, and undoes all: a full disk has undone all
        of it already, savepoints included."""
        db.exec_driver_sql("SAVEPOINT mine")
        try:
            self._outcome = self._work(GateTables(db, path))
        except IntegrityError as error:
            self._outcome, self._failed = _failure(path, error), True
        except (SQLAlchemyError, sqlite3.Error):
            raise
        except Exception as error:
            self._outcome, self._failed = error, True
        if self._failed:
            db.exec_driver_sql("ROLLBACK TO mine")
        db.exec_driver_sql("RELEASE mine")

    def settle(self) -> None:
        if self._failed:
            self.future.set_exception(cast(Exception, self._outcome))
        else:
            self.future.set_result(cast(T, self._outcome))


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


def _durable(db: Connection, wanted: bool) -> None:
    """Whether the commits from here on wait for the disk. Only between transactions."""
    _raw(db).execute(f"PRAGMA synchronous={'FULL' if wanted else 'NORMAL'}")


def _raw(db: Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, db.connection.dbapi_connection)


def _failure(path: Path, error: DBAPIError) -> StoreError:
    if isinstance(error.orig, sqlite3.Error):
        return failure(path, error.orig)
    return StorageFailed(f"{path}: {error.orig}")
