"""Signed out from the provider (OpenID Connect Back-Channel Logout 1.0): it tells us, and no browser has part in it.

This is the one request that changes something and comes from no page of ours. The provider's signature stands for it,
and all that it can do is to end sessions which this provider began.
"""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from armslength.console.console import Console
from armslength.console.form import Form, read_form
from armslength.console.turns import Crowded
from armslength.gate import Rejected
from armslength.store import ProviderAway, StoreError
from armslength.web import named, told

LOG = logging.getLogger("armslength.console")

PATH = "/oidc/backchannel-logout"
MOST_BYTES = 131_072


async def signed_out_there(request: Request) -> Response:
    """200 where it is done (section 2.8); 400 (`invalid_request`) for a token that is not taken; 503: again later."""
    console: Console = request.app.state.console
    named(request.scope, PATH)
    if console.sign_in is None:
        return told(404, "no such page")
    form = await read_form(request, limit=MOST_BYTES)
    if isinstance(form, Response):
        return form
    try:
        with console.told_turn() as turn:
            return await turn.run(_ended, console, form)
    except Crowded:
        return told(429, "too many at the same time", {"Retry-After": "1"})


def _ended(console: Console, form: Form) -> Response:
    assert console.sign_in is not None
    now = int(console.clock())
    try:
        out = console.sign_in.signed_out(form.text("logout_token"), now=now)
        console.sessions.end_named(console.sign_in.issuer, subject=out.subject, session=out.session, at=out.at, now=now)
    except Rejected as error:
        LOG.warning("sign-out by the provider: %s", error)
        return JSONResponse({"error": "invalid_request", "error_description": str(error)}, status_code=400)
    except ProviderAway as error:
        LOG.warning("sign-out by the provider: %s", error)
        return told(503, "the provider's keys cannot be had", {"Retry-After": "5"})
    except StoreError as error:
        LOG.error("the gate's database: %s", type(error).__name__)
        return told(503, "the gate's database does not answer", {"Retry-After": "5"})
    return Response(status_code=200)


ROUTES = (Route(PATH, signed_out_there, methods=["POST"]),)
