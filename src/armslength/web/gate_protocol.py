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


class GateProtocol(HttpToolsProtocol):
    """`head_seconds` until a request's head is there, `head_bytes` of it."""

    head_seconds = 10.0
    head_bytes = 16_384
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
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._calm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._began = False
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
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope[WHOLE] = True
        super().on_message_complete()

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
