"""Somebody leaves: what they have ends at once, they do nothing more, and they come back by a quorum or not at all."""

from __future__ import annotations

import threading
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from armslength.gate import (
    CalledOff,
    Conflict,
    GateError,
    Granted,
    Left,
    PersonId,
    Question,
    Refused,
    Rejected,
    Request,
    Taken,
    Why,
    events_in,
)
from armslength.service import HOST, Gate, Redeemed, check_gate, simulate_gate
from armslength.service.gate_replay import records_of
from armslength.store import Session, read_ledger_folder
from tests.service.gates import (
    ACCOUNTS,
    GRANTS,
    PEOPLE,
    STATUS,
    TestGate,
    approve,
    ask,
    asked,
    crashed,
    enrol,
    estate,
    key_of,
    leased,
    sign,
    small_gate,
    use,
)

DIRECTORY = "okta"
BO, DI, PAT = PersonId("bo"), PersonId("di"), PersonId("pat")


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


def left_events(made: TestGate) -> list[Left]:
    ledger = read_ledger_folder(made.path / "ledger", signing=False)
    return [each.event for each in events_in(records_of(ledger, 0)) if isinstance(each.event, Left)]


def test_a_leavers_leases_end_and_their_requests_are_withdrawn_at_once(made: TestGate) -> None:
    """Who was dismissed at nine would read customers' data until their lease ran out."""
    with made.running() as gate:
        lease, others = leased(gate), leased(gate, "restart", by="di")
        token = gate.token(lease.terms.id)
        waiting = asked(gate, "delete", ACCOUNTS, "acme").request.id
        assert gate.leave(BO, DIRECTORY)
        for each in (lease, others):
            status = gate.lease(each.terms.id).status
            assert isinstance(status, Taken) and status.reason == "somebody whose it is left"
        assert isinstance(gate.request(waiting).status, CalledOff)
        answer = use(gate, "one", token=token)
        assert isinstance(answer, Refused)
        assert not gate.leave(BO, DIRECTORY), "told twice, it is one record"
    assert [(each.person, each.source) for each in left_events(made)] == [("bo", DIRECTORY)]
    assert check_gate(made.path).findings == ()


def test_a_leaver_does_nothing_more_standing_access_included(made: TestGate) -> None:
    """A dead account that opens one door is a door for whoever has its password."""
    with made.running() as gate:
        assert isinstance(use(gate, "before", "view", STATUS), Redeemed)
        lease = leased(gate)
        gate.leave(BO, DIRECTORY)
        refused = use(gate, "after", "view", STATUS)
        assert isinstance(refused, Refused) and refused.why is Why.LEFT
        refused = use(gate, "after with a customer", "view", STATUS, "acme")
        assert isinstance(refused, Refused) and refused.why is Why.LEFT
        outcome = gate.ask(ask(), caller="person:bo")
        assert isinstance(outcome, Refused) and outcome.why is Why.LEFT
        borrowed = gate.ask(ask(who="dee", asker=BO), caller="person:bo")
        assert isinstance(borrowed, Refused) and borrowed.why is Why.LEFT
        question = Question(executor=BO, asker=BO, author=None, action="view", resource=STATUS, context={})
        assert isinstance(gate.look(question), Refused)
        assert BO not in gate.decider.subjects("view", STATUS, {})
        with pytest.raises(GateError):
            gate.give_back(lease.terms.id, BO)
    assert check_gate(made.path).findings == ()


def test_a_leaver_among_the_approvers_of_a_waiting_request_counts_no_more(made: TestGate) -> None:
    """Mid-quorum: the second signature would open it on the word of somebody who was sent home."""
    with made.running() as gate:
        id = asked(gate).request.id
        approve(gate, id, "di")
        gate.leave(DI, DIRECTORY)
        assert gate.request(id).approvers() == ()
        state = approve(gate, id, "ed")
        assert state.waiting, "one signature and a leaver's are no quorum of two"
        with pytest.raises(Rejected):
            gate.approve(id, DI, sign(gate, id, "di"))
        assert isinstance(approve(gate, id, "gus").status, Granted)
    assert check_gate(made.path).findings == ()


def test_leases_that_a_leaver_approved_end(made: TestGate) -> None:
    """As when an estate is adopted without them: a lease lasts as long as it would be given again."""
    with made.running() as gate:
        lease, kept = leased(gate), leased(gate, "restart", by="ed")
        gate.leave(DI, DIRECTORY)
        status = gate.lease(lease.terms.id).status
        assert isinstance(status, Taken) and status.reason == "somebody who approved it left"
        assert gate.lease(kept.terms.id).live
        assert lease.terms.id in gate.state.ended_early(gate.now())


def test_a_leaver_neither_vouches_nor_is_vouched_for(made: TestGate) -> None:
    """A passkey that is enrolled for somebody who left would be theirs, or their successor's in their name."""
    with made.running() as gate:
        asked(gate)
        id, mine = enrol(gate, "dov", 1), enrol(gate, "pat", 1)
        gate.leave(PAT, DIRECTORY)
        assert not gate.may_vouch(PAT, PersonId("dov")) and not gate.may_vouch(PersonId("pia"), PAT)
        with pytest.raises(Rejected):
            gate.vouch(id, PAT, key_of("pat").sign(gate.enrolment(id).challenge()))
        with pytest.raises(Rejected):
            gate.vouch(mine, PersonId("pia"), key_of("pia").sign(gate.enrolment(mine).challenge()))
        with pytest.raises(Rejected):
            gate.invite(PAT)
        gate.vouch(id, PersonId("pia"), key_of("pia").sign(gate.enrolment(id).challenge()))


def test_what_a_leaver_vouched_for_stays(made: TestGate) -> None:
    """Leaving says nothing against the passkeys of others; the help desk leaves, and the firm works on."""
    with made.running() as gate:
        asked(gate)
        id = enrol(gate, "dov", 1)
        gate.vouch(id, PAT, key_of("pat").sign(gate.enrolment(id).challenge()))
        gate.leave(PAT, DIRECTORY)
        gate.tick()
    with made.running() as gate:
        gate.tick()
        mine = gate.state.keys_of(PersonId("dov"))
        assert [each.revoked for each in mine] == [None, None]
        assert all(each.revoked is not None for each in gate.state.keys_of(PAT))


def test_a_leaver_is_signed_out_everywhere(made: TestGate) -> None:
    """A session of yesterday would go on until the evening."""
    with made.running() as gate:
        now = int(made.clock.now)
        gate.database.change(
            lambda tables: tables.sessions.create(b"s" * 32, "bo", now=now, idle=3600, ends=now + 3600)
        )
        gate.leave(BO, DIRECTORY)
        found: list[Session | None] = []
        with gate.database.reading() as tables:
            found.append(tables.sessions.read(b"s" * 32, now=now))
        assert found == [None]
        assert not gate.decider.roster.knows(BO)


def test_a_leaver_comes_back_only_by_an_adopted_change_that_names_them(made: TestGate) -> None:
    """Whoever drops them from the estate and puts them in again would have brought them back unseen."""
    without = {id: row for id, row in PEOPLE.items() if id != "bo"}
    grants = tuple(each for each in GRANTS if "person:bo" not in each)
    with made.running() as gate:
        gate.leave(BO, DIRECTORY)
        change(gate, estate(people=without, grants=grants))
        change(gate, estate())
        assert gate.state.gone(BO)
        assert isinstance(gate.ask(ask(), caller="person:bo"), Refused)
        with pytest.raises(Rejected):
            propose(gate, estate(), "di")  # who did not leave
        with pytest.raises(Conflict):
            propose(gate, estate())
        request = propose(gate, estate(), "bo")
        text = gate.evidence(request.evidence[0].digest)[1].decode()
        assert text.startswith("These people left and would come back: bo.")
        state = approve(gate, request.id, "ben", "cho")
        assert state.adopted
        assert not gate.state.gone(BO)
        # What they had is not given back: no lease, no passkey.
        assert all(each.revoked is not None for each in gate.state.keys_of(BO))
        assert not isinstance(gate.ask(ask(), caller="person:bo"), Refused)
        assert isinstance(use(gate, "again", "view", STATUS), Redeemed)
        assert gate.leave(BO, DIRECTORY), "who came back can leave again"
        assert gate.state.gone(BO)
    assert check_gate(made.path).findings == ()
    with made.running() as gate:
        assert gate.state.gone(BO) and gate.health().tampered == ()


def test_who_comes_back_from_a_state_bars_that_state_from_the_quorum(made: TestGate) -> None:
    """Two whom one state can compel would bring its man back."""
    with made.running() as gate:
        gate.leave(PersonId("pia"), DIRECTORY)  # of DE, who may have a passkey enrolled for anybody
        request = propose(gate, estate(), "pia")
        change_ = request.context["change"]
        assert isinstance(change_, dict) and change_["returning"] == ["pia"]
        assert change_["widened"] == ["DE"]
        with pytest.raises(Rejected):
            approve(gate, request.id, "dov")  # of DE, too
        assert approve(gate, request.id, "ben", "cho").adopted and not gate.state.gone(PersonId("pia"))
    assert check_gate(made.path).findings == ()


def test_a_gate_that_is_killed_while_somebody_leaves_finishes_at_its_next_start(tmp_path: Path) -> None:
    """Between the record and the end of the leases lies a crash: nothing is given meanwhile, and the rest is done."""
    start = small_gate(tmp_path / "start")
    with start.running() as gate:
        lease = leased(gate)
        waiting = asked(gate, "delete", ACCOUNTS, "acme").request.id
        other = asked(gate, who="dee").request.id
        approve(gate, other, "di")
    steps = 0
    for at in count():
        made = start.copied(tmp_path / f"killed-{at}")
        step = crashed(made, at, lambda gate: gate.leave(BO, DIRECTORY))
        if step is None:
            break
        steps += 1
        with made.running() as gate:
            assert gate.health().tampered == () and gate.health().mended.tampered == ()
            there = gate.state.gone(BO)
            assert there or at == 0, f"nothing recorded after step {at}, {step}"
            if there:
                assert isinstance(use(gate, "one"), Refused)
                gate.tick()
                assert not gate.lease(lease.terms.id).live and not gate.request(waiting).waiting
                assert gate.health().problems == {}
            else:
                assert gate.leave(BO, DIRECTORY)
            assert gate.request(other).waiting
        assert check_gate(made.path).findings == ()
    assert steps >= 8


def test_somebody_who_leaves_and_asks_at_once_gets_nothing(made: TestGate) -> None:
    """Two threads: whichever is first, afterwards nothing of theirs is open."""
    with made.running() as gate:
        leased(gate)
        start = threading.Barrier(3)

        def using() -> None:
            start.wait()
            for number in range(20):
                use(gate, f"use {number}")

        def asking() -> None:
            start.wait()
            for number in range(5):
                with suppress(Conflict):
                    gate.ask(ask("delete", ACCOUNTS, f"c{number}"), caller="person:bo")

        threads = [threading.Thread(target=each) for each in (using, asking)]
        for each in threads:
            each.start()
        start.wait()
        assert gate.leave(BO, DIRECTORY)
        for each in threads:
            each.join()
        gate.tick()
        assert gate.live(BO) == () and not [each for each in gate.mine(BO) if each.waiting]
    assert check_gate(made.path).findings == ()


def test_whoever_administers_the_database_cannot_keep_somebody_from_leaving(made: TestGate) -> None:
    """A row that was changed would make the record impossible, if it were decided on."""
    with made.running() as gate:
        leased(gate)
        with made.administrator() as db:
            db.execute("UPDATE rows SET doc = x'00' WHERE person = 'bo'")
        assert gate.leave(BO, DIRECTORY)
        assert gate.state.gone(BO) and isinstance(use(gate, "one"), Refused)
        assert gate.live(BO) == ()


def test_the_host_can_say_it_too_and_a_simulation_counts_leavers_out(made: TestGate) -> None:
    """A firm without a directory has leavers."""
    with made.running() as gate:
        assert simulate_gate(made.path, away=["person:cho"], clock=made.clock) == ()
        gate.leave(PersonId("dov"), HOST)
    lost = simulate_gate(made.path, away=["person:cho"], clock=made.clock)
    assert [each.action for each in lost] == ["operate"]


def test_a_person_whom_the_gate_does_not_know_may_be_said_to_have_left(made: TestGate) -> None:
    """Their row may come with the next estate."""
    with made.running() as gate:
        assert gate.leave(PersonId("zoe"), DIRECTORY)
        change(gate, estate(people={**PEOPLE, "zoe": ("ops", "US", "ops staff")}))
        assert isinstance(gate.ask(ask(who="zoe"), caller="person:zoe"), Refused)


# What people do


def propose(gate: Gate, files: dict[str, bytes], *returning: str) -> Request:
    outcome = gate.propose(
        files,
        asker=PersonId("ann"),
        purpose="a change",
        caller="person:ann",
        returning=tuple(PersonId(each) for each in returning),
    )
    assert not isinstance(outcome, Refused), outcome
    return outcome.request


def change(gate: Gate, files: dict[str, bytes]) -> None:
    assert approve(gate, propose(gate, files).id, "ben", "cho").adopted
