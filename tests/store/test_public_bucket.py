"""The published bucket: no checkpoint without its tiles, none in place of a newer one, whatever the service does."""

from __future__ import annotations

import logging
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from armslength.store import Bucket, LogDatabase, StorageFailed, StoreError
from armslength.store.log_source import LogSource
from armslength.store.public_bucket import PROBE, PublicBucket
from armslength.store.public_place import parse_bucket
from armslength.tlog import Checkpoint, Edge, Note, TlogError, fsck
from tests.store.bucket_server import BUCKET, SECRET, Service, credentials, running_rclone, running_service
from tests.store.stores import ADA, BEN, Growth, log_state
from tests.tlog.trees import files

ORIGIN = Checkpoint.parse(Note.parse(log_state(Edge.empty()).note).text).origin


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LogDatabase]:
    with LogDatabase(tmp_path / "log.db", writing=True, create=True) as made:
        made.create(log_state(Edge.empty()))
        yield made


@pytest.fixture
def service() -> Iterator[Service]:
    with running_service() as found:
        yield found


def bucket(folder: Path, service: Service, *, prefix: str = "acts/1", **more: str) -> PublicBucket:
    found = Bucket(
        name=BUCKET, prefix=prefix, endpoint=service.url, region="us-east-1", credentials=credentials(folder, **more)
    )
    return PublicBucket(found, origin=ORIGIN, signed=lambda note: True)


def published(public: PublicBucket, log: LogDatabase, old: int) -> int:
    """A round of a publisher; gives the size that stands there then."""
    state = log.state()
    public.export(log, old=old, new=state.size)
    public.publish(Note.parse(state.note))
    public.prune(old=old, new=state.size)
    return state.size


def size_of(data: bytes) -> int:
    return Checkpoint.parse(Note.parse(data).text).size


def grown(log: LogDatabase, growth: Growth, count: int) -> None:
    log.write(growth.next([ADA, BEN] * (count // 2) + [ADA] * (count % 2)))


def test_anyone_reads_the_log_from_a_real_bucket(
    tmp_path: Path, log: LogDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    """Customers, witnesses and monitors would need our program, or credentials, to see what is theirs."""
    with running_rclone(tmp_path / "rclone") as (service, url):
        public, growth, size = bucket(tmp_path, service), Growth(), 0
        for count in (3, 1, 300, 210):
            grown(log, growth, count)
            size = published(public, log, size)
        checkpoint = public.read("checkpoint")
        assert checkpoint is not None and checkpoint.decode() == log.state().note
        whole = files(growth.leaves)
        assert {name: public.read(name) for name in whole} == whole
        assert public.holds(size) and public.published_at() == pytest.approx(time.time(), abs=60)
        with LogSource(f"{url}/acts/1") as source:
            found = Note.parse(source.checkpoint())
            assert fsck(source_read(source), Checkpoint.parse(found.text)) == ()
        # It ignores conditions, and that is said, once.
        assert [each.message for each in caplog.records].count(
            f"{public.place}: ignores If-Match, so let one gate alone publish there"
        ) == 1
        grown(log, growth, 5)
        assert published(public, log, size) == size + 5
        old = Note.parse(checkpoint)
        with pytest.raises(StorageFailed, match="newer"):
            public.publish(old)


def source_read(source: LogSource):  # type: ignore[no-untyped-def]
    def read(name: str) -> bytes | None:
        from urllib.error import HTTPError
        from urllib.request import urlopen

        try:
            with urlopen(f"{source.place}/{name}", timeout=10) as answer:
                return bytes(answer.read())
        except HTTPError as error:
            if error.code == 404:
                return None
            raise

    return read


def test_the_checkpoint_comes_after_all_it_needs(tmp_path: Path, log: LogDatabase, service: Service) -> None:
    """A reader, or a crash, would find a log with holes."""
    public, growth, size = bucket(tmp_path, service), Growth(), 0
    for count in (1, 2, 255, 600):
        grown(log, growth, count)
        size = published(public, log, size)
    there: dict[str, bytes] = {}
    checkpoints = 0
    for name, data in service.puts:
        there[name.removeprefix("acts/1/")] = data
        if name.endswith("checkpoint"):
            checkpoints += 1
            assert fsck(there.get, Checkpoint.parse(Note.parse(data).text)) == ()
    assert checkpoints == 4


def test_each_kind_goes_out_as_it_should(tmp_path: Path, log: LogDatabase, service: Service) -> None:
    """A checkpoint that is kept for a year hides everything since; a tile that is not costs its reading each time."""
    public, growth = bucket(tmp_path, service), Growth()
    grown(log, growth, 300)
    published(public, log, 0)
    public.put("policy", b"log x\n")
    public.put("verify.html", b"<!doctype html>")
    said = {name.removeprefix("acts/1/"): headers for name, headers in service.headers.items()}
    assert said["checkpoint"] == {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "max-age=3"}
    assert said["policy"] == said["checkpoint"]
    assert said["verify.html"]["Content-Type"] == "text/html; charset=utf-8"
    for name in ("tile/0/000", "tile/entries/000", "tile/0/001.p/44"):
        assert said[name]["Content-Type"] == "application/octet-stream"
        assert "immutable" in said[name]["Cache-Control"]


def test_full_tiles_take_the_place_of_partial_ones(tmp_path: Path, log: LogDatabase, service: Service) -> None:
    """The bucket would grow with every second."""
    public, growth, size = bucket(tmp_path, service), Growth(), 0
    for count in (100, 100, 100):
        grown(log, growth, count)
        size = published(public, log, size)
    assert public.partials() == ["tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"]


def test_a_long_list_is_read_to_its_end(tmp_path: Path, service: Service) -> None:
    """Whatever stands after the first thousand would be kept for ever, and checked by nobody."""
    public = bucket(tmp_path, service)
    service.page = 100
    for number in range(2500):
        service.objects[f"acts/1/tile/0/x{number // 1000:03}/{number % 1000:03}.p/1"] = b"x"
    assert len(public.partials()) == 2500
    assert len(list(public._s3.names("tile/0/x001/"))) == 1000


# The checkpoint never goes back


def notes(log: LogDatabase, growth: Growth, count: int) -> list[Note]:
    found = []
    for _ in range(count):
        grown(log, growth, 2)
        found.append(Note.parse(log.state().note))
    return found


def test_two_that_publish_at_once_never_take_it_back(tmp_path: Path, log: LogDatabase, service: Service) -> None:
    """After a take-over the old gate would put its last checkpoint over the new gate's, and customers would see acts
    vanish."""
    every = notes(log, Growth(), 24)
    refused: list[str] = []

    def publish(seed: int, mine: PublicBucket) -> None:
        order = every[:]
        random.Random(seed).shuffle(order)
        for note in order:
            try:
                mine.publish(note)
            except StorageFailed as error:
                refused.append(str(error))

    each = [bucket(tmp_path, service) for _ in range(4)]
    threads = [threading.Thread(target=publish, args=found) for found in enumerate(each)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sizes = [size_of(data) for name, data in service.puts if name.endswith("checkpoint")]
    assert sizes == sorted(set(sizes)) and sizes[-1] == log.state().size
    assert refused and all("newer" in told or "others keep" in told for told in refused)


def test_one_that_comes_between_reading_and_writing_is_seen(tmp_path: Path, log: LogDatabase, service: Service) -> None:
    """The other one's newer checkpoint would be written over in the moment between."""
    first, second, third = notes(log, Growth(), 3)
    slow, quick = bucket(tmp_path, service), bucket(tmp_path, service)
    slow.publish(first)
    quick.publish(first)
    busy = threading.Event()

    def before(method: str, name: str) -> None:
        if method == "PUT" and name.endswith("checkpoint") and not busy.is_set():
            busy.set()
            quick.publish(third)

    service.before = before  # type: ignore[assignment]
    with pytest.raises(StorageFailed, match="newer"):
        slow.publish(second)
    assert slow.published() == third


def test_another_history_or_log_is_not_replaced(tmp_path: Path, log: LogDatabase, service: Service) -> None:
    """Two logs with one prefix would each make the other's readers believe that acts vanished."""
    first, second = notes(log, Growth(), 2)
    public = bucket(tmp_path, service)
    public.publish(second)
    with pytest.raises(StorageFailed, match="newer"):
        public.publish(first)
    checkpoint = Checkpoint.parse(second.text)
    other = Checkpoint(origin=checkpoint.origin, size=checkpoint.size, root=bytes(32)).format()
    with pytest.raises(StorageFailed, match="two histories"):
        public.publish(Note(text=other, signatures=second.signatures))
    elsewhere = PublicBucket(public.place, origin="other.example/log", signed=lambda note: True)
    with pytest.raises(StorageFailed, match="prefix of its own"):
        elsewhere.publish(first)
    assert public.published() == second


@pytest.mark.parametrize("rubbish", [b"", b"no checkpoint\n", bytes(1000), b"x" * 10_000])
def test_what_nobody_can_believe_is_replaced(
    tmp_path: Path, log: LogDatabase, service: Service, rubbish: bytes
) -> None:
    """One bad object would end publishing for good."""
    (note,) = notes(log, Growth(), 1)
    public = bucket(tmp_path, service)
    public.put("checkpoint", rubbish)
    assert public.published() is None
    public.publish(note)
    assert public.published() == note


def test_a_checkpoint_that_the_log_did_not_sign_stops_nothing(
    tmp_path: Path, log: LogDatabase, service: Service
) -> None:
    """Anybody who can write there would name a size that is never reached."""
    (note,) = notes(log, Growth(), 1)
    checkpoint = Checkpoint.parse(note.text)
    huge = Checkpoint(origin=checkpoint.origin, size=2**60, root=bytes(32)).format()
    place = bucket(tmp_path, service).place
    public = PublicBucket(place, origin=ORIGIN, signed=lambda each: "1152921504606846976" not in each.text)
    public.put("checkpoint", Note(text=huge, signatures=note.signatures).format().encode())
    public.publish(note)
    assert public.published() == note


# What the service does


def test_a_tile_that_was_cut_short_is_mended(tmp_path: Path, log: LogDatabase, service: Service) -> None:
    """A service that broke off would leave its half for ever."""
    growth = Growth()
    grown(log, growth, 300)
    whole = files(growth.leaves)
    for name in ("tile/0/000", "tile/entries/001.p/44"):
        service.objects[f"acts/1/{name}"] = whole[name][:100]
        service.headers[f"acts/1/{name}"] = {}
    public = bucket(tmp_path, service)
    published(public, log, 0)
    assert {name: public.read(name) for name in whole} == whole


def test_a_failure_half_way_leaves_the_old_checkpoint(tmp_path: Path, log: LogDatabase, service: Service) -> None:
    """A reader would be sent to tiles that are not there."""
    public, growth = bucket(tmp_path, service), Growth()
    grown(log, growth, 10)
    size = published(public, log, 0)
    grown(log, growth, 3000)
    seen = 0

    def before(method: str, name: str) -> int | None:
        nonlocal seen
        seen += method == "PUT"
        return 507 if seen > 5 else None

    service.before = before
    with pytest.raises(StorageFailed, match="507 Broken"):
        published(public, log, size)
    assert size_of(service.objects["acts/1/checkpoint"]) == size
    service.before = lambda method, name: None
    assert published(public, log, size) == 3010
    assert fsck(public.read, Checkpoint.parse(Note.parse(log.state().note).text)) == ()


def test_one_that_is_killed_half_way_is_followed_by_one_that_ends(
    tmp_path: Path, log: LogDatabase, service: Service
) -> None:
    """A machine that loses its power would leave a bucket that nobody can use."""
    growth = Growth()
    grown(log, growth, 3000)
    service.before = lambda method, name: time.sleep(0.05)  # type: ignore[assignment, func-returns-value]
    place = bucket(tmp_path, service).place
    program = f"""
from pathlib import Path
from armslength.store import Bucket, LogDatabase
from armslength.store.public_bucket import PublicBucket
from armslength.tlog import Note
place = Bucket(name={place.name!r}, prefix={place.prefix!r}, endpoint={place.endpoint!r}, region="us-east-1",
               credentials=Path({str(place.credentials)!r}))
with LogDatabase(Path({str(tmp_path / "log.db")!r})) as log:
    public = PublicBucket(place, origin={ORIGIN!r}, signed=lambda note: True)
    public.export(log, old=0, new=3000)
    public.publish(Note.parse(log.state().note))
"""
    process = subprocess.Popen([sys.executable, "-c", program])
    try:
        end = time.monotonic() + 20
        while len(service.puts) < 3:
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    assert 3 <= len(service.puts) < 20 and "acts/1/checkpoint" not in service.objects
    service.before = lambda method, name: None
    public = bucket(tmp_path, service)
    published(public, log, 0)
    assert fsck(public.read, Checkpoint.parse(Note.parse(log.state().note).text)) == ()


def test_wrong_credentials_are_told_and_not_shown(tmp_path: Path, log: LogDatabase) -> None:
    """Whoever reads the log of the gate would write to the bucket."""
    (note,) = notes(log, Growth(), 1)
    with running_rclone(tmp_path / "rclone") as (service, _):
        public = bucket(tmp_path, service, secret="another-secret-of-theirs")
        with pytest.raises(StorageFailed, match="does not let us: 403") as failed:
            public.publish(note)
        assert "another-secret" not in str(failed.value) and "Signature=" not in str(failed.value)
        assert failed.value.__cause__ is None
        # They are read again once somebody has put them right.
        credentials(tmp_path)
        public.publish(note)
        assert public.published() == note
        nowhere = PublicBucket(
            Bucket(name="nowhere", endpoint=service.url, region="us-east-1", credentials=credentials(tmp_path)),
            origin=ORIGIN,
            signed=lambda each: True,
        )
        with pytest.raises(StorageFailed, match="no such bucket"):
            nowhere.put("policy", b"x")


def test_an_endpoint_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The publisher would hang for ever, and nobody would know why nothing new is published."""
    monkeypatch.setattr("armslength.store.s3_bucket.ANSWER_SECONDS", 1)
    monkeypatch.setattr("armslength.store.s3_bucket.RETRY_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent, ExitStack():
        public = bucket(tmp_path, Service(url=f"http://127.0.0.1:{silent.getsockname()[1]}"))
        began = time.monotonic()
        with pytest.raises(StorageFailed, match="did not answer"):
            public.published()
        assert time.monotonic() - began < 10
    with pytest.raises(StorageFailed, match="did not answer"):
        public.published()


@pytest.mark.parametrize("status", [500, 503, 400, 301, 204])
def test_a_service_that_answers_oddly_publishes_nothing(
    tmp_path: Path, log: LogDatabase, service: Service, status: int
) -> None:
    """What was not written would count as published."""
    (note,) = notes(log, Growth(), 1)
    public = bucket(tmp_path, service)
    service.before = lambda method, name: status if method == "GET" else None
    with pytest.raises((StorageFailed, TlogError)):
        public.publish(note)
    assert "acts/1/checkpoint" not in service.objects


def test_an_object_that_is_too_large_is_not_read(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write there would fill the gate's memory."""
    monkeypatch.setattr("armslength.store.s3_bucket.MOST_BYTES", 1000)
    public = bucket(tmp_path, service)
    public.put("checkpoint", bytes(1001))
    with pytest.raises(StorageFailed, match="1001 bytes"):
        public.published()


def test_the_probe_says_what_it_is(
    tmp_path: Path, log: LogDatabase, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody would find an odd object in the bucket, and delete more than that."""
    with caplog.at_level(logging.WARNING):
        bucket(tmp_path, service).publish(notes(log, Growth(), 1)[0])
    assert b"If-Match" in service.objects[f"acts/1/{PROBE}"]
    assert caplog.records == []


# Settings


@pytest.mark.parametrize(
    "said",
    [
        "s3://",
        "s3:///x",
        "s3://B/x",
        "s3://a",
        "s3://a..b/x",
        "s3://logs/a b",
        "s3://logs/a//b",
        "s3://logs/../x",
        "s3://logs/a?b",
    ],
)
def test_a_bucket_that_is_none_is_told(said: str) -> None:
    """It would be another bucket than somebody thinks."""
    place, problems = parse_bucket(said)
    assert place is None and problems


@pytest.mark.parametrize(
    "endpoint",
    ["minio:9000", f"https://{'key:word'}@minio.example", "ftp://x", "https://x/y", "https://x:0", "https://x?y"],
)
def test_an_endpoint_holds_no_credentials_and_no_path(endpoint: str) -> None:
    """Settings are shown to colleagues."""
    place, problems = parse_bucket("s3://logs/acts", endpoint=endpoint)
    assert place is None and len(problems) == 1


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ('access_key_id = "a"\nsecret_access_key = "MARK"\n', 0o644),
        ('access_key_id = "a"\n', 0o600),
        ('access_key_id = "a"\nsecret_access_key = "MARK"\nmore = "MARK"\n', 0o600),
        ('access_key_id = 5\nsecret_access_key = "MARK"\n', 0o600),
        ("access_key_id = MARK\n", 0o600),
    ],
)
def test_a_file_of_credentials_is_kept_to_its_form_and_its_owner(tmp_path: Path, text: str, mode: int) -> None:
    """Others on the machine would read it; and what is wrong in it must not be shown with what is right."""
    path = tmp_path / "s3.credentials"
    path.write_text(text)
    os.chmod(path, mode)
    place = Bucket(name=BUCKET, endpoint="http://127.0.0.1:1", region="us-east-1", credentials=path)
    with pytest.raises(StoreError) as failed:
        PublicBucket(place, origin=ORIGIN, signed=lambda note: True).published()
    assert "MARK" not in str(failed.value) and SECRET not in str(failed.value)
