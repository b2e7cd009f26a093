"""The console as one ASGI app."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from armslength.console import (
    absence,
    acting,
    approving,
    asking,
    changing,
    directory_page,
    drilling,
    enrolling,
    leasing,
    ledger_page,
    oidc,
    oidc_logout,
    signing_in,
    simulating,
    voicing,
)
from armslength.console.console import Console
from armslength.console.headers import Headers
from armslength.console.rendering import STATIC, static_file
from armslength.service import Gate
from armslength.web import Edge, named, told

ROUTES = (
    *signing_in.ROUTES,
    *oidc.ROUTES,
    *oidc_logout.ROUTES,
    *approving.ROUTES,
    *asking.ROUTES,
    *leasing.ROUTES,
    *enrolling.ROUTES,
    *absence.ROUTES,
    *drilling.ROUTES,
    *changing.ROUTES,
    *directory_page.ROUTES,
    *ledger_page.ROUTES,
    *simulating.ROUTES,
    *voicing.ROUTES,
)


def console_app(
    gate: Gate, *, demo: bool = False, clock: Callable[[], float] = time.time, seconds: float = 120.0
) -> Starlette:
    """The pages of `gate`, to be served at its `url`; an answer has `seconds` to be over, a large upload included.

    `demo` lets visitors act as anybody. Raises `NotADemonstration` for a gate that was not made as one, and
    `StoreError` where sign-in by a provider is set and cannot be had.
    """
    console = Console(gate, demo=demo, clock=clock)
    app = Starlette(
        routes=[Route("/static/{name}", _static, methods=["GET"]), *ROUTES, *(acting.ROUTES if demo else ())],
        middleware=[Middleware(Edge, seconds=seconds), Middleware(Headers, https=console.https)],
        exception_handlers={404: _missing, 405: _no_such_method},
    )
    app.router.redirect_slashes = False
    app.state.console = console
    return app


async def _static(request: Request) -> Response:
    name = str(request.path_params["name"])
    named(request.scope, "static")
    if name not in STATIC:
        return told(404, "no such file")
    return Response(static_file(name), media_type=STATIC[name], headers={"Cache-Control": "max-age=300"})


async def _missing(request: Request, error: Exception) -> Response:
    return told(404, "no such page")


async def _no_such_method(request: Request, error: Exception) -> Response:
    return told(405, "this page takes no such method")
