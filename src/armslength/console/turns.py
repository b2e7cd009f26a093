"""Whose turn it is: how many of the console's threads one person has at a time, so that nobody's pages wait for theirs.

All of it runs on the event loop, but for the work itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Crowded(Exception):
    """Too much of one person's is under way already."""


@dataclass(slots=True, kw_only=True)
class _Crowd:
    """Of one person: requests that are `here`, threads that are `running`, and those that are free."""

    free: asyncio.Semaphore
    here: int = 0
    running: int = 0


class Turns:
    """Of `pool`, each key has at most `threads` at a time, and at most `most` requests that are under way or wait."""

    def __init__(self, pool: ThreadPoolExecutor, *, threads: int, most: int) -> None:
        self._pool, self._threads, self._most = pool, threads, most
        self._crowds: dict[str, _Crowd] = {}

    @contextmanager
    def of(self, key: str) -> Iterator[Turn]:
        """A request from beginning to end. Raises `Crowded`."""
        crowd = self._crowds.get(key)
        if crowd is None:
            crowd = self._crowds[key] = _Crowd(free=asyncio.Semaphore(self._threads))
        if crowd.here >= self._most:
            raise Crowded
        crowd.here += 1
        try:
            yield Turn(pool=self._pool, crowd=crowd, left=lambda: self._tidy(key, crowd))
        finally:
            crowd.here -= 1
            self._tidy(key, crowd)

    def _tidy(self, key: str, crowd: _Crowd) -> None:
        if not crowd.here and not crowd.running:
            self._crowds.pop(key, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One request's."""

    pool: ThreadPoolExecutor = field(repr=False)
    crowd: _Crowd
    left: Callable[[], None]

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do `work` in a thread, once one of the key's is free."""
        loop, crowd = asyncio.get_running_loop(), self.crowd

        def back() -> None:
            crowd.running -= 1
            crowd.free.release()
            self.left()

        def over(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(back)

        await crowd.free.acquire()
        crowd.running += 1
        future = self.pool.submit(work, *args, **kwargs)
        # By the thread's own end, not by this one's: whoever gives up waiting for a slow page has its thread still.
        future.add_done_callback(over)
        return await asyncio.wrap_future(future)
