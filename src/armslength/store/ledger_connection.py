"""A connection to the log's database beside the writer's own, for the seat and the inbox: shared by threads, opened
again after it broke."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from armslength.store.failure import StoreError
from armslength.store.ledger_folder import LedgerFolder
from armslength.store.postgresql_log import SCHEMA, TABLES
from armslength.store.postgresql_place import PostgresqlPlace
from armslength.store.postgresql_session import PostgresqlSession
from armslength.store.postgresql_tables import PostgresqlTables


class LedgerConnection:
    """One session, which threads use one after the other."""

    def __init__(self, folder: LedgerFolder) -> None:
        """Raises `StoreError` where there is no log."""
        self.place = shared_log(folder)
        self._lock = threading.Lock()
        self._tables = PostgresqlTables(self.place, SCHEMA, TABLES, writing=True, create=False)

    def close(self) -> None:
        with self._lock:
            self._tables.close()

    @contextmanager
    def changing(self) -> Iterator[PostgresqlSession]:
        """A transaction, durable once the block has ended."""
        with self._lock, self._tables.transaction() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[PostgresqlSession]:
        """For one statement that reads."""
        with self._lock:
            yield self._tables.session()


def shared_log(folder: LedgerFolder) -> PostgresqlPlace:
    """The database that the log is in. Raises `StoreError` where it is in a file."""
    place = folder.log
    if not isinstance(place, PostgresqlPlace):
        raise StoreError(
            f"{folder.path}: its log is in a file; several gates share a log in PostgreSQL: armslength ledger move"
        )
    return place
