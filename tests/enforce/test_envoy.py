"""A real Envoy in front of a service, with the real gate: what reaches the service is what the gate recorded."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from armslength.enforce import (
    ClientCertificate,
    EnvoySite,
    SignedToken,
    envoy_bootstrap,
    envoy_secrets,
)
from armslength.enforce.nginx_headers import OVERWRITTEN
from tests.enforce import http2
from tests.enforce.certificates import CN, Authority, Name, trusting
from tests.enforce.envoy import binary, envoy_site, running_envoy, token
from tests.enforce.fronts import Front, envoy_front, envoy_person, status, why
from tests.enforce.nginx import Service, free_port, running_service
from tests.enforce.real_gate import HOST, SECRET, RealGate, real_gate
from tests.enforce.requests import CALLERS, NAMES, SMUGGLED, TARGETS
from tests.web.raw import exchanged, rest, wire


@dataclass(frozen=True, kw_only=True)
class Stand:
    gate: RealGate
    front: Front
    service: Service


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """For requests that leave nothing behind but their use."""
    folder = tmp_path_factory.mktemp("envoy")
    with (
        real_gate(folder / "gate") as gate,
        envoy_front(folder / "front", gate, ungated=("/health",), most_body=8192) as (front, service),
    ):
        yield Stand(gate=gate, front=front, service=service)


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with (
        real_gate(tmp_path / "gate") as gate,
        envoy_front(tmp_path / "front", gate) as (front, service),
    ):
        yield Stand(gate=gate, front=front, service=service)


BO = f"{envoy_person('bo')}\r\n"


@pytest.mark.parametrize("target", TARGETS, ids=range(len(TARGETS)))
@pytest.mark.parametrize("method", ["GET", "HEAD", "get", "POST", "CONNECT"])
def test_what_reaches_the_service_is_what_was_recorded(shared: Stand, target: str, method: str) -> None:
    """The gate would be asked about one customer, and the service behind show another."""
    before, seen = len(shared.gate.uses()) if "acme" in target else -1, len(shared.service.seen)
    answer = shared.front.send(f"{method} {target}")
    lines = shared.service.lines()[seen:]
    assert len(lines) <= 1
    if not lines:
        assert status(answer) != 200
        return
    got, path, _ = lines[0].split(" ")
    assert got == method and method in ("GET", "HEAD")
    words = path.partition("?")[0].split("/")[1:]
    if words == ["health"]:
        return
    assert words[0] == "status" and len(words) == 2, path
    customer = unquote_to_bytes(words[1]).decode()
    assert shared.service.header("Host") == [HOST] and shared.service.header("X-Armslength-Subject") == ["bo"]
    uses = shared.gate.uses()
    assert uses[-1].customers == (customer,) and uses[-1].executor == "bo"
    assert before < 0 or len(uses) == before + 1


ENVOYS_OWN = [
    ("X-Envoy-Original-Path: /status/other",),
    ("X-Envoy-Upstream-Rq-Timeout-Ms: 1", "X-Envoy-Max-Retries: 9", "X-Envoy-Retry-On: 5xx,4xx"),
    ("X-Envoy-Decorator-Operation: x", "X-Envoy-Internal: true", "X-Envoy-Force-Trace: true"),
    ("X-Envoy-Upstream-Stream-Duration-Ms: 1",),
    ("Grpc-Timeout: 1n",),
    ("Grpc-Timeout: 99999999H",),
    ("Content-Type: application/grpc", "TE: trailers"),
    ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
]


@pytest.mark.parametrize("headers", [*SMUGGLED, *ENVOYS_OWN], ids=range(len(SMUGGLED) + len(ENVOYS_OWN)))
def test_no_header_changes_who_asks_or_for_what(shared: Stand, headers: tuple[str, ...]) -> None:
    """Anybody could be the boss, by one line."""
    seen = len(shared.service.seen)
    answer = shared.front.send("GET /status/acme", *headers).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    if len(shared.service.seen) == seen:
        assert status(answer) in (400, 403, 404, 0, 501)
        return
    assert status(answer) == 200
    use = shared.gate.uses()[-1]
    assert (use.executor, use.customers, use.action) == ("bo", ("acme",), "view")
    assert shared.service.lines()[-1] == "GET /status/acme HTTP/1.1"
    assert shared.service.header("X-Armslength-Subject") == ["bo"]
    assert shared.service.header("Host") == [HOST]
    for name in ("X-Armslength-Held", "X-Original-URI", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override"):
        assert shared.service.header(name) == []
    for name in ("X-Forwarded-Host", "Forwarded", "X-HTTP-Method", "X-Method-Override", "Upgrade", "Grpc-Timeout"):
        assert shared.service.header(name) == []
    assert b"x-envoy-" not in shared.service.seen[-1].lower()


@pytest.mark.parametrize("path", ["/status/acme", "/health"])
def test_another_proxys_word_is_not_taken_from_a_caller(shared: Stand, path: str) -> None:
    """A service that believes `Remote-User`, or an address that may do more, would be told it by whoever likes."""
    named = sorted(
        {*OVERWRITTEN, *CALLERS, "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto"} - {"X-Armslength-Lease"}
    )
    assert status(shared.front.send(f"GET {path}", *(f"{name}: 203.0.113.9" for name in named))) == 200
    assert b"203.0.113.9" not in shared.service.seen[-1]
    assert shared.service.header("X-Real-IP") == ["127.0.0.1"] == shared.service.header("X-Forwarded-For")
    assert shared.service.header("X-Forwarded-Proto") == ["http"]
    if path == "/health":
        assert shared.service.header("X-Armslength-Subject") == []


def test_nobody_needs_leave_for_exactly_the_ungated_paths(shared: Stand) -> None:
    """Whatever looks like a health check would be a way in."""
    for line, passes in [("GET /health", True), ("HEAD /health?x=1", True), ("POST /health", False)]:
        seen = len(shared.service.seen)
        answer = shared.front.send(line, "X-Test-Person: ")
        assert (status(answer) == 200) is passes is (len(shared.service.seen) > seen), line
    for path in ("/health/", "/Health", "/%68ealth", "//health", "/health;x", "/health/../status", "/health%00"):
        seen = len(shared.service.seen)
        assert status(shared.front.send(f"GET {path}", "X-Test-Person: ")) != 200
        assert len(shared.service.seen) == seen


def test_the_secret_goes_to_the_gate_only(shared: Stand) -> None:
    """A service behind could be the point, and so could whoever reads its log."""
    shared.front.send("GET /status/acme")
    assert SECRET.encode() not in shared.service.seen[-1]
    assert SECRET.encode() not in shared.front.send("GET /nothing")


def test_nobody_is_told_to_sign_in(shared: Stand) -> None:
    """A person who is not signed in would be refused and not know what to do."""
    seen = len(shared.service.seen)
    answer = shared.front.send("GET /status/acme", "X-Test-Person: -")
    assert status(answer) == 403 and why(answer) == "unknown_subject"
    answer = exchanged(shared.front.url, f"GET /status HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
    assert status(answer) == 401 and why(answer) == "unknown_subject" and b"/ask" in answer
    assert len(shared.service.seen) == seen


def test_a_token_that_does_not_hold_is_nobody(shared: Stand) -> None:
    """Whoever writes a token would be who they like."""
    seen = len(shared.service.seen)
    good = token("bo")
    head, body, signed = good.split(".")
    unsigned = "eyJhbGciOiJub25lIn0"
    bad = [
        token("bo", key=Ed25519PrivateKey.generate()),
        token("bo", seconds=-60),
        token("bo", aud="another"),
        token("bo", iss="https://other.example"),
        token("bo", nbf=time.time() + 3600),
        f"{head}.{body}.",
        f"{unsigned}.{body}.",
        f"{head}.{token('dee').split('.')[1]}.{signed}",
        "x",
        "",
    ]
    for each in bad:
        sent = f"GET /status HTTP/1.1\r\nHost: {HOST}\r\nCookie: person={each}\r\nConnection: close\r\n\r\n"
        answer = exchanged(shared.front.url, sent.encode())
        assert status(answer) in (401, 403) and why(answer) in ("unknown_subject", ""), each
    for name in ("bo\r\nX-Armslength-Lease: x", "bo\nx", "", "\x00"):
        assert status(shared.front.send("GET /status", f"X-Test-Person: {name}")) in (401, 403), name
    for where in (f"GET /status?access_token={good}", "GET /status"):
        sent = f"{where} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {good}\r\nConnection: close\r\n\r\n"
        assert status(exchanged(shared.front.url, sent.encode())) == 401, where
    assert len(shared.service.seen) == seen


def test_a_refusal_is_a_page_for_a_person_and_kept_by_nobody(shared: Stand) -> None:
    """Somebody who is granted access a minute later would still see the refusal; or another person their page."""
    answer = shared.front.send("GET /nothing", "Accept: text/html,application/xhtml+xml")
    assert (status(answer), why(answer)) == (403, "unmapped_route")
    assert answer.lower().count(b"cache-control: no-store") == 1 and b"content-type: text/html" in answer.lower()
    assert b"default-src 'none'" in answer and b"/ask'>" in answer
    answer = shared.front.send("GET /nothing")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["reason"] == "unmapped_route"


def test_a_body_that_is_too_large_reaches_nobody(shared: Stand) -> None:
    """A memory that is filled is a gate that is stopped."""
    seen = len(shared.service.seen)
    assert status(shared.front.send("POST /exports", body=bytes(9000))) == 413
    with wire(shared.front.url) as connection:
        head = f"POST /exports HTTP/1.1\r\nHost: {HOST}\r\n{BO}Transfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        with contextlib.suppress(OSError):
            for _ in range(4):
                connection.sendall(b"1000\r\n" + bytes(4096) + b"\r\n")
                time.sleep(0.05)
        answer = rest(connection)
    assert status(answer) in (413, 0) and len(shared.service.seen) == seen
    many = [f"X-Many-{number}: {'x' * 60_000}" for number in range(2)]
    assert status(shared.front.send("GET /status", *many)) in (431, 0)
    assert len(shared.service.seen) == seen


def test_who_is_slow_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few callers that send a byte a second would take all the room there is."""
    monkeypatch.setattr("armslength.enforce.envoy_config.HEAD_SECONDS", 1)
    monkeypatch.setattr("armslength.enforce.envoy_config.BODY_SECONDS", 2)
    with real_gate(tmp_path / "gate") as gate, envoy_front(tmp_path / "front", gate) as (front, service):
        gate.leased("end", "acme")
        head = f"POST /meetings/acme/end HTTP/1.1\r\nHost: {HOST}\r\n"
        for sent in (head, f"{head}{BO}Content-Length: 1000\r\n\r\n"):
            with wire(front.url) as connection:
                connection.sendall(sent.encode())
                began = time.monotonic()
                with contextlib.suppress(OSError):
                    while time.monotonic() - began < 4:
                        connection.sendall(b"x")
                        time.sleep(0.2)
                assert status(rest(connection)) in (0, 408)
                assert time.monotonic() - began < 6
        assert service.seen == [] and gate.uses() == []


def test_a_tunnel_is_refused(shared: Stand) -> None:
    """One yes would open whatever can be reached from there."""
    seen = len(shared.service.seen)
    for target in (HOST, f"{HOST}:443", "127.0.0.1:22"):
        sent = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{BO}Connection: close\r\n\r\n"
        assert status(exchanged(shared.front.url, sent.encode())) in (400, 403, 404)
    assert len(shared.service.seen) == seen


def test_a_lease_opens_its_act_and_no_other(stand: Stand) -> None:
    """One approved act on one meeting would end them all."""
    stand.gate.leased("end", "acme")
    for line, code in [
        ("DELETE /meetings/acme", 200),
        ("POST /meetings/acme/end", 200),
        ("DELETE /meetings/acme2", 403),
        ("DELETE /meetings/acme/", 403),
        ("DELETE /meetings/ACME", 403),
        ("DELETE /meetings/%61cme", 200),
    ]:
        seen = len(stand.service.seen)
        assert status(stand.front.send(line)) == code, line
        assert len(stand.service.seen) == seen + (code == 200)
    seen = len(stand.service.seen)
    for person in ("dee", "ana", "di", "nobody"):
        assert status(stand.front.send("DELETE /meetings/acme", f"X-Test-Person: {person}")) == 403
    assert len(stand.service.seen) == seen


def test_a_stolen_lease_opens_nothing(stand: Stand) -> None:
    """Whoever reads a lease over somebody's shoulder would have it."""
    lease = stand.gate.leased("end", "acme")
    own = stand.gate.gate.token(lease.terms.id)
    assert status(stand.front.send("DELETE /meetings/acme", f"X-Armslength-Lease: {own}")) == 200
    assert stand.service.header("X-Armslength-Lease") == []
    seen = len(stand.service.seen)
    for person in ("dee", "ana"):
        answer = stand.front.send("DELETE /meetings/acme", f"X-Armslength-Lease: {own}", f"X-Test-Person: {person}")
        assert (status(answer), why(answer)) == (403, "outside_the_lease")
    changed = own[:-4] + ("AAAA" if own[-4:] != "AAAA" else "BBBB")
    assert status(stand.front.send("DELETE /meetings/acme", f"X-Armslength-Lease: {changed}")) == 403
    for twice in ((changed, own), (own, own)):
        lines = [f"X-Armslength-Lease: {each}" for each in twice]
        assert status(stand.front.send("DELETE /meetings/acme", *lines)) in (400, 403)
    assert len(stand.service.seen) == seen


def test_two_at_once_on_the_last_use_are_one(stand: Stand) -> None:
    """Two uses that were approved would be as many as can be sent in a moment."""
    stand.gate.leased("export", by="di")
    answers: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: answers.append(stand.front.send("POST /exports", body=b"{}"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(status, answers)) == [200, 200, *[403] * 6]
    assert {why(answer) for answer in answers if status(answer) == 403} == {"spent"}
    assert len(stand.service.seen) == 2 == len(stand.gate.uses())


def test_the_gate_is_asked_when_the_body_is_there(stand: Stand) -> None:
    """Whoever holds back the last byte of a body would act whenever they like, hours after the lease."""
    stand.gate.leased("end", "acme")
    with wire(stand.front.url) as connection:
        connection.sendall(
            f"POST /meetings/acme/end HTTP/1.1\r\nHost: {HOST}\r\n{BO}Content-Length: 3\r\n\r\n{{}}".encode()
        )
        time.sleep(0.5)
        assert stand.service.seen == [] and stand.gate.uses() == []
        stand.gate.clock.by = 3601.0
        connection.sendall(b"\nGET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = rest(connection)
    assert (status(answer), why(answer)) == (403, "expired")
    assert stand.service.seen == [] and stand.gate.uses() == []


def test_a_body_that_is_whole_passes_whole(stand: Stand) -> None:
    """A service would act on half of what was sent."""
    stand.gate.leased("end", "acme")
    body = b"x" * 100_000
    assert status(stand.front.send("POST /meetings/acme/end", body=body)) == 200
    assert stand.service.seen[-1].endswith(b"\r\n\r\n" + body)
    with wire(stand.front.url) as connection:
        head = (
            f"POST /meetings/acme/end HTTP/1.1\r\nHost: {HOST}\r\n{BO}Connection: close\r\nTransfer-Encoding: chunked"
        )
        connection.sendall(head.encode() + b"\r\n\r\n3\r\nabc\r\n0\r\nX-Armslength-Subject: ana\r\n\r\n")
        assert status(rest(connection)) == 200
    head_seen, _, body_seen = stand.service.seen[-1].partition(b"\r\n\r\n")
    assert body_seen == b"abc" and b"chunked" not in head_seen
    assert stand.service.header("X-Armslength-Subject") == ["bo"] and stand.service.header("Content-Length") == ["3"]


def test_each_request_of_a_connection_is_asked_about(stand: Stand) -> None:
    """One allowed request would open the connection for all that follow."""
    stand.gate.leased("end", "acme")
    requests = [f"DELETE /meetings/{name} HTTP/1.1\r\nHost: {HOST}\r\n{BO}" for name in ("acme", "other", "acme")]
    sent = "\r\n".join(requests) + "Connection: close\r\n\r\n"
    answer = exchanged(stand.front.url, sent.encode())
    assert answer.count(b"HTTP/1.1 200") == 2 and answer.count(b"HTTP/1.1 403") == 1
    assert stand.service.lines() == ["DELETE /meetings/acme HTTP/1.1"] * 2


def test_a_refusal_by_the_service_is_its_own(stand: Stand) -> None:
    """A person would be told by the gate what the gate never said."""
    for code in (b"403 Forbidden", b"401 Unauthorized", b"500 Internal Server Error", b"503 Service Unavailable"):
        stand.service.answer = (
            b"HTTP/1.1 %s\r\nContent-Length: 3\r\nX-Armslength-Why: expired\r\nConnection: close\r\n\r\nown" % code
        )
        seen = len(stand.service.seen)
        answer = stand.front.send("GET /status/acme")
        assert answer.endswith(b"own") and why(answer) == ""
        assert len(stand.service.seen) == seen + 1, "asked once, sent once"


def test_a_request_that_was_let_through_is_sent_once(stand: Stand) -> None:
    """One approved act would happen as often as the service drops the connection."""
    stand.gate.leased("export", by="di")
    stand.service.stream = lambda connection: connection.close()
    assert status(stand.front.send("POST /exports", body=b"{}")) in (502, 503)
    assert len(stand.service.seen) == 1 == len(stand.gate.uses())


def test_a_wrong_secret_opens_nothing(tmp_path: Path) -> None:
    """Any Envoy could ask in this one's name; or a mistake in the file would open the door."""
    with real_gate(tmp_path / "gate") as gate, running_service() as service:
        site = envoy_site(tmp_path, gate=gate.url, service=service.url, port=free_port())
        for secret in ("pt_" + "D" * 42 + "A", "not-at-all-what-it-was"):
            with running_envoy(tmp_path, {site: secret}):
                head = f"GET /status HTTP/1.1\r\nHost: {HOST}\r\n{BO}Connection: close\r\n\r\n"
                answer = exchanged(f"http://{site.listen}", head.encode())
                assert (status(answer), why(answer)) == (403, "gate_unreachable")
                assert b"sign in" not in answer and b"WWW-Authenticate" not in answer
        assert service.seen == []


def test_without_the_file_of_secrets_nothing_passes(tmp_path: Path) -> None:
    """A file that somebody moved would leave the door open; or a caller with another point's secret would be it."""
    with real_gate(tmp_path / "gate") as gate, running_service() as service:
        site = envoy_site(tmp_path, gate=gate.url, service=service.url, port=free_port())
        head = f"GET /status HTTP/1.1\r\nHost: {HOST}\r\n{BO}Connection: close\r\n"
        with running_envoy(tmp_path, {site: SECRET}):
            assert status(exchanged(f"http://{site.listen}", f"{head}\r\n".encode())) == 200
        seen = len(service.seen)
        for said in (envoy_secrets(site, point=SECRET)[site.secrets].replace("Secret", "Other"), ""):
            with running_envoy(tmp_path, {site: SECRET}, secrets={site.secrets: said}):
                for more in ("", f"Authorization: Bearer {SECRET}\r\n"):
                    answer = exchanged(f"http://{site.listen}", f"{head}{more}\r\n".encode())
                    assert (status(answer), why(answer)) == (403, "gate_unreachable"), said
        assert len(service.seen) == seen


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"nothing like HTTP\r\n\r\n",
        b"",
    ],
    ids=["204", "201", "302", "500", "429", "100", "cut", "rubbish", "closed"],
)
def test_any_answer_of_the_gate_but_yes_is_a_refusal(tmp_path: Path, answer: bytes) -> None:
    """Something else that listens where the gate was would open the door by accident."""
    with running_service() as gate, running_service() as service:
        gate.answer = answer
        site = envoy_site(tmp_path, gate=gate.url, service=service.url, port=free_port())
        with running_envoy(tmp_path, {site: SECRET}):
            head = f"GET /status HTTP/1.1\r\nHost: {HOST}\r\n{BO}Connection: close\r\n\r\n"
            assert 200 < status(exchanged(f"http://{site.listen}", head.encode())) < 600
        assert gate.seen and service.seen == []


def test_the_gate_is_told_nothing_but_what_it_decides_on(tmp_path: Path) -> None:
    """A caller's words could be taken for Envoy's, and what is in a body is none of the gate's business."""
    with running_service() as gate, running_service() as service:
        gate.answer = b"HTTP/1.1 200 OK\r\nX-Armslength-Subject: ana\r\nX-Other: x\r\nContent-Length: 2\r\n\r\n{}"
        site = envoy_site(tmp_path, gate=gate.url, service=service.url, port=free_port())
        more = "Authorization: Bearer own\r\nX-Original-URI: /x\r\nX-Custom: y\r\nX-Armslength-Until: z\r\n"
        with running_envoy(tmp_path, {site: SECRET}):
            head = f"POST /a//b/%2e?q=1 HTTP/1.1\r\nHost: {HOST}:80\r\n{BO}{more}Content-Length: 4\r\nConnection: close"
            assert status(exchanged(f"http://{site.listen}", f"{head}\r\n\r\nbody".encode())) == 200
        head, _, body = gate.seen[0].decode().partition("\r\n\r\n")
        assert head.split("\r\n")[0] == "POST /gate/v1/ext-authz/a//b/%2e?q=1 HTTP/1.1" and body == ""
        names = sorted(line.partition(":")[0].lower() for line in head.split("\r\n")[1:])
        own = {"x-envoy-internal", "x-forwarded-for", "x-forwarded-proto", "x-envoy-expected-rq-timeout-ms"}
        assert set(names) - own == {"host", "authorization", "content-length", "x-armslength-subject", "x-request-id"}
        assert len(set(names)) == len(names)
        assert gate.header("Authorization") == [f"Bearer {SECRET}"] and gate.header("Host") == [HOST]
        assert service.header("X-Armslength-Subject") == ["bo"] and service.header("X-Other") == []
        assert service.lines() == ["POST /a//b/%2e?q=1 HTTP/1.1"]


# HTTP/2

HEAD = {b":method": b"GET", b":scheme": b"http", b":authority": HOST.encode(), b":path": b"/status/acme"}
ODD: list[tuple[dict[bytes, bytes], list[tuple[bytes, bytes]], bytes]] = [
    ({}, [], b""),
    ({}, [(b"host", b"evil.example")], b""),
    ({b":authority": b"evil.example"}, [(b"host", HOST.encode())], b""),
    ({}, [(b":path", b"/status/other")], b""),
    ({b":path": b"/status/acme HTTP/1.1\r\nX: y\r\n\r\nGET /status/other"}, [], b""),
    ({b":path": b"/status/acme\r\nX-Armslength-Subject: ana"}, [], b""),
    ({b":method": b"GET /status/other HTTP/1.1\r\nX:"}, [], b""),
    ({b":method": b"CONNECT"}, [], b""),
    ({b":method": b"CONNECT"}, [(b":protocol", b"websocket")], b""),
    ({}, [(b"x-one", b"a\r\nx-armslength-subject: ana")], b""),
    ({}, [(b"x-one\r\nx-armslength-subject", b"ana")], b""),
    ({}, [(b"x-armslength-subject", b"ana")], b""),
    ({}, [(b"X-Armslength-Subject", b"ana")], b""),
    ({}, [(b"x_armslength_subject", b"ana")], b""),
    ({}, [(b"transfer-encoding", b"chunked")], b"0\r\n\r\nGET /status/other HTTP/1.1\r\n\r\n"),
    ({}, [(b"content-length", b"0")], b"GET /status/other HTTP/1.1\r\nHost: x\r\n\r\n"),
    ({}, [(b"content-length", b"5"), (b"content-length", b"50")], b"x" * 50),
    ({}, [(b"content-length", b"5")], b"x" * 50),
    ({}, [(b"connection", b"x-armslength-subject")], b""),
    ({}, [(b"grpc-timeout", b"9999999H"), (b"x-envoy-upstream-rq-timeout-ms", b"1")], b""),
    ({b":scheme": b"https"}, [], b""),
    ({b":path": b"http://admin.example/status/acme"}, [], b""),
    ({b":path": b"*"}, [], b""),
    ({b":path": b""}, [], b""),
]


@pytest.mark.parametrize(("changed", "more", "body"), ODD, ids=range(len(ODD)))
def test_what_http_2_can_say_and_http_1_cannot_changes_nothing(
    shared: Stand, changed: dict[bytes, bytes], more: list[tuple[bytes, bytes]], body: bytes
) -> None:
    """The service speaks HTTP/1.1: a line break in a header of the newer protocol would be another request to it."""
    seen, before = len(shared.service.seen), len(shared.gate.uses())
    pseudo = [*(HEAD | changed).items(), *((name, value) for name, value in more if name.startswith(b":"))]
    name, _, value = envoy_person("bo").partition(": ")
    rest_of = [(name.lower().encode(), value.encode()), *(each for each in more if not each[0].startswith(b":"))]
    http2.exchanged(shared.front.url, *pseudo, *rest_of, body=body)
    lines = shared.service.lines()[seen:]
    assert len(lines) <= 1
    if not lines:
        assert (changed, more) != ({}, []) and len(shared.gate.uses()) == before
        return
    assert lines == ["GET /status/acme HTTP/1.1"] and len(shared.gate.uses()) == before + 1
    assert shared.gate.uses()[-1].customers == ("acme",) and shared.gate.uses()[-1].executor == "bo"
    assert shared.service.header("X-Armslength-Subject") == ["bo"] and shared.service.header("Host") == [HOST]
    assert b"other" not in shared.service.seen[-1].partition(b"\r\n\r\n")[0]


# Streams


def flowing(connection: socket.socket) -> None:
    """An answer that would never end."""
    with contextlib.suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"2\r\nx\n\r\n")
            time.sleep(0.1)


def test_an_answer_ends_with_its_lease(stand: Stand) -> None:
    """A download that was begun in the last minute would go on all night."""
    lease = stand.gate.leased("end", "acme")
    stand.service.stream = flowing
    left = 4.0
    stand.gate.clock.by = lease.terms.end.timestamp() - time.time() - left
    began = time.monotonic()
    answer = stand.front.send("DELETE /meetings/acme", "Grpc-Timeout: 90S")
    took = time.monotonic() - began
    assert status(answer) == 200 and b"x\n" in answer and not answer.endswith(b"0\r\n\r\n")
    assert left - 2.2 < took < left + 0.2


def test_no_answer_is_longer_than_the_most(tmp_path: Path) -> None:
    """Whoever has standing access, or a lease that was revoked meanwhile, would listen for ever."""
    with (
        real_gate(tmp_path / "gate") as gate,
        envoy_front(tmp_path / "front", gate, most_stream=1, ungated=("/health",)) as (front, service),
    ):
        gate.leased("end", "acme")
        service.stream = flowing
        for line in ("GET /status/acme", "DELETE /meetings/acme", "GET /health"):
            began = time.monotonic()
            answer = front.send(line, "Grpc-Timeout: 90S")
            assert status(answer) == 200 and 0.8 < time.monotonic() - began < 3, line


HANDSHAKE = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA=="


def switching(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        while part := connection.recv(100):
            connection.sendall(b"echo " + part)


def upgrading(front: Front, line: str, more: bytes = b"") -> socket.socket:
    connection = wire(front.url)
    connection.sendall(f"{line} HTTP/1.1\r\nHost: {HOST}\r\n{BO}{HANDSHAKE}\r\n\r\n".encode() + more)
    return connection


def test_websockets_do_not_pass_unasked(stand: Stand) -> None:
    """What is said on one is asked about by nobody."""
    stand.service.stream = switching
    with upgrading(stand.front, "GET /status/acme") as connection:
        assert status(rest(connection)) in (403, 404)
    assert stand.service.seen == []


def test_a_websocket_ends_with_its_lease(tmp_path: Path) -> None:
    """One that was opened in the last minute would stay open."""
    with (
        real_gate(tmp_path / "gate") as gate,
        envoy_front(tmp_path / "front", gate, websockets=True) as (front, service),
    ):
        service.stream = switching
        with upgrading(front, "GET /nothing") as connection:
            connection.settimeout(10)
            assert status(connection.recv(1000)) == 403
        assert service.seen == []
        lease = gate.leased("end", "acme")
        left = 4.0
        gate.clock.by = lease.terms.end.timestamp() - time.time() - left
        began = time.monotonic()
        with upgrading(front, "DELETE /meetings/acme") as connection:
            found = connection.recv(1000)
            assert status(found) == 101
            connection.sendall(b"hello")
            assert b"echo hello" in connection.recv(1000)
            rest(connection)
        assert left - 2.2 < time.monotonic() - began < left + 0.2
        assert service.header("X-Armslength-Subject") == ["bo"]


def test_what_follows_an_upgrade_that_was_declined_reaches_nobody(tmp_path: Path) -> None:
    """A service that does not know WebSockets would take what was sent on one for the next request."""
    seen: list[bytes] = []

    def declining(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
            connection.settimeout(1.0)
            while part := connection.recv(4096):
                seen.append(part)

    with (
        real_gate(tmp_path / "gate") as gate,
        envoy_front(tmp_path / "front", gate, websockets=True) as (front, service),
    ):
        service.stream = declining
        smuggled = f"DELETE /meetings/acme HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        for wait in (0.0, 0.3):
            with upgrading(front, "GET /status/acme", b"" if wait else smuggled) as connection:
                connection.settimeout(3)
                time.sleep(wait)
                with contextlib.suppress(OSError):
                    connection.sendall(smuggled)
                    connection.recv(1000)
                    connection.sendall(smuggled)
                    connection.recv(1000)
        time.sleep(1.2)
        print(seen, service.seen)
        assert not any(b"DELETE" in part for part in [*seen, *service.seen])


# Who people are, by their certificates


@dataclass(frozen=True, kw_only=True)
class Certified:
    stand: Stand
    web: Authority
    people: Authority

    def act(self, person: Path | None, sent: bytes, *, name: str | None = HOST) -> bytes:
        place = urlsplit(self.stand.front.url)
        client = trusting(self.web, person)
        client.check_hostname = False
        with (
            socket.create_connection((str(place.hostname), place.port or 443), timeout=20) as plain,
            client.wrap_socket(plain, server_hostname=name) as connection,
        ):
            connection.sendall(sent)
            return rest(connection)


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certified]:
    folder = tmp_path_factory.mktemp("certified")
    labels = ("web", "people", "contractors")
    web, people, contractors = (Authority(folder=folder / "certificates", label=label).made() for label in labels)
    server = web.certificate("server", [(CN, HOST)])
    with real_gate(folder / "gate") as gate, running_service() as service:
        port = free_port()
        gate.leased("end", "acme")
        sites = {}
        for host, authority in (("contractors.example", contractors), (HOST, people)):
            site = envoy_site(
                folder / host,
                gate=gate.url,
                service=service.url,
                port=port,
                host=host,
                certificate=str(server),
                key=str(server.with_suffix(".key")),
                subject=ClientCertificate(authority=str(authority.file)),
                ungated=("/health",),
            )
            sites[site] = SECRET
        with running_envoy(folder / "envoy", sites):
            front = Front(name="tls", url=f"https://127.0.0.1:{port}", reached=lambda: len(service.seen))
            yield Certified(stand=Stand(gate=gate, front=front, service=service), web=web, people=people)


ACT = f"DELETE /meetings/acme HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.parametrize(("label", "name", "is_bo"), NAMES, ids=[label for label, _, _ in NAMES])
def test_a_certificate_names_one_person_or_nobody(certified: Certified, label: str, name: Name, is_bo: bool) -> None:
    """Whoever can have a certificate made for an odd name would be who they like."""
    stand = certified.stand
    seen = len(stand.service.seen)
    answer = certified.act(certified.people.certificate(label, name), ACT)
    assert (status(answer) == 200) is is_bo is (len(stand.service.seen) > seen)
    if is_bo:
        assert stand.service.header("X-Armslength-Subject") == ["bo"]
        assert stand.gate.uses()[-1].executor == "bo"
    else:
        assert status(answer) in (400, 401, 403)


def test_only_the_peoples_authority_counts(certified: Certified, tmp_path: Path) -> None:
    """Anybody can sign a certificate for bo; and one that has run out says nothing of today."""
    stand = certified.stand
    seen = len(stand.service.seen)
    other = Authority(folder=tmp_path, label="other").made()
    strange = [
        other.certificate("bo", [(CN, "bo")]),
        certified.web.certificate("bo-web", [(CN, "bo")]),
        certified.people.certificate("bo-old", [(CN, "bo")], days=-1),
    ]
    for person in strange:
        with contextlib.suppress(ssl.SSLError, OSError):  # Envoy ends the handshake
            assert status(certified.act(person, ACT)) in (0, 401)
    assert status(certified.act(None, ACT)) == 401
    subject = ACT.replace(b"Connection", b"X-Armslength-Subject: bo\r\nConnection")
    assert status(certified.act(None, subject)) == 401
    assert len(stand.service.seen) == seen
    health = ACT.replace(b"DELETE /meetings/acme", b"GET /health")
    assert status(certified.act(None, health)) == 200


def test_another_sites_authority_says_nothing_of_people_here(certified: Certified) -> None:
    """Whoever has a contractor's certificate that says bo would be bo, by a handshake for the contractors' site."""
    contractors = Authority(folder=certified.people.folder, label="contractors")
    there = contractors.certificate("bo-there", [(CN, "bo")])
    here = certified.people.certificate("bo-here", [(CN, "bo")])
    seen = len(certified.stand.service.seen)
    for person in (there, here, None):
        for name in (None, "contractors.example", "unknown.example"):
            with contextlib.suppress(ssl.SSLError, OSError):
                assert status(certified.act(person, ACT, name=name)) in (0, 401, 403, 404, 421), (person, name)
    with contextlib.suppress(ssl.SSLError, OSError):
        assert status(certified.act(there, ACT, name=HOST)) in (0, 401)
    assert len(certified.stand.service.seen) == seen
    assert status(certified.act(here, ACT, name="Admin.Example")) == 200


def test_http_2_is_asked_about_as_any(certified: Certified) -> None:
    """The newer protocol would be a way around."""
    stand = certified.stand
    bo = certified.people.certificate("bo-2", [(CN, "bo")])
    seen = len(stand.service.seen)
    port = urlsplit(stand.front.url).port
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", "--http2", "--path-as-is"]
    command += ["--cacert", str(certified.web.file), "--cert", str(bo), "--key", str(bo.with_suffix(".key"))]
    command += ["--resolve", f"{HOST}:{port}:127.0.0.1", "-X", "DELETE"]
    for path, code in (("/meetings/acme", "200"), ("/meetings/x/../acme", "403"), ("/meetings/other", "403")):
        done = subprocess.run([*command, f"https://{HOST}:{port}{path}"], capture_output=True, text=True, timeout=30)
        assert done.stdout == f"2 {code}", done.stderr
    assert stand.service.lines()[seen:] == ["DELETE /meetings/acme HTTP/1.1"]


def test_the_service_is_shown_envoys_own_credential_once_the_gate_said_yes(tmp_path: Path) -> None:
    """People would hold an administrator's token of their own, and use it past the gate."""
    with real_gate(tmp_path / "gate") as gate, running_service() as service:
        site = envoy_site(
            tmp_path, gate=gate.url, service=service.url, port=free_port(), credential=True, ungated=("/health",)
        )
        with running_envoy(tmp_path, {site: SECRET}, credential="Bearer admin-of-the-service"):
            for path, code in (("/status", 200), ("/nothing", 403), ("/health", 200)):
                head = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{BO}Authorization: Bearer mine\r\nConnection: close"
                answer = exchanged(f"http://{site.listen}", f"{head}\r\n\r\n".encode())
                assert status(answer) == code and b"admin-of-the-service" not in answer
                if path == "/status":
                    assert service.header("Authorization") == ["Bearer admin-of-the-service"]
        assert len(service.seen) == 2 and service.header("Authorization") != ["Bearer admin-of-the-service"]
    with pytest.raises(ValueError):
        envoy_secrets(site, point=SECRET)
    for bad in ("Bearer", "", "Bearer x\r\ny: z"):
        with pytest.raises(ValueError):
            envoy_secrets(site, point=SECRET, credential=bad)


# What is written

GOOD = {
    "host": "admin.example",
    "listen": "0.0.0.0:443",
    "gate": "https://gate.example",
    "upstream": "http://127.0.0.1:8008",
    "secrets": "/etc/envoy/armslength.secrets",
    "subject": ClientCertificate(authority="/etc/envoy/people.pem"),
    "ask": "https://gate.example/ask",
    "certificate": "/etc/envoy/server.pem",
    "key": "/etc/envoy/server.key",
    "authority": "/etc/ssl/certs/ca-certificates.crt",
}
TOKEN = {"issuer": "https://login.example", "audience": "admin", "keys": "/etc/envoy/people.jwks"}


@pytest.mark.parametrize(
    "more",
    [
        {"host": "Admin.example"},
        {"host": "*"},
        {"host": ""},
        {"listen": "443"},
        {"listen": "0.0.0.0:0"},
        {"listen": "0.0.0.0:70000"},
        {"listen": "name.example:443"},
        {"gate": "https://gate.example/x"},
        {"gate": "gate.example"},
        {"gate": "https://u@gate.example"},
        {"gate": "https://gate.example:x"},
        {"authority": None},
        {"upstream": "https://service.example"},
        {"upstream": "ftp://x"},
        {"secrets": "secrets.json"},
        {"certificate": None},
        {"key": None},
        {"most_body": 0},
        {"most_body": 2**40},
        {"most_stream": 0},
        {"most_stream": 10**6},
        {"ask": "javascript:alert(1)"},
        {"ask": "https://gate.example/'onclick='x"},
        {"ungated": ("health",)},
        {"ungated": ("/a/../b",)},
        {"subject": ClientCertificate(authority="people.pem")},
        {"subject": SignedToken(**{**TOKEN, "keys": "x"})},
        {"subject": SignedToken(**{**TOKEN, "audience": ""})},
        {"subject": SignedToken(**{**TOKEN, "issuer": " "})},
        {"subject": SignedToken(**TOKEN, claim="a.b")},
        {"subject": SignedToken(**TOKEN, cookie="a; b")},
    ],
)
def test_a_setting_that_would_write_something_else_is_refused(more: dict[str, object]) -> None:
    """A mistake would be found when somebody has come through."""
    EnvoySite(**GOOD)  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        EnvoySite(**{**GOOD, **more})  # type: ignore[arg-type]


def test_the_secrets_stand_in_their_own_file() -> None:
    """A configuration that is shown to a colleague would carry the secret along."""
    site = EnvoySite(**GOOD)  # type: ignore[arg-type]
    (secrets,) = envoy_secrets(site, point=SECRET).values()
    assert SECRET in secrets and SECRET not in envoy_bootstrap(site)
    for bad in ("", 'x"; }', "short"):
        with pytest.raises(ValueError):
            envoy_secrets(site, point=bad)


def test_sites_that_cannot_be_told_apart_are_refused() -> None:
    """One service's people would be let into another."""
    one = EnvoySite(**GOOD)  # type: ignore[arg-type]
    token_site = {"subject": SignedToken(**TOKEN), "certificate": None, "key": None}
    plain = [EnvoySite(**{**GOOD, **token_site, "host": host}) for host in ("a.example", "b.example")]  # type: ignore[arg-type]
    alike = EnvoySite(**{**GOOD, "host": "admin-example", "listen": "0.0.0.0:444"})  # type: ignore[arg-type]
    for sites in ((one, one), plain, (one, alike)):
        with pytest.raises(ValueError):
            envoy_bootstrap(*sites)


def test_whoever_asks_over_https_sees_that_it_is_the_gate() -> None:
    """Whoever answers at the gate's address would let everything through."""
    said = json.loads(envoy_bootstrap(EnvoySite(**GOOD)))  # type: ignore[arg-type]
    gate = said["static_resources"]["clusters"][0]["transport_socket"]["typed_config"]
    context = gate["common_tls_context"]["validation_context"]
    assert gate["sni"] == "gate.example" and context["trusted_ca"]["filename"] == GOOD["authority"]
    assert context["match_typed_subject_alt_names"] == [{"san_type": "DNS", "matcher": {"exact": "gate.example"}}]


def test_envoy_is_of_the_version_that_was_tried() -> None:
    """What is claimed of Envoy was tried with this one; another may read requests differently."""
    said = subprocess.run([str(binary()), "--version"], capture_output=True, text=True, check=True).stdout
    assert "/1.40." in said
