"""How logs of others were lost, replayed on ours."""

from __future__ import annotations

import errno
import itertools
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from armslength.service import AppendError, Stopped, Unsettled
from armslength.store import Damaged, LedgerFolder, LogDatabase, StorageFailed, StoreError
from tests.faults.checker import check, rows
from tests.faults.harness import ROOT
from tests.faults.history import History
from tests.service.ledgers import act, ledger_folder, opened, record

PLACES = ("signed", "keys", "log", "lock")


def tail(folder: LedgerFolder) -> History:
    """What was published of a ledger."""
    history = History()
    history.checkpoint((folder.public / "checkpoint").read_text())
    return history


@pytest.mark.parametrize(("first", "second"), list(itertools.product(PLACES, repeat=2)))
def test_two_transient_errors_in_a_row_stop_the_writer_and_lose_nothing(
    tmp_path: Path, first: str, second: str
) -> None:
    """Raio 2025: after two transient errors in a row a log signed what it had not stored. Here the second one stops the
    writer, and what was asked is there once after a reload, wherever in the commit the two struck."""
    folder = ledger_folder(tmp_path / "ledger")
    record(folder, act("before", "ann"))
    history = tail(folder)
    due = iter((first, second))
    now = [next(due)]

    def step(name: str) -> None:
        if name == now[0]:
            now[0] = next(due, "")
            raise StorageFailed(f"no luck after {name}")

    with opened(folder, step=step) as ledger:
        for attempt in range(2):
            with pytest.raises(Unsettled):
                ledger.append(act(f"asked {attempt}", "ann", "bob")).result()
        assert "2 storage errors in a row" in (ledger.health().writer.stopped or "")
        with pytest.raises(Stopped):
            ledger.append(act("asked while stopped"))
        ledger.publish()
        ledger.reload()
        for attempt in range(2):
            receipt = ledger.append(act(f"asked {attempt}", "ann", "bob")).result()
            history.receipt(receipt.act, receipt.first, receipt.leaves)
    assert check(folder.path, history) == []
    acts = [known for (known,) in rows(folder.log, "SELECT act FROM acts")]
    assert len(acts) == len(set(acts)) == 3


def test_an_error_between_good_batches_does_not_count_as_one_of_two_in_a_row(tmp_path: Path) -> None:
    """A writer that stopped at every second error of its life would be down when it is needed."""
    folder = ledger_folder(tmp_path / "ledger")
    failing = [False]

    def step(name: str) -> None:
        if name == "keys" and failing[0]:
            raise StorageFailed("no luck")

    with opened(folder, step=step) as ledger:
        for number in range(4):
            failing[0] = True
            with pytest.raises(Unsettled):
                ledger.append(act(f"asked {number}", "ann")).result()
            failing[0] = False
            ledger.append(act(f"asked {number}", "ann")).result()
        assert ledger.health().writer.stopped is None
    assert check(folder.path, tail(folder)) == []


# Oak 2022: a migration of the database that did not bring everything over


def lessened(folder: LedgerFolder, *statements: str) -> None:
    with closing(sqlite3.connect(folder.log)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entries WHERE idx=(SELECT max(idx) FROM entries)",
        "DELETE FROM entries WHERE idx>=(SELECT max(idx) FROM entries)-3",
        "UPDATE entries SET leaf=(SELECT leaf FROM entries WHERE idx=0) WHERE idx=(SELECT max(idx) FROM entries)",
        "UPDATE state SET size=size-1",
        "UPDATE state SET note=''",
        "UPDATE state SET mapped=mapped-1",
        "UPDATE state SET time=time+60",
        "DELETE FROM state",
        "DELETE FROM tiles",
        "UPDATE heads SET size=size+1",
        "DELETE FROM heads WHERE customer=1",
        "DROP TABLE heads",
        "DROP TABLE entries",
    ],
)
def test_a_log_that_a_migration_did_not_bring_over_whole_is_not_signed_on_from(tmp_path: Path, statement: str) -> None:
    """Oak 2022: a log that goes on from a database with a piece missing signs a history that it cannot show."""
    folder = ledger_folder(tmp_path / "ledger")
    with opened(folder) as ledger:
        for future in [ledger.append(act(f"act {n}", "ann", "bob")) for n in range(150)]:
            future.result()
    with opened(folder) as ledger:
        ledger.append(act("after a map head", "bob")).result()
        ledger.publish()
        lock = rows(folder.lock, "SELECT * FROM lock")
    lessened(folder, statement)
    checkpoint = (folder.public / "checkpoint").read_bytes()
    with pytest.raises(StoreError):
        opened(folder)
    assert rows(folder.lock, "SELECT * FROM lock") >= lock
    assert (folder.public / "checkpoint").read_bytes() == checkpoint


def test_an_entry_missing_far_back_is_not_given_to_another_record(tmp_path: Path) -> None:
    """A start does not read all of a long log. What is lost far back stays lost, and is found by a full check; its
    place is not used again."""
    folder = ledger_folder(tmp_path / "ledger")
    with opened(folder) as ledger:
        for future in [ledger.append(act(f"act {n}", "ann", "bob")) for n in range(150)]:
            future.result()
    lessened(folder, "DELETE FROM entries WHERE idx=3")
    with opened(folder) as ledger:
        assert ledger.append(act("goes on", "ann")).result().first > 300
    assert any("holds" in problem for problem in check(folder.path, tail(folder)))
    with LogDatabase(folder.log) as log, pytest.raises(Damaged):
        log.leaves(0, 10)


# A disk that filled

FULL = """
import resource, signal, sys
from pathlib import Path
from armslength.service import AppendError, Stopped, open_ledger
from tests.service.ledgers import act

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder, most = Path(sys.argv[1]), int(sys.argv[2])
with open_ledger(folder) as ledger:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    number = 0
    while ledger.health().writer.stopped is None:
        number += 1
        try:
            receipt = ledger.append(act(f"act {number}", "ann", "bob")).result()
        except AppendError as error:
            print("refused", number, type(error).__name__, flush=True)
        else:
            print("receipt", receipt.act.hex(), receipt.first, *[leaf.hex() for leaf in receipt.leaves], flush=True)
    ledger.publish()
    try:
        ledger.append(act("asked while stopped"))
    except Stopped:
        print("stopped", flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    ledger.reload()
    for n in range(1, number + 1):
        receipt = ledger.append(act(f"act {n}", "ann", "bob")).result()
        print("receipt", receipt.act.hex(), receipt.first, *[leaf.hex() for leaf in receipt.leaves], flush=True)
"""


@pytest.mark.parametrize("most", [120_000, 200_000])
def test_a_disk_that_fills_costs_no_record_and_the_log_goes_on_when_there_is_room(tmp_path: Path, most: int) -> None:
    """A Trillian log was lost to a disk that filled. Here the system itself refuses to let any file grow."""
    folder = ledger_folder(tmp_path / "ledger")
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(folder.path), str(most)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    history = tail(folder)
    lines = [line.split() for line in done.stdout.splitlines()]
    for word, *rest in lines:
        if word == "receipt":
            history.receipt(bytes.fromhex(rest[0]), int(rest[1]), tuple(map(bytes.fromhex, rest[2:])))
    words = [word for word, *_ in lines]
    assert words.count("refused") >= 2 and "stopped" in words and words.index("receipt") < words.index("refused")
    assert check(folder.path, history) == []


def test_an_error_is_told_with_the_file_and_what_the_system_said(tmp_path: Path) -> None:
    """Whoever is called at night has to know which disk is full."""
    folder = ledger_folder(tmp_path / "ledger")

    def step(name: str) -> None:
        if name == "keys":
            raise StorageFailed(f"{folder.log}: {errno.errorcode[errno.ENOSPC]}")

    ledger = opened(folder, step=step)
    try:
        with pytest.raises(AppendError, match=f"{folder.log}.*ask again with the same act id"):
            ledger.append(act("first")).result()
    finally:
        ledger.close()
