"""An event as the fields of a record, and back (docs/formats/gate-records.md).

`firm_event` is the whole event, and for the firm and its auditors. The other fields are what the customers it concerns
read in their bundles. They follow from the event, are the same for each of them, and name none of them: a text that
names one of several is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

import msgspec

from armslength.gate.change import Erased
from armslength.gate.event import (
    FIRM,
    Adopted,
    Approved,
    Declined,
    Denied,
    Ended,
    Enrolled,
    Event,
    KeyRevoked,
    Lapsed,
    Leased,
    Left,
    Ran,
    Requested,
    Reviewed,
    Revoked,
    Unapproved,
    Used,
    Voiced,
    Withdrawn,
    format_event,
    parse_event,
)
from armslength.gate.failure import Rejected, Tampered
from armslength.gate.lease import LeaseTerms, parse_lease_terms
from armslength.gate.request import Request
from armslength.gate.request_form import parse_request
from armslength.tlog import Json

_FROM_REQUEST = frozenset({"asker", "author"})
"""Labels whose values are the request's where the event itself has none."""
_FREE = frozenset({"outcome", "reason", "resource"})
"""Labels of text that may name a customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One record as it was read: `fields` None where they can no longer be, as after an erasure, and where it orders
    one; `among` and `at` are then those of `Erased`."""

    index: int
    act: bytes
    kind: str
    fields: Mapping[str, Json] | None
    among: frozenset[bytes] | None = None
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One act of the gate, at the index of its first record."""

    index: int
    act: bytes
    event: Event | Erased


def kind_of(event: Event) -> str:
    """The kind of its record, as in docs/formats/record.md."""
    match event:
        case Adopted(what=what):
            return next((f"{part}-change" for part in ("policy", "estate", "people") if part in what), "estate-change")
        case Enrolled() | KeyRevoked() | Left():
            return "people-change"
        case Requested():
            return "request"
        case Approved():
            return "approval"
        case Voiced(agrees=agrees):
            return "approval" if agrees else "refusal"
        case Declined() | Lapsed() | Withdrawn() | Denied():
            return "refusal"
        case Leased():
            return "lease"
        case Used() | Ran():
            return "use"
        case Ended():
            return "lease-end"
        case Unapproved() | Revoked():
            return "revocation"
        case Reviewed():
            return "disposition"


def customers_of(event: Event, *, of: Request | LeaseTerms | None, used: Iterable[str] = ()) -> tuple[str, ...]:
    """Whose records it goes into, none for the firm's own. `of` is the request or the lease that the event is about;
    `used` are customers who were named at uses of the lease. Raises `Rejected` for a form that is none."""
    match event:
        case Requested():
            return _request(event).customers
        case Leased():
            return _terms(event).customers
        case Used() | Ran():  # one that names nobody may have been of any whom the lease names
            concerned = event.customers or (of.customers if isinstance(of, LeaseTerms) else ())
            return tuple(sorted(set(concerned)))
        case Denied():
            return tuple(sorted(set(event.customers)))
        case Voiced():
            return (event.customer,)
        case Adopted() | Enrolled() | KeyRevoked() | Left():
            return ()
        case Approved() | Unapproved() | Declined() | Lapsed() | Withdrawn() | Ended() | Revoked() | Reviewed():
            return tuple(sorted({*(() if of is None else of.customers), *used}))


def fields_of(event: Event, *, of: Request | LeaseTerms | None, used: Iterable[str] = ()) -> dict[str, Json]:
    """The record's fields, `firm_event` among them; the arguments as for `customers_of`. Raises `Rejected`."""
    customers = customers_of(event, of=of, used=used)
    public = _public(event)
    if isinstance(of, Request):
        match event:
            case Leased():
                public["asker"] = of.asker
            case Approved() if of.author is not None:
                public["author"] = of.author
            case _:
                pass
    told = {label: value for label, value in public.items() if label not in _FREE or not _names_one(value, customers)}
    try:
        return {**told, FIRM: format_event(event)}
    except ValueError:
        raise Rejected(["a text has characters that have no bytes (lone surrogates)"]) from None


def event_of(kind: str, fields: Mapping[str, Json]) -> Event | None:
    """The event that a record tells of; None for a record that is not the gate's.

    Raises `Tampered` where `firm_event` is no event, or the kind or another field does not follow from it.
    """
    if FIRM not in fields:
        return None
    written = fields[FIRM]
    try:
        event = parse_event(written)
        if format_event(event) != written:
            raise Rejected(["it is not in its one spelling"])
        public = _public(event)
    except (msgspec.ValidationError, Rejected) as error:
        raise Tampered(f"the record's event is none that a gate writes: {error}") from None
    if kind != kind_of(event):
        raise Tampered(f"the record is of kind {kind}, its event of kind {kind_of(event)}")
    for label, value in fields.items():
        if label == FIRM or (label in public and public[label] == value):
            continue
        if label in public or label not in _FROM_REQUEST or not isinstance(value, str):
            raise Tampered(f"the record's field {label} does not follow from its event")
    return event


def events_in(records: Iterable[Read]) -> Iterator[Happened]:
    """What happened at the gate, one for each act. The records are in the ledger's order, those of one act one after
    the other; an act can be read as long as one of its records can. Raises `Tampered`."""
    erased: Read | None = None
    told: bytes | None = None
    for record in records:
        if erased is not None and record.act != erased.act:
            yield _gone(erased)
            erased = None
        if record.act == told:
            continue
        if record.fields is None:
            erased = record if erased is None else _with(erased, record)
            continue
        event = event_of(record.kind, record.fields)
        first = record if erased is None else erased
        erased, told = None, record.act
        if event is not None:
            yield Happened(index=first.index, act=first.act, event=event)
    if erased is not None:
        yield _gone(erased)


def _gone(record: Read) -> Happened:
    event = Erased(kind=record.kind, among=record.among, at=record.at)
    return Happened(index=record.index, act=record.act, event=event)


def _with(record: Read, other: Read) -> Read:
    """Two records of one act as one: it may be about what either may be about."""
    both = None if record.among is None or other.among is None else record.among | other.among
    return replace(record, among=both)


def _public(event: Event) -> dict[str, Json]:
    """What customers are told that follows from the event alone. Raises `Rejected`."""
    match event:
        case Adopted():
            return {"after": event.after, "author": event.by, "before": event.before, "request": event.request}
        case Enrolled():
            return {"author": event.voucher}
        case KeyRevoked():
            return {"author": event.by, "reason": event.reason}
        case Left():
            return {"author": event.source, "reason": "left"}
        case Requested():
            request = _request(event)
            return {
                "action": request.action,
                "asker": request.asker,
                "executor": request.executor,
                "reason": request.purpose,
                "request": request.id,
                "resource": str(request.resource),
            }
        case Approved():
            return {"approver": event.approver, "request": event.request}
        case Unapproved():
            return {"author": event.approver, "reason": "taken back", "request": event.request}
        case Declined():
            return {"approver": event.approver, "reason": event.reason, "request": event.request}
        case Voiced():
            return {"approver": "customer", "reason": "the customer's own word", "request": event.request}
        case Lapsed():
            return {"reason": "nobody answered in time", "request": event.request}
        case Withdrawn():
            return {"author": event.by, "reason": "withdrawn", "request": event.request}
        case Leased():
            terms = _terms(event)
            return {
                "action": terms.action,
                "approvers": list(terms.approvers),
                "ends": terms.form()["end"],
                "executor": terms.executor,
                "lease": terms.id,
                "request": terms.request,
                "resource": str(terms.resource),
            }
        case Used() | Ran():
            return {
                "action": event.action,
                "executor": event.executor,
                "lease": event.lease,
                "resource": event.resource,
            }
        case Ended():
            return {"lease": event.lease, "reason": event.how}
        case Revoked():
            return {"author": event.by, "lease": event.lease, "reason": event.reason}
        case Denied():
            return {
                "action": event.action,
                "asker": event.asker,
                "executor": event.executor,
                "reason": event.why,
                "resource": event.resource,
            }
        case Reviewed():
            return {"author": event.by, "lease": event.lease, "outcome": event.outcome}


def _names_one(value: Json, customers: tuple[str, ...]) -> bool:
    """Whether a text names one of several customers."""
    if len(customers) < 2 or not isinstance(value, str):
        return False
    text = value.casefold()
    return any(customer.casefold() in text for customer in customers)


def _request(event: Requested) -> Request:
    return parse_request(cast(Json, event.form))


def _terms(event: Leased) -> LeaseTerms:
    return parse_lease_terms(cast(Json, event.lease))
