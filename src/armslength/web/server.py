"""Runs an app: uvicorn on a socket that is bound before anything is said, and that stops when asked.

A connection whose request does not come within `HEAD_SECONDS` is closed. There is no TLS here; a web server in front
does that.

What strangers read goes through h11, written in Python. The gate, which is asked before each act, takes httptools and
uvloop (`Listener.quick`). There, each listener answers `CONNECTIONS` requests at once, however many connections there
are, and closes those that were idle for longest when there are too many: who only holds connections open keeps nobody
out. Of what strangers read, `CONNECTIONS` is the limit of connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
import uvloop
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from armslength.web.gate_protocol import Crowd, GateProtocol

HEAD_SECONDS = 10.0
"""Until a request's line and headers are there."""
IDLE_SECONDS = 30
"""For which a connection is kept open between requests."""
STOP_SECONDS = 10
"""Until requests under way are cut off when the server stops."""
CONNECTIONS = 500
MOST_CONNECTIONS = 4_000
"""Of a listener of the gate, busy or not."""
HEAD_BYTES = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """An app and where it listens; port 0 takes any that is free. `head_seconds` as above. `quick`: for the gate; all
    listeners of a process then run on uvloop."""

    app: ASGIApp
    host: str
    port: int
    head_seconds: float = HEAD_SECONDS
    quick: bool = False


def serve(listeners: Sequence[Listener], started: Callable[[tuple[str, ...]], None]) -> None:
    """Serve until the process is told to end (SIGTERM, SIGINT); `started` gets the URLs once all of them listen.

    Raises `OSError` where an address cannot be had.
    """
    with contextlib.ExitStack() as stack:
        bound = [(each, stack.enter_context(contextlib.closing(_bound(each)))) for each in listeners]
        _run(_serve(bound, started), quick=any(each.quick for each in listeners))


@contextmanager
def running(
    app: ASGIApp,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    head_seconds: float = HEAD_SECONDS,
    quick: bool = False,
) -> Iterator[str]:
    """The app on a port (0: one that is free), in a thread of its own, for as long as the block lasts; gives its URL.
    Raises `OSError` where the port cannot be had."""
    listener = Listener(app=app, host=host, port=port, head_seconds=head_seconds, quick=quick)
    with contextlib.closing(_bound(listener)) as sock:
        server = _Server(_config(listener))
        thread = threading.Thread(target=lambda: _run(server.serve(sockets=[sock]), quick=quick), daemon=True)
        thread.start()
        try:
            yield _url(sock)  # whoever connects before it accepts is kept waiting by the system
        finally:
            server.should_exit = True
            thread.join()


def _run(work: Coroutine[Any, Any, None], *, quick: bool) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if quick else None) as runner:
        runner.run(work)


async def _serve(bound: Sequence[tuple[Listener, socket.socket]], started: Callable[[tuple[str, ...]], None]) -> None:
    servers = [(_Server(_config(listener)), sock) for listener, sock in bound]

    def stop() -> None:
        for server, _ in servers:
            server.force_exit = server.should_exit  # asked twice
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    tasks = [asyncio.create_task(server.serve(sockets=[sock])) for server, sock in servers]
    started(tuple(_url(sock) for _, sock in servers))
    await asyncio.gather(*tasks)


def _bound(listener: Listener) -> socket.socket:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    sock = socket.create_server((listener.host, listener.port), family=family, backlog=512)
    # Connections inherit it. asyncio sets it only on sockets it takes for TCP, which one made like this is not; an
    # answer's body would then wait 40 ms until its head was acknowledged.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _url(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(listener: Listener) -> uvicorn.Config:
    class Protocol(_Impatient):
        head_seconds = listener.head_seconds

    class Quick(GateProtocol):
        head_seconds = listener.head_seconds
        head_bytes = HEAD_BYTES
        most_requests = CONNECTIONS
        crowd = Crowd(most=_most_connections())

    return uvicorn.Config(
        listener.app,
        http=Quick if listener.quick else Protocol,
        loop="none",  # `_run` made it
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # The caller's address is not used, and what a caller says it is even less.
        proxy_headers=False,
        limit_concurrency=None if listener.quick else CONNECTIONS,
        h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def _most_connections() -> int:
    """Of one listener: a quarter of the files that this process may have open, since there are stores as well."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else max(64, min(MOST_CONNECTIONS, soft // 4))


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """`serve` handles them, for all of its servers."""
        yield


class _Impatient(H11Protocol):
    """uvicorn waits for the rest of a request's headers for ever; this closes the connection."""

    head_seconds = HEAD_SECONDS
    _patience: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn would log who asked for what, wherever the program's log takes all loggers' lines.
        self.access_log = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._calm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._calm()
        elif self._patience is None:  # a part of the next one; what came first has unset the time-out between requests
            self._expect()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and self.conn.trailing_data[0]:  # a part of the next request came with this one
            self._expect()

    def _expect(self) -> None:
        self._calm()
        self._patience = self.loop.call_later(self.head_seconds, self._give_up)

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()
