"""Signing in at an identity provider: the way there and back.

The browser goes there from a page of ours and not by a redirect: our pages let no form lead elsewhere. It comes back
from another site, so that it brings no cookie of ours: the page asks for itself again first, as after a link in a mail.
What it brought is then sent by a form like any other: nothing changes but by POST, and the form shows nothing and asks
nothing. Each step that waits for the provider has threads of its own, so that one which is slow keeps nobody from
signing in with a passkey.
"""

from __future__ import annotations

import logging
import time
from urllib.parse import urlencode

from starlette.responses import Response

from armslength.console.console import BACK
from armslength.console.door import AGAIN, page
from armslength.console.sessions import Through
from armslength.console.signing_in import ours, show_problems, signed_in
from armslength.console.visit import Visit
from armslength.gate import Rejected
from armslength.service import Arrival, Returned
from armslength.store import ProviderAway, ProviderRefused

LOG = logging.getLogger("armslength.console")

LONGEST = 4096
"""Characters of each thing that a browser comes back with."""
_BEGUN_ELSEWHERE = "this sign-in was begun in another browser, took too long, or was used already; begin again"


def go_there(visit: Visit) -> Response:
    """The page that leads to the provider."""
    sign_in, path = visit.console.sign_in, ours(visit.form.text("next"))
    if sign_in is None:
        return visit.missing()
    secret, cookie = visit.console.sessions.begin_away(path, now=int(visit.console.clock()))
    try:
        address = sign_in.begin(secret)
    except ProviderAway as error:
        return _away(visit, error, path)
    response = visit.page("go_there.html", address=address, host=sign_in.settings.host)
    visit.console.sessions.set_away(response, cookie)
    return response


def come_back(visit: Visit) -> Response:
    """The page that sends what the browser came back with."""
    sign_in, sessions = visit.console.sign_in, visit.console.sessions
    if sign_in is None:
        return visit.missing()
    said = _said(dict(visit.request.query_params))
    if sessions.away(visit.request, now=int(visit.console.clock())) is None:
        if not visit.request.url.query.endswith(AGAIN):
            return visit.page("again.html", again=f"{BACK}?{urlencode(said)}&{AGAIN}")
        return _not_in(visit, "/", _BEGUN_ELSEWHERE)
    secret = visit.secret or sessions.begin(now=int(visit.console.clock()))[0]
    response = visit.page("come_back.html", secret=secret, said=said, back=BACK)
    if visit.secret is None:
        sessions.set_visit(response, secret)
    return response


def arrive(visit: Visit) -> Response:
    """From here on this browser is theirs, if the provider says so."""
    console, sign_in = visit.console, visit.console.sign_in
    if sign_in is None:
        return visit.missing()
    now = int(console.clock())
    begun = console.sessions.away(visit.request, now=now)
    if begun is None:
        return _not_in(visit, "/", _BEGUN_ELSEWHERE)
    secret, since, path = begun
    if not console.arrivals.take("", time.monotonic()):
        return _not_in(visit, ours(path), "too many people sign in at the same time; try again", status=429)
    said = _said(dict(visit.form.fields.items()))
    returned = Returned(state=said["state"], code=said["code"], issuer=said["iss"], error=said["error"])
    try:
        arrival = sign_in.arrive(returned, secret, begun=since, now=now)
        _check_known(visit, arrival)
        console.sessions.finish_away(secret, now=int(console.clock()))
    except ProviderAway as error:
        return _away(visit, error, ours(path))
    except ProviderRefused as error:
        LOG.warning("sign-in: the provider refused a code: %s", error)
        return _not_in(visit, ours(path), f"the provider did not sign you in: {error}")
    except Rejected as error:
        return _not_in(visit, ours(path), *error.problems)
    through = Through(issuer=sign_in.issuer, subject=arrival.subject, session=arrival.session)
    response = signed_in(visit, arrival.person, ours(path), through=through)
    console.sessions.forget_away(response)
    return response


def _check_known(visit: Visit, arrival: Arrival) -> None:
    if not visit.gate.decider.roster.knows(arrival.person):
        raise Rejected([f"the provider says that you are {arrival.person!r}, and nobody here has that id"])


def _away(visit: Visit, error: ProviderAway, path: str) -> Response:
    LOG.warning("sign-in: the provider: %s", error)
    host = "" if visit.console.sign_in is None else visit.console.sign_in.settings.host
    return _not_in(visit, path, f"{host} cannot sign you in at the moment: {error}", status=503)


def _not_in(visit: Visit, path: str, *problems: str, status: int = 403) -> Response:
    response = show_problems(visit, path, *problems, status=status)
    visit.console.sessions.forget_away(response)
    return response


def _said(fields: dict[str, object]) -> dict[str, str]:
    """What a provider's answer may have; what is too long for it is not there."""
    found = {}
    for name in ("code", "state", "iss", "error"):
        value = fields.get(name, "")
        text = next(iter(value), "") if isinstance(value, tuple) else value
        found[name] = text if isinstance(text, str) and len(text) <= LONGEST else ""
    return found


ROUTES = (
    page("/sign-in/there", None, go_there, open=True, waits=True),
    page(BACK, come_back, arrive, open=True, waits=True),
)
