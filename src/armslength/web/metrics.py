"""Figures in Prometheus' form, and whether the process lives and is ready.

The registry is passed in: two witnesses in one process do not mix their figures. Labels only ever take values that this
program chose or its operator did, so that no caller can make them without end.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from armslength.tlog import origin_hash
from armslength.web.edge import LOG, Edge, named, told


class WitnessMetrics:
    """What a witness did."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._cosigned = Counter(
            "armslength_witness_cosigned",
            "Checkpoints cosigned, by the origin's SHA-256",
            ["origin"],
            registry=registry,
        )
        self._refused = Counter(
            "armslength_witness_refused", "Requests refused, by HTTP status", ["status"], registry=registry
        )
        self._size = Gauge(
            "armslength_witness_size", "Size of the checkpoint cosigned last", ["origin"], registry=registry
        )
        self._time = Gauge(
            "armslength_witness_time_seconds", "POSIX time of the last cosignature", ["origin"], registry=registry
        )

    def cosigned(self, origin: str, *, size: int, time: int) -> None:
        label = origin_hash(origin)
        self._cosigned.labels(label).inc()
        self.stands(origin, size=size, time=time)

    def stands(self, origin: str, *, size: int, time: int) -> None:
        """What was cosigned last, also before this process began."""
        label = origin_hash(origin)
        self._size.labels(label).set(size)
        self._time.labels(label).set(time)

    def refused(self, status: int) -> None:
        self._refused.labels(str(status)).inc()


class ReadMetrics:
    """What was read of a log."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._served = Counter(
            "armslength_read_requests",
            "Requests, by what was asked for and HTTP status",
            ["kind", "status"],
            registry=registry,
        )

    def served(self, kind: str, status: int) -> None:
        self._served.labels(kind, str(status)).inc()


def operations_app(registry: CollectorRegistry, ready: Callable[[], str | None]) -> Starlette:
    """/metrics; /healthz, which says that the process answers; /readyz, 503 as long as `ready` gives a reason why not.

    For the operator: the figures are nobody else's, so it listens apart from what the public is served.
    """

    async def metrics(request: Request) -> Response:
        named(request.scope, "metrics")
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthz(request: Request) -> Response:
        named(request.scope, "healthz")
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        named(request.scope, "readyz")
        reason = await run_in_threadpool(ready)
        if reason is None:
            return PlainTextResponse("ok\n")
        LOG.error("not ready: %s", reason)
        return told(503, reason)

    app = Starlette(
        routes=[Route("/metrics", metrics), Route("/healthz", healthz), Route("/readyz", readyz)],
        middleware=[Middleware(Edge)],
    )
    app.router.redirect_slashes = False
    return app
