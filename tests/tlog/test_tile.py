"""Tiles and entry bundles: paths, which there are, and their bytes."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from armslength.tlog import (
    Entries,
    Malformed,
    Tile,
    consistency_proof,
    edge_at,
    entries_of,
    format_entries,
    inclusion_proof,
    new_entries,
    new_tiles,
    parse_entries,
    parse_tile,
    root_at,
    tile_bytes,
    tile_nodes,
    tiles_of,
    tree_root,
)
from tests.tlog.trees import leaves, nodes

MOST = 66_200
NODE = nodes(leaves(MOST))
SIZES = st.one_of(st.integers(0, 1100), st.sampled_from([65_535, 65_536, 65_537, 66_048, MOST]))
ALL = {tile.path: tile_bytes(tile, NODE) for tile in tiles_of(MOST)}

GOOD = [
    ("tile/0/000", Tile(level=0, index=0)),
    ("tile/0/000.p/1", Tile(level=0, index=0, width=1)),
    ("tile/0/001.p/255", Tile(level=0, index=1, width=255)),
    ("tile/1/999", Tile(level=1, index=999)),
    ("tile/0/x001/000", Tile(level=0, index=1000)),
    ("tile/0/x001/x234/067", Tile(level=0, index=1234067)),
    ("tile/63/x010/x234/067.p/12", Tile(level=63, index=10234067, width=12)),
    ("tile/0/x072/x057/x594/x037/x927/935", Tile(level=0, index=2**56 - 1)),
]


@pytest.mark.parametrize(("path", "tile"), GOOD)
def test_paths_are_those_of_the_specification(path: str, tile: Tile) -> None:
    """Readers of others would find none of our tiles."""
    assert tile.path == path
    assert Tile.parse(path) == tile
    if tile.level == 0:
        entries = Entries(index=tile.index, width=tile.width)
        assert entries.path == path.replace("tile/0/", "tile/entries/")
        assert Entries.parse(entries.path) == entries


@pytest.mark.parametrize(
    "place",
    [
        "",
        "0",
        "00",
        "0000",
        "1000",
        "x000",
        "x000/001",
        "x000/x001/000",
        "001/000",
        "x001/x000",
        "x01/000",
        "x0001/000",
        "X001/000",
        "x001//000",
        "x001/000/",
        "/x001/000",
        "+01",
        "-01",
        " 01",
        "01 ",
        "1_0",
        "٠٠١",
        "²³¹",
        "００１",
        "001\n",
        "001.p/0",
        "001.p/00",
        "001.p/01",
        "001.p/+1",
        "001.p/-1",
        "001.p/1_0",
        "001.p/٣",
        "001.p/256",
        "001.p/300",
        "001.p/1000",
        "001.p/",
        "001.p",
        "001.p/1\n",
        "001.p/1/",
        "001.p/1.p/1",
        "x072/x057/x594/x037/x927/936",
        "x100/x000/x000/x000/x000/x000/000",
        "x001/" * 2000 + "000",
    ],
)
def test_a_second_spelling_of_a_place_is_refused(place: str) -> None:
    """Two paths would be one tile: a cache or a mirror could hold two different ones, each found by somebody."""
    with pytest.raises(Malformed):
        Tile.parse(f"tile/0/{place}")
    with pytest.raises(Malformed):
        Entries.parse(f"tile/entries/{place}")


@pytest.mark.parametrize(
    "path",
    [
        "tile/64/000",
        "tile/00/000",
        "tile/01/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/٣/000",
        "tile//000",
        "tile/100/000",
    ]
    + ["/tile/0/000", "tile/0", "tiles/0/000", "Tile/0/000", "tile/entries/000", "tile/data/000", "tile/8/0/000", ""],
)
def test_a_second_spelling_of_a_level_is_refused(path: str) -> None:
    """As above."""
    with pytest.raises(Malformed):
        Tile.parse(path)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("tile/0/1", '"tile/0/1" is not the path of a tile: expected one like tile/0/x001/067'),
        ("tile/64/000", "a tile at level 64: expected 0 to 63"),
        ("tile/0/x000/001", '"tile/0/x000/001" has an index with leading zeroes or too many digits'),
        ("tile/0/001.p/256", '"tile/0/001.p/256" has the width 256: expected 1 to 255, or no .p/ for a full one'),
    ],
)
def test_what_is_wrong_with_a_path_is_said(path: str, message: str) -> None:
    """An operator with a broken mirror would search for it."""
    with pytest.raises(Malformed) as caught:
        Tile.parse(path)
    assert str(caught.value) == message


@given(
    level=st.integers(0, 63),
    index=st.one_of(st.integers(0, 10**7), st.integers(0, 2**56 - 1)),
    width=st.integers(1, 256),
)
def test_what_is_written_is_read(level: int, index: int, width: int) -> None:
    """A tile would be written where nobody looks for it."""
    tile = Tile(level=level, index=index, width=width)
    assert Tile.parse(tile.path) == tile
    assert re.fullmatch(r"tile/[0-9]+/(x[0-9]{3}/)*[0-9]{3}(\.p/[0-9]+)?", tile.path)


@given(path=st.from_regex(r"tile/[0-9]{1,2}/(x[0-9]{3}/){0,2}[0-9]{3}(\.p/[0-9]{1,3})?", fullmatch=True))
def test_what_is_read_is_written(path: str) -> None:
    """As for every format: what parses has the one spelling that we write."""
    try:
        tile = Tile.parse(path)
    except Malformed:
        return
    assert tile.path == path


@pytest.mark.parametrize(("index", "width"), [(-1, 1), (2**56, 1), (0, 0), (0, 257), (0, -1)])
def test_a_tile_of_no_tree_is_refused(index: int, width: int) -> None:
    """A path made from it would be one that nobody can parse."""
    with pytest.raises(Malformed):
        Tile(level=0, index=index, width=width)
    with pytest.raises(Malformed):
        Entries(index=index, width=width)


def test_a_tree_has_the_tiles_that_the_specification_counts() -> None:
    """A monitor that follows the document would miss tiles, or ask for some that are not there."""
    found = list(tiles_of(70_000))
    assert len([tile for tile in found if tile.level == 0 and tile.width == 256]) == 273
    assert [tile.path for tile in found if tile.level or tile.width < 256] == [
        "tile/0/273.p/112",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]
    assert [tile.path for tile in tiles_of(256)] == ["tile/0/000", "tile/1/000.p/1"]
    assert [bundle.path for bundle in entries_of(300)] == ["tile/entries/000", "tile/entries/001.p/44"]
    assert list(tiles_of(0)) == list(entries_of(0)) == []


@given(sizes=st.tuples(SIZES, SIZES))
@example(sizes=(0, 1))
@example(sizes=(255, 256))
@example(sizes=(256, 256))
@example(sizes=(65_535, 65_536))
def test_growing_writes_what_was_not_there(sizes: tuple[int, int]) -> None:
    """A tile that growing forgets is missing for every reader; one that it writes again could be another."""
    old, new = sorted(sizes)
    before, after = list(tiles_of(old)), list(tiles_of(new))
    grown = list(new_tiles(old, new))
    assert sorted(tile.path for tile in grown) == sorted({tile.path for tile in after} - {tile.path for tile in before})
    assert [tile.path for tile in grown] == [tile.path for tile in after if tile in set(grown)]
    bundles = {bundle.path for bundle in entries_of(new)} - {bundle.path for bundle in entries_of(old)}
    assert [bundle.path for bundle in new_entries(old, new)] == sorted(bundles)


@given(size=SIZES, places=st.lists(st.tuples(st.integers(0, 16), st.integers(0, MOST)), min_size=1, max_size=8))
def test_tiles_give_the_nodes_of_the_tree(size: int, places: list[tuple[int, int]]) -> None:
    """Proofs from a served log would differ from those that the writer makes."""
    files = {tile.path: tile_bytes(tile, NODE) for tile in tiles_of(size)}
    node = tile_nodes(lambda tile: files[tile.path], size)
    assert root_at(size, node) == tree_root(leaves(MOST)[:size])
    for height, place in places:
        if many := size >> height:
            assert node(height, place % many) == NODE(height, place % many)
        with pytest.raises(Malformed, match="no node"):
            node(height, (size >> height) + place)


@given(sizes=st.lists(SIZES.filter(bool), min_size=1, max_size=5), index=st.integers(0, MOST))
def test_a_growing_log_serves_proofs_for_every_size_it_had(sizes: list[int], index: int) -> None:
    """A customer who comes back with last year's checkpoint could no longer be answered."""
    files: dict[str, bytes] = {}
    before = 0
    for size in sorted(set(sizes)):
        for tile in new_tiles(before, size):
            assert tile.path not in files
            files[tile.path] = tile_bytes(tile, NODE)
        before = size
    for size in set(sizes):
        node = tile_nodes(lambda tile: files[tile.path], size)
        assert edge_at(size, node) == edge_at(size, NODE)
        assert inclusion_proof(index % size, size, node) == inclusion_proof(index % size, size, NODE)
        newest = tile_nodes(lambda tile: files[tile.path], before)
        assert consistency_proof(size, before, newest) == consistency_proof(size, before, NODE)


@given(size=SIZES.filter(bool))
def test_a_full_tile_serves_for_a_partial_one(size: int) -> None:
    """A log may drop a partial tile once it has the full one; its readers would be left without."""
    for tile in tiles_of(size):
        if tile.whole.path in ALL:
            assert tile_bytes(tile, NODE) == ALL[tile.whole.path][: tile.width * 32]
            bundle = Entries(index=tile.index, width=tile.width)
            assert bundle.whole == Entries(index=tile.index)


def test_each_tile_is_asked_for_once() -> None:
    """Every proof would cost the whole way from the root again, over the network."""
    asked: list[str] = []

    def read(tile: Tile) -> bytes:
        asked.append(tile.path)
        return ALL[tile.path]

    node = tile_nodes(read, MOST)
    for index in range(0, 512, 5):
        inclusion_proof(index, MOST, node)
    assert len(asked) == len(set(asked)) <= 8


@pytest.mark.parametrize("length", [0, 4832, 4863, 4896])
def test_a_torn_tile_is_refused(length: int) -> None:
    """Half a hash would be taken for one, and every proof from it would fail without anybody knowing why."""
    node = tile_nodes(lambda tile: (ALL[tile.path] + bytes(32))[:length], MOST)
    with pytest.raises(Malformed, match=r"tile/0/258\.p/152: a tile of \d+ bytes: expected 4864, for 152 hashes"):
        node(0, MOST - 1)
    assert parse_tile(ALL["tile/0/258.p/152"], 152) == leaves(MOST)[-152:]


@given(entries=st.lists(st.binary(max_size=300), min_size=1, max_size=256))
@example(entries=[b""])
@example(entries=[bytes(65_535), b"", bytes(256)])
def test_bundles_are_read_back(entries: list[bytes]) -> None:
    """Entries would come back as others, or not at all."""
    data = format_entries(entries)
    assert parse_entries(data, len(entries)) == tuple(entries)
    assert data == b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


@given(
    entries=st.lists(st.binary(max_size=9), min_size=1, max_size=6), cut=st.integers(1, 60), more=st.binary(min_size=1)
)
def test_a_bundle_has_its_entries_and_no_more(entries: list[bytes], cut: int, more: bytes) -> None:
    """A torn bundle would pass for a shorter one, or carry bytes that no hash covers."""
    data = format_entries(entries)
    with pytest.raises(Malformed, match="the bundle ends within entry"):
        parse_entries(data[: max(0, len(data) - cut)], len(entries))
    with pytest.raises(Malformed, match=f"{len(more)} bytes follow the last of {len(entries)} entries"):
        parse_entries(data + more, len(entries))
    with pytest.raises(Malformed):
        parse_entries(data, len(entries) + 1)


@given(data=st.binary(max_size=40), width=st.integers(1, 4))
@example(data=b"\x00\x01a\x00\x00", width=2)
def test_any_bytes_are_one_bundle_or_none(data: bytes, width: int) -> None:
    """Two files would be one bundle, and a mirror's copy differ from ours without being wrong."""
    try:
        entries = parse_entries(data, width)
    except Malformed:
        return
    assert format_entries(entries) == data


def test_a_bundle_outside_the_format_is_not_written() -> None:
    """The length of an entry would wrap round, and the next entries be read from its middle."""
    with pytest.raises(Malformed, match="an entry of 65536 bytes: expected at most 65535"):
        format_entries([bytes(65_536)])
    for many in (0, 257):
        with pytest.raises(Malformed, match=f"a width of {many}: expected 1 to 256"):
            format_entries([b""] * many)
        with pytest.raises(Malformed, match=f"a width of {many}: expected 1 to 256"):
            parse_entries(b"\x00\x00" * many, many)
