"""Drills: people really sign, each step is on record, and nothing of it ever opens anything."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from armslength.gate import (
    Conflict,
    Drill,
    GateError,
    PersonId,
    Refused,
    Rejected,
    RequestId,
    Tampered,
    Target,
    parse_drill,
)
from armslength.service import (
    DrillDesk,
    DrillRecord,
    DrillReview,
    DrillWanted,
    Gate,
    Refusal,
    Unavailable,
    check_gate,
    known_gate,
    plan_drill,
    protocol_digest,
    protocol_text,
    read_drills,
)
from armslength.store import read_gate_folder
from tests.service.gates import MEETINGS, POINT, TestGate, approve, asked, key_of, sign, small_gate
from tests.service.ledgers import Chance
from tests.service.logs import seed

HOURS = 72


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


@contextmanager
def desk(made: TestGate) -> Iterator[DrillDesk]:
    found = DrillDesk(read_gate_folder(made.path), clock=made.clock)
    try:
        yield found
    finally:
        found.close()


def announced(made: TestGate, gate: Gate, **wanted: object) -> Drill:
    """A drill that the gate took up."""
    given = known_gate(read_gate_folder(made.path), clock=made.clock)
    plan = plan_drill(given, DrillWanted(**wanted))  # type: ignore[arg-type]
    with desk(made) as host:
        drill = host.announce(
            plan, organiser="pat", purpose="Once a quarter.", hours=HOURS, chance=Chance(f"drill {made.clock.now}")
        )
    gate.tick()
    assert gate.health().problems == {}
    return drill


def signed(gate: Gate, drill: Drill, *people: str) -> None:
    for person in people:
        gate.drills.sign(drill.id, PersonId(person), key_of(person).sign(drill.challenge()))


def record(made: TestGate, number: int = -1) -> DrillRecord:
    return read_drills(known_gate(read_gate_folder(made.path), clock=made.clock))[number]


# What it is for


def test_a_drill_is_signed_by_a_quorum_and_stands_in_the_ledger(made: TestGate) -> None:
    """A firm that never rehearsed finds out in the emergency who has no passkey with them."""
    with made.running() as gate:
        drill = announced(made, gate)
        assert (drill.terms, drill.action, drill.resource) == ("glass", "restart", MEETINGS)
        made.clock.now += 60
        gate.drills.acknowledge(drill.id, PersonId("cy"))
        made.clock.now += 60
        signed(gate, drill, "di")
        standing = gate.drills.under_way()
        assert standing is not None and standing.quorum == ("di",)
        with desk(made) as host:
            host.end(drill, outcome="met", transcript="0" * 64)
        made.clock.now += 2
        gate.tick()
        health = gate.health()
        assert health.problems == {}
        assert health.drilled is not None and health.drilled.met and health.drilled.id == drill.id
        assert gate.drills.under_way() is None
        found = record(made)
    assert found.drill == drill and found.met and found.quorum == ("di",)
    assert found.acknowledged == {"cy": found.announced + 60, "di": found.announced + 120}
    assert found.quorum_at == found.announced + 120
    assert (found.outcome, found.transcript, found.unsound) == ("met", "0" * 64, ())
    assert check_gate(made.path).findings == ()


def test_everybody_concerned_is_told_once(made: TestGate) -> None:
    """A channel that nobody tried is one that fails on the day."""
    with made.running() as gate:
        drill = announced(made, gate)
        gate.tick()
        told = [
            person
            for person in ("cy", "di", "ed", "fay", "gus", "bo", "ann")
            for notice in [gate.database.change(lambda rows, p=person: rows.outbox.newest(person=p))]  # type: ignore[misc]
            for each in notice
            if each.kind == "drill" and drill.id.encode() in each.body
        ]
    assert told == ["cy", "di", "ed", "fay", "gus", "bo"]


def test_a_drill_that_nobody_ends_is_over_and_not_met(made: TestGate) -> None:
    """Silence is never a success."""
    with made.running() as gate:
        drill = announced(made, gate)
        made.clock.now += HOURS * 3600 + 1
        gate.tick()
        last = gate.health().drilled
        assert last is not None and (last.id, last.met) == (drill.id, False)
        with pytest.raises(Rejected):
            signed(gate, drill, "di")
        assert record(made).outcome == "nobody ended it"


def test_the_last_drill_is_too_long_ago_after_the_days_that_the_settings_say(tmp_path: Path) -> None:
    """Who has a rehearsal to hold forgets it."""
    made = small_gate(tmp_path / "gate", drill_days=30)
    with made.running() as gate:
        gate.tick()
        assert gate.health().drill_due
        drill = announced(made, gate)
        signed(gate, drill, "di")
        with desk(made) as host:
            host.end(drill, outcome="met", transcript="0" * 64)
        gate.tick()
        assert not gate.health().drill_due
        made.clock.now += 31 * 86_400
        gate.tick()
        assert gate.health().drill_due


def test_a_drill_goes_on_after_the_gate_started_again(made: TestGate) -> None:
    """It takes days, and gates are updated."""
    with made.running() as gate:
        drill = announced(made, gate)
        gate.drills.acknowledge(drill.id, PersonId("cy"))
    with made.running() as gate:
        standing = gate.drills.under_way()
        assert standing is not None and list(standing.acknowledged) == ["cy"]
        signed(gate, drill, "gus")
        assert record(made).quorum == ("gus",)


def test_one_drill_at_a_time(made: TestGate) -> None:
    """Two at once, and nobody knows which one they sign."""
    with made.running() as gate:
        announced(made, gate)
        with pytest.raises(Conflict, match="under way"):
            announced(made, gate)


def test_a_drill_is_judged_as_the_real_thing_is(made: TestGate) -> None:
    """A rehearsal with people who could not approve on the day shows nothing."""
    with made.running() as gate:
        drill = announced(made, gate)
        for person, why in (("bo", "carry out"), ("ann", "does not ask you"), ("hal", "does not ask you")):
            with pytest.raises(Rejected, match=why):
                signed(gate, drill, person)
        signed(gate, drill, "di")
        with pytest.raises(Conflict):
            signed(gate, drill, "di")


def test_a_revoked_passkey_signs_no_drill(made: TestGate) -> None:
    """A drill that a lost passkey can sign says that all is well."""
    with made.running() as gate:
        drill = announced(made, gate)
        gate.revoke_key(key_of("di").credential, PersonId("di"), "lost")
        with pytest.raises(Rejected, match="does not count"):
            signed(gate, drill, "di")


def test_a_plan_that_nobody_could_ask_for_is_refused(made: TestGate) -> None:
    """Rehearsing what is not there."""
    with made.running() as gate:
        for wanted in ({"terms": "none"}, {"who": "x"}, {"action": "fly"}):
            with pytest.raises((Refusal, TypeError)):
                announced(made, gate, **wanted)
        with pytest.raises(Refusal):
            announced(made, gate, executor=PersonId("cy"))


def test_a_plan_names_who_lacks_a_passkey(made: TestGate) -> None:
    """They are the ones to call first."""
    with made.running() as gate:
        gate.revoke_key(key_of("cy").credential, PersonId("cy"), "lost")
        given = known_gate(read_gate_folder(made.path), clock=made.clock)
        plan = plan_drill(given, DrillWanted())
    assert plan.keyless == ("cy",)
    assert any("1 of 5" in each for each in plan.lacks)
    assert plan.quorums and ("cy",) not in plan.quorums


# It opens nothing


def test_a_signature_in_a_drill_approves_no_request(made: TestGate) -> None:
    """An organiser who holds drills to collect signatures collects nothing."""
    with made.running() as gate:
        drill = announced(made, gate)
        request = asked(gate, "restart").request
        assertion = key_of("di").sign(drill.challenge())
        gate.drills.sign(drill.id, PersonId("di"), assertion)
        with pytest.raises(Rejected, match="does not hold"):
            gate.approve(request.id, PersonId("di"), assertion)
        assert gate.request(request.id).approvals == () and gate.live() == ()


def test_an_approval_of_a_request_signs_no_drill(made: TestGate) -> None:
    """Real access is not passed off as a rehearsal that went well."""
    with made.running() as gate:
        drill = announced(made, gate)
        request = asked(gate, "restart").request
        with pytest.raises(Rejected, match="does not hold"):
            gate.drills.sign(drill.id, PersonId("di"), sign(gate, request.id, "di"))
        assert record(made).signed == {}


def test_a_drill_with_its_quorum_opens_nothing_at_a_point(made: TestGate) -> None:
    """The emergency way is tried with the door shut."""
    with made.running() as gate:
        drill = announced(made, gate)
        signed(gate, drill, "di", "gus")
        for token in (None, drill.id, drill.id.replace("drill_", "lease_"), drill.id.replace("drill_", "req_")):
            outcome = gate.redeem(
                point=POINT,
                executor=PersonId("bo"),
                action="restart",
                resource=MEETINGS,
                use=seed(str(token))[:16],
                token=token,
            )
            assert isinstance(outcome, Refused)
        for id in (drill.id, drill.id.replace("drill_", "req_")):
            with pytest.raises(Rejected):
                gate.approve(RequestId(id), PersonId("di"), key_of("di").sign(drill.challenge()))
        assert gate.requests() == () and gate.leases() == () and not gate.state.founded


def test_a_drill_ends_no_founding_and_is_no_event(made: TestGate) -> None:
    """What the state is made of holds no drill, so that no reader of the ledger makes one into something."""
    with made.running() as gate:
        before = gate.state.version
        drill = announced(made, gate)
        signed(gate, drill, "di")
        assert gate.state.version == before
        position = gate.state.position
    with made.running() as gate:
        assert (gate.state.version, gate.requests()) == (before, ()) and gate.state.position >= position


def test_what_is_signed_says_drill(made: TestGate) -> None:
    """Whoever shows the signature years later shows what it was for."""
    with made.running() as gate:
        form = announced(made, gate).form()
    assert (form["kind"], form["opens"]) == ("drill", "nothing")
    for change in ({"kind": "request"}, {"opens": "everything"}, {"version": 2}, {"more": 1}):
        with pytest.raises(Rejected):
            parse_drill({**form, **change})  # type: ignore[dict-item]
    assert parse_drill(form).form() == form


def test_requests_go_on_beside_a_drill(made: TestGate) -> None:
    """An emergency does not wait for a rehearsal."""
    with made.running() as gate:
        announced(made, gate)
        state = approve(gate, asked(gate, "restart").request.id, "di")
        assert gate.lease(state.status.lease).live  # type: ignore[union-attr]


# Hostile rows and ledgers


def test_a_row_that_the_administrator_wrote_is_no_drill(made: TestGate) -> None:
    """Whoever has the database alone calls no drill, and moves no signature."""
    with made.running() as gate:
        drill = announced(made, gate)
        signed(gate, drill, "di")
        with made.administrator() as db:
            (doc,) = next(db.execute("select doc from ceremonies where kind = 'drill' order by length(doc) desc"))
            db.execute("update ceremonies set doc = ? where kind = 'drill'", (doc.replace(b"pat", b"bob"),))
        with pytest.raises(Tampered):
            gate.drills.under_way()
        gate.tick()
        assert "none that this gate" in gate.health().problems["drills"]
        with made.administrator() as db:
            db.execute("update ceremonies set doc = ? where kind = 'drill'", (doc,))  # one row in another's place
        with pytest.raises(Tampered):
            gate.drills.under_way()
        assert gate.ready() is None
        assert gate.drills.asks(PersonId("cy")) is None  # the page of what waits comes all the same
        approve(gate, asked(gate, "restart").request.id, "di")


def test_rows_that_are_lost_lose_nothing_of_the_record(made: TestGate) -> None:
    """The database is a copy; what happened is in the ledger."""
    with made.running() as gate:
        drill = announced(made, gate)
        signed(gate, drill, "di")
        with made.administrator() as db:
            db.execute("delete from ceremonies")
        assert gate.drills.under_way() is None
        assert record(made).quorum == ("di",)


def test_a_forged_step_in_the_ledger_is_found_by_its_signature(made: TestGate) -> None:
    """Whoever can write to the ledger is not therefore a participant."""
    with made.running() as gate:
        drill = announced(made, gate)
        assertion = key_of("cy").sign(drill.challenge())
        other = dataclasses.replace(drill, purpose="another one")
        for step in (
            {"person": "gus", "assertion": assertion.form()},
            {"person": "cy", "assertion": key_of("cy").sign(other.challenge()).form()},
            {"person": "cy", "assertion": {}},
        ):
            gate.drills._record("signed", drill, int(made.clock.now), step)  # type: ignore[arg-type]
        found = record(made)
    assert found.signed == {} and not found.met and len(found.unsound) == 3


def test_a_drill_of_an_estate_that_holds_no_more_is_not_taken_up(made: TestGate) -> None:
    """It would be judged by what nobody rehearses."""
    given = None
    with made.running() as gate:
        given = known_gate(read_gate_folder(made.path), clock=made.clock)
        plan = dataclasses.replace(plan_drill(given, DrillWanted()), estate="0" * 64)
        with desk(made) as host:
            host.announce(plan, organiser="pat", purpose="Late.", hours=1, chance=Chance("x"))
            gate.tick()
            standing = host.standing()
            assert standing is not None and standing.refused is not None and "another estate" in standing.refused
            host.announce(
                plan_drill(given, DrillWanted()), organiser="pat", purpose="Now.", hours=1, chance=Chance("y")
            )


@pytest.mark.parametrize("hours", [0, 100_000])
def test_a_drill_of_no_length_or_of_years_is_refused(made: TestGate, hours: int) -> None:
    """One that never ends is never reviewed."""
    with made.running():
        given = known_gate(read_gate_folder(made.path), clock=made.clock)
        with desk(made) as host, pytest.raises(GateError):
            host.announce(
                plan_drill(given, DrillWanted()), organiser="pat", purpose="x", hours=hours, chance=Chance("z")
            )


def test_a_protocol_says_who_did_what_and_has_one_digest(made: TestGate) -> None:
    """What is printed and signed by hand is what the ledger knows."""
    with made.running() as gate:
        drill = announced(made, gate)
        gate.drills.acknowledge(drill.id, PersonId("cy"))
        signed(gate, drill, "di")
        found = record(made)
    review = DrillReview(failed=("the pager was silent",), todo=("a new pager",), reviewer="dov")
    text = protocol_text(found, {}, ("no channel",), review)
    for said in ("A quorum signed", "did not say that they were told: ed", "the pager was silent", "Reviewed by dov"):
        assert said in text
    assert protocol_digest(text) != protocol_digest(text + " ")


def test_a_ledger_that_records_nothing_takes_no_signature(made: TestGate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A drill that is on no record did not happen."""
    with made.running() as gate:
        drill = announced(made, gate)
        gate.ledger._writer.stop("the disk is full")
        with pytest.raises(Unavailable):
            signed(gate, drill, "di")
        standing = gate.drills.under_way()
        assert standing is not None and standing.signed == {}
    assert isinstance(drill.resource, Target)


def test_a_crash_between_a_record_and_its_row_loses_no_signature(
    made: TestGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They sign again, and it counts once."""

    class Crash(BaseException):
        pass

    def crash(*args: object) -> None:
        raise Crash

    with made.running() as gate:
        drill = announced(made, gate)
        with monkeypatch.context() as patched:
            patched.setattr(type(gate.drills), "_put", crash)
            with pytest.raises(Crash):
                signed(gate, drill, "di")
    with made.running() as gate:
        signed(gate, drill, "di")
        found = record(made)
        assert list(found.signed) == ["di"] and found.quorum == ("di",) and found.unsound == ()


def test_a_row_that_nobody_can_read_does_not_keep_a_drill_from_being_held(made: TestGate) -> None:
    """Whoever administers the database could otherwise see to it that nobody ever rehearses."""
    with made.running() as gate:
        announced(made, gate)
        with made.administrator() as db:
            db.execute("update ceremonies set doc = x'00112233' where kind = 'drill'")
        made.clock.now += 1  # another drill, of another id
        drill = announced(made, gate)
        signed(gate, drill, "gus")
        assert record(made).quorum == ("gus",)
