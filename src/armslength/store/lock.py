"""The checkpoint lock: the newest size and root that this log may have signed, in a store apart from the log's.

Keep it on another disk, or another machine's: who can roll back the log's database should not be able to roll back
this. It moves only by compare-and-swap, so of two writers one loses, and a log restored from an old backup is found
before it signs a second history.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from armslength.store.database import Transaction, connect, guarded, migrate
from armslength.store.failure import Damaged, Overtaken, StorageFailed, StoreError

SCHEMA = "CREATE TABLE lock (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A size and its root."""

    size: int
    root: bytes


class Lock:
    """The lock store of one log, held by this process alone as long as it is open.

    Holding is by `flock` on a file beside it: it goes with the process, however that ends. Where a file system does
    not honour it (some network ones), compare-and-swap still lets one writer win only.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Raises `Overtaken` if another process holds it, `StoreError` if it cannot be opened."""
        self._path = path
        self._held = _hold(path)
        try:
            self._db = connect(path, writing=True, create=create)
            migrate(self._db, path, SCHEMA, writing=True)
        except BaseException:
            os.close(self._held)
            raise

    def close(self) -> None:
        """Let go; to do so again does nothing."""
        self._db.close()
        held, self._held = self._held, -1
        if held >= 0:  # the number may be another file's by the second time
            os.close(held)

    @guarded
    def create(self, origin: str, at: Held) -> None:
        """Enter a log for the first time. Raises `StoreError` if it is known: a log is made once only."""
        with Transaction(self._db):
            if self._db.execute("SELECT 1 FROM lock WHERE origin=?", (origin,)).fetchone():
                raise StoreError(f"{self._path}: already knows a log {origin!r}")
            self._db.execute("INSERT INTO lock VALUES (?,?,?)", (origin, at.size, at.root))

    @guarded
    def held(self, origin: str) -> Held:
        return _held(self._db, self._path, origin)

    @guarded
    def advance(self, origin: str, *, before: Held, after: Held) -> None:
        """Move the lock on, durably. Raises `Overtaken` if it is not at `before`."""
        with Transaction(self._db):
            moved = self._db.execute(
                "UPDATE lock SET size=?, root=? WHERE origin=? AND size=? AND root=?",
                (after.size, after.root, origin, before.size, before.root),
            ).rowcount
        if moved != 1:
            raise Overtaken(f"{self._path}: the lock of {origin!r} is no longer at size {before.size}")


def lock_at(path: Path, origin: str) -> Held:
    """What the lock store at `path` says of a log, whoever holds it. Raises `StoreError`."""
    return _Read(path).held(origin)


class _Read:
    """A look at a lock store, for one question."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @guarded
    def held(self, origin: str) -> Held:
        with closing(connect(self._path, writing=False)) as db:
            return _held(db, self._path, origin)


def _held(db: sqlite3.Connection, path: Path, origin: str) -> Held:
    row = db.execute("SELECT size, root FROM lock WHERE origin=?", (origin,)).fetchone()
    if row is None:
        raise Damaged(f"{path}: knows no log {origin!r}")
    size, root = row
    if not isinstance(size, int) or not isinstance(root, bytes) or len(root) != 32:
        raise Damaged(f"{path}: what it holds for the log {origin!r} is no size and root")
    return Held(size=size, root=root)


def _hold(path: Path) -> int:
    try:
        handle = os.open(path.with_name(path.name + ".held"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageFailed(f"{path}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise Overtaken(
            f"{path}: another writer holds this log's lock; one process writes at a time: end the other first (beside"
            " it, armslength ledger serve --read-only gives out what is published)"
        ) from error
    except OSError as error:
        os.close(handle)
        raise StorageFailed(f"{path}: cannot be locked: {error.strerror}") from error
    return handle
