"""The tables of one of the ledger's stores in a PostgreSQL database: a schema of their own, made once, and a session
that is opened again after it broke."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

from armslength.store.failure import Damaged, StorageFailed, StoreError
from armslength.store.postgresql_place import PostgresqlPlace
from armslength.store.postgresql_pool import POOL
from armslength.store.postgresql_session import CONNECT, PostgresqlSession

VERSION = 1
PAUSE = 0.1
"""Seconds between tries to reach a server that is being restarted."""
DURABLE: Final = ("fsync", "full_page_writes")
"""Settings without which what was committed is not on the disk, or not whole. They are asked for with every batch,
since a server takes them up while it runs."""
UNSAFE = "ARMSLENGTH_TESTS_WITHOUT_FSYNC"
"""Set in the environment by tests alone: their servers write to no disk that is to survive anything."""


class PostgresqlTables:
    """A store's schema. For one thread at a time."""

    def __init__(
        self,
        place: PostgresqlPlace,
        schema: str,
        tables: Mapping[str, str],
        *,
        writing: bool,
        create: bool,
        opened: Callable[[PostgresqlSession], None] | None = None,
        listens: bool = False,
        ending: str = "",
    ) -> None:
        """`tables` are their columns and constraints by name; `create` makes them where there are none; `opened` is
        told of every session before it is used; with `listens` the server may say something unasked;
        `ending` is the last statement of a session that is closed in good order. Raises `StoreError`."""
        self.place = place
        self.writing = writing
        self._schema, self._tables, self._opened, self._listens = schema, tables, opened, listens
        self._ending = ending
        self._session: PostgresqlSession | None = None
        self._within = self._reached_before = False
        if create:
            self._make()
        self.session()

    def close(self) -> None:
        """To do so again does nothing."""
        session, self._session = self._session, None
        if session is None:
            return
        if self.writing:
            if self._ending and session.usable:
                with suppress(StoreError):
                    session.order(self._ending)
            session.close()
        else:
            POOL.give_back(session)

    def session(self) -> PostgresqlSession:
        """The session, a new one where the last one broke or was ended. Raises `StoreError`."""
        session = self._session
        if session is not None and not self._within and (session.broken or not (self._listens or session.usable)):
            self.close()
            session = None
        if session is None:
            session = self._connected()
            try:
                self._look(session)
                if self._opened is not None:
                    self._opened(session)
            except BaseException:
                session.close()
                raise
            self._session = session
        return session

    @contextmanager
    def transaction(self) -> Iterator[PostgresqlSession]:
        """BEGIN … COMMIT."""
        session = self.session()
        with self._held(), session.transaction():
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything that is read within is of one moment."""
        session = self.session()
        with self._held(), session.transaction(begin="BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"):
            yield

    def sweep(self, *tables: str) -> bool:
        """Have the server drop the rows that were deleted or replaced; whether it did. It keeps those that an older
        snapshot may still read."""
        with suppress(StoreError):
            session = self.session()
            with session.patient():
                for table in tables:
                    session.order(f"VACUUM {self._schema}.{table}")
            return True
        return False

    def counts(self) -> dict[str, int]:
        """The rows of each table."""
        session = self.session()
        with session.patient():
            return {
                table: int(session.ask(f"SELECT count(*) FROM {self._schema}.{table}")[0][0]) for table in self._tables
            }

    def integrity(self) -> list[tuple[str, str]]:
        """What is wrong with the tables as such: (table or nothing, problem). What a page holds, the server checks
        when it reads it, where its data checksums are on."""
        found = []
        session = self.session()
        for table, columns in self._tables.items():
            rows = session.ask(
                "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
                " WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                f"{self._schema}.{table}",
            )
            there = {name: kind.split()[0] for name, kind, _ in rows}
            told = {
                words[0]: words[1] for line in columns.split(",\n") if (words := line.split()) and words[0].islower()
            }
            if there != told:
                found.append((table, f"has the columns {there}, expected {told}"))
        return found

    @contextmanager
    def _held(self) -> Iterator[None]:
        """A session that breaks within a transaction is not replaced in the middle of it."""
        self._within = True
        try:
            yield
        finally:
            self._within = False

    def _connected(self) -> PostgresqlSession:
        if not self.writing:
            return POOL.lease(self.place.address)
        session = self._reached()
        try:
            self._durable(session)
        except BaseException:
            session.close()
            raise
        return session

    def _reached(self) -> PostgresqlSession:
        """A server that was there and is restarted is waited for a little: a failure would cost a writer more."""
        until = time.monotonic() + (CONNECT if self._reached_before else 0.0)
        while True:
            try:
                session = PostgresqlSession(self.place.address, writing=True)
            except StorageFailed:
                if time.monotonic() >= until:
                    raise
                time.sleep(PAUSE)
            else:
                self._reached_before = True
                return session

    def _durable(self, session: PostgresqlSession) -> None:
        """That a commit is durable when it is answered. How far is the server's to say, as where it waits for standbys,
        but a session does not take up what is changed later."""
        ((said, server, encoding),) = session.ask(
            "SELECT set_config('synchronous_commit', current_setting('synchronous_commit'), false),"
            " current_setting('server_version_num')::int, current_setting('server_encoding')"
        )
        if said == "off":
            raise StorageFailed(
                f"{self.place}: synchronous_commit is off: a receipt would be given for what is on no disk"
            )
        if server < 120000 or encoding != "UTF8":
            raise StoreError(f"{self.place}: expected PostgreSQL 12 or newer, and a database in UTF8")
        self.durable(*session.ask(SETTINGS)[0])

    def durable(self, *said: str) -> None:
        """Raises `StorageFailed` where these, the settings `DURABLE`, are not on."""
        if os.environ.get(UNSAFE):
            return
        off = [name for name, value in zip(DURABLE, said, strict=True) if value != "on"]
        if off:
            raise StorageFailed(
                f"{self.place}: {' and '.join(off)} is off on this server: a receipt would be given for what a power"
                " failure takes; set it on and restart the server"
            )

    def _look(self, session: PostgresqlSession) -> None:
        if self._schema in session.known:
            return
        try:
            rows = session.ask(f"SELECT version FROM {self._schema}.about")
        except Damaged:
            raise Damaged(
                f"{self.place}: has no {self._schema} of armslength; armslength ledger init makes it"
            ) from None
        if not rows:
            raise Damaged(f"{self.place}: what its {self._schema} is, it does not say")
        if rows[0][0] != VERSION:
            raise StoreError(f"{self.place}: of version {rows[0][0]}; this armslength knows version {VERSION}")
        session.known.add(self._schema)

    def _make(self) -> None:
        session = self._connected()
        try:
            with session.transaction():
                session.ask("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))::text", f"armslength {self._schema}")
                if session.ask("SELECT 1 WHERE to_regclass($1) IS NOT NULL", f"{self._schema}.about"):
                    return
                if not session.ask("SELECT 1 FROM pg_namespace WHERE nspname = $1", self._schema):
                    session.order(f"CREATE SCHEMA {self._schema}")
                for table, columns in {"about": "version integer NOT NULL", **self._tables}.items():
                    # The rows that are changed with every batch find room beside themselves.
                    fill = " WITH (fillfactor = 20)" if table in ("state", "seat", "lock") else ""
                    session.order(f"CREATE TABLE {self._schema}.{table} ({columns}){fill}")
                session.tell(f"INSERT INTO {self._schema}.about VALUES ($1::int)", VERSION)
        finally:
            session.close()


SETTINGS = "SELECT " + ", ".join(f"current_setting('{name}')" for name in DURABLE)
