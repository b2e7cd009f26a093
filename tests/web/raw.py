"""HTTP as it is on the wire: a client that sends exactly what a test says."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

LONG = 60.0
"""Seconds; nothing here takes so long unless it waits for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(
    url: str,
    path: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer to one request; `path` goes out as it is."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=LONG)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders(body)
        got = connection.getresponse()
        return Answer(status=got.status, headers={k.lower(): v for k, v in got.getheaders()}, body=got.read())
    finally:
        connection.close()


def wire(url: str) -> socket.socket:
    """A connection on which nothing was sent yet."""
    place = urlsplit(url)
    return socket.create_connection((str(place.hostname), place.port or 80), timeout=LONG)


def rest(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    found = b""
    try:
        while part := connection.recv(65536):
            found += part
    except ConnectionResetError:  # closed with something of ours unread
        pass
    return found


def exchanged(url: str, sent: bytes) -> bytes:
    """What comes back for these bytes until the other side closes."""
    with wire(url) as connection:
        connection.sendall(sent)
        return rest(connection)
