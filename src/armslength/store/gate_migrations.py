"""How a gate's database came to its tables, step by step; forward only.

Each step is a list of SQLite statements that is never edited once it was released: a database says in `versions` which
steps it has seen, and gets the others in one transaction when it is opened for writing. One that has seen a step that
is not known here is of a later version and is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from armslength.store.database import APPLICATION
from armslength.store.failure import Damaged, StoreError

FIRST = (
    "CREATE TABLE versions (version INTEGER NOT NULL PRIMARY KEY) STRICT",
    "CREATE TABLE gate (one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), origin TEXT NOT NULL) STRICT",
    """CREATE TABLE rows (kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL CHECK (version > 0),
           doc BLOB NOT NULL, person TEXT, status TEXT, due INTEGER, act BLOB CHECK (length(act) = 16), claimed INTEGER,
           PRIMARY KEY (kind, id), CHECK ((act IS NULL) = (claimed IS NULL))) STRICT""",
    "CREATE INDEX rows_by_person ON rows (kind, person, status)",
    "CREATE INDEX rows_by_due ON rows (kind, due)",
    """CREATE TABLE evidence (digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32), media_type TEXT NOT NULL,
           data BLOB NOT NULL, made INTEGER NOT NULL, kept INTEGER NOT NULL CHECK (kept IN (0, 1))) STRICT""",
    """CREATE TABLE opened (request TEXT NOT NULL, person TEXT NOT NULL,
           digest BLOB NOT NULL REFERENCES evidence (digest) ON DELETE CASCADE, at INTEGER NOT NULL,
           PRIMARY KEY (request, person, digest)) STRICT""",
    "CREATE INDEX opened_by_digest ON opened (digest)",
    """CREATE TABLE idempotency (caller TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL CHECK (length(body) = 32),
           answer TEXT NOT NULL, ends INTEGER NOT NULL, PRIMARY KEY (caller, key)) STRICT""",
    "CREATE INDEX idempotency_by_ends ON idempotency (ends)",
    """CREATE TABLE sessions (digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32), person TEXT NOT NULL,
           made INTEGER NOT NULL, seen INTEGER NOT NULL, idle INTEGER NOT NULL, ends INTEGER NOT NULL) STRICT""",
    "CREATE INDEX sessions_by_person ON sessions (person)",
    "CREATE INDEX sessions_by_ends ON sessions (ends)",
    """CREATE TABLE ceremonies (digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32), kind TEXT NOT NULL,
           person TEXT, doc BLOB NOT NULL, ends INTEGER NOT NULL) STRICT""",
    "CREATE INDEX ceremonies_by_ends ON ceremonies (ends)",
    """CREATE TABLE outbox (number INTEGER NOT NULL PRIMARY KEY, mark TEXT NOT NULL, kind TEXT NOT NULL, person TEXT,
           body BLOB NOT NULL, made INTEGER NOT NULL, due INTEGER, tries INTEGER NOT NULL, problem TEXT) STRICT""",
    "CREATE UNIQUE INDEX outbox_by_mark ON outbox (mark)",
    "CREATE INDEX outbox_by_due ON outbox (due)",
    "CREATE INDEX outbox_by_person ON outbox (person, number)",
    """CREATE TABLE away (person TEXT NOT NULL PRIMARY KEY, start INTEGER NOT NULL, ends INTEGER,
           "by" TEXT NOT NULL) STRICT""",
    """CREATE TABLE snapshot (one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL,
           mac BLOB NOT NULL, state BLOB NOT NULL) STRICT""",
    f"PRAGMA application_id={APPLICATION}",
)

SENT = (
    "ALTER TABLE outbox ADD COLUMN sent INTEGER",
    "ALTER TABLE outbox ADD COLUMN seal BLOB",
)

DIRECTORY = (
    """CREATE TABLE directory (directory TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
           external TEXT NOT NULL, stamp INTEGER NOT NULL, doc BLOB NOT NULL, mac BLOB NOT NULL,
           PRIMARY KEY (directory, id)) STRICT""",
    "CREATE INDEX directory_by_kind ON directory (directory, kind, id)",
    "CREATE INDEX directory_by_name ON directory (directory, kind, name)",
    "CREATE INDEX directory_by_external ON directory (directory, kind, external)",
    "CREATE INDEX directory_by_stamp ON directory (directory, stamp)",
)

STEPS: tuple[Sequence[str], ...] = (FIRST, SENT, DIRECTORY)
"""Step n makes version n + 1."""


def migrate_gate(db: Connection, path: Path, steps: Sequence[Sequence[str]] = STEPS) -> int:
    """Take the database, within a transaction that writes, to the newest version; gives how many steps that took.

    Raises `StoreError` for one of a later version, `Damaged` for one that is no gate's.
    """
    version = gate_version(db, path, len(steps))
    for number, statements in enumerate(steps[version:], version + 1):
        for statement in statements:
            db.exec_driver_sql(statement)
        db.exec_driver_sql("INSERT INTO versions VALUES (?)", (number,))
    return len(steps) - version


def check_gate_tables(db: Connection, path: Path, steps: Sequence[Sequence[str]] = STEPS) -> None:
    """That the tables, and whatever else acts on them, are those that the steps make. So what is read has the types
    that were written, and no trigger of somebody else's changes it. Raises `Damaged`."""
    fresh = sqlite3.connect(":memory:")
    try:
        for statements in steps:
            for statement in statements:
                fresh.execute(statement)
        expected = set(fresh.execute(_SCHEMA))
    finally:
        fresh.close()
    found = {tuple(row) for row in db.exec_driver_sql(_SCHEMA)}
    strange = sorted(f"the {kind} {name}" for kind, name, _ in found ^ expected)
    if strange:
        raise Damaged(f"{path}: {', '.join(dict.fromkeys(strange))} differs from what a gate makes, or is missing")


_SCHEMA = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\'"


def gate_version(db: Connection, path: Path, newest: int = len(STEPS)) -> int:
    """The version that the database is of; 0: it is empty. Raises as `migrate_gate` does."""
    tables = {name for (name,) in db.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type='table'")}
    owner = db.exec_driver_sql("PRAGMA application_id").scalar_one()
    if not tables and owner == 0:
        return 0
    if owner != APPLICATION or "versions" not in tables:
        raise Damaged(f"{path}: not the database of a gate")
    seen = [version for (version,) in db.exec_driver_sql("SELECT version FROM versions ORDER BY version")]
    if seen != list(range(1, len(seen) + 1)) or not seen:
        raise Damaged(f"{path}: says that it is of the versions {seen!r}; expected 1, 2 and so on")
    if len(seen) > newest:
        raise StoreError(f"{path}: of version {len(seen)}; this armslength knows version {newest}")
    return len(seen)
