"""One exchange with the gate: what was asked, read within limits, and the answer to it. Plain ASGI, for speed.

Safe headers on every answer, an `X-Request-ID` given back as it came, and a line in the log that names nobody, as for
the other apps (edge.py).
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from armslength.web.edge import DRAINED, SAFE_HEADERS
from armslength.web.gate_body import MOST_BYTES
from armslength.web.gate_protocol import WHOLE

LOG = logging.getLogger("armslength.web")

BODY_SECONDS = 10.0
"""In which a body has to come."""
SECONDS = 60.0
"""In which work that waits for a disk or a lock has to be done."""

JSON = b"application/json"
PROBLEM = b"application/problem+json"
TEXT = b"text/plain; charset=utf-8"

Header = tuple[bytes, bytes]
P = ParamSpec("P")
R = TypeVar("R")

_SAFE: tuple[Header, ...] = tuple(
    (name.lower().encode(), value.encode()) for name, value in SAFE_HEADERS.items() if name != "Cache-Control"
)
_FRESH: Header = (b"cache-control", SAFE_HEADERS["Cache-Control"].encode())
_PLAIN = re.compile(rb"[\x20-\x7e\x80-\xff]*")

encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`headers` beside those that every answer has; `caching` in place of `no-store`."""

    status: int = 200
    body: bytes = b""
    media: bytes = JSON
    headers: tuple[Header, ...] = ()
    caching: bytes | None = None


class Refusal(Exception):
    """An answer that ends the exchange where it stands."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def answered(value: msgspec.Struct, status: int = 200, *, headers: tuple[Header, ...] = ()) -> Answer:
    return Answer(status=status, body=encode(value), headers=headers)


def said(status: int, *lines: str, headers: tuple[Header, ...] = ()) -> Answer:
    """A refusal in lines of text: AuthZEN's error message string."""
    return Answer(status=status, body="".join(f"{line}\n" for line in lines).encode(), media=TEXT, headers=headers)


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request. `headers` holds each that came once; `repeated` the names of those that came more often."""

    method: str
    path: bytes
    headers: dict[bytes, bytes]
    repeated: frozenset[bytes]
    id: str = ""
    """What stood for `{id}` in the path."""
    _receive: Receive
    _whole: bool
    _there: bool

    @property
    def whole(self) -> bool:
        """Whether the body was read to its end."""
        return self._whole

    async def body(self, limit: int = MOST_BYTES) -> bytes:
        """The body. Raises `Refusal` where it is too large (413) or not there in time (408)."""
        claimed = self.headers.get(b"content-length", b"0")
        if not claimed.isdigit() or len(claimed) > 15 or int(claimed) > DRAINED * limit:
            raise Refusal(_too_large(limit))
        try:
            if self._there:
                body = await self._read(limit)
            else:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await self._read(limit)
        except TimeoutError:
            raise Refusal(said(408, f"the body did not come within {BODY_SECONDS:g} s")) from None
        if body is None:
            raise Refusal(_too_large(limit))
        return body

    async def _read(self, limit: int) -> bytes | None:
        """The body, None where it is too large."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                raise Gone
            part = message.get("body", b"")
            size += len(part)
            if size <= limit:
                parts.append(part)
            elif size > DRAINED * limit:
                return None
            if not message.get("more_body", False):
                self._whole = True
                return None if size > limit else parts[0] if len(parts) == 1 else b"".join(parts)

    def one(self, name: bytes) -> bytes | None:
        """The header's value, None where there is none. Raises `Refusal` where it came twice."""
        if name in self.repeated:
            raise Refusal(said(400, f"the header {name.decode()} came more than once"))
        return self.headers.get(name)


async def json_body(exchange: Exchange, limit: int = MOST_BYTES) -> bytes:
    """The body of what says that it is JSON. Raises `Refusal` for what does not (AuthZEN wants 400), and as `body`."""
    given = exchange.headers.get(b"content-type", b"")
    if b"content-type" in exchange.repeated or given.partition(b";")[0].strip().lower() != JSON:
        raise Refusal(said(400, "expected Content-Type: application/json"))
    return await exchange.body(limit)


def _too_large(limit: int) -> Answer:
    return said(413, f"the body has more than {limit} bytes")


class Gone(Exception):
    """Nobody waits for the answer any more."""


async def waited(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The same in a thread, for what waits for a disk or a lock. Raises `TimeoutError`."""
    async with asyncio.timeout(SECONDS):
        return await run_in_threadpool(work, *args, **kwargs)


def exchange_of(scope: Scope, receive: Receive) -> Exchange:
    headers: dict[bytes, bytes] = {}
    repeated: set[bytes] = set()
    for name, value in scope["headers"]:
        if name in headers:
            repeated.add(name)
        else:
            headers[name] = value
    whole = headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in headers
    return Exchange(
        method=scope["method"],
        path=scope["raw_path"],
        headers=headers,
        repeated=frozenset(repeated),
        _receive=receive,
        _whole=whole,
        _there=WHOLE in scope,
    )


async def send_answer(send: Send, answer: Answer, exchange: Exchange) -> None:
    body = answer.body
    headers = [
        (b"content-type", answer.media),
        (b"content-length", b"%d" % len(body)),
        _FRESH if answer.caching is None else (b"cache-control", answer.caching),
        *_SAFE,
        *answer.headers,
    ]
    request_id = exchange.headers.get(b"x-request-id")
    if request_id is not None and _PLAIN.fullmatch(request_id):
        headers.append((b"x-request-id", request_id))
    if not exchange.whole:
        # What is left of the body would be read for as long as it comes.
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
