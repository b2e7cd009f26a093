"""The writer: many ask at once, each is answered truly, and what it cannot vouch for it does not sign."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from armslength.ledger import MapHead, Record, parse_entry
from armslength.service import Act, AppendError, Full, Ledger, Stopped, Unsettled, check_ledger, ledger_status
from armslength.store import LedgerFolder, LogDatabase, Overtaken, StorageFailed
from armslength.tlog import Malformed, Receipt
from tests.service.ledgers import Clock, act, erasure, ledger_folder, opened, record, recorded
from tests.service.race import at_once


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return ledger_folder(tmp_path / "ledger")


class Gate:
    """Lets a commit pass a step only when told to; `raising` is raised there instead, as often as it is there."""

    def __init__(self, step: str) -> None:
        self._step = step
        self.reached, self.open = threading.Event(), threading.Event()
        self.raising: list[Exception] = []
        self.open.set()

    def __call__(self, step: str) -> None:
        if step == self._step:
            self.reached.set()
            assert self.open.wait(60)
            if self.raising:
                raise self.raising.pop()


def entries(folder: LedgerFolder) -> list[Record | MapHead]:
    with LogDatabase(folder.log) as log:
        return [parse_entry(leaf) for leaf in log.leaves(0, log.state().size)]


def kinds(folder: LedgerFolder) -> list[str]:
    return [entry.kind.value if isinstance(entry, Record) else "map" for entry in entries(folder)]


def held(ledger: Ledger, gate: Gate, *acts: Act) -> list[object]:
    """Ask for the acts while the writer is at another one, so that they wait together; gives their futures."""
    gate.reached.clear()
    gate.open.clear()
    first = ledger.append(act("the one before", "acme"))
    assert gate.reached.wait(60)
    futures = [ledger.append(each) for each in acts]
    gate.open.set()
    first.result()
    return list(futures)


# Batches


def test_acts_asked_for_together_are_recorded_together_in_their_order(folder: LedgerFolder) -> None:
    """Each would wait for the disk by itself, or overtake another of the same customer."""
    gate = Gate("signed")
    with opened(folder, step=gate) as ledger:
        futures = held(ledger, gate, *(act(str(number), "acme", "beta") for number in range(20)))
        receipts = [future.result() for future in futures]  # type: ignore[attr-defined]
        assert [receipt.first for receipt in receipts] == [1 + 2 * number for number in range(20)]
        assert {receipt.size for receipt in receipts} == {41}
        health = ledger.health().writer
        assert (health.size, health.recorded, health.batches, health.waiting) == (41, 21, 2, 0)
    sequences = [entry.sequence for entry in entries(folder) if isinstance(entry, Record)]
    assert Counter(sequences) == Counter([*range(21), *range(20)])


def test_a_batch_is_no_larger_than_the_settings_say(tmp_path: Path) -> None:
    """One transaction would hold everybody up."""
    small = ledger_folder(tmp_path / "small", batch=3)
    gate = Gate("signed")
    with opened(small, step=gate) as ledger:
        sizes = [future.result().size for future in held(ledger, gate, *(act(str(n), "acme") for n in range(7)))]  # type: ignore[attr-defined]
        assert sizes == [4, 4, 4, 7, 7, 7, 8]


def test_an_erasure_is_a_batch_by_itself_and_in_its_place(folder: LedgerFolder) -> None:
    """A record would be sealed under a key that the same batch destroys, or an erasure overtake what it is to erase."""
    gate = Gate("signed")
    with opened(folder, step=gate) as ledger:
        futures = held(
            ledger,
            gate,
            act("a", "acme"),
            erasure("e", "acme"),
            erasure("f", "acme"),
            act("b", "acme"),
            act("c", "acme"),
        )
        first, all_of_it, again, *after = futures
        assert [future.result().size for future in (first, all_of_it, *after)] == [2, 3, 5, 5]  # type: ignore[attr-defined]
        with pytest.raises(Malformed, match="an erasure of a customer that the log does not know"):
            again.result()  # type: ignore[attr-defined]
    customers = [entry.customer for entry in entries(folder) if isinstance(entry, Record)]
    assert customers[0] == customers[1] == customers[2]
    assert customers[3] == customers[4] != customers[0]


def test_one_act_that_is_refused_takes_no_other_with_it(folder: LedgerFolder) -> None:
    """One caller's mistake would be everybody's."""
    gate = Gate("signed")
    with opened(folder, step=gate) as ledger:
        recorded(ledger, act("used", "acme"))
        good, bad, better = held(
            ledger, gate, act("a", "acme"), act("used", "acme", fields={"another": 1}), act("b", "beta")
        )
        assert (good.result().first, better.result().first) == (2, 3)  # type: ignore[attr-defined]
        with pytest.raises(Malformed, match="this act id was used for another act"):
            bad.result()  # type: ignore[attr-defined]


def test_many_threads_are_each_answered_with_their_own(folder: LedgerFolder) -> None:
    """A receipt for another act would be proof of something that its holder never did."""
    names = [f"{thread}/{number}" for thread in range(8) for number in range(25)]
    with opened(folder) as ledger:

        def ask(thread: int) -> dict[str, Receipt]:
            mine = [name for name in names if name.startswith(f"{thread}/")]
            futures = {name: ledger.append(act(name, f"customer {thread}", "shared")) for name in mine}
            return {name: future.result() for name, future in futures.items()}

        def asking(thread: int) -> Callable[[], object]:
            return lambda: ask(thread)

        given: dict[str, Receipt] = {}
        for answer in at_once([asking(thread) for thread in range(8)]):
            assert isinstance(answer, dict)
            given |= answer
        assert given.keys() == set(names)
    found = entries(folder)
    for name, receipt in given.items():
        ours = found[receipt.first : receipt.first + 2]
        assert [entry.act for entry in ours if isinstance(entry, Record)] == [act(name).id] * 2
        assert receipt.act == act(name).id
    assert check_ledger(folder).findings == ()


# Map heads and heartbeats


def test_a_map_head_comes_when_it_is_due_and_where_there_is_something_new(folder: LedgerFolder) -> None:
    """A bundle's tail would grow without end, or the log fill up with heads that say nothing."""
    clock = Clock(0)
    with opened(folder, monotonic=clock) as ledger:
        recorded(ledger, act("a", "acme"))
        clock.now = folder.settings.epoch
        recorded(ledger, act("b", "acme"))
        recorded(ledger, act("c", "acme"))
        clock.now *= 2
        recorded(ledger, act("d", "acme"))
        clock.now *= 2
        recorded(ledger, act("d", "acme"))  # nothing new
    assert kinds(folder) == ["use", "use", "map", "use", "use", "map"]


def test_a_map_head_comes_also_when_nobody_asks_for_anything(tmp_path: Path) -> None:
    """The last records of a quiet evening would be in no map until the morning."""
    quick = ledger_folder(tmp_path / "quick", epoch=0.05)
    for first in range(2):
        done = threading.Event()
        size = len(entries(quick))

        def step(name: str, done: threading.Event = done) -> None:
            if name == "lock":
                done.set()

        with opened(quick, step=step) as ledger:
            recorded(ledger, act(f"alone {first}", "acme"))
            while ledger.health().writer.size < size + 2:
                assert done.wait(60)
                done.clear()
            assert kinds(quick)[size:] == ["use", "map"]
    assert kinds(quick) == ["use", "map"] * 2
    assert check_ledger(quick).findings == ()


def test_a_single_first_act_is_in_the_map_that_closing_writes(folder: LedgerFolder) -> None:
    """The first customer of all would be left out of every map, and the ledger never start again."""
    record(folder, act("first", "acme"))
    record(folder, act("second", "beta"))
    assert kinds(folder) == ["use", "map", "use", "map"]
    heads = [entry.customers for entry in entries(folder) if isinstance(entry, MapHead)]
    assert heads == [1, 2]
    with opened(folder):
        pass
    assert kinds(folder) == ["use", "map", "use", "map"]


def test_nothing_is_recorded_by_opening_and_closing(folder: LedgerFolder) -> None:
    """Every restart would make the log longer."""
    for _ in range(2):
        with opened(folder) as ledger:
            ledger.publish()
    assert ledger_status(folder).size == 0


def test_silence_is_broken_by_a_heartbeat(tmp_path: Path) -> None:
    """A log that was stopped would look like one in which nothing happens."""
    quick = ledger_folder(tmp_path / "quick", heartbeat=0.05)
    beaten = threading.Semaphore(0)
    with opened(quick, step=lambda step: beaten.release() if step == "lock" else None):
        for _ in range(3):
            assert beaten.acquire(timeout=60)
    found = kinds(quick)
    assert found.count("heartbeat") >= 3
    assert set(found) == {"heartbeat", "map"}


def test_no_heartbeat_comes_while_there_is_something_to_record(tmp_path: Path) -> None:
    """Half of a busy log would be heartbeats."""
    quick = ledger_folder(tmp_path / "quick", heartbeat=10.0)
    clock = Clock(0)
    with opened(quick, monotonic=clock) as ledger:
        for number in range(4):
            clock.now += 9
            recorded(ledger, act(str(number), "acme"))
        clock.now += 11
        recorded(ledger, act("late", "acme"))
    assert kinds(quick) == ["use"] * 5 + ["map"]


# Too many, cancelled, closed


def test_a_full_queue_is_told_at_once(tmp_path: Path) -> None:
    """Callers would wait in a queue without end, and believe that they are served."""
    small = ledger_folder(tmp_path / "small", queue=3)
    gate = Gate("signed")
    with opened(small, step=gate) as ledger:
        gate.open.clear()
        first = ledger.append(act("first", "acme"))
        assert gate.reached.wait(60)
        waiting = [ledger.append(act(str(number), "acme")) for number in range(3)]
        with pytest.raises(Full) as full:
            ledger.append(act("one too many", "acme"))
        assert str(full.value) == "3 acts wait to be recorded"
        assert ledger.health().writer.waiting == 3
        gate.open.set()
        assert [future.result().first for future in (first, *waiting)] == [0, 1, 2, 3]
        assert recorded(ledger, act("one too many", "acme"))[0].first == 4


def test_a_caller_who_gives_up_stops_nobody(folder: LedgerFolder) -> None:
    """One caller's time-out would end the writer's thread, and every later caller wait for ever."""
    gate = Gate("signed")
    with opened(folder, step=gate) as ledger:
        gate.open.clear()
        at_work = ledger.append(act("at work", "acme"))
        assert gate.reached.wait(60)
        waiting = ledger.append(act("waiting", "acme"))
        assert not at_work.cancel()
        assert waiting.cancel()
        gate.open.set()
        assert at_work.result().first == 0
        with pytest.raises(CancelledError):
            waiting.result()
        assert recorded(ledger, act("after", "acme"))[0].first == 1
    assert kinds(folder) == ["use", "use", "map"]


def test_what_waits_is_recorded_before_it_closes_and_nothing_is_after(folder: LedgerFolder) -> None:
    """A caller would wait for an answer that nobody gives."""
    gate = Gate("signed")
    ledger = opened(folder, step=gate)
    futures = held(ledger, gate, *(act(str(number), "acme") for number in range(5)))
    ledger.close()
    assert [future.result().first for future in futures] == [1, 2, 3, 4, 5]  # type: ignore[attr-defined]
    for late in (lambda: ledger.append(act("late", "acme")), ledger.reload):
        with pytest.raises(Stopped, match="the ledger is closed"):
            late()
    ledger.close()


def test_whoever_asks_while_it_closes_is_answered(folder: LedgerFolder) -> None:
    """As above, at the very moment."""
    for number in range(10):
        ledger = opened(folder)

        def ask(ledger: Ledger = ledger, number: int = number) -> object:
            try:
                return ledger.append(act(f"at the end {number}", "acme")).result(timeout=60)
            except AppendError as error:
                return error

        answers = at_once([ask, ask, lambda ledger=ledger: ledger.close()])  # type: ignore[misc]
        assert len(answers) == 3
        for answer in answers:
            assert answer is None or isinstance(answer, Receipt | Stopped), answer
    assert check_ledger(folder).findings == ()


# Failures


@pytest.mark.parametrize("step", ["signed", "keys", "log", "lock"])
def test_after_one_storage_error_it_goes_on_and_asking_again_gives_one_record(folder: LedgerFolder, step: str) -> None:
    """A caller whose answer was lost would have the act recorded twice, or not at all."""
    gate = Gate(step)
    with opened(folder, step=gate) as ledger:
        recorded(ledger, act("before", "acme"))
        gate.raising = [StorageFailed("log.db: disk I/O error")]
        with pytest.raises(Unsettled) as unsettled:
            recorded(ledger, act("asked", "acme", "new"))
        assert str(unsettled.value) == "log.db: disk I/O error; ask again with the same act id"
        assert ledger.health().writer.failures == 1
        (again,) = recorded(ledger, act("asked", "acme", "new"))
        assert again.first == 1
        assert ledger.health().writer.failures == 0
        assert ledger.health().writer.stopped is None
    assert kinds(folder) == ["use"] * 3 + ["map"]
    assert check_ledger(folder).findings == ()


def test_after_two_storage_errors_in_a_row_it_stops_until_somebody_looks(folder: LedgerFolder) -> None:
    """A disk that fails twice is not to be signed on."""
    gate = Gate("signed")
    with opened(folder, step=gate) as ledger:
        gate.raising = [StorageFailed("log.db: disk I/O error")] * 2
        for name in ("one", "two"):
            with pytest.raises(Unsettled):
                recorded(ledger, act(name, "acme"))
        said = "2 storage errors in a row, the last: log.db: disk I/O error"
        assert ledger.health().writer.stopped == said
        with pytest.raises(Stopped) as stopped:
            ledger.append(act("three", "acme"))
        assert str(stopped.value) == said
        ledger.reload()
        assert ledger.health().writer.stopped is None
        assert [receipt.first for receipt in recorded(ledger, act("one", "acme"), act("three", "acme"))] == [0, 1]


def test_two_storage_errors_with_a_success_between_do_not_stop_it(folder: LedgerFolder) -> None:
    """A long-lived ledger would stop over one error a year."""
    gate = Gate("signed")
    with opened(folder, step=gate) as ledger:
        for number in range(3):
            gate.raising = [StorageFailed("log.db: disk I/O error")]
            with pytest.raises(Unsettled):
                recorded(ledger, act(f"{number}", "acme"))
            recorded(ledger, act(f"{number}", "acme"))


def test_whoever_waits_when_it_stops_is_told(folder: LedgerFolder) -> None:
    """They would wait for ever."""
    gate = Gate("signed")
    with opened(folder, step=gate) as ledger:
        gate.open.clear()
        first = ledger.append(act("first", "acme"))
        assert gate.reached.wait(60)
        waiting = [ledger.append(act(str(number), "acme")) for number in range(3)]
        gate.raising = [Overtaken("lock.db: the lock of 'x' is no longer at size 0")]
        gate.open.set()
        with pytest.raises(Unsettled, match="no longer at size 0"):
            first.result()
        for future in waiting:
            with pytest.raises(Stopped, match="no longer at size 0"):
                future.result()


def test_a_fault_of_the_program_stops_it_and_answers_everybody(folder: LedgerFolder) -> None:
    """What is in memory cannot be trusted to be what is on the disk."""
    gate = Gate("log")
    with opened(folder, step=gate) as ledger:
        gate.raising = [ZeroDivisionError("a fault")]
        with pytest.raises(Unsettled, match="ZeroDivisionError: a fault"):
            recorded(ledger, act("one", "acme"))
        with pytest.raises(Stopped, match="ZeroDivisionError: a fault"):
            ledger.append(act("two", "acme"))
    with opened(folder) as ledger:
        assert recorded(ledger, act("one", "acme"))[0].first == 0
    assert kinds(folder) == ["use", "map"]


def test_nothing_is_signed_any_more_once_it_is_stopped(folder: LedgerFolder) -> None:
    """Not even the map head at the end."""
    gate = Gate("signed")
    with opened(folder, step=gate) as ledger:
        recorded(ledger, act("one", "acme"))
        gate.raising = [Overtaken("log.db: another writer was here")]
        with pytest.raises(Unsettled):
            recorded(ledger, act("two", "acme"))
    assert kinds(folder) == ["use"]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """A writer's thread that outlives its ledger holds the lock."""
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "ledger-writer"]
