"""A ledger that is published in a bucket: acts are recorded whatever the bucket does, and it shows what the log has."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from armslength.service import Whose, check_ledger, customer_bundle, ledger_status, open_ledger
from armslength.store import LedgerFolder, StoreError, open_public, public_source, read_ledger_folder
from armslength.tlog import Note, fsck
from armslength.web import ReadMetrics, read_path_app, running
from tests.service.ledgers import Clock, act, copied, ledger_folder, opened, recorded
from tests.store.bucket_server import BUCKET, Service, credentials, running_rclone, running_service
from tests.web.raw import ask


@pytest.fixture
def service() -> Iterator[Service]:
    with running_service() as found:
        yield found


def kept(path: Path, service: Service, **more: str) -> LedgerFolder:
    said = {"public": f"s3://{BUCKET}/acts", "bucket_endpoint": service.url, "bucket_region": "us-east-1"}
    return ledger_folder(path / "ledger", **said, bucket_credentials=str(credentials(path)), **more)


def published(folder: LedgerFolder) -> int | None:
    """The size of what stands there; fails unless all that it needs is there."""
    public = open_public(folder)
    note = public.published()
    if note is None:
        return None
    endorsed = folder.policy.endorse(note)
    assert fsck(public.read, endorsed.checkpoint) == ()
    return endorsed.checkpoint.size


def test_a_ledger_in_a_real_bucket_is_one_like_any_other(tmp_path: Path) -> None:
    """A customer's bundle, a status or a check would need the folder that is not there."""
    with running_rclone(tmp_path / "rclone") as (service, _):
        folder = kept(tmp_path, service)
        with opened(folder) as ledger:
            recorded(ledger, *(act(str(number), "acme") for number in range(300)))
            assert ledger.publish().problem is None
        assert published(folder) == ledger_status(folder).size == ledger_status(folder).published
        assert check_ledger(folder).findings == ()
        assert customer_bundle(folder, Whose(name="acme", handle=None))
        app = read_path_app(public_source(folder), ReadMetrics(CollectorRegistry()))
        with running(app) as url:
            answer = ask(url, "/tile/0/000")
            assert (answer.status, len(answer.body)) == (200, 8192) and "immutable" in answer.headers["cache-control"]
            assert ask(url, "/checkpoint").status == 200
            assert ask(url, "/tile/0/009").status == 404 == ask(url, "/conditional-writes").status
            assert ask(url, "/checkpoint", method="HEAD").headers["content-length"] != "0"
        secret = tmp_path / "s3.credentials"
        assert secret.read_text().splitlines()[1].split('"')[1] not in (folder.path / "ledger.toml").read_text()


def test_what_is_wrong_in_the_bucket_is_found(tmp_path: Path, service: Service) -> None:
    """Whoever can write there would change what customers see, and the firm's own check would say that all is well."""
    folder = kept(tmp_path, service)
    with opened(folder) as ledger:
        recorded(ledger, *(act(str(number), "acme") for number in range(300)))
        ledger.publish()
    name = "acts/tile/entries/000"
    service.objects[name] = service.objects[name][:-1] + b"x"
    assert [found.where for found in check_ledger(folder).findings] == ["public/tile/entries/000"]


def test_acts_are_recorded_while_the_bucket_is_away(tmp_path: Path) -> None:
    """Whoever stops the bucket would stop the firm, or have acts done that nothing has a record of."""
    with running_service() as service:
        folder = kept(tmp_path, service)
        port = int(service.url.rpartition(":")[2])
        with opened(folder) as ledger:
            recorded(ledger, act("one", "acme"))
            assert ledger.publish().published == 1
    # Nobody listens there any more: with the ledger open, and at a start.
    clock = Clock()
    with opened(folder, clock=clock) as ledger:
        problem = ledger.health().publisher.problem
        assert problem is not None and "did not answer" in problem
        late = recorded(ledger, act("two", "acme"))[0]
        health = ledger.publish()
        assert health.problem is not None and not ledger.witnessed(late)
        assert ledger.health().writer.stopped is None
        with running_service(port=port) as again:
            again.objects.update(service.objects)
            again.headers.update(service.headers)
            health = ledger.publish()
            assert (health.published, health.problem) == (ledger_status(folder).size, None)
            assert published(folder) == health.published


def test_an_append_does_not_wait_for_a_bucket_that_hangs(tmp_path: Path, service: Service) -> None:
    """Each act would take as long as the slowest answer of a service that nobody needs for it."""
    folder = kept(tmp_path, service)
    over = threading.Event()
    with opened(folder) as ledger:
        recorded(ledger, act("one", "acme"))
        ledger.publish()
        service.before = lambda method, name: over.wait(5) and None
        recorded(ledger, act("two", "acme"))
        publishing = threading.Thread(target=ledger.publish)
        publishing.start()
        began = time.monotonic()
        recorded(ledger, *(act(f"more {number}", "acme") for number in range(20)))
        assert time.monotonic() - began < 3 and publishing.is_alive()
        over.set()
        publishing.join()
    assert published(folder) == ledger_status(folder).size


def test_a_log_that_was_rolled_back_is_stopped_once_the_bucket_is_back(tmp_path: Path) -> None:
    """A bucket that is out at the start would hide that the ledger came from an old backup."""
    with running_service() as service:
        folder = kept(tmp_path, service)
        port = int(service.url.rpartition(":")[2])
        with opened(folder) as ledger:
            recorded(ledger, act("one", "acme"))
            ledger.publish()
        old = copied(folder.path, tmp_path / "backup")
        with opened(folder) as ledger:
            recorded(ledger, act("two", "acme"))
            ledger.publish()
    shutil.rmtree(folder.path)
    copied(old, folder.path)
    with opened(folder) as ledger, running_service(port=port) as again:
        again.objects.update(service.objects)
        again.headers.update(service.headers)
        before = dict(again.objects)
        problem = ledger.publish().problem
        assert problem is not None and "rolled back" in problem
        assert ledger.health().writer.stopped is not None
        assert again.objects == before


def test_a_gate_that_was_overtaken_does_not_take_the_checkpoint_back(tmp_path: Path, service: Service) -> None:
    """The old writer, which is slow, would publish its last checkpoint after the new writer's."""
    folder = kept(tmp_path, service)
    with opened(folder) as ledger:
        recorded(ledger, act("one", "acme"))
        ledger.publish()
        old = service.objects["acts/checkpoint"]
        recorded(ledger, act("two", "acme"))
        ledger.publish()
    with pytest.raises(StoreError, match="newer"):
        open_public(folder).publish(Note.parse(old))
    assert published(folder) == ledger_status(folder).size


def test_a_bucket_is_not_asked_every_second_where_nothing_is_new(tmp_path: Path, service: Service) -> None:
    """Each request costs money: at one a second, more than the storage."""
    folder = kept(tmp_path, service)
    asked: list[str] = []
    clock = Clock()
    with opened(folder, clock=clock) as ledger:
        recorded(ledger, act("one", "acme"))
        ledger.publish()
        service.before = lambda method, name: asked.append(name)
        for _ in range(50):
            clock.now += 1
            ledger.publish()
        assert len(asked) == 0
        # It is looked at now and then, and somebody's deletion is made good.
        del service.objects["acts/checkpoint"]
        clock.now += 61
        ledger.publish()
        assert published(folder) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"public": "s3://B"},
        {"public": f"s3://{BUCKET}", "bucket_endpoint": f"https://{'user:word'}@s3.example"},
        {"public": f"s3://{BUCKET}/../x"},
    ],
)
def test_settings_that_name_no_bucket_make_no_ledger(tmp_path: Path, settings: dict[str, str]) -> None:
    """It would record, and publish nowhere."""
    with pytest.raises(StoreError, match=r"ledger\.toml: public"):
        ledger_folder(tmp_path / "ledger", **settings)


def test_the_environments_credentials_do_as_well(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key in a file is one more that somebody has to look after, where the machine has a role."""
    folder = kept(tmp_path, service)
    said = (folder.path / "ledger.toml").read_text().splitlines()
    kept_lines = [line for line in said if not line.startswith("bucket_")]
    (folder.path / "ledger.toml").write_text("\n".join(kept_lines))
    os.unlink(tmp_path / "s3.credentials")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key-of-the-tests",
        "AWS_SECRET_ACCESS_KEY": "secret-of-the-tests",
        "AWS_ENDPOINT_URL": service.url,
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    folder = read_ledger_folder(folder.path)
    with open_ledger(folder.path) as ledger:
        recorded(ledger, act("one", "acme"))
        assert ledger.publish().problem is None
    assert published(folder) == ledger_status(folder).size
