"""Clocks that are wrong: set back, set forward, and set right again."""

from __future__ import annotations

from pathlib import Path

import pytest

from armslength.ledger import MINUTE, parse_entry
from armslength.store import LedgerFolder
from armslength.tlog import Note, verify_signature
from tests.faults.checker import check, rows
from tests.faults.history import History
from tests.service.ledgers import Clock, act, erasure, ledger_folder, opened
from tests.service.logs import NOW


def times(folder: LedgerFolder) -> list[int]:
    return [parse_entry(leaf).time for (leaf,) in rows(folder.log, "SELECT leaf FROM entries ORDER BY idx")]


def stamp(folder: LedgerFolder) -> int:
    """The newest time that a key of the log signed."""
    ((text,),) = rows(folder.log, "SELECT note FROM state")
    verified = [verify_signature(Note.parse(text), log.key) for log in folder.policy.logs]
    return max(each.timestamp for each in verified if each is not None and each.timestamp is not None)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("back", [1, 61, 86_400, 40 * 365 * 86_400])
def test_a_clock_that_is_set_back_takes_no_time_of_the_log_with_it(tmp_path: Path, back: int, restarted: bool) -> None:
    """Records out of order in time would let anyone say that a lease came before its approval; and a key that signs an
    earlier time than it did contradicts itself."""
    folder, clock = ledger_folder(tmp_path / "ledger"), Clock(NOW + 1000.5)
    ledger = opened(folder, clock=clock)
    try:
        ledger.append(act("before", "ann")).result()
        first = stamp(folder)
        clock.now -= back
        if restarted:
            ledger.close()
            ledger = opened(folder, clock=clock)
        for name in ("after", "later"):
            ledger.append(act(name, "ann")).result()
            assert stamp(folder) >= first
        ledger.append(erasure("erases", "ann")).result()
        clock.now += back + 2 * MINUTE
        ledger.append(act("set right", "ann")).result()
    finally:
        ledger.close()
    found = times(folder)
    assert found == sorted(found) and found[-1] == (NOW + 1000 + 2 * MINUTE) // MINUTE * MINUTE
    assert check(folder.path, History()) == []


def test_a_clock_that_was_far_ahead_once_does_not_stop_the_log(tmp_path: Path) -> None:
    """Its time stands still until the true one has caught up. A log that refused to go on would be lost to a moment's
    mistake."""
    folder, clock = ledger_folder(tmp_path / "ledger"), Clock(NOW)
    with opened(folder, clock=clock) as ledger:
        clock.now = NOW + 365 * 86_400
        ledger.append(act("a year ahead", "ann")).result()
        clock.now = NOW
        ledger.append(act("set right", "ann")).result()
    with opened(folder, clock=clock) as ledger:
        ledger.append(act("after a restart", "ann")).result()
    assert len(set(times(folder))) == 1
    assert check(folder.path, History()) == []
