"""A copy of a log's tree in a folder, in the layout of c2sp.org/tlog-tiles: any static server can serve it.

What is put is on the disk before `put` returns, names included. The checkpoint comes after everything that it needs,
so that a reader, or a crash, never sees one whose tiles are missing. Partial tiles that nobody wrote are worked out
from what lies below them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from armslength.store.failure import Damaged, StorageFailed
from armslength.store.writing import replace_file, sync_folder
from armslength.tlog import (
    WIDTH,
    Entries,
    Malformed,
    Node,
    Note,
    Tile,
    Tiling,
    leaf_hash,
    new_entries,
    new_tiles,
    parse_entries,
    parse_tile,
    tile_nodes,
    tree_root,
)

CHECKPOINT = "checkpoint"


class Mirror:
    """The tree in the folder at `path`, which is made when something is first written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    # Writing

    def put(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Write files by their paths in the tree, durably. Raises `StorageFailed`."""
        folders: set[Path] = set()
        for name, data in files:
            path = self.path / name
            if path.parent not in folders:
                _make_folder(path.parent)
                folders.add(path.parent)
            replace_file(path, data)
        for folder in sorted(folders):
            sync_folder(folder)

    def publish(self, note: Note) -> None:
        """Give a checkpoint its name; what it needs has been put."""
        self.put([(CHECKPOINT, note.format().encode())])

    def prune(self, *, old: int, new: int) -> None:
        """Delete the partial tiles and bundles that have become full since `old`, as tlog-tiles allows."""
        for path in _paths(old, new, whole=True):
            shutil.rmtree(self.path / f"{path}.p", ignore_errors=True)

    def discard(self, *, old: int, new: int) -> None:
        """Delete what a log of `new` entries has and one of `old` had not. Raises `StorageFailed`."""
        for path in [*_paths(old, new, whole=True), *_paths(old, new, whole=False)]:
            try:
                (self.path / path).unlink(missing_ok=True)
            except NotADirectoryError:
                pass
            except OSError as error:
                raise StorageFailed(f"{self.path / path}: {error.strerror}") from error

    # Reading

    def published(self) -> bytes | None:
        """The checkpoint that stands there; None if there is none."""
        return self._read(CHECKPOINT)

    def entries(self, bundle: Entries) -> tuple[bytes, ...]:
        """The entries of a bundle. Raises `Damaged` if they are not there."""
        for width, path in ((bundle.width, bundle.path), (WIDTH, bundle.whole.path)):
            if (data := self._read(path)) is not None:
                try:
                    return parse_entries(data, width)[: bundle.width]
                except Malformed as error:
                    raise Damaged(f"{self.path / path}: {error}") from None
        raise Damaged(f"{self.path / bundle.path}: is missing")

    def leaves(self, first: int, until: int, *, size: int) -> list[bytes]:
        """The entries first … until − 1 of a tree of `size`. Raises `Damaged`."""
        found: list[bytes] = []
        for index in range(first // WIDTH, -(-until // WIDTH)):
            start = index * WIDTH
            bundle = self.entries(Entries(index=index, width=min(WIDTH, size - start)))
            found += bundle[max(0, first - start) : until - start]
        return found

    def tile(self, tile: Tile) -> bytes:
        """A tile's hashes. Raises `Damaged` if neither it nor what lies below it is there."""
        size = 32 * tile.width
        for path in (tile.path, tile.whole.path):
            if (data := self._read(path)) is not None:
                if len(data) < size:
                    raise Damaged(f"{self.path / path}: {len(data)} bytes, expected {size}")
                return data[:size]
        if tile.width == WIDTH:
            raise Damaged(f"{self.path / tile.path}: is missing")
        first = tile.index * WIDTH
        if tile.level == 0:
            return b"".join(map(leaf_hash, self.entries(Entries(index=tile.index, width=tile.width))))
        below = (self.tile(Tile(level=tile.level - 1, index=first + n)) for n in range(tile.width))
        return b"".join(tree_root(parse_tile(data, WIDTH)) for data in below)

    def nodes(self, size: int) -> Node:
        """The hashes of the perfect subtrees of the first `size` entries, for roots and proofs."""
        return tile_nodes(self.tile, size)

    def tiling(self, size: int) -> Tiling:
        """The right edge of the first `size` entries, to go on from."""
        return Tiling.at(
            size,
            lambda first, until: [leaf_hash(leaf) for leaf in self.leaves(first, until, size=until)],
            lambda level, index: self.tile(Tile(level=level, index=index)),
        )

    def _read(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StorageFailed(f"{self.path / name}: {error.strerror}") from error


def _paths(old: int, new: int, *, whole: bool) -> list[str]:
    tiles = [tile.path for tile in new_tiles(old, new) if (tile.width == WIDTH) is whole]
    return tiles + [bundle.path for bundle in new_entries(old, new) if (bundle.width == WIDTH) is whole]


def _make_folder(path: Path) -> None:
    """Make a folder and those above it; the names of new ones are on the disk."""
    if path.is_dir():
        return
    _make_folder(path.parent)
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise StorageFailed(f"{path}: {error.strerror}") from error
    sync_folder(path.parent)
