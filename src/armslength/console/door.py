"""Where a browser's request comes in: whether it may ask that, before any page sees it.

INVARIANT: nothing changes but by POST, and every POST comes from a page of this console (`Sec-Fetch-Site` or `Origin`)
and carries the token of the browser's own session. Cookies are `SameSite=Strict` besides.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import ParamSpec, TypeVar
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from armslength.console.console import Console
from armslength.console.form import CARRIED_BYTES, SMALL_BYTES, Form, holds_files, read_form
from armslength.console.sessions import csrf_of
from armslength.console.turns import Crowded, Turn
from armslength.console.uploads import NotTaken
from armslength.console.visit import Visit, bare
from armslength.gate import Conflict, Rejected, Tampered
from armslength.service import Unavailable
from armslength.store import StoreError
from armslength.web import named, told

LOG = logging.getLogger("armslength.console")

Handler = Callable[[Visit], Response]
P = ParamSpec("P")
R = TypeVar("R")

CROWDED_SECONDS = 5
AGAIN = "again=1"
"""Marks a request that a page of ours sent in place of the one that came from elsewhere."""


def page(
    path: str,
    get: Handler | None,
    post: Handler | None = None,
    *,
    open: bool = False,
    upload: bool = False,
    waits: bool = False,
) -> Route:
    """A page: `get` shows it, `post` takes its form. `open`: for people who are not signed in too; `upload`: the form
    may bring files; `waits`: for somebody else's server. Handlers run in a thread of their own and may wait."""

    async def answer(request: Request) -> Response:
        console: Console = request.app.state.console
        named(request.scope, path)
        if request.headers.get("host", "").lower() != console.host:
            return told(421, "this is another host's name")
        posted = request.method == "POST"
        if posted and not _from_here(request, console):
            return told(403, "a form is taken only from this console's own pages")
        person = console.sessions.whose(request)
        rate = console.clicks if posted else console.looks
        if person is not None and not rate.take(person, time.monotonic()):
            seconds = rate.wait(person, time.monotonic())
            return bare(console, 429, "Too fast", "wait a moment, then try again", seconds=seconds)
        try:
            with console.turn(person, waits=waits) as turn:
                visit = await _threaded(turn, _entered, console, request, open)
                if isinstance(visit, Response):
                    return visit
                if posted:
                    assert post is not None
                    return await _posted(turn, visit, post, upload=upload)
                assert get is not None
                return await _threaded(turn, _answered, visit, get)
        except Crowded:
            says = "too many pages are being loaded at the same time; wait until they are there, then load this again"
            return bare(console, 429, "Too many pages at once", says, seconds=CROWDED_SECONDS)

    methods = [method for method, handler in (("GET", get), ("POST", post)) if handler is not None]
    return Route(path, answer, methods=methods)


def _from_here(request: Request, console: Console) -> bool:
    """By Fetch Metadata and Origin, as far as the browser sends them; each that has passkeys sends one of them."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is None and origin is None:
        return False
    return site in (None, "same-origin") and origin in (None, console.origin)


def _entered(console: Console, request: Request, open: bool) -> Visit | Response:
    """Who it is. The form is not read yet."""
    session = console.signed_in(request)
    visitor = console.faces().of(session[0]) if session is not None else None
    secret = session[1] if session is not None else console.sessions.visit(request)
    visit = Visit(console=console, request=request, visitor=visitor, secret=secret, form=Form())
    if visitor is None and not open:
        return _unknown(visit)
    return visit


async def _posted(turn: Turn, visit: Visit, handler: Handler, *, upload: bool) -> Response:
    """The form is read only now: what somebody unknown sends is not held in memory."""
    console, request = visit.console, visit.request
    if not (upload and holds_files(request)):
        form = await read_form(request, limit=CARRIED_BYTES if upload else SMALL_BYTES)
        if isinstance(form, Response):
            return form
        return await _threaded(turn, _answered, replace(visit, form=form), handler)
    assert visit.secret is not None  # no form with files is open to strangers
    try:
        async with console.uploads.taken(request, visit.me, csrf_of(visit.secret)) as form:
            return await _threaded(turn, _answered, replace(visit, form=form), handler)
    except NotTaken as error:
        return bare(console, error.status, error.title, error.says, seconds=error.seconds)


def _unknown(visit: Visit) -> Response:
    """To the sign-in. After a link in a mail, with which no cookie is sent, the page asks for itself first."""
    request = visit.request
    elsewhere = request.headers.get("sec-fetch-site") in ("cross-site", "same-site")
    if request.method == "GET" and elsewhere and not request.url.query.endswith(AGAIN):
        before = f"{request.url.query}&" if request.url.query else ""
        return visit.page("again.html", again=f"{request.url.path}?{before}{AGAIN}")
    path = request.url.path if request.method == "GET" else "/"
    return RedirectResponse(f"/sign-in?next={quote(path, safe='')}", status_code=303)


def _answered(visit: Visit, handler: Handler) -> Response:
    """What the page says, or in words why it could not."""
    if visit.request.method == "POST":
        given = visit.form.text("csrf")
        if visit.secret is None or not hmac.compare_digest(given.encode(), csrf_of(visit.secret).encode()):
            return visit.wrong(403, "This page was too old", "go back, load it again, and repeat what you did")
    try:
        return handler(visit)
    except Rejected as error:
        return visit.wrong(400, "This could not be done", *error.problems)
    except Conflict as error:
        return visit.wrong(409, "Something else happened first", str(error))
    except Tampered:
        return visit.wrong(
            503,
            "This cannot be trusted",
            "what is stored is not what the ledger says, so nothing is decided on it; who runs the gate is told",
        )
    except Unavailable as error:
        return visit.wrong(503, "Nothing can be decided now", str(error))


async def _threaded(turn: Turn, work: Callable[P, R | Response], *args: P.args, **kwargs: P.kwargs) -> R | Response:
    """The same in one of the console's threads."""

    def done() -> R | Response:
        try:
            return work(*args, **kwargs)
        except StoreError as error:
            LOG.error("the gate's database: %s", type(error).__name__)
            return told(503, "the gate's database does not answer; nothing was changed")

    return await turn.run(done)
