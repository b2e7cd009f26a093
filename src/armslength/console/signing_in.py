"""Signing in with a passkey, and out again."""

from __future__ import annotations

import re
import time

import msgspec
from starlette.responses import Response

from armslength.console.door import page
from armslength.console.passkeys import ask_for_signature, read_assertion
from armslength.console.visit import Visit
from armslength.gate import Conflict, PersonId, Rejected, check_assertion
from armslength.tlog import format_base64url

_OURS = re.compile(r"/(?:[A-Za-z0-9._~-]+/?)*")
"""Paths of this console. Nothing that a browser could take for another host: no slash twice, no backslash, no colon."""
_FAILED = "this passkey is not known here, or does not count yet"


def ours(path: str) -> str:
    """The path if it is one of this console's own, else the first page."""
    return path if len(path) <= 200 and _OURS.fullmatch(path) and not path.startswith("/sign-") else "/"


def show_first(visit: Visit) -> Response:
    """What is waiting, or else the person's own."""
    if visit.visitor is None:
        return visit.go("/sign-in")
    return visit.go("/waiting" if visit.gate.waiting_for(visit.me) else "/requests")


def show_sign_in(visit: Visit) -> Response:
    return _sign_in_page(visit, ours(visit.request.query_params.get("next", "/")))


def _sign_in_page(visit: Visit, path: str, *problems: str, status: int = 200) -> Response:
    console = visit.console
    if visit.visitor is not None:
        return visit.go(path)
    secret, challenge = console.sessions.begin(now=int(console.clock()))
    options = msgspec.json.encode(ask_for_signature(visit.gate.party, challenge=challenge, held=())).decode()
    response = visit.page(
        "sign_in.html", status=status, secret=secret, options=options, next=path, problems=[*problems]
    )
    console.sessions.set_visit(response, secret)
    return response


def sign_in(visit: Visit) -> Response:
    path = ours(visit.form.text("next"))
    try:
        person = _proved(visit)
    except Rejected as error:
        return _sign_in_page(visit, path, *error.problems, status=403)
    except Conflict as error:
        return _sign_in_page(visit, path, str(error), status=429)
    return signed_in(visit, person, path)


def signed_in(visit: Visit, person: PersonId, path: str) -> Response:
    """From here on this browser is theirs: under a new secret, whatever it held before."""
    sessions = visit.console.sessions
    sessions.end(visit.request)
    response = visit.go(path)
    sessions.set_session(response, sessions.open(person, now=int(visit.console.clock())))
    return response


def _proved(visit: Visit) -> PersonId:
    """Whose passkey signed this visit's challenge. Raises `Rejected`, and `Conflict` for one that is tried too often.

    A challenge that was signed is of no more use; tries that fail are counted for the passkey.
    """
    console, gate = visit.console, visit.gate
    challenge = console.sessions.challenge(visit.request, now=int(console.clock()))
    assertion = read_assertion(visit.form.text("credential"))
    named = format_base64url(assertion.credential)
    if not console.failures.allows(named, time.monotonic()):
        raise Conflict("this passkey failed too often; wait a minute, then try again")
    state = gate.state.key(assertion.credential)
    if state is None or state.revoked is not None or not gate.decider.roster.knows(state.key.person):
        raise Rejected([_FAILED])
    try:
        check_assertion(assertion, state.key, challenge, gate.party)
    except Rejected:
        console.failures.take(named, time.monotonic())
        raise
    console.sessions.finish(visit.request, now=int(console.clock()))
    return state.key.person


def sign_out(visit: Visit) -> Response:
    visit.console.sessions.end(visit.request)
    response = visit.go("/sign-in")
    visit.console.sessions.forget(response)
    return response


ROUTES = (
    page("/", show_first, open=True),
    page("/sign-in", show_sign_in, sign_in, open=True),
    page("/sign-out", None, sign_out),
)
