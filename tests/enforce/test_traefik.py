"""A real Traefik as docs/caddy-traefik.md has it: what reaches the service is what the gate recorded."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from armslength.enforce.nginx_headers import OVERWRITTEN
from tests.enforce.fronts import Front, status, why
from tests.enforce.nginx import Service
from tests.enforce.real_gate import HOST, RealGate, real_gate
from tests.enforce.requests import CALLERS, SMUGGLED, TARGETS
from tests.enforce.traefik import traefik_front
from tests.web.raw import rest, wire


@dataclass(frozen=True, kw_only=True)
class Stand:
    gate: RealGate
    front: Front
    service: Service


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("traefik")
    with real_gate(folder / "gate") as gate, traefik_front(folder / "front", gate) as (front, service):
        yield Stand(gate=gate, front=front, service=service)


def test_what_reaches_the_service_is_what_was_recorded(shared: Stand) -> None:
    """The gate would be asked about one customer, and the service behind show another."""
    before, seen = len(shared.gate.uses()), len(shared.service.seen)
    for target in TARGETS:
        reached = len(shared.service.seen)
        answer = shared.front.send(f"GET {target}")
        assert len(shared.service.seen) == reached + 1 if status(answer) == 200 else len(shared.service.seen) == reached
        assert status(answer) in (200, 400, 403, 404), target
    customers = []
    for line in shared.service.lines()[seen:]:
        got, path, _ = line.split(" ")
        words = path.partition("?")[0].split("/")[1:]
        assert got == "GET" and words[0] == "status" and len(words) == 2, path
        customers.append((unquote_to_bytes(words[1]).decode(),))
    uses = shared.gate.uses()[before:]
    assert [use.customers for use in uses] == customers and {use.executor for use in uses} == {"bo"}


def test_a_path_is_refused_and_not_repaired(shared: Stand) -> None:
    """What a service makes of it would be another thing than what Traefik made of it."""
    seen = len(shared.service.seen)
    for path in ("/x/../status/acme", "/status/%2e%2e/status/acme", "//status/acme", "/status/a%2fb", "/status/acme;x"):
        answer = shared.front.send(f"GET {path}")
        assert (status(answer), why(answer)) == (403, "ambiguous_path"), path
    assert len(shared.service.seen) == seen


@pytest.mark.parametrize("headers", SMUGGLED, ids=range(len(SMUGGLED)))
def test_no_header_changes_who_asks_or_for_what(shared: Stand, headers: tuple[str, ...]) -> None:
    """Anybody could be the boss, by one line."""
    seen = len(shared.service.seen)
    # Without its last chunk a chunked body is waited for.
    ending = b"0\r\n\r\n" if any("chunked" in header for header in headers) else b""
    answer = shared.front.send("GET /status/acme", *headers, ending=ending)
    if len(shared.service.seen) == seen:
        assert status(answer) in (400, 403, 404, 499, 501)
        return
    use = shared.gate.uses()[-1]
    assert (use.executor, use.customers, use.action) == ("bo", ("acme",), "view")
    assert shared.service.lines()[-1] == "GET /status/acme HTTP/1.1"
    assert shared.service.header("X-Armslength-Subject") == ["bo"]
    assert shared.service.header("X.Armslength.Subject") == []
    assert shared.service.header("Host") == [HOST] == shared.service.header("X-Forwarded-Host")
    for name in ("Authorization", "X-Armslength-Held", "X-Original-URI", "X-Original-URL", "X-Rewrite-URL"):
        assert shared.service.header(name) == []
    for name in ("Forwarded", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "Upgrade"):
        assert shared.service.header(name) == []


def test_another_proxys_word_is_not_taken_from_a_caller(shared: Stand) -> None:
    """A service that believes `Remote-User`, or an address that may do more, would be told it by whoever likes."""
    named = sorted(
        {*OVERWRITTEN, *CALLERS, "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto"} - {"X-Armslength-Lease"}
    )
    aliases = [name.replace("-", "_") for name in named]
    assert status(shared.front.send("GET /status/acme", *(f"{name}: 203.0.113.9" for name in named + aliases))) == 200
    assert b"203.0.113.9" not in shared.service.seen[-1]
    assert shared.service.header("X-Real-IP") == ["127.0.0.1"] == shared.service.header("X-Forwarded-For")


def test_nobody_is_who_they_say(shared: Stand) -> None:
    """Somebody whom the sign-in service does not know would name themselves."""
    seen = len(shared.service.seen)
    answer = shared.front.send("GET /status/acme", "X-Test-Person: nobody", "X-Armslength-Subject: bo")
    assert status(answer) == 401 and len(shared.service.seen) == seen


def test_a_refusal_reaches_the_person(shared: Stand) -> None:
    """They would not know what to do."""
    answer = shared.front.send("GET /nothing", "Accept: text/html")
    assert (status(answer), why(answer)) == (403, "unmapped_route") and b"<h1>Not allowed" in answer
    assert why(shared.front.send("DELETE /meetings/acme")) == "approval_required"


def test_a_body_that_is_too_long_is_not_passed_on(shared: Stand) -> None:
    """It would fill the disk, or go on for as long as its sender likes."""
    seen = len(shared.service.seen)
    assert status(shared.front.send("GET /status/acme", body=b"x" * (2**20 + 1))) == 413
    assert len(shared.service.seen) == seen
    assert status(shared.front.send("GET /status/acme", body=b"x" * 2**20)) == 200


def test_an_answer_comes_whole_or_not_at_all(shared: Stand) -> None:
    """A stream would go on after its lease: nothing tells Traefik of the end."""

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for _ in range(20):
            connection.sendall(b"data: 1\n\n")
            time.sleep(0.05)

    shared.service.stream = endless
    try:
        begin = time.monotonic()
        with wire(shared.front.url) as connection:
            connection.sendall(f"GET /status/acme HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            assert connection.recv(1) == b"H" and time.monotonic() - begin > 0.9
            assert rest(connection).count(b"data: 1") == 20
    finally:
        shared.service.stream = None


def test_a_lease_opens_its_act_and_its_end_closes_it(tmp_path: Path) -> None:
    """A lease would be for all acts, or for ever; and whoever holds back the last byte would act when they like."""
    with real_gate(tmp_path / "gate") as gate, traefik_front(tmp_path / "front", gate) as (front, service):
        lease = gate.leased("end", "acme")
        token = gate.gate.token(lease.terms.id)
        for line, code in [("DELETE /meetings/acme", 200), ("DELETE /meetings/acme2", 403)]:
            assert status(front.send(line)) == code, line
        stolen = front.send("DELETE /meetings/acme", f"X-Armslength-Lease: {token}", "X-Test-Person: dee")
        assert (status(stolen), why(stolen)) == (403, "outside_the_lease")
        assert len(service.seen) == 1 and service.header("X-Armslength-Lease") == []
        with wire(front.url) as connection:
            head = f"POST /meetings/acme/end HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
            connection.sendall(f"{head}{{}}".encode())
            time.sleep(0.5)
            assert len(service.seen) == 1 == len(gate.uses())
            gate.clock.by = 3601.0
            connection.sendall(b"\n")
            answer = rest(connection)
        assert (status(answer), why(answer)) == (403, "expired") and len(service.seen) == 1
        gate.clock.by = 0.0
        gate.away()
        assert status(front.send("DELETE /meetings/acme")) == 500 and len(service.seen) == 1
