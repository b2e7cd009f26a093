"""Gates whose clocks are wrong, and gates that are shown less than there is: neither decides, and neither stops those
that are right."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest

from armslength.gate import PersonId, Refused, RequestState
from armslength.service import Gate, Redeemed, shared_beating, shared_ledger
from armslength.service.gate_clock import machine_seconds
from armslength.service.ledger import Ledger
from armslength.store import read_gate_folder
from tests.gate_model.workshop import POINT, target
from tests.gate_shared.pair import Pair, ledger_of
from tests.gate_shared.server import until
from tests.gate_shared.test_races import asked
from tests.service.race import impatient


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    with impatient():
        yield


def running(pair: Pair, site: str, off: float = 0.0) -> Gate:
    """The site's gate again, by the machine's clock, but for so many seconds."""
    if site in pair.gates:
        pair.gates.pop(site).close()
    folder = read_gate_folder(pair.path / "gates" / site)
    gate = pair.gates[site] = Gate(folder, clock=lambda: time.time() + off, steady=machine_seconds)
    return gate


def looks(gate: Gate) -> Redeemed | Refused:
    """Standing access to what concerns no customer: no record is needed for it."""
    outcome = gate.redeem(
        point=POINT,
        executor=PersonId("bo"),
        action="view",
        resource=target("asset:meetings"),
        customers=(),
        use=os.urandom(16),
    )
    assert isinstance(outcome, Redeemed | Refused)
    return outcome


@pytest.mark.parametrize("off", [-600.0, -2.5, 2.5, 250.0, 30 * 86_400.0])
def test_a_gate_whose_clock_is_wrong_takes_no_seat_records_nothing_and_stops_no_other(pair: Pair, off: float) -> None:
    for gate in list(pair.gates):
        pair.gates.pop(gate).close()
    wrong = running(pair, "a", off)
    assert not ledger_of(wrong).leads
    assert "clock" in str(wrong.ready())
    assert isinstance(looks(wrong), Refused)
    right = running(pair, "b")
    until(lambda: ledger_of(right).leads and right.ready() is None)
    asked(right, "bo", "end", "asset:meetings")
    assert isinstance(looks(right), Redeemed)
    assert isinstance(looks(wrong), Refused)
    mended = running(pair, "a")
    until(lambda: mended.ready() is None)
    assert isinstance(looks(mended), Redeemed)


@pytest.mark.parametrize("off", [-250.0, 250.0])
def test_a_gate_whose_clock_is_set_wrong_while_it_leads_gives_up_the_seat(pair: Pair, off: float) -> None:
    moved = [0.0]
    for gate in list(pair.gates):
        pair.gates.pop(gate).close()
    one = pair.gates["a"] = Gate(
        read_gate_folder(pair.path / "gates" / "a"), clock=lambda: time.time() + moved[0], steady=machine_seconds
    )
    until(lambda: ledger_of(one).leads)
    other = running(pair, "b")
    until(lambda: other.ready() is None)
    moved[0] = off
    until(lambda: ledger_of(other).leads)
    until(lambda: other.ready() is None)
    assert isinstance(looks(one), Refused)
    request = asked(other, "bo", "end", "asset:meetings")
    assert isinstance(other.request(request.id), RequestState)
    moved[0] = 0.0
    until(lambda: ledger_of(one).stopped() is None)
    if off < 0:  # one that was ahead has seen times that have still to come
        until(lambda: one.ready() is None)
        assert isinstance(looks(one), Redeemed)


def test_a_gate_that_was_asleep_decides_nothing_until_it_has_looked(pair: Pair) -> None:
    """A steady clock that stands still in a machine's sleep, as of a virtual machine that was paused."""
    for gate in list(pair.gates):
        pair.gates.pop(gate).close()
    running(pair, "a")
    until(lambda: ledger_of(pair.a).leads)
    woken = running(pair, "b")
    until(lambda: woken.ready() is None)
    ledger = ledger_of(woken)
    ledger._beating.pledged = _silent  # type: ignore[method-assign]
    ledger._confirmed_at -= 3600.0  # what the machine's own clock did not count, the other did
    assert ledger.cut > shared_ledger.CUT
    assert isinstance(looks(woken), Refused)


def _silent() -> bytes:
    raise shared_ledger.StorageFailed("the database does not answer")


def test_a_gate_that_leads_and_whose_commits_hang_is_cut_off(pair: Pair) -> None:
    """As of a primary that was cut off from its standbys: it answers, and nothing that it is told is kept."""
    pair.lead("a")
    until(lambda: pair.a.ready() is None)
    pair.server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nowhere'")
    pair.server.sql("SELECT pg_reload_conf()")
    try:
        until(lambda: ledger_of(pair.a).cut > shared_ledger.CUT, seconds=20)
        assert pair.a.ready() is not None
    finally:
        pair.server.sql("ALTER SYSTEM RESET synchronous_standby_names")
        pair.server.sql("SELECT pg_reload_conf()")
    until(lambda: pair.a.ready() is None and pair.b.ready() is None, seconds=30)


def test_a_gate_that_leads_over_another_log_than_the_one_that_is_written_is_cut_off(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who administers the log can show it a copy, with the seat free; the lock is not theirs."""
    pair.lead("a")
    until(lambda: pair.a.ready() is None)
    real = shared_ledger.read_lock

    def ahead(folder: shared_ledger.LedgerFolder) -> object:
        found = real(folder)
        return type(found)(size=found.size + 1, root=b"\1" * 32)

    monkeypatch.setattr(shared_ledger, "read_lock", ahead)
    until(lambda: ledger_of(pair.a).cut > shared_ledger.CUT, seconds=20)
    assert pair.a.ready() is not None


def test_a_lock_that_answers_slowly_does_not_cost_the_seat(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signs of life would come too late, and the seat go to and fro."""
    pair.lead("a")
    real = shared_ledger.read_lock

    def slow(folder: shared_ledger.LedgerFolder) -> object:
        time.sleep(4.0)
        return real(folder)

    before = ledger_of(pair.a)._beating._seat.holder()
    monkeypatch.setattr(shared_ledger, "read_lock", slow)
    end = time.monotonic() + 2 * shared_ledger.SILENT + 2.0
    while time.monotonic() < end:
        assert not ledger_of(pair.b).leads
        time.sleep(0.1)
    after = ledger_of(pair.a)._beating._seat.holder()
    assert before is not None and after is not None and after.epoch == before.epoch


def test_what_a_database_answers_ends_no_sign_of_life(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.lead("a")
    real = shared_ledger.read_lock

    def strange(folder: shared_ledger.LedgerFolder) -> object:
        raise TypeError("as of a column that is NULL where none can be")

    monkeypatch.setattr(shared_ledger, "read_lock", strange)
    until(lambda: ledger_of(pair.a).cut > shared_ledger.CUT)
    monkeypatch.setattr(shared_ledger, "read_lock", real)
    until(lambda: pair.a.ready() is None and ledger_of(pair.a).leads)


def test_no_gate_pledges_before_its_ledger_is_open(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.lead("a")
    opening = _slow(2.0)
    monkeypatch.setattr(shared_ledger, "Ledger", opening)
    b = ledger_of(pair.b)
    pair.gates.pop("a").close()
    until(lambda: b._beating.holds)
    b._beating.hurry()
    time.sleep(0.5)
    assert not b.leads
    pledge, _ = b._beating._seat.pledge()
    opened = b._sealer.open_pledge(pledge)
    began = pair.clock.now
    assert opened is None or opened[1] <= 1000 * began
    assert pledge == b""
    until(lambda: b.leads)


def test_a_ledger_that_takes_long_to_open_is_opened_once(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_beating, "HANGS", 1.0)
    pair.lead("a")
    monkeypatch.setattr(shared_ledger, "Ledger", _slow(5.0))
    b = ledger_of(pair.b)
    before = b._beating._seat.holder()
    pair.gates.pop("a").close()
    until(lambda: b.leads, seconds=20)
    after = b._beating._seat.holder()
    assert before is not None and after is not None and after.epoch == before.epoch + 1


def test_a_gate_that_leads_with_a_writer_that_stopped_leads_anew(pair: Pair) -> None:
    pair.lead("a")
    leading = ledger_of(pair.a)._leading
    assert leading is not None
    leading.ledger._writer.stop("as after an outage")
    until(lambda: ledger_of(pair.a)._leading is not leading)
    until(lambda: pair.a.ready() is None and pair.b.ready() is None)


def _slow(seconds: float) -> Callable[..., Ledger]:
    real = Ledger

    def made(*given: object, **named: object) -> Ledger:
        time.sleep(seconds)
        return real(*given, **named)  # type: ignore[arg-type]

    return made
