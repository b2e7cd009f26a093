"""What stands around every app: safe headers, an end to what takes too long, and a line in the log that names nobody.

The log line has the method, the kind of thing that was asked for, the status and the time it took. It has no address,
no path (which may hold a customer's handle) and nothing else that the caller sent.
"""

from __future__ import annotations

import asyncio
import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOG = logging.getLogger("armslength.web")

SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
}
"""Set wherever an app did not set its own."""
DRAINED = 8
"""Times the limit of a body that is still read, so that who sent too much reads the answer and no reset connection."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"})


class Edge:
    """An app with the above; every answer is over after `seconds`."""

    def __init__(self, app: ASGIApp, *, seconds: float = 60.0) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._seconds):
                await self._app(scope, exchange.receive, exchange.send)
        except TimeoutError:
            await exchange.fail(503, "took too long")
        except ClientDisconnect:
            LOG.info("%s %s gone", _method(scope), kind_of(scope))
            return
        except Exception as error:
            # The message may hold what the caller sent.
            LOG.error("%s %s: %s", _method(scope), kind_of(scope), type(error).__name__, exc_info=LOG.isEnabledFor(10))
            await exchange.fail(500, "internal error")
        took = 1000 * (time.monotonic() - began)
        LOG.info("%s %s %s %.0f ms", _method(scope), kind_of(scope), exchange.status, took)


class _Exchange:
    """One request on its way through: what was received of its body, and how the answer began."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        self._unread = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        self._receive, self._send, self._scope = receive, send, scope
        self.status = 0

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self._unread = False
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in SAFE_HEADERS.items():
                headers.setdefault(name, value)
            if self._unread:
                # What is left of the body would be read for as long as it comes.
                headers["Connection"] = "close"
        await self._send(message)

    async def fail(self, status: int, reason: str) -> None:
        if self.status:
            raise ConnectionAbortedError(
                "the answer had begun"
            )  # the server cuts the connection: it must not look whole
        await told(status, reason)(self._scope, self.receive, self.send)


def named(scope: Scope, kind: str) -> None:
    """Say what kind of thing is asked for, in a word for the log."""
    scope["armslength.kind"] = kind


def kind_of(scope: Scope) -> str:
    return str(scope.get("armslength.kind", "other"))


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else "odd"


def told(status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    """A refusal in one line of text."""
    return PlainTextResponse(f"{reason}\n", status_code=status, headers=headers)


async def read_body(request: Request, *, limit: int, seconds: float) -> bytes | Response:
    """The body, or the answer to one with more than `limit` bytes (413) or one that is not there in time (408)."""
    parts, size = [], 0
    too_large = told(413, f"the body has more than {limit} bytes")
    claimed = request.headers.get("content-length", "0")
    if not claimed.isdigit() or int(claimed) > DRAINED * limit:
        return too_large
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                size += len(part)
                if size <= limit:
                    parts.append(part)
                elif size > DRAINED * limit:
                    return too_large
    except TimeoutError:
        return told(408, f"the body did not come within {seconds:g} s", {"Connection": "close"})
    return b"".join(parts) if size <= limit else too_large
