"""A gate's database: rows of the gate's state, and what is no record: evidence, sessions, notices.

    with database.reading() as tables:
        row = tables.rows.read("request", id)
    database.change(lambda tables: tables.rows.claim("request", id, version=row.version, act=act, at=now))

A file of SQLite in WAL mode, or a PostgreSQL database that several gates have, through SQLAlchemy Core: when a change
returns it is on the disk, unless the caller can do without; a power failure then leaves the database as it was a moment
before. One connection writes, many read; any number of threads may use both. Whatever goes wrong is a `StoreError`, and
then nothing of the transaction was changed, but for a commit of which nobody can tell (`StorageFailed`).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from armslength.store.failure import StorageFailed, StoreError
from armslength.store.gate_away import GateAway
from armslength.store.gate_directory import GateDirectories
from armslength.store.gate_engine import GateEngine, Undone
from armslength.store.gate_evidence import GateEvidence
from armslength.store.gate_idempotency import GateIdempotency
from armslength.store.gate_outbox import GateOutbox
from armslength.store.gate_rows import GateRows
from armslength.store.gate_schema import SHARED_ROWS
from armslength.store.gate_sessions import GateCeremonies, GateSessions
from armslength.store.gate_snapshot import GateSnapshots
from armslength.store.gate_sqlite import SqliteGate
from armslength.store.postgresql_place import StorePlace

T = TypeVar("T")

TOGETHER = 256
"""Most changes in one commit."""
TRIES = 3
"""How often a change is done by itself that others were in the way of."""
LONGEST, LONGEST_ALL = 1.5, 10.0
"""Seconds after which it is not done again; and after which no change is of those that were done together."""


class GateTables:
    """Everything in the database, within one transaction: of no use after it."""

    def __init__(self, db: Connection, where: str) -> None:
        self.rows = GateRows(db, where)
        self.shared_rows = GateRows(db, where, SHARED_ROWS) if db.dialect.name == "postgresql" else self.rows
        self.evidence = GateEvidence(db, where)
        self.idempotency = GateIdempotency(db)
        self.sessions = GateSessions(db)
        self.ceremonies = GateCeremonies(db)
        self.outbox = GateOutbox(db)
        self.away = GateAway(db)
        self.snapshots = GateSnapshots(db)
        self.directories = GateDirectories(db)


class GateDatabase:
    """A gate's database, open."""

    def __init__(
        self,
        place: StorePlace,
        *,
        origin: str,
        url: str = "",
        create: bool = False,
        site: str = "",
        joining: bool = False,
        serving: bool = False,
    ) -> None:
        """Open the database of the gate whose ledger's origin is `origin`; `create` makes it. One of an earlier version
        is taken to the newest. On a PostgreSQL database `url` has to be the one of all gates there, and `site` names
        this gate among those that share it; with `joining` the gate that is made finds there what others have made; of
        those that open it `serving` one gets in. To a file, that is whoever holds the gate's ledger.

        Raises `StoreError` if it cannot be opened, is another gate's or of a later version, or, with `create`, is there
        already; `Damaged` if it is no gate's.
        """
        self._engine = _engine(place, site, create=create, serving=serving)
        self._where = self._engine.where
        self._lock = Lock()
        self._waiting: list[_Change[object]] = []
        self._front = Lock()
        try:
            self._engine.ready(origin, url=url, create=create, joining=joining)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go; whoever is within a transaction ends it first."""
        with self._lock:
            self._engine.close()

    @contextmanager
    def reading(self) -> Iterator[GateTables]:
        """A transaction that reads: all of one moment. Raises `StorageFailed` if it changes something."""
        with self._engine.reading() as db:
            yield GateTables(db, self._where)

    @contextmanager
    def writing(self) -> Iterator[GateTables]:
        """A transaction of its own, durable once the block has ended; undone if anything is raised within. Nobody else
        of this process writes meanwhile, so nothing is to be waited for in it."""
        with self._lock, self._engine.writing(durable=True) as db:
            yield GateTables(db, self._where)

    def change(self, work: Callable[[GateTables], T], *, durable: bool = True) -> T:
        """Do `work` in a transaction, durable once this returns; if it raises, what it did is undone and the exception
        is raised here. Without `durable`, a power failure may undo it and what came after it in a file, but nothing
        before: for what can be made again from elsewhere. A killed process undoes nothing.

        Threads that ask at the same time share a commit, which is what takes the time: prefer this to `writing` for
        what every request does. `work` must not wait for anything, nor call `change` itself; where gates that share the
        database get in each other's way it is undone and done again."""
        mine: _Change[T] = _Change(work, durable)
        with self._front:
            self._waiting.append(cast("_Change[object]", mine))
        with self._lock:
            while not mine.future.done():  # nobody who held the lock meanwhile has done it
                self._together()
        return mine.future.result()

    def unmake(self, *, shared: bool) -> None:
        """Take away what `create` has made, where the rest of the gate could not be made: with `shared`, what gates
        share as well. A file is its folder's to take away."""
        with self._lock:
            self._engine.unmake(shared=shared)

    def purge(self) -> None:
        """Have what was dropped leave the disk, as far as the database can: for an erasure. Where somebody reads
        meanwhile, call it again later."""
        with self._lock:
            self._engine.purge()

    def integrity(self) -> list[tuple[str, str]]:
        """What is wrong with it as a database, and with the types of what it holds: (table or nothing, problem)."""
        return self._engine.integrity()

    def version(self) -> int:
        """Of its tables."""
        return self._engine.version()

    def _together(self) -> None:
        """Do what waits, in one transaction with a savepoint for each. The caller holds the lock."""
        with self._front:
            changes, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
        try:
            try:
                self._commit(changes)
            except Undone as error:
                self._again(changes, error)
        except StoreError as error:
            for each in changes:
                each.fail(error)
        except BaseException:
            for each in changes:
                each.fail(StorageFailed(f"{self._where}: interrupted while it was written"))
            raise

    def _commit(self, changes: Sequence[_Change[object]]) -> None:
        with self._engine.writing(durable=any(each.durable for each in changes)) as db:
            for each in changes:
                each.do(db, self._engine)
        for each in changes:
            each.settle()

    def _again(self, changes: Sequence[_Change[object]], error: Undone) -> None:
        """Each by itself: what holds few rows for a short time is in nobody's way."""
        end = time.monotonic() + LONGEST_ALL
        for each in changes:
            failed, until = error, min(end, time.monotonic() + LONGEST)
            for _ in range(TRIES):
                if time.monotonic() > until:
                    break
                try:
                    self._commit([each])
                    break
                except Undone as undone:
                    failed = undone
            each.fail(failed)


class _Change(Generic[T]):
    """A change that waits to be committed, alone or with others."""

    def __init__(self, work: Callable[[GateTables], T], durable: bool) -> None:
        self.durable = durable
        self.future: Future[T] = Future()
        self._work = work
        self._outcome: T | Exception
        self._failed = False

    def do(self, db: Connection, engine: GateEngine) -> None:
        """Its own failure undoes it alone; that of the database is raised, and undoes all."""
        self._failed = False
        db.exec_driver_sql("SAVEPOINT mine")
        try:
            self._outcome = self._work(GateTables(db, engine.where))
        except DBAPIError as error:
            if not engine.own(error):
                raise
            self._outcome, self._failed = engine.failure(error), True
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

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


def _engine(place: StorePlace, site: str, *, create: bool, serving: bool) -> GateEngine:
    if isinstance(place, Path):
        return SqliteGate(place, create=create)
    from armslength.store.gate_postgresql import PostgresqlGate

    return PostgresqlGate(place, site, serving=serving)
