"""A cable to a server's socket that can be cut: in one direction or both, with nobody being told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Cable:
    """It listens on 127.0.0.1:`port`. What comes while it is cut is held up until it is mended."""

    port: int
    asks: threading.Event = field(default_factory=threading.Event)
    """Set: what is asked goes through."""
    answers: threading.Event = field(default_factory=threading.Event)

    def cut(self) -> None:
        self.asks.clear()
        self.answers.clear()

    def mend(self) -> None:
        self.asks.set()
        self.answers.set()

    def cross(self) -> None:
        """Mend it for whoever connects from now on: who is cut off stays so."""
        self.asks, self.answers = threading.Event(), threading.Event()
        self.mend()


@contextmanager
def cable(to: str) -> Iterator[Cable]:
    """`to`: the path of the server's socket."""
    over = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        made = Cable(listening.getsockname()[1])
        made.mend()
        threading.Thread(target=_accept, args=(listening, to, made, over), daemon=True).start()
        try:
            yield made
        finally:
            over.set()
            made.mend()


def _accept(listening: socket.socket, to: str, made: Cable, over: threading.Event) -> None:
    while not over.is_set():
        try:
            near, _ = listening.accept()
        except OSError:
            return
        far = socket.socket(socket.AF_UNIX)
        with suppress(OSError):
            far.connect(to)
            for source, sink, open in ((near, far, made.asks), (far, near, made.answers)):
                threading.Thread(target=_carry, args=(source, sink, open), daemon=True).start()


def _carry(source: socket.socket, sink: socket.socket, open: threading.Event) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            open.wait()
            sink.sendall(data)
    with suppress(OSError):
        open.wait()
        sink.shutdown(socket.SHUT_WR)
