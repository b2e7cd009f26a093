"""The gate over HTTP, as one ASGI app: which endpoint is asked, whether the caller may, and the answer to it.

Paths have one spelling each and are compared as they came, without decoding. An endpoint is a coroutine from an
exchange to an answer; what can go wrong in it has its status here. What is not the gate's goes to `otherwise`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from armslength.gate import Conflict, Rejected, Tampered
from armslength.service import Unavailable
from armslength.web.edge import METHODS
from armslength.web.gate_exchange import LOG, Answer, Exchange, Gone, Refusal, exchange_of, said, send_answer

Handler = Callable[[Exchange], Awaitable[Answer]]

ANY = "ANY"
"""Whatever the method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """`path` may end in `{id}` or in `{id}/` and a word, where `{id}` is one segment, or in `{rest}`, which is all that
    follows. `kind` is its word in the log.

    The rest describes it: `takes` is the type of its body, `gives` those of its answers by status, none for text, and
    `secured` says whether a point's secret is needed.
    """

    method: str
    path: str
    kind: str
    handler: Handler
    summary: str
    takes: type[msgspec.Struct] | None = None
    body_required: bool = True
    gives: Mapping[int, tuple[type[msgspec.Struct], ...]] = field(default_factory=dict)
    media: str = "application/json"
    schema: Mapping[str, Any] | None = None
    """Of a good answer that has no type."""
    secured: bool = True
    parameters: Sequence[Mapping[str, Any]] = ()


class GateApp:
    """The endpoints as an ASGI app."""

    def __init__(self, endpoints: Sequence[Endpoint], *, otherwise: ASGIApp | None = None) -> None:
        self._exact: dict[bytes, dict[str, Endpoint]] = {}
        self._named: dict[tuple[bytes, bytes], dict[str, Endpoint]] = {}
        self._below: dict[bytes, dict[str, Endpoint]] = {}
        self._otherwise = otherwise
        for each in endpoints:
            before, brace, after = each.path.partition("{id}")
            if each.path.endswith("{rest}"):
                methods = self._below.setdefault(each.path.removesuffix("{rest}").encode(), {})
            elif brace:
                methods = self._named.setdefault((before.encode(), after.encode()), {})
            else:
                methods = self._exact.setdefault(each.path.encode(), {})
            methods[each.method] = each
            if each.method == "GET":
                methods["HEAD"] = each

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if self._otherwise is not None:
                await self._otherwise(scope, receive, send)
            return
        methods, id = self._found(scope["raw_path"])
        if methods is None and self._otherwise is not None:
            await self._otherwise(scope, receive, send)
            return
        exchange = exchange_of(scope, receive)
        exchange.id = id
        began = time.monotonic()
        kind = "other"
        try:
            if methods is None:
                answer = said(404, "no such endpoint")
            elif (endpoint := methods.get(exchange.method) or methods.get(ANY)) is None:
                answer = said(405, "no such method here", headers=((b"allow", ", ".join(sorted(methods)).encode()),))
            else:
                kind = endpoint.kind
                answer = await _answer(endpoint, exchange)
        except Gone:
            LOG.info("%s gone", kind)
            return
        await send_answer(send, answer, exchange)
        if LOG.isEnabledFor(logging.INFO):
            method = exchange.method if exchange.method in METHODS else "odd"
            LOG.info("%s %s %s %.1f ms", method, kind, answer.status, 1000 * (time.monotonic() - began))

    def _found(self, path: bytes) -> tuple[Mapping[str, Endpoint] | None, str]:
        methods = self._exact.get(path)
        if methods is not None:
            return methods, ""
        for (before, after), named in self._named.items():
            if path.startswith(before) and path.endswith(after):
                id = path[len(before) : len(path) - len(after)]
                if id and b"/" not in id and len(before) + len(after) < len(path) and id.isascii():
                    return named, id.decode()
        for before, below in self._below.items():
            if path.startswith(before):
                return below, ""
        return None, ""


async def _answer(endpoint: Endpoint, exchange: Exchange) -> Answer:
    try:
        return await endpoint.handler(exchange)
    except Refusal as refusal:
        return refusal.answer
    except Rejected as error:
        return said(400, *error.problems)
    except Conflict as error:
        return said(409, str(error))
    except Unavailable as error:
        LOG.error("%s: %s", endpoint.kind, error.why)
        return said(503, str(error), headers=((b"retry-after", b"5"),))
    except Tampered:
        LOG.critical("%s: a stored row is not what the ledger says", endpoint.kind)
        return said(503, "the gate's rows are not what its ledger says; nothing is decided")
    except TimeoutError:
        return said(503, "took too long", headers=((b"retry-after", b"5"),))
    except (Gone, asyncio.CancelledError):
        raise
    except Exception as error:
        # The message may hold what the caller sent.
        LOG.error("%s: %s", endpoint.kind, type(error).__name__, exc_info=LOG.isEnabledFor(logging.DEBUG))
        return said(500, "internal error")
