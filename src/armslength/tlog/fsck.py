"""A whole log re-verified from its files: each entry bundle and each tile against the root of a checkpoint.

Promises: no finding means that the entries are those of the checkpoint, all of them, and that every tile is what they
hash to. A file that is missing, cut short, lengthened, altered or out of its place is named by its path. Only one tile
of each level is held at a time, so that a log of any size fits.

Does not say whether the checkpoint is right: its signatures are the caller's. A log whose files all agree with one
another but not with it gives one finding, whose path is "checkpoint"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from armslength.tlog.checkpoint import Checkpoint
from armslength.tlog.failure import Malformed
from armslength.tlog.merkle import Edge, joined, leaf_hash, tree_root
from armslength.tlog.tile import HEIGHT, WIDTH, Entries, Tile, entries_of, parse_entries, parse_tile

MOST_FINDINGS = 1_000
"""After so many no more are looked for: a size that no folder holds must not keep anyone busy."""

Read = Callable[[str], bytes | None]
"""A path below the log's prefix -> its bytes, None where there are none."""

Progress = Callable[[int, int], None]
"""(entries read, entries in all), after each bundle; begins again from 0 where a second reading is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A file that is not what the checkpoint asks for, by its path below the log's prefix, and what is wrong."""

    path: str
    problem: str


def fsck(read: Read, checkpoint: Checkpoint, *, progress: Progress | None = None) -> tuple[Finding, ...]:
    """What is wrong with the log's files; () where nothing is. They come in the order of the entries.

    The first reading takes the entries as true. Where they give the checkpoint's root, they are, and what differs is a
    tile that is wrong. Where not, the second reading asks of each tile that disagrees with what lies below it which of
    the two the tile above confirms, and at the right edge which of them the root does."""
    first = _Reading(read=read, checkpoint=checkpoint, progress=progress, entries_are_true=True)
    first.run()
    if first.root() == checkpoint.root:
        return first.findings()
    second = _Reading(read=read, checkpoint=checkpoint, progress=progress, entries_are_true=False)
    second.run()
    second.judge()
    return second.findings()


_Row = Sequence[bytes | None]
"""The hashes of a tile as they follow from below; None where a file that is missing left no way to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dispute:
    """A partial tile that says something else than what lies below it. Only the root can tell."""

    tile: Tile
    stored: _Row


class _Reading:
    """One pass over all bundles, and over each tile once the hashes in it are known."""

    def __init__(self, *, read: Read, checkpoint: Checkpoint, progress: Progress | None, entries_are_true: bool):
        self._findings: list[Finding] = []
        self._read = read
        self._checkpoint = checkpoint
        self._size = checkpoint.size
        self._progress = progress
        self._entries_are_true = entries_are_true
        self._unreadable = 0
        self._stopped = False
        self._rows: list[list[bytes | None]] = [[]]  # of each level, what came since its last full tile
        self._disputes: dict[int, _Dispute] = {}  # by level
        self._kept: dict[int, tuple[Tile, _Row | str]] = {}  # by level, the tile read last

    def run(self) -> None:
        """Read everything."""
        for bundle in entries_of(self._size):
            # Tiles that are wrong are counted on without end only while the entries may still prove them so.
            if self._unreadable > MOST_FINDINGS or (not self._entries_are_true and len(self._findings) > MOST_FINDINGS):
                self._stopped = True
                return
            self._rows[0] = self._leaves(bundle)
            if bundle.width == WIDTH:
                self._complete(0, bundle.index)
            if self._progress is not None:
                self._progress(bundle.index * WIDTH + bundle.width, self._size)
        for level, row in enumerate(self._rows):
            if row:
                self._rows[level] = list(self._settled(self._tile(level, self._size >> (level + 1) * HEIGHT), row))

    def findings(self) -> tuple[Finding, ...]:
        """What was found, and whether that is all."""
        if len(self._findings) <= MOST_FINDINGS and not self._stopped:
            return tuple(self._findings)
        more = Finding(path="checkpoint", problem=f"there are more than {MOST_FINDINGS} faults: the rest is not listed")
        return (*self._findings[:MOST_FINDINGS], more)

    def root(self) -> bytes | None:
        """The root of what was read, None where it cannot be known."""
        return None if self._stopped else _root(self._rows)

    def judge(self) -> None:
        """Settle what only the root can, and say so where even that does not help."""
        if self._stopped:
            return
        ways = [
            [row, dispute.stored] if (dispute := self._disputes.get(level)) else [row]
            for level, row in enumerate(self._rows)
        ]
        for way in product(*ways):
            if _root(way) == self._checkpoint.root:
                for level, dispute in self._disputes.items():
                    if way[level] is dispute.stored:
                        self._blame_below(dispute.tile, self._rows[level], dispute.stored)
                    else:
                        self._blame_tile(dispute.tile, self._rows[level], dispute.stored)
                return
        for level, dispute in self._disputes.items():
            self._blame_both(dispute.tile, self._rows[level], dispute.stored)
        self._find("checkpoint", f"the files do not give the root that it states for {self._size} entries")

    def _leaves(self, bundle: Entries) -> list[bytes | None]:
        """The leaf hashes of a bundle. A log may have dropped a partial one once it serves the full one."""
        try:
            if (data := self._read(bundle.path)) is not None:
                return [leaf_hash(entry) for entry in parse_entries(data, bundle.width)]
            if bundle.width < WIDTH and (data := self._read(bundle.whole.path)) is not None:
                return [leaf_hash(entry) for entry in parse_entries(data, WIDTH)[: bundle.width]]
            problem = "missing"
        except Malformed as failure:
            problem = str(failure)
        self._unreadable += 1
        self._find(bundle.path, problem)
        return [None] * bundle.width

    def _stored(self, tile: Tile) -> _Row | str:
        """The hashes that a tile's file holds, or what is wrong with it; as with bundles, the full one may serve."""
        if (kept := self._kept.get(tile.level)) is not None and kept[0] == tile:
            return kept[1]
        stored: _Row | str = "missing"
        try:
            if (data := self._read(tile.path)) is not None:
                stored = parse_tile(data, tile.width)
            elif tile.width < WIDTH and (data := self._read(tile.whole.path)) is not None:
                stored = parse_tile(data, WIDTH)[: tile.width]
        except Malformed as failure:
            stored = str(failure)
        self._kept[tile.level] = tile, stored
        return stored

    def _complete(self, level: int, index: int) -> None:
        """A row is full: settle it, and carry its root into the row above, which may then be full too."""
        tile = self._tile(level, index)
        row = self._settled(tile, self._rows[level])
        above = self._above(tile)
        root = _row_root(row)
        if level + 1 == len(self._rows):
            self._rows.append([])
        # A row that neither confirms nor can be known gives way to the tile above.
        self._rows[level + 1].append(root if root is not None else above)
        self._rows[level] = []
        if len(self._rows[level + 1]) == WIDTH:
            self._complete(level + 1, index // WIDTH)

    def _settled(self, tile: Tile, row: _Row) -> _Row:
        """The row to go on with where what lies below says `row` and the tile's file may say something else."""
        stored = self._stored(tile)
        if isinstance(stored, str):
            self._find(tile.path, stored)
            return row
        row = [below if below is not None else said for below, said in zip(row, stored, strict=True)]
        if row == list(stored):
            return row
        if self._entries_are_true:
            self._blame_tile(tile, row, stored)
            return row
        if tile.width < WIDTH:
            self._disputes[tile.level] = _Dispute(tile=tile, stored=stored)
            return row
        above = self._above(tile)
        if above == _row_root(row):
            self._blame_tile(tile, row, stored)
            return row
        if above == _row_root(stored):
            self._blame_below(tile, row, stored)
            return stored
        self._blame_both(tile, row, stored)
        return stored if above is None else [None] * WIDTH

    def _above(self, tile: Tile) -> bytes | None:
        """What the tile above says that this one hashes to, None where there is no such file."""
        above = self._stored(self._tile(tile.level + 1, tile.index // WIDTH))
        return None if isinstance(above, str) else above[tile.index % WIDTH]

    def _tile(self, level: int, index: int) -> Tile:
        return Tile(level=level, index=index, width=min(WIDTH, (self._size >> level * HEIGHT) - index * WIDTH))

    def _blame_tile(self, tile: Tile, row: _Row, stored: _Row) -> None:
        place = _first_difference(row, stored)
        self._find(tile.path, f"hash {place} is not that of what lies below it")

    def _blame_below(self, tile: Tile, row: _Row, stored: _Row) -> None:
        for place, (below, said) in enumerate(zip(row, stored, strict=True)):
            if below == said:
                continue
            at = tile.index * WIDTH + place
            if tile.level == 0:
                bundle = Entries(index=tile.index, width=tile.width)
                self._find(bundle.path, f"entry {place}, {at} of the log, does not hash to what {tile.path} says")
                return
            # It agrees with what lies below it in turn, so that has to be wrong as well.
            self._find(self._tile(tile.level - 1, at).path, f"does not hash to what {tile.path} says")
            if tile.level == 1:
                self._find(Entries(index=at).path, f"does not hash to what {tile.path} says")

    def _blame_both(self, tile: Tile, row: _Row, stored: _Row) -> None:
        self._blame_below(tile, row, stored)
        self._find(
            tile.path,
            f"hash {_first_difference(row, stored)} and what lies below it disagree, and nothing above confirms either",
        )

    def _find(self, path: str, problem: str) -> None:
        if len(self._findings) <= MOST_FINDINGS:
            self._findings.append(Finding(path=path, problem=problem))


def _first_difference(row: _Row, stored: _Row) -> int:
    return next(place for place, (below, said) in enumerate(zip(row, stored, strict=True)) if below != said)


def _known(row: _Row) -> list[bytes] | None:
    known = [each for each in row if each is not None]
    return known if len(known) == len(row) else None


def _row_root(row: _Row) -> bytes | None:
    """The hash that a full tile with these hashes stands for in the tile above."""
    return None if (known := _known(row)) is None else tree_root(known)


def _root(rows: Sequence[_Row]) -> bytes | None:
    """The root of the tree whose partial tiles these are, lowest level first."""
    hashes: list[bytes] = []
    for row in reversed(rows):
        if (known := _known(row)) is None:
            return None
        hashes += Edge.empty().extended(known).hashes
    return joined(hashes)
