"""Running an app: it listens when it says so, and ends whole when it is told to."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from armslength.web import Listener, running, serve
from armslength.web.edge import Edge
from armslength.web.server import _bound, _url
from tests.web.raw import ask, exchanged, wire

SLOW = """
import asyncio, sys
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from armslength.web import Listener, serve

async def slow(request):
    print("asked", flush=True)
    await asyncio.sleep(0.5)
    return PlainTextResponse("whole")

async def quick(request):
    return PlainTextResponse("quick")

apps = [Starlette(routes=[Route("/", slow)]), Starlette(routes=[Route("/", quick)])]
listeners = [Listener(app=app, host="127.0.0.1", port=0) for app in apps]
serve(listeners, lambda urls: print(*urls, flush=True))
print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_after_what_it_was_asked(root: Path, number: signal.Signals) -> None:
    """An answer that is cut off by an update is a cosignature that a log does not get."""
    with subprocess.Popen([sys.executable, "-c", SLOW], cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first, second = process.stdout.readline().split()
        assert ask(second, "/").body == b"quick"
        with wire(first) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert process.stdout.readline() == "asked\n"
            process.send_signal(number)
            found = b""
            while part := connection.recv(65536):
                found += part
        assert found.endswith(b"whole")
        assert process.stdout.read() == "ended\n"
    assert process.returncode == 0


def test_an_address_that_is_taken_is_an_error_before_anything_is_said() -> None:
    """Whoever starts it twice must not believe that the second one serves."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listener = Listener(app=Starlette(), host="127.0.0.1", port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            serve([listener], lambda urls: pytest.fail(f"said it listens at {urls}"))


def test_running_ends_with_its_block() -> None:
    """A test's server that lived on would answer the next test."""
    with running(Starlette()) as url:
        assert ask(url, "/").status == 404
    with pytest.raises(OSError):
        wire(url)


def test_an_error_of_ours_is_500_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """What stands in an exception may be somebody's record."""

    async def broken(request: Request) -> Response:
        raise LookupError("customer 4711")

    with running(Edge(Starlette(routes=[Route("/", broken)]).router)) as url:
        answer = ask(url, "/")
    assert (answer.status, answer.body) == (500, b"internal error\n")
    assert "LookupError" in caplog.text and "4711" not in caplog.text


def test_an_answer_that_takes_too_long_is_cut_off() -> None:
    """One that never ends holds a place for ever."""

    async def never(request: Request) -> Response:
        await asyncio.sleep(3600)
        return PlainTextResponse("late")

    async def endless(request: Request) -> Response:
        async def pieces():  # type: ignore[no-untyped-def]
            while True:
                yield b"x"
                await asyncio.sleep(0.01)

        return StreamingResponse(pieces())

    app = Starlette(routes=[Route("/never", never), Route("/endless", endless)])
    with running(Edge(app, seconds=0.3)) as url:
        assert ask(url, "/never").status == 503
        found = exchanged(url, b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 200") and not found.endswith(b"0\r\n\r\n")


@pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="this machine has no IPv6")
def test_ipv6_addresses_are_taken() -> None:
    """Some hosts have no other."""
    with _bound(Listener(app=Starlette(), host="::1", port=0)) as sock:
        assert _url(sock).startswith("http://[::1]:")


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """Each cosignature would take 40 ms more, and with it every lease that waits for one."""
    with _bound(Listener(app=Starlette(), host="127.0.0.1", port=0)) as sock:
        with socket.create_connection(sock.getsockname()):
            accepted, _ = sock.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
