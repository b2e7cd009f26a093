"""The ways in which a service stands behind the gate, as one thing: nginx, Envoy, and the middleware."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from armslength.enforce import Enforced
from armslength.web import running
from tests.enforce.envoy import envoy_site, running_envoy, token
from tests.enforce.nginx import Service, free_port, running_nginx, running_service, site_for
from tests.enforce.real_gate import HOST, SECRET, RealGate
from tests.web.raw import exchanged

PERSON = 'map $http_x_test_person $test_person { default $http_x_test_person; "" bo; }'
"""Stands for a module that signs people in; without the header it is bo."""


@dataclass(frozen=True, kw_only=True)
class Front:
    name: str
    url: str
    reached: Callable[[], int]
    """How many requests the service behind has seen."""
    person: Callable[[str], str] | None = None
    """The header by which it knows somebody; None: `X-Test-Person`, and without it bo."""

    def send(self, line: str, *headers: str, body: bytes = b"", ending: bytes = b"") -> bytes:
        """`ending` goes out after the body, and counts in no length."""
        if self.person is not None:
            named = [each.partition(": ")[2] for each in headers if each.startswith("X-Test-Person: ")]
            others = [each for each in headers if not each.startswith("X-Test-Person: ")]
            headers = (*others, self.person(named[0] if named else "bo"))
        own = [] if any(header.lower().startswith("host:") for header in headers) else [f"Host: {HOST}"]
        length = [f"Content-Length: {len(body)}"] if body else []
        head = "\r\n".join([f"{line} HTTP/1.1", *own, *headers, *length, "Connection: close"])
        return exchanged(self.url, head.encode("latin-1") + b"\r\n\r\n" + body + ending)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def why(answer: bytes) -> str:
    """The reason that the person is given, as a code."""
    lines = answer.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    return next((line.partition(": ")[2] for line in lines if line.lower().startswith("x-armslength-why:")), "")


@contextmanager
def nginx_front(folder: Path, gate: RealGate, **more: object) -> Iterator[tuple[Front, Service]]:
    port = free_port()
    with running_service() as service:
        site = site_for(folder, gate=gate.url, service=service.url, port=port, ask=f"{gate.url}/ask", **more)
        with running_nginx(folder, {site: SECRET}, http=PERSON):
            url = f"http://127.0.0.1:{port}"
            yield Front(name="nginx", url=url, reached=lambda: len(service.seen)), service


@contextmanager
def envoy_front(folder: Path, gate: RealGate, **more: object) -> Iterator[tuple[Front, Service]]:
    port = free_port()
    with running_service() as service:
        site = envoy_site(folder, gate=gate.url, service=service.url, port=port, ask=f"{gate.url}/ask", **more)
        with running_envoy(folder, {site: SECRET}):
            url = f"http://127.0.0.1:{port}"
            yield Front(name="envoy", url=url, reached=lambda: len(service.seen), person=envoy_person), service


def envoy_person(person: str) -> str:
    return f"Cookie: person={token(person)}"


@contextmanager
def middleware_front(folder: Path, gate: RealGate, *, spool: Path | None = None) -> Iterator[Front]:
    seen: list[Mapping[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"done"})

    def subject(scope: Mapping[str, Any]) -> str:
        return next((value.decode() for name, value in scope["headers"] if name == b"x-test-person"), "bo")

    with gate.point(spool) as point:
        found = Enforced(app, point, subject=subject, lookups={"owner-of-meeting": lambda segments: ["acme"]})
        with running(found, quick=True) as url:
            yield Front(name="middleware", url=url, reached=lambda: len(seen))


@contextmanager
def fronts(folder: Path, gate: RealGate) -> Iterator[tuple[Front, ...]]:
    with (
        nginx_front(folder / "nginx", gate) as (nginx, _),
        envoy_front(folder / "envoy", gate) as (envoy, _),
        middleware_front(folder, gate) as middleware,
    ):
        yield nginx, envoy, middleware
