"""What takes time, such as a download, a WebSocket or an export, ends when its lease does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from armslength.enforce.act import Allowed
from armslength.enforce.failure import NotAllowed
from armslength.enforce.point import Point

LOOK_SECONDS = 1.0
"""Between two looks at whether the lease still stands."""
GIVE_UP_SECONDS = 5.0
"""For which what was told to end may clear up."""
MOST_WAITING = 32
"""Questions to the gate or the disk at one time; more wait their turn, and the app's own threads stay its own."""

T = TypeVar("T")

_THREADS = ThreadPoolExecutor(max_workers=MOST_WAITING, thread_name_prefix="armslength-act")


async def aside(work: Callable[[], T]) -> T:
    """What waits for the gate or the disk, without holding up others."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


async def while_running(
    point: Point, allowed: Allowed, work: Coroutine[Any, Any, T], cut: Callable[[], None] = lambda: None
) -> T:
    """The result of `work`. When the lease ends before it does, `cut` is called, the work is cancelled, and
    `NotAllowed` is raised with the reason."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            if (refused := point.running(allowed)) is not None:
                cut()
                await _ended(task)
                raise NotAllowed(refused)
            left = point.left(allowed)
            wait = LOOK_SECONDS if left is None else max(0.001, min(LOOK_SECONDS, left))
            await asyncio.wait({task}, timeout=None if allowed.lease is None else wait)
        return task.result()
    finally:
        if not task.done():  # we were cancelled ourselves
            task.cancel()


def ended(point: Point, allowed: Allowed) -> None:
    """Raises `NotAllowed` if what was allowed has to end now."""
    if (refused := point.running(allowed)) is not None:
        raise NotAllowed(refused)


async def _ended(task: asyncio.Future[Any]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=GIVE_UP_SECONDS)
    if task.done() and not task.cancelled():
        with suppress(Exception):
            task.result()  # what it says about being cut off is nobody's any more
