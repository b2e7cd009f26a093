"""A real Caddy as docs/caddy-traefik.md has it: what reaches the service is what the gate recorded."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from armslength.enforce.nginx_headers import OVERWRITTEN
from tests.enforce.caddy import caddy_front, needs_caddy
from tests.enforce.fronts import Front, status, why
from tests.enforce.nginx import Service
from tests.enforce.real_gate import HOST, RealGate, real_gate
from tests.enforce.requests import CALLERS, SMUGGLED, TARGETS
from tests.web.raw import exchanged, rest, wire

pytestmark = needs_caddy


@dataclass(frozen=True, kw_only=True)
class Stand:
    gate: RealGate
    front: Front
    service: Service


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("caddy")
    with real_gate(folder / "gate") as gate, caddy_front(folder / "front", gate) as (front, service):
        yield Stand(gate=gate, front=front, service=service)


@pytest.mark.parametrize("target", TARGETS, ids=range(len(TARGETS)))
def test_what_reaches_the_service_is_what_was_recorded(shared: Stand, target: str) -> None:
    """The gate would be asked about one customer, and the service behind show another."""
    before, seen = len(shared.gate.uses()) if "acme" in target else -1, len(shared.service.seen)
    answer = shared.front.send(f"GET {target}")
    lines = shared.service.lines()[seen:]
    assert len(lines) <= 1
    if not lines:
        assert status(answer) != 200 or not answer.endswith(b"done")  # Caddy's word for a host that it does not know
        return
    got, path, _ = lines[0].split(" ")
    words = path.partition("?")[0].split("/")[1:]
    assert got == "GET" and words[0] == "status" and len(words) == 2, path
    uses = shared.gate.uses()
    assert uses[-1].customers == (unquote_to_bytes(words[1]).decode(),) and uses[-1].executor == "bo"
    assert before < 0 or len(uses) == before + 1


@pytest.mark.parametrize("headers", SMUGGLED, ids=range(len(SMUGGLED)))
def test_no_header_changes_who_asks_or_for_what(shared: Stand, headers: tuple[str, ...]) -> None:
    """Anybody could be the boss, by one line."""
    seen = len(shared.service.seen)
    answer = shared.front.send("GET /status/acme", *headers)
    if len(shared.service.seen) == seen:
        assert status(answer) in (0, 200, 400, 403, 404, 499, 501)
        assert status(answer) != 200 or b"done" not in answer
        return
    use = shared.gate.uses()[-1]
    assert (use.executor, use.customers, use.action) == ("bo", ("acme",), "view")
    assert shared.service.lines()[-1] == "GET /status/acme HTTP/1.1"
    assert shared.service.header("X-Armslength-Subject") == ["bo"]
    assert shared.service.header("Host") == [HOST]
    for name in ("X-Armslength-Held", "X-Original-URI", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override"):
        assert shared.service.header(name) == []
    for name in ("Forwarded", "X-HTTP-Method", "X-Method-Override", "Upgrade"):
        assert shared.service.header(name) == []


def test_another_proxys_word_is_not_taken_from_a_caller(shared: Stand) -> None:
    """A service that believes `Remote-User`, or an address that may do more, would be told it by whoever likes."""
    named = sorted(
        {*OVERWRITTEN, *CALLERS, "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto"} - {"X-Armslength-Lease"}
    )
    assert status(shared.front.send("GET /status/acme", *(f"{name}: 203.0.113.9" for name in named))) == 200
    assert b"203.0.113.9" not in shared.service.seen[-1]
    assert shared.service.header("X-Real-IP") == ["127.0.0.1"] == shared.service.header("X-Forwarded-For")


def test_a_refusal_reaches_the_person(shared: Stand) -> None:
    """They would not know what to do."""
    answer = shared.front.send("GET /nothing", "Accept: text/html")
    assert (status(answer), why(answer)) == (403, "unmapped_route") and b"<h1>Not allowed" in answer
    assert why(shared.front.send("DELETE /meetings/acme")) == "approval_required"


def test_a_lease_opens_its_act_and_its_end_closes_it(tmp_path: Path) -> None:
    """A lease would be for all acts, or for ever; and whoever holds back the last byte would act when they like."""
    with real_gate(tmp_path / "gate") as gate, caddy_front(tmp_path / "front", gate) as (front, service):
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
        answer = front.send("DELETE /meetings/acme")
        assert (status(answer), why(answer)) == (503, "gate_unreachable") and len(service.seen) == 1


def test_a_body_that_is_too_long_never_arrives_as_if_it_were_whole(shared: Stand) -> None:
    """Caddy cuts it at the limit: the service would do what the first half says."""
    seen = len(shared.service.seen)
    assert status(shared.front.send("POST /status/acme", body=b"x" * 1_000_000)) == 413
    assert status(_chunked(shared, "POST", 1)) == 411
    assert len(shared.service.seen) == seen
    got = bytearray()

    def reading(connection: socket.socket) -> None:
        connection.settimeout(2)
        got[:] = shared.service.seen[-1]
        with contextlib.suppress(OSError):
            while not got.endswith(b"\r\n0\r\n\r\n") and (part := connection.recv(65536)):
                got.extend(part)
            connection.sendall(shared.service.answer)

    shared.service.stream = reading
    try:
        assert status(_chunked(shared, "GET", 1000)) == 200 and got.endswith(b"\r\n0\r\n\r\n")
        assert status(_chunked(shared, "GET", 1_100_000)) != 200
        time.sleep(0.5)
        assert not got.endswith(b"\r\n0\r\n\r\n")
    finally:
        shared.service.stream = None


def _chunked(shared: Stand, method: str, size: int) -> bytes:
    """A request whose body does not say how long it is."""
    head = f"{method} /status/acme HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    return exchanged(shared.front.url, head.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size))
