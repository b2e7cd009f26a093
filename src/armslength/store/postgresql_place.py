"""Where a store stands: a file, or a database of a PostgreSQL server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from armslength.store.postgresql_dsn import PostgresqlAddress, postgresql_address

SCHEMES = ("postgresql://", "postgres://")


@dataclass(frozen=True, slots=True)
class PostgresqlPlace:
    """A database of a PostgreSQL server."""

    address: PostgresqlAddress

    def __str__(self) -> str:
        """For people, and without a password: the same words that the connection's own failures begin with."""
        return f"{self.address} database {self.address.database}"


StorePlace = Path | PostgresqlPlace


def is_postgresql(said: str) -> bool:
    """Whether this is a connection string, and not a path."""
    return said.startswith(SCHEMES)


def store_place(said: str, beside: Path) -> StorePlace:
    """The place that a connection string or a path from the folder `beside` names. Raises `StoreError`."""
    if not is_postgresql(said):
        return beside / said
    return PostgresqlPlace(postgresql_address(said, what="the connection string"))
