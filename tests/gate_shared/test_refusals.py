"""Refusals of a gate that does not write itself: each is on record in the end; and each moves every gate's clock."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future

import pytest

from armslength.gate import Denied, PersonId, Refused, Why
from armslength.service import Gate, shared_leading
from armslength.service.ledger_failure import Late
from armslength.store import read_gate_folder
from armslength.tlog import Receipt, TlogError
from tests.gate_model.workshop import POINT, START, target
from tests.gate_shared.pair import Pair, ledger_of
from tests.gate_shared.server import until
from tests.gate_shared.test_lists import book_of
from tests.gate_shared.test_races import recorded
from tests.service.ledgers import Clock

ELI = PersonId("eli")
DENIED = Denied(
    at=int(START),
    executor=ELI,
    asker=ELI,
    author=None,
    action="end",
    resource="asset:meetings",
    customers=(),
    why=Why.APPROVAL_REQUIRED.value,
    point=POINT,
)


def refused(gate: Gate) -> None:
    answer = gate.redeem(
        point=POINT, executor=ELI, action="end", resource=target("asset:meetings"), customers=(), use=bytes(16)
    )
    assert isinstance(answer, Refused)


def answered(gate: Gate, error: Exception, patch: pytest.MonkeyPatch) -> None:
    """Whatever it has recorded from here on, this becomes of it."""

    def append(*_: object) -> Future[Receipt]:
        future: Future[Receipt] = Future()
        future.set_exception(error)
        return future

    patch.setattr(ledger_of(gate), "append", append)


def test_a_refusal_that_could_not_be_recorded_in_time_is_kept_until_it_is(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = pair.gates[pair.other()]
    with monkeypatch.context() as patch:
        answered(other, Late("it was asked for too long ago"), patch)
        refused(other)
        other.tick()
        assert other.health().shared is not None and book_of(other).apart.waiting == 1
    other.tick()
    assert book_of(other).apart.waiting == 0
    pair.synced()
    assert len(recorded(pair, Denied)) == 1


def test_a_refusal_that_the_gate_that_writes_took_too_late_is_recorded_all_the_same(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair.gates[pair.leader()], pair.gates[pair.other()]
    with monkeypatch.context() as patch:
        patch.setattr(shared_leading, "MOST_AGE", 0.5)  # and not for the second try, which a busy machine may hold up
        with book_of(one)._taking:  # it takes nothing in, and so records nothing
            time.sleep(0.5)  # its thread waits by now, and has not looked for what is handed over
            refused(other)
            until(lambda: any(each.put for each in ledger_of(other)._waiting.all()))
            pair.clock.now += 40
            time.sleep(1)
        until(lambda: not ledger_of(other)._waiting.all())
        until(lambda: book_of(other).apart.waiting == 1)  # by the ledger's thread, once it waits no more
    until(lambda: ledger_of(other).stopped() is None)
    other.tick()
    pair.synced()
    assert book_of(other).apart.waiting == 0
    assert len(recorded(pair, Denied)) == 1


def test_a_refusal_that_no_ledger_takes_is_told_of_in_the_log(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It would be sent for ever."""
    other = pair.gates[pair.other()]
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR, "armslength.gate"):
        answered(other, TlogError("this act id is used for another act"), patch)
        refused(other)
        assert [each.message for each in caplog.records] == ["what was noted is not recorded"]
        assert book_of(other).keep_apart(DENIED, bytes(16))
        other.tick()
        assert [each.message for each in caplog.records][1:] == ["what was kept is not recorded"]
    assert book_of(other).apart.waiting == 0


def test_a_record_that_changes_nothing_moves_the_clock_of_every_gate(pair: Pair) -> None:
    """Else only a start would find out that another gate's clock was ahead."""
    ahead = Clock(START)
    pair.gates.pop("b").close()
    other = pair.gates["b"] = Gate(read_gate_folder(pair.path / "gates" / "b"), clock=ahead)
    pair.synced()
    ahead.now += 1
    refused(other)
    until(lambda: pair.a.state.time == int(START) + 1)
    assert pair.a._office.book._time.latest == int(START) + 1
