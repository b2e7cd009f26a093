"""One HTTP request and its answer, within a time and a size, whatever the other side does.

No redirect is followed: where a host sends us to is not where its operator told us to go. No proxy is taken from the
environment. Only http and https. A server that sends a byte now and then is cut off when the time is over, as is one
that sends more than was allowed for.
"""

from __future__ import annotations

import socket
import threading
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from armslength import __version__

CHUNK = 16_384
HEADERS = {"User-Agent": f"armslength/{__version__}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back: the status, the headers with names in lower case, and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NoReply:
    """Nothing that can be used came back in time; `reason` says what went wrong."""

    reason: str


class Exchange:
    """Connections that are kept open between requests. Any number of threads may use one."""

    def __init__(self, *, proxy: str | None = None, connections: int = 8) -> None:
        """`proxy` is the URL of an HTTP proxy, if one has to be used; `connections` are kept for each host."""
        settings: dict[str, Any] = {"retries": False, "maxsize": connections, "headers": HEADERS}
        self._pool = urllib3.ProxyManager(proxy, **settings) if proxy is not None else urllib3.PoolManager(**settings)
        self._pool.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def close(self) -> None:
        self._pool.clear()

    def get(self, url: str, *, timeout: float, limit: int, headers: Mapping[str, str] | None = None) -> Reply | NoReply:
        """`timeout` is in seconds and for all of it; `limit` is the most bytes of the answer's body; `headers` are
        sent besides our own."""
        return self._ask("GET", url, None, timeout, limit, headers)

    def post(
        self, url: str, body: bytes, *, timeout: float, limit: int, headers: Mapping[str, str] | None = None
    ) -> Reply | NoReply:
        return self._ask("POST", url, body, timeout, limit, headers)

    def _ask(
        self,
        method: str,
        url: str,
        body: bytes | None,
        timeout: float,
        limit: int,
        headers: Mapping[str, str] | None = None,
    ) -> Reply | NoReply:
        if (problem := _unusable(url)) is not None:
            return NoReply(reason=problem)
        end = time.monotonic() + timeout
        watch = _ASKED.watch = _Watch(end)
        try:
            response = self._pool.request(
                method,
                url,
                body=body,
                headers={**HEADERS, **(headers or {})},
                redirect=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(total=timeout),
            )
            try:
                found = _body(response, limit)
            except BaseException:
                response.close()
                raise
        except _TooMuch:
            return NoReply(reason=f"the answer has more than {limit} bytes")
        except urllib3.exceptions.NewConnectionError as error:  # of which urllib3 makes a kind of time-out
            return NoReply(reason=_words(error))
        except urllib3.exceptions.TimeoutError:
            return NoReply(reason=f"no answer within {timeout:g} s")
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return NoReply(reason=f"no answer within {timeout:g} s" if watch.cut else _words(error))
        finally:
            watch.cancel()
            _ASKED.watch = None
        if watch.cut:  # where no length was given, the cut looks like the end
            return NoReply(reason=f"no answer within {timeout:g} s")
        told = {name.lower(): value for name, value in response.headers.items()}
        return Reply(status=response.status, headers=told, body=found)


class _TooMuch(Exception):
    pass


def _body(response: urllib3.BaseHTTPResponse, limit: int) -> bytes:
    encoding = response.headers.get("content-encoding", "identity")
    if encoding not in ("identity", "gzip"):
        raise ValueError(f"the answer is compressed as {encoding[:40]!r}, and that was not asked for")
    # A log may compress its entries without being asked to (tlog-tiles, Log entries).
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS) if encoding == "gzip" else None
    parts, size = [], 0
    while True:
        part = response.read1(CHUNK) if isinstance(response, urllib3.HTTPResponse) else response.read(CHUNK)
        if not part:
            break
        if unpacker is not None:
            try:
                part = unpacker.decompress(part, limit + 1 - size)
            except zlib.error as error:
                raise ValueError(f"the answer is no gzip: {error}") from None
        parts.append(part)
        size += len(part)
        if size > limit:
            raise _TooMuch
    if unpacker is not None and not unpacker.eof:
        raise ValueError("the compressed answer is cut short")
    response.release_conn()
    return b"".join(parts)


def _unusable(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError as error:
        return f"{url[:200]!r} is no URL: {error}"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return f"{url[:200]!r} is no URL to ask: expected http:// or https:// and a host"
    return None


def _words(error: Exception) -> str:
    said = " ".join(str(error).split())
    # urllib3 begins with the connection's address in memory.
    said = said.split(">: ", 1)[-1] if said.startswith("<") else said
    return f"{said[:300] or type(error).__name__}"


# urllib3's own time-outs are for each wait on the socket, so that an answer sent a byte at a time could last for ever.
# The socket is shut from outside when the time is over; one thread asks and reads, which is how the two meet.


class _Watch:
    def __init__(self, end: float) -> None:
        self.cut = False
        self._end = end
        self._timer: threading.Timer | None = None

    def over(self, sock: Any) -> None:
        self.cancel()
        self._timer = threading.Timer(max(0.0, self._end - time.monotonic()), self._shut, [sock])
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _shut(self, sock: Any) -> None:
        self.cut = True
        with suppress(OSError, TypeError):
            # Not the TLS socket's own method, which would make what still comes look like plain text.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Asked(threading.local):
    watch: _Watch | None = None


_ASKED = _Asked()


class _HTTP(HTTPConnection):
    def getresponse(self) -> Any:
        if _ASKED.watch is not None:
            _ASKED.watch.over(self.sock)
        return super().getresponse()


class _HTTPS(HTTPSConnection):
    def getresponse(self) -> Any:
        if _ASKED.watch is not None:
            _ASKED.watch.over(self.sock)
        return super().getresponse()


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPS
