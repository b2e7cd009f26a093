"""An audit log as many keep one: a row for each record in SQLite, each with the hash of the row before it.

It shows a change to whoever knows the newest hash and reads every row from the changed one on. There is no proof that a
single record is in it, nothing is per customer, nothing can be erased, and nobody but its operator signs anything.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

FIRST = bytes(32)


class HashChain:
    """Every commit is on the disk before `record` returns: WAL with synchronous=FULL, as the ledger's own files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS chain"
            " (idx INTEGER PRIMARY KEY, previous BLOB NOT NULL, hash BLOB NOT NULL, record BLOB NOT NULL)"
        )
        newest = self._db.execute("SELECT idx, hash FROM chain ORDER BY idx DESC LIMIT 1").fetchone()
        self._next: int = newest[0] + 1 if newest else 0
        self._last: bytes = newest[1] if newest else FIRST

    def record(self, records: Sequence[bytes]) -> None:
        rows = []
        for index, record in enumerate(records, self._next):
            hashed = sha256(self._last + record).digest()
            rows.append((index, self._last, hashed, record))
            self._last = hashed
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT INTO chain VALUES (?,?,?,?)", rows)
        self._db.execute("COMMIT")
        self._next += len(rows)

    def records(self) -> list[bytes]:
        return [record for (record,) in self._db.execute("SELECT record FROM chain ORDER BY idx")]

    def check(self) -> int:
        """Walk the whole chain, the only way to check any of it. Gives the number of records."""
        last, count = FIRST, 0
        for previous, hashed, record in self._db.execute("SELECT previous, hash, record FROM chain ORDER BY idx"):
            if previous != last or sha256(last + record).digest() != hashed:
                raise ValueError(f"the chain breaks at record {count}")
            last, count = hashed, count + 1
        return count

    def close(self) -> None:
        self._db.close()
