"""Whole published logs, re-verified by Go's tlog and by aics-tlog; and theirs, re-verified by our fsck."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from armslength.tlog import Checkpoint, Note, SigningKey, format_entries, fsck, verify_signature
from tests.foreign.checker import Verdict, run_aics, run_go_checker
from tests.foreign.published import (
    ED25519_KEYS,
    KEYS,
    LOG,
    ORIGIN,
    TIME,
    Tree,
    files,
    publish,
    sample_entries,
    signed,
    vkeys,
    write,
)

SIZES = [0, 1, 2, 255, 256, 257, 1000, 70_000]


def judged_by_go(folder: Path) -> Verdict:
    return run_go_checker("log", folder, *vkeys(KEYS))


def judged_by_aics(folder: Path) -> Verdict:
    return run_aics("log", folder, *vkeys(ED25519_KEYS))


def judged_by_us(folder: Path) -> tuple[str, ...]:
    """The paths that our own fsck finds fault with."""

    def read(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    head = Checkpoint.parse(Note.parse((folder / "checkpoint").read_bytes()).text)
    return tuple(finding.path for finding in fsck(read, head))


def bundles(entries: list[bytes]) -> bytes:
    """Entries as the checkers take them: a length before each."""
    return b"".join(format_entries([entry]) for entry in entries)


@pytest.mark.parametrize("size", SIZES)
def test_go_aics_and_fsck_accept_our_log(size: int, tmp_path: Path) -> None:
    """A stranger who follows our log with standard tools would find it broken."""
    publish(tmp_path, sample_entries(size))
    verdict = judged_by_go(tmp_path)
    assert verdict.accepted, verdict.reason
    assert f"log {ORIGIN} of {size} entries" in verdict.lines[-1]
    verdict = judged_by_aics(tmp_path)
    assert verdict.accepted and f"log {ORIGIN} of {size} entries" in verdict.lines[-1], verdict.reason
    assert judged_by_us(tmp_path) == ()


@pytest.mark.parametrize("size", SIZES)
def test_go_makes_the_same_files_and_we_accept_them(size: int, tmp_path: Path) -> None:
    """Tiles would differ from everybody's in a way that hashing happens not to show. Only ML-DSA lines may differ."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    entries = sample_entries(size)
    publish(ours, entries)
    built = run_go_checker("build", theirs, ORIGIN, str(TIME), *(key.text for key in KEYS), stdin=bundles(entries))
    assert built.accepted, built.reason
    mine, other = files(ours), files(theirs)
    note, foreign = Note.parse(mine.pop("checkpoint")), Note.parse(other.pop("checkpoint"))
    assert mine == other
    assert note.text == foreign.text
    assert all(verify_signature(foreign, key.verifier) for key in KEYS)
    assert judged_by_us(theirs) == ()


@pytest.mark.parametrize("size", [1, 256, 257, 1000])
def test_aics_makes_the_same_files_and_we_accept_them(size: int, tmp_path: Path) -> None:
    """The two foreign checkers could agree with us and not with each other. All of this is deterministic."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    entries = sample_entries(size)
    publish(ours, entries, ED25519_KEYS)
    built = run_aics("build", theirs, ORIGIN, str(TIME), *(key.text for key in ED25519_KEYS), stdin=bundles(entries))
    assert built.accepted, built.reason
    assert files(ours) == files(theirs)
    assert judged_by_us(theirs) == ()


def test_partial_tiles_of_earlier_sizes_may_stay(tmp_path: Path) -> None:
    """A log that grew keeps the tiles of its earlier checkpoints; a checker would take them for damage."""
    entries = sample_entries(600)
    for size in (1, 100, 256, 300, 600):
        publish(tmp_path, entries[:size])
    assert {"tile/0/000.p/100", "tile/0/001.p/44", "tile/entries/000.p/1"} <= files(tmp_path).keys()
    assert judged_by_go(tmp_path).accepted
    assert judged_by_aics(tmp_path).accepted
    assert judged_by_us(tmp_path) == ()


def test_tiles_may_be_ahead_of_the_checkpoint(tmp_path: Path) -> None:
    """Tiles are written before the checkpoint that needs them; a reader in between would call a good log broken."""
    entries = sample_entries(600)
    publish(tmp_path, entries[:300])
    kept = (tmp_path / "checkpoint").read_bytes()
    publish(tmp_path, entries)
    write(tmp_path / "checkpoint", kept)
    verdict = judged_by_go(tmp_path)
    assert verdict.accepted and "8 files judged, 2 beyond the tree" in verdict.output, verdict.reason
    assert judged_by_aics(tmp_path).accepted
    assert judged_by_us(tmp_path) == ()


@pytest.fixture(scope="module")
def log_of_600(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("log")
    publish(folder, sample_entries(600))
    return folder


def flip(path: str, at: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        data = bytearray((folder / path).read_bytes())
        data[at] ^= 1
        write(folder / path, bytes(data))

    return change


def replace(path: str, new: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        write(folder / path, new((folder / path).read_bytes()))

    return change


def remove(path: str) -> Callable[[Path], None]:
    return lambda folder: (folder / path).unlink()


def swap_entries(folder: Path) -> None:
    """Entries 10 and 11 in each other's place, in the bundle only."""
    entries = sample_entries(600)
    entries[10], entries[11] = entries[11], entries[10]
    write(folder / "tile/entries/000", format_entries(entries[:256]))


def swap_tiles(folder: Path) -> None:
    first, second = (folder / f"tile/0/00{index}" for index in (0, 1))
    one, other = first.read_bytes(), second.read_bytes()
    write(first, other)
    write(second, one)


def forge_tree(folder: Path) -> None:
    """Another entry 5, with every tile and bundle made to match, under the checkpoint of the true log."""
    kept = (folder / "checkpoint").read_bytes()
    entries = sample_entries(600)
    entries[5] = b"forged"
    publish(folder, entries)
    write(folder / "checkpoint", kept)


def claim_larger(folder: Path) -> None:
    """A checkpoint, truly signed, of one entry more than the folder holds."""
    head = Checkpoint(origin=ORIGIN, size=601, root=Tree.of(sample_entries(601)).root())
    write(folder / "checkpoint", signed(head.format(), KEYS).format().encode())


def drop_entry(folder: Path) -> None:
    """Entry 300 gone and all after it moved up, under the checkpoint of the true log."""
    kept = (folder / "checkpoint").read_bytes()
    entries = sample_entries(601)
    del entries[300]
    publish(folder, entries)
    write(folder / "checkpoint", kept)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "a leaf hash in a full tile": flip("tile/0/000", 40),
    "a leaf hash in the partial tile": flip("tile/0/002.p/88", 5),
    "a hash in the upper tile": flip("tile/1/000.p/2", 33),
    "a byte of an entry": flip("tile/entries/001", 9),
    "a byte of an entry's length": flip("tile/entries/001", 1),
    "the last byte of the last bundle": flip("tile/entries/002.p/88", -1),
    "a tile too long": replace("tile/0/001", lambda data: data + bytes(32)),
    "a tile too short": replace("tile/0/001", lambda data: data[:-32]),
    "a torn tile": replace("tile/0/001", lambda data: data[:4096] + bytes(4096)),
    "an entry more in a bundle": replace("tile/entries/002.p/88", lambda data: data + b"\0\1x"),
    "an entry fewer in a bundle": replace("tile/entries/002.p/88", lambda data: data[: data.rindex(b"\0\x0d")]),
    "a missing tile": remove("tile/0/001"),
    "a missing upper tile": remove("tile/1/000.p/2"),
    "a missing bundle": remove("tile/entries/001"),
    "two entries in each other's place": swap_entries,
    "two tiles in each other's place": swap_tiles,
    "another history with tiles to match": forge_tree,
    "an entry dropped and the rest moved up": drop_entry,
    "a checkpoint of more than there is": claim_larger,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_go_aics_and_fsck_all_refuse_a_damaged_log(damage: str, log_of_600: Path, tmp_path: Path) -> None:
    """A damaged or forged log would pass for whole, and the acceptance above would mean nothing."""
    folder = tmp_path / "log"
    shutil.copytree(log_of_600, folder)
    before = files(folder)
    DAMAGES[damage](folder)
    assert files(folder) != before
    go, aics = judged_by_go(folder), judged_by_aics(folder)
    assert not go.accepted
    assert not aics.accepted
    assert judged_by_us(folder)
    # The checkpoint's signatures hold in every case, so it was the tree that was refused.
    assert run_go_checker("note", folder / "checkpoint", *vkeys(KEYS)).accepted


@pytest.mark.parametrize("missing", KEYS, ids=lambda key: f"{key.name}-0x{key.algorithm:02x}")
def test_go_wants_every_signature_it_was_told_of(missing: SigningKey, log_of_600: Path, tmp_path: Path) -> None:
    """A log could drop the signature of one kind and still be accepted for the other's sake."""
    folder = tmp_path / "log"
    shutil.copytree(log_of_600, folder)
    note = Note.parse((folder / "checkpoint").read_bytes())
    rest = tuple(each for each in note.signatures if not each.by(missing.verifier))
    write(folder / "checkpoint", Note(text=note.text, signatures=rest).format().encode())
    verdict = judged_by_go(folder)
    assert not verdict.accepted and f"no signature by {missing.name}" in verdict.reason
    if missing is LOG:
        assert "no signature from log key" in judged_by_aics(folder).reason
