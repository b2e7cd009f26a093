"""Two gates that race for one thing: one wins, and the ledger has one record of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from armslength.gate import (
    Adopted,
    Approved,
    Conflict,
    Ended,
    Event,
    Granted,
    KeyRevoked,
    LeaseState,
    PersonId,
    Refused,
    Request,
    Requested,
    RequestState,
    Revoked,
    Used,
    events_in,
)
from armslength.service import HOST, Asked, Gate, Redeemed, check_gate
from armslength.service.gate_replay import records_of
from armslength.store import read_ledger_folder
from tests.gate_model.firm import THE_FIRM
from tests.gate_model.workshop import POINT, passkey, pend, target
from tests.gate_shared.pair import Pair, known, signed
from tests.gate_shared.server import until
from tests.service.race import impatient, race

ROUNDS = range(3)
KIM = PersonId("kim")


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    with impatient():
        yield


def asking(who: str, action: str, on: str, *customers: str, purpose: str = "a report") -> Asked:
    person = PersonId(who)
    return Asked(
        executor=person, asker=person, action=action, resource=target(on), customers=customers, purpose=purpose
    )


def asked(gate: Gate, who: str, action: str, on: str, *customers: str) -> Request:
    outcome = gate.ask(asking(who, action, on, *customers), caller="a session")
    assert isinstance(outcome, RequestState), outcome
    return outcome.request


def lent(gate: Gate, who: str, action: str, on: str, approvers: str, *customers: str) -> LeaseState:
    request = asked(gate, who, action, on, *customers)
    for person in approvers.split():
        signed(gate, request, person, passkey(person))
    status = gate.request(request.id).status
    assert isinstance(status, Granted), status
    return gate.lease(status.lease)


def use(gate: Gate, lease: LeaseState, number: bytes, *customers: str) -> object:
    terms = lease.terms
    return gate.redeem(
        point=POINT,
        executor=terms.executor,
        action=terms.action,
        resource=terms.resource,
        customers=customers,
        use=number,
    )


def recorded(pair: Pair, kind: type[Event]) -> list[Event]:
    """Those of one kind in the ledger, in its order; and both gates agree on everything."""
    for gate in pair.gates.values():
        gate.tick()
    pair.alike()
    for gate in pair.gates.values():
        health = gate.health()
        assert (dict(health.problems), health.tampered) == ({}, ())
    folder = read_ledger_folder(pair.path / "gates" / "a" / "ledger", signing=False)
    return [each.event for each in events_in(records_of(folder, 0)) if isinstance(each.event, kind)]


@pytest.mark.parametrize("_", ROUNDS)
def test_of_two_gates_that_complete_a_quorum_at_once_one_opens_one_lease(pair: Pair, _: int) -> None:
    request = asked(pair.a, "bo", "end", "asset:meetings")
    known(pair.b, request.id)
    answers = race(
        [
            partial(signed, gate, request, who, passkey(who))
            for gate, who in ((pair.a, "di"), (pair.b, "ed"), (pair.a, "fay"), (pair.b, "gus"))
        ]
    )
    assert all(isinstance(each, RequestState | Conflict) for each in answers), [
        type(a).__name__ + str(a)[:300] for a in answers
    ]
    recorded(pair, Approved)
    state = pair.b.request(request.id)
    assert isinstance(state.status, Granted)
    assert [lease.terms.id for lease in pair.a.leases()] == [state.status.lease]


@pytest.mark.parametrize("_", ROUNDS)
def test_the_last_uses_of_a_lease_are_had_at_one_gate_or_the_other_and_not_at_both(pair: Pair, _: int) -> None:
    """The customer whose meeting is ended a third time was told of a lease for two."""
    lease = lent(pair.a, "bo", "end", "asset:meetings", "di ed")
    pair.synced()
    answers = race([partial(use, gate, lease, os.urandom(16)) for gate in (pair.a, pair.b) * 4])
    assert sum(isinstance(each, Redeemed) for each in answers) == 2, answers
    assert sum(isinstance(each, Refused) for each in answers) == 6
    assert len(recorded(pair, Used)) == 2


def test_one_use_that_a_point_asks_of_both_gates_is_one_use(pair: Pair) -> None:
    lease = lent(pair.a, "bo", "end", "asset:meetings", "di ed")
    pair.synced()
    number = os.urandom(16)
    race([partial(use, gate, lease, number) for gate in (pair.a, pair.b) * 3])
    assert len(recorded(pair, Used)) == 1
    assert pair.b.lease(lease.terms.id).uses == 1


@pytest.mark.parametrize("_", ROUNDS)
def test_no_more_customers_are_reached_through_two_gates_than_the_lease_is_for(pair: Pair, _: int) -> None:
    lease = lent(pair.a, "bo", "read", "asset:rec-1", "ed fay")
    pair.synced()
    names = ("acme", "birch", "zenith", "delta", "echo", "fig")
    gates = zip((pair.a, pair.b) * 3, names, strict=True)
    race([partial(use, gate, lease, os.urandom(16), name) for gate, name in gates])
    uses = recorded(pair, Used)
    assert len({name for each in uses for name in each.customers}) <= 2  # type: ignore[attr-defined]


@pytest.mark.parametrize("_", ROUNDS)
def test_a_lease_revoked_at_one_gate_is_not_used_at_the_other_after_its_record(pair: Pair, _: int) -> None:
    lease = lent(pair.a, "bo", "end", "asset:meetings", "di ed")
    pair.synced()
    uses = [partial(use, gate, lease, os.urandom(16)) for gate in (pair.a, pair.b)]
    race([lambda: pair.b.revoke(lease.terms.id, HOST, "a doubt"), *uses])
    events = recorded(pair, Revoked | Used | Ended)  # type: ignore[arg-type]
    kinds = [type(each) for each in events]
    # Where both uses came first it was spent by then, and is taken away from what they opened.
    assert kinds in ([Revoked], [Used, Revoked], [Used, Used, Revoked], [Used, Used, Ended, Revoked]), kinds
    assert isinstance(use(pair.a, lease, os.urandom(16)), Refused)


@pytest.mark.parametrize("_", ROUNDS)
def test_a_passkey_that_is_revoked_at_one_gate_completes_no_quorum_at_the_other(pair: Pair, _: int) -> None:
    request = asked(pair.a, "bo", "end", "asset:meetings")
    signed(pair.a, request, "di", passkey("di"))
    pair.synced()
    race(
        [
            lambda: pair.a.revoke_key(passkey("di").credential, HOST, "stolen"),
            lambda: signed(pair.b, request, "ed", passkey("ed")),
        ]
    )
    for gate in (pair.a, pair.b):
        gate.tick()
    recorded(pair, KeyRevoked)
    assert pair.a.live() == pair.b.live() == ()


def test_the_same_is_asked_for_once_with_one_key_at_two_gates(pair: Pair) -> None:
    wanted = asking("bo", "end", "asset:meetings")
    answers = race([partial(gate.ask, wanted, caller="a point", key="k") for gate in (pair.a, pair.b) * 2])
    ids = {each.request.id for each in answers if isinstance(each, RequestState)}
    assert len(ids) == 1, answers
    assert len(recorded(pair, Requested)) == 1


def test_an_estate_adopted_at_one_gate_holds_at_the_other_which_fetches_its_files(pair: Pair) -> None:
    firm = THE_FIRM.moved("ola", workplace="FR")
    proposed = pair.a.propose(firm.files(), asker=PersonId("kim"), purpose="a change", caller="kim")
    assert isinstance(proposed, RequestState), proposed
    for gate, person in ((pair.a, "di"), (pair.b, "ed"), (pair.b, "fay")):
        signed(gate, proposed.request, person, passkey(person))
    assert len(recorded(pair, Adopted)) == 2
    assert pair.a.digest == pair.b.digest
    assert pair.b.decider.digest == pair.a.digest


def test_a_change_is_not_adopted_once_a_passkey_that_approved_it_is_revoked_at_the_other_gate(pair: Pair) -> None:
    """Between the last look at its quorum and its record."""
    proposed = pair.a.propose(
        THE_FIRM.moved("ola", workplace="FR").files(), asker=KIM, purpose="a change", caller="kim"
    )
    assert isinstance(proposed, RequestState), proposed
    signed(pair.a, proposed.request, "di", passkey("di"))
    claimed: list[str] = []
    revoked, adopted = threading.Event(), threading.Event()

    def at_a(name: str) -> None:
        claimed.extend([name] if name == "claimed" else [])
        if len(claimed) == 3:  # its approval, its lease, and now its adoption
            assert revoked.wait(20)

    def at_b(name: str) -> None:
        if name == "recorded" and not revoked.is_set():  # and the leases that it approved are not ended yet
            revoked.set()
            assert adopted.wait(20)

    for site, step in (("a", at_a), ("b", at_b)):
        pair.gates.pop(site).close()
        pair.open(site, step=step)
    pair.synced()
    thief = threading.Thread(target=lambda: pair.b.revoke_key(passkey("di").credential, HOST, "stolen"))

    def approve() -> None:
        signed(pair.a, proposed.request, "ed", passkey("ed"))
        adopted.set()

    approval = threading.Thread(target=approve)
    approval.start()
    until(lambda: len(claimed) == 3)
    thief.start()
    for thread in (approval, thief):
        thread.join()
    assert revoked.is_set()
    assert len(recorded(pair, Adopted)) == 1, "another than the first"
    assert pair.a.live() == ()
    for gate in pair.gates.values():
        gate.close()
    assert check_gate(pair.path / "gates" / "a").findings == ()


def test_two_changes_of_one_estate_are_not_both_adopted(pair: Pair) -> None:
    requests = []
    for gate, state in ((pair.a, "FR"), (pair.b, "CA")):
        firm = THE_FIRM.moved("ola", workplace=state)
        outcome = gate.propose(firm.files(), asker=PersonId("kim"), purpose="a change", caller="kim")
        assert isinstance(outcome, RequestState), outcome
        requests.append(outcome.request)
    for request in requests:
        signed(pair.a, request, "di", passkey("di"))
    pair.synced()
    race(
        [
            partial(signed, gate, each, "ed", passkey("ed"))
            for gate, each in zip((pair.a, pair.b), requests, strict=True)
        ]
    )
    assert len(recorded(pair, Adopted)) == 2  # the first of all, and one of the two


def test_a_passkey_begun_at_one_gate_is_finished_and_vouched_for_at_the_other(pair: Pair) -> None:
    token = pair.a.invite(PersonId("ola"))
    invitation = pair.b.begin_enrolment(token)
    pending = pair.a.finish_enrolment(token, passkey("ola", 1).register(invitation.challenge).document())
    pair.b.vouch(pending.id, PersonId("kim"), passkey("kim").sign(pair.b.enrolment(pending.id).challenge()))
    pair.synced()
    key = pair.a.state.key(passkey("ola", 1).credential)
    assert key is not None and key.revoked is None


def test_one_pending_passkey_is_vouched_for_once(pair: Pair) -> None:
    id = pend(pair.a, "ola", 1)
    signature = passkey("kim").sign(pair.a.enrolment(id).challenge())
    race([partial(gate.vouch, id, PersonId("kim"), signature) for gate in (pair.a, pair.b)])
    pair.alike()
    assert len(list(pair.a.state.keys_of(PersonId("ola")))) == 2


def test_what_two_gates_wrote_together_is_found_to_hold_by_the_check(pair: Pair) -> None:
    lease = lent(pair.b, "bo", "end", "asset:meetings", "di ed")
    pair.synced()
    use(pair.a, lease, os.urandom(16))
    pair.synced()
    folder: Path = pair.path / "gates"
    for gate in pair.gates.values():
        gate.close()
    for site in ("a", "b"):
        assert check_gate(folder / site).findings == ()
