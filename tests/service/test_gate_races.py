"""Many threads at one gate: of everything that can be had once, one gets it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from armslength.gate import (
    Conflict,
    GateError,
    Granted,
    LeaseId,
    LeaseState,
    Moment,
    PersonId,
    Refused,
    RequestState,
    Why,
    verify_revocations,
)
from armslength.service import Redeemed, check_gate
from tests.service.gates import (
    MEETINGS,
    RECORDINGS,
    TestGate,
    approve,
    ask,
    asked,
    leased,
    sign,
    small_gate,
    use,
)


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


def together(works: Sequence[Callable[[], object]]) -> list[object]:
    """What each gives, or the error it raises, when all begin at once."""
    ready = threading.Barrier(len(works))
    outcomes: list[object] = [None] * len(works)

    def run(place: int) -> None:
        ready.wait()
        try:
            outcomes[place] = works[place]()
        except GateError as error:
            outcomes[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "threads wait for each other"
    return outcomes


def test_the_last_uses_are_had_once(made: TestGate) -> None:
    """A lease for two acts would be one for as many as are asked for at once."""
    with made.running() as gate:
        leased(gate, "export", MEETINGS, "acme", by="di")
        works = [lambda n=n: use(gate, f"use {n}", "export", MEETINGS, "acme") for n in range(12)]
        outcomes = together(works)
        assert sum(isinstance(each, Redeemed) for each in outcomes) == 2
        assert {each.why for each in outcomes if isinstance(each, Refused)} == {Why.SPENT}
    assert check_gate(made.path).findings == ()


def test_the_last_customers_are_had_once(made: TestGate) -> None:
    """List-building: each thread tries another customer."""
    with made.running() as gate:
        leased(gate, "read", RECORDINGS, by="di")
        works = [lambda n=n: use(gate, f"use {n}", "read", RECORDINGS, f"customer-{n}") for n in range(10)]
        outcomes = together(works)
        assert sum(isinstance(each, Redeemed) for each in outcomes) == 2
    assert check_gate(made.path).findings == ()


def test_one_use_asked_for_by_many_is_one_use(made: TestGate) -> None:
    """A point that retries too eagerly would spend the lease."""
    with made.running() as gate:
        leased(gate, "export", MEETINGS, "acme", by="di")
        outcomes = together([lambda: use(gate, "one", "export", MEETINGS, "acme")] * 8)
        assert all(isinstance(each, Redeemed) for each in outcomes)
        assert gate.leases()[0].uses == 1


def test_approvals_at_once_open_one_lease(made: TestGate) -> None:
    """Two leases from one quorum would be twice what was approved."""
    with made.running() as gate:
        id = asked(gate, "end", MEETINGS, "acme").request.id
        people = ["di", "ed", "gus", "cy"]
        outcomes = together([lambda person=person: approve(gate, id, person) for person in people])
        assert isinstance(gate.request(id).status, Granted)
        assert len(gate.leases()) == 1
        assert all(isinstance(each, RequestState | Conflict) for each in outcomes), outcomes
    assert check_gate(made.path).findings == ()


def test_one_approval_sent_by_many_counts_once(made: TestGate) -> None:
    """A person who clicks twice would be a quorum of two."""
    with made.running() as gate:
        id = asked(gate).request.id
        assertion = sign(gate, id, "di")
        outcomes = together([lambda: gate.approve(id, "di", assertion)] * 6)  # type: ignore[arg-type]
        assert sum(isinstance(each, RequestState) for each in outcomes) == 1
        assert gate.request(id).approvers() == ("di",)


def test_yes_and_no_at_once_have_one_outcome(made: TestGate) -> None:
    """A request that was declined and granted would be neither's word."""
    with made.running() as gate:
        for number in range(5):
            id = asked(gate, "end", MEETINGS, f"customer-{number}").request.id
            approve(gate, id, "di")
            together(
                [
                    lambda id=id: approve(gate, id, "ed"),
                    lambda id=id: gate.decline(id, "gus", "not convincing"),  # type: ignore[arg-type]
                    lambda id=id: gate.withdraw(id, "bo"),  # type: ignore[arg-type]
                ]
            )
            state = gate.request(id)
            assert not state.waiting
            assert isinstance(state.status, Granted) == any(each.terms.request == id for each in gate.leases())
    assert check_gate(made.path).findings == ()


def test_the_same_is_asked_for_once(made: TestGate) -> None:
    """Of two requests for the same, each with half of the approvals, neither would be granted."""
    with made.running() as gate:
        wanted = ask("end", MEETINGS, "acme")
        outcomes = together([lambda n=n: gate.ask(wanted, caller=f"caller-{n}") for n in range(6)])
        assert sum(isinstance(each, RequestState) for each in outcomes) == 1
        assert len(gate.requests()) == 1


def test_uses_and_a_revocation_at_once_leave_nothing_after_it(made: TestGate) -> None:
    """Whoever took a lease away must be able to say that nothing was done under it afterwards."""
    with made.running() as gate:
        lease = leased(gate)
        works: list[Callable[[], object]] = [lambda n=n: use(gate, f"use {n}") for n in range(8)]  # type: ignore[misc]
        works.append(lambda: gate.revoke(lease.terms.id, "di", "a mistake"))  # type: ignore[arg-type]
        together(works)
        assert isinstance(use(gate, "after"), Refused)
        counted = gate.lease(lease.terms.id).uses
        gate.tick()
        assert gate.lease(lease.terms.id).uses == counted
    assert check_gate(made.path).findings == ()


def test_no_list_that_misses_a_revoked_lease_comes_after_one_that_names_it(made: TestGate) -> None:
    """A point would take the later list, and let the lease pass again."""
    with made.running() as gate:
        lease = leased(gate)
        state = gate.state
        early, within, on = state.ended_early, threading.Event(), threading.Event()
        lists = []

        def slow(now: Moment) -> frozenset[LeaseId]:
            found = early(now)
            if threading.current_thread().name == "slow":
                within.set()
                on.wait(30)
            return found

        def look() -> None:
            lists.append(verify_revocations(gate.revocations(), gate._leasing.publics()))

        state.ended_early = slow  # type: ignore[method-assign]
        first, second = threading.Thread(name="slow", target=look), threading.Thread(target=look)
        first.start()
        assert within.wait(30)
        gate.revoke(lease.terms.id, PersonId("di"), "a mistake")
        second.start()
        second.join(1)  # with a list of its own, or waiting for the first
        on.set()
        first.join(30)
        second.join(30)
        assert len(lists) == 2
        assert lease.terms.id in max(lists, key=lambda each: each.number).revoked


def test_a_lease_that_is_lost_while_others_are_judged_is_not_forgotten(made: TestGate) -> None:
    """It was looked at a moment before, and nobody would look again."""
    with made.running() as gate:
        first, _ = leased(gate), leased(gate, "restart", by="di")
        gate.tick()
        office, seen = gate._office, []
        holds = office.holds

        def judged(lease: LeaseState) -> Refused | None:
            seen.append(lease.terms.id)
            if len(seen) == 2:  # the first was judged already
                office.unsound = {first.terms.id: "it does not hold any more"}
                gate._leasing.judge_again()
            return holds(lease)

        office.holds = judged  # type: ignore[method-assign]
        gate._leasing.judge_again()
        gate.tick()
        gate.tick()
        assert not gate.lease(first.terms.id).live


def test_what_does_not_hold_is_on_the_list_before_anything_swept(made: TestGate) -> None:
    """Of many leases the judging takes a while, and points that cannot ask go by the list."""
    with made.running() as gate:
        lease = leased(gate)
        office = gate._office
        office.unsound = {lease.terms.id: "it does not hold any more"}
        gate._leasing.judge_again()
        gate._leasing.catch_up(0.0)  # an answer has no time for it
        assert gate.lease(lease.terms.id).live
        assert lease.terms.id in verify_revocations(gate.revocations(), gate._leasing.publics()).revoked
        assert isinstance(use(gate, "one"), Refused)
        gate.tick()
        assert not gate.lease(lease.terms.id).live


def test_a_snapshot_that_takes_long_holds_no_sweep_up(made: TestGate) -> None:
    """Leases would run past their end for as long as a large gate is written out."""
    with made.running() as gate:
        lease, on = leased(gate), threading.Event()
        whole = gate.state.snapshot
        gate.state.snapshot = lambda: lambda: (on.wait(30), whole()())[1]  # type: ignore[method-assign]
        made.clock.now += 3600
        sweep = threading.Thread(target=gate.tick)
        sweep.start()
        sweep.join(15)
        try:
            assert not sweep.is_alive() and not gate.lease(lease.terms.id).live
        finally:
            on.set()
            sweep.join()
    with made.running() as gate:
        assert gate.health().mended.replayed == 0, "it is written in the end"


def test_many_at_many_things_wait_for_nobody_in_a_ring(made: TestGate) -> None:
    """A gate that hangs has locked everybody out."""
    with made.running() as gate:
        works: list[Callable[[], object]] = []
        for number in range(8):
            customer = f"customer-{number}"

            def story(customer: str = customer, number: int = number) -> None:
                id = asked(gate, "end", MEETINGS, customer).request.id
                approve(gate, id, "di", "ed")
                use(gate, f"one {number}", "end", MEETINGS, customer)
                gate.tick()
                lease = gate.request(id).status.lease  # type: ignore[union-attr]
                gate.give_back(lease, "bo")  # type: ignore[arg-type]

            works.append(story)
        outcomes = together(works)
        assert outcomes == [None] * 8
        assert all(not each.live for each in gate.leases())
        assert gate.health().tampered == () and gate.health().behind == 0
    assert check_gate(made.path).findings == ()
