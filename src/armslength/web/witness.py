"""A witness over HTTP (c2sp.org/tlog-witness).

    POST <prefix>/add-checkpoint             cosign, or say with which status and in one line why not
    GET  <prefix>/<origin hash>/checkpoint   the latest checkpoint that was cosigned

Why the witness itself cannot answer is told to its operator, in the log, and not to the caller.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from armslength.service import Signed, Unable, Witness
from armslength.tlog import Declined, format_signatures
from armslength.web.edge import LOG, Edge, named, read_body, told
from armslength.web.metrics import WitnessMetrics

MOST_BYTES = 128 * 1024
"""Of a body. The 16 signatures that everybody has to read (signed-note, Format), at the nearly 5 kB that are expected
of one, do not fit into half of it."""
TEXT = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"


def witness_app(
    witness: Witness, metrics: WitnessMetrics, *, prefix: str = "", body_seconds: float = 10.0, seconds: float = 60.0
) -> Starlette:
    """The app of one witness, under the path `prefix`. A body has to come within `body_seconds`; every answer is over
    after `seconds`."""

    async def add_checkpoint(request: Request) -> Response:
        named(request.scope, "add-checkpoint")
        body = await read_body(request, limit=MOST_BYTES, seconds=body_seconds)
        if isinstance(body, Response):
            metrics.refused(body.status_code)
            return body
        answer = await run_in_threadpool(witness.add_checkpoint, body)
        match answer:
            case Signed(vouched=vouched, signatures=signatures):
                metrics.cosigned(vouched.checkpoint.origin, size=vouched.checkpoint.size, time=vouched.time)
                return Response(format_signatures(signatures), media_type=TEXT)
            case Declined(status=status, reason=reason, size=size):
                metrics.refused(status)
                if size is not None:
                    # media_type would have a charset added to it.
                    return Response(f"{size}\n", status_code=status, headers={"Content-Type": SIZE})
                return told(status, reason)
            case Unable():
                metrics.refused(503)
                return unable(answer)

    async def latest(request: Request) -> Response:
        named(request.scope, "latest")
        answer = await run_in_threadpool(witness.latest, request.path_params["hash"])
        if isinstance(answer, Unable):
            return unable(answer)
        if answer is None:
            return told(404, "no checkpoint of such a log was cosigned here")
        return Response(answer.format(), media_type=TEXT, headers={"Cache-Control": "max-age=3"})

    app = Starlette(
        routes=[
            Route(f"{prefix}/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route(f"{prefix}/{{hash}}/checkpoint", latest, methods=["GET"]),
        ],
        middleware=[Middleware(Edge, seconds=seconds)],
    )
    app.router.redirect_slashes = False
    return app


def unable(answer: Unable) -> Response:
    LOG.error("cannot cosign: %s", answer.reason)
    return told(503, "the witness cannot answer now", {"Retry-After": "60"})
