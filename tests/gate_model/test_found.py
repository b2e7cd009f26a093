"""What the model, the kills and the administrator found, each as small as it became. They stay found."""

from __future__ import annotations

import os

import pytest

from armslength.gate import Conflict, Granted, PersonId, Refused, RequestState, Waiting
from armslength.service import HOST, Asked, OfflineUse, Redeemed
from tests.gate_model.firm import THE_FIRM
from tests.gate_model.scene import asked
from tests.gate_model.workshop import POINT, Crash, Workshop, passkey, target

KIM = PersonId("kim")


def change(shop: Workshop) -> RequestState:
    """Eli moves: a request that Di has approved."""
    files = THE_FIRM.moved("eli", workplace="FR").files()
    outcome = shop.gate.propose(files, asker=KIM, purpose="a move", caller="a session")
    assert isinstance(outcome, RequestState)
    shop.approve(outcome.request, "di")
    return outcome


def crashed(shop: Workshop, step: str, nth: int, delay: float = 0) -> None:
    """The last approval of the change, and the end of the process in it."""
    request = change(shop).request
    before = shop.gate.digest
    shop.crash = (step, nth)
    with pytest.raises(Crash):
        shop.approve(request, "ed")
    shop.clock.now += delay
    shop.reopen(killed=True)
    shop.gate.tick()
    shop.gate.tick()
    assert (shop.gate.digest != before) == shop.gate.request(request.id).adopted
    assert shop.gate.live() == (), "the lease of a change outlives it"


def test_a_change_is_adopted_with_the_approval_that_completes_it(shop: Workshop) -> None:
    """The claim on the estate that its lease had made was not let go of, and no estate was ever adopted."""
    request = change(shop).request
    before = shop.gate.digest
    shop.approve(request, "ed")
    assert shop.gate.digest != before
    assert shop.gate.live() == ()


@pytest.mark.parametrize("nth", range(4))
def test_a_change_that_a_crash_cut_short_is_over_after_the_next_start(shop: Workshop, nth: int) -> None:
    """A lease to operate the gate stayed open for half an hour after the change that it was for."""
    crashed(shop, "recorded", nth)


def test_a_change_is_not_adopted_after_the_time_of_its_lease(shop: Workshop) -> None:
    """Whoever could stop the gate for a day would choose the day on which a change takes effect."""
    before = shop.gate.digest
    crashed(shop, "recorded", 1, delay=100_000)
    assert shop.gate.digest == before


@pytest.mark.parametrize("swept", [True, False])
def test_a_lease_ends_with_its_approvers_passkey_whatever_comes_between(shop: Workshop, swept: bool) -> None:
    """A lost passkey was revoked, the process ended, and what had been signed with it stayed open."""
    listed = asked(shop, "bo", "list", "asset:meetings")
    shop.approve(listed.request, "di")
    shop.crash = ("written", 0)
    with pytest.raises(Crash):
        shop.gate.revoke_key(passkey("di").credential, HOST, "lost")
    shop.reopen(killed=True)
    if swept:
        shop.gate.tick()
        assert shop.gate.live() == ()
    outcome = shop.gate.redeem(
        point=POINT, executor=PersonId("bo"), action="list", resource=target("asset:meetings"), use=os.urandom(16)
    )
    assert isinstance(outcome, Refused)


def test_a_customers_time_begins_when_they_are_told(shop: Workshop) -> None:
    """The process ended between the request and its notices; the customer was told after the next start, and found
    that their time to say no had run meanwhile."""
    wanted = Asked(
        executor=PersonId("bo"),
        asker=PersonId("bo"),
        action="delete",
        resource=target("asset:records"),
        customers=("acme",),
        purpose="a report",
    )
    shop.crash = ("written", 0)
    with pytest.raises(Crash):
        shop.gate.ask(wanted, caller="a session")
    shop.clock.now += 4000
    shop.reopen(killed=True)
    shop.gate.tick()
    shop.deliver()
    (state,) = shop.gate.requests()
    shop.approve(state.request, "di")
    for more, status in ((0, Waiting), (3599, Waiting), (1, Granted)):
        shop.clock.now += more
        shop.reopen()
        shop.gate.tick()
        assert isinstance(shop.gate.request(state.request.id).status, status)


def test_a_use_is_the_same_after_a_restart(shop: Workshop) -> None:
    """The point had lost the answer; it asked again, was refused, and could not tell whether the act had counted."""
    listed = asked(shop, "bo", "end", "asset:meetings")
    for person in ("di", "ed"):
        shop.approve(listed.request, person)
    for _ in range(3):
        outcome = shop.gate.redeem(
            point=POINT, executor=PersonId("bo"), action="end", resource=target("asset:meetings"), use=bytes(16)
        )
        assert isinstance(outcome, Redeemed) and outcome.uses_left == 1
        shop.reopen()


def test_a_lease_whose_last_use_was_told_late_is_over(shop: Workshop) -> None:
    """It stayed among the live ones until its time was past, though nothing was left of it."""
    request = asked(shop, "bo", "end", "asset:meetings").request
    for person in ("di", "ed"):
        shop.approve(request, person)
    (lease,) = shop.gate.live()
    done = int(shop.clock.now)
    uses = [
        OfflineUse(
            use=bytes([number]) * 16,
            lease=lease.terms.id,
            executor=lease.terms.executor,
            action=lease.terms.action,
            resource=lease.terms.resource,
            customers=(),
            done=done,
        )
        for number in range(2)
    ]
    shop.gate.take_uses(POINT, uses)
    assert shop.gate.lease(lease.terms.id).uses == 2
    shop.gate.tick()
    assert shop.gate.live() == ()


def test_who_approves_twice_is_told_so(shop: Workshop) -> None:
    """After a crash in the first try, the second must not count as another person's."""
    request = asked(shop, "bo", "end", "asset:meetings").request
    shop.crash = ("recorded", 0)
    with pytest.raises(Crash):
        shop.approve(request, "di")
    shop.reopen(killed=True)
    with pytest.raises(Conflict):
        shop.approve(request, "di")
    assert shop.gate.request(request.id).waiting
