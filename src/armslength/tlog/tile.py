"""Tiles and entry bundles as c2sp.org/tlog-tiles (v0.1.0): their paths, which of them a tree has, and their bytes.

Promises: a path and the bytes of a bundle have one spelling each; what `parse` takes, `path` and `format_entries` give
back. Refuses, as Malformed, anything else: a leading zero, a sign, a digit that is not ASCII, an empty or full width in
`.p/`, a level above 63, a short or over-long tile. That a tile belongs to a log is not known until a proof made from it
verifies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from armslength.tlog.failure import Malformed
from armslength.tlog.merkle import HASH, MOST, parents
from armslength.tlog.subtree import Node

WIDTH = 256
"""The hashes of a full tile, and the entries of a full bundle."""

HEIGHT = 8
"""The levels of the tree that a tile spans."""

LONGEST = 65_535
"""The most bytes an entry may have: its length is a 16-bit number in the bundle."""

_KEPT = 256
"""Tiles that `tile_nodes` keeps, each about 40 kB with the nodes above its hashes."""

_INDEX = r"((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
_TILE = re.compile(r"tile/(0|[1-9][0-9]?)/" + _INDEX)
_ENTRIES = re.compile(r"tile/entries/" + _INDEX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A row of up to 256 hashes of the tree, each over 256**level leaves."""

    level: int
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        if not 0 <= self.level <= 63:
            raise Malformed(f"a tile at level {self.level}: expected 0 to 63")
        _check_place(self.index, self.width)

    @property
    def path(self) -> str:
        """Where a log serves it, below its prefix."""
        return f"tile/{self.level}/{_place(self.index, self.width)}"

    @property
    def whole(self) -> Tile:
        """The full tile at the same place: its first `width` hashes are this one's, and a log may serve only it."""
        return Tile(level=self.level, index=self.index)

    @classmethod
    def parse(cls, path: str) -> Tile:
        """The tile served at `path`; Malformed where that is not the one spelling of a tile's path."""
        if (match := _TILE.fullmatch(path)) is None:
            raise Malformed(f'"{path}" is not the path of a tile: expected one like tile/0/x001/067')
        index, width = _parse_place(path, match[2], match[3])
        return cls(level=int(match[1]), index=index, width=width)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """A bundle of up to 256 entries, those whose hashes are the level 0 tile with the same index and width."""

    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        _check_place(self.index, self.width)

    @property
    def path(self) -> str:
        """Where a log serves it, below its prefix."""
        return f"tile/entries/{_place(self.index, self.width)}"

    @property
    def whole(self) -> Entries:
        """The full bundle at the same place: its first `width` entries are this one's, and a log may serve only it."""
        return Entries(index=self.index)

    @classmethod
    def parse(cls, path: str) -> Entries:
        """The bundle served at `path`; Malformed where that is not the one spelling of a bundle's path."""
        if (match := _ENTRIES.fullmatch(path)) is None:
            raise Malformed(f'"{path}" is not the path of entries: expected one like tile/entries/x001/067')
        index, width = _parse_place(path, match[1], match[2])
        return cls(index=index, width=width)


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a tree of `size`, level by level, left to right; the partial ones last in their level."""
    return new_tiles(0, size)


def new_tiles(old: int, new: int) -> Iterator[Tile]:
    """The tiles, full and partial, that a tree of `new` leaves has and the same tree at `old` leaves had not."""
    level = 0
    while new:
        for index, width in _grown(old, new):
            yield Tile(level=level, index=index, width=width)
        old, new, level = old >> HEIGHT, new >> HEIGHT, level + 1


def entries_of(size: int) -> Iterator[Entries]:
    """Every bundle of a tree of `size`, left to right."""
    return new_entries(0, size)


def new_entries(old: int, new: int) -> Iterator[Entries]:
    """The bundles, full and partial, that a tree of `new` leaves has and the same tree at `old` leaves had not."""
    for index, width in _grown(old, new):
        yield Entries(index=index, width=width)


def tile_bytes(tile: Tile, node: Node) -> bytes:
    """What is served for `tile` of the tree with these nodes."""
    first = tile.index * WIDTH
    return b"".join(node(tile.level * HEIGHT, first + each) for each in range(tile.width))


def parse_tile(data: bytes, width: int) -> tuple[bytes, ...]:
    """The hashes of a tile of `width`; Malformed where there are more or fewer bytes."""
    if len(data) != width * HASH:
        raise Malformed(f"a tile of {len(data)} bytes: expected {width * HASH}, for {width} hashes")
    return tuple(data[at : at + HASH] for at in range(0, len(data), HASH))


def format_entries(entries: Sequence[bytes]) -> bytes:
    """The bytes of a bundle. Malformed where an entry is over 65,535 bytes long, or there are not 1 to 256 of them."""
    _check_width(len(entries))
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > LONGEST:
            raise Malformed(f"an entry of {len(entry)} bytes: expected at most {LONGEST}")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def parse_entries(data: bytes, width: int) -> tuple[bytes, ...]:
    """The entries of a bundle of `width`; Malformed where the bytes end before the last or go on after it."""
    _check_width(width)
    entries: list[bytes] = []
    at, length = 0, len(data)
    for number in range(width):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > length or end > length:
            raise Malformed(f"the bundle ends within entry {number}: expected {width} entries")
        entries.append(data[at + 2 : end])
        at = end
    if at != length:
        raise Malformed(f"{length - at} bytes follow the last of {width} entries: expected none")
    return tuple(entries)


def tile_nodes(read: Callable[[Tile], bytes], size: int) -> Node:
    """The nodes of the tree of `size`, from its tiles, the right partial ones included. `read` gives the bytes of one,
    and is asked for each tile once while the last 256 are kept. Malformed where a tile has another length than its own,
    or a node lies outside the tree.

    The hashes are only as true as the tiles: compare a root, or verify the proof, before relying on them."""

    @lru_cache(maxsize=_KEPT)
    def rows(level: int, index: int) -> list[list[bytes]]:
        width = min(WIDTH, (size >> level * HEIGHT) - index * WIDTH)
        tile = Tile(level=level, index=index, width=width)
        try:
            found = [list(parse_tile(read(tile), width))]
        except Malformed as failure:
            raise Malformed(f"{tile.path}: {failure}") from failure
        while len(found[-1]) > 1:
            found.append(parents(found[-1]))
        return found

    def node(height: int, index: int) -> bytes:
        if height < 0 or index < 0 or index >= size >> height:
            raise Malformed(f"no node {index} at height {height} in a tree of {size}")
        level, above = divmod(height, HEIGHT)
        tile, place = divmod(index, WIDTH >> above)
        return rows(level, tile)[above][place]

    return node


def _grown(old: int, new: int) -> Iterator[tuple[int, int]]:
    """(index, width) of the tiles of one level that come with growing from `old` to `new` hashes in it."""
    for index in range(old // WIDTH, new // WIDTH):
        yield index, WIDTH
    if new > old and new % WIDTH:
        yield new // WIDTH, new % WIDTH


def _place(index: int, width: int) -> str:
    """The index in groups of three digits, all but the last after an x, and the width of a partial one."""
    digits = str(index)
    digits = digits.zfill(len(digits) + -len(digits) % 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*("x" + group for group in groups[:-1]), groups[-1]])
    return path if width == WIDTH else f"{path}.p/{width}"


def _parse_place(path: str, groups: str, partial: str | None) -> tuple[int, int]:
    # The length first, as int() of a hostile number of digits takes its time.
    if groups.startswith("x000") or len(groups) > len("x000/" * 6 + "000"):
        raise Malformed(f'"{path}" has an index with leading zeroes or too many digits')
    width = int(partial) if partial is not None else WIDTH
    if partial is not None and width >= WIDTH:
        raise Malformed(f'"{path}" has the width {partial}: expected 1 to {WIDTH - 1}, or no .p/ for a full one')
    return int(groups.replace("x", "").replace("/", "")), width


def _check_place(index: int, width: int) -> None:
    if not 0 <= index <= MOST // WIDTH:
        raise Malformed(f"a tile with the index {index}: expected 0 to {MOST // WIDTH}")
    _check_width(width)


def _check_width(width: int) -> None:
    if not 1 <= width <= WIDTH:
        raise Malformed(f"a width of {width}: expected 1 to {WIDTH}")
