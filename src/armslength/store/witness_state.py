"""A witness's folder: its keys, the logs it watches, and what it cosigned last for each.

    witness.key   the signing keys, a line each; mode 0600
    state.db      SQLite, one file: logs' verifier keys, the latest cosigned checkpoint of each, split views seen

INVARIANT: a log's latest checkpoint is replaced only by a conditional update from the one that was judged, in a
transaction that is on the disk before `advance` returns. `advance` takes the cosignatures with it, so none can leave
before.

The journal is SQLite's rollback journal and not WAL: whatever is committed is in state.db itself, and a damaged tail of
a write-ahead log would silently be an older state, which for a witness means to sign a second history. The stored note
carries the witness's own signatures, and opening verifies them: a state that was altered is refused, not used.
An older state that is whole cannot be told from the current one; docs/witness.md says what that means for backups.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from armslength.store.database import WAIT, Transaction, failure, migrate
from armslength.store.failure import Damaged, Overtaken, StorageFailed
from armslength.store.witness_keys import check_folder, make_folder, read_keys, write_keys
from armslength.store.writing import sync_folder
from armslength.tlog import Checkpoint, Note, SigningKey, TlogError, VerifierKey, origin_hash, verify_signature

SCHEMA = """
CREATE TABLE signers (vkey TEXT PRIMARY KEY);
CREATE TABLE log_keys (origin TEXT NOT NULL, vkey TEXT NOT NULL, PRIMARY KEY (origin, vkey));
CREATE TABLE latest (hash TEXT PRIMARY KEY, origin TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, root BLOB NOT NULL,
                     time INTEGER NOT NULL, note TEXT NOT NULL);
CREATE TABLE splits (origin TEXT NOT NULL, other TEXT NOT NULL, ours TEXT NOT NULL, PRIMARY KEY (origin, other));
"""
MOST_SPLITS = 16
"""Pairs of contradicting checkpoints kept for a log: one is proof enough, and a hostile log can sign any number."""

_STATE = "state.db"
_FIRST = "INSERT OR IGNORE INTO latest (hash, origin, size, root, time, note) VALUES (?,?,?,?,?,?)"
_NEXT = "UPDATE latest SET size=?, root=?, time=?, note=? WHERE hash=? AND size=? AND root=? AND time<=?"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """The latest checkpoint that was cosigned for its log: `note` carries the signatures of the log that were verified
    and the witness's own, all made at `time` (POSIX seconds)."""

    checkpoint: Checkpoint
    time: int
    note: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitView:
    """Two notes that the log signed: one size, two roots. Either the log keeps two histories or its key is lost; the
    two together are the proof."""

    origin: str
    ours: str
    other: str


def create_witness_state(folder: Path, keys: Sequence[SigningKey]) -> None:
    """Make the folder of a new witness. Raises `StoreError` where something is there already, or it cannot be written.

    The keys come last: a folder without them was not finished, and nothing opens it.
    """
    make_folder(folder)
    path = folder / _STATE
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StorageFailed(f"{path}: {error.strerror}") from error
    db = _connect(path)
    try:
        migrate(db, path, SCHEMA, writing=True)
        with Transaction(db):
            db.executemany("INSERT INTO signers VALUES (?)", [(key.verifier.text,) for key in keys])
    except sqlite3.Error as error:
        raise failure(path, error) from error
    finally:
        db.close()
    write_keys(folder, keys)
    sync_folder(folder)
    sync_folder(folder.absolute().parent)


class WitnessState:
    """The folder, open. Any number of threads and processes may use one folder at the same time.

    After an error the file is closed, and the next call opens it again with every check, as at the start.
    """

    def __init__(self, folder: Path) -> None:
        """Raises `StoreError` where the folder is no witness's, its keys may be read by others, or anything in it does
        not add up."""
        check_folder(folder)
        self._path = folder / _STATE
        self.keys: tuple[SigningKey, ...] = read_keys(folder)
        self._turn = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._ask(lambda db: None)

    def close(self) -> None:
        with self._turn:
            self._drop()

    # Logs

    def log_keys(self, origin: str) -> tuple[VerifierKey, ...]:
        """The keys that are trusted for a log; none if it is not witnessed."""
        rows = self._ask(
            lambda db: db.execute("SELECT vkey FROM log_keys WHERE origin=? ORDER BY vkey", (origin,)).fetchall()
        )
        return tuple(VerifierKey.parse(vkey) for (vkey,) in rows)

    def origins(self) -> tuple[str, ...]:
        """Every log that is witnessed or once was."""
        query = "SELECT origin FROM log_keys UNION SELECT origin FROM latest ORDER BY origin"
        return tuple(origin for (origin,) in self._ask(lambda db: db.execute(query).fetchall()))

    def trust(self, keys: Iterable[VerifierKey]) -> None:
        """Witness the logs that these keys name, from now on."""
        rows = [(key.name, key.text) for key in keys]

        def write(db: sqlite3.Connection) -> None:
            with Transaction(db):
                db.executemany("INSERT OR IGNORE INTO log_keys VALUES (?,?)", rows)

        self._ask(write)

    def distrust(self, keys: Iterable[VerifierKey]) -> None:
        """Trust these keys no longer. What was cosigned stays: a log that returns goes on from there."""
        rows = [(key.name, key.text) for key in keys]

        def write(db: sqlite3.Connection) -> None:
            with Transaction(db):
                db.executemany("DELETE FROM log_keys WHERE origin=? AND vkey=?", rows)

        self._ask(write)

    # What was cosigned

    def latest(self, origin: str) -> Vouched | None:
        return self.latest_by_hash(origin_hash(origin))

    def latest_by_hash(self, hashed: str) -> Vouched | None:
        """As `latest`, by the SHA-256 of the origin in lower-case hex."""
        query = "SELECT origin, size, root, time, note FROM latest WHERE hash=?"
        row = self._ask(lambda db: db.execute(query, (hashed,)).fetchone())
        return None if row is None else _vouched(self._path, row)

    def advance(self, new: Vouched, *, after: Vouched | None) -> None:
        """Put `new` in the place of `after`, durably.

        Raises `Overtaken` if another checkpoint is there by now, or one that was cosigned later than `new`;
        `StoreError` where it cannot be written, and then `new` must not be shown.
        """
        at = new.checkpoint
        hashed = origin_hash(at.origin)
        row = (at.size, at.root, new.time, new.note.format())

        def write(db: sqlite3.Connection) -> None:
            with Transaction(db):
                if after is None:
                    moved = db.execute(_FIRST, (hashed, at.origin, *row))
                else:
                    old = after.checkpoint
                    moved = db.execute(_NEXT, (*row, hashed, old.size, old.root, new.time))
                if moved.rowcount != 1:
                    raise Overtaken(f"{self._path}: another checkpoint of {at.origin!r} was cosigned meanwhile")

        self._ask(write)

    # Split views

    def keep_split(self, split: SplitView) -> None:
        """Keep the proof that a log signed two roots for one size; at most `MOST_SPLITS` for a log."""

        def write(db: sqlite3.Connection) -> None:
            with Transaction(db):
                count = db.execute("SELECT count(*) FROM splits WHERE origin=?", (split.origin,)).fetchone()[0]
                if count < MOST_SPLITS:
                    row = (split.origin, split.other, split.ours)
                    db.execute("INSERT OR IGNORE INTO splits VALUES (?,?,?)", row)

        self._ask(write)

    def splits(self) -> tuple[SplitView, ...]:
        query = "SELECT origin, other, ours FROM splits ORDER BY origin, other"
        rows = self._ask(lambda db: db.execute(query).fetchall())
        return tuple(SplitView(origin=origin, other=other, ours=ours) for origin, other, ours in rows)

    # The file

    def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        with self._turn, self._opened() as db:
            return question(db)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            if self._db is None:
                self._db = _connect(self._path)
                migrate(self._db, self._path, SCHEMA, writing=False)
                _check(self._db, self._path, self.keys)
            yield self._db
        except Overtaken:
            raise
        except sqlite3.Error as error:
            self._drop()
            raise failure(self._path, error) from error
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.close()


def _connect(path: Path) -> sqlite3.Connection:
    """A connection to a file that is there. EXTRA syncs the folder too once the journal is gone: after a power cut a
    journal that came back would undo a commit."""
    try:
        uri = f"file:{quote(str(path.absolute()))}?mode=rw"
        db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=WAIT, check_same_thread=False)
        db.execute("PRAGMA synchronous=EXTRA")
        db.execute("PRAGMA trusted_schema=OFF")
        db.execute("PRAGMA cell_size_check=ON")
    except sqlite3.Error as error:
        raise failure(path, error) from error
    return db


def _check(db: sqlite3.Connection, path: Path, keys: Sequence[SigningKey]) -> None:
    """Raises `Damaged` unless the file is whole, is these keys' own, and they cosigned every checkpoint in it."""
    for pragma in ("integrity_check", "journal_mode"):
        found = str(db.execute(f"PRAGMA {pragma}").fetchone()[0])
        if found != {"integrity_check": "ok", "journal_mode": "delete"}[pragma]:
            raise Damaged(f"{path}: {pragma}: {found.splitlines()[0] if found else 'nothing'}")
    signers = {vkey for (vkey,) in db.execute("SELECT vkey FROM signers")}
    if signers != {key.verifier.text for key in keys}:
        raise Damaged(f"{path}: is the state of another witness: its keys are not those of witness.key")
    for hashed, *row in db.execute("SELECT hash, origin, size, root, time, note FROM latest"):
        vouched = _vouched(path, row)
        if hashed != origin_hash(vouched.checkpoint.origin):
            raise Damaged(f"{path}: the hash of {row[0]!r} is not that of its origin")
        for key in keys:
            try:
                verified = verify_signature(vouched.note, key.verifier)
            except TlogError as error:
                raise Damaged(f"{path}: the latest checkpoint of {row[0]!r}: {error}") from error
            if verified is None or verified.timestamp != vouched.time:
                raise Damaged(f"{path}: the latest checkpoint of {row[0]!r} was not cosigned at its time")
    for origin, vkey in db.execute("SELECT origin, vkey FROM log_keys"):
        try:
            named = VerifierKey.parse(vkey).name
        except TlogError as error:
            raise Damaged(f"{path}: a key of {origin!r}: {error}") from error
        if named != origin:
            raise Damaged(f"{path}: a key of {origin!r} names {named!r}")


def _vouched(path: Path, row: Sequence[object]) -> Vouched:
    """Raises `Damaged` where the columns do not say what the note says."""
    origin, size, root, time, text = row
    try:
        note = Note.parse(str(text))
        checkpoint = Checkpoint.parse(note.text)
    except TlogError as error:
        raise Damaged(f"{path}: the latest checkpoint of {origin!r}: {error}") from error
    if (checkpoint.origin, checkpoint.size, checkpoint.root) != (origin, size, root) or not isinstance(time, int):
        raise Damaged(f"{path}: the latest checkpoint of {origin!r} is not what its note says")
    return Vouched(checkpoint=checkpoint, time=time, note=note)
