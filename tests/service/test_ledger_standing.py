"""How a ledger stands: told truly, by whoever may read it, whether or not somebody writes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from armslength.service import ledger_status
from armslength.store import LedgerFolder, LogDatabase, StoreError, read_ledger_folder
from tests.service.ledgers import ORIGIN, act, copied, erasure, ledger_folder, opened, record, recorded
from tests.service.logs import NOW, SampleLog


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return ledger_folder(tmp_path / "ledger")


def test_a_new_ledger_stands_at_nothing_and_nothing_is_wrong(folder: LedgerFolder) -> None:
    """The first look would frighten whoever has just made it."""
    status = ledger_status(folder)
    assert (status.origin, status.size, status.held, status.published, status.time) == (ORIGIN, 0, 0, 0, 0)
    assert (status.assessment, status.unreadable, status.problems) == (None, None, ())
    assert set(status.signing) == {key.verifier for key in folder.signers}
    assert set(status.rows.values()) == {0}


def test_it_says_what_is_durable_locked_mapped_and_published(folder: LedgerFolder) -> None:
    """An operator decides by it whether to act."""
    with opened(folder) as ledger:
        recorded(ledger, act("one", "acme", "beta"), act("two"))
        status = ledger_status(folder)
        assert (status.size, status.held, status.mapped, status.published) == (3, 3, 0, 0)
        assert status.problems == ("nothing is published yet",)
        ledger.publish()
        recorded(ledger, act("three", "acme"))
        status = ledger_status(folder)
        assert (status.size, status.published) == (4, 3)
        assert status.problems == ("1 entries are durable and not published yet",)
        recorded(ledger, erasure("four", "acme"))
    status = ledger_status(read_ledger_folder(folder.path, signing=False))
    assert (status.size, status.held, status.mapped, status.published) == (6, 6, 5, 6)
    assert status.time == NOW - NOW % 60
    assert status.problems == ()
    assert dict(status.rows) == {
        "entries": 6,
        "customers": 3,
        "records": 5,
        "acts": 4,
        "erasures": 1,
        "tiles": 0,
        "payloads": 3,
        "heads": 3,
    }


@pytest.mark.parametrize("data", [SampleLog("other.example/log").checkpoint(3).format(), None])
def test_what_stands_published_and_is_not_ours_is_told(folder: LedgerFolder, data: str | None) -> None:
    """Readers are told something by somebody else."""
    record(folder, act("one", "acme"))
    path = folder.public / "checkpoint"
    ours = path.read_text()
    altered = ours[:-2000] + ("A" if ours[-2000] != "A" else "B") + ours[-1999:]  # within the last signature
    path.write_text(altered if data is None else data)
    status = ledger_status(folder)
    assert (status.published, status.assessment) == (0, None)
    (problem,) = status.problems
    assert problem.startswith("the published checkpoint: ")


def test_a_log_that_was_rolled_back_is_told(folder: LedgerFolder, tmp_path: Path) -> None:
    """Before anybody starts it."""
    record(folder, act("one", "acme"))
    backup = copied(folder.path, tmp_path / "backup")
    record(folder, act("two", "acme"))
    copied(folder.public, tmp_path / "public")
    for name in ("log.db", "lock.db"):
        for each in backup.glob(f"{name}*"):
            if not each.name.endswith(".held"):
                (folder.path / each.name).write_bytes(each.read_bytes())
        assert ledger_status(folder).problems == ("the log has 2 entries, but 4 were signed: it was rolled back",), name


def test_a_store_that_cannot_be_read_is_told_by_its_name(folder: LedgerFolder) -> None:
    """An operator has to learn which disk it is."""
    record(folder, act("one", "acme"))
    with closing(sqlite3.connect(folder.lock)) as db:
        db.execute("DELETE FROM lock")
        db.commit()
    with pytest.raises(StoreError, match=f"{folder.lock}: knows no log '{ORIGIN}'"):
        ledger_status(folder)
    for each in folder.path.glob("log.db*"):
        each.unlink()
    with pytest.raises(StoreError):
        ledger_status(folder)


def test_it_is_told_while_somebody_writes_and_never_wrongly(folder: LedgerFolder) -> None:
    """A look at the wrong moment would cry that the log was rolled back."""
    looks: list[tuple[str, ...]] = []

    def look(step: str) -> None:
        status = ledger_status(folder)
        assert status.held <= status.size
        looks.append(tuple(each for each in status.problems if "rolled back" in each))

    with opened(folder, step=look) as ledger:
        for number in range(3):
            recorded(ledger, act(f"{number}", "acme"))
            ledger.publish()
    assert len(looks) > 15
    assert set(looks) == {()}
    with LogDatabase(folder.log) as log:
        assert log.state().size == 4
