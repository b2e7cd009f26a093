"""Where people's programs ask the point for a role, over HTTP: `POST /open`, and `GET /health`. Plain ASGI.

Nothing that is secret comes back: the password stays where it was made, and what is sent of it is its verifier.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from armslength.enforce.postgresql_point import PostgresqlPoint
from armslength.enforce.postgresql_settings import PostgresqlPointSettings
from armslength.gate import Refused, Why, format_moment
from armslength.tlog import Json

MOST_BYTES = 65_536
BODY_SECONDS = 10.0
MOST_WAITING = 8
"""Questions at one time; more wait their turn."""
WORD = b"x-armslength-word"
"""The header in which the web server in front proves that it is that."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class PostgresqlApp:
    def __init__(self, point: PostgresqlPoint, settings: PostgresqlPointSettings) -> None:
        self._point, self._settings = point, settings
        self._threads = ThreadPoolExecutor(max_workers=MOST_WAITING, thread_name_prefix="armslength-open")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            status, form = await self._answer(scope, receive)
            await _say(send, status, form)

    async def _answer(self, scope: Message, receive: Receive) -> tuple[int, dict[str, Json]]:
        method, path = scope["method"], scope["path"]
        if (method, path) == ("GET", "/health"):
            return await self._health()
        if path not in ("/open", "/health"):
            return 404, {"says": "expected POST /open or GET /health"}
        if (method, path) != ("POST", "/open"):
            return 405, {"says": "expected POST /open or GET /health"}
        person = self._person(scope)
        if isinstance(person, Refused):
            return 401, _refusal(person)
        body = await _body(receive)
        asked = _asked(body)
        if isinstance(asked, str):
            return 400, {"says": asked}
        token, verifier, customers = asked
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(
            self._threads, lambda: self._point.open(token, verifier, customers=customers, person=person)
        )
        if isinstance(answer, Refused):
            return 403, _refusal(answer)
        return 200, {
            "role": answer.role,
            "database": answer.database,
            "server": self._settings.people,
            "until": format_moment(answer.until),
        }

    async def _health(self) -> tuple[int, dict[str, Json]]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, self._point.health)
        return (200 if found.refuses is None and found.gate is None else 503), {
            "refuses": found.refuses,
            "gate": found.gate,
            "roles": found.roles,
            "waiting": found.waiting,
            "bytes": found.bytes,
            "odd": found.odd,
        }

    def _person(self, scope: Message) -> str | None | Refused:
        """Who asks, as the web server in front says; None where a lease's token is enough."""
        if self._settings.subject is None:
            return None
        name = self._settings.subject.lower().encode()
        words = [value for key, value in scope["headers"] if key == WORD]
        people = [value for key, value in scope["headers"] if key == name]
        if len(words) != 1 or not hmac.compare_digest(words[0], self._settings.word.encode()):
            return Refused(why=Why.UNKNOWN_SUBJECT, says="this did not come by the web server that knows who you are")
        if len(people) != 1 or not people[0]:
            return Refused(why=Why.UNKNOWN_SUBJECT, says="nobody is known to ask")
        return str(people[0].decode("utf-8", "replace"))


def _asked(body: bytes | None) -> tuple[str, str, tuple[str, ...]] | str:
    """What is asked, or what is wrong with it."""
    if body is None:
        return f"the body has more than {MOST_BYTES} bytes, or did not come in time"
    try:
        form = json.loads(body.decode())
    except (ValueError, RecursionError):
        return "the body is no JSON"
    if not isinstance(form, dict) or form.keys() - {"customers"} != {"lease", "verifier"}:
        return "expected an object of lease, verifier and perhaps customers"
    lease, verifier, customers = form["lease"], form["verifier"], form.get("customers", [])
    if not isinstance(lease, str) or not isinstance(verifier, str):
        return "lease and verifier: expected texts"
    if not isinstance(customers, list) or not all(isinstance(each, str) for each in customers):
        return "customers: expected a list of texts"
    return lease, verifier, tuple(customers)


def _refusal(refused: Refused) -> dict[str, Json]:
    return {"why": str(refused.why), "says": refused.says}


async def _body(receive: Receive) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > MOST_BYTES:
                    return None
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        return None


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _say(send: Send, status: int, form: dict[str, Json]) -> None:
    body = json.dumps(form, separators=(",", ":")).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
