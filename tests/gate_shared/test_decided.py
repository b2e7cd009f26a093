"""What gives something is recorded only while what it was decided on holds still: the estate, and who is there."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from armslength.gate import Adopted, Leased, Left, PersonId, Refused, Request, Requested, RequestState, Used, Why
from armslength.service import Gate, OfflineUse
from tests.gate_model.firm import THE_FIRM
from tests.gate_model.workshop import POINT, passkey, pend, target
from tests.gate_shared.pair import Pair, known, signed
from tests.gate_shared.server import until
from tests.gate_shared.test_races import KIM, asked, asking, lent, recorded, use
from tests.service.race import impatient

BO = PersonId("bo")
CUSTOMER = "acme"


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    with impatient():
        yield


class Halting:
    """Stops at the end of a step, once armed, until somebody says to go on."""

    def __init__(self) -> None:
        self.armed = False
        self.there, self.on = threading.Event(), threading.Event()

    def __call__(self, name: str) -> None:
        if name == "claimed" and self.armed:
            self.armed = False
            self.there.set()
            assert self.on.wait(20)

    def meanwhile(self, do: Callable[[], object], happens: Callable[[], object]) -> object:
        """What `do` gives if this happens after it was decided and before it is sent."""
        given: list[object] = []
        self.armed = True
        thread = threading.Thread(target=lambda: given.append(do()))
        thread.start()
        assert self.there.wait(20)
        happens()
        self.on.set()
        thread.join()
        return given[0]


def halting(pair: Pair) -> tuple[Gate, Gate, Halting]:
    """Gate a, gate b, and what halts b."""
    halt = Halting()
    pair.gates.pop("b").close()
    pair.open("b", step=halt)
    pair.synced()
    return pair.a, pair.b, halt


def viewed(gate: Gate) -> object:
    """Standing access to a customer's data, which is recorded."""
    return gate.redeem(
        point=POINT,
        executor=BO,
        action="view",
        resource=target("asset:meetings"),
        customers=(CUSTOMER,),
        use=os.urandom(16),
    )


def without_bo(gate: Gate) -> Request:
    """A change that one approval is missing of, by which nobody knows bo any more."""
    proposed = gate.propose(THE_FIRM.without("bo").files(), asker=KIM, purpose="a change", caller="kim")
    assert isinstance(proposed, RequestState), proposed
    signed(gate, proposed.request, "ed", passkey("ed"))
    return proposed.request


def adopted(pair: Pair, request: Request) -> None:
    """The change comes in force, at each gate."""
    before = pair.a.digest
    for person in ("di", "fay"):
        if pair.a.digest == before:
            signed(pair.a, request, person, passkey(person))
    assert pair.a.digest != before
    until(lambda: pair.b.digest != before)


def test_no_standing_use_is_recorded_of_who_left_at_another_gate_meanwhile(pair: Pair) -> None:
    one, other, halt = halting(pair)

    def leave() -> None:
        assert one.leave(BO, "hr")
        until(lambda: other.state.gone(BO))

    answer = halt.meanwhile(lambda: viewed(other), leave)
    assert isinstance(answer, Refused) and answer.why is Why.LEFT
    assert len(recorded(pair, Left)) == 1 and recorded(pair, Used) == []


def test_no_standing_use_is_recorded_by_an_estate_that_was_replaced_meanwhile(pair: Pair) -> None:
    one, other, halt = halting(pair)
    change = without_bo(one)
    pair.synced()
    answer = halt.meanwhile(lambda: viewed(other), lambda: adopted(pair, change))
    assert isinstance(answer, Refused) and answer.why is Why.UNKNOWN_SUBJECT
    assert len(recorded(pair, Adopted)) == 2 and recorded(pair, Used) == []


def test_no_lease_is_used_by_an_estate_that_was_replaced_meanwhile(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """And before the lease, which does not hold any more, is revoked."""
    one, other, halt = halting(pair)
    monkeypatch.setattr(one._leasing, "revoke_unheld", lambda until: None)
    lease = lent(one, "bo", "end", "asset:meetings", "di ed")
    change = without_bo(one)
    pair.synced()
    answer = halt.meanwhile(lambda: use(other, lease, os.urandom(16)), lambda: adopted(pair, change))
    assert isinstance(answer, Refused)
    assert recorded(pair, Used) == []


def test_nothing_is_asked_for_by_an_estate_that_was_replaced_meanwhile(pair: Pair) -> None:
    one, other, halt = halting(pair)
    change = without_bo(one)
    pair.synced()
    before = len(recorded(pair, Requested))
    wanted = asking("bo", "read", "asset:rec-1", CUSTOMER)
    answer = halt.meanwhile(lambda: other.ask(wanted, caller="a session"), lambda: adopted(pair, change))
    assert isinstance(answer, Refused) and answer.why is Why.UNKNOWN_SUBJECT
    assert len(recorded(pair, Requested)) == before


def test_no_lease_is_opened_by_an_estate_that_was_replaced_meanwhile(pair: Pair) -> None:
    one, other, _ = halting(pair)
    request = asked(one, "bo", "end", "asset:meetings")
    signed(one, request, "di", passkey("di"))
    change = without_bo(one)
    known(other, change.id)
    judge = other._office.judged

    def judged(state: RequestState) -> object:
        """The quorum is there; and then another estate holds."""
        other._office.judged = judge  # type: ignore[method-assign]
        found = judge(state)
        adopted(pair, change)
        return found

    other._office.judged = judged  # type: ignore[assignment,method-assign]
    signed(other, request, "ed", passkey("ed"))
    opened = [each for each in recorded(pair, Leased) if isinstance(each, Leased)]
    assert request.id not in [each.lease["request"] for each in opened]


def test_a_passkey_is_not_vouched_for_by_an_estate_that_was_replaced_meanwhile(pair: Pair) -> None:
    """Kim may vouch for everybody by an estate that does not hold any more when the passkey is recorded."""
    one, other, halt = halting(pair)
    id = pend(other, "bo", 1)
    signature = passkey("kim").sign(other.enrolment(id).challenge())
    change = without_bo(one)
    pair.synced()

    def vouch() -> object:
        try:
            other.vouch(id, KIM, signature)
        except Exception as error:
            return error
        return None

    assert halt.meanwhile(vouch, lambda: adopted(pair, change)) is not None
    assert other.state.keys.get(id) is None


def test_a_use_that_a_point_let_pass_is_on_record_whatever_happened_to_its_lease_meanwhile(pair: Pair) -> None:
    """It happened: told that it was recorded before, the point would drop it."""
    one, other, halt = halting(pair)
    lease = lent(one, "bo", "read", "asset:rec-1", "ed fay", CUSTOMER)
    known(other, lease.terms.request)
    pair.synced()
    first, second = (
        OfflineUse(
            use=os.urandom(16),
            lease=lease.terms.id,
            executor=BO,
            action="read",
            resource=target("asset:rec-1"),
            customers=(CUSTOMER,),
            done=int(pair.clock.now),
        )
        for _ in range(2)
    )
    halt.meanwhile(partial(other.take_uses, POINT, [first]), partial(one.take_uses, POINT, [second]))
    done = {each.use for each in recorded(pair, Used) if isinstance(each, Used)}
    assert len(done) == 2
