"""What a gate has to record and cannot while it is cut off from the ledger: a file of its own, on the disk before
anybody is told."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from armslength.store.database import Transaction, connect, guarded, migrate

SCHEMA = "CREATE TABLE kept (number INTEGER PRIMARY KEY, act BLOB NOT NULL UNIQUE, body BLOB NOT NULL)"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEvent:
    """`act` is the id under which it is recorded, `body` the event in canonical form."""

    act: bytes
    body: bytes = field(repr=False)


class EventJournal:
    """For any number of threads, one at a time. A connection is held only while something is done."""

    def __init__(self, path: Path) -> None:
        """Raises `StoreError` where the file cannot be had."""
        self._path = path
        with closing(connect(path, writing=True, create=True)) as db:
            migrate(db, path, SCHEMA, writing=True)

    @guarded
    def keep(self, event: KeptEvent) -> None:
        """Keep it, durably; one of this act that is there stays as it is. Raises `StoreError`."""
        with closing(connect(self._path, writing=True)) as db, Transaction(db):
            db.execute("INSERT OR IGNORE INTO kept (act, body) VALUES (?,?)", (event.act, event.body))

    @guarded
    def all(self, most: int = -1) -> tuple[KeptEvent, ...]:
        """The oldest `most` of them, in the order in which they were kept; by default all."""
        with closing(connect(self._path, writing=False)) as db:
            rows = db.execute("SELECT act, body FROM kept ORDER BY number LIMIT ?", (most,)).fetchall()
        return tuple(KeptEvent(act=act, body=body) for act, body in rows)

    @guarded
    def count(self) -> int:
        with closing(connect(self._path, writing=False)) as db:
            return int(db.execute("SELECT count(*) FROM kept").fetchone()[0])

    @guarded
    def drop(self, acts: Iterable[bytes]) -> None:
        """These are recorded, or need not be."""
        with closing(connect(self._path, writing=True)) as db, Transaction(db):
            db.executemany("DELETE FROM kept WHERE act=?", [(act,) for act in acts])
