"""A network between a store and its server that can be cut, or stopped without a word."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Proxy:
    """Forwards connections to a server's socket until it is told not to."""

    def __init__(self, folder: Path, target: str, port: int) -> None:
        self.folder, self._target = folder, target
        self._silent = threading.Event()
        self._ended = threading.Event()
        self._swallowed: bytes | None = None
        self._late = 0.0
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / f".s.PGSQL.{port}"))
        self._listener.listen(50)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def silence(self) -> None:
        """From here on nothing is forwarded, and nobody is told."""
        self._silent.set()

    def silence_after(self, sent: bytes, *, late: float = 0.0) -> None:
        """Forward the next piece to the server that holds these bytes, so many seconds late, and nothing that follows
        on that connection either way."""
        self._swallowed, self._late = sent, late

    def heal(self) -> None:
        """New connections are forwarded again; what was silenced stays so."""
        self._silent.clear()

    def cut(self) -> None:
        """End every connection."""
        for pair in self._pairs:
            for each in pair:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def close(self) -> None:
        self._ended.set()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                ours, _ = self._listener.accept()
            except OSError:
                return
            if self._silent.is_set():
                self._pairs.append((ours, ours))
                continue
            theirs = socket.socket(socket.AF_UNIX)
            try:
                theirs.connect(self._target)
            except OSError:
                ours.close()
                continue
            self._pairs.append((ours, theirs))
            threading.Thread(target=self._forward, args=(ours, theirs), daemon=True).start()

    def _forward(self, ours: socket.socket, theirs: socket.socket) -> None:
        with selectors.DefaultSelector() as waiting, suppress(OSError, ValueError):
            waiting.register(ours, selectors.EVENT_READ, theirs)
            waiting.register(theirs, selectors.EVENT_READ, ours)
            while True:
                for key, _ in waiting.select(0.2):
                    data = key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
                    if self._silent.is_set():
                        return
                    if not data:
                        for each in (ours, theirs):
                            with suppress(OSError):
                                each.shutdown(socket.SHUT_RDWR)
                        return
                    if key.fileobj is ours and self._swallowed is not None and self._swallowed in data:
                        self._swallowed = None
                        time.sleep(self._late)
                        key.data.sendall(data)
                        return
                    key.data.sendall(data)


@contextmanager
def proxied(folder: Path, server: Path, port: int) -> Iterator[Proxy]:
    """A proxy whose socket stands in `folder`, for the server whose socket stands in `server`."""
    proxy = Proxy(folder, f"{server}/.s.PGSQL.{port}", port)
    try:
        yield proxy
    finally:
        proxy.close()
