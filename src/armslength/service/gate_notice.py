"""Notices: what the gate tells whom, written down with what it tells of. Sending them is not done here.

Each carries a mark, and each mark is told once, so that whoever replays the ledger may put all of them again. A body
holds ids and a sentence, and nothing that opens anything: the link of a customer's voice is made when it is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from armslength.gate import (
    Declined,
    Enrolled,
    Event,
    KeyRevoked,
    Lapsed,
    Leased,
    LeaseId,
    LeaseState,
    LeaseTerms,
    Left,
    PersonId,
    Request,
    RequestId,
    Revoked,
    State,
    Voiced,
    Withdrawn,
    posix,
)
from armslength.store import GateSettings


class NoticeKind(StrEnum):
    """What a notice is about: the keys of `[notices]` in gate.toml."""

    WAITING = "waiting"
    """Your approval could complete a request."""
    GRANTED = "granted"
    REFUSED = "refused"
    """A request ended without a lease, or a lease was taken away."""
    TOLD_CUSTOMER = "told-customer"
    """A customer is told of a lease on their data, or asked for their word."""
    REVIEW_OVERDUE = "review-overdue"
    DRILL = "drill"
    """A rehearsal that opens nothing asks for your word and your signature."""
    ALARM = "alarm"
    """Something that the people who look after the gate, or whose key it is, must look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One notice. `at` in POSIX seconds is when it may be sent; `person` None: everyone who gets that kind."""

    mark: str
    kind: NoticeKind
    body: bytes = field(repr=False)
    at: int
    person: PersonId | None = None


def told(
    kind: NoticeKind, about: str, says: str, *, at: int, person: PersonId | None = None, more: Mapping[str, str] = {}
) -> Told:
    """A notice about an object (its id). `more` are members of its body; they make it another notice."""
    mark = ":".join((kind, about, person or "", *(f"{name}={value}" for name, value in sorted(more.items()))))
    body = {"about": about, "kind": str(kind), "says": says, **more}
    return Told(mark=mark, kind=kind, body=json.dumps(body, sort_keys=True).encode(), at=at, person=person)


Concerned = Callable[[LeaseTerms], Sequence[PersonId]]
"""Who hears of a lease although they have no part in it."""


def notices(event: Event, state: State, concerned: Concerned) -> tuple[Told, ...]:
    """What an event is told by itself, once the state has taken it in; who left is told nothing more."""
    found = _notices(event, state, concerned)
    return tuple(each for each in found if each.person is None or not state.gone(each.person))


def told_widely(lease: LeaseState, concerned: Concerned, *, at: int) -> Iterator[Told]:
    """What everybody hears who could have been asked for a lease under break-glass terms."""
    terms = lease.terms
    says = f"{terms.executor} has a lease under break-glass terms: {terms.action} {terms.resource}"
    for person in concerned(terms):
        yield told(NoticeKind.GRANTED, terms.id, says, at=at, person=person, more={"terms": terms.terms})


def _notices(event: Event, state: State, concerned: Concerned) -> Iterator[Told]:
    match event:
        case Leased():
            lease = state.leases.get(LeaseId(str(event.lease["id"])))
            if lease is not None and (request := state.requests.get(lease.terms.request)) is not None:
                yield from _granted(lease, request.request, event.at)
                yield from told_widely(lease, concerned, at=event.at)
        case Declined():
            yield from _refused(state, event.request, f"{event.approver} declined: {event.reason}", event.at)
        case Voiced(agrees=False):
            yield from _refused(state, event.request, "a customer said no", event.at)
        case Lapsed():
            yield from _refused(state, event.request, "nobody answered in time", event.at)
        case Withdrawn():
            yield from _refused(state, event.request, f"{event.by} withdrew it", event.at)
        case Revoked():
            lease = state.leases.get(LeaseId(event.lease))
            if lease is not None:
                says = f"the lease to {_act(lease)} was revoked by {event.by}: {event.reason}"
                yield told(NoticeKind.REFUSED, lease.terms.id, says, at=event.at, person=lease.terms.executor)
        case Enrolled():
            says = "a passkey was enrolled for you" + (f"; {event.voucher} vouched for it" if event.voucher else "")
            about, person = event.credential, PersonId(event.person)
            yield told(NoticeKind.ALARM, about, says, at=event.at, person=person, more={"event": "enrolled"})
        case KeyRevoked():
            key = state.keys.get(event.credential)
            if key is not None:
                says = f"{event.by} revoked a passkey of yours: {event.reason}"
                more = {"event": "revoked"}
                yield told(NoticeKind.ALARM, event.credential, says, at=event.at, person=key.key.person, more=more)
        case Left():
            says = f"{event.person} left, says {event.source}: what they had has ended, and nothing more is theirs"
            yield told(NoticeKind.ALARM, event.person, says, at=event.at, more={"event": "left", "at": str(event.at)})
        case _:
            pass


def _granted(lease: LeaseState, request: Request, at: int) -> Iterator[Told]:
    says = f"the lease to {_act(lease)} is there"
    for person in sorted(request.parties()):
        yield told(NoticeKind.GRANTED, lease.terms.id, says, at=at, person=person)
    # A hold ends by itself: the notice is written down now and may be sent then.
    when = at if request.hold is None else max(at, posix(request.hold.until))
    for customer in lease.terms.customers:
        yield customer_told(lease.terms.id, f"access to your data was opened: {request.action}", customer, at=when)


def customer_asked(request: Request, customer: str, *, at: int) -> Told:
    """A customer is asked for their word on a request."""
    says = f"somebody asks for {request.action} on your data, and you may say yes or no"
    return customer_told(request.id, says, customer, at=at)


def channels(settings: GateSettings, kind: str) -> tuple[str, ...]:
    """Where notices of this kind go; none: they stand in the console. `*` is for those to the firm's own people: a
    customer's link answers in the customer's name, and goes nowhere but where they are said to be told."""
    everywhere = () if kind == NoticeKind.TOLD_CUSTOMER else settings.notices.get("*", ())
    return (*settings.notices.get(kind, ()), *everywhere)


def customer_told(about: RequestId | LeaseId, says: str, customer: str, *, at: int) -> Told:
    return told(NoticeKind.TOLD_CUSTOMER, about, says, at=at, more={"customer": customer})


def _refused(state: State, id: str, why: str, at: int) -> Iterator[Told]:
    request = state.requests.get(RequestId(id))
    if request is None:
        return
    says = f"the request to {request.request.action} {request.request.resource} is over: {why}"
    for person in sorted(request.request.parties()):
        yield told(NoticeKind.REFUSED, request.request.id, says, at=at, person=person)


def _act(lease: LeaseState) -> str:
    return f"{lease.terms.action} {lease.terms.resource}"
