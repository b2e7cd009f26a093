"""A customer's own word, by the link that was sent to them. The link is the proof: no sign-in, nothing of others."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from starlette.responses import Response

from armslength.console.door import page
from armslength.console.request_row import Status
from armslength.console.terms_view import terms_of
from armslength.console.visit import Visit
from armslength.gate import (
    CalledOff,
    Expired,
    Granted,
    Open,
    Question,
    Rejected,
    RequestState,
    TurnedDown,
    Unreadable,
    Vetoed,
    Waiting,
    Window,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What one customer is shown: no other customer, no person, no evidence."""

    id: str
    action: str
    resource: str
    customer: str
    window: Window
    status: Status
    open: bool
    may_agree: bool
    explain: str


def show_voice(visit: Visit) -> Response:
    found = _found(visit)
    return found if isinstance(found, Response) else _voice_page(visit, *found)


def take_voice(visit: Visit) -> Response:
    found = _found(visit)
    if isinstance(found, Response):
        return found
    word = visit.form.text("word")
    if word not in ("yes", "no"):
        return visit.wrong(400, "Say yes or no", "expected one of the two buttons")
    visit.gate.voice(visit.name("token"), word == "yes")
    return visit.go(f"/voice/{visit.name('token')}")


def _found(visit: Visit) -> tuple[RequestState, str] | Response:
    """The request and the customer of the link. Only wrong ones are counted: whoever sends many of those must not keep
    a customer from their word."""
    try:
        return visit.gate.voice_of(visit.name("token"))
    except Rejected:
        if not visit.console.strangers.take("", time.monotonic()):
            return visit.wrong(429, "Too many people at once", "wait a moment, then try again")
        return visit.wrong(404, "This link is not good", "it is mistyped, or what it was for is long over")


def _voice_page(visit: Visit, state: RequestState, customer: str) -> Response:
    """The form's token belongs to a secret in the browser, as on every page; a first visit draws one."""
    secret = visit.secret or secrets.token_bytes(32)
    view = _view(visit, state, customer)
    response = visit.page(
        "voice.html",
        secret=secret,
        v=view,
        title=f"{visit.gate.settings.name} asks for your word" if view.open else "What became of it",
        lead="Somebody at the firm asks to do this with what is yours. Before it happens, you are asked."
        if view.open
        else "You were asked for your word on this.",
    )
    if visit.secret is None:
        visit.console.sessions.set_visit(response, secret)
    return response


def _view(visit: Visit, state: RequestState, customer: str) -> Voice:
    request = state.request
    agreed = customer in state.agreed
    decider = visit.gate.decider
    look = decider.look(Question.of(request))
    passages = look.passages if isinstance(look, Open) else ()
    asked = {t.customer for p in passages if p.terms and (t := terms_of(decider.estate, p.terms)) is not None}
    waiting = isinstance(state.status, Waiting)
    approving = "approve" in asked
    return Voice(
        id=request.id,
        action=request.action,
        resource=str(request.resource),
        customer=customer,
        window=request.window,
        status=_status(state, customer, agreed),
        open=waiting,
        may_agree=waiting and approving and not agreed,
        explain=_explained(approving=approving, agreed=agreed),
    )


def _explained(*, approving: bool, agreed: bool) -> str:
    if agreed:
        return "You agreed. As long as it is not granted, you can still say no."
    if approving:
        return "Without your yes it does not happen. Your no ends it."
    return "Your no ends it. If you say nothing, it may happen once people at the firm have approved it."


def _status(state: RequestState, customer: str, agreed: bool) -> Status:
    """In words that name nobody else."""
    match state.status:
        case Waiting():
            return Status(kind="wait", word="waiting", says="You agreed." if agreed else "You have not answered.")
        case Granted():
            return Status(kind="yes", word="granted", says="It was allowed. Each use is in your records.")
        case Vetoed():
            mine = state.status.customer == customer
            return Status(kind="no", word="refused", says="You did not agree." if mine else "It does not happen.")
        case TurnedDown() | Expired() | CalledOff() | Unreadable():
            return Status(kind="over", word="over", says="It does not happen.")


ROUTES = (page("/voice/{token}", show_voice, take_voice, open=True),)
