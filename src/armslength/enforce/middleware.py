"""ASGI middleware: nothing reaches the app that the gate did not allow, and nothing outlasts the lease.

    app = Enforced(app, point, subject=who_is_signed_in)

What the app routes on and what the gate is asked about are the same bytes: the path is decoded once from `raw_path`,
strictly, and has to be the `path` that the app sees. WebSockets are asked about like any request, before they are
accepted. An answer that is still going out when the lease ends is cut off, so that it does not look whole.

It stands outside everything that looks at the path, right behind the server.
"""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

from armslength.enforce.act import Act, Allowed
from armslength.enforce.acting import acting
from armslength.enforce.failure import NotAllowed
from armslength.enforce.lasting import aside, while_running
from armslength.enforce.point import Point
from armslength.gate import Lookup, Matched, PersonId, Refused, Why, decoded, is_name

LOG = logging.getLogger("armslength.enforce")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Subject = Callable[[Scope], "str | None | Awaitable[str | None]"]
"""Who is signed in, by what the program itself has checked; None: nobody."""
Resolver = Callable[[Mapping[str, str]], "Sequence[str] | Awaitable[Sequence[str]]"]
"""The customers that a request concerns, from the segments of its path: a `*name` of the routes."""

KEY = "armslength"
"""Under which the app finds the `Allowed` in its scope."""
LEASE = b"x-armslength-lease"
OVERRIDES = frozenset(
    {b"x-http-method-override", b"x-http-method", b"x-method-override"}
    | {b"x-original-url", b"x-original-path", b"x-rewrite-url", b"x-override-url", b"x-envoy-original-path"}
)
"""By which some frameworks take another method or path than the request's, `_` for `-` or not."""
POLICY_VIOLATION = 1008
_PAGE = {
    b"cache-control": b"no-store",
    b"x-content-type-options": b"nosniff",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
}


class Enforced:
    """`app` behind the gate. `ungated` are exact paths that GET and HEAD need no leave for, such as a health check."""

    def __init__(
        self,
        app: App,
        point: Point,
        *,
        subject: Subject,
        lookups: Mapping[str, Resolver] | None = None,
        ungated: Sequence[str] = (),
    ) -> None:
        self._app, self._point, self._subject = app, point, subject
        self._lookups = dict(lookups or {})
        self._ungated = frozenset(ungated)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] not in ("http", "websocket"):
            raise ValueError(f"a connection of the kind {scope['type']!r}: expected http or websocket")
        exchange = _Exchange(scope, receive, send)
        try:
            answer = await self._answer(scope)
        except Exception as error:  # an error is a refusal
            LOG.error("deciding failed: %s", type(error).__name__, exc_info=LOG.isEnabledFor(logging.DEBUG))
            answer = Refused(why=Why.ERROR, says=f"deciding failed with {type(error).__name__}")
        match answer:
            case Refused():
                await exchange.refuse(answer, self._point.ask_url)
            case None:
                await self._app(_cleaned(scope), receive, send)
            case (allowed, token):
                await self._run(exchange, _cleaned(scope), allowed, token)

    async def _run(self, exchange: _Exchange, scope: Scope, allowed: Allowed, token: str | None) -> None:
        scope[KEY] = allowed
        with acting(self._point, allowed.act.person, lease=token):
            work = self._app(scope, exchange.receive, exchange.send)
            try:
                await while_running(self._point, allowed, _whole(work), exchange.cut)
            except NotAllowed as error:  # the lease ended, or something guarded inside was refused
                await exchange.end(error.refused, self._point.ask_url)

    async def _answer(self, scope: Scope) -> tuple[Allowed, str | None] | Refused | None:
        target, path = scope.get("raw_path"), scope["path"]
        method = str(scope["method"]) if scope["type"] == "http" else "GET"
        headers = [(_plain(name), bytes(value)) for name, value in scope["headers"]]
        if not isinstance(target, bytes):
            return Refused(why=Why.ERROR, says="the server does not say how the path came")
        raw = target.decode("latin-1")
        segments = decoded(raw)
        if isinstance(segments, str):
            return Refused(why=Why.AMBIGUOUS, says=f"the path has {segments}")
        if path != "/" + "/".join(segments):
            return Refused(why=Why.AMBIGUOUS, says="the path that came is not the one that the service would look at")
        if OVERRIDES.intersection(name for name, _ in headers):
            return Refused(why=Why.AMBIGUOUS, says="a header asks for another method or path than the request")
        hosts = [value for name, value in headers if name == b"host"]
        leases = [value for name, value in headers if name == LEASE]
        if len(hosts) != 1 or len(leases) > 1:
            return Refused(why=Why.AMBIGUOUS, says="expected one Host, and at most one lease")
        if scope["type"] == "http" and method in ("GET", "HEAD") and raw in self._ungated:
            return None
        routes = self._point.routes()
        if isinstance(routes, Refused):
            return routes
        matched = routes.match(method, hosts[0].decode("latin-1"), raw)
        if isinstance(matched, Refused):
            return matched
        said = self._subject(scope)
        person = await said if inspect.isawaitable(said) else said
        if not person or not is_name(person):
            return Refused(why=Why.UNKNOWN_SUBJECT, says="nobody is signed in")
        customers = await self._customers(matched)
        if isinstance(customers, Refused):
            return customers
        act = Act(person=PersonId(person), action=matched.action, resource=matched.resource, customers=customers)
        token = leases[0].decode("latin-1") if leases else None
        allowed = await aside(lambda: self._point.allow(act, token=token))
        return allowed if isinstance(allowed, Refused) else (allowed, token)

    async def _customers(self, matched: Matched) -> tuple[str, ...] | Refused:
        if not isinstance(matched.customers, Lookup):
            return matched.customers
        name, segments = matched.customers.name, matched.customers.segments
        resolver = self._lookups.get(name)
        if resolver is None:
            return Refused(why=Why.ERROR, says=f"the service has no resolver {name!r}, so the customers are not known")
        found = await aside(lambda: resolver(segments))
        customers = await found if inspect.isawaitable(found) else found
        if isinstance(customers, str) or not all(isinstance(each, str) and is_name(each) for each in customers):
            return Refused(why=Why.ERROR, says=f"the resolver {name!r} did not say which customers it concerns")
        return tuple(sorted(set(customers)))


class _Exchange:
    """One request or WebSocket on its way through."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._websocket = scope["type"] == "websocket"
        self._started = self._over = False
        self.was_cut = False

    async def receive(self) -> Message:
        if self.was_cut:
            return (
                {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
                if self._websocket
                else {"type": "http.disconnect"}
            )
        return await self._receive()

    async def send(self, message: Message) -> None:
        if self.was_cut:
            raise ConnectionAbortedError("the lease has ended")
        self._started = self._started or message["type"] in ("http.response.start", "websocket.accept")
        self._over = self._over or message["type"] == "websocket.close"
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._over = True
        await self._send(message)

    def cut(self) -> None:
        """Nothing of the app's goes out any more, whether or not it takes note."""
        self.was_cut = True

    async def end(self, refused: Refused, ask: str) -> None:
        if self._over:
            return
        if not self._started:
            await self.refuse(refused, ask)
        elif self._websocket:
            await self._send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refused.says[:120]})
        else:
            # The server closes the connection, and the answer does not look whole.
            raise NotAllowed(refused)

    async def refuse(self, refused: Refused, ask: str) -> None:
        status = 401 if refused.why is Why.UNKNOWN_SUBJECT else 403
        body = json.dumps({"reason": str(refused.why), "says": refused.says, "ask": ask}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"x-armslength-why", str(refused.why).encode()),
            *_PAGE.items(),
        ]
        kind = "http"
        if any(bytes(name).lower() in (b"content-length", b"transfer-encoding") for name, _ in self._scope["headers"]):
            # What is left of the body would be read for as long as it comes.
            headers.append((b"connection", b"close"))
        if self._websocket:
            if not self._started:
                await self._receive()  # websocket.connect
            if "websocket.http.response" not in self._scope.get("extensions", {}):
                await self._send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refused.says[:120]})
                return
            kind = "websocket.http"
        await self._send({"type": f"{kind}.response.start", "status": status, "headers": headers})
        await self._send({"type": f"{kind}.response.body", "body": body})


async def _whole(work: Awaitable[None]) -> None:
    await work


def _plain(name: bytes) -> bytes:
    """A header's name as an app may read it: to WSGI and what is like it, `_` and `-` are one."""
    return bytes(name).lower().replace(b"_", b"-")


def _cleaned(scope: Scope) -> Scope:
    """What the app sees: nothing that a caller sent in the name of the gate, under any spelling."""
    headers = [
        (name, value)
        for name, value in scope["headers"]
        if not _plain(name).startswith((b"x-armslength-", b"x-original-"))
    ]
    return {**scope, "headers": headers}
