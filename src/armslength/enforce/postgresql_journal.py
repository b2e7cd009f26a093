"""What a point has to know after a crash: the roles that it made or was about to make, how far the log was read, and
the statements that the gate does not have yet. One SQLite file; what a method did is on the disk when it returns.

INVARIANT: how far the log was read and the batches made of it change in one transaction, so each line is in one batch,
whenever the process ends.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from armslength.enforce.failure import SpoolFailed
from armslength.enforce.postgresql_log import Place
from armslength.gate import LeaseId, PersonId, Target
from armslength.tlog import Json

_TABLES = """
CREATE TABLE IF NOT EXISTS role (
    name TEXT PRIMARY KEY, lease TEXT NOT NULL, executor TEXT NOT NULL, action TEXT NOT NULL, resource TEXT NOT NULL,
    customers TEXT NOT NULL, ends INTEGER NOT NULL, use BLOB NOT NULL, counted INTEGER NOT NULL,
    live INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS place (
    one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT, inode INTEGER, upto INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS session (id TEXT PRIMARY KEY, role TEXT NOT NULL, next INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS batch (number INTEGER PRIMARY KEY, form TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS odd (number INTEGER PRIMARY KEY, form TEXT NOT NULL, problem TEXT NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleKept:
    """`use` is the one by which its lease was redeemed for it; `ends` POSIX seconds; `counted`: the gate counts what it
    is used for; not `live`: perhaps it was made, perhaps not."""

    name: str
    lease: LeaseId
    executor: PersonId
    action: str
    resource: Target
    customers: tuple[str, ...]
    ends: int
    use: bytes
    counted: bool
    live: bool


class PostgresqlJournal:
    """One process has it; any number of its threads may use it. All raise `SpoolFailed`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "point.db"
        self._lock = threading.Lock()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._db = sqlite3.connect(self._path, isolation_level=None, timeout=5, check_same_thread=False)
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA synchronous = EXTRA")
            self._db.executescript(f"BEGIN EXCLUSIVE; {_TABLES} COMMIT;")
        except (OSError, sqlite3.Error) as error:
            told = error.strerror if isinstance(error, OSError) else error
            raise SpoolFailed(f"{self._path}: {told}; does another point run?") from error

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise SpoolFailed(f"{self._path}: {error}") from error

    # Roles

    def roles(self) -> dict[str, RoleKept]:
        with self._changing() as db:
            found = db.execute(
                "SELECT name, lease, executor, action, resource, customers, ends, use, counted, live FROM role"
            )
            return {row[0]: _role(row) for row in found}

    def put_role(self, role: RoleKept) -> None:
        values = (
            role.name,
            role.lease,
            role.executor,
            role.action,
            str(role.resource),
            json.dumps(role.customers),
            role.ends,
            role.use,
            int(role.counted),
            int(role.live),
        )
        with self._changing() as db:
            db.execute("INSERT OR REPLACE INTO role VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def drop_role(self, name: str) -> None:
        """It is not on the server any more, and all that it wrote into the log was read."""
        with self._changing() as db:
            db.execute("DELETE FROM role WHERE name = ?", (name,))
            db.execute("DELETE FROM session WHERE role = ?", (name,))

    # The log

    def place(self) -> Place | None:
        with self._changing() as db:
            row = db.execute("SELECT name, inode, upto FROM place").fetchone()
        return None if row is None else Place(name=row[0], inode=row[1], offset=row[2])

    def sessions(self) -> list[tuple[str, int]]:
        with self._changing() as db:
            return [(id, number) for id, number in db.execute("SELECT id, next FROM session")]

    def read(
        self, place: Place, sessions: Mapping[str, tuple[str, int]], batches: Sequence[Mapping[str, Json]]
    ) -> None:
        """The log was read up to here: `sessions` are those that went on, with their role and next line."""
        with self._changing() as db:
            db.execute("INSERT OR REPLACE INTO place VALUES (1, ?, ?, ?)", (place.name, place.inode, place.offset))
            db.executemany(
                "INSERT OR REPLACE INTO session VALUES (?, ?, ?)",
                [(id, role, number) for id, (role, number) in sessions.items()],
            )
            db.executemany(
                "INSERT INTO batch (form) VALUES (?)",
                [(json.dumps(form, separators=(",", ":"), sort_keys=True),) for form in batches],
            )

    # What waits for the gate

    def batches(self, most: int) -> list[tuple[int, dict[str, Json]]]:
        """The oldest."""
        with self._changing() as db:
            found = db.execute("SELECT number, form FROM batch ORDER BY number LIMIT ?", (most,)).fetchall()
        return [(number, json.loads(form)) for number, form in found]

    def done(self, problems: Mapping[int, str | None]) -> None:
        """These have an answer; one with a problem is kept beside, for somebody to look at."""
        with self._changing() as db:
            for number, problem in problems.items():
                if problem is not None:
                    db.execute(
                        "INSERT OR IGNORE INTO odd SELECT number, form, ? FROM batch WHERE number = ?",
                        (problem, number),
                    )
                db.execute("DELETE FROM batch WHERE number = ?", (number,))

    def waiting(self) -> tuple[int, int, int]:
        """Batches that wait, their bytes, and those that the gate did not want."""
        with self._changing() as db:
            count, size = db.execute("SELECT count(*), coalesce(sum(length(form)), 0) FROM batch").fetchone()
            odd = db.execute("SELECT count(*) FROM odd").fetchone()[0]
        return count, size, odd


def _role(row: tuple[str, str, str, str, str, str, int, bytes, int, int]) -> RoleKept:
    kind, _, id = row[4].partition(":")
    return RoleKept(
        name=row[0],
        lease=LeaseId(row[1]),
        executor=PersonId(row[2]),
        action=row[3],
        resource=Target(type=kind, id=id),
        customers=tuple(json.loads(row[5])),
        ends=row[6],
        use=bytes(row[7]),
        counted=bool(row[8]),
        live=bool(row[9]),
    )
