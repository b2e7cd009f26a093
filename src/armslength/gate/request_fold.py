"""What events change of requests and their approvals."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from armslength.gate.approval import parse_approval, unopened
from armslength.gate.change import Changed, Ignored, ObjectKind
from armslength.gate.event import Approved, Requested, Unapproved, Voiced
from armslength.gate.form import read_digest
from armslength.gate.held import RequestState
from armslength.gate.key_fold import person_of, unusable
from armslength.gate.leaver_fold import left_among
from armslength.gate.moment import moment
from armslength.gate.objects import Objects
from armslength.gate.request import RequestId
from armslength.gate.request_form import parse_request
from armslength.gate.status import RequestStatus, Vetoed
from armslength.tlog import Json


def fold_request(held: Objects, event: Requested, index: int, origin: str) -> Changed | Ignored:
    request = parse_request(cast(Json, event.form))
    read_digest(event.estate)
    if request.gate != origin:
        return Ignored(reason="the request is for another gate")
    if request.id in held.requests:
        return Ignored(reason="the request was made before")
    if reason := left_among(held, request.parties()):
        return Ignored(reason=reason)
    held.put_request(RequestState(request=request, estate=event.estate, index=index, version=1))
    changed: tuple[tuple[ObjectKind, str], ...] = (("request", request.id),)
    if not held.founded:
        held.founded = True
        held.version += 1
        changed = (("gate", ""), *changed)
    return Changed(objects=changed)


def fold_approval(held: Objects, event: Approved) -> Changed | Ignored:
    approval = parse_approval(event)
    state = held.requests.get(approval.request)
    if state is None or not state.waiting:
        return Ignored(reason=no_longer(state))
    request = state.request
    if not request.made <= approval.at < request.expires:
        return Ignored(reason="the approval was not made while the request was open")
    if approval.approver in request.parties():
        return Ignored(reason="nobody approves what they ask for, write or carry out")
    if approval.approver in state.approvers():
        return Ignored(reason="nobody approves twice")
    if approval.approver in state.took_back:
        return Ignored(reason="an approval that was taken back is not given again")
    if reason := unusable(held, approval.assertion.credential, approval.approver):
        return Ignored(reason=reason)
    if unopened(request, approval.opened):
        return Ignored(reason="evidence was not opened")
    return put_request(held, replace(state, approvals=(*state.approvals, approval)))


def fold_unapproval(held: Objects, event: Unapproved) -> Changed | Ignored:
    approver = person_of(event.approver)
    state = held.requests.get(RequestId(event.request))
    if state is None or not state.waiting:
        return Ignored(reason=no_longer(state))
    if approver not in state.approvers():
        return Ignored(reason="no approval of theirs stands")
    standing = tuple(each for each in state.approvals if each.approver != approver)
    return put_request(held, replace(state, approvals=standing, took_back=state.took_back | {approver}))


def fold_voice(held: Objects, event: Voiced) -> Changed | Ignored:
    state = held.requests.get(RequestId(event.request))
    if state is None or not state.waiting:
        return Ignored(reason=no_longer(state))
    if event.customer not in state.request.customers:
        return Ignored(reason="the request is not about this customer")
    if not event.agrees:
        return end_request(held, event.request, Vetoed(customer=event.customer, at=moment(event.at)))
    if event.customer in state.agreed:
        return Ignored(reason="the customer said yes before")
    return put_request(held, replace(state, agreed=state.agreed | {event.customer}))


def end_request(held: Objects, id: str, status: RequestStatus) -> Changed | Ignored:
    state = held.requests.get(RequestId(id))
    if state is None or not state.waiting:
        return Ignored(reason=no_longer(state))
    return put_request(held, replace(state, status=status))


def put_request(held: Objects, state: RequestState) -> Changed:
    """A changed one, in its next version."""
    held.put_request(replace(state, version=state.version + 1))
    return Changed(objects=(("request", state.request.id),))


def no_longer(state: RequestState | None) -> str:
    return "no such request" if state is None else "the request no longer waits"
