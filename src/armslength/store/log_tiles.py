"""A log's tiles read from its store: full ones as they are kept, partial ones worked out from what is below them."""

from __future__ import annotations

from collections.abc import Callable

from armslength.store.ledger_stores import LogStore
from armslength.tlog import WIDTH, Entries, Node, Tile, format_entries, leaf_hash, tile_nodes


def log_tile(log: LogStore) -> Callable[[Tile], bytes]:
    """Reads a tile. Raises `Damaged` where the store has not what it takes."""

    def read(tile: Tile) -> bytes:
        if tile.width == WIDTH:
            return log.tile(tile.level, tile.index)
        first = tile.index * WIDTH
        if tile.level == 0:
            return b"".join(map(leaf_hash, log.leaves(first, first + tile.width)))
        return b"".join(log.tile_root(tile.level - 1, n) for n in range(first, first + tile.width))

    return read


def log_entries(log: LogStore, entries: Entries) -> bytes:
    """An entry bundle's bytes."""
    first = entries.index * WIDTH
    return format_entries(log.leaves(first, first + entries.width))


def log_nodes(log: LogStore, size: int) -> Node:
    """The hashes of perfect subtrees of the log's first `size` entries, for proofs."""
    return tile_nodes(log_tile(log), size)
