"""Several calls begun at the same time."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from armslength.gate import GateError


def at_once(calls: Sequence[Callable[[], object]]) -> list[object]:
    """What the calls gave, each made by a thread of its own and all begun together."""
    start = threading.Barrier(len(calls))
    answers: list[object] = []

    def run(call: Callable[[], object]) -> None:
        start.wait()
        answers.append(call())

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@contextmanager
def impatient() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def race(calls: Sequence[Callable[[], object]]) -> list[object]:
    """What each call gave, or the `GateError` that it raised, in the order of their ends. None fails in a way that no
    gate has."""
    answers = at_once([partial(_answer, call) for call in calls])
    assert len(answers) == len(calls)
    return answers


def _answer(call: Callable[[], object]) -> object:
    try:
        return call()
    except GateError as error:
        return error
