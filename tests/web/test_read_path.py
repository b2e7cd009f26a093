"""A log's public folder over HTTP: what is in a log goes out as c2sp.org/tlog-tiles asks, and nothing else goes out."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from armslength.tlog import (
    Checkpoint,
    Note,
    entries_of,
    format_entries,
    fsck,
    leaf_hash,
    tile_bytes,
    tiles_of,
    tree_root,
)
from armslength.web import ReadMetrics, read_path_app, running
from tests.service.logs import SampleLog
from tests.web.raw import ask, exchanged

SIZE = 600
SECRET = b"what must not go out"
LEAVES = [f"entry {index}".encode() * 9 for index in range(SIZE)]


def node(height: int, index: int) -> bytes:
    return tree_root([leaf_hash(leaf) for leaf in LEAVES[index << height : (index + 1) << height]])


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 600 entries as any static server would serve it, beside things that are nobody's business."""
    above = tmp_path_factory.mktemp("ledger")
    (above / "signing.keys").write_bytes(SECRET)
    folder = above / "public"
    checkpoint = SampleLog().checkpoint(SIZE, root=tree_root([leaf_hash(leaf) for leaf in LEAVES]))
    files = {"checkpoint": checkpoint.format().encode(), "policy": b"quorum none\n", "verify.html": b"<!doctype html>"}
    files |= {tile.path: tile_bytes(tile, node) for tile in tiles_of(SIZE)}
    for entries in entries_of(SIZE):
        first = 256 * entries.index
        files[entries.path] = format_entries(LEAVES[first : first + entries.width])
    files["map/600"] = b"m" * 300_000
    files[f"customer/{'A' * 43}/checkpoint"] = b"a sub-log's\n"
    files[f"customer/{'A' * 43}/tile/0/000.p/1"] = bytes(32)
    for name in ("secret", ".checkpoint.new", "tile/secret", "tile/0/secret", "checkpoint.bak"):
        files[name] = SECRET
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def url(public: Path) -> Iterator[str]:
    with running(read_path_app(public, ReadMetrics(CollectorRegistry()))) as found:
        yield found


def test_a_whole_log_is_read_and_verified_over_it(url: str) -> None:
    """A monitor that cannot read all of it, byte for byte, cannot vouch for it."""

    def read(path: str) -> bytes | None:
        answer = ask(url, f"/{path}")
        return answer.body if answer.status == 200 else None

    checkpoint = Checkpoint.parse(Note.parse(ask(url, "/checkpoint").body).text)
    assert checkpoint.size == SIZE
    assert fsck(read, checkpoint) == ()


@pytest.mark.parametrize(
    ("path", "media", "caching"),
    [
        ("checkpoint", "text/plain; charset=utf-8", "max-age=3"),
        ("tile/0/000", "application/octet-stream", "public, max-age=31536000, immutable"),
        ("tile/0/002.p/88", "application/octet-stream", "public, max-age=31536000, immutable"),
        ("tile/entries/001", "application/octet-stream", "public, max-age=31536000, immutable"),
        ("policy", "text/plain; charset=utf-8", "max-age=3"),
        ("verify.html", "text/html; charset=utf-8", "max-age=3"),
        ("map/600", "application/octet-stream", "max-age=3"),
        (f"customer/{'A' * 43}/checkpoint", "text/plain; charset=utf-8", "max-age=3"),
        (f"customer/{'A' * 43}/tile/0/000.p/1", "application/octet-stream", "public, max-age=31536000, immutable"),
    ],
)
def test_each_file_goes_out_as_what_it_is(url: str, public: Path, path: str, media: str, caching: str) -> None:
    """A checkpoint that is cached for long hides a rollback; a tile that is not makes monitoring dear."""
    got, head = ask(url, f"/{path}"), ask(url, f"/{path}", method="HEAD")
    assert got.body == (public / path).read_bytes()
    for answer in (got, head):
        assert answer.status == 200
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == (media, caching)
        assert int(answer.headers["content-length"]) == len(got.body)
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert head.body == b""
    assert ask(url, f"/{path}?x=y").body == got.body


def test_the_page_may_compute_and_talk_to_nobody(url: str) -> None:
    """It handles a customer's records; a page that could send them somewhere would have to be trusted."""
    policy = ask(url, "/verify.html").headers["content-security-policy"]
    assert "default-src 'none'" in policy and "connect-src 'none'" in policy and "form-action 'none'" in policy


def test_entries_are_compressed_for_who_asks(url: str, public: Path) -> None:
    """Entries are most of a log; tiles are hashes and do not get smaller."""
    path = "tile/entries/000"
    plain = (public / path).read_bytes()
    for said in ("gzip", "br, gzip;q=0.5", "identity, GZIP"):
        answer = ask(url, f"/{path}", headers={"Accept-Encoding": said})
        assert answer.headers["content-encoding"] == "gzip" and answer.headers["vary"] == "Accept-Encoding"
        assert gzip.decompress(answer.body) == plain
        assert len(answer.body) < len(plain) / 2
    for said in ("", "identity", "gzip;q=0", "gzip; q=0.000", "br"):
        answer = ask(url, f"/{path}", headers={"Accept-Encoding": said})
        assert "content-encoding" not in answer.headers and answer.headers["vary"] == "Accept-Encoding"
        assert answer.body == plain
    head = ask(url, f"/{path}", method="HEAD", headers={"Accept-Encoding": "gzip"})
    assert (head.headers["content-encoding"], head.body) == ("gzip", b"")
    assert "content-encoding" not in ask(url, "/tile/0/000", headers={"Accept-Encoding": "gzip"}).headers


def test_bundles_of_many_megabytes_arrive_whole(tmp_path: Path) -> None:
    """256 entries of the largest size are 16 MB."""
    bundle = format_entries([os.urandom(65535)] * 256)
    path = tmp_path / "tile" / "entries" / "000"
    path.parent.mkdir(parents=True)
    path.write_bytes(bundle)
    with running(read_path_app(tmp_path, ReadMetrics(CollectorRegistry()))) as found:
        assert ask(found, "/tile/entries/000").body == bundle
        packed = ask(found, "/tile/entries/000", headers={"Accept-Encoding": "gzip"})
        assert gzip.decompress(packed.body) == bundle


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//checkpoint",
        "/checkpoint/",
        "/./checkpoint",
        "/tile/../checkpoint",
        "/../signing.keys",
        "/tile/../../signing.keys",
        "/..%2fsigning.keys",
        "/%2e%2e/signing.keys",
        "/%2e%2e%2fsigning.keys",
        "/..\\signing.keys",
        "/..%5csigning.keys",
        "/..%c0%afsigning.keys",
        "/checkpoint%00",
        "/checkpoin%74",
        "/tile%2f0%2f000",
        "/tile/0/000%00.txt",
        "/secret",
        "/.checkpoint.new",
        "/checkpoint.bak",
        "/tile/secret",
        "/tile/0/secret",
        "/tile/0",
        "/tile/",
        "/tile/0/0",
        "/tile/00/000",
        "/tile/0/x000/000",
        "/tile/0/000.p/0",
        "/tile/0/000.p/256",
        "/tile/0/000.p/088",
        "/tile/64/000",
        "/tile/0/-01",
        "/tile/0/٠٠٠",
        "/map/../policy",
        "/map/.x",
        "/map/",
        "/customer/../checkpoint",
        "/customer/" + "A" * 42 + "/checkpoint",
        "/customer/" + "A" * 43 + "/../../checkpoint",
        "/customer/" + "A" * 43 + "/policy",
        "http://example.com/checkpoint",
        "*",
    ],
)
def test_whatever_is_no_path_of_a_log_is_404(url: str, path: str) -> None:
    """One spelling that leads out of the folder gives away the log's keys."""
    sent = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    found = exchanged(url, sent)
    assert found.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400"))
    assert SECRET not in found


@given(
    st.lists(
        st.sampled_from(
            [
                "..",
                ".",
                "/",
                "%2e",
                "%2f",
                "\\",
                "tile",
                "0",
                "000",
                "x001",
                "entries",
                ".p/1",
                "checkpoint",
                "signing.keys",
                "secret",
                "customer",
                "A" * 43,
                "%00",
            ]
        ),
        max_size=8,
    )
)
def test_no_path_leads_to_what_is_not_the_log_s(url: str, pieces: list[str]) -> None:
    """As above, for paths that nobody thought of."""
    for between in ("", "/"):
        sent = f"GET /{between.join(pieces)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        found = exchanged(url, sent)
        assert found.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400", b"HTTP/1.1 200"))
        assert SECRET not in found


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Whoever can put a link into the public folder must not be able to publish the private one."""
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "tiles" / "0").mkdir(parents=True)
    (tmp_path / "tiles" / "0" / "000").write_bytes(SECRET)
    public = tmp_path / "public"
    public.mkdir()
    (public / "checkpoint").symlink_to(tmp_path / "secret")
    (public / "policy").symlink_to("../secret")
    (public / "tile").symlink_to(tmp_path / "tiles")
    os.mkfifo(public / "verify.html")
    (public / "map").mkdir()
    (public / "map" / "1").mkdir()
    with running(read_path_app(public, ReadMetrics(CollectorRegistry()))) as found:
        for path in ("/checkpoint", "/policy", "/tile/0/000", "/verify.html", "/map/1"):
            answer = ask(found, path)
            assert (answer.status, answer.body) == (404, b"not there\n")


def test_what_is_not_there_yet_may_be_asked_for_again(url: str) -> None:
    """A 404 that is cached would hide the tile once it is there."""
    answer = ask(url, "/tile/0/099")
    assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")


def test_a_folder_that_is_not_there_is_404(tmp_path: Path) -> None:
    """A log that has published nothing yet."""
    with running(read_path_app(tmp_path / "nowhere", ReadMetrics(CollectorRegistry()))) as found:
        assert ask(found, "/checkpoint").status == 404


def test_what_replaces_a_file_is_served_at_once(tmp_path: Path) -> None:
    """The log goes on while it is read."""
    with running(read_path_app(tmp_path, ReadMetrics(CollectorRegistry()))) as found:
        for text in (b"one\n", b"two\n"):
            (tmp_path / "new").write_bytes(text)
            os.replace(tmp_path / "new", tmp_path / "checkpoint")
            assert ask(found, "/checkpoint").body == text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "NONSENSE"])
def test_a_log_is_only_read(url: str, public: Path, method: str) -> None:
    """Nothing that is sent here changes anything."""
    answer = ask(url, "/checkpoint", method=method, body=b"x")
    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert (public / "checkpoint").read_bytes().startswith(b"example.org/log\n")


def test_figures_know_kinds_and_no_paths(public: Path) -> None:
    """A path may hold a customer's handle, and strangers can make up any number of them."""
    registry = CollectorRegistry()
    with running(read_path_app(public, ReadMetrics(registry))) as found:
        for path in ("/checkpoint", "/tile/0/000", "/tile/0/099", "/a", "/b", f"/customer/{'A' * 43}/checkpoint"):
            ask(found, path)
    value = registry.get_sample_value
    name = "armslength_read_requests_total"
    assert value(name, {"kind": "checkpoint", "status": "200"}) == 2
    assert value(name, {"kind": "tile", "status": "200"}) == value(name, {"kind": "tile", "status": "404"}) == 1
    assert value(name, {"kind": "other", "status": "404"}) == 2
