"""What a record that can no longer be read changes, and an order to erase records.

Nobody knows what it said. So whatever it may have ended counts as ended, as far as the log tells what that may be: the
requests and the leases of the customers whose records it was among. What it gave, it gives no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from armslength.gate.change import Changed, Erased, Ignored, ObjectKind
from armslength.gate.failure import Tampered
from armslength.gate.held import LeaseState, RequestState
from armslength.gate.lease import LONGEST, LeaseId
from armslength.gate.lease_fold import put_lease
from armslength.gate.moment import moment
from armslength.gate.objects import Objects
from armslength.gate.request import id_bytes, new_id
from armslength.gate.request_fold import put_request
from armslength.gate.status import Unreadable

ERASURE = "erasure"
_VITAL = frozenset({"policy-change", "estate-change", "people-change"})
"""May have revoked a key, or changed the estate."""
_FOUNDING = frozenset({"request", "approval", "lease"})
"""There was a request before one of these, or it was one itself."""
_ENDS_REQUESTS = frozenset({"refusal", "lease", "revocation", ERASURE})
_ENDS_LEASES = frozenset({"use", "lease-end", "revocation", ERASURE})
_SLACK = 86_400
"""Seconds by which the clocks of the log and of the gate surely differ less."""

_Object = tuple[ObjectKind, str]


def fold_erased(held: Objects, event: Erased, act: bytes) -> Changed | Ignored:
    """Raises `Tampered` for what cannot be done without."""
    if event.kind in _VITAL:
        raise Tampered(f"a record of kind {event.kind} was erased, and the gate cannot decide without it")
    changed = tuple(_changed(held, event, act))
    return Changed(objects=changed) if changed else Ignored(reason="the record was erased")


def _changed(held: Objects, event: Erased, act: bytes) -> Iterator[_Object]:
    at = moment(held.time)
    if event.kind in _FOUNDING and not held.founded:
        held.founded = True
        held.version += 1
        yield "gate", ""
    if event.kind == "lease" and (id := LeaseId(new_id("lease", act))) not in held.leases:
        held.put_erased(id, max(event.at, held.time) + int(LONGEST.total_seconds()) + _SLACK)
    for request in held.waiting():
        if event.kind in _ENDS_REQUESTS and event.may_be_about(id_bytes(request.request.id)):
            put_request(held, replace(request, status=Unreadable(at=at)))
            yield "request", request.request.id
        elif event.kind == ERASURE and (left := _left(request, event)) is not None:
            put_request(held, left)
            yield "request", request.request.id
    for lease in held.live():
        if event.kind in _ENDS_LEASES and _may_have_ended(event, lease):
            put_lease(held, replace(lease, status=Unreadable(at=at)))
            yield "lease", lease.terms.id


def _left(request: RequestState, event: Erased) -> RequestState | None:
    """Without the approvals that are to be erased; None: it has none of them."""
    left = tuple(each for each in request.approvals if not event.may_be_about(id_bytes(each.id)))
    return None if left == request.approvals else replace(request, approvals=left)


def _may_have_ended(event: Erased, lease: LeaseState) -> bool:
    terms = lease.terms
    if event.kind == "use" and not terms.online:
        return False  # it counts nothing, so no use is missed
    # One whose customers are named at its uses ends among the records of those, of whichever they were.
    named_at_use = not terms.customers and terms.most_customers is not None and event.kind != ERASURE
    return named_at_use or event.may_be_about(terms.act)
