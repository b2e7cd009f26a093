"""What a gate's database stands on: a file of SQLite (`gate_sqlite`), or a PostgreSQL server (`gate_postgresql`)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from armslength.store.failure import StorageFailed, StoreError

READERS = 8
"""Connections that read and are kept, in a file."""
PATIENCE = 5.0
"""Seconds that a reader waits for a connection."""


class Undone(StorageFailed):
    """Nothing of the transaction was done, since others were in its way; done again it may go well."""


class GateEngine(Protocol):
    """Any number of threads may read; one at a time may do the rest."""

    where: str
    """The database as people know it."""

    def ready(self, origin: str, *, url: str, create: bool, joining: bool) -> None:
        """Make the tables or bring them to the newest version, and check them. Raises as `GateDatabase` does."""

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that reads: all of one moment."""

    def writing(self, *, durable: bool) -> AbstractContextManager[Connection]:
        """A transaction that writes: committed at the end, undone if anything is raised. Raises `StoreError`, and
        `Undone` where that says more."""

    def failure(self, error: DBAPIError) -> StoreError:
        """What the database's error means."""

    def own(self, error: DBAPIError) -> bool:
        """Whether it is what was asked that is wrong: what else was done in the transaction can stay."""

    def unmake(self, *, shared: bool) -> None: ...

    def purge(self) -> None: ...

    def integrity(self) -> list[tuple[str, str]]: ...

    def version(self) -> int: ...

    def close(self) -> None: ...
