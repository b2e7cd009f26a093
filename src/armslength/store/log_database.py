"""The log's own database: entries, full tiles, payloads and the signed checkpoint, one SQLite file.

A batch goes in whole or not at all, and only onto the size and root it was made for. SQLite in WAL mode with
`synchronous=FULL`: when `write` returns, the batch is on the disk. Readers have connections of their own and see whole
batches only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from armslength.ledger import Chain, Placed
from armslength.store.database import VERSION, Snapshot, Transaction, WriteAhead, connect, guarded, integrity, migrate
from armslength.store.failure import Damaged, Overtaken, StoreError
from armslength.store.key_database import Openings
from armslength.tlog import WIDTH, Edge, Tile, parse_tile, tree_root

SCHEMA = """
CREATE TABLE entries (idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL);
CREATE TABLE customers (customer INTEGER PRIMARY KEY, handle BLOB NOT NULL UNIQUE);
CREATE TABLE records (customer INTEGER NOT NULL, sequence INTEGER NOT NULL, idx INTEGER NOT NULL,
                      PRIMARY KEY (customer, sequence)) WITHOUT ROWID;
CREATE TABLE acts (act BLOB PRIMARY KEY, first INTEGER NOT NULL, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE erasures (idx INTEGER PRIMARY KEY, commitment BLOB NOT NULL, wrapped BLOB NOT NULL,
                       openings BLOB NOT NULL);
CREATE TABLE tiles (level INTEGER NOT NULL, n INTEGER NOT NULL, hashes BLOB NOT NULL, UNIQUE (level, n));
CREATE TABLE payloads (idx INTEGER PRIMARY KEY, box BLOB NOT NULL);
CREATE TABLE heads (customer INTEGER PRIMARY KEY, size INTEGER NOT NULL, edge BLOB NOT NULL, last BLOB NOT NULL);
CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), origin TEXT NOT NULL, size INTEGER NOT NULL,
                    root BLOB NOT NULL, edge BLOB NOT NULL, note TEXT NOT NULL, mapped INTEGER NOT NULL,
                    time INTEGER NOT NULL);
"""
"""`records` finds a customer's records; `acts` makes an append that is asked again the same append; `heads` are the
customers' chains at the newest map head. All three follow from the entries: `fsck` derives them again."""

HASH = 32
LOOKUPS = 1000
"""Acts looked up by one query; SQLite takes no more than 32,766."""
ROOTS = 4 * WIDTH
"""Roots of full tiles that are kept in memory: more than lie under the partial tiles of a log that fits on a disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """What the log stands at: the signed checkpoint's note, its tree's edge, and the size that the newest map head
    covers."""

    origin: str
    edge: Edge
    note: str
    mapped: int
    time: int

    @property
    def size(self) -> int:
        return self.edge.size


@dataclass(frozen=True, slots=True, kw_only=True)
class LogBatch:
    """What one transaction adds. `acts` are (act, first index, number of leaves); `heads` only with a new map head."""

    before: Edge
    after: LogState
    leaves: tuple[bytes, ...]
    records: tuple[Placed, ...]
    acts: tuple[tuple[bytes, int, int], ...]
    erasures: tuple[Openings, ...]
    payloads: tuple[tuple[int, bytes], ...]
    tiles: tuple[tuple[Tile, bytes], ...]
    heads: Mapping[bytes, Chain]


class LogDatabase:
    """One connection to the file; `writing` for the one writer, otherwise it can change nothing."""

    def __init__(self, path: Path, *, writing: bool = False, create: bool = False) -> None:
        """Raises `StoreError` where the file cannot be opened, is damaged, or is of another version."""
        self._path = path
        self._numbers: dict[bytes, int] = {}
        self._roots: dict[tuple[int, int], bytes] = {}
        self._db = connect(path, writing=writing, create=create)
        self._ahead = WriteAhead(self._db)
        try:
            migrate(self._db, path, SCHEMA, writing=writing)
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    @property
    def seat(self) -> None:
        """One process writes a file, and needs no seat for it."""
        return None

    def snapshot(self) -> AbstractContextManager[None]:
        """Within it, everything that is read is of one moment, whatever a writer does meanwhile."""
        return Snapshot(self._db)

    @guarded
    def integrity(self) -> list[tuple[str, str]]:
        """What is wrong with the file as a database: (table or nothing, problem)."""
        return integrity(self._db)

    # What it stands at

    @guarded
    def create(self, state: LogState) -> None:
        """The first state, of an empty log. Raises `StoreError` if there is one."""
        with Transaction(self._db):
            if self._db.execute("SELECT 1 FROM state").fetchone():
                raise StoreError(f"{self._path}: already holds a log")
            self._db.execute("INSERT INTO state VALUES (1,?,?,?,?,?,?,?)", _row(state))

    @guarded
    def state(self) -> LogState:
        """Raises `Damaged` if it does not add up."""
        row = self._db.execute("SELECT origin, size, root, edge, note, mapped, time FROM state").fetchone()
        if row is None:
            raise Damaged(f"{self._path}: holds no log")
        origin, size, root, edge, note, mapped, time = row
        state = LogState(origin=origin, edge=log_edge(self._path, size, edge), note=note, mapped=mapped, time=time)
        if state.edge.root() != root:
            raise Damaged(f"{self._path}: the root at size {size} is not that of its edge")
        return state

    @guarded
    def head(self) -> tuple[int, bytes]:
        """The size and root that it says it stands at, cheaply. Raises `Damaged` where there is none."""
        row = self._db.execute("SELECT size, root FROM state").fetchone()
        if row is None:
            raise Damaged(f"{self._path}: holds no log")
        return row[0], row[1]

    # Writing

    @guarded
    def write(self, batch: LogBatch) -> None:
        """Add a batch, durably. Raises `Overtaken` if the log is no longer at `batch.before`: another writer was
        here."""
        try:
            self._write(batch)
        except BaseException:
            self._numbers.clear()  # some may be of customers that were rolled back
            raise
        self._ahead.again()

    def _write(self, batch: LogBatch) -> None:
        with Transaction(self._db):
            moved = self._db.execute(
                "UPDATE state SET origin=?, size=?, root=?, edge=?, note=?, mapped=?, time=? WHERE size=? AND root=?",
                (*_row(batch.after), batch.before.size, batch.before.root()),
            ).rowcount
            if moved != 1:
                raise Overtaken(f"{self._path}: no longer at size {batch.before.size}: another writer was here")
            first = batch.before.size
            many = self._db.executemany
            many("INSERT INTO entries VALUES (?,?)", enumerate(batch.leaves, first))
            numbers = self._numbered(batch.records)
            many(
                "INSERT INTO records VALUES (?,?,?)",
                [(numbers[p.record.customer], p.record.sequence, p.index) for p in batch.records],
            )
            many("INSERT INTO acts VALUES (?,?,?)", batch.acts)
            many(
                "INSERT INTO erasures VALUES (?,?,?,?)",
                [(o.index, o.commitment, o.wrapped, o.openings) for o in batch.erasures],
            )
            many("INSERT INTO payloads VALUES (?,?)", batch.payloads)
            many("INSERT INTO tiles VALUES (?,?,?)", [(tile.level, tile.index, data) for tile, data in batch.tiles])
            many(
                "INSERT OR REPLACE INTO heads VALUES (?,?,?,?)",
                sorted((self._number(h), c.size, b"".join(c.edge.hashes), c.last) for h, c in batch.heads.items()),
            )

    @guarded
    def settle(self) -> None:
        """Commit once more what the log holds. After a write whose fsync failed, the write-ahead log may end in a whole
        batch that SQLite took back in memory only, and a crash would bring it back; this overwrites it."""
        with Transaction(self._db):
            self._db.execute(f"PRAGMA user_version={VERSION}")

    @guarded
    def replace_payloads(self, boxes: Mapping[int, bytes | None]) -> None:
        """Put other payloads in the place of some, or none: what an erasure does. The log itself does not change.
        When it returns, what was there is gone from this file and its write-ahead log; where somebody reads within a
        snapshot, with the first write after that has ended."""
        with Transaction(self._db):
            for index, box in boxes.items():
                if box is None:
                    self._db.execute("DELETE FROM payloads WHERE idx=?", (index,))
                else:
                    self._db.execute("UPDATE payloads SET box=? WHERE idx=?", (box, index))
        self._ahead.empty()

    def _numbered(self, records: Iterable[Placed]) -> dict[bytes, int]:
        return {handle: self._number(handle) for handle in {placed.record.customer for placed in records}}

    def _number(self, handle: bytes) -> int:
        number = self._numbers.get(handle)
        if number is None:
            row = self._db.execute("SELECT customer FROM customers WHERE handle=?", (handle,)).fetchone()
            if row is None:
                self._db.execute("INSERT INTO customers (handle) VALUES (?)", (handle,))
                row = self._db.execute("SELECT last_insert_rowid()").fetchone()
            number = int(row[0])
            self._numbers[handle] = number
        return number

    # Reading

    @guarded
    def leaves(self, first: int, until: int) -> tuple[bytes, ...]:
        """The entries first … until − 1. Raises `Damaged` if one is missing."""
        rows = self._db.execute("SELECT leaf FROM entries WHERE idx>=? AND idx<? ORDER BY idx", (first, until))
        leaves = tuple(leaf for (leaf,) in rows)
        if len(leaves) != max(0, until - first):
            raise Damaged(f"{self._path}: entries {first} to {until - 1}: {len(leaves)} of {until - first} are there")
        return leaves

    @guarded
    def tile(self, level: int, index: int) -> bytes:
        """A full tile's hashes. Raises `Damaged` if it is missing or of another length."""
        row = self._db.execute("SELECT hashes FROM tiles WHERE level=? AND n=?", (level, index)).fetchone()
        if row is None or len(row[0]) != 256 * HASH:
            raise Damaged(f"{self._path}: tile {index} of level {level} is missing or not 8192 bytes")
        return bytes(row[0])

    def tile_root(self, level: int, index: int) -> bytes:
        """A full tile's root. Those asked for last are kept: a full tile never changes, and hashing all those under the
        right edge again with every checkpoint would take longer than everything else about it."""
        root = self._roots.pop((level, index), None) or tree_root(parse_tile(self.tile(level, index), WIDTH))
        self._roots[level, index] = root
        if len(self._roots) > ROOTS:
            del self._roots[next(iter(self._roots))]
        return root

    @guarded
    def acts(self, acts: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        """(first index, number of leaves) of those of these acts that are in the log."""
        found: dict[bytes, tuple[int, int]] = {}
        for start in range(0, len(acts), LOOKUPS):
            some = acts[start : start + LOOKUPS]
            marks = ",".join("?" * len(some))
            rows = self._db.execute(f"SELECT act, first, count FROM acts WHERE act IN ({marks})", some)
            found.update((act, (first, count)) for act, first, count in rows)
        return found

    @guarded
    def act(self, act: bytes) -> tuple[int, int] | None:
        """(first index, number of leaves) of an act that is in the log."""
        row = self._db.execute("SELECT first, count FROM acts WHERE act=?", (act,)).fetchone()
        return (row[0], row[1]) if row else None

    @guarded
    def heads(self) -> dict[bytes, Chain]:
        """Each customer's chain at the newest map head, by handle."""
        chains: dict[bytes, Chain] = {}
        for number, handle, size, edge, last in self._db.execute(
            "SELECT customer, handle, size, edge, last FROM heads JOIN customers USING (customer)"
        ):
            chains[handle] = Chain(edge=log_edge(self._path, size, edge), last=last)
            self._numbers[handle] = number
        return chains

    @guarded
    def records_of(self, handle: bytes, *, until: int) -> tuple[tuple[int, bytes], ...]:
        """(index, leaf) of a customer's records before index `until`, in their order."""
        rows = self._db.execute(
            "SELECT idx, leaf FROM records JOIN customers USING (customer) JOIN entries USING (idx)"
            " WHERE handle=? AND idx<? ORDER BY sequence",
            (handle, until),
        )
        return tuple((index, leaf) for index, leaf in rows)

    @guarded
    def index_of(self, handle: bytes, sequence: int) -> int | None:
        """Where in the log a customer's record is."""
        row = self._db.execute(
            "SELECT idx FROM records JOIN customers USING (customer) WHERE handle=? AND sequence=?", (handle, sequence)
        ).fetchone()
        return int(row[0]) if row else None

    @guarded
    def erasures(self, first: int) -> tuple[Openings, ...]:
        """The erasure records from `first` on, each with what opens it. It is kept here, with the log, since it is
        never erased and holds no personal data: keys restored from an old backup have to obey the erasures after
        it."""
        rows = self._db.execute(
            "SELECT idx, commitment, wrapped, openings FROM erasures WHERE idx>=? ORDER BY idx", (first,)
        )
        return tuple(Openings(index=i, commitment=c, wrapped=w, openings=o) for i, c, w, o in rows)

    @guarded
    def payload(self, index: int) -> bytes | None:
        row = self._db.execute("SELECT box FROM payloads WHERE idx=?", (index,)).fetchone()
        return bytes(row[0]) if row else None

    @guarded
    def payloads(self, first: int, until: int) -> dict[int, bytes]:
        """The payloads of the entries first … until − 1 that have one."""
        return dict(self._db.execute("SELECT idx, box FROM payloads WHERE idx>=? AND idx<?", (first, until)))

    @guarded
    def sizes(self) -> Mapping[str, int]:
        """The rows of each table, for `fsck` and `status`."""
        tables = ("entries", "customers", "records", "acts", "erasures", "tiles", "payloads", "heads")
        return {table: int(self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in tables}

    def pieces(self, first: int, until: int, step: int = 4096) -> Iterator[Sequence[bytes]]:
        """The entries first … until − 1, some at a time."""
        for start in range(first, until, step):
            yield self.leaves(start, min(start + step, until))


def log_edge(name: object, size: int, hashes: bytes) -> Edge:
    """The edge that a store called `name` keeps. Raises `Damaged` where it is none."""
    if not isinstance(size, int) or size < 0 or not isinstance(hashes, bytes):
        raise Damaged(f"{name}: the size {size!r} and what is kept with it are no edge of a tree")
    if len(hashes) != HASH * size.bit_count():
        raise Damaged(f"{name}: an edge of {len(hashes)} bytes does not fit the size {size}")
    return Edge(size=size, hashes=tuple(hashes[i : i + HASH] for i in range(0, len(hashes), HASH)))


def _row(state: LogState) -> tuple[object, ...]:
    edge = state.edge
    return (state.origin, edge.size, edge.root(), b"".join(edge.hashes), state.note, state.mapped, state.time)
