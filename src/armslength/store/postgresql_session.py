"""A session of a PostgreSQL server as the ledger's stores use it: prepared statements, transactions begun and ended by
hand, every wait bounded on both sides, and a server's error turned into the `StoreError` that it is.

Values go as text: an array of bytes as an array of hexadecimal texts, to be read by `decode(…, 'hex')`.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from armslength.store.failure import Damaged, StorageFailed, StoreError
from armslength.store.postgresql_dsn import PostgresqlAddress
from armslength.store.postgresql_server import connect_postgresql, postgresql_code, postgresql_failure, wait_for

CONNECT, ANSWER = 3.0, 10.0
"""Seconds that connecting and each answer may take."""
LOCKED = 8.0
"""Seconds to wait for a row that another session is changing: longer than `IDLE`, shorter than `ANSWER`."""
IDLE = 3.0
"""Seconds after which the server undoes the transaction of a writer that says nothing: one that was stopped, or whose
network was cut, must not keep the next one out."""
PATIENT = 3600.0
"""Seconds for what reads or sweeps whole tables."""

_DAMAGE = ("22", "23", "XX001", "XX002", "3F000", "42P01", "42703", "42804", "42883")
"""SQLSTATEs of what is not as this program left it: a value, a constraint, a page or index, a table, a column."""
_STALE = ("0A000", "26000")
"""SQLSTATEs of a prepared statement whose tables have become others."""
_SETTINGS = """
SET client_encoding = 'UTF8'; SET standard_conforming_strings = on; SET bytea_output = 'hex';
SET search_path = pg_catalog; SET jit = off; SET enable_seqscan = off;
SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = {readonly};
SET lock_timeout = {locked}; SET statement_timeout = {answer};
SET idle_in_transaction_session_timeout = {idle}
"""
"""Nothing that a database or role has set otherwise may change what a statement means. A plan that was made while a
table was empty would read all of it later on, hence `enable_seqscan`."""

Value = None | int | float | str | bytes | Sequence[int] | Sequence[bytes]


class PostgresqlSession:
    """One connection, for one thread at a time. `known` are the schemas that were looked at over it."""

    def __init__(self, address: PostgresqlAddress, *, writing: bool) -> None:
        """Raises `StoreError`. Without `writing` it can change nothing."""
        self.address = address
        self.writing = writing
        self.broken = False
        self.known: set[str] = set()
        self._prepared: dict[str, tuple[bytes, Any, Any]] = {}
        self._within = False
        self._connection = connect_postgresql(
            address, application="armslength ledger", extra="postgresql", connect=CONNECT, answer=ANSWER
        )
        try:
            self.order(
                _SETTINGS.format(
                    readonly="off" if writing else "on",
                    locked=int(1000 * LOCKED),
                    answer=int(1000 * ANSWER),
                    idle=int(1000 * (IDLE if writing else PATIENT)),
                )
            )
        except BaseException:
            self.close()
            raise

    @property
    def usable(self) -> bool:
        """Whether it may be used for something else: nothing is under way on it, and the server has not ended it."""
        if self.broken or self._within:
            return False
        try:
            return not select.select([self._connection._usock], [], [], 0)[0]
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        """End it, whatever state it is in. To do so again does nothing."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self.broken:  # nobody may be there to hear that it ends
            with suppress(Exception):
                connection._usock.settimeout(0)
        self.broken = True
        with suppress(Exception):
            connection.close()

    def ask(self, sql: str, *values: Value) -> list[list[Any]]:
        """The rows that a statement gives. Raises `StoreError`."""
        return list(self._run(sql, values).rows or ())

    def tell(self, sql: str, *values: Value) -> int:
        """The number of rows that a statement changed. Raises `StoreError`."""
        return int(self._run(sql, values).row_count)

    def order(self, sql: str) -> None:
        """Statements without values, of which some cannot be prepared. Raises `StoreError`."""
        with self._failing():
            self._connection.execute_simple(sql)

    @contextmanager
    def transaction(self, *, begin: str = "BEGIN") -> Iterator[None]:
        """BEGIN … COMMIT; whatever is raised inside undoes it. What a commit that failed did, only a look tells."""
        self.order(begin)
        self._within = True
        try:
            yield
        except BaseException:
            if not self.broken:
                with suppress(StoreError):
                    self.order("ROLLBACK")
            self._within = False
            raise
        notices = self._connection.notices
        notices.clear()
        try:
            self.order("COMMIT")
        finally:
            self._within = False
        warned = [notice for notice in notices if notice.get(b"V", notice.get(b"S")) == b"WARNING"]
        if warned:  # as where the wait for a standby was cut short: it is here, and perhaps nowhere else
            said = " ".join(warned[0].get(b"M", b"").decode("utf-8", "replace").split())[:300]
            raise StorageFailed(f"{self.address} database {self.address.database}: {said}")

    @contextmanager
    def patient(self, seconds: float = PATIENT) -> Iterator[None]:
        """Answers may take longer within it."""
        with self._failing():
            wait_for(self._connection, seconds)
        try:
            self.order(f"SET statement_timeout = {int(1000 * seconds)}")
            yield
        finally:
            if not self.broken:
                with suppress(StoreError):
                    self.order(f"SET statement_timeout = {int(1000 * ANSWER)}")
            if not self.broken:
                wait_for(self._connection, ANSWER)

    def notified(self, seconds: float) -> bool:
        """Wait until a channel that this session listens to is notified, at most so long; whether one was. Raises
        `StoreError`."""
        connection = self._connection
        until = time.monotonic() + seconds
        with self._failing():
            while True:
                connection.execute_simple("SELECT 1")  # takes in what stands before its answer, or finds the end
                if connection.notifications:
                    connection.notifications.clear()
                    return True
                rest = until - time.monotonic()
                if rest <= 0 or not select.select([connection._usock], [], [], rest)[0]:
                    return False

    def _run(self, sql: str, values: Sequence[Value]) -> Any:
        with self._failing():
            prepared = self._prepared.get(sql)
            if prepared is None:
                prepared = self._prepared[sql] = self._connection.prepare_statement(sql, ())
            name, columns, readers = prepared
            return self._connection.execute_named(name, [_text(value) for value in values], columns, readers, sql)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        if self._connection is None:
            raise StorageFailed(f"{self.address} database {self.address.database}: the connection is closed")
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            code = postgresql_code(error)
            self.broken = self.broken or code in ("", *_STALE)
            said = postgresql_failure(self.address, error)
            raise (Damaged(str(said)) if code.startswith(_DAMAGE) else PostgresqlRefused(said, code)) from None
        except BaseException:
            self.broken = True
            raise


class PostgresqlRefused(StorageFailed):
    """`code` is the SQLSTATE that the server gave; empty where it gave none."""

    def __init__(self, said: StoreError, code: str) -> None:
        super().__init__(str(said))
        self.code = code


def _text(value: Value) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return f"{{{','.join(_element(each) for each in value)}}}"


def _element(value: int | bytes) -> str:
    return str(value) if isinstance(value, int) else value.hex() or '""'
