"""HTTP/1.1 for the gate: httptools, with the limits that the other servers have.

uvicorn's own protocol waits for a request's head for ever and takes one of any length, and it lets the trailers of a
chunked body pass for headers, by which a caller could add one behind the back of whoever checked them.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

WHOLE = "armslength.whole"
"""In a scope: the whole body is there, and nobody has to wait for it."""


class Joining:
    """A transport that sends an answer's head and its body together: one packet, and one wake-up on the other side."""

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held = b""

    def write(self, data: bytes) -> None:
        if self._held:
            self._transport.write(self._held + data)
            self._held = b""
        else:
            self._held = bytes(data)
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        held, self._held = self._held, b""
        if held and not self._transport.is_closing():
            self._transport.write(held)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Crowd:
    """The connections of one listener. Where there are too many, those go that nothing is under way on: of one address,
    those on which nothing came yet, and of all, those that were idle for longest."""

    def __init__(self, *, most: int, most_silent: int = 64, patience: float = 1.0) -> None:
        """`most` connections in all; `most_silent` of one address on which nothing came within `patience` seconds."""
        self._most, self._most_silent, self._patience = most, most_silent, patience
        self._all: dict[GateProtocol, None] = {}
        self._silent: dict[str, dict[GateProtocol, None]] = {}

    def came(self, one: GateProtocol) -> None:
        self._all[one] = None
        silent = self._silent.setdefault(one.address, {})
        silent[one] = None
        if len(silent) > self._most_silent:
            # The first is the oldest. A burst of those who are about to ask is let in.
            oldest = next(iter(silent))
            since = oldest.idle()
            if since is None or one.loop.time() - since > self._patience:
                self.spoke(oldest)
                oldest.leave()
        if len(self._all) > self._most:
            idle = [(since, each) for each in self._all if each is not one and (since := each.idle()) is not None]
            for _, each in sorted(idle, key=lambda pair: pair[0])[: max(1, self._most // 8)]:
                each.leave()

    def spoke(self, one: GateProtocol) -> None:
        silent = self._silent.get(one.address, {})
        silent.pop(one, None)
        if not silent:
            self._silent.pop(one.address, None)

    def went(self, one: GateProtocol) -> None:
        self._all.pop(one, None)
        self.spoke(one)


class GateProtocol(HttpToolsProtocol):
    """`head_seconds` until a request's head is there, `head_bytes` of it; `most_requests` under way. `crowd` is that of
    all connections of one listener."""

    head_seconds = 10.0
    head_bytes = 16_384
    most_requests = 500
    crowd: Crowd
    _silent = True
    _since = 0.0
    _patience: asyncio.TimerHandle | None = None
    _in_head = False
    _began = False
    _head_size = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn would log who asked for what, wherever the program's log takes all loggers' lines.
        self.access_log = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(Joining(transport, self.loop))  # type: ignore[arg-type]
        self._since = self.loop.time()
        self._expect()
        self.crowd.came(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._calm()
        self.crowd.went(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._began = False
        self._since = self.loop.time()
        if self._silent:
            self._silent = False
            self.crowd.spoke(self)
        super().data_received(data)
        if self._in_head:
            # The parser keeps what it has of a header to itself until it has all of it.
            self._head_size += 0 if self._began else len(data)
            if self._head_size > self.head_bytes:
                self._refuse()
            elif self._patience is None:
                self._expect()

    def on_message_begin(self) -> None:
        self._in_head, self._began, self._head_size = True, True, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        if self._in_head:  # else it is a trailer
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head, self._head_size = False, 0
        self._calm()
        # Requests under way are counted, and not connections: who only holds those open keeps nobody out.
        self.limit_concurrency = self.most_requests if len(self.tasks) >= self.most_requests else None
        super().on_headers_complete()
        if b"#" in self.url:
            # The parser takes it for a fragment and drops it, and another program may take it for a part of the path.
            self.scope["raw_path"] = self.url.partition(b"?")[0]

    def on_message_complete(self) -> None:
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope[WHOLE] = True
        super().on_message_complete()

    @property
    def address(self) -> str:
        return self.client[0] if self.client else ""

    def idle(self) -> float | None:
        """Since when nothing is under way on it, in seconds of the loop's clock; None where something is."""
        return self._since if self.cycle is None or self.cycle.response_complete else None

    def leave(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """What would follow in another protocol is read by nobody: the request is answered, and that is all."""
        self.cycle.keep_alive = False

    def _count(self, size: int) -> None:
        self._head_size += size
        if self._head_size > self.head_bytes:
            raise ValueError("the head is too long")  # the parser stops, and the answer is 400

    def _refuse(self) -> None:
        self._calm()
        if not self.transport.is_closing():
            self.send_400_response("Invalid HTTP request received.")

    def _expect(self) -> None:
        self._calm()
        self._patience = self.loop.call_later(self.head_seconds, self._give_up)

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self._expect()  # a part of the next request lies behind one that is still being answered
        else:
            self.transport.close()
