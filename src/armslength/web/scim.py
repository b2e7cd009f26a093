"""People by SCIM 2.0 (RFC 7643, RFC 7644): an identity provider says who is there, who is in which group and who left.

What it says widens nothing (service/gate_directory.py). It comes with a bearer token of its own, and sees what it said
itself and nothing of another directory. The log names nobody.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from armslength.gate import Conflict, Rejected, Tampered
from armslength.service import DirectoryMissing, DirectorySaid, DirectoryStale, DirectoryTwice, Gate, Unavailable
from armslength.store import GateDirectory
from armslength.web.edge import METHODS
from armslength.web.gate_body import parse_json
from armslength.web.gate_exchange import (
    LOG,
    Answer,
    Exchange,
    Gone,
    Header,
    Refusal,
    encode,
    exchange_of,
    send_answer,
    waited,
)
from armslength.web.scim_about import MOST_RESULTS, resource_types, schemas, service_provider_config
from armslength.web.scim_attributes import EVERY, etag, read_resource, resource_of
from armslength.web.scim_failure import MEDIA, ScimRefusal
from armslength.web.scim_filter import names_in, parse_filter
from armslength.web.scim_patch import patched

BASE = "/scim/v2"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
MOST_BYTES = {"user": 262_144, "group": 16_777_216}
"""Of a body: a group of 100,000 members takes some megabytes."""
PAGE = 100
BURST, A_SECOND = 1000.0, 200.0
"""Requests that a directory may send at once, and each second after that."""
LONGEST_QUERY = 8192
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +(dir_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])")
_CHALLENGE: Header = (b"www-authenticate", b'Bearer realm="armslength"')
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_TAG = re.compile(r"(?:W/)?\"([1-9][0-9]{0,15})\"")

Kind = Literal["user", "group"]
_KINDS: Mapping[str, Kind] = {"Users": "user", "Groups": "group"}


def scim_app(gate: Gate, *, otherwise: ASGIApp) -> ASGIApp:
    """What lies below `/scim/v2`; all else goes to `otherwise`."""
    return ScimApp(gate, otherwise)


class ScimApp:
    def __init__(self, gate: Gate, otherwise: ASGIApp) -> None:
        self._gate, self._otherwise = gate, otherwise
        self._base = f"{gate.settings.url}{BASE}"
        heard = [each for each in gate.settings.directories if each.secret_sha256]
        self._secrets = tuple((bytes.fromhex(each.secret_sha256), each) for each in heard)
        self._buckets = {each.id: _Bucket() for each in heard}
        self._config = service_provider_config(self._base)
        self._about = {"ResourceTypes": resource_types(self._base), "Schemas": schemas(self._base)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("raw_path", b"")
        if scope["type"] != "http" or not (path == BASE.encode() or path.startswith(BASE.encode() + b"/")):
            await self._otherwise(scope, receive, send)
            return
        exchange = exchange_of(scope, receive)
        began = time.monotonic()
        try:
            answer = await self._answer(exchange, scope.get("query_string", b""))
        except Gone:
            LOG.info("scim gone")
            return
        await send_answer(send, answer, exchange)
        if LOG.isEnabledFor(logging.INFO):
            method = exchange.method if exchange.method in METHODS else "odd"
            LOG.info("%s scim %s %.1f ms", method, answer.status, 1000 * (time.monotonic() - began))

    async def _answer(self, exchange: Exchange, query: bytes) -> Answer:
        try:
            directory = self._caller(exchange)
            return await self._routed(exchange, directory, query)
        except ScimRefusal as refusal:
            return refusal.answer()
        except Refusal as refusal:
            said = refusal.answer.body.decode(errors="replace").strip()
            return ScimRefusal(refusal.answer.status, said).answer()
        except DirectoryMissing as error:
            return ScimRefusal(404, str(error)).answer()
        except DirectoryTwice as error:
            return ScimRefusal(409, str(error), "uniqueness").answer()
        except DirectoryStale as error:
            return ScimRefusal(412, str(error)).answer()
        except Rejected as error:
            return ScimRefusal(400, "; ".join(error.problems), "invalidValue").answer()
        except Conflict:
            return _later("something else is under way on this: ask again")
        except Unavailable as error:
            LOG.error("scim: %s", error.why)
            return _later("taken in as far as it can be now: ask again")
        except Tampered:
            LOG.critical("scim: a stored row is not what the gate wrote")
            return ScimRefusal(503, "what is stored of this is not what the gate wrote").answer()
        except TimeoutError:
            return _later("took too long")
        except (Gone, asyncio.CancelledError):
            raise
        except Exception as error:
            # The message may hold what the caller sent.
            LOG.error("scim: %s", type(error).__name__, exc_info=LOG.isEnabledFor(logging.DEBUG))
            return ScimRefusal(500, "internal error").answer()

    def _caller(self, exchange: Exchange) -> GateDirectory:
        given = exchange.headers.get(b"authorization")
        match = None if given is None or b"authorization" in exchange.repeated else _BEARER.fullmatch(given)
        found = None
        digest = hashlib.sha256(b"" if match is None else match[1]).digest()
        for secret, directory in self._secrets:
            if hmac.compare_digest(secret, digest):
                found = directory
        if match is None or found is None:
            raise ScimRefusal(401, "no directory has this token", headers=(_CHALLENGE,))
        if not self._buckets[found.id].take():
            raise ScimRefusal(429, "too many requests: ask again in a second", headers=((b"retry-after", b"1"),))
        return found

    async def _routed(self, exchange: Exchange, directory: GateDirectory, query: bytes) -> Answer:
        try:
            parts = exchange.path.decode("ascii").removeprefix(BASE).strip("/").split("/")
        except UnicodeDecodeError:
            raise ScimRefusal(404, "no such endpoint") from None
        asked = _query(query)
        match parts:
            case ["Users" | "Groups" as place]:
                collection = _Collection(self, directory, _KINDS[place], exchange, asked)
                return await _by_method(exchange, {"GET": collection.list, "POST": collection.create})
            case ["Users" | "Groups" as place, id] if _ID.fullmatch(id):
                one = _One(self, directory, _KINDS[place], id, exchange, asked)
                verbs = {"GET": one.read, "PUT": one.replace, "PATCH": one.patch, "DELETE": one.delete}
                return await _by_method(exchange, verbs)
            case ["ServiceProviderConfig"]:
                return await _by_method(exchange, {"GET": _given(self._config)})
            case ["ResourceTypes" | "Schemas" as about]:
                if "filter" in asked:
                    raise ScimRefusal(403, "these are not filtered")
                found = list(self._about[about].values())
                return await _by_method(exchange, {"GET": _given(_listed(found, len(found), 1))})
            case ["ResourceTypes" | "Schemas" as about, id] if id in self._about[about]:
                return await _by_method(exchange, {"GET": _given(self._about[about][id])})
            case ["Me" | "Bulk"] | [".search"] | ["Users" | "Groups", ".search"]:
                raise ScimRefusal(501, "the gate has no such endpoint: see ServiceProviderConfig")
            case _:
                raise ScimRefusal(404, "no such endpoint")

    # For the endpoints

    @property
    def gate(self) -> Gate:
        return self._gate

    def resource(self, said: DirectorySaid, asked: Mapping[str, str]) -> dict[str, Any]:
        only, left_out = names_in([asked.get("attributes", "")]), names_in([asked.get("excludedAttributes", "")])
        return resource_of(said, base=self._base, only=only, left_out=left_out)

    def answer(self, said: DirectorySaid, asked: Mapping[str, str], status: int = 200) -> Answer:
        form = self.resource(said, asked)
        place = f"{self._base}/{'Users' if said.kind == 'user' else 'Groups'}/{said.id}".encode()
        headers: tuple[Header, ...] = ((b"etag", etag(said).encode()), (b"location", place))
        return Answer(status=status, body=encode(form), media=MEDIA, headers=headers)


class _Collection:
    """All users, or all groups, of one directory."""

    def __init__(
        self, app: ScimApp, directory: GateDirectory, kind: Kind, exchange: Exchange, asked: Mapping[str, str]
    ) -> None:
        self._app, self._directory, self._kind = app, directory, kind
        self._exchange, self._asked = exchange, asked

    async def list(self) -> Answer:
        start, count = max(1, _number(self._asked, "startIndex", 1)), _number(self._asked, "count", PAGE)
        count = max(0, min(count, MOST_RESULTS))
        directories = self._app.gate.directories
        if (text := self._asked.get("filter")) is None:
            total, found = await waited(directories.page, self._directory.id, self._kind, skip=start - 1, limit=count)
            return _json(_listed([self._app.resource(each, self._asked) for each in found], total, start))
        wanted = parse_filter(self._kind, text)
        some = await waited(directories.find, self._directory.id, self._kind, wanted.by, wanted.value)
        fit = [each for each in some if wanted.fits(self._app.resource(each, {}))]
        shown = fit[start - 1 : start - 1 + count]
        for each in shown:
            await waited(directories.confirm, self._directory.id, each)
        return _json(_listed([self._app.resource(each, self._asked) for each in shown], len(fit), start))

    async def create(self) -> Answer:
        attributes = read_resource(self._kind, await _body(self._exchange, self._kind))
        said = await waited(
            self._app.gate.directories.say,
            self._directory.id,
            self._kind,
            None,
            lambda before: (attributes, every_time(self._kind)),
        )
        return self._app.answer(said, self._asked, 201)


class _One:
    """One user, or one group, of one directory."""

    def __init__(
        self,
        app: ScimApp,
        directory: GateDirectory,
        kind: Kind,
        id: str,
        exchange: Exchange,
        asked: Mapping[str, str],
    ) -> None:
        self._app, self._directory, self._kind, self._id = app, directory, kind, id
        self._exchange, self._asked = exchange, asked

    async def read(self) -> Answer:
        directories = self._app.gate.directories
        said = await waited(directories.read, self._directory.id, self._kind, self._id)
        await waited(directories.confirm, self._directory.id, said)
        if self._tag(b"if-none-match") == said.version:
            return Answer(status=304, media=MEDIA, headers=((b"etag", etag(said).encode()),))
        return self._app.answer(said, self._asked)

    async def replace(self) -> Answer:
        attributes = read_resource(self._kind, await _body(self._exchange, self._kind))

        def change(before: DirectorySaid | None) -> tuple[Mapping[str, Any], Sequence[str]]:
            said = every_time(self._kind)
            if before is None or self._kind == "group" or "active" in attributes:
                return attributes, said
            # Whether they are there was not said.
            kept = {"active": before.attributes["active"]} if "active" in before.attributes else {}
            return {**attributes, **kept}, [name for name in said if name != "active"]

        return await self._said(change)

    async def patch(self) -> Answer:
        body = await _body(self._exchange, self._kind)
        return await self._said(lambda before: patched(self._kind, {} if before is None else before.attributes, body))

    async def delete(self) -> Answer:
        await waited(
            self._app.gate.directories.remove,
            self._directory.id,
            self._kind,
            self._id,
            version=self._tag(b"if-match"),
        )
        return Answer(status=204, media=MEDIA)

    async def _said(self, change: Callable[[DirectorySaid | None], Any]) -> Answer:
        said = await waited(
            self._app.gate.directories.say,
            self._directory.id,
            self._kind,
            self._id,
            change,
            version=self._tag(b"if-match"),
        )
        return self._app.answer(said, self._asked)

    def _tag(self, header: bytes) -> int | None:
        """The version that the caller knows; None: any."""
        given = self._exchange.one(header)
        if given is None or given == b"*":
            return None
        match = _TAG.fullmatch(given.decode("latin-1").strip())
        return int(match[1]) if match else -1


class _Bucket:
    """How many requests a directory may still send. Of one event loop."""

    def __init__(self) -> None:
        self._left, self._at = BURST, time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._left, self._at = min(BURST, self._left + A_SECOND * (now - self._at)), now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def every_time(kind: Kind) -> Sequence[str]:
    """A whole resource says each of its attributes, those that it leaves out as well."""
    return EVERY[kind]


async def _by_method(exchange: Exchange, verbs: Mapping[str, Callable[[], Awaitable[Answer]]]) -> Answer:
    verb = verbs.get(exchange.method) or (verbs.get("GET") if exchange.method == "HEAD" else None)
    if verb is None:
        raise ScimRefusal(405, "no such method here", headers=((b"allow", ", ".join(sorted(verbs)).encode()),))
    return await verb()


async def _body(exchange: Exchange, kind: Kind) -> Mapping[str, Any]:
    given = exchange.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if b"content-type" in exchange.repeated or given not in (MEDIA, b"application/json"):
        raise ScimRefusal(415, "expected Content-Type: application/scim+json")
    data = await exchange.body(MOST_BYTES[kind])
    try:
        value = parse_json(data)
    except Rejected as error:
        raise ScimRefusal(400, "; ".join(error.problems), "invalidSyntax") from None
    if not isinstance(value, dict):
        raise ScimRefusal(400, "expected an object", "invalidSyntax")
    return value


def _query(query: bytes) -> dict[str, str]:
    """Each parameter once. Raises `ScimRefusal`."""
    if len(query) > LONGEST_QUERY:
        raise ScimRefusal(414, "the query is too long")
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise ScimRefusal(400, "the query cannot be read", "invalidValue") from None
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ScimRefusal(400, "a parameter came twice", "invalidValue")
    return found


def _number(asked: Mapping[str, str], name: str, default: int) -> int:
    text = asked.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise ScimRefusal(400, f"{name} is no number", "invalidValue")
    return int(text)


def _listed(resources: Sequence[Mapping[str, Any]], total: int, start: int) -> dict[str, Any]:
    return {
        "schemas": [LIST],
        "totalResults": total,
        "itemsPerPage": len(resources),
        "startIndex": start,
        "Resources": list(resources),
    }


def _given(value: Mapping[str, Any]) -> Callable[[], Awaitable[Answer]]:
    async def give() -> Answer:
        return _json(value)

    return give


def _json(value: Mapping[str, Any]) -> Answer:
    return Answer(body=encode(value), media=MEDIA)


def _later(detail: str) -> Answer:
    return ScimRefusal(503, detail, headers=((b"retry-after", b"5"),)).answer()
