"""A gate beside the plain model: what the gate did by itself is checked and taken over, and all else must be equal."""

from __future__ import annotations

from armslength.gate import (
    CalledOff,
    Expired,
    Granted,
    LeaseState,
    Over,
    PersonId,
    RequestState,
    Taken,
    TurnedDown,
    Vetoed,
    Waiting,
    posix,
)
from armslength.service import Gate
from tests.gate_model.plain import Ask, Lent, Plain, day_of


def compare(gate: Gate, plain: Plain, *, now: float, since: float, swept: bool) -> None:
    """Raises `AssertionError` where the gate is not what the model allows, or has not done what it must.

    `since` is when the operation began that may have brought it here; `swept`: whether a `tick` has come after it, so
    that whatever is complete must be a lease.
    """
    requests = {state.request.id: state for state in gate.requests()}
    assert requests.keys() == plain.asks.keys(), "the gate holds other requests than were made"
    for id in sorted(requests, key=lambda each: requests[each].index):
        _request(gate, plain, plain.asks[id], requests[id], now, since)
    _adopted(gate, plain, now, since)
    _returned(gate, plain, now, since)
    for key, (person, counts) in plain.keys.items():
        state = gate.state.key(key)
        assert state is not None and (state.revoked is None) == counts, f"a passkey of {person}: counts {not counts}"
    assert {lease.terms.id for lease in gate.leases()} == plain.leases.keys(), "a lease that no request has"
    for lease in gate.leases():
        _lease(plain, plain.leases[lease.terms.id], lease, now, since)
    if swept:
        _swept(gate, plain, requests, now)


def _request(gate: Gate, plain: Plain, ask: Ask, state: RequestState, now: float, since: float) -> None:
    match state.status:
        case Waiting():
            assert ask.waiting, f"{ask.id} waits, and it was over: {ask.over}"
        case Granted(lease=id, at=at):
            if ask.lease is None:
                assert ask.waiting, f"{ask.id} was granted after it was over: {ask.over}"
                assert posix(at) in (int(since), int(now))
                _granted(plain, ask, gate.lease(id), state, posix(at))
            assert ask.lease == id
        case Expired(at=at):
            assert ask.over == "expired" or (ask.waiting and ask.expires <= posix(at))
            ask.over = ask.over or "expired"
        case CalledOff(by="the gate"):
            overtaken = ask.change is not None and ask.change[0] != gate.digest
            assert ask.over or (ask.waiting and (overtaken or ask.seat & plain.gone))
            ask.over = ask.over or "overtaken, or somebody left"
        case CalledOff() | TurnedDown() | Vetoed():
            assert ask.over is not None, f"{ask.id} ended by {state.status}, and nobody said so"
        case _:
            raise AssertionError(state.status)
    if ask.lease is None:
        assert {each.approver: each.assertion.credential for each in state.approvals} == ask.approvals
        assert (state.took_back, state.agreed) == (ask.took_back, ask.agreed)


def _granted(plain: Plain, ask: Ask, lease: LeaseState, state: RequestState, at: int) -> None:
    """A lease that is new: whether it may be."""
    terms = lease.terms
    firm = plain.firms[terms.estate]
    asked = firm.terms[terms.terms]
    day = day_of(at)
    standing = {each.approver: each.assertion.credential for each in state.approvals}
    assert standing == ask.approvals
    assert set(terms.approvers) <= standing.keys(), "an approver whose approval does not stand"
    assert all(plain.keys[standing[each]] == (each, True) for each in terms.approvers), "signed with no such key"
    assert not set(terms.approvers) & ask.seat
    assert not plain.gone & {*terms.approvers, *ask.seat}, "given to somebody who left, or by them"
    assert terms.terms in firm.ways(ask.executor, ask.others, ask.action, ask.target, day), "no such way"
    assert firm.fits(terms.terms, ask.seat, tuple(terms.approvers), day, plain.barred(ask, at)), "no quorum"
    before, plain.firm = plain.firm, firm
    try:
        assert plain.customers_let(ask, terms.terms, at), "the customers had their word to say"
    finally:
        plain.firm = before
    start = max(at, int(ask.start))
    assert at < ask.expires
    assert (posix(terms.start), posix(terms.end)) == (start, min(int(ask.end), start + 60 * asked.minutes))
    assert (terms.executor, terms.action, str(terms.resource)) == (ask.executor, ask.action, ask.target)
    assert frozenset(terms.customers) == ask.customers
    assert (terms.uses, terms.most_customers) == (asked.uses, asked.customers)
    ask.lease = terms.id
    plain.leases[terms.id] = Lent(
        id=terms.id,
        ask=ask,
        given=at,
        start=start,
        end=posix(terms.end),
        uses=terms.uses,
        most=terms.most_customers,
        approvers={each: standing[each] for each in terms.approvers},
    )


def _adopted(gate: Gate, plain: Plain, *when: float) -> None:
    if gate.digest == plain.digest:
        return
    change = (plain.digest, gate.digest)
    lent = next((lent for lent in plain.leases.values() if lent.ask.change == change and lent.ended is None), None)
    assert lent is not None, "nobody let it be adopted"
    assert any(at < lent.end and plain.holds(lent, at) for at in when), "it was let be adopted, and no longer"
    plain.firm, plain.digest = plain.firms[gate.digest], gate.digest


def _returned(gate: Gate, plain: Plain, *when: float) -> None:
    """Whoever came back was let by an adopted change that names them."""
    assert {person for person in gate.state.leavers if gate.state.gone(person)} <= plain.gone
    for person in [each for each in plain.gone if not gate.state.gone(PersonId(each))]:
        adopted = [each.request.id for each in gate.requests() if each.adopted]
        lent = [
            lent
            for lent in plain.leases.values()
            if lent.ask.id in adopted and person in lent.ask.returning and lent.ask.id not in plain.brought
        ]
        assert lent, f"{person} is back, and nobody let them"
        plain.brought |= {each.ask.id for each in lent}
        plain.gone -= lent[0].ask.returning


def _lease(plain: Plain, lent: Lent, lease: LeaseState, now: float, since: float) -> None:
    assert (lease.uses, lease.customers_used) == (lent.used, lent.customers), "uses that were not, or are missing"
    assert lent.uses is None or lease.uses <= lent.uses
    assert lent.most is None or len(lease.customers_used) <= lent.most
    if lent.ended is not None:
        assert not lease.live, f"{lent.id} lives again"
        return
    if lease.live:
        return
    ended = lease.status
    at = posix(ended.at) if isinstance(ended, Over | Taken) else now
    changing = lent.ask.change is not None
    match ended:
        case Over(how="ran-out"):
            assert lent.end <= at
        case Over(how="spent"):
            assert changing or lent.used == lent.uses
        case Taken(by="the gate"):
            assert changing or not plain.holds(lent, at), f"{lent.id} was taken away for nothing: {ended}"
        case _:
            raise AssertionError(f"{lent.id} ended by {ended}, and nobody said so")
    lent.ended = at


def _swept(gate: Gate, plain: Plain, requests: dict[str, RequestState], now: float) -> None:
    """What a sweep must have done."""
    assert gate.health().problems == {}
    for ask in plain.asks.values():
        assert not plain.complete(ask, now), f"{ask.id} has its quorum, and no lease"
        assert not (ask.waiting and ask.expires <= now), f"{ask.id} waits after its end"
        assert not (ask.waiting and ask.seat & plain.gone), f"{ask.id} waits, and somebody left"
        assert not (ask.waiting and ask.change and ask.change[0] != gate.digest), f"{ask.id} waits for another estate"
    for lent in plain.leases.values():
        if lent.ended is None:
            assert plain.signed(lent), f"{lent.id} lives by a signature that counts no more"
            assert plain.holds(lent, now), f"{lent.id} lives without its quorum"
            assert now < lent.end
            assert lent.uses is None or lent.used < lent.uses
            assert lent.ask.change is None, f"{lent.id} has not been carried out"
