"""The server that a point stands beside: one connection that is kept, and others for a moment where another database is
meant.

How to connect is passed in (`Connect`): a DB-API connection that is not in autocommit, whose every wait has an end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from armslength.enforce.failure import EnforceError

Connect = Callable[[str], Any]
"""From the name of a database."""

_BEFORE = (
    # What leased people made must not be found in place of what is meant.
    "SET search_path TO pg_catalog",
    "SET lock_timeout TO '5s'",
    "SET statement_timeout TO '20s'",
)


class ServerFailed(EnforceError):
    """The server, or the way to it, said no. `code` is its SQLSTATE, or empty."""

    def __init__(self, says: str, code: str = "") -> None:
        super().__init__(says)
        self.code = code


class PostgresqlServer:
    """For any number of threads; one speaks at a time."""

    def __init__(self, connect: Connect, database: str) -> None:
        """`database` is where the kept connection goes."""
        self._connect, self._database = connect, database
        self._speaking = threading.RLock()
        self._kept: Any = None

    def close(self) -> None:
        with self._speaking:
            self._drop()

    def rows(self, statement: str, *values: object, database: str | None = None) -> list[tuple[Any, ...]]:
        """What one statement selects. Where the kept connection is found broken it is asked once more on a new one, so
        the statement must only look. Raises `ServerFailed`."""
        for last in (False, True):
            try:
                with self._using(database) as connection:
                    cursor = connection.cursor()
                    cursor.execute(statement, values)
                    found = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
                    connection.commit()
                    return found
            except ServerFailed as error:
                if last or error.code or database is not None:
                    raise
        raise AssertionError

    def run(self, statements: Sequence[str], *, database: str | None = None, apart: bool = False) -> None:
        """All in one transaction, or, `apart`, each in none. Raises `ServerFailed`; where the connection broke at the
        end, nobody knows whether it took effect."""
        with self._using(database) as connection:
            connection.autocommit = apart
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            if apart:
                connection.autocommit = False
            else:
                connection.commit()

    def backend(self) -> int:
        """The process that answers us now."""
        return int(self.rows("SELECT pg_backend_pid()")[0][0])

    @contextmanager
    def _using(self, database: str | None) -> Iterator[Any]:
        with self._speaking:
            elsewhere = database is not None and database != self._database
            connection = None
            try:
                if elsewhere:
                    connection = self._new(database or self._database)
                else:
                    if self._kept is None:
                        self._kept = self._new(self._database)
                    connection = self._kept
                yield connection
            except Exception as error:
                if not elsewhere:
                    self._drop()
                raise _failed(error) from None
            finally:
                if elsewhere and connection is not None:
                    _closed(connection)

    def _new(self, database: str) -> Any:
        connection = self._connect(database)
        try:
            cursor = connection.cursor()
            for statement in _BEFORE:
                cursor.execute(statement)
            connection.commit()
        except BaseException:
            _closed(connection)
            raise
        return connection

    def _drop(self) -> None:
        if self._kept is not None:
            connection, self._kept = self._kept, None
            _closed(connection)


def _closed(connection: Any) -> None:
    with suppress(Exception):  # it may be broken
        connection.close()


def _failed(error: Exception) -> ServerFailed:
    """The server's own sentence, or the network's; nothing of what was sent."""
    if isinstance(error, ServerFailed):
        return error
    told = error.args[0] if error.args else ""
    if isinstance(told, dict):
        return ServerFailed(" ".join(str(told.get("M", "refused")).split())[:300], str(told.get("C", "")))
    return ServerFailed(" ".join(str(error).split())[:300] or type(error).__name__)
