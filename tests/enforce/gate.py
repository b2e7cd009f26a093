"""A gate that says what a test tells it to, over real HTTP with real signatures: for answers that the real one gives
only when something is broken. What it is asked is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from armslength.enforce import Point, PointSettings
from armslength.estate import parse
from armslength.gate import LeaseTerms, Routes, format_moment, jwks, moment
from armslength.web import running
from tests.enforce.leases import GATE, KEY, START, listed, signed

SECRET = "pt_" + "A" * 43
HOST = "admin.example"
ROUTES = f"""\
host,method,path,action,resource,customers
{HOST},GET,/rooms/{{room}},read,rooms,{{room}}
{HOST},POST,/rooms/{{room}}/end,end,rooms,*host-of-room
{HOST},GET,/stats,count,rooms,
"""
Answering = Callable[[dict[str, Any]], "Response | Awaitable[Response]"]


@dataclass(kw_only=True)
class ScriptedGate:
    """`now` is the time by which its lists are made; `redeem` answers, None: a standing yes."""

    url: str = ""
    now: Callable[[], float] = time.time
    revoked: list[LeaseTerms] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    redeem: Answering | None = None
    uses: Answering | None = None
    list_text: str | None = None
    down: bool = False

    def app(self) -> Starlette:
        async def redeem(request: Request) -> Response:
            if self.down:
                return PlainTextResponse("down", 503)
            assert request.headers["authorization"] == f"Bearer {SECRET}"
            self.asked.append(await request.json())
            return await _answered(self.redeem, self.asked[-1], {"decision": True, "rule": "p"})

        async def uses(request: Request) -> Response:
            if self.down:
                return PlainTextResponse("down", 503)
            sent = await request.json()
            found = await _answered(self.uses, sent, {"taken": [{"use": each["use"]} for each in sent["uses"]]})
            if found.status_code == 200:
                self.taken += sent["uses"]
            return found

        async def revocations(request: Request) -> Response:
            if self.down:
                return PlainTextResponse("down", 503)
            number = 1 + len(self.revoked)
            text = self.list_text or listed(*(each.id for each in self.revoked), made=self.now(), number=number)
            return Response(text, media_type="application/jose")

        async def keys(request: Request) -> Response:
            return JSONResponse(jwks([KEY.public]))

        async def routes(request: Request) -> Response:
            return JSONResponse({"estate": "ab" * 32, "routes": Routes(estate()).form()})

        return Starlette(
            routes=[
                Route("/gate/v1/redeem", redeem, methods=["POST"]),
                Route("/gate/v1/uses", uses, methods=["POST"]),
                Route("/gate/v1/revocations", revocations),
                Route("/access/v1/jwks", keys),
                Route("/gate/v1/routes", routes),
            ]
        )


def estate() -> Any:
    return parse({"assets.csv": b"id\nrooms\n", "routes.csv": ROUTES.encode()}).estate


async def _answered(script: Answering | None, asked: dict[str, Any], otherwise: dict[str, Any]) -> Response:
    if script is None:
        return JSONResponse(otherwise)
    found = script(asked)
    return found if isinstance(found, Response) else await found


def refusal(why: str, says: str = "the gate says no") -> Answering:
    return lambda asked: JSONResponse({"decision": False, "why": why, "says": says})


def by_lease(found: LeaseTerms, *, give: bool = False) -> Answering:
    """A yes that rests on this lease; `give`: with the lease itself."""
    yes = {"decision": True, "rule": found.rule, "lease": found.id, "until": format_moment(found.end)}
    if give:
        yes["token"] = signed(found)
    return lambda asked: JSONResponse(yes)


@contextmanager
def scripted_gate(now: Callable[[], float] = time.time) -> Iterator[ScriptedGate]:
    gate = ScriptedGate(now=now)
    with running(gate.app()) as url:
        gate.url = url
        yield gate


def settings(gate: ScriptedGate, spool: Path | None, **more: Any) -> PointSettings:
    return PointSettings(url=gate.url, gate=GATE, secret=SECRET, spool=spool, **{"poll_seconds": 0.1, **more})


class Clock:
    """The time that a test says it is, for a point and for its gate."""

    def __init__(self, wall: float = START + 10) -> None:
        self.wall, self.steady = float(wall), 1000.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def point_on(gate: ScriptedGate, spool: Path | None, clock: Clock | None = None, **more: Any) -> Point:
    """A point that has looked at its gate once; the test says when it looks again."""
    if clock is None:
        found = Point(settings(gate, spool, **more))
    else:
        found = Point(settings(gate, spool, **more), clock=lambda: clock.wall, steady=lambda: clock.steady)
    found.look()
    return found


def running_lease(seconds: float, **more: Any) -> LeaseTerms:
    """A lease that ends so many seconds from now, for c-1 and c-2."""
    from tests.enforce.leases import terms

    now = time.time()
    return terms(start=moment(now - 60), end=moment(now + seconds), **more)


def body_of(response: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(response.partition(b"\r\n\r\n")[2])
    return found
