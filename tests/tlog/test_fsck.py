"""A whole log re-verified from its files."""

from __future__ import annotations

import tracemalloc
from functools import lru_cache

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from armslength.tlog import (
    EMPTY,
    Checkpoint,
    Entries,
    Finding,
    Tile,
    format_entries,
    fsck,
    leaf_hash,
    parse_entries,
    tiles_of,
    tree_root,
)
from tests.tlog.trees import files

SIZE = 66_300
"""A full tile at level 1 and partial ones at 0, 1 and 2."""

FULL_BUNDLE = "tile/entries/005"
LAST_BUNDLE = "tile/entries/258.p/252"
FULL_TILE = "tile/0/005"
LAST_TILE = "tile/0/258.p/252"
FULL_ABOVE = "tile/1/000"
LAST_ABOVE = "tile/1/001.p/2"
TOP = "tile/2/000.p/1"


@lru_cache(maxsize=64)
def entries(size: int) -> tuple[bytes, ...]:
    return tuple(b"entry %d" % index for index in range(size))


@lru_cache(maxsize=64)
def log(size: int) -> dict[str, bytes]:
    return files(entries(size))


@lru_cache(maxsize=64)
def checkpoint(size: int) -> Checkpoint:
    return Checkpoint(origin="example.org/log", size=size, root=tree_root(map(leaf_hash, entries(size))))


def found(changes: dict[str, bytes | None], size: int = SIZE) -> dict[str, str]:
    """The findings of the log with these files in place of its own, by path."""
    changed = {**log(size), **changes}
    return {finding.path: finding.problem for finding in fsck(changed.get, checkpoint(size))}


def altered(path: str, at: int = 0) -> bytes:
    data = bytearray(log(SIZE)[path])
    data[at] ^= 1
    return bytes(data)


def with_entry(path: str, place: int, entry: bytes) -> bytes:
    bundle = Entries.parse(path)
    held = list(parse_entries(log(SIZE)[path], bundle.width))
    held[place] = entry
    return format_entries(held)


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 1000, 65_535, 65_536, 65_537, SIZE])
def test_a_sound_log_gives_no_finding(size: int) -> None:
    """An alarm that sounds for nothing is switched off."""
    assert found({}, size) == {}


@pytest.mark.parametrize("path", [FULL_BUNDLE, LAST_BUNDLE, FULL_TILE, LAST_TILE, FULL_ABOVE, LAST_ABOVE, TOP])
def test_a_file_that_is_gone_is_named(path: str) -> None:
    """Entries would be missing for whoever asks, and nobody know."""
    assert found({path: None}) == {path: "missing"}


@pytest.mark.parametrize("path", [FULL_TILE, LAST_TILE, FULL_ABOVE, LAST_ABOVE, TOP])
@pytest.mark.parametrize("at", [0, -1])
def test_a_tile_that_was_altered_is_named_and_no_other(path: str, at: int) -> None:
    """Proofs from it would fail, and the blame fall on entries that are sound."""
    place = 0 if at == 0 else Tile.parse(path).width - 1
    assert found({path: altered(path, at)}) == {path: f"hash {place} is not that of what lies below it"}


@pytest.mark.parametrize(
    ("path", "place", "number", "tile"), [(FULL_BUNDLE, 7, 1287, FULL_TILE), (LAST_BUNDLE, 251, 66_299, LAST_TILE)]
)
def test_an_entry_that_was_altered_is_named_and_no_tile(path: str, place: int, number: int, tile: str) -> None:
    """History would be rewritten behind a checkpoint that is already signed."""
    changes: dict[str, bytes | None] = {path: with_entry(path, place, b"another")}
    assert found(changes) == {path: f"entry {place}, {number} of the log, does not hash to what {tile} says"}


@pytest.mark.parametrize("path", [FULL_BUNDLE, LAST_BUNDLE])
def test_a_bundle_that_was_cut_or_lengthened_is_named(path: str) -> None:
    """A torn write would pass for a shorter log, and bytes that no hash covers for part of it."""
    data = log(SIZE)[path]
    width = Entries.parse(path).width
    assert found({path: data[:-1]}) == {path: f"the bundle ends within entry {width - 1}: expected {width} entries"}
    assert found({path: b""}) == {path: f"the bundle ends within entry 0: expected {width} entries"}
    assert found({path: data + b"\x00\x00"}) == {path: f"2 bytes follow the last of {width} entries: expected none"}


@pytest.mark.parametrize("path", [FULL_TILE, LAST_TILE, FULL_ABOVE, LAST_ABOVE, TOP])
def test_a_tile_that_was_cut_or_lengthened_is_named(path: str) -> None:
    """As above; a partial tile with one hash more would show a tree that nobody signed."""
    data = log(SIZE)[path]
    width = Tile.parse(path).width
    for change in (data[:-1], data[:-32], b"", data + bytes(32)):
        problem = f"a tile of {len(change)} bytes: expected {width * 32}, for {width} hashes"
        assert found({path: change}) == {path: problem}


def test_files_in_each_others_place_are_both_named() -> None:
    """Records would be shown at another's index."""
    own = log(SIZE)
    one, other = FULL_TILE, "tile/0/006"
    assert set(found({one: own[other], other: own[one]})) == {one, other}
    one, other = FULL_BUNDLE, "tile/entries/006"
    assert set(found({one: own[other], other: own[one]})) == {one, other}


def test_two_entries_in_each_others_place_are_seen() -> None:
    """The order of what happened would be another."""
    held = list(entries(SIZE)[1280:1536])
    held[1], held[2] = held[2], held[1]
    assert found({FULL_BUNDLE: format_entries(held)}) == {
        FULL_BUNDLE: f"entry 1, 1281 of the log, does not hash to what {FULL_TILE} says"
    }


@pytest.mark.parametrize("bundle", [FULL_BUNDLE, LAST_BUNDLE])
def test_an_entry_that_was_altered_with_its_tile_is_found(bundle: str) -> None:
    """Whoever can write one file can write two."""
    place = Entries.parse(bundle)
    data = with_entry(bundle, 3, b"another")
    tile = Tile(level=0, index=place.index, width=place.width).path
    hashes = b"".join(map(leaf_hash, parse_entries(data, place.width)))
    problems = found({bundle: data, tile: hashes})
    if bundle == LAST_BUNDLE:
        assert problems == {"checkpoint": "the files do not give the root that it states for 66300 entries"}
    else:
        assert problems == dict.fromkeys((tile, bundle), f"does not hash to what {FULL_ABOVE} says")


def test_a_log_that_was_rewritten_whole_disagrees_with_its_checkpoint() -> None:
    """Another log would be served in place of the one that was signed."""
    other = files([b"another", *entries(SIZE)[1:]])
    assert found(dict(other)) == {"checkpoint": "the files do not give the root that it states for 66300 entries"}
    assert fsck({}.get, Checkpoint(origin="example.org/log", size=0, root=leaf_hash(b""))) == (
        Finding(path="checkpoint", problem="the files do not give the root that it states for 0 entries"),
    )
    assert fsck({}.get, Checkpoint(origin="example.org/log", size=0, root=EMPTY)) == ()


def test_faults_in_several_places_are_each_named() -> None:
    """Mending the first that was named would be taken for mending the log."""
    changes: dict[str, bytes | None] = {
        "tile/entries/003": with_entry("tile/entries/003", 0, b"another"),
        "tile/entries/100": None,
        "tile/0/020": altered("tile/0/020"),
        "tile/0/200": None,
        LAST_BUNDLE: with_entry(LAST_BUNDLE, 0, b"another"),
        LAST_ABOVE: altered(LAST_ABOVE),
        TOP: None,
    }
    assert set(found(changes)) == set(changes)


def test_entries_that_are_gone_with_their_tile_leave_the_rest_checked() -> None:
    """One hole would hide every other fault."""
    changes: dict[str, bytes | None] = {FULL_BUNDLE: None, FULL_TILE: None, "tile/0/006": altered("tile/0/006")}
    assert set(found(changes)) == set(changes)


def test_where_nothing_above_tells_both_are_named() -> None:
    """The one that is sound would be replaced."""
    changes: dict[str, bytes | None] = {FULL_BUNDLE: with_entry(FULL_BUNDLE, 0, b"another"), FULL_ABOVE: None}
    problems = found(changes)
    assert set(problems) == {FULL_BUNDLE, FULL_TILE, FULL_ABOVE}
    assert problems[FULL_TILE] == "hash 0 and what lies below it disagree, and nothing above confirms either"


def test_the_full_file_serves_for_a_partial_one() -> None:
    """A log that drops partial tiles, as the specification lets it, would look broken at every earlier checkpoint."""
    size = 1000
    own = log(1024)
    grown = {path: data for path, data in own.items() if ".p/" not in path}
    grown |= {tile.path: log(size)[tile.path] for tile in tiles_of(size) if tile.level}
    assert fsck(grown.get, checkpoint(size)) == ()
    grown["tile/0/003"] = bytes(8192)
    assert [finding.path for finding in fsck(grown.get, checkpoint(size))] == ["tile/0/003.p/232"]
    grown["tile/0/003"] = bytes(8191)
    assert [finding.problem for finding in fsck(grown.get, checkpoint(size))] == [
        "a tile of 8191 bytes: expected 8192, for 256 hashes"
    ]


@given(
    size=st.integers(min_value=1, max_value=1100),
    at=st.integers(min_value=0, max_value=10**6),
    byte=st.integers(min_value=0, max_value=10**6),
    how=st.sampled_from(["alter", "drop", "cut", "lengthen", "double"]),
)
def test_any_one_fault_is_found_and_named(size: int, at: int, byte: int, how: str) -> None:
    """There would be one byte of the log that can be changed unseen."""
    own = log(size)
    path = sorted(own)[at % len(own)]
    data = own[path]
    match how:
        case "alter":
            byte %= len(data)
            change: bytes | None = data[:byte] + bytes([data[byte] ^ 1]) + data[byte + 1 :]
        case "drop":
            change = None
        case "cut":
            change = data[: byte % len(data)]
        case "lengthen":
            change = data + bytes(1 + byte % 40)
        case _:
            change = data + data
    assert list(found({path: change}, size)) == [path]


@given(size=st.integers(min_value=300, max_value=1100), picks=st.lists(st.integers(0, 10**6), min_size=2, max_size=4))
def test_any_faults_are_found(size: int, picks: list[int]) -> None:
    """Two faults could cancel out."""
    own = log(size)
    paths = {sorted(own)[pick % len(own)] for pick in picks}
    assume(len(paths) > 1)
    assert found({path: own[path][:-1] + bytes([own[path][-1] ^ 1]) for path in paths}, size)


def test_a_size_that_no_folder_holds_ends() -> None:
    """Whoever can have a checkpoint signed, or a typing error, could keep fsck busy for ever."""
    for size in (2**62, 10**9):
        findings = fsck({}.get, Checkpoint(origin="example.org/log", size=size, root=EMPTY))
        assert len(findings) == 1001
        assert findings[-1] == Finding(
            path="checkpoint", problem="there are more than 1000 faults: the rest is not listed"
        )


def test_entries_that_are_sound_stay_so_however_many_tiles_are_not() -> None:
    """After a bad migration of tiles it would be the entries that are thrown away."""
    size = 300_000

    def read(path: str) -> bytes:
        if not path.startswith("tile/entries/"):
            return bytes(Tile.parse(path).width * 32)
        bundle = Entries.parse(path)
        return format_entries(entries(size)[bundle.index * 256 :][: bundle.width])

    findings = fsck(read, checkpoint(size))
    named = {finding.path for finding in findings[:-1]}
    assert len(named) == 1000
    assert named <= {tile.path for tile in tiles_of(size)}
    assert findings[-1].path == "checkpoint"


def test_only_a_tile_of_each_level_is_held() -> None:
    """A log of a year would not fit, and so be checked by nobody."""
    own, signed = log(SIZE), checkpoint(SIZE)
    tracemalloc.start()
    try:
        assert fsck(own.get, signed) == ()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 500_000 < sum(map(len, own.values())) / 4


def test_progress_is_told() -> None:
    """An operator would stop a check that runs for minutes in silence."""
    told: list[tuple[int, int]] = []
    fsck(log(1000).get, checkpoint(1000), progress=lambda done, size: told.append((done, size)))
    assert told == [(256, 1000), (512, 1000), (768, 1000), (1000, 1000)]
