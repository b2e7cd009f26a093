"""SQLite as the ledger's files use it: one writer, WAL, every commit on the disk before it returns."""

from __future__ import annotations

import functools
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Protocol, TypeVar
from urllib.parse import quote

from armslength.store.failure import Damaged, StorageFailed, StoreError

APPLICATION = 0x41726D4C
"""The application id in a file's header: `ArmL`."""
VERSION = 1
WAIT = 5.0
"""Seconds to wait for another connection's lock."""

_DAMAGE = {"SQLITE_ERROR", "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_CONSTRAINT", "SQLITE_MISMATCH", "SQLITE_FORMAT"}

P = ParamSpec("P")
T = TypeVar("T")


class _HasPath(Protocol):
    _path: Path


S = TypeVar("S", bound=_HasPath)


def guarded(call: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """A method whose SQLite errors become `StoreError`s that name the file."""

    @functools.wraps(call)
    def guarding(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(self, *args, **kwargs)
        except sqlite3.Error as error:
            raise failure(self._path, error) from error

    return guarding


def failure(path: Path, error: sqlite3.Error) -> StoreError:
    """What an SQLite error means to whoever keeps the file."""
    name = getattr(error, "sqlite_errorname", "") or ""
    words = f"{path}: {error}" + (f" ({name})" if name else "")
    damaged = any(name.startswith(kind) for kind in _DAMAGE)
    return Damaged(words) if damaged else StorageFailed(words)


def connect(path: Path, *, writing: bool, create: bool = False) -> sqlite3.Connection:
    """A connection in autocommit; transactions are begun by hand. A file that is made has mode 0600.

    Raises `StoreError` where it cannot be opened.
    """
    try:
        if create:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        mode = "rw" if writing else "ro"
        db = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode={mode}",
            uri=True,
            isolation_level=None,
            timeout=WAIT,
            check_same_thread=False,
        )
    except OSError as error:
        raise StorageFailed(f"{path}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise failure(path, error) from error
    try:
        if writing:
            # Before anything that would change the file, were it another program's or an empty one.
            if not create and db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
                raise Damaged(f"{path}: not a file of armslength")
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            # Pages that several batches write are copied into the file once: a third less time at a million entries.
            db.execute("PRAGMA wal_autocheckpoint=4000")
            db.execute("PRAGMA cache_size=-65536")
            # What a reader kept from being copied leaves a large file behind, which slows everybody down.
            db.execute("PRAGMA journal_size_limit=67108864")
            # What an erasure deletes is overwritten with zeroes.
            db.execute("PRAGMA secure_delete=ON")
        db.execute("PRAGMA trusted_schema=OFF")
        db.execute("PRAGMA cell_size_check=ON")
    except sqlite3.Error as error:
        db.close()
        raise failure(path, error) from error
    except StoreError:
        db.close()
        raise
    return db


def migrate(db: sqlite3.Connection, path: Path, schema: str, *, writing: bool) -> None:
    """Make the tables of an empty file; refuse a file of another program or a later version."""
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        owner = db.execute("PRAGMA application_id").fetchone()[0]
        if version == 0 and owner == 0 and writing and not db.execute("SELECT 1 FROM sqlite_schema").fetchone():
            with Transaction(db):
                for statement in schema.split(";"):
                    if statement.strip():
                        db.execute(statement)
                db.execute(f"PRAGMA user_version={VERSION}")
                db.execute(f"PRAGMA application_id={APPLICATION}")
            return
    except sqlite3.Error as error:
        raise failure(path, error) from error
    if owner != APPLICATION:
        raise Damaged(f"{path}: not a file of armslength")
    if version != VERSION:
        raise StoreError(f"{path}: of version {version}; this armslength knows version {VERSION}")


class Integrity(Protocol):
    """A store that can be asked whether its file is whole."""

    def integrity(self) -> list[tuple[str, str]]: ...


def integrity(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """What is wrong with the file as a database, and with the types of what it holds: (table or nothing, problem)."""
    found = [("", said) for (said,) in db.execute("PRAGMA integrity_check(20)") if said != "ok"]
    for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type='table' ORDER BY name").fetchall():
        for _, column, declared, needed, _, _ in db.execute(f"PRAGMA table_info({table})").fetchall():
            kinds = f"'{declared.lower()}'" if needed else f"'{declared.lower()}', 'null'"
            (count,) = db.execute(f"SELECT count(*) FROM {table} WHERE typeof({column}) NOT IN ({kinds})").fetchone()
            if count:
                found.append((table, f"{count} rows whose {column} is no {declared.lower()}"))
    return found


class WriteAhead:
    """The write-ahead log of a connection that writes, where what was erased stands until it is emptied."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._stale = True  # who was here before may have been kept from it

    def empty(self) -> None:
        """Empty it. Where somebody reads from it that has to wait, and `again` does it."""
        self._db.execute("PRAGMA busy_timeout=0")
        try:
            self._stale = bool(self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
        finally:
            self._db.execute(f"PRAGMA busy_timeout={int(1000 * WAIT)}")

    def again(self) -> None:
        """Empty it if that is still to be done."""
        if self._stale:
            self.empty()


class Transaction:
    """BEGIN IMMEDIATE … COMMIT; whatever is raised inside, or by the commit, rolls it back."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")


class Snapshot:
    """BEGIN … COMMIT around reading."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._db.in_transaction:
            self._db.execute("COMMIT")
