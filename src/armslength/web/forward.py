"""Answers for proxies that ask before they pass a request on. Each kind has a path of its own, and what it says of the
request is taken from one place only: a proxy hands a client's headers on, so that of two places one would be theirs.

    /gate/v1/forward        nginx `auth_request`: X-Original-Method, X-Original-Host, X-Original-URI
    /gate/v1/forward-auth   Caddy, Traefik: X-Forwarded-Method, X-Forwarded-Host, X-Forwarded-Uri
    /gate/v1/ext-authz/…    Envoy `ext_authz`: the method, the host and the path behind this prefix

`X-Armslength-Subject` is who is signed in, `X-Armslength-Lease` the lease that they present, if any; the proxy sets
both and drops a client's. The answer is 200, 401 (nobody is signed in) or 403 with the reason in `X-Armslength-Why`;
nginx takes any other status for an error of its own. A proxy that the gate does not know is told 403 too: it shows the
answer to a person, who would be sent to sign in for what is not theirs to mend. A yes that concerns a customer has been
recorded.

Envoy, Caddy and Traefik show a person the gate's own answer: a page to who accepts one, JSON to who does not. Envoy is
told what is left of a lease as `grpc-timeout` too, by which it ends a stream that was opened under it.
"""

from __future__ import annotations

import asyncio
import html
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import msgspec
import urllib3

from armslength.estate import parse_host
from armslength.gate import (
    MOST_CUSTOMERS,
    Lookup,
    Matched,
    Moment,
    PersonId,
    Refused,
    Routes,
    Why,
    format_moment,
    is_name,
)
from armslength.service import Gate, Redeemed
from armslength.store import GatePoint
from armslength.web.authzen_wire import Wire
from armslength.web.gate_exchange import Answer, Exchange, Header, Refusal, encode, waited
from armslength.web.gate_points import Points, not_guarded

LOG = logging.getLogger("armslength.web")

FORWARD, FORWARD_AUTH, EXT_AUTHZ = "/gate/v1/forward", "/gate/v1/forward-auth", "/gate/v1/ext-authz/"
LOOKUP_SECONDS = 2.0
LOOKUPS = 16
"""At once: a service that is slow must not keep others' requests waiting."""
MOST_LOOKUP_BYTES = 1_000_000
UNKNOWN_PROXY = (
    "the proxy here has no secret that the gate knows, so it lets nothing through: tell whoever looks after it"
)

_ORIGINAL = (b"x-original-method", b"x-original-host", b"x-original-uri")
_FORWARDED = (b"x-forwarded-method", b"x-forwarded-host", b"x-forwarded-uri")
_SUBJECT, _LEASE = b"x-armslength-subject", b"x-armslength-lease"
HTML = b"text/html; charset=utf-8"


class ForwardAnswer(Wire, frozen=True):
    """Why not, as a code and as a sentence for the person, and where they could ask for it."""

    reason: str
    says: str
    ask: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meant:
    """Who wants what, as the proxy says."""

    person: PersonId
    lease: str | None
    matched: Matched


class Forward:
    """The answers, over a gate's routes and leases."""

    def __init__(self, gate: Gate, points: Points) -> None:
        self._gate = gate
        self._points = points
        self._lookups = Lookups({each.name: each.url for each in gate.settings.lookups})
        self._looking = asyncio.Semaphore(LOOKUPS)
        self._routes: tuple[str, Routes] | None = None

    async def original(self, exchange: Exchange) -> Answer:
        return await self._answer(exchange, self._named(exchange, _ORIGINAL), (_SUBJECT, _LEASE, *_ORIGINAL))

    async def forwarded(self, exchange: Exchange) -> Answer:
        said = self._named(exchange, _FORWARDED)
        return _shown(exchange, await self._answer(exchange, said, (_SUBJECT, _LEASE, *_FORWARDED)))

    async def ext_authz(self, exchange: Exchange) -> Answer:
        path = exchange.path[len(EXT_AUTHZ) - 1 :]
        said = (exchange.method.encode(), exchange.headers.get(b"host", b""), path)
        return _shown(exchange, await self._answer(exchange, said, (_SUBJECT, _LEASE, b"host"), ends=self._ends))

    async def _answer(
        self,
        exchange: Exchange,
        said: tuple[bytes, bytes, bytes],
        once: tuple[bytes, ...],
        ends: Callable[[Moment], Header] | None = None,
    ) -> Answer:
        try:
            point = self._points.caller(exchange, "forward")
        except Refusal as refusal:
            if refusal.answer.status != 401:
                raise
            LOG.error("a proxy asked without the secret of a point")
            return self._refused(Refused(why=Why.GATE, says=UNKNOWN_PROXY))
        if twice := sorted(exchange.repeated.intersection(once)):
            names = ", ".join(name.decode() for name in twice)
            return self._refused(Refused(why=Why.AMBIGUOUS, says=f"the proxy sent {names} more than once"))
        meant = self._meant(exchange, said, point)
        if isinstance(meant, Answer):
            return meant
        customers = meant.matched.customers
        if isinstance(customers, Lookup):
            async with self._looking:
                found = await waited(self._lookups.customers, customers)
            if isinstance(found, Refused):
                return self._refused(found)
            customers = found
        answer = await waited(self._redeemed, meant, customers, point)
        return self._refused(answer) if isinstance(answer, Refused) else _permitted(answer, ends)

    @staticmethod
    def _named(exchange: Exchange, names: tuple[bytes, bytes, bytes]) -> tuple[bytes, bytes, bytes]:
        method, host, uri = (exchange.headers.get(name, b"") for name in names)
        return method, host, uri

    def _meant(self, exchange: Exchange, said: tuple[bytes, bytes, bytes], point: GatePoint) -> _Meant | Answer:
        try:
            method, host, target = (each.decode("ascii") for each in said)
            person = exchange.headers.get(_SUBJECT, b"").decode("utf-8").strip()
        except UnicodeDecodeError:
            return self._refused(Refused(why=Why.AMBIGUOUS, says="the proxy sent what is not text"))
        if not (name := parse_host(host)) or not ("*" in point.hosts or name in point.hosts):
            return self._refused(Refused(why=Why.UNMAPPED, says="this point may not ask about this host"))
        if not person:
            return self._refused(Refused(why=Why.UNKNOWN_SUBJECT, says="nobody is signed in"), status=401)
        matched = self._now().match(method, host, target)
        if isinstance(matched, Refused):
            return self._refused(matched)
        if not point.guards(matched.action, matched.resource):
            return self._refused(not_guarded())
        lease = exchange.headers.get(_LEASE, b"").decode("latin-1") or None
        return _Meant(person=PersonId(person), lease=lease, matched=matched)

    def _redeemed(self, meant: _Meant, customers: tuple[str, ...], point: GatePoint) -> Redeemed | Refused:
        return self._gate.redeem(
            point=point.id,
            executor=meant.person,
            action=meant.matched.action,
            resource=meant.matched.resource,
            customers=customers,
            use=secrets.token_bytes(16),
            token=meant.lease,
        )

    def _ends(self, until: Moment) -> Header:
        """What is left, as gRPC writes it: at most eight digits. The gate's time is in whole seconds, so it is up to a
        second less, and never more."""
        left = int((until - self._gate.now()).total_seconds()) - 1
        return b"grpc-timeout", (f"{min(left, 99_999_999)}S" if left > 0 else "1m").encode()

    def _now(self) -> Routes:
        """Those of the estate that holds; read once for each."""
        decider = self._gate.decider
        if self._routes is None or self._routes[0] != decider.digest:
            self._routes = (decider.digest, Routes(decider.estate))
        return self._routes[1]

    def _refused(self, refused: Refused, *, status: int = 403) -> Answer:
        body = ForwardAnswer(reason=str(refused.why), says=refused.says, ask=f"{self._gate.settings.url}/ask")
        return Answer(status=status, body=encode(body), headers=((b"x-armslength-why", refused.why.encode()),))


class Lookups:
    """Services that say which customers a request concerns: `GET url?name=value…` for the segments of its path, and the
    answer `{"customers": […]}`. One that does not answer like that within `LOOKUP_SECONDS` is a refusal."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = urls
        self._pool = urllib3.PoolManager(
            retries=False,
            timeout=urllib3.Timeout(total=LOOKUP_SECONDS),
            maxsize=16,
            headers={"Accept": "application/json"},
        )

    def customers(self, lookup: Lookup) -> tuple[str, ...] | Refused:
        url = self._urls.get(lookup.name)
        if url is None:
            return _unresolved(lookup.name, "is not in the gate's settings")
        joined = f"{url}{'&' if '?' in url else '?'}{urlencode(dict(lookup.segments))}"
        try:
            answer = self._pool.request("GET", joined, redirect=False, preload_content=False)
            try:
                body = answer.read(MOST_LOOKUP_BYTES + 1)
            finally:
                answer.release_conn()
            value = json.loads(body) if answer.status == 200 and len(body) <= MOST_LOOKUP_BYTES else None
        except (urllib3.exceptions.HTTPError, ValueError, RecursionError) as error:
            LOG.error("lookup %s: %s", lookup.name, type(error).__name__)
            return _unresolved(lookup.name, "did not answer")
        customers = value.get("customers") if isinstance(value, dict) else None
        if not isinstance(customers, list) or len(customers) > MOST_CUSTOMERS or not all(map(_named, customers)):
            LOG.error("lookup %s: answered %s", lookup.name, answer.status)
            return _unresolved(lookup.name, "did not say which customers it concerns")
        return tuple(sorted(set(customers)))


def _unresolved(name: str, problem: str) -> Refused:
    return Refused(why=Why.ERROR, says=f"the lookup {name} {problem}")


def _named(value: object) -> bool:
    return isinstance(value, str) and is_name(value)


def _permitted(redeemed: Redeemed, ends: Callable[[Moment], Header] | None) -> Answer:
    headers: tuple[Header, ...] = ()
    if redeemed.until is not None:
        headers = ((b"x-armslength-until", format_moment(redeemed.until).encode()),)
        if ends is not None:
            headers = (*headers, ends(redeemed.until))
    return Answer(body=b"{}", headers=headers)


def _shown(exchange: Exchange, answer: Answer) -> Answer:
    """A refusal as a page, where the person's program takes one."""
    if answer.status == 200 or b"text/html" not in exchange.headers.get(b"accept", b""):
        return answer
    refused = msgspec.json.decode(answer.body, type=ForwardAnswer)
    says, ask = html.escape(refused.says), html.escape(refused.ask, quote=True)
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Not allowed</title>"
        f"<h1>Not allowed</h1><p>{says}</p><p>Ask for access, or see what you have: <a href='{ask}'>{ask}</a></p>\n"
    )
    return replace(answer, body=page.encode(), media=HTML)
