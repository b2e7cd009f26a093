"""The record of an event, before it is sent: one that a start can read, or none."""

from __future__ import annotations

from collections.abc import Iterable

from armslength.gate import (
    Declined,
    Ended,
    Event,
    KeyRevoked,
    Lapsed,
    LeaseTerms,
    Left,
    Rejected,
    Request,
    Revoked,
    Tampered,
    Unapproved,
    Voiced,
    Withdrawn,
    check_event,
    customers_of,
    event_of,
    fields_of,
    kind_of,
)
from armslength.ledger import Kind
from armslength.service.act import Act
from armslength.tlog import TlogError, parse_canonical

TAKES_AWAY = (Declined, Ended, KeyRevoked, Lapsed, Left, Revoked, Unapproved, Withdrawn)
"""Events after which nobody can do what they could not before; a customer's no is one as well."""


def takes_away(event: Event) -> bool:
    return isinstance(event, TAKES_AWAY) or (isinstance(event, Voiced) and not event.agrees)


def act_of(event: Event, act: bytes, of: Request | LeaseTerms | None, used: Iterable[str] = ()) -> Act:
    """`act`, `of` and `used` as `Book.record` takes them. Raises `Rejected`."""
    used, kind = tuple(used), Kind(kind_of(event))
    fields = fields_of(event, of=of, used=used)
    try:
        made = Act(id=act, kind=kind, fields=fields, customers=customers_of(event, of=of, used=used))
        _check_readable(made)
        return made
    except (TlogError, Tampered) as error:
        raise Rejected([str(error)]) from None


def _check_readable(act: Act) -> None:
    """That a start could read this record: what is in the ledger is there for ever, and one record that cannot be read
    stops every start. Raises `Rejected`, `Tampered`, `TlogError`."""
    event = event_of(act.kind, {label: parse_canonical(value, label=label) for label, value in act.values.items()})
    if event is None:
        raise Rejected(["the record would hold no event"])
    check_event(event)
