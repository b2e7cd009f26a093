"""Two writers of one log: one of them goes on, and nobody outside ever sees a second history."""

from __future__ import annotations

import random
import subprocess
import sys
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from armslength.service import AppendError, Ledger, Stopped
from armslength.store import LedgerFolder, Overtaken, read_ledger_folder
from armslength.tlog import Checkpoint, Note, Receipt
from tests.faults.checker import check, rows
from tests.faults.harness import ROOT
from tests.faults.history import History
from tests.service.ledgers import act, copied, ledger_folder, opened, record


def twins(tmp_path: Path, *, acts: int = 3) -> tuple[LedgerFolder, LedgerFolder]:
    """Two copies of a ledger that share the lock's store, as two machines with a disk in common would."""
    lock = tmp_path / "shared" / "lock.db"
    lock.parent.mkdir()
    folder = ledger_folder(tmp_path / "a", lock=str(lock))
    record(folder, *(act(f"before {n}", "ann") for n in range(acts)))
    copied(tmp_path / "a", tmp_path / "b")
    return read_ledger_folder(tmp_path / "a"), read_ledger_folder(tmp_path / "b")


def both(first: LedgerFolder, second: LedgerFolder) -> tuple[Ledger, Ledger]:
    """Both open at once, as on a file system that does not honour `flock`: the file it is held on is another one for
    the second."""
    one = opened(first)
    first.lock.with_name("lock.db.held").unlink()
    return one, opened(second)


def shown(folder: LedgerFolder) -> Checkpoint:
    return Checkpoint.parse(Note.parse((folder.public / "checkpoint").read_text()).text)


def test_a_second_process_cannot_open_a_ledger_that_is_open(tmp_path: Path) -> None:
    """A service started twice by mistake would otherwise sign two histories, and the log is lost."""
    folder = ledger_folder(tmp_path / "ledger")
    code = (
        "import sys; from pathlib import Path; from armslength.service import open_ledger\n"
        "from armslength.store import Overtaken\n"
        "try: open_ledger(Path(sys.argv[1]))\n"
        "except Overtaken as error: print(error)"
    )
    with opened(folder) as ledger:
        ledger.append(act("first")).result()
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder.path)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert "another writer holds this log's lock" in done.stdout
        ledger.append(act("second")).result()
    assert check(folder.path, History()) == []


def test_of_two_writers_that_flock_does_not_keep_apart_one_stops(tmp_path: Path) -> None:
    """Compare-and-swap alone has to be enough: `flock` does nothing on some file systems."""
    first, second = twins(tmp_path)
    one, two = both(first, second)
    try:
        won = one.append(act("won", "ann")).result()
        with pytest.raises(AppendError, match="no longer at size"):
            two.append(act("lost", "ann")).result()
        with pytest.raises(Stopped):
            two.append(act("lost again", "ann"))
        assert one.append(act("goes on", "ann")).result().first > won.first
        with pytest.raises(Overtaken):
            two.reload()
    finally:
        two.close()
        one.close()
    with pytest.raises(Overtaken):
        opened(second)
    assert check_with_lock(first) == []


def test_the_loser_shows_its_history_to_nobody(tmp_path: Path) -> None:
    """It has signed a checkpoint before it learned that it lost. Once published that is a split view, and proof
    against a firm that did nothing wrong."""
    first, second = twins(tmp_path)
    one, two = both(first, second)
    before = shown(second)
    try:
        one.append(act("won", "ann")).result()
        with pytest.raises(AppendError):
            two.append(act("lost", "ann")).result()
        two.publish()
        assert shown(second) == before
    finally:
        two.close()
        one.close()
    assert shown(second) == before


def test_a_checkpoint_is_published_only_once_the_lock_knows_it(tmp_path: Path) -> None:
    """Between the commit and the lock nobody knows yet whether this writer has won."""
    first, second = twins(tmp_path)
    one = opened(first)
    before = shown(first)
    first.lock.with_name("lock.db.held").unlink()
    sizes: list[int] = []

    def step(name: str) -> None:
        if name == "log":
            two.publish()
            sizes.append(shown(second).size)

    two = opened(second, step=step)
    try:
        two.append(act("second", "ann")).result()
        assert sizes == [before.size]
    finally:
        two.close()
        one.close()


@pytest.mark.parametrize("seed", range(4))
def test_a_race_gives_each_index_to_one_leaf(tmp_path: Path, seed: int) -> None:
    """Whoever holds a receipt of the loser's would hold a proof against an honest log."""
    first, second = twins(tmp_path, acts=1 + seed)
    one, two = both(first, second)
    history = History()
    asked: list[Future[Receipt]] = []
    rng = random.Random(seed)
    try:
        for number in range(40):
            writer = rng.choice([one, two])
            try:
                asked.append(writer.append(act(f"raced {seed} {number}", "ann", "bob")))
            except Stopped:
                continue
        for future in asked:
            try:
                receipt = future.result()
            except AppendError:
                continue
            history.receipt(receipt.act, receipt.first, receipt.leaves)
        stopped = [ledger.health().writer.stopped is not None for ledger in (one, two)]
    finally:
        two.close()
        one.close()
    assert history.problems == [] and history.given
    assert stopped.count(True) == 1
    winner = (first, second)[stopped.index(False)]
    assert check_with_lock(winner, history) == []


def check_with_lock(folder: LedgerFolder, history: History | None = None) -> list[str]:
    """The checker looks for the lock in the folder itself."""
    assert rows(folder.lock, "SELECT size FROM lock") == rows(folder.log, "SELECT size FROM state")
    found = check(folder.path, history or History(), lock=folder.lock)
    return found


def test_a_standby_that_takes_over_with_an_older_copy_refuses(tmp_path: Path) -> None:
    """TrustAsia 2021: heads that were inconsistent. A copy that lags behind must not go on where it stands, or two
    heads of one size get signed."""
    first, second = twins(tmp_path)
    record(first, act("after the copy", "ann"))
    with pytest.raises(Overtaken, match="rolled back"):
        opened(second)
    with opened(replace(first)) as ledger:
        ledger.append(act("the newest copy goes on", "ann")).result()
