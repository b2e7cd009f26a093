"""A log's tree as it is read from where it is served, by servers of all kinds."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from armslength.store import LogSource, Unserved
from armslength.tlog import Entries, Tile
from armslength.web import ReadMetrics, read_path_app, running
from tests.store.liars import answering, http
from tests.tlog.trees import files

SIZE = 70_001 // 100
ENTRIES = tuple(f"entry {number}".encode() for number in range(SIZE))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in {**files(ENTRIES), "checkpoint": b"anything\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


@pytest.fixture(params=["folder", "URL", "URL with a slash"])
def source(request: pytest.FixtureRequest, folder: Path) -> Iterator[LogSource]:
    if request.param == "folder":
        with LogSource(str(folder)) as found:
            yield found
        return
    with running(read_path_app(folder, ReadMetrics(CollectorRegistry()))) as url:
        with LogSource(url + ("/" if "slash" in request.param else ""), timeout=5) as found:
            yield found


def test_what_is_there_is_read(source: LogSource) -> None:
    """A monitor that reads something else than readers do watches another log."""
    assert source.checkpoint() == b"anything\n"
    assert source.entries(Entries(index=1)) == ENTRIES[256:512]
    assert source.entries(Entries(index=2, width=188)) == ENTRIES[512:]
    tiles = files(ENTRIES)
    assert source.tile(Tile(level=0, index=2, width=188)) == tiles["tile/0/002.p/188"]
    assert source.tile(Tile(level=0, index=1)) == tiles["tile/0/001"]


def test_a_partial_tile_that_is_gone_comes_from_the_full_one(source: LogSource) -> None:
    """tlog-tiles lets a log delete partial ones: an honest log would seem broken."""
    assert source.tile(Tile(level=0, index=1, width=9)) == files(ENTRIES)["tile/0/001"][: 9 * 32]
    assert source.entries(Entries(index=1, width=9)) == ENTRIES[256:265]


def test_what_is_not_there_is_missing(source: LogSource) -> None:
    """It must be told from a server that fails."""
    for call in (
        lambda: source.tile(Tile(level=0, index=9)),
        lambda: source.tile(Tile(level=0, index=9, width=3)),
        lambda: source.entries(Entries(index=9)),
        lambda: source.entries(Entries(index=9, width=3)),
        lambda: source.tile(Tile(level=60, index=2**40)),
    ):
        with pytest.raises(Unserved) as raised:
            call()
        assert raised.value.missing


def test_a_tile_or_bundle_of_another_length_is_refused(source: LogSource, folder: Path) -> None:
    """Its hashes would stand in the wrong place."""
    tile, bundle = folder / "tile/0/001", folder / "tile/entries/001"
    for path in (tile, bundle):
        honest = path.read_bytes()
        for data in (b"", honest[:-1], honest + b"\0", honest[:32], b"\xff" * len(honest)):
            if path == tile and len(data) == len(honest):
                continue
            path.write_bytes(data)
            with pytest.raises(Unserved) as raised:
                source.tile(Tile(level=0, index=1)) if path == tile else source.entries(Entries(index=1))
            assert not raised.value.missing
            assert raised.value.path.endswith("001")
        path.write_bytes(honest)


def test_a_folder_is_read_as_files_only(folder: Path) -> None:
    """A pipe in the place of a tile would hold the monitor for ever, and a huge file fill its memory."""
    (folder / "tile/0/001").unlink()
    os.mkfifo(folder / "tile/0/001")
    (folder / "tile/0/000").unlink()
    (folder / "tile/0/000").mkdir()
    with (folder / "checkpoint").open("wb") as huge:
        huge.truncate(1 << 40)
    with LogSource(str(folder)) as source:
        for call in (
            source.checkpoint,
            lambda: source.tile(Tile(level=0, index=0)),
            lambda: source.tile(Tile(level=0, index=1)),
        ):
            with pytest.raises(Unserved) as raised:
                call()
            assert not raised.value.missing


@pytest.mark.parametrize(
    ("answer", "missing"),
    [
        (http(404), True),
        (http(403), True),
        (http(410), True),
        (http(500), False),
        (http(302, Location="http://127.0.0.1:1/"), False),
        (http(200, b"x" * 2_000_000), False),
        (http(200, b"x", Content_Encoding="gzip"), False),
        (b"", False),
        (b"\0" * 100, False),
    ],
)
def test_every_answer_is_one_of_two(answer: bytes, missing: bool) -> None:
    """What is neither a file nor its absence must not be taken for either."""
    with answering(answer) as url, LogSource(url, timeout=5) as source:
        with pytest.raises(Unserved) as raised:
            source.checkpoint()
        assert raised.value.missing is missing


def test_a_server_that_fails_for_the_full_tile_is_not_one_that_has_none(tmp_path: Path) -> None:
    """A log that may have deleted a tile, and one whose server is ill, are told apart."""
    answers = iter([http(404), http(500)])
    with answering(lambda connection: connection.sendall(next(answers))) as url, LogSource(url, timeout=5) as source:
        with pytest.raises(Unserved) as raised:
            source.tile(Tile(level=0, index=0, width=5))
    assert not raised.value.missing


def test_what_is_asked_ahead_comes_in_order_and_is_bounded(folder: Path) -> None:
    """Entries out of order would make another tree; all of them at once would fill the memory."""
    started: list[int] = []
    lock = threading.Lock()

    def call(number: int) -> int:
        with lock:
            started.append(number)
        return number

    def calls() -> Iterator:  # type: ignore[type-arg]
        return (lambda number=number: call(number) for number in range(1000))

    with LogSource(str(folder)) as source:
        assert [future.result() for future in source.ahead(calls())] == list(range(1000))
        started.clear()
        ahead = source.ahead(calls())
        assert next(ahead).result() == 0
        ahead.close()
    assert len(started) < 100
