"""Three ways to ask a recorder: as much as it takes, so many a second whatever it does, and by clients that wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Protocol

from armslength.service import Full
from benchmarks.ledger_acts import Drawn


class Recorder(Protocol):
    """What is measured: an act is recorded durably when its future has a result."""

    def append(self, act: Drawn) -> Future[Any]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """So many records, the seconds they took, and the processor's seconds of this process."""

    records: int
    seconds: float
    processor: float

    @property
    def rate(self) -> float:
        return self.records / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Seconds from when each act was due to its acknowledgement. `refused` were turned away as too many waited; they
    have no latency, so a figure beside them is too good."""

    seconds: tuple[float, ...]
    refused: int
    elapsed: float

    def at(self, share: float) -> float:
        """The latency that this share of the acts stays within."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.elapsed


def saturate(recorder: Recorder, acts: Sequence[Drawn]) -> Round:
    """All at once; the acts are drawn before the clock starts."""
    processor, start = time.process_time(), time.perf_counter()
    futures = [recorder.append(act) for act in acts]
    for future in futures:
        future.result()
    return Round(records=len(acts), seconds=time.perf_counter() - start, processor=time.process_time() - processor)


def open_loop(
    recorder: Recorder,
    acts: Sequence[Drawn],
    rate: float,
    *,
    acknowledged: Callable[[int, float, Any], None] = lambda place, due, result: None,
) -> Latencies:
    """`rate` acts a second. An act's time runs from when it was due, also when the asking itself came late: so a stall
    counts for everybody who would have asked meanwhile. `acknowledged` is told place, due time and result of each."""
    done: list[float] = []
    refused = 0
    waiting: list[Future[Any]] = []
    start = time.perf_counter() + 0.05
    for place, act in enumerate(acts):
        due = start + place / rate
        if (rest := due - time.perf_counter()) > 0:
            time.sleep(rest)
        try:
            future = recorder.append(act)
        except Full:
            refused += 1
            continue

        def told(future: Future[Any], place: int = place, due: float = due) -> None:
            done.append(time.perf_counter() - due)
            acknowledged(place, due, future.result())

        future.add_done_callback(told)
        waiting.append(future)
    for future in waiting:
        future.result()
    while len(done) < len(waiting):  # a result is there a moment before its callback has run
        time.sleep(0.001)
    return Latencies(seconds=tuple(done), refused=refused, elapsed=time.perf_counter() - start)


def closed_loop(recorder: Recorder, acts: Iterator[Drawn], clients: int, seconds: float) -> Latencies:
    """So many clients, each of which asks again when it has its acknowledgement; one thread asks for all of them."""
    answered: SimpleQueue[tuple[float, Future[Any]]] = SimpleQueue()
    done: list[float] = []
    start = time.perf_counter()

    def ask() -> None:
        asked = time.perf_counter()
        recorder.append(next(acts)).add_done_callback(
            lambda future: answered.put((time.perf_counter() - asked, future))
        )

    for _ in range(clients):
        ask()
    waiting = clients
    while waiting:
        latency, future = answered.get()
        future.result()
        done.append(latency)
        waiting -= 1
        if time.perf_counter() - start < seconds:
            ask()
            waiting += 1
    return Latencies(seconds=tuple(done), refused=0, elapsed=time.perf_counter() - start)
