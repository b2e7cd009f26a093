"""What a monitor keeps: a mirror of the log, where it stands, and the evidence it found.

    mirror/       the log's tree as far as it is verified (c2sp.org/tlog-tiles)
    evidence/     a file for each proven misdeed (docs/formats/evidence.md); who moves one away is not told of it again
    state.db      the rest, SQLite

In what order things are written, and what a crash leaves:

    files         entries and tiles that nothing refers to yet; written again
    fetched       how far they go: the next start goes on from there
    settled       the checkpoint that they were found to give; the next start publishes it
    published     the mirror's checkpoint
    evidence      a file that is written again, to the same name, as the audit was not saved
    audited       how far the entries were checked, together with the row for each file of evidence
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from armslength.ledger import AuditState, Chain
from armslength.store.database import Transaction, connect, guarded, migrate
from armslength.store.failure import Damaged, Overtaken, StorageFailed
from armslength.store.mirror import Mirror
from armslength.store.writing import replace_file, sync_folder
from armslength.tlog import EMPTY, Edge, Malformed

SCHEMA = """
CREATE TABLE place (one INTEGER PRIMARY KEY CHECK (one = 1), origin TEXT NOT NULL, size INTEGER NOT NULL,
  root BLOB NOT NULL, note TEXT NOT NULL, since INTEGER NOT NULL, fetched INTEGER NOT NULL);
CREATE TABLE audit (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, edge BLOB NOT NULL,
  time INTEGER NOT NULL, mapped INTEGER NOT NULL, problems INTEGER NOT NULL);
CREATE TABLE chains (handle BLOB PRIMARY KEY, size INTEGER NOT NULL, edge BLOB NOT NULL, last BLOB NOT NULL)
  WITHOUT ROWID;
CREATE TABLE shifts (handle BLOB PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE claims (source TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL,
  since INTEGER NOT NULL, PRIMARY KEY (source, size, root));
CREATE TABLE disputes (path TEXT PRIMARY KEY);
CREATE TABLE evidence (name TEXT PRIMARY KEY, kind TEXT NOT NULL, words TEXT NOT NULL, stands INTEGER NOT NULL,
  since INTEGER NOT NULL)
"""

HASH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far the mirror goes: the newest checkpoint that it was found to give, as a note ("" before the first), and
    since when (POSIX seconds); `fetched` entries, a multiple of 256 or `size`, are in its files."""

    origin: str
    size: int
    root: bytes
    note: str
    since: int
    fetched: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenClaim:
    """A checkpoint that the log signed and that the mirror does not reach yet: who showed it, and since when."""

    source: str
    size: int
    root: bytes
    note: str
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEvidence:
    """A file in the folder of evidence: what it is evidence of, and since when (POSIX seconds). `stands`: it proves
    that by itself."""

    name: str
    kind: str
    words: str
    stands: bool
    since: int


class MonitorFolder:
    """The folder at `path`, made if it is not there, held by this process alone. For one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Raises `Overtaken` if another monitor holds it, `StoreError` if it cannot be used."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            (path / "evidence").mkdir(exist_ok=True)
        except OSError as error:
            raise StorageFailed(f"{path}: {error.strerror}") from error
        self.path = path
        self.mirror = Mirror(path / "mirror")
        self._path = path / "state.db"
        self._held = _hold(path)
        try:
            self._db = connect(self._path, writing=True, create=True)
            migrate(self._db, self._path, SCHEMA, writing=True)
        except BaseException:
            os.close(self._held)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()
        os.close(self._held)

    # How far the mirror goes

    @guarded
    def place(self) -> Place | None:
        """None before a log was followed."""
        row = self._db.execute("SELECT origin, size, root, note, since, fetched FROM place").fetchone()
        if row is None:
            return None
        return Place(origin=row[0], size=row[1], root=row[2], note=row[3], since=row[4], fetched=row[5])

    @guarded
    def begin(self, origin: str, *, now: int) -> None:
        """Follow this log, from its first entry."""
        with Transaction(self._db):
            self._db.execute("INSERT INTO place VALUES (1,?,0,?,'',?,0)", (origin, EMPTY, now))
            self._db.execute("INSERT INTO audit VALUES (1,0,x'',0,0,0)")

    @guarded
    def fetched(self, size: int, disputes: Iterable[str] = ()) -> None:
        """Entries up to `size` are in the mirror's files. The tiles at `disputes` are served with other bytes."""
        with Transaction(self._db):
            self._db.execute("UPDATE place SET fetched=?", (size,))
            self._db.executemany("INSERT OR IGNORE INTO disputes VALUES (?)", [(path,) for path in disputes])

    @guarded
    def settle(self, place: Place) -> None:
        """The mirror goes to here: its files give the checkpoint's root."""
        with Transaction(self._db):
            self._db.execute(
                "UPDATE place SET size=?, root=?, note=?, since=?, fetched=?",
                (place.size, place.root, place.note, place.since, place.fetched),
            )

    # Checkpoints that are not reached

    @guarded
    def claims(self) -> tuple[SeenClaim, ...]:
        """By size, the smallest first."""
        rows = self._db.execute("SELECT source, size, root, note, since FROM claims ORDER BY size, since, source")
        return tuple(SeenClaim(source=row[0], size=row[1], root=row[2], note=row[3], since=row[4]) for row in rows)

    @guarded
    def claim(self, claim: SeenClaim, *, most: int) -> None:
        """Keep one; the first time stands. Of one source the `most` − 1 oldest are kept, and the newest."""
        with Transaction(self._db):
            asked = "SELECT size, root FROM claims WHERE source=? ORDER BY since, size"
            known = [(size, root) for size, root in self._db.execute(asked, (claim.source,))]
            if (claim.size, claim.root) in known:
                return
            for size, root in known[most - 1 :]:
                self._db.execute("DELETE FROM claims WHERE source=? AND size=? AND root=?", (claim.source, size, root))
            row = (claim.source, claim.size, claim.root, claim.note, claim.since)
            self._db.execute("INSERT INTO claims VALUES (?,?,?,?,?)", row)

    @guarded
    def reached(self, claim: SeenClaim) -> None:
        """The mirror tells what became of it."""
        with Transaction(self._db):
            key = (claim.source, claim.size, claim.root)
            self._db.execute("DELETE FROM claims WHERE source=? AND size=? AND root=?", key)

    @guarded
    def disputes(self) -> tuple[str, ...]:
        """Paths of tiles that were served with other bytes than the mirror's."""
        return tuple(path for (path,) in self._db.execute("SELECT path FROM disputes ORDER BY rowid"))

    @guarded
    def undispute(self, paths: Iterable[str]) -> None:
        with Transaction(self._db):
            self._db.executemany("DELETE FROM disputes WHERE path=?", [(path,) for path in paths])

    # The audit

    @guarded
    def audit(self) -> AuditState:
        """How far the entries were checked."""
        row = self._db.execute("SELECT size, edge, time, mapped FROM audit").fetchone()
        if row is None:
            return AuditState.empty()
        chains = self._db.execute("SELECT handle, size, edge, last FROM chains")
        try:
            return AuditState(
                edge=_edge(row[0], row[1]),
                time=row[2],
                mapped=row[3],
                chains={handle: Chain(edge=_edge(size, edge), last=last) for handle, size, edge, last in chains},
                shifted=dict(self._db.execute("SELECT handle, sequence FROM shifts").fetchall()),
            )
        except Malformed as error:
            raise Damaged(f"{self._path}: {error}") from None

    @guarded
    def problems(self) -> int:
        """How many problems the audit found, those without a file included."""
        row = self._db.execute("SELECT problems FROM audit").fetchone()
        return 0 if row is None else int(row[0])

    @guarded
    def audited(
        self,
        state: AuditState,
        *,
        problems: int,
        evidence: Iterable[KeptEvidence],
    ) -> None:
        """The audit went on to `state`, of which `chains` holds those that changed: `problems` were found, the files of
        `evidence` are there."""
        with Transaction(self._db):
            self._db.execute(
                "UPDATE audit SET size=?, edge=?, time=?, mapped=?, problems=problems+?",
                (state.edge.size, b"".join(state.edge.hashes), state.time, state.mapped, problems),
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO chains VALUES (?,?,?,?)",
                [(handle, c.edge.size, b"".join(c.edge.hashes), c.last) for handle, c in state.chains.items()],
            )
            self._db.execute("DELETE FROM shifts")
            self._db.executemany("INSERT INTO shifts VALUES (?,?)", list(state.shifted.items()))
            self._keep(evidence)

    # Evidence

    def write_evidence(self, name: str, data: bytes) -> None:
        """Put a file into the folder of evidence, durably. Raises `StorageFailed`."""
        folder = self.path / "evidence"
        replace_file(folder / name, data)
        sync_folder(folder)

    def evidence_names(self) -> tuple[str, ...]:
        """The names of the files that are in the folder of evidence."""
        try:
            return tuple(sorted(each.name for each in (self.path / "evidence").iterdir() if each.suffix == ".json"))
        except OSError as error:
            raise StorageFailed(f"{self.path / 'evidence'}: {error.strerror}") from error

    @guarded
    def keep(self, evidence: KeptEvidence) -> None:
        """Remember a file of evidence that is there."""
        with Transaction(self._db):
            self._keep([evidence])

    @guarded
    def kept(self) -> tuple[KeptEvidence, ...]:
        """The evidence whose files are still in the folder, the oldest first."""
        asked = "SELECT name, kind, words, stands, since FROM evidence ORDER BY since, rowid"
        there = set(self.evidence_names())
        return tuple(
            KeptEvidence(name=row[0], kind=row[1], words=row[2], stands=bool(row[3]), since=row[4])
            for row in self._db.execute(asked).fetchall()
            if row[0] in there
        )

    def _keep(self, evidence: Iterable[KeptEvidence]) -> None:
        self._db.executemany(
            # Who moved a file away and finds it again is told as of now.
            "INSERT OR IGNORE INTO evidence VALUES (?,?,?,?,?)",
            [(each.name, each.kind, each.words, each.stands, each.since) for each in evidence],
        )


def _edge(size: int, hashes: bytes) -> Edge:
    return Edge(size=size, hashes=tuple(hashes[at : at + HASH] for at in range(0, len(hashes), HASH)))


def _hold(path: Path) -> int:
    """A lock that goes with the process, however that ends."""
    try:
        handle = os.open(path / "monitor.held", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageFailed(f"{path}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise Overtaken(f"{path}: another monitor uses this folder") from error
    return handle
