"""Signing in with a passkey, and out again. By way of an identity provider: oidc.py."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import msgspec
from starlette.responses import Response

from armslength.console.door import page
from armslength.console.passkeys import ask_for_signature, read_assertion
from armslength.console.sessions import Through
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
    path = ours(visit.request.query_params.get("next", "/"))
    return show_problems(visit, path) if visit.visitor is None else visit.go(path)


def show_problems(visit: Visit, path: str, *problems: str, status: int = 200) -> Response:
    """The sign-in's page again, with what was wrong; `path`: where it leads in the end."""
    console, sign_in = visit.console, visit.console.sign_in
    if visit.visitor is not None:
        return visit.wrong(status, "You were not signed in again", *problems)
    secret, challenge = console.sessions.begin(now=int(console.clock()))
    options = msgspec.json.encode(ask_for_signature(visit.gate.party, challenge=challenge, held=())).decode()
    response = visit.page(
        "sign_in.html",
        status=status,
        secret=secret,
        options=options if console.by_passkey else "",
        provider="" if sign_in is None else sign_in.settings.host,
        next=path,
        problems=[*problems],
    )
    console.sessions.set_visit(response, secret)
    return response


def sign_in(visit: Visit) -> Response:
    path = ours(visit.form.text("next"))
    if not visit.console.by_passkey:
        return show_problems(visit, path, "a passkey does not sign in here; go by way of the provider", status=403)
    try:
        person = _proved(visit)
    except Rejected as error:
        return show_problems(visit, path, *error.problems, status=403)
    except Conflict as error:
        return show_problems(visit, path, str(error), status=429)
    return signed_in(visit, person, path)


def signed_in(visit: Visit, person: PersonId, path: str, *, through: Through | None = None) -> Response:
    """From here on this browser is theirs: under a new secret, whatever it held before."""
    sessions = visit.console.sessions
    sessions.end(visit.request)
    response = visit.go(path)
    sessions.set_session(response, sessions.open(person, now=int(visit.console.clock()), through=through))
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
    console = visit.console
    session = console.sessions.of(visit.request, now=int(console.clock()))
    there = None
    if console.sign_in is not None and session is not None and session.through is not None:
        there = console.sign_in.way_out()
    console.sessions.end(visit.request)
    if there is None or console.sign_in is None:
        response = visit.go("/sign-in")
    else:
        gone = replace(visit, visitor=None)
        response = gone.page("signed_out.html", there=there, host=console.sign_in.settings.host)
    console.sessions.forget(response)
    return response


ROUTES = (
    page("/", show_first, open=True),
    page("/sign-in", show_sign_in, sign_in, open=True),
    page("/sign-out", None, sign_out),
)
