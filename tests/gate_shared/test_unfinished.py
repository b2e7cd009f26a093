"""What a gate began and did not come to the end of is finished by whichever gate can, whoever leads."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import pytest

from armslength.gate import Adopted, Ended, Over, PersonId, Request, RequestState
from armslength.service import HOST, Gate, Redeemed
from armslength.service.gate_failure import Raced
from tests.gate_model.firm import THE_FIRM
from tests.gate_model.workshop import Crash, passkey, pend
from tests.gate_shared.pair import Pair, known, signed
from tests.gate_shared.test_races import KIM, asked, lent, recorded, use
from tests.service.race import race

ADOPTING = 3
"""The claim of the adoption, of those that the last approval of a change makes: itself, its lease, its adoption."""


class Failing:
    """A gate's process ends after a step, once it is armed and that step was come to so many times."""

    def __init__(self) -> None:
        self._left: tuple[str, int] | None = None

    def at(self, name: str, times: int = 1) -> None:
        self._left = name, times

    def __call__(self, name: str) -> None:
        if self._left is None or self._left[0] != name:
            return
        self._left = (name, self._left[1] - 1) if self._left[1] > 1 else None
        if self._left is None:
            raise Crash


def without_lead(pair: Pair, step: Callable[[str], None]) -> tuple[Gate, Gate]:
    """The gate that leads, and the other one, opened again with these steps."""
    site = pair.other()
    pair.gates.pop(site).close()
    other = pair.open(site, step=step)
    pair.synced()
    one = pair.gates[pair.leader()]
    assert one is not other
    for gate in (one, other):  # what a start looks for is not there
        gate.tick()
        gate.tick()
    return one, other


def nearly_granted(gate: Gate) -> Request:
    """A change that one approval is missing of."""
    firm = THE_FIRM.moved("ola", workplace="FR")
    proposed = gate.propose(firm.files(), asker=KIM, purpose="a change", caller="kim")
    assert isinstance(proposed, RequestState), proposed
    signed(gate, proposed.request, "di", passkey("di"))
    return proposed.request


def test_a_change_that_another_gate_granted_and_never_adopted_is_adopted_with_no_change_of_leader(pair: Pair) -> None:
    failing = Failing()
    one, other = without_lead(pair, failing)
    request, before = nearly_granted(other), one.digest
    failing.at("claimed", ADOPTING)
    with pytest.raises(Crash):
        signed(other, request, "ed", passkey("ed"))
    pair.synced()
    pair.gates.pop(pair.other()).close()
    assert one.digest == before
    one.tick()
    assert one.digest != before and one.request(request.id).adopted and one.live() == ()
    assert dict(one.health().problems) == {}


def outrun(gate: Gate) -> None:
    """The next adoption that it is about to record, once."""
    adopting = gate._adopting
    carry_out = adopting._carry_out

    def once(*_: object) -> None:
        adopting._carry_out = carry_out  # type: ignore[method-assign]
        raise Raced("something else happened first")

    adopting._carry_out = once  # type: ignore[method-assign]


def test_a_gate_that_does_not_lead_adopts_itself_what_it_was_outrun_at(pair: Pair) -> None:
    one, other = without_lead(pair, lambda name: None)
    request, before = nearly_granted(other), one.digest
    outrun(other)
    signed(other, request, "ed", passkey("ed"))
    assert other.digest == before
    other.tick()
    assert other.digest != before and other.live() == ()
    assert dict(other.health().problems) == {}


def test_a_lease_whose_last_use_was_at_a_gate_that_failed_then_is_ended(pair: Pair) -> None:
    failing = Failing()
    one, other = without_lead(pair, failing)
    lease = lent(one, "bo", "end", "asset:meetings", "di ed")
    assert lease.terms.uses is not None
    pair.synced()
    for _ in range(lease.terms.uses - 1):
        assert isinstance(use(other, lease, os.urandom(16)), Redeemed)
    failing.at("written")
    with pytest.raises(Crash):
        use(other, lease, os.urandom(16))
    pair.synced()
    pair.gates.pop(pair.other()).close()
    assert one.lease(lease.terms.id).live
    one.tick()
    status = one.lease(lease.terms.id).status
    assert isinstance(status, Over) and status.how == "spent"


def test_gates_that_finish_the_same_at_once_do_it_once_and_nobody_complains(pair: Pair) -> None:
    one, other = without_lead(pair, lambda name: None)
    request, before = nearly_granted(other), one.digest
    outrun(other)
    signed(other, request, "ed", passkey("ed"))
    pair.synced()
    race([partial(gate.tick) for gate in (one, other)])
    assert len(recorded(pair, Adopted)) == 2, "the first of all, and this one"
    assert one.digest == other.digest != before
    assert len(recorded(pair, Ended)) == 1 and one.live() == ()


def test_a_passkey_that_a_stolen_one_led_to_is_revoked_although_the_gate_that_began_it_failed(pair: Pair) -> None:
    """The thief's own would count on."""
    failing = Failing()
    one, other = without_lead(pair, failing)
    thiefs = pend(one, "ola", 1)
    one.vouch(thiefs, KIM, passkey("kim").sign(one.enrolment(thiefs).challenge()))
    pair.synced()
    failing.at("written")
    with pytest.raises(Crash):
        other.revoke_key(passkey("kim").credential, HOST, "stolen")
    pair.synced()
    pair.gates.pop(pair.other()).close()
    assert one.state.keys[thiefs].revoked is None
    one.tick()
    assert one.state.keys[thiefs].revoked is not None


def test_what_somebody_asked_for_ends_although_the_gate_that_was_told_that_they_left_failed(pair: Pair) -> None:
    failing = Failing()
    one, other = without_lead(pair, failing)
    request = asked(one, "bo", "read", "asset:rec-1", "acme")
    known(other, request.id)
    pair.synced()
    failing.at("written")
    with pytest.raises(Crash):
        other.leave(PersonId("bo"), HOST)
    pair.synced()
    pair.gates.pop(pair.other()).close()
    assert one.request(request.id).waiting
    one.tick()
    assert not one.request(request.id).waiting
