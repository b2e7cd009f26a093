"""What is tried: lives and their ends, in each campaign of the harness."""

from __future__ import annotations

import errno
import random
from collections.abc import Callable, Iterator

from tests.faults.life import STEPS, AtCall, AtRandom, AtStep, End, Failing, Lying, Plan
from tests.faults.shim import Call, Deed, Power

CALLS = 120
"""Calls that change a file, in a life of usual length."""
POWERS = (Power.KEPT, Power.LOST, Power.PARTLY)


def at_steps(rng: random.Random, lives: int) -> Iterator[Plan]:
    """A kill at every named step, with each sort of power failure."""
    every = [(step, power) for power in POWERS for step in STEPS]
    for number in range(lives):
        step, power = every[number % len(every)]
        yield Plan(
            seed=rng.getrandbits(48),
            end=AtStep(step=step, nth=1 if step == "erased" else 1 + number // len(every) % 3),
            power=power,
            erasing=step == "erased" or rng.random() < 0.2,
        )


def at_calls(rng: random.Random, lives: int) -> Iterator[Plan]:
    """A kill before, within or after every call in turn that changes a file; with few lives, at some of them."""
    for number, at in enumerate(_spread(lives)):
        deed = (Deed.BEFORE, Deed.TORN, Deed.AFTER)[number % 3]
        yield Plan(
            seed=rng.getrandbits(48),
            end=AtCall(deed=deed, at=at),
            power=rng.choice(POWERS),
            erasing=rng.random() < 0.2,
        )


def unsettled(rng: random.Random, lives: int) -> Iterator[Plan]:
    """An fsync of each file that fails once or twice in a row, and a kill at one of the calls after it: what the file
    holds then and what the writer believed may differ."""
    endings = ("log.db-wal", "keys.db-wal", "lock.db-wal", "log.db", "keys.db")
    for number in range(lives):
        ending = endings[number % len(endings)]
        yield Plan(
            seed=rng.getrandbits(48),
            end=Failing(
                error=errno.EIO,
                at=1 + number // len(endings) % 4,
                many=rng.choice([1, 1, 2]),
                calls=(Call.SYNC,),
                ending=ending,
                then=rng.randrange(1, 14),
            ),
            power=rng.choice(POWERS),
            erasing=ending in ("log.db", "keys.db"),
        )


def lying(rng: random.Random, lives: int) -> Iterator[Plan]:
    """Power failures on a disk whose fsync does nothing."""
    for _ in range(lives):
        yield Plan(seed=rng.getrandbits(48), end=Lying(), power=Power.LOST)


def failing(rng: random.Random, lives: int) -> Iterator[Plan]:
    """An error from every call in turn, once, twice in a row, or for long; in some, a kill soon after."""
    for number, at in enumerate(_spread(lives)):
        yield Plan(
            seed=rng.getrandbits(48),
            end=Failing(
                error=(errno.EIO, errno.ENOSPC)[number % 2],
                at=at,
                many=rng.choice([1, 1, 2, 3, 1000]),
                then=rng.choice([0, 0, 0, rng.randrange(1, 30)]),
            ),
            power=rng.choice(POWERS),
            erasing=rng.random() < 0.2,
        )


def _spread(lives: int) -> Iterator[int]:
    """The numbers of calls, all of them again and again, or evenly chosen ones where there are fewer lives."""
    for number in range(lives):
        yield 1 + (number * max(1, CALLS // lives) if lives < CALLS else number) % CALLS


def anywhere(rng: random.Random, lives: int) -> Iterator[Plan]:
    """Kills of every sort, at random."""
    for _ in range(lives):
        end: End
        match rng.randrange(10):
            case 0 | 1:
                end = AtStep(step=rng.choice(STEPS), nth=rng.randrange(1, 5))
            case 2 | 3 | 4:
                end = AtCall(deed=rng.choice([Deed.BEFORE, Deed.TORN, Deed.AFTER]), at=rng.randrange(1, 120))
            case 5:
                end = AtCall(
                    deed=rng.choice([Deed.BEFORE, Deed.TORN, Deed.AFTER]),
                    at=rng.randrange(1, 12),
                    calls=(rng.choice([Call.SYNC, Call.TRUNCATE, Call.RENAME, Call.UNLINK, Call.CREATE, Call.MKDIR]),),
                )
            case 6:
                end = Failing(
                    error=rng.choice([errno.EIO, errno.ENOSPC]),
                    at=rng.randrange(1, 120),
                    many=rng.choice([1, 1, 2, 3]),
                    then=rng.randrange(1, 30),
                )
            case 7 | 8:
                end = AtRandom(microseconds=rng.randrange(1, 60_000))
            case _:
                end = AtRandom(microseconds=rng.randrange(1, 60_000), outside=True)
        power = Power.KEPT if isinstance(end, AtRandom) and end.outside else rng.choice(POWERS)
        yield Plan(seed=rng.getrandbits(48), end=end, power=power, erasing=rng.random() < 0.15)


Plans = Callable[[random.Random, int], Iterator[Plan]]

CAMPAIGNS: dict[str, Plans] = {
    "steps": at_steps,
    "calls": at_calls,
    "failing": failing,
    "unsettled": unsettled,
    "lying": lying,
    "anywhere": anywhere,
}
