"""The right edge of a growing log's tiles: which tiles a batch fills, and what the partial ones hold.

Source: c2sp.org/tlog-tiles, "Merkle Tree" and "Partial Tiles".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from armslength.tlog.merkle import tree_root
from armslength.tlog.tile import WIDTH, Tile

HEIGHT = 8
"""A tile stands for a subtree of this height."""
HASH = 32


class Tiling:
    """The hashes of each level that do not fill a tile yet: level 0 the newest leaf hashes, above it the roots of full
    tiles. It only grows; after a failure make it afresh with `at`."""

    def __init__(self) -> None:
        self._size = 0
        self._pending: list[list[bytes]] = [[]]

    @classmethod
    def at(cls, size: int, leaves: Callable[[int, int], Sequence[bytes]], tile: Callable[[int, int], bytes]) -> Tiling:
        """The tiling of a log of `size` entries. `leaves(first, until)` gives leaf hashes, `tile(level, index)` a full
        tile's 8,192 bytes; only those at the right edge are asked for."""
        made = cls()
        made._size = size
        made._pending = [list(leaves(size - size % WIDTH, size))]
        level = 0
        while size >> HEIGHT * (level + 1):
            full = size >> HEIGHT * (level + 1)
            made._pending.append([_root(tile(level, n)) for n in range(full - full % WIDTH, full)])
            level += 1
        return made

    @property
    def size(self) -> int:
        return self._size

    def extend(self, hashes: Sequence[bytes]) -> list[tuple[Tile, bytes]]:
        """Add leaf hashes. Gives the tiles that became full, with their bytes."""
        full: list[tuple[Tile, bytes]] = []
        before, grown, level = self._size, list(hashes), 0
        self._size += len(hashes)
        while grown:
            if level == len(self._pending):
                self._pending.append([])
            index = before >> HEIGHT * (level + 1)
            waiting = self._pending[level] + grown
            grown = []
            cut = len(waiting) - len(waiting) % WIDTH
            for offset, start in enumerate(range(0, cut, WIDTH)):
                tile = b"".join(waiting[start : start + WIDTH])
                full.append((Tile(level=level, index=index + offset, width=WIDTH), tile))
                grown.append(tree_root(waiting[start : start + WIDTH]))
            self._pending[level] = waiting[cut:]
            level += 1
        return full

    def partials(self) -> list[tuple[Tile, bytes]]:
        """The partial tiles of the size so far."""
        return [
            (Tile(level=level, index=self._size >> HEIGHT * (level + 1), width=len(hashes)), b"".join(hashes))
            for level, hashes in enumerate(self._pending)
            if hashes
        ]


def _root(tile: bytes) -> bytes:
    return tree_root([tile[i : i + HASH] for i in range(0, len(tile), HASH)])
