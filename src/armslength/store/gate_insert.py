"""`INSERT … ON CONFLICT` in the words of whichever database a gate has: SQLite and PostgreSQL mean the same by it."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Insert = sqlite.Insert
"""As both have it: `on_conflict_do_nothing`, `on_conflict_do_update`, `excluded`."""


def insert(db: Connection, into: Table) -> Insert:
    """An insertion for the database that `db` is a connection of. In a transaction of PostgreSQL that sees what others
    commit meanwhile, a conflict with a row that somebody is inserting waits for them to end."""
    if db.dialect.name == "postgresql":
        return cast(Insert, postgresql.insert(into))
    return sqlite.insert(into)
