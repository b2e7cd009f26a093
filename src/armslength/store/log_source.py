"""A log's public tree, read from where it is served: a URL, or a folder (c2sp.org/tlog-tiles).

Whoever serves it is not trusted: everything read has a limit in size and time, no redirect is followed, and what comes
is checked only for its form. A partial tile that is gone is taken from the full one, as the specification allows.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from armslength.store.exchange import Exchange, NoReply
from armslength.store.failure import StoreError
from armslength.tlog import LARGEST_NOTE, WIDTH, Entries, Malformed, Tile, parse_entries

HASH = 32
LARGEST_BUNDLE = WIDTH * (2 + 65_535)
"""Bytes of a bundle of the longest entries."""
TIMEOUT = 30.0
"""Seconds for one answer, all of it."""
CONNECTIONS = 8
AHEAD = 16
"""Answers asked for ahead of the one that is needed, so that a far server does not make each of them wait."""

_GONE = {403, 404, 410}
"""What servers say of a file that is not there; object stores say 403 to who may not list."""

T = TypeVar("T")


class Unserved(StoreError):
    """The log's server gave nothing usable for `path`. `missing`: it says that there is no such file."""

    def __init__(self, path: str, reason: str, *, missing: bool = False) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason, self.missing = path, reason, missing


class LogSource:
    """The tree at `place`, an http or https URL, or the path of a folder. Any number of threads may use one."""

    def __init__(self, place: str, *, timeout: float = TIMEOUT) -> None:
        self.place = place
        self._timeout = timeout
        self._exchange = Exchange(connections=CONNECTIONS) if _is_url(place) else None
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="log-source")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        if self._exchange is not None:
            self._exchange.close()

    def checkpoint(self) -> bytes:
        """The checkpoint as it is served now. Raises `Unserved`, as all that reads does."""
        return self.read("checkpoint", limit=LARGEST_NOTE)

    def tile(self, tile: Tile) -> bytes:
        """The tile's hashes, `tile.width` of them."""
        size = tile.width * HASH
        try:
            data = self.read(tile.path, limit=size)
        except Unserved as problem:
            if not problem.missing or tile.width == WIDTH:
                raise
            data = self._whole(tile, problem)[:size]
        if len(data) != size:
            raise Unserved(tile.path, f"has {len(data)} bytes: expected {size}")
        return data

    def entries(self, bundle: Entries) -> tuple[bytes, ...]:
        """The bundle's entries, `bundle.width` of them."""
        try:
            try:
                return parse_entries(self.read(bundle.path, limit=LARGEST_BUNDLE), bundle.width)
            except Unserved as problem:
                if not problem.missing or bundle.width == WIDTH:
                    raise
                return parse_entries(self._whole(bundle, problem), WIDTH)[: bundle.width]
        except Malformed as error:
            raise Unserved(bundle.path, str(error)) from None

    def read(self, path: str, *, limit: int) -> bytes:
        """The file at `path` below the tree's prefix, of at most `limit` bytes."""
        if self._exchange is None:
            return _read_file(Path(self.place), path, limit)
        reply = self._exchange.get(f"{self.place.rstrip('/')}/{path}", timeout=self._timeout, limit=limit)
        if isinstance(reply, NoReply):
            raise Unserved(path, reply.reason)
        if reply.status != 200:
            raise Unserved(path, f"the server answered {reply.status}", missing=reply.status in _GONE)
        return reply.body

    def ahead(self, calls: Iterable[Callable[[], T]]) -> Iterator[Future[T]]:
        """What the calls give, in their order, a few of them made ahead in threads."""
        waiting: deque[Future[T]] = deque()
        try:
            for call in calls:
                waiting.append(self._threads.submit(call))
                if len(waiting) >= AHEAD:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            for future in waiting:
                future.cancel()

    def _whole(self, partial: Tile | Entries, problem: Unserved) -> bytes:
        limit = WIDTH * HASH if isinstance(partial, Tile) else LARGEST_BUNDLE
        try:
            return self.read(partial.whole.path, limit=limit)
        except Unserved as second:
            raise problem if second.missing else second from None


def _is_url(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def _read_file(folder: Path, path: str, limit: int) -> bytes:
    try:
        # A pipe in its place would be waited for.
        handle = os.open(folder / path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Unserved(path, "is no file")
            data = file.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise Unserved(path, f"is not there, in {folder}", missing=True) from None
    except OSError as error:
        raise Unserved(path, error.strerror or str(error)) from None
    if len(data) > limit:
        raise Unserved(path, f"has more than {limit} bytes")
    return data
