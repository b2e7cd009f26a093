"""How many of the console's threads one person has."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from armslength.console.turns import Crowded, Turns


def run(work: Callable[[ThreadPoolExecutor], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            with ThreadPoolExecutor(8) as pool:
                await work(pool)

    asyncio.run(limited())


async def done(turns: Turns, key: str, work: Callable[[], object]) -> object:
    with turns.of(key) as turn:
        return await turn.run(work)


def test_a_person_who_waits_lets_others_go_first() -> None:
    """One person's slow pages would keep everybody's approvals waiting, and a lease is for minutes."""

    async def work(pool: ThreadPoolExecutor) -> None:
        turns, held = Turns(pool, threads=2, most=20), threading.Event()
        slow = [asyncio.create_task(done(turns, "ana", held.wait)) for _ in range(20)]
        try:
            await asyncio.sleep(0.05)
            assert await done(turns, "bo", lambda: "here") == "here"
            assert pool._work_queue.qsize() == 0
            with pytest.raises(Crowded):
                await done(turns, "ana", lambda: "here")
        finally:
            held.set()
        assert await asyncio.gather(*slow) == [True] * 20
        await asyncio.sleep(0.05)
        assert turns._crowds == {}

    run(work)


def test_who_gives_up_waiting_has_the_thread_still() -> None:
    """Whoever breaks off slow pages and asks again would have all threads after four rounds."""

    async def work(pool: ThreadPoolExecutor) -> None:
        turns, held = Turns(pool, threads=2, most=20), threading.Event()
        for _ in range(4):
            tasks = [asyncio.create_task(done(turns, "ana", held.wait)) for _ in range(2)]
            await asyncio.sleep(0.05)
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert turns._crowds["ana"].running == 2
        held.set()
        assert await done(turns, "ana", lambda: "again") == "again"
        await asyncio.sleep(0.05)
        assert turns._crowds == {}

    run(work)


def test_what_fails_gives_its_thread_back() -> None:
    """A page with a fault, asked for four times, would shut its visitor out."""

    async def work(pool: ThreadPoolExecutor) -> None:
        turns = Turns(pool, threads=1, most=1)
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                await done(turns, "ana", lambda: 1 // 0)
        assert await done(turns, "ana", lambda: "fine") == "fine"

    run(work)
