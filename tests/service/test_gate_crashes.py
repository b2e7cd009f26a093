"""A gate that is killed at any step of anything: what was acknowledged is there, what was not is there whole or not at
all, and whoever asks again gets through."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from armslength.gate import Conflict, Granted, PersonId, Refused
from armslength.service import Gate, Redeemed, check_gate
from tests.service.gates import (
    ACCOUNTS,
    MEETINGS,
    TestGate,
    approve,
    ask,
    asked,
    crashed,
    enrol,
    key_of,
    leased,
    sign,
    small_gate,
    use,
)


def each_step(tmp_path: Path, prepare: Callable[[Gate], object], work: Callable[[Gate], object]) -> list[TestGate]:
    """The gates that are left by a kill at each step of `work`."""
    start = small_gate(tmp_path / "start")
    with start.running() as gate:
        prepare(gate)
    left = []
    for at in count():
        made = start.copied(tmp_path / f"killed-{at}")
        step = crashed(made, at, work)
        if step is None:
            break
        left.append(made)
    assert len(left) >= 4, "the work has too few steps for this test to say anything"
    return left


def whole(made: TestGate) -> None:
    """Nothing is wrong with it once it was started again: no finding, no lease without its quorum."""
    with made.running() as gate:
        assert gate.health().tampered == ()
        assert gate.health().mended.tampered == ()
    assert check_gate(made.path).findings == ()


def test_a_request_is_made_once(tmp_path: Path) -> None:
    """Whoever lost the answer would have two requests waiting, or none and not know."""
    wanted = ask("end", MEETINGS, "acme")

    def work(gate: Gate) -> object:
        return gate.ask(wanted, caller="point", key="key-1")

    for made in each_step(tmp_path, lambda gate: None, work):
        with made.running() as gate:
            state = work(gate)
            assert not isinstance(state, Refused)
            assert [each.request.id for each in gate.requests()] == [state.request.id]  # type: ignore[attr-defined]
        whole(made)


def test_the_last_approval_opens_one_lease(tmp_path: Path) -> None:
    """A lease without a record, or two of them, would be access that nobody granted."""
    ids = []

    def prepare(gate: Gate) -> None:
        state = asked(gate, "end", MEETINGS, "acme")
        approve(gate, state.request.id, "di")
        ids.append(state.request.id)

    def work(gate: Gate) -> object:
        return approve(gate, ids[0], "ed")

    seen = set()
    for made in each_step(tmp_path, prepare, work):
        with made.running() as gate:
            before = gate.request(ids[0])
            seen.add(len(before.approvals))
            if len(before.approvals) < 2:
                approve(gate, ids[0], "ed")
            gate.tick()
            state = gate.request(ids[0])
            assert isinstance(state.status, Granted)
            assert len(gate.leases()) == 1
            assert isinstance(use(gate, "after", "end", MEETINGS, "acme"), Redeemed)
        whole(made)
    assert seen == {1, 2}


def test_a_use_counts_once(tmp_path: Path) -> None:
    """A point that lost the answer asks again; counted twice, it would spend what somebody else approved."""

    def work(gate: Gate) -> object:
        return use(gate, "one", "export", MEETINGS, "acme")

    for made in each_step(tmp_path, lambda gate: leased(gate, "export", MEETINGS, "acme", by="di"), work):
        with made.running() as gate:
            answer = work(gate)
            assert isinstance(answer, Redeemed)
            assert gate.leases()[0].uses == 1
            assert isinstance(use(gate, "two", "export", MEETINGS, "acme"), Redeemed)
            assert isinstance(use(gate, "three", "export", MEETINGS, "acme"), Refused)
        whole(made)


def test_a_revocation_holds(tmp_path: Path) -> None:
    """Taken away, and back after a restart, would be the worst of both."""

    def work(gate: Gate) -> object:
        return gate.revoke(gate.leases()[0].terms.id, "di", "a mistake")  # type: ignore[arg-type]

    for made in each_step(tmp_path, lambda gate: leased(gate), work):
        with made.running() as gate:
            if gate.leases()[0].live:
                work(gate)
            assert isinstance(use(gate, "after"), Refused)
        whole(made)


def test_a_customers_no_holds(tmp_path: Path) -> None:
    """The customer saw that their word was taken."""
    tokens = []

    def prepare(gate: Gate) -> None:
        state = asked(gate, "suspend", ACCOUNTS, "acme")
        tokens.append(gate.voice_token(state.request.id, "acme"))

    for made in each_step(tmp_path, prepare, lambda gate: gate.voice(tokens[0], False)):
        with made.running() as gate:
            if gate.requests()[0].waiting:
                gate.voice(tokens[0], False)
            assert not gate.requests()[0].waiting
        whole(made)


def test_everybody_hears_of_break_glass(tmp_path: Path) -> None:
    """A lease for an emergency that nobody was told of is one that nobody looks at."""
    ids = []

    def prepare(gate: Gate) -> None:
        ids.append(asked(gate, "restart").request.id)

    for made in each_step(tmp_path, prepare, lambda gate: approve(gate, ids[0], "di")):
        with made.running() as gate:
            if not gate.request(ids[0]).approvers():
                approve(gate, ids[0], "di")
            gate.tick()
            assert isinstance(gate.request(ids[0]).status, Granted)
            with made.administrator() as db:
                found = db.execute("SELECT person, body FROM outbox WHERE kind='granted'").fetchall()
            told = sorted(person for person, body in found if b"break-glass" in body)
            assert told == ["cy", "di", "ed", "fay", "gus"], "each of them once"
        whole(made)


def test_a_passkey_counts_once_vouched_for(tmp_path: Path) -> None:
    """Half an enrolment would be a key that nobody vouched for."""
    ids = []

    def prepare(gate: Gate) -> None:
        asked(gate)  # the founding is over
        ids.append(enrol(gate, "bo", 1))

    def work(gate: Gate) -> object:
        challenge = gate.enrolment(ids[0]).challenge()
        return gate.vouch(ids[0], "pat", key_of("pat").sign(challenge))  # type: ignore[arg-type]

    for made in each_step(tmp_path, prepare, work):
        with made.running() as gate:
            if ids[0] not in gate.state.keys:
                work(gate)
            assert gate.state.keys[ids[0]].key.voucher == "pat"
        whole(made)


@pytest.mark.parametrize("person", ["di", "ed"])
def test_a_killed_approval_is_asked_for_again(tmp_path: Path, person: str) -> None:
    """An approver whose browser showed an error must be able to approve, and to see that they have."""
    ids = []

    def prepare(gate: Gate) -> None:
        ids.append(asked(gate).request.id)

    for made in each_step(tmp_path, prepare, lambda gate: approve(gate, ids[0], person)):
        with made.running() as gate:
            try:
                gate.approve(ids[0], person, sign(gate, ids[0], person))  # type: ignore[arg-type]
            except Conflict:
                pass
            assert gate.request(ids[0]).approvers() == (person,)
        whole(made)


def test_rows_that_a_power_failure_took_are_made_again(tmp_path: Path) -> None:
    """Rows do not wait for the disk: a machine that lost power would accuse somebody of having edited them, or believe
    an old one."""
    made = small_gate(tmp_path / "gate")
    with made.running() as gate:
        waiting = asked(gate, "end", MEETINGS, "acme")
        left = {path: path.read_bytes() for path in made.path.glob("gate.db*") if not path.name.endswith("-shm")}
        approve(gate, waiting.request.id, "di", "ed")
        assert isinstance(use(gate, "x", "end", MEETINGS, "acme"), Redeemed)
        gate.revoke(gate.leases()[0].terms.id, PersonId("di"), "enough")
    for path in made.path.glob("gate.db*"):
        path.unlink()
    for path, data in left.items():
        path.write_bytes(data)
    with made.running() as gate:
        assert gate.health().mended.rows > 0 and gate.health().mended.tampered == ()
        (lease,) = gate.leases()
        assert lease.uses == 1 and not lease.live
        assert isinstance(use(gate, "y", "end", MEETINGS, "acme"), Refused)
    assert check_gate(made.path).findings == ()


def test_what_was_let_go_of_accuses_nobody_after_a_crash(tmp_path: Path) -> None:
    """Rows that went before their snapshot would look like rows that somebody deleted."""
    made = small_gate(tmp_path / "gate")
    with made.running() as gate:
        gate.revoke(leased(gate, "end", MEETINGS, "acme").terms.id, PersonId("di"), "enough")
    killed = made.copied(tmp_path / "killed")
    with killed.running() as gate:
        killed.clock.now += 400 * 86_400
        gate._office.book.forget(gate._office.book.now(), keep=frozenset())
        assert gate.leases() == ()
        left = {path.name: path.read_bytes() for path in killed.path.glob("gate.db*") if path.suffix != ".db-shm"}
    for path in killed.path.glob("gate.db*"):
        path.unlink()
    for name, data in left.items():
        (killed.path / name).write_bytes(data)
    whole(killed)
    with killed.running() as gate:
        gate.tick()
    assert check_gate(killed.path, clock=killed.clock).findings == (), "what was let go of has no rows, and need not"
    with sqlite3.connect(killed.path / "gate.db") as db:
        assert db.execute("SELECT count(*) FROM rows WHERE kind IN ('request', 'lease')").fetchone() == (0,)
