"""Threads that race for one thing at a gate: one wins, and the ledger has one record of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from armslength.gate import (
    Adopted,
    Approved,
    Conflict,
    Declined,
    Enrolled,
    Event,
    GateError,
    Granted,
    LeaseId,
    LeaseState,
    PersonId,
    Refused,
    Request,
    Requested,
    RequestState,
    Revoked,
    Used,
    Waiting,
    events_in,
)
from armslength.service import Asked, Redeemed, check_gate
from armslength.service.gate_replay import records_of
from armslength.store import read_ledger_folder
from tests.gate_model.firm import THE_FIRM
from tests.gate_model.workshop import POINT, Workshop, passkey, pend, target
from tests.service.race import impatient, race

ROUNDS = range(2)
BO, ELI, KIM = PersonId("bo"), PersonId("eli"), PersonId("kim")


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    with impatient():
        yield


def events(shop: Workshop, kind: type[Event]) -> list[Event]:
    """Those of one kind in the ledger, in its order; and everything there adds up."""
    shop.gate.tick()
    assert shop.gate.health().problems == {}
    before = shop.documents()
    shop.close()
    assert check_gate(shop.path).findings == ()
    found = [each.event for each in events_in(records_of(read_ledger_folder(shop.path / "ledger", signing=False), 0))]
    shop.open()
    assert shop.documents() == before
    assert shop.gate.health().mended.tampered == ()
    return [each for each in found if isinstance(each, kind)]


def asked(shop: Workshop, who: str, action: str, on: str, *customers: str) -> Request:
    outcome = shop.gate.ask(_asking(who, action, on, *customers), caller="a session")
    assert isinstance(outcome, RequestState), outcome
    return outcome.request


def _asking(who: str, action: str, on: str, *customers: str) -> Asked:
    person = PersonId(who)
    return Asked(
        executor=person, asker=person, action=action, resource=target(on), customers=customers, purpose="a report"
    )


def lent(shop: Workshop, who: str, action: str, on: str, approvers: str, *customers: str) -> LeaseState:
    request = asked(shop, who, action, on, *customers)
    for person in approvers.split():
        shop.approve(request, person)
    status = shop.gate.request(request.id).status
    assert isinstance(status, Granted), status
    return shop.gate.lease(status.lease)


def use(shop: Workshop, lease: LeaseState, number: int, *customers: str) -> Callable[[], object]:
    terms = lease.terms
    return lambda: shop.gate.redeem(
        point=POINT,
        executor=terms.executor,
        action=terms.action,
        resource=terms.resource,
        customers=customers,
        use=number.to_bytes(16, "big"),
    )


@pytest.mark.parametrize("_", ROUNDS)
def test_of_several_who_complete_a_quorum_at_once_one_opens_one_lease(shop: Workshop, _: int) -> None:
    """Two leases for one request would let twice as much happen as anybody signed for."""
    request = asked(shop, "bo", "end", "asset:meetings")
    answers = race([lambda who=who: shop.approve(request, who) for who in ("di", "ed", "fay", "gus")])
    assert all(each is None or isinstance(each, Conflict) for each in answers), answers
    state = shop.gate.request(request.id)
    assert isinstance(state.status, Granted)
    (lease,) = shop.gate.leases()
    assert set(lease.terms.approvers) <= set(state.approvers())
    assert len(events(shop, Approved)) == len(state.approvals)


@pytest.mark.parametrize("_", ROUNDS)
def test_of_many_who_want_the_last_uses_of_a_lease_as_many_get_one_as_are_left(shop: Workshop, _: int) -> None:
    """The customer whose meeting is ended a third time was told of a lease for two."""
    lease = lent(shop, "bo", "end", "asset:meetings", "di ed")
    answers = race([use(shop, lease, number) for number in range(8)])
    assert sum(isinstance(each, Redeemed) for each in answers) == 2
    assert sum(isinstance(each, Refused) for each in answers) == 6
    assert len(events(shop, Used)) == 2


def test_one_use_that_is_asked_for_by_many_is_one_use(shop: Workshop) -> None:
    """A point that retries must neither spend a lease twice nor be refused what it was given."""
    lease = lent(shop, "bo", "end", "asset:meetings", "di ed")
    answers = race([use(shop, lease, 7) for _ in range(8)])
    assert all(isinstance(each, Redeemed) for each in answers), answers
    assert len(events(shop, Used)) == 1
    assert shop.gate.lease(lease.terms.id).uses == 1


@pytest.mark.parametrize("_", ROUNDS)
def test_no_more_customers_are_reached_at_once_than_the_lease_is_for(shop: Workshop, _: int) -> None:
    """A lease on two customers, used for six at once, would lay four open whom nobody spoke of."""
    lease = lent(shop, "bo", "read", "asset:rec-1", "ed fay")
    names = [f"customer {number}" for number in range(6)]
    answers = race([use(shop, lease, number, name) for number, name in enumerate(names)])
    assert sum(isinstance(each, Redeemed) for each in answers) == 2
    assert len(events(shop, Used)) == len(shop.gate.lease(lease.terms.id).customers_used) == 2


@pytest.mark.parametrize("_", ROUNDS)
def test_nothing_is_let_happen_after_the_record_of_a_revocation(shop: Workshop, _: int) -> None:
    """Who revokes a lease and is told so must be able to rely on it, whatever was under way."""
    lease = lent(shop, "bo", "list", "asset:meetings", "di")
    revoke = [lambda: shop.gate.revoke(lease.terms.id, BO, "a doubt")]
    answers = race([*(use(shop, lease, number) for number in range(5)), *revoke, *revoke])
    passed = sum(isinstance(each, Redeemed) for each in answers)
    assert sum(isinstance(each, LeaseState) for each in answers) == 1
    assert isinstance(use(shop, lease, 99)(), Refused)
    assert len(events(shop, Revoked)) == 1
    assert len(events(shop, Used)) == passed == shop.gate.lease(lease.terms.id).uses


@pytest.mark.parametrize("_", ROUNDS)
def test_many_tries_with_one_key_are_one_request(shop: Workshop, _: int) -> None:
    """A program that retries must not flood approvers with the same request; tired people approve anything."""
    wanted = _asking("bo", "end", "asset:meetings")
    answers = race([lambda: shop.gate.ask(wanted, caller="a point", key="k") for _ in range(6)])
    answers.append(shop.gate.ask(wanted, caller="a point", key="k"))
    states = [each for each in answers if isinstance(each, RequestState)]
    assert len({state.request.id for state in states}) == 1
    assert all(isinstance(each, RequestState | Conflict) for each in answers), answers
    assert len(events(shop, Requested)) == 1


@pytest.mark.parametrize("_", ROUNDS)
def test_of_many_who_ask_for_the_same_at_once_one_is_heard(shop: Workshop, _: int) -> None:
    """Two requests for one thing split the approvals, and each half waits for ever."""
    wanted = _asking("bo", "end", "asset:meetings")
    answers = race([lambda: shop.gate.ask(wanted, caller="a session") for _ in range(6)])
    assert sum(isinstance(each, RequestState) for each in answers) == 1
    assert sum(isinstance(each, Conflict) for each in answers) == 5
    assert len(events(shop, Requested)) == 1


@pytest.mark.parametrize("_", ROUNDS)
def test_a_no_and_the_last_yes_at_once_are_one_or_the_other(shop: Workshop, _: int) -> None:
    """An approver who is told that their no counts must not find a lease."""
    request = asked(shop, "bo", "end", "asset:meetings")
    shop.approve(request, "di")
    race([lambda: shop.approve(request, "ed"), lambda: shop.gate.decline(request.id, PersonId("fay"), "no")])
    state = shop.gate.request(request.id)
    refused = len(events(shop, Declined))
    assert isinstance(state.status, Granted) == (refused == 0) == bool(shop.gate.leases())
    assert not isinstance(state.status, Waiting)


@pytest.mark.parametrize("_", ROUNDS)
def test_an_approval_and_the_end_of_its_key_at_once_leave_no_lease_by_it(shop: Workshop, _: int) -> None:
    """Whoever found a lost passkey could use it while its loss is being told."""
    request = asked(shop, "bo", "end", "asset:meetings")
    shop.approve(request, "di")
    key = passkey("ed").credential
    race([lambda: shop.approve(request, "ed"), lambda: shop.gate.revoke_key(key, KIM, "lost")])
    assert shop.gate.live() == ()
    state = shop.gate.request(request.id)
    assert not state.waiting or "ed" not in state.approvers()
    events(shop, Revoked)


@pytest.mark.parametrize("_", ROUNDS)
def test_a_passkey_that_two_vouch_for_at_once_is_enrolled_once(shop: Workshop, _: int) -> None:
    """Two records of one key would leave one of them counting when the other is revoked."""
    asked(shop, "bo", "end", "asset:meetings")
    id = pend(shop.gate, "bo", 1)
    signed = passkey("kim").sign(shop.gate.enrolment(id).challenge())
    answers = race([lambda: shop.gate.vouch(id, KIM, signed) for _ in range(4)])
    assert answers.count(None) == 1
    assert [each.person for each in events(shop, Enrolled) if isinstance(each, Enrolled) and each.voucher] == ["bo"]


def test_of_two_changes_that_are_let_at_once_one_is_adopted(shop: Workshop) -> None:
    """The second was looked at beside an estate that holds no more: nobody knows what it would do to the new one."""
    requests = []
    for state in ("FR", "NO"):
        outcome = shop.gate.propose(
            THE_FIRM.moved("eli", workplace=state).files(), asker=KIM, purpose="a move", caller="a session"
        )
        assert isinstance(outcome, RequestState), outcome
        shop.approve(outcome.request, "di")
        requests.append(outcome.request)
    race([lambda request=request: shop.approve(request, "ed") for request in requests])
    shop.gate.tick()
    adopted = [each for each in events(shop, Adopted) if isinstance(each, Adopted) and each.request]
    assert len(adopted) == 1 and adopted[0].after == shop.gate.digest
    assert shop.gate.live() == ()
    assert all(not shop.gate.request(request.id).waiting for request in requests)


def test_everything_at_once_adds_up(shop: Workshop) -> None:
    """Races between verbs that nobody thought of in pairs; and nobody waits for ever."""
    lease = lent(shop, "bo", "list", "asset:meetings", "di")
    request = asked(shop, "eli", "end", "asset:meetings")
    change = shop.gate.propose(
        THE_FIRM.with_terms("loose", minutes=30).files(), asker=KIM, purpose="shorter", caller="a session"
    )
    assert isinstance(change, RequestState)
    calls: list[Callable[[], object]] = [
        *(use(shop, lease, number) for number in range(6)),
        *(lambda who=who: shop.approve(request, who) for who in ("ed", "fay", "gus")),
        *(lambda who=who: shop.approve(change.request, who) for who in ("ed", "fay")),
        lambda: shop.gate.revoke_key(passkey("hal").credential, KIM, "lost"),
        lambda: shop.gate.ask(_asking("ola", "list", "asset:meetings"), caller="a session"),
        shop.gate.tick,
        shop.gate.health,
        shop.gate.revocations,
        lambda: shop.gate.token(LeaseId(lease.terms.id)),
    ]
    answers = race(calls)
    assert all(not isinstance(each, GateError) or isinstance(each, Conflict) for each in answers), answers
    passed = sum(isinstance(each, Redeemed) for each in answers)
    assert passed == 6 and len(events(shop, Used)) == 6
