"""The fold: what each event changes of what the gate holds.

Whatever takes access away fits as long as there is something to take. Whatever gives any has to fit exactly: a key its
voucher, an approval its request, its time and a key that counts, a lease its request and approvals that stand.
Signatures are not checked again here; `check_approval` does that, for whoever doubts the gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from armslength.estate import OPERATE
from armslength.gate.change import Changed, Erased, Ignored, ObjectKind
from armslength.gate.erased_fold import fold_erased
from armslength.gate.event import (
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
)
from armslength.gate.failure import Rejected, Tampered
from armslength.gate.form import read_digest
from armslength.gate.key_fold import fold_key, fold_key_revocation, person_of
from armslength.gate.lease_fold import end_lease, fold_lease, fold_ran, fold_review, fold_use
from armslength.gate.leaver_fold import fold_left, fold_returning, returning
from armslength.gate.moment import moment, read_seconds
from armslength.gate.objects import Objects
from armslength.gate.request import Request, RequestId
from armslength.gate.request_fold import (
    end_request,
    fold_approval,
    fold_request,
    fold_unapproval,
    fold_voice,
)
from armslength.gate.status import CalledOff, Expired, Granted, Over, Taken, TurnedDown
from armslength.tlog import Json


def fold(held: Objects, event: Event | Erased, act: bytes, index: int, origin: str) -> Changed | Ignored:
    """Raises `Tampered`, before anything changed, for what no gate writes."""
    if isinstance(event, Erased):
        return fold_erased(held, event, act)
    try:
        return _read(held, event, act, index, origin)
    except (Rejected, ValueError, TypeError, RecursionError) as error:
        raise Tampered(f"the record at {index} is none that a gate writes: {error}") from None


def check_event(event: Event) -> None:
    """That it can be folded, whatever is held, so that no start stops at its record: the fold reads an event whole
    before it looks at anything else. Raises `Rejected`."""
    try:
        _read(Objects(), event, bytes(16), 0, "")
    except (ValueError, TypeError, RecursionError) as error:
        raise Rejected([f"the event cannot be read back: {error}"]) from None


def _read(held: Objects, event: Event, act: bytes, index: int, origin: str) -> Changed | Ignored:
    msgspec.json.encode(event)  # refuses text that has no bytes
    read_seconds(event.at)
    return _folded(held, event, act, index, origin)


def _folded(held: Objects, event: Event, act: bytes, index: int, origin: str) -> Changed | Ignored:
    match event:
        case Adopted():
            return _adopted(held, event)
        case Enrolled():
            return fold_key(held, event, index)
        case KeyRevoked():
            return fold_key_revocation(held, event)
        case Requested():
            return fold_request(held, event, index, origin)
        case Approved():
            return fold_approval(held, event)
        case Unapproved():
            return fold_unapproval(held, event)
        case Declined():
            by = person_of(event.approver)
            return end_request(held, event.request, TurnedDown(by=by, reason=event.reason, at=moment(event.at)))
        case Voiced():
            return fold_voice(held, event)
        case Lapsed():
            return end_request(held, event.request, Expired(at=moment(event.at)))
        case Withdrawn():
            return end_request(held, event.request, CalledOff(by=person_of(event.by), at=moment(event.at)))
        case Leased():
            return fold_lease(held, event, act, index, origin)
        case Used():
            return fold_use(held, event)
        case Ran():
            return fold_ran(held, event)
        case Ended():
            return end_lease(held, event.lease, Over(how=event.how, at=moment(event.at)))
        case Revoked():
            by = person_of(event.by)
            return end_lease(held, event.lease, Taken(by=by, reason=event.reason, at=moment(event.at)))
        case Denied():
            return Changed()
        case Reviewed():
            return fold_review(held, event)
        case Left():
            return fold_left(held, event, index)


def _adopted(held: Objects, event: Adopted) -> Changed | Ignored:
    read_digest(event.after)
    if event.before is not None:
        read_digest(event.before)
    if event.files is not None:
        read_digest(event.files)
    if event.before != held.estate:
        return Ignored(reason="it replaces another estate than the one that holds")
    changed: list[tuple[ObjectKind, str]] = [("gate", "")]
    if event.request is None:
        if held.estate is not None:
            return Ignored(reason="only the first estate comes without a request")
    else:
        state = held.requests.get(RequestId(event.request))
        if state is None:
            return Ignored(reason="no such request")
        lease = held.leases.get(state.status.lease) if isinstance(state.status, Granted) else None
        if lease is None or not lease.live:
            return Ignored(reason="the request has no lease")
        if state.adopted:
            return Ignored(reason="the request was carried out already")
        if _change(state.request) != (event.before, event.after):
            return Ignored(reason="the request is for another change")
        held.put_request(replace(state, adopted=True, version=state.version + 1))
        changed += [("request", event.request), *fold_returning(held, returning(state.request), moment(event.at))]
    held.estate = event.after
    held.version += 1
    return Changed(objects=tuple(changed))


def _change(request: Request) -> tuple[Json, Json] | None:
    """The estates before and after that approvers saw. Of which asset, the service knows: the gate's own."""
    change = request.context.get("change")
    if request.action != OPERATE or request.resource.type != "asset" or not isinstance(change, Mapping):
        return None
    return change.get("before"), change.get("after")
