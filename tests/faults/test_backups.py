"""Restored backups: each store of a ledger, and several at once, put back to what it was before."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from prometheus_client import CollectorRegistry

from armslength.ledger import OpenField, format_base64url, format_bundle, parse_openings
from armslength.service import (
    AppendError,
    Ledger,
    Refusal,
    Stopped,
    Whose,
    Witness,
    adopt_keys,
    create_witness,
    customer_bundle,
)
from armslength.store import LedgerFolder, Overtaken, StorageFailed, StoreError, read_ledger_folder
from armslength.web import WitnessMetrics, running, witness_app
from tests.faults.checker import check, rows
from tests.faults.history import History
from tests.service.ledgers import (
    ORIGIN,
    Chance,
    Clock,
    act,
    copied,
    erasure,
    ledger_folder,
    opened,
    record,
)
from tests.service.logs import NOW


def aged(tmp_path: Path) -> tuple[LedgerFolder, Path, History]:
    """A ledger, a backup of all of it, and what was said of it since."""
    folder = ledger_folder(tmp_path / "ledger")
    history = History()
    said(history, folder, record(folder, act("first", "ann"), act("second", "bob")))
    backup = copied(folder.path, tmp_path / "backup")
    said(history, folder, record(folder, act("third", "ann"), act("fourth", "cem")))
    return folder, backup, history


def said(history: History, folder: LedgerFolder, receipts: list) -> None:  # type: ignore[type-arg]
    for receipt in receipts:
        history.receipt(receipt.act, receipt.first, receipt.leaves)
    history.checkpoint((folder.public / "checkpoint").read_text())


def restore(backup: Path, folder: LedgerFolder, *names: str) -> None:
    """Put these back, each database with its write-ahead log."""
    for name in names:
        target = folder.path / name
        if target.is_dir():
            shutil.rmtree(target)
        if (backup / name).is_dir():
            shutil.copytree(backup / name, target)
            continue
        for part in (name, f"{name}-wal", f"{name}-shm"):
            (folder.path / part).unlink(missing_ok=True)
            if (backup / part).exists():
                shutil.copy(backup / part, folder.path / part)


def stored(folder: LedgerFolder) -> dict[str, object]:
    """All that the ledger's databases and files hold."""
    held: dict[str, object] = {}
    for path in sorted(folder.path.rglob("*")):
        if path.suffix == ".db":
            with closing(sqlite3.connect(path)) as db:
                held[path.name] = list(db.iterdump())
        elif path.is_file() and not path.name.endswith(("-shm", "-wal", ".held")):
            held[str(path.relative_to(folder.path))] = path.read_bytes()
    return held


def test_an_old_log_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """Its indexes were given to other records already: going on from it signs a second history."""
    folder, backup, _ = aged(tmp_path)
    restore(backup, folder, "log.db")
    before = stored(folder)
    with pytest.raises(Overtaken, match="rolled back"):
        opened(folder)
    assert stored(folder) == before


def test_the_true_log_opens_after_an_old_one_was_tried(tmp_path: Path) -> None:
    """Whoever tries a backup in the confusion after a failure must not destroy what the true log needs."""
    folder, backup, history = aged(tmp_path)
    true = copied(folder.path, tmp_path / "true")
    for names in (("log.db",), ("log.db", "lock.db"), ("log.db", "lock.db", "keys.db"), ("keys.db",)):
        restore(backup, folder, *names)
        if names != ("keys.db",):
            with pytest.raises(StoreError):
                opened(folder)
        restore(true, folder, *names)
        with opened(folder):
            pass
        assert check(folder.path, history) == []
        copied(true, folder.path)


def test_an_old_lock_is_moved_on_only_along_the_same_history(tmp_path: Path) -> None:
    """The lock may be restored from its own backup; but one of another log says that this is not what was signed."""
    folder, backup, history = aged(tmp_path)
    restore(backup, folder, "lock.db")
    with opened(folder):
        pass
    assert check(folder.path, history) == []
    other = ledger_folder(tmp_path / "other")
    record(other, act("another history", "ann"))
    shutil.copy(other.lock, folder.lock)
    with pytest.raises(Overtaken, match="another root"):
        opened(folder)


def test_a_log_and_a_lock_rolled_back_together_are_found_by_what_is_published(tmp_path: Path) -> None:
    """A snapshot of the whole machine's disk rolls back both; a web server's copy is often elsewhere."""
    folder, backup, _ = aged(tmp_path)
    restore(backup, folder, "log.db", "lock.db", "keys.db")
    with pytest.raises(Overtaken, match="rolled back"):
        opened(folder)


def test_a_log_rolled_back_behind_erasures_that_were_done_is_found_by_the_keys(tmp_path: Path) -> None:
    """The store of keys knows how far it has read the log: a log shorter than that lost entries."""
    folder = ledger_folder(tmp_path / "ledger")
    record(folder, act("first", "ann"), act("second", "bob"))
    backup = copied(folder.path, tmp_path / "backup")
    record(folder, erasure("erases ann", "ann"))
    with opened(folder):
        pass
    restore(backup, folder, "log.db", "lock.db", "public")
    with pytest.raises(StoreError):
        opened(folder)


@contextmanager
def witness(tmp_path: Path) -> Iterator[tuple[Witness, str]]:
    """A real one, over HTTP."""
    create_witness(str(tmp_path / "witness"), "witness.example", Chance("witness"))
    made = Witness(str(tmp_path / "witness"), lambda: NOW)
    try:
        with running(witness_app(made, WitnessMetrics(CollectorRegistry()))) as url:
            yield made, url
    finally:
        made.close()


def witnessed(tmp_path: Path, made: Witness, url: str) -> LedgerFolder:
    lines = f"witness w {made.keys[0].text} {url}\nquorum w\n"
    folder = ledger_folder(tmp_path / "ledger", witnesses=lines)
    made.trust([log.key.text for log in folder.policy.logs])
    return folder


def test_a_ledger_that_was_rolled_back_as_a_whole_is_found_by_a_witness(tmp_path: Path) -> None:
    """Nothing on the machine can tell: that is what witnesses are for."""
    with witness(tmp_path) as (made, url):
        folder = witnessed(tmp_path, made, url)
        record(folder, act("first", "ann"))
        backup = copied(folder.path, tmp_path / "backup")
        record(folder, act("second", "ann"))
        restore(backup, folder, "log.db", "lock.db", "keys.db", "public")
        with pytest.raises(Overtaken, match="the witness http.* rolled back"):
            opened(folder)


def test_a_rolled_back_ledger_that_a_witness_did_not_see_at_its_start_is_stopped_at_the_next_checkpoint(
    tmp_path: Path,
) -> None:
    """A witness may be down just then. Once it answers, no further record is signed into the second history."""
    create_witness(str(tmp_path / "witness"), "witness.example", Chance("witness"))
    made = Witness(str(tmp_path / "witness"), lambda: NOW)
    with running(witness_app(made, WitnessMetrics(CollectorRegistry()))) as url:
        folder = witnessed(tmp_path, made, url)
        record(folder, act("first", "ann"))
        backup = copied(folder.path, tmp_path / "backup")
        record(folder, act("second", "ann"))
    restore(backup, folder, "log.db", "lock.db", "keys.db", "public")
    ledger = opened(folder)
    try:
        assert [answer.url for answer in ledger.health().unasked] == [url]
        ledger.append(act("another second", "ann")).result()
        before = (folder.public / "checkpoint").read_bytes()
        with at(url, made):
            assert "history" in (ledger.publish().problem or "") or "rolled back" in (ledger.publish().problem or "")
        with pytest.raises(Stopped):
            ledger.append(act("third", "ann"))
        assert (folder.public / "checkpoint").read_bytes() == before
    finally:
        ledger.close()
        made.close()


@contextmanager
def at(url: str, made: Witness) -> Iterator[None]:
    """The witness back at its old address."""
    port = int(url.rpartition(":")[2])
    server = uvicorn.Server(
        uvicorn.Config(
            witness_app(made, WitnessMetrics(CollectorRegistry())),
            host="127.0.0.1",
            port=port,
            log_config=None,
            lifespan="off",
        )
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield
    server.should_exit = True
    thread.join()


def test_a_crash_between_cosigning_and_publishing_is_no_rollback(tmp_path: Path) -> None:
    """The witness then knows more than what is published, and the log knows as much: nothing is to be refused."""

    def crash(step: str) -> None:
        if step == "cosigned":
            raise StorageFailed("the end")

    with witness(tmp_path) as (made, url):
        folder = witnessed(tmp_path, made, url)
        record(folder, act("first", "ann"))
        before = (folder.public / "checkpoint").read_bytes()
        with opened(folder, step=crash) as ledger:
            ledger.append(act("second", "ann")).result()
        assert (folder.public / "checkpoint").read_bytes() == before
        record(folder, act("third", "ann"))
        history = History()
        history.checkpoint((folder.public / "checkpoint").read_text())
        assert check(folder.path, history) == [] and history.signed != {}


# Keys


def openable(folder: LedgerFolder, index: int) -> set[str]:
    """The labels of a record for which an opening or a value can be had."""
    ((openings,),) = rows(folder.keys, f"SELECT openings FROM openings WHERE idx={index}") or [(b"\x01\0\0",)]
    return {field.label for field in parse_openings(openings) if hasattr(field, "opening")}


SCOPES = ["everything", [{"sequence": 0}], [{"labels": ["note"], "sequence": 0}]]


@dataclass(frozen=True)
class Restored:
    """A ledger in which something was erased, its keys put back to before; `gone` are bytes that would open what was
    erased."""

    folder: LedgerFolder
    index: int
    gone: tuple[bytes, ...]


@pytest.fixture(params=SCOPES, ids=["everything", "a record", "a field"])
def restored(tmp_path: Path, request: pytest.FixtureRequest) -> Restored:
    folder = ledger_folder(tmp_path / "ledger")
    (receipt, *_) = record(folder, act("first", "ann"), act("second", "bob"))
    backup = copied(folder.path, tmp_path / "backup")
    ((wrapped, openings),) = rows(folder.keys, f"SELECT wrapped, openings FROM openings WHERE idx={receipt.first}")
    ((key,),) = rows(folder.keys, "SELECT key FROM customers WHERE name='ann'")
    record(folder, erasure("erases", "ann", request.param))
    restore(backup, folder, "keys.db")
    fields = [field for field in parse_openings(openings) if isinstance(field, OpenField)]
    gone = [field.opening for field in fields if field.label == "note" or request.param != SCOPES[2]]
    assert "note" in openable(folder, receipt.first)
    return Restored(
        folder=folder,
        index=receipt.first,
        gone=(wrapped, *gone, *([key] if request.param == "everything" else [])),
    )


def test_old_keys_are_refused_until_somebody_says_that_they_are_the_newest(restored: Restored) -> None:
    """Whoever restores them by mistake loses what every newer record says."""
    with pytest.raises(Overtaken, match="an older copy"):
        opened(restored.folder)


def test_erasures_are_done_again_on_old_keys_before_anything_is_opened(restored: Restored) -> None:
    """A customer was told that it is gone. A backup of the keys brings it back, and must not keep it."""
    folder = restored.folder
    adopt_keys(folder.path, chance=Chance("adopting"))
    with opened(folder) as ledger:
        assert ledger.append(act("goes on", "bob")).result()
    assert "note" not in openable(folder, restored.index)
    everything = b"".join(path.read_bytes() for path in folder.path.iterdir() if path.is_file())
    for secret in restored.gone:
        assert secret not in everything


@pytest.mark.parametrize("step", ["signed", "keys", "log", "lock"])
def test_erasures_are_done_again_on_old_keys_also_where_the_first_start_fails(restored: Restored, step: str) -> None:
    """They come before anything else, so that no failure after them leaves the old keys in use."""
    folder = restored.folder

    def fail(name: str) -> None:
        if name == step:
            raise StorageFailed("no luck")

    with Ledger(folder, clock=Clock(), step=fail, old_keys=True) as ledger, pytest.raises(AppendError):
        ledger.append(act("first after the restore", "bob")).result()
    assert "note" not in openable(folder, restored.index)


def test_a_bundle_made_with_old_keys_opens_nothing_that_was_erased(restored: Restored) -> None:
    """Bundles are made without opening the ledger for writing, so without the start that does the erasures again."""
    ((handle,),) = rows(restored.folder.keys, "SELECT handle FROM customers WHERE name='ann'")
    try:
        text = "".join(format_bundle(customer_bundle(restored.folder, Whose(handle=handle))))
    except (Refusal, StoreError):
        return
    for secret in restored.gone:
        assert format_base64url(secret) not in text


def test_old_keys_without_those_of_newer_records_lose_only_what_these_say(tmp_path: Path) -> None:
    """An old backup of the keys cannot open what came after it; but the log goes on, and every proof with it."""
    folder, backup, history = aged(tmp_path)
    restore(backup, folder, "keys.db")
    adopt_keys(folder.path, chance=Chance("adopting"))
    with opened(folder) as ledger:
        receipt = ledger.append(act("goes on", "ann")).result()
        history.receipt(receipt.act, receipt.first, receipt.leaves)
    found = check(folder.path, history)
    later = [first for first, _ in history.given.values()][2:4]
    assert sorted(found) == sorted(f"entry {index}: its commitments are gone" for index in later)


def test_a_settings_file_that_names_another_log_is_refused(tmp_path: Path) -> None:
    """Restored into the wrong folder, one log's entries would be signed in another's name."""
    folder = ledger_folder(tmp_path / "ledger")
    record(folder, act("first", "ann"))
    settings = folder.path / "ledger.toml"
    settings.write_text(settings.read_text().replace(ORIGIN, "log.example.com/other"))
    with pytest.raises(StoreError):
        opened(read_ledger_folder(folder.path))
