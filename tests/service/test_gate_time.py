"""What time alone brings: silence is no consent, and everything ends."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from armslength.gate import (
    LATEST_SECONDS,
    Conflict,
    Expired,
    Granted,
    Hold,
    Over,
    PersonId,
    Refused,
    Rejected,
    Vetoed,
    Why,
    Window,
    moment,
    parse_jwks,
    verify_lease,
    verify_revocations,
)
from armslength.service import Gate, Redeemed, check_gate
from armslength.service.gate_clock import machine_seconds
from armslength.store import Notice, read_gate_folder
from tests.service.gates import (
    ACCOUNTS,
    MEETINGS,
    TestGate,
    approve,
    ask,
    asked,
    deliver,
    leased,
    sign,
    small_gate,
    use,
)
from tests.service.ledgers import Chance, Clock

MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


def notices(gate: Gate, kind: str, person: str | None = None) -> list[Notice]:
    with gate.database.reading() as tables:
        return [each for each in tables.outbox.newest(person=person, limit=1000) if each.kind == kind]


def test_a_request_that_nobody_answers_ends(made: TestGate) -> None:
    """Hazard seen elsewhere: a step that nobody answers is skipped."""
    with made.running() as gate:
        id = asked(gate).request.id
        approve(gate, id, "di")
        made.clock.now += DAY
        with pytest.raises(Conflict, match="expired"):
            approve(gate, id, "ed")
        assert isinstance(gate.request(id).status, Expired) and gate.leases() == ()
        other = asked(gate, "export").request.id
        made.clock.now += DAY
        gate.tick()
        assert isinstance(gate.request(other).status, Expired)
        assert len(notices(gate, "refused", "bo")) == 2
    assert check_gate(made.path).findings == ()


def test_a_lease_ends_with_its_time(made: TestGate) -> None:
    """Access that outlives what was approved."""
    with made.running() as gate:
        lease = leased(gate)
        keys = parse_jwks(gate.jwks())
        assert verify_lease(gate.token(lease.terms.id), keys).terms == lease.terms
        made.clock.now += HOUR
        answer = use(gate, "one")
        assert isinstance(answer, Refused) and answer.why is Why.EXPIRED
        with pytest.raises(Conflict):
            gate.token(lease.terms.id)
        gate.tick()
        status = gate.lease(lease.terms.id).status
        assert isinstance(status, Over) and status.how == "ran-out"
        assert verify_revocations(gate.revocations(), keys).revoked == frozenset()
    assert check_gate(made.path).findings == ()


def test_a_token_is_the_same_after_a_restart(made: TestGate) -> None:
    """It is made from the receipt of its record, which the ledger gives again."""
    with made.running() as gate:
        lease = leased(gate)
        token = gate.token(lease.terms.id)
    with made.running() as gate:
        assert gate.token(lease.terms.id) == token


def test_a_revoked_lease_is_on_the_list_until_its_end(made: TestGate) -> None:
    """Points that cannot ask have only the list."""
    with made.running() as gate:
        keys = parse_jwks(gate.jwks())
        empty = verify_revocations(gate.revocations(), keys)
        lease = leased(gate)
        gate.revoke(lease.terms.id, PersonId("di"), "a mistake")
        listed = verify_revocations(gate.revocations(), keys)
        assert listed.revoked == {lease.terms.id} and listed.follows(empty) and listed.number > empty.number
        made.clock.now += HOUR
        later = verify_revocations(gate.revocations(), keys)
        assert later.revoked == frozenset() and later.follows(listed)
    with made.running() as gate:
        assert verify_revocations(gate.revocations(), keys).follows(later)


def test_a_customers_yes_is_waited_for(made: TestGate) -> None:
    """Terms that ask for it open nothing without it."""
    with made.running() as gate:
        id = asked(gate, "delete", ACCOUNTS, "acme", "bolt").request.id
        told = {json.loads(each.body)["customer"] for each in notices(gate, "told-customer")}
        assert told == {"acme", "bolt"}
        assert approve(gate, id, "di").waiting
        tokens = {name: gate.voice_token(id, name) for name in ("acme", "bolt")}
        assert gate.voice_of(tokens["bolt"])[1] == "bolt"
        assert gate.voice(tokens["acme"], True).waiting
        assert gate.voice(tokens["acme"], True).waiting
        assert isinstance(gate.voice(tokens["bolt"], True).status, Granted)
        token = tokens["acme"]
        # Not the last character: of that one not every bit counts.
        other = "A" if token[-6] != "A" else "B"
        for forged in (token[:-6] + other + token[-5:], "voice_", ""):
            with pytest.raises(Rejected):
                gate.voice_of(forged)
    assert check_gate(made.path).findings == ()


def test_a_customers_no_ends_it(made: TestGate) -> None:
    """Whatever the firm's own people said."""
    with made.running() as gate:
        id = asked(gate, "delete", ACCOUNTS, "acme").request.id
        approve(gate, id, "di")
        state = gate.voice(gate.voice_token(id, "acme"), False)
        assert isinstance(state.status, Vetoed)
        with pytest.raises(Conflict):
            gate.voice(gate.voice_token(id, "acme"), True)


def test_a_veto_window_passes_before_the_lease(made: TestGate) -> None:
    """A customer who is told afterwards has no say."""
    with made.running() as gate:
        id = asked(gate, "suspend", ACCOUNTS, "acme").request.id
        assert approve(gate, id, "di").waiting
        deliver(gate, made.clock)
        made.clock.now += 59 * MINUTE
        gate.tick()
        assert gate.request(id).waiting
        made.clock.now += MINUTE
        gate.tick()
        assert isinstance(gate.request(id).status, Granted)
        other = asked(gate, "suspend", ACCOUNTS, "bolt").request.id
        approve(gate, other, "di")
        assert isinstance(gate.voice(gate.voice_token(other, "bolt"), True).status, Granted), "a yes needs no waiting"
    assert check_gate(made.path).findings == ()


def test_customers_are_told_of_a_lease_unless_a_hold_says_when(made: TestGate) -> None:
    """A hold is dated and ends by itself; without one nobody decides not to tell."""
    with made.running() as gate:
        leased(gate, "end", MEETINGS, "acme")
        hold = Hold(reason="court-order", until=moment(made.clock.now + DAY))
        id = asked(gate, "end", MEETINGS, "bolt", hold=hold).request.id
        approve(gate, id, "di", "ed")
        with gate.database.writing() as tables:
            now = int(made.clock.now)
            due = [
                each for each in tables.outbox.take(now=now, again=now + 60, limit=99) if each.kind == "told-customer"
            ]
            assert [json.loads(each.body)["customer"] for each in due] == ["acme"]
            later = tables.outbox.take(now=now + DAY, again=now + 2 * DAY, limit=99)
            assert "bolt" in [json.loads(each.body).get("customer") for each in later]
        with pytest.raises(Rejected, match="a hold keeps customers"):
            asked(gate, "delete", ACCOUNTS, "acme", hold=hold)


def test_break_glass_is_reviewed_by_somebody_else(made: TestGate) -> None:
    """Quicker must not be weaker: what was done under it is looked at, and told."""
    with made.running() as gate:
        lease = leased(gate, "restart", by="di")
        assert notices(gate, "granted", "gus") and notices(gate, "granted", "cy")
        assert [each.terms.id for each in gate.reviews_due()] == [lease.terms.id]
        with pytest.raises(Conflict, match="still runs"):
            gate.review(lease.terms.id, PersonId("gus"), "fine")
        made.clock.now += 20 * MINUTE
        gate.tick()
        for who in ("bo", "di", "ana"):
            with pytest.raises(Rejected):
                gate.review(lease.terms.id, PersonId(who), "fine")
        made.clock.now += DAY
        gate.tick()
        assert gate.health().overdue == 1 and notices(gate, "review-overdue")
        outcome = gate.ask(ask("restart"), caller="person:bo")
        assert isinstance(outcome, Refused) and outcome.why is Why.OVERDUE
        gate.review(lease.terms.id, PersonId("gus"), "the service was down; nothing else was touched")
        assert gate.reviews_due() == () and gate.health().overdue == 0
        with pytest.raises(Conflict):
            gate.review(lease.terms.id, PersonId("ed"), "again")
        asked(gate, "restart")
    assert check_gate(made.path).findings == ()


def test_a_late_review_keeps_a_quorum_waiting(made: TestGate) -> None:
    """Asked for in time, approved when it is late: no more is given through such terms."""
    with made.running() as gate:
        first = leased(gate, "restart", by="di")
        made.clock.now += DAY - HOUR
        id = asked(gate, "restart").request.id
        made.clock.now += 2 * HOUR
        assert approve(gate, id, "di").waiting
        gate.review(first.terms.id, PersonId("gus"), "fine")
        gate.tick()
        assert isinstance(gate.request(id).status, Granted)
    assert check_gate(made.path).findings == ()


def test_a_lease_is_renewed_by_another_quorum(made: TestGate) -> None:
    """A renewal without approvals would be a lease for ever."""
    with made.running() as gate:
        lease = leased(gate)
        with pytest.raises(Conflict, match="ask to renew"):
            asked(gate)
        id = asked(gate, renews=lease.terms.id).request.id
        assert gate.request(id).approvals == ()
        renewed = gate.lease(approve(gate, id, "di", "ed").status.lease)  # type: ignore[union-attr]
        assert renewed.terms.start == lease.terms.end
        made.clock.now += HOUR + 1
        answer = use(gate, "one")
        assert isinstance(answer, Redeemed) and answer.lease is not None
        assert answer.lease.terms.id == renewed.terms.id
        with pytest.raises(Rejected, match="no live lease"):
            asked(gate, "export", renews=renewed.terms.id)
    assert check_gate(made.path).findings == ()


def test_a_clock_that_went_back_decides_nothing(made: TestGate) -> None:
    """Leases that are over would run again."""
    with made.running() as gate:
        lease = leased(gate)
        id = asked(gate, "export").request.id
        made.clock.now += 30 * MINUTE
        gate.tick()
        made.clock.now -= 10 * MINUTE
        answer = use(gate, "one")
        assert isinstance(answer, Refused) and answer.why is Why.CLOCK
        outcome = gate.ask(ask("end", MEETINGS, "acme"), caller="person:bo")
        assert isinstance(outcome, Refused) and outcome.why is Why.CLOCK
        for verb in (
            lambda: gate.approve(id, PersonId("di"), sign(gate, id, "di")),
            lambda: gate.token(lease.terms.id),
            gate.revocations,
        ):
            with pytest.raises(Exception, match="clock went back"):
                verb()
        assert "clock went back" in (gate.ready() or "")
        made.clock.now += 9 * MINUTE + 59
        assert isinstance(use(gate, "two"), Redeemed), "a second is within what clocks do"
    made.clock.now -= 2 * HOUR
    with made.running() as gate:
        assert isinstance(use(gate, "three"), Refused)


@contextmanager
def paced(made: TestGate) -> Iterator[tuple[Gate, Clock]]:
    """The gate, and the steady clock that its own has to keep pace with."""
    steady = Clock(1000.0)
    gate = Gate(read_gate_folder(made.path), clock=made.clock, steady=steady, chance=Chance("paced"))
    try:
        yield gate, steady
    finally:
        gate.close()


def test_a_clock_that_jumps_ahead_ends_no_window(made: TestGate) -> None:
    """For one tick it was an hour later: the customer's time to say no was over, and nobody had waited."""
    with paced(made) as (gate, steady):
        id = asked(gate, "suspend", ACCOUNTS, "acme").request.id
        other = asked(gate).request.id
        approve(gate, id, "di")
        deliver(gate, made.clock)
        made.clock.now += DAY
        gate.tick()
        outcome = gate.ask(ask("export"), caller="person:bo")
        assert isinstance(outcome, Refused) and outcome.why is Why.CLOCK and "jumped ahead by 86400" in outcome.says
        assert "jumped ahead" in (gate.ready() or "")
        made.clock.now -= DAY - 2
        steady.now += 2
        gate.tick()
        assert gate.ready() is None and gate.request(id).waiting and gate.request(other).waiting
        made.clock.now += HOUR
        steady.now += HOUR
        gate.tick()
        assert isinstance(gate.request(id).status, Granted), "time that passed passes"
    assert check_gate(made.path).findings == ()


def test_a_clock_that_is_put_right_is_gone_on_with(made: TestGate) -> None:
    """A gate that stops for seconds would be switched off for good; after hours, it has to be started again."""
    with paced(made) as (gate, steady):
        made.clock.now += 299
        assert gate.ready() is None
        made.clock.now += 2
        assert "jumped ahead by 301" in (gate.ready() or "")
    with paced(made) as (gate, steady):
        assert gate.ready() is None
        for _ in range(100):  # a steady clock that is a little slow is none to stop for
            made.clock.now += HOUR
            steady.now += HOUR - 1
            assert gate.ready() is None


def test_a_jump_after_a_clock_went_back_is_seen(made: TestGate) -> None:
    """Back by an hour and forward by two would be an hour of everybody's time."""
    with paced(made) as (gate, steady):
        made.clock.now -= HOUR
        assert "went back" in (gate.ready() or "")
        made.clock.now += HOUR
        assert gate.ready() is None
        made.clock.now -= HOUR
        steady.now += 2 * HOUR
        made.clock.now += 2 * HOUR  # it runs an hour late from here on
        assert gate.ready() is None
        made.clock.now += HOUR
        assert "jumped ahead by 3600" in (gate.ready() or "")


def test_the_machines_clock_is_watched(made: TestGate) -> None:
    """Watched in tests alone, it would be watched nowhere."""
    first, second = machine_seconds(), machine_seconds()
    assert 0 < first <= second
    with Gate(read_gate_folder(made.path)) as gate:
        assert gate._office.book._time.pace.beat() is not None
    with made.running() as gate:
        assert gate._office.book._time.pace.beat() is None


def test_nothing_is_asked_for_too_far_ahead(made: TestGate) -> None:
    """A hold until the year 9999 is a customer who is never told; an end of time breaks what counts on from it."""
    end = moment(LATEST_SECONDS)
    now = moment(made.clock.now)
    with made.running() as gate:
        window = Window(start=end - dt.timedelta(days=1), end=end)
        hold = Hold(reason="court-order", until=end)
        with pytest.raises(Rejected) as found:
            gate.ask(ask(expires=end, window=window, hold=hold), caller="person:bo")
        assert [each.partition(" at ")[0] for each in found.value.problems] == [
            "the request expires",
            "the window begins",
            "the hold ends",
        ]
        for wrong in (
            {"expires": now + dt.timedelta(days=90, seconds=1)},
            {"hold": Hold(reason="court-order", until=now + dt.timedelta(days=365, seconds=1))},
        ):
            with pytest.raises(Rejected, match="at most"):
                gate.ask(ask(**wrong), caller="person:bo")
        asked(
            gate,
            expires=now + dt.timedelta(days=90),
            hold=Hold(reason="court-order", until=now + dt.timedelta(days=365)),
            window=Window(start=now + dt.timedelta(days=365), end=end),
        )


def test_what_ended_long_ago_is_let_go_of(made: TestGate) -> None:
    """Memory that only grows ends the gate in the end; the ledger keeps it."""
    with made.running() as gate:
        leased(gate, "export", MEETINGS, "acme", by="di")
        glass = leased(gate, "restart", by="di")
        made.clock.now += HOUR
        gate.tick()
        assert [each.live for each in gate.leases()] == [False, False]
        made.clock.now += 100 * DAY
        gate.tick()
        assert [each.terms.id for each in gate.leases()] == [glass.terms.id], "a review is still to come"
        gate.tick()
    with made.running() as gate:
        assert gate.health().mended.tampered == ()
        assert len(gate.leases()) == 1
