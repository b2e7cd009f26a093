"""The checkpoint lock in a PostgreSQL database, best on a server that is not the log's: what `Lock` is on a file."""

from __future__ import annotations

import time

from armslength.store.failure import Damaged, Overtaken, StorageFailed, StoreError
from armslength.store.lock import Held
from armslength.store.postgresql_place import PostgresqlPlace
from armslength.store.postgresql_session import PostgresqlSession
from armslength.store.postgresql_tables import SETTINGS, PostgresqlTables

SCHEMA = "ledger_lock"
LETTING = 1.0
"""Seconds that the server is given to find out that a connection is gone: of ours, or of a process that was killed."""
LET_GO = "SELECT pg_advisory_unlock_all()"
TABLES = {"lock": "origin text PRIMARY KEY,\nsize bigint NOT NULL,\nroot bytea NOT NULL"}


class PostgresqlLock:
    """The lock store; several logs may share it.

    Without a seat it is held for one log as long as this is open, by an advisory lock of the session, which goes with
    it; where that fails, compare-and-swap still lets one writer win only. Gates that share a seat hold nothing here:
    one whose network is cut would keep the others out.
    """

    def __init__(self, place: PostgresqlPlace, origin: str, *, create: bool = False, seated: bool = False) -> None:
        """Raises `Overtaken` if another process holds it, `StoreError` if it cannot be opened."""
        self._place, self._origin = place, origin
        self._holds = False
        opened = None if seated else self._hold
        self._tables = PostgresqlTables(
            place, SCHEMA, TABLES, writing=True, create=create, opened=opened, ending=LET_GO
        )

    def close(self) -> None:
        """Let go; to do so again does nothing. Whoever opens it next need not wait until the server has seen that this
        connection ended."""
        self._tables.close()

    def create(self, origin: str, at: Held) -> None:
        """Enter a log for the first time. Raises `StoreError` if it is known: a log is made once only."""
        with self._tables.transaction() as session:
            made = session.tell(
                "INSERT INTO ledger_lock.lock VALUES ($1, $2::bigint, $3::bytea) ON CONFLICT DO NOTHING",
                origin,
                at.size,
                at.root,
            )
            if made != 1:
                raise StoreError(f"{self._place}: already knows a log {origin!r}")

    def held(self, origin: str) -> Held:
        """Where it is, after any commit of unknown outcome has one."""
        with self._tables.transaction() as session:
            return _held(session, self._place, origin, " FOR UPDATE")

    def advance(self, origin: str, *, before: Held, after: Held) -> None:
        """Move the lock on, durably. Raises `Overtaken` if it is not at `before`."""
        with self._tables.transaction() as session:
            rows = session.ask(
                "WITH moved AS (UPDATE ledger_lock.lock SET size = $1::bigint, root = $2::bytea"
                f" WHERE origin = $3 AND size = $4::bigint AND root = $5::bytea RETURNING 1) {SETTINGS} FROM moved",
                after.size,
                after.root,
                origin,
                before.size,
                before.root,
            )
            if not rows:
                raise Overtaken(f"{self._place}: the lock of {origin!r} is no longer at size {before.size}")
            self._tables.durable(*rows[0])

    def _hold(self, session: PostgresqlSession) -> None:
        until = time.monotonic() + LETTING
        while not (got := self._taken(session)) and time.monotonic() < until:
            time.sleep(0.05)
        if not got and self._holds:
            raise StorageFailed(f"{self._place}: the connection that broke still holds this log's lock")
        if not got:
            raise Overtaken(
                f"{self._place}: another writer holds this log's lock; one process writes at a time: end the other"
                " first (beside it, armslength ledger serve --read-only gives out what is published)"
            )
        self._holds = True

    def _taken(self, session: PostgresqlSession) -> bool:
        name = f"armslength ledger {self._origin}"
        return bool(session.ask("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", name)[0][0])


def read_postgresql_lock(place: PostgresqlPlace, origin: str) -> Held:
    """What the lock store says of a log, whoever holds it. Raises `StoreError`."""
    tables = PostgresqlTables(place, SCHEMA, TABLES, writing=False, create=False)
    try:
        return _held(tables.session(), place, origin)
    finally:
        tables.close()


def _held(session: PostgresqlSession, place: PostgresqlPlace, origin: str, how: str = "") -> Held:
    rows = session.ask(f"SELECT size, root FROM ledger_lock.lock WHERE origin = $1{how}", origin)
    if not rows:
        raise Damaged(f"{place}: knows no log {origin!r}")
    size, root = rows[0]
    if size is None or root is None or size < 0 or len(root) != 32:
        raise Damaged(f"{place}: what it holds for the log {origin!r} is no size and root")
    return Held(size=size, root=root)
