"""The middleware in real servers: the app sees what was allowed, as it was allowed, for as long as it is."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from armslength.enforce import Enforced, Point, guarded
from armslength.gate import LeaseTerms, Why, moment, posix
from armslength.web import running
from tests.enforce.gate import HOST, ScriptedGate, body_of, by_lease, refusal, running_lease, scripted_gate, settings
from tests.enforce.leases import signed
from tests.web.raw import exchanged, rest, wire

Message = MutableMapping[str, Any]
Handler = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass(kw_only=True)
class App:
    """An app that keeps what it saw. `handle` answers instead of it."""

    seen: list[Mapping[str, Any]] = field(default_factory=list)
    handle: Handler | None = None
    ended: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        self.seen.append(scope)
        if self.handle is not None:
            try:
                await self.handle(scope, receive, send)
            except BaseException as error:
                self.ended.append(type(error).__name__)
                raise
            self.ended.append("done")
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"done"})


@dataclass(frozen=True, kw_only=True)
class Stand:
    gate: ScriptedGate
    point: Point
    app: App
    url: str


def subject(scope: Mapping[str, Any]) -> str | None:
    """The tests' own sign-in."""
    return next((value.decode() for name, value in scope["headers"] if name == b"x-test-person"), "ana") or None


def enforced(app: App, point: Point) -> Enforced:
    def host(segments: Mapping[str, str]) -> Sequence[str]:
        if segments["room"] == "broken":
            raise RuntimeError("no database")
        return ["c-2"] if segments["room"] == "of-two" else ["c-1"]

    return Enforced(app, point, subject=subject, lookups={"host-of-room": host}, ungated=["/healthz"])


@contextlib.contextmanager
def standing(spool: Path | None, *, quick: bool = False) -> Iterator[Stand]:
    app = App()
    with (
        scripted_gate() as gate,
        Point(settings(gate, spool)) as point,
        running(enforced(app, point), quick=quick) as url,
    ):
        yield Stand(gate=gate, point=point, app=app, url=url)


@pytest.fixture(params=[False, True], ids=["h11", "httptools"])
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path / "spool", quick=request.param) as found:
        yield found


def sent(stand: Stand, line: str, *headers: str, body: bytes = b"") -> bytes:
    """The answer to a request as it is written; Host comes by itself, unless a header is one."""
    own = [] if any(header.lower().startswith("host:") for header in headers) else [f"Host: {HOST}"]
    head = "\r\n".join([f"{line} HTTP/1.1", *own, *headers, "Connection: close"])
    return exchanged(stand.url, head.encode("latin-1") + b"\r\n\r\n" + body)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def reason(answer: bytes) -> str:
    return next(
        line.split(b": ")[1].decode() for line in answer.split(b"\r\n") if line.startswith(b"x-armslength-why: ")
    )


def test_what_is_allowed_reaches_the_app(stand: Stand) -> None:
    """Honest work would stop."""
    assert sent(stand, "GET /rooms/c-1").endswith(b"done")
    assert stand.gate.asked[-1]["resource"] == {"type": "asset", "id": "rooms"}
    assert stand.gate.asked[-1]["customers"] == ["c-1"]
    assert stand.app.seen[-1]["path"] == "/rooms/c-1"
    assert stand.app.seen[-1]["armslength"].act.person == "ana"
    assert sent(stand, "POST /rooms/x/end", "Content-Length: 2", body=b"{}").endswith(b"done")
    assert stand.gate.asked[-1]["action"] == "end" and stand.gate.asked[-1]["customers"] == ["c-1"]


def test_what_is_refused_reaches_nobody_and_says_why(stand: Stand) -> None:
    """The act would happen; or the person would not know whom to ask."""
    stand.gate.redeem = refusal("approval_required", "this needs a lease, and there is none: ask for it")
    answer = sent(stand, "GET /rooms/c-1")
    assert status(answer) == 403 and reason(answer) == "approval_required"
    assert body_of(answer) == {
        "reason": "approval_required",
        "says": "this needs a lease, and there is none: ask for it",
        "ask": f"{stand.gate.url}/ask",
    }
    assert b"cache-control: no-store" in answer and not stand.app.seen


@pytest.mark.parametrize(
    "line",
    ["GET /rooms/a%2fb", "GET /rooms//c-1", "GET /rooms/../stats", "GET /rooms/%2e%2e/stats", "GET /rooms/%252e"]
    + ["GET /rooms/c-1;x=1", "GET /rooms/a%5cb", "GET /rooms/a\\b", "GET //admin.example/stats", "GET /rooms/%ff"]
    + ["GET /rooms/%00", "GET /rooms/c-1%3bx", "GET /stats/.", "GET /rooms/%2E%2E%2Fstats", "GET /rooms/c-1%0d%0aX"]
    + ["GET /nothing", "GET /rooms/c-1/", "GET /STATS", "DELETE /rooms/c-1", "PUT /stats", "GET /healthz/../stats"]
    + ["POST /healthz", "GET /%68ealthz", "GET /healthz/", "GET /rooms/\xe9", "GET /stats%23", "GET /rooms/a b"]
    + ["GET *", "OPTIONS *", "GET stats", "GET ?x", "CONNECT admin.example:443", "TRACE /stats"],
)
def test_no_other_spelling_reaches_the_app(stand: Stand, line: str) -> None:
    """The gate would be asked about one thing, and the app do another."""
    assert status(sent(stand, line)) in (400, 403, 404, 405)
    assert not stand.app.seen and not stand.gate.asked


@pytest.mark.parametrize(
    "line",
    ["GET http://admin.example/rooms/c-1", "GET http://evil.example/rooms/c-1", "GET /rooms/c-1#/../c-2"]
    + [
        "GET /rooms/c-1?x=/../c-2",
        "GET /rooms/%63-1",
        "GET http://evil.example?/rooms/c-1",
        "GET /stats#",
        "get /stats",
    ]
    + ["GET /rooms/c%2D1", "HEAD /rooms/c-1", "GET http://admin.example/stats/../rooms/c-1"],
)
def test_what_reaches_the_app_is_what_the_gate_was_asked_about(stand: Stand, line: str) -> None:
    """Servers read absolute targets, fragments and queries each in their own way; the app and the gate must not."""
    sent(stand, line)
    assert len(stand.app.seen) == len(stand.gate.asked) <= 1
    for scope, asked in zip(stand.app.seen, stand.gate.asked, strict=True):
        action = {"/rooms/c-1": ("read", ["c-1"]), "/stats": ("count", [])}[scope["path"]]
        assert (asked["action"], asked["customers"]) == action
        assert scope["method"] in ("GET", "HEAD")


@pytest.mark.parametrize(
    "headers",
    [
        (f"Host: {HOST}", "Host: evil.example"),
        (f"Host: {HOST}", f"Host: {HOST}"),
        ("Host: evil.example",),
        (f"Host: {HOST}.",),
        (f"Host: {HOST}, evil.example",),
        (f"Host: {HOST}:x",),
        ("Host:",),
        ("X-HTTP-Method-Override: DELETE",),
        ("x_http_method_override: DELETE",),
        ("X_Original-Url: /stats",),
        ("X-Override-URL: /stats",),
        ("X-Armslength-Lease: a", "X_Armslength_Lease: b"),
        ("X-Original-URL: /stats",),
        ("x-rewrite-url: /stats",),
        ("X-Armslength-Lease: a", "X-Armslength-Lease: b"),
    ],
)
def test_headers_that_could_change_what_is_asked_reach_nobody(stand: Stand, headers: tuple[str, ...]) -> None:
    """A header that only one of the two looks at makes two requests of one."""
    assert status(sent(stand, "GET /rooms/c-1", *headers)) in (400, 403)
    assert not stand.app.seen and not stand.gate.asked


def test_nobody_names_themselves(stand: Stand) -> None:
    """A service that trusts a header from the gate would take it from a caller."""
    sent(stand, "GET /rooms/c-1", "X-Armslength-Subject: boss", "X_Armslength_Subject: boss", "X-Original-URI: /x")
    assert stand.gate.asked[-1]["executor"] == "ana"
    names = {name.lower().replace(b"_", b"-") for name, _ in stand.app.seen[-1]["headers"]}
    assert not {name for name in names if name.startswith((b"x-armslength", b"x-original"))}


def test_nobody_is_nobody(stand: Stand) -> None:
    """Who has not signed in would act as whoever the app makes of an empty name."""
    answer = sent(stand, "GET /rooms/c-1", "X-Test-Person:")
    assert status(answer) == 401 and reason(answer) == "unknown_subject"
    assert not stand.app.seen and not stand.gate.asked


def test_a_resolver_that_fails_is_a_refusal(stand: Stand) -> None:
    """The act would be recorded as one on nobody."""
    answer = sent(stand, "POST /rooms/broken/end")
    assert status(answer) == 403 and reason(answer) == Why.ERROR and not stand.app.seen
    lease = running_lease(60, action="end")
    stand.gate.redeem = refusal("outside_the_lease")
    line = f"X-Armslength-Lease: {signed(running_lease(60, action='end', customers=('c-1',)))}"
    assert status(sent(stand, "POST /rooms/of-two/end", line)) == 403
    assert status(sent(stand, "POST /rooms/x/end", f"X-Armslength-Lease: {signed(lease)}")) == 200


def test_a_health_check_needs_no_leave(stand: Stand) -> None:
    """An orchestrator would end a service whose gate is away."""
    assert status(sent(stand, "GET /healthz")) == 200 and not stand.gate.asked


def test_a_dead_gate_is_a_refusal_that_says_so(stand: Stand) -> None:
    """The service would be open for as long as somebody can keep the gate down."""
    stand.gate.down = True
    answer = sent(stand, "GET /rooms/c-1")
    assert status(answer) == 403 and reason(answer) == "gate_unreachable"
    assert "does not answer" in body_of(answer)["says"] and not stand.app.seen


def test_a_service_that_starts_without_its_gate_is_closed(tmp_path: Path) -> None:
    """Nothing says what a request means, so nothing may pass."""
    from armslength.enforce import PointSettings
    from tests.enforce.gate import SECRET
    from tests.enforce.leases import GATE

    app = App()
    there = PointSettings(url="http://127.0.0.1:9", gate=GATE, secret=SECRET, spool=tmp_path)
    with Point(there) as point, running(enforced(app, point)) as url:
        answer = exchanged(url, f"GET /stats HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        assert status(answer) == 403 and reason(answer) == "gate_unreachable" and not app.seen


async def endless(scope: Any, receive: Any, send: Any) -> None:
    """An export that never ends."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/csv")]})
    while True:
        await send({"type": "http.response.body", "body": b"row\n" * 100, "more_body": True})
        await asyncio.sleep(0.02)


async def stubborn(scope: Any, receive: Any, send: Any) -> None:
    """One that takes no note of being told to stop."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        try:
            await send({"type": "http.response.body", "body": b"row\n" * 100, "more_body": True})
            await asyncio.sleep(0.02)
        except asyncio.CancelledError:
            pass


def ends_with(found: LeaseTerms) -> float:
    return posix(found.end) - time.time()


@pytest.mark.parametrize("app", [endless, stubborn])
@pytest.mark.parametrize("brought", [True, False], ids=["checked-here", "redeemed"])
def test_a_download_ends_with_the_lease_and_does_not_look_whole(stand: Stand, app: Handler, brought: bool) -> None:
    """Whoever has access for a minute would take the whole archive along, as long as it takes."""
    lease = running_lease(2.2)
    stand.app.handle = app
    stand.gate.redeem = by_lease(lease)
    headers = [f"X-Armslength-Lease: {signed(lease)}"] if brought else []
    answer = sent(stand, "GET /rooms/c-1", *headers)
    over = time.time() - posix(lease.end)
    assert status(answer) == 200 and answer.count(b"row") > 100
    assert not answer.endswith(b"0\r\n\r\n")
    assert -0.1 < over < 2.0
    assert bool(stand.gate.asked) != brought


def test_a_download_ends_when_its_lease_is_revoked(stand: Stand) -> None:
    """Revoking would stop the next request and not the one that matters."""
    lease = running_lease(600)
    stand.app.handle = endless
    stand.gate.redeem = by_lease(lease)
    threading.Timer(0.7, lambda: stand.gate.revoked.append(lease)).start()
    before = time.monotonic()
    answer = sent(stand, "GET /rooms/c-1")
    assert not answer.endswith(b"0\r\n\r\n") and 0.5 < time.monotonic() - before < 6


def test_a_body_that_comes_after_the_lease_changes_nothing(stand: Stand) -> None:
    """Whoever holds back the last byte would carry out the act whenever they like."""
    lease = running_lease(1.5, action="end")
    stand.gate.redeem = by_lease(lease)
    done: list[bytes] = []

    async def act(scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message["body"]
            if not message.get("more_body"):
                break
        done.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    stand.app.handle = act
    with wire(stand.url) as connection:
        connection.sendall(f"POST /rooms/x/end HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 5\r\n\r\n1234".encode())
        time.sleep(max(0.0, ends_with(lease)) + 1.5)
        with contextlib.suppress(OSError):
            connection.sendall(b"5")
        answer = rest(connection)
    assert done == []
    assert status(answer) == 403 and reason(answer) == "expired"


def test_a_guarded_call_inside_is_asked_about_as_the_same_person(stand: Stand) -> None:
    """What a request does further in would be done as nobody, or as the service itself."""

    @guarded(action="count", resource="asset:rooms")
    async def count() -> int:
        return 7

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = str(await count()).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
        await send({"type": "http.response.body", "body": body})

    stand.app.handle = app
    assert sent(stand, "GET /rooms/c-1", "X-Test-Person: bea").endswith(b"7")
    assert [(each["executor"], each["action"]) for each in stand.gate.asked] == [("bea", "read"), ("bea", "count")]
    stand.gate.redeem = lambda asked: (by_lease(running_lease(60)) if asked["action"] == "read" else refusal("spent"))(
        asked
    )
    answer = sent(stand, "GET /rooms/c-1")
    assert status(answer) == 403 and reason(answer) == "spent"


# What no server here speaks: WebSockets, and scopes that disagree with themselves, are driven over ASGI directly.


@dataclass(kw_only=True)
class Socket:
    """The server's side of a WebSocket."""

    sent: list[Message] = field(default_factory=list)
    incoming: list[Message] = field(default_factory=lambda: [{"type": "websocket.connect"}])

    async def receive(self) -> Message:
        while not self.incoming:
            await asyncio.sleep(0.01)
        return self.incoming.pop(0)

    async def send(self, message: Message) -> None:
        self.sent.append(message)


def websocket(path: str = "/rooms/c-1", **more: Any) -> dict[str, Any]:
    return {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", HOST.encode())],
        "scheme": "ws",
        **more,
    }


async def echo(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": message.get("text", "")})


def test_a_websocket_that_is_refused_is_never_accepted(tmp_path: Path) -> None:
    """A live feed of a customer's meeting would be open to whoever asks for it by another protocol."""
    with standing(None) as stand:
        stand.gate.redeem = refusal("approval_required", "ask first")
        middleware = enforced(stand.app, stand.point)
        plain = Socket()
        asyncio.run(middleware(websocket(), plain.receive, plain.send))
        assert plain.sent == [{"type": "websocket.close", "code": 1008, "reason": "ask first"}]
        telling = Socket()
        scope = websocket(extensions={"websocket.http.response": {}})
        asyncio.run(middleware(scope, telling.receive, telling.send))
        assert [message["type"] for message in telling.sent] == [
            "websocket.http.response.start",
            "websocket.http.response.body",
        ]
        assert telling.sent[0]["status"] == 403 and b"ask first" in telling.sent[1]["body"]
        for path in ("/rooms/../stats", "/rooms//x", "/nothing"):
            asyncio.run(middleware(websocket(path), Socket().receive, plain.send))
            assert plain.sent[-1]["type"] == "websocket.close"
        assert not stand.app.seen


@pytest.mark.parametrize("how", ["end", "revoked", "gate-away"])
def test_a_websocket_ends_with_its_lease(tmp_path: Path, how: str) -> None:
    """Somebody who is connected once would listen in for ever."""
    with standing(None) as stand:
        lease = running_lease(2.0 if how == "end" else 600)
        stand.gate.redeem = by_lease(lease)
        stand.app.handle = echo
        socket = Socket()
        socket.incoming += [{"type": "websocket.receive", "text": "hello"}]
        if how == "revoked":
            threading.Timer(0.5, lambda: stand.gate.revoked.append(lease)).start()
        if how == "gate-away":
            # Nothing newer than this list comes any more.
            from tests.enforce.leases import listed

            stand.gate.list_text = listed(made=time.time() - 58, number=9)
            stand.point.look()

        async def talk() -> None:
            await asyncio.wait_for(
                enforced(stand.app, stand.point)(websocket(), socket.receive, socket.send), timeout=20
            )

        asyncio.run(talk())
        assert [message["type"] for message in socket.sent] == ["websocket.accept", "websocket.send", "websocket.close"]
        assert socket.sent[-1]["code"] == 1008 and stand.app.ended == ["CancelledError"]
        says = {"end": "run out", "revoked": "revoked", "gate-away": "too old"}[how]
        assert says in socket.sent[-1]["reason"]


@pytest.mark.parametrize(
    "more",
    [
        {"path": "/stats"},
        {"path": "/rooms/c-2"},
        {"path": "/rooms/c-1/"},
        {"raw_path": None},
        {"raw_path": b"/rooms/c-1?x"},
        {"raw_path": b"/rooms/c-2"},
        {"raw_path": b""},
    ],
)
def test_a_server_that_shows_two_paths_reaches_nobody(tmp_path: Path, more: dict[str, Any]) -> None:
    """Something between the server and us has rewritten the path: the gate would be asked about another one."""
    with standing(None) as stand:
        out = Socket()
        scope = {**websocket(), "type": "http", "method": "GET", **more}
        asyncio.run(enforced(stand.app, stand.point)(scope, out.receive, out.send))
        assert out.sent[0]["status"] == 403 and not stand.app.seen and not stand.gate.asked


def test_an_unknown_kind_of_connection_reaches_nobody(tmp_path: Path) -> None:
    """A server's next protocol would pass by unasked."""
    with standing(None) as stand, pytest.raises(ValueError, match="webtransport"):
        asyncio.run(enforced(stand.app, stand.point)({"type": "webtransport"}, None, None))  # type: ignore[arg-type]


def test_the_end_of_a_lease_is_met_to_the_moment(tmp_path: Path) -> None:
    """A second more is a second in which what was not approved happens."""
    with standing(None) as stand:
        lease = running_lease(3)
        assert lease.end == moment(posix(lease.end))
        stand.gate.redeem = by_lease(lease)
        stand.app.handle = echo
        socket = Socket()
        asyncio.run(enforced(stand.app, stand.point)(websocket(), socket.receive, socket.send))
        assert 0 <= time.time() - posix(lease.end) < 0.25
