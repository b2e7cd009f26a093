"""Requests: what waits for somebody, one of them with its evidence, and the answers that can be given to it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from starlette.responses import Response

from armslength.console.change_view import ChangeView, change_view
from armslength.console.could_view import could_view
from armslength.console.door import page
from armslength.console.evidence_view import document
from armslength.console.keepers import may_change
from armslength.console.lease_view import lease_row
from armslength.console.passkeys import ask_for_signature
from armslength.console.request_row import request_row
from armslength.console.request_view import request_view
from armslength.console.signature import signature
from armslength.console.visit import Visit
from armslength.gate import (
    Evidence,
    Granted,
    Judgement,
    Look,
    Open,
    Question,
    Rejected,
    RequestId,
    RequestState,
    is_id,
    judge,
)

MOST = 100
"""Requests in a list."""
CHANGE = "change"
"""The member of a request's context that the gate alone writes: which change of the estate it is for."""


def show_waiting(visit: Visit) -> Response:
    console, faces, now = visit.console, visit.console.faces(), visit.console.now()
    waiting = visit.gate.waiting_for(visit.me)
    reviews = [state for state in visit.gate.reviews_due() if may_review(visit, state.terms.request)]
    return visit.page(
        "waiting.html",
        requests=[request_row(state, now, faces) for state in waiting[:MOST]],
        reviews=[lease_row(state, console.now(), faces) for state in reviews],
        drill=visit.gate.drills.asks(visit.me),
    )


def show_mine(visit: Visit) -> Response:
    now, faces = visit.console.now(), visit.console.faces()
    mine = visit.gate.mine(visit.me)
    return visit.page(
        "requests.html",
        requests=[request_row(state, now, faces) for state in mine[:MOST]],
        may_change=may_change(visit.gate.decider, visit.me),
    )


def show_request(visit: Visit) -> Response:
    state = _state(visit)
    if state is None:
        return visit.missing()
    gate, console = visit.gate, visit.console
    decider, request, faces = gate.decider, state.request, console.faces()
    (look, judgement), change = standing_of(visit, state), _change(visit, state)
    able = state.waiting and could_approve(visit, state)
    unopened = [each.digest for each in gate.unopened(request.id, visit.me)] if able else []
    seen = state.waiting and (able or visit.me in request.parties() or visit.me in state.approvers())
    ask = ask_for_signature(gate.party, challenge=request.challenge(), held=console.keys_of(visit.me))
    return visit.page(
        "request.html",
        r=request_view(
            state,
            me=visit.me,
            now=console.now(),
            faces=faces,
            decider=decider,
            look=look,
            judgement=judgement,
            unopened=unopened,
            drawn=None if change is None else CHANGE,
            emergency=dict.fromkeys(gate.settings.break_glass, gate.settings.review_hours),
        ),
        approve=msgspec.json.encode(ask).decode() if able else "",
        could=could_view(gate.who_could(request.id), faces) if seen else None,
        change=change,
    )


def standing_of(visit: Visit, state: RequestState) -> tuple[Look, Judgement]:
    """What policy says of a request now, and what becomes of it with the approvals it has."""
    decider, request = visit.gate.decider, state.request
    change = request.context.get(CHANGE)
    widened = change.get("widened") if isinstance(change, dict) else None
    barred = frozenset(str(each) for each in widened) if isinstance(widened, list) else frozenset[str]()
    look = decider.look(Question.of(request))
    return look, judge(decider, request, state.approvers(), state.agreed, barred=barred)


def _change(visit: Visit, state: RequestState) -> ChangeView | None:
    """The change of the estate that a request is for; None for another kind, and where its files are gone."""
    try:
        proposed = visit.gate.proposed(state.request.id)
    except Rejected:
        return None
    return None if proposed is None else change_view(proposed)


def could_approve(visit: Visit, state: RequestState) -> bool:
    """Whether this person's approval would count and is not there yet."""
    return any(each.request.id == state.request.id for each in visit.gate.waiting_for(visit.me))


def may_see(visit: Visit, state: RequestState) -> bool:
    """Its people, and whoever may approve such a thing. It is nobody else's business: a request names customers."""
    me, request = visit.me, state.request
    if me in request.parties() or me in state.approvers():
        return True
    decider = visit.gate.decider
    look = decider.look(Question.of(request))
    terms = {passage.terms for passage in look.passages if passage.terms} if isinstance(look, Open) else set()
    if isinstance(state.status, Granted):
        terms.add(visit.gate.lease(state.status.lease).terms.terms)
    known = {each.id for each in decider.estate.settings.terms}
    return any(decider.roster.member(me, each).may_approve for each in terms & known)


def may_review(visit: Visit, id: RequestId) -> bool:
    """Whoever may see it and had no part in it."""
    state = visit.gate.request(id)
    return may_see(visit, state) and visit.me not in state.request.parties() | {*state.approvers()}


def _state(visit: Visit) -> RequestState | None:
    """The request of this page, if it is for this person."""
    id = visit.name("id")
    if not is_id(id, "req"):
        return None
    try:
        state = visit.gate.request(RequestId(id))
    except Rejected:
        return None
    return state if may_see(visit, state) else None


def show_evidence(visit: Visit) -> Response:
    """A document of a request. Whoever could approve has opened it by that, if it was asked for as a page that a person
    looks at: by a click within this console."""
    state = _state(visit)
    evidence = None if state is None else _evidence(state, visit.name("digest"))
    if state is None or evidence is None:
        return visit.missing()
    _, data = visit.gate.evidence(evidence.digest)
    if visit.request.method == "GET" and _looked_at(visit) and state.waiting and could_approve(visit, state):
        visit.gate.opened(state.request.id, visit.me, evidence.digest)
    return document(evidence, data)


def _looked_at(visit: Visit) -> bool:
    """Not fetched ahead, nor by something other than a tab or a frame of ours (Fetch Metadata)."""
    headers = visit.request.headers
    if "prefetch" in headers.get("sec-purpose", "") or "prefetch" in headers.get("purpose", ""):
        return False
    return headers.get("sec-fetch-dest", "document") in ("document", "iframe") and headers.get(
        "sec-fetch-site", "same-origin"
    ) in ("same-origin", "none")


def _evidence(state: RequestState, digest: str) -> Evidence | None:
    return next((each for each in state.request.evidence if each.digest.hex() == digest), None)


def approve(visit: Visit) -> Response:
    state = _state(visit)
    if state is None:
        return visit.missing()
    if left := visit.gate.unopened(state.request.id, visit.me):
        names = ", ".join(each.name for each in left)
        return visit.wrong(409, "Open the evidence first", f"you have not opened: {names}")
    visit.gate.approve(state.request.id, visit.me, signature(visit, state.request.challenge()))
    return visit.go(f"/requests/{state.request.id}")


def decline(visit: Visit) -> Response:
    return _answered(visit, lambda id: visit.gate.decline(id, visit.me, visit.form.text("reason")))


def withdraw(visit: Visit) -> Response:
    return _answered(visit, lambda id: visit.gate.withdraw(id, visit.me))


def unapprove(visit: Visit) -> Response:
    return _answered(visit, lambda id: visit.gate.unapprove(id, visit.me))


def _answered(visit: Visit, answer: Callable[[RequestId], RequestState]) -> Response:
    state = _state(visit)
    if state is None:
        return visit.missing()
    answer(state.request.id)
    return visit.go(f"/requests/{state.request.id}")


ROUTES = (
    page("/waiting", show_waiting),
    page("/requests", show_mine),
    page("/requests/{id}", show_request),
    page("/requests/{id}/evidence/{digest}", show_evidence),
    page("/requests/{id}/approve", None, approve),
    page("/requests/{id}/decline", None, decline),
    page("/requests/{id}/withdraw", None, withdraw),
    page("/requests/{id}/unapprove", None, unapprove),
)
