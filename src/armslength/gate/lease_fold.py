"""What events change of leases."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from armslength.gate.change import Changed, Ignored
from armslength.gate.event import Leased, Ran, Reviewed, Used
from armslength.gate.failure import Rejected
from armslength.gate.form import read_bytes, read_digest
from armslength.gate.held import LeaseState, Review
from armslength.gate.key_fold import person_of
from armslength.gate.lease import LONGEST, LeaseId, LeaseTerms, covers, parse_lease_terms
from armslength.gate.leaver_fold import left_among
from armslength.gate.moment import Moment, moment, read_seconds
from armslength.gate.objects import Objects
from armslength.gate.request import PersonId, Request, Target
from armslength.gate.request_fold import no_longer, put_request
from armslength.gate.status import Granted, LeaseStatus, Taken
from armslength.tlog import Json

LATE_USE = 60
"""Seconds for which a use that could not be asked for may follow a revocation: the most that a point's list may be
old."""


def fold_lease(held: Objects, event: Leased, act: bytes, index: int, origin: str) -> Changed | Ignored:
    terms = parse_lease_terms(cast(Json, event.lease))
    if terms.act != act:
        return Ignored(reason="the lease has another id than its record")
    if terms.gate != origin:
        return Ignored(reason="the lease is of another gate")
    if terms.id in held.leases:
        return Ignored(reason="the lease was given before")
    if terms.estate != held.estate:
        return Ignored(reason="the lease was judged under another estate than the one that holds")
    state = held.requests.get(terms.request)
    if state is None or not state.waiting:
        return Ignored(reason=no_longer(state))
    if reason := _unlike(terms, state.request):
        return Ignored(reason=reason)
    if missing := [approver for approver in terms.approvers if approver not in state.approvers()]:
        return Ignored(reason=f"no approval of {missing[0]} stands")
    if reason := left_among(held, state.request.parties()):
        return Ignored(reason=reason)
    at = moment(event.at)
    if not at < terms.end:
        return Ignored(reason="the lease was over when it was given")
    if terms.end - at > LONGEST:
        return Ignored(reason=f"the lease would end more than {LONGEST.days} days after it was given")
    held.put_lease(LeaseState(terms=terms, origin=origin, index=index, version=1))
    put_request(held, replace(state, status=Granted(lease=terms.id, at=at)))
    return Changed(objects=(("request", terms.request), ("lease", terms.id)))


def _unlike(terms: LeaseTerms, request: Request) -> str | None:
    """In what the lease is not what the request asks for."""
    lent = (terms.executor, terms.action, terms.resource, terms.customers)
    if lent != (request.executor, request.action, request.resource, request.customers):
        return "the lease is for something else than the request"
    if not request.window.start <= terms.start < terms.end <= request.window.end:
        return "the lease is not within the request's window"
    return None


def fold_use(held: Objects, event: Used) -> Changed | Ignored:
    use = read_bytes(event.use)
    if len(use) != 16:
        raise Rejected([f"a use with an id of {len(use)} bytes"])
    done = read_seconds(event.at if event.done is None else event.done)
    if event.lease is None:
        return Changed()
    state = held.leases.get(LeaseId(event.lease))
    if state is None:
        return Ignored(reason="no such lease")
    if held.used(state.terms.id, use):
        return Ignored(reason="the use is counted already")
    customers = frozenset(event.customers)
    if reason := _unfit(held, state, event, done, customers):
        return Ignored(reason=reason)
    held.put_use(state.terms.id, use)
    return put_lease(held, replace(state, uses=state.uses + 1, customers_used=state.customers_used | customers))


def _unfit(held: Objects, state: LeaseState, event: Used, done: Moment, customers: frozenset[str]) -> str | None:
    """Why the lease does not allow this use."""
    terms = state.terms
    kind, _, id = event.resource.partition(":")
    person, resource = PersonId(event.executor), Target(type=kind, id=id)
    if not covers(terms, executor=person, action=event.action, resource=resource, customers=customers):
        return "the lease is for something else"
    if not terms.start <= done < terms.end:
        return "the lease does not run then"
    if state.ended is not None and (terms.online or (done - state.ended).total_seconds() > LATE_USE):
        return "the lease had ended"
    left = held.leavers.get(person)
    if left is not None and left.gone and (terms.online or (done - left.at).total_seconds() > LATE_USE):
        return f"{person} had left"
    if terms.uses is not None and state.uses >= terms.uses:
        return f"the lease was for {terms.uses} uses"
    if terms.most_customers is not None and len(state.customers_used | customers) > terms.most_customers:
        return f"the lease was for {terms.most_customers} customers"
    return None


def fold_ran(held: Objects, event: Ran) -> Changed | Ignored:
    """It changes nothing: what a session did counts as the one use by which it was opened."""
    if len(read_bytes(event.batch)) != 16:
        raise Rejected(["a batch whose id has not 16 bytes"])
    read_digest(event.sha256)
    read_seconds(event.done)
    counts = [each for said in event.statements for each in (said.times, said.failed)]
    if min(counts, default=0) < 0 or not 1 <= event.first <= event.last:
        raise Rejected(["a batch that counts below nothing"])
    return Changed() if LeaseId(event.lease) in held.leases else Ignored(reason="no such lease")


def fold_review(held: Objects, event: Reviewed) -> Changed | Ignored:
    by = person_of(event.by)
    state = held.leases.get(LeaseId(event.lease))
    if state is None:
        return Ignored(reason="no such lease")
    if state.review is not None:
        return Ignored(reason="the lease was reviewed before")
    if held.gone(by):
        return Ignored(reason=f"{by} left")
    request = held.requests.get(state.terms.request)
    if by in state.terms.approvers or by == state.terms.executor or (request and by in request.request.parties()):
        return Ignored(reason="nobody reviews what they took part in")
    return put_lease(held, replace(state, review=Review(by=by, outcome=event.outcome, at=moment(event.at))))


def end_lease(held: Objects, id: str, status: LeaseStatus) -> Changed | Ignored:
    """One that is spent can still be taken away: what its last use opened may last until its time is up."""
    state = held.leases.get(LeaseId(id))
    if state is None:
        return Ignored(reason="no such lease")
    if not state.live and not (isinstance(status, Taken) and state.spent and status.at < state.terms.end):
        return Ignored(reason="the lease had ended")
    return put_lease(held, replace(state, status=status))


def put_lease(held: Objects, state: LeaseState) -> Changed:
    held.put_lease(replace(state, version=state.version + 1))
    return Changed(objects=(("lease", state.terms.id),))
