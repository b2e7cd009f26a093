"""Leases: what runs, giving it back, taking it away, and reviewing what was done under break-glass terms."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from starlette.responses import Response

from armslength.console.approving import may_review, may_see
from armslength.console.door import page
from armslength.console.lease_view import lease_row, lease_view
from armslength.console.visit import Visit
from armslength.gate import GateError, LeaseId, LeaseState, Live, Rejected, is_id

MOST = 100
"""Leases in a list."""
SCANNED = 2000
"""Newest leases that are looked through for those a person may see."""


def show_leases(visit: Visit) -> Response:
    me, now, faces = visit.me, visit.console.now(), visit.console.faces()
    mine = [state for state in visit.gate.live(me) if _runs(visit, state)]
    seen = [state for state in visit.gate.leases()[:SCANNED] if _may_see(visit, state)]
    others = [state for state in seen if state.terms.executor != me and _runs(visit, state)]
    over = [state for state in seen if not _runs(visit, state)]
    return visit.page(
        "leases.html",
        groups=[
            (title, [lease_row(state, now, faces) for state in states[:MOST]], empty)
            for title, states, empty in (
                ("Yours", mine, "You hold none."),
                ("Other people’s", others, "None that you asked for, approved or could have approved."),
                ("Over", over, "None."),
            )
        ],
    )


def show_lease(visit: Visit) -> Response:
    state = _state(visit)
    if state is None:
        return visit.missing()
    me, asked = visit.me, visit.gate.state.requests.get(state.terms.request)
    asker = state.terms.executor if asked is None else asked.request.asker
    due = any(each.terms.id == state.terms.id for each in visit.gate.reviews_due())
    return visit.page(
        "lease.html",
        l=lease_view(
            state,
            visit.console.now(),
            visit.console.faces(),
            give_back=me in (state.terms.executor, asker),
            revoke=me != state.terms.executor,
            review=due and may_review(visit, state.terms.request),
        ),
        renewal=f"/ask?{urlencode(_again(state))}",
        token=_token(visit, state),
    )


def _token(visit: Visit, state: LeaseState) -> str | None:
    """The lease as the gate signed it, for whom it is for and nobody else; None where it cannot be given now."""
    if visit.me != state.terms.executor or not _runs(visit, state):
        return None
    try:
        return visit.gate.token(state.terms.id)
    except GateError:
        return None


def _again(state: LeaseState) -> dict[str, str]:
    """What the form for asking is filled in with, for a lease that follows this one."""
    terms = state.terms
    return {
        "renews": terms.id,
        "executor": terms.executor,
        "action": terms.action,
        "resource": str(terms.resource),
        "customers": "\n".join(terms.customers),
    }


def give_back(visit: Visit) -> Response:
    return _changed(visit, lambda id: visit.gate.give_back(id, visit.me))


def revoke(visit: Visit) -> Response:
    return _changed(visit, lambda id: visit.gate.revoke(id, visit.me, visit.form.text("reason")))


def review(visit: Visit) -> Response:
    return _changed(visit, lambda id: visit.gate.review(id, visit.me, visit.form.text("outcome")))


def _changed(visit: Visit, change: Callable[[LeaseId], LeaseState]) -> Response:
    state = _state(visit)
    if state is None:
        return visit.missing()
    change(state.terms.id)
    return visit.go(f"/leases/{state.terms.id}")


def _state(visit: Visit) -> LeaseState | None:
    """The lease of this page, if it is for this person."""
    id = visit.name("id")
    if not is_id(id, "lease"):
        return None
    try:
        state = visit.gate.lease(LeaseId(id))
    except Rejected:
        return None
    return state if _may_see(visit, state) else None


def _may_see(visit: Visit, state: LeaseState) -> bool:
    if visit.me == state.terms.executor or visit.me in state.terms.approvers:
        return True
    request = visit.gate.state.requests.get(state.terms.request)
    return request is not None and may_see(visit, request)


def _runs(visit: Visit, state: LeaseState) -> bool:
    return isinstance(state.status, Live) and visit.console.now() < state.terms.end


ROUTES = (
    page("/leases", show_leases),
    page("/leases/{id}", show_lease),
    page("/leases/{id}/give-back", None, give_back),
    page("/leases/{id}/revoke", None, revoke),
    page("/leases/{id}/review", None, review),
)
