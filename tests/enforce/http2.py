"""HTTP/2 as it is on the wire, without TLS: a client that sends exactly what a test says (RFC 9113, RFC 7541)."""

from __future__ import annotations

import struct

from tests.web.raw import wire

DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _text(data: bytes) -> bytes:
    """A string without Huffman's code."""
    if len(data) < 127:
        return bytes([len(data)]) + data
    left, found = len(data) - 127, [127]
    while left >= 128:
        found.append(left % 128 + 128)
        left //= 128
    return bytes([*found, left]) + data


def block(*headers: tuple[bytes, bytes]) -> bytes:
    """Each a literal that is not indexed, with its name spelled out."""
    return b"".join(b"\x00" + _text(name) + _text(value) for name, value in headers)


def exchanged(url: str, *headers: tuple[bytes, bytes], body: bytes = b"", seconds: float = 3.0) -> list[int]:
    """Sends one request; gives the kinds of the frames that come until it is over."""
    with wire(url) as connection:
        connection.settimeout(seconds)
        sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, b"")
        sent += frame(HEADERS, END_HEADERS | (0 if body else END_STREAM), 1, block(*headers))
        if body:
            sent += frame(DATA, END_STREAM, 1, body)
        connection.sendall(sent)
        found, rest = [], b""
        try:
            while part := connection.recv(65536):
                rest += part
                while len(rest) >= 9 and len(rest) >= 9 + (size := int.from_bytes(rest[:3], "big")):
                    kind, flags = rest[3], rest[4]
                    found.append(kind)
                    rest = rest[9 + size :]
                    if kind in (RESET, GOAWAY) or (kind in (DATA, HEADERS) and flags & END_STREAM):
                        return found
                    if kind == SETTINGS and not flags & ACK:
                        connection.sendall(frame(SETTINGS, ACK, 0, b""))
        except OSError:
            pass
        return found
