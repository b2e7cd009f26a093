"""The tiling of a growing log: whatever the batches, the tiles are those of the whole tree."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import shake_256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from armslength.tlog import WIDTH, Tile, Tiling, parse_tile, tile_bytes, tile_nodes, tiles_of, tree_root
from tests.tlog.trees import nodes

MOST = 1300
HASHES = [shake_256(index.to_bytes(4, "big")).digest(32) for index in range(MOST)]
NODE = nodes(HASHES)
"""Of the largest tree; what a smaller one has full is the same."""

sizes = st.one_of(st.integers(0, MOST), st.sampled_from([0, 1, 255, 256, 257, 511, 512, 513, 1023, 1024, 1280]))
splits = st.lists(sizes, max_size=8).map(sorted)


def expected(size: int) -> dict[Tile, bytes]:
    """Every tile of the tree, from its definition."""
    return {tile: tile_bytes(tile, NODE) for tile in tiles_of(size)}


def grown(stops: Sequence[int]) -> tuple[Tiling, list[tuple[Tile, bytes]]]:
    """A tiling that grew by the batches that end at `stops`, and the full tiles it gave on the way."""
    tiling, full, at = Tiling(), [], 0
    for stop in stops:
        full += tiling.extend(HASHES[at:stop])
        at = stop
    return tiling, full


def resumed(size: int) -> Tiling:
    stored = expected(size)
    return Tiling.at(
        size, lambda first, until: HASHES[first:until], lambda level, n: stored[Tile(level=level, index=n, width=WIDTH)]
    )


@given(stops=splits)
@example(stops=[])
@example(stops=[0, 0])
@example(stops=[256, 256, 512])
@example(stops=[1, 256])
@example(stops=[255, 257])
def test_any_batches_give_the_tiles_of_the_whole_tree_each_once(stops: list[int]) -> None:
    """A tile that depends on how acts happened to be batched is one that no reader can verify."""
    tiling, full = grown(stops)
    size = stops[-1] if stops else 0
    assert tiling.size == size
    given_once = [tile for tile, _ in full] + [tile for tile, _ in tiling.partials()]
    assert len(set(given_once)) == len(given_once)
    assert dict(full) | dict(tiling.partials()) == expected(size)
    assert all(tile.width == WIDTH for tile, _ in full)
    assert all(tile.width < WIDTH for tile, _ in tiling.partials())


@given(stops=splits, more=splits)
def test_a_tiling_taken_up_again_goes_on_as_the_one_that_never_stopped(stops: list[int], more: list[int]) -> None:
    """A writer that starts again would give other tiles than before, and its own checkpoint would refute them."""
    size = stops[-1] if stops else 0
    ours, _ = grown(stops)
    again = resumed(size)
    assert (again.size, again.partials()) == (ours.size, ours.partials())
    at = size
    for stop in [max(size, stop) for stop in more]:
        assert again.extend(HASHES[at:stop]) == ours.extend(HASHES[at:stop])
        assert again.partials() == ours.partials()
        at = stop


@given(size=sizes)
def test_taking_up_reads_only_the_right_edge(size: int) -> None:
    """A start that reads a large log's every leaf takes minutes in which nothing is recorded."""
    stored = expected(size)
    asked: list[object] = []

    def leaves(first: int, until: int) -> Sequence[bytes]:
        asked.extend(range(first, until))
        return HASHES[first:until]

    def tile(level: int, index: int) -> bytes:
        asked.append((level, index))
        return stored[Tile(level=level, index=index, width=WIDTH)]

    Tiling.at(size, leaves, tile)
    assert len(asked) == size % WIDTH + (size // WIDTH) % WIDTH


@cache
def subtree(level: int, index: int) -> bytes:
    """The bytes of a full tile of a tree far too large to make; only what is asked of it is made."""
    return shake_256(f"{level}/{index}".encode()).digest(WIDTH * 32)


def test_a_tile_of_the_third_level_fills_when_its_last_leaf_comes() -> None:
    """Beyond 16,777,215 entries nothing else would try the code that every large log runs."""
    size = 256**3 - 1
    above = Tiling.at(size, lambda first, until: [bytes(32)] * (until - first), subtree)
    assert [tile for tile, _ in above.partials()] == [
        Tile(level=0, index=65_535, width=255),
        Tile(level=1, index=255, width=255),
        Tile(level=2, index=0, width=255),
    ]
    full = dict(above.extend([bytes(32)]))
    assert [(tile.level, tile.index) for tile in full] == [(0, 65_535), (1, 255), (2, 0)]
    assert [(tile.level, tile.index, tile.width) for tile, _ in above.partials()] == [(3, 0, 1)]
    roots = [tree_root(parse_tile(data, WIDTH)) for data in full.values()]
    stored = {(tile.level, tile.index): data for tile, data in full.items()}
    assert stored[1, 255].endswith(roots[0])
    assert stored[2, 0].endswith(roots[1])
    assert stored[2, 0].startswith(tree_root(parse_tile(subtree(1, 0), WIDTH)))
    assert above.partials()[0][1] == roots[2]


@pytest.mark.parametrize("size", [1, 256, 257, 1300])
def test_what_it_gives_is_what_proofs_are_made_from(size: int) -> None:
    """Proofs from tiles that say something else than the tree would be refused by every customer."""
    tiling, full = grown([size])
    stored = dict(full) | dict(tiling.partials())
    node = tile_nodes(lambda tile: stored[tile], size)
    for height in range(size.bit_length()):
        for index in range(size >> height):
            assert node(height, index) == NODE(height, index)
