"""Servers that answer with whatever bytes a test likes, as slowly as it likes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def answering(answer: bytes | Callable[[socket.socket], None]) -> Iterator[str]:
    """The URL of a server that reads a request's head and then sends `answer`, or lets it do what it wants."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                with suppress(OSError):
                    connection, _ = listener.accept()
                    threading.Thread(target=one, args=(connection,), daemon=True).start()

        def one(connection: socket.socket) -> None:
            with suppress(OSError), connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65536)
                if isinstance(answer, bytes):
                    connection.sendall(answer)
                else:
                    answer(connection)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):  # else the rest of the request would reset what was sent
                    pass

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    """An HTTP answer; names of headers with _ for -."""
    lines = [f"HTTP/1.1 {status} Something"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if "Content_Length" not in headers and "Transfer_Encoding" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
