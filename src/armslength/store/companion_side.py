"""The other side of a companion: climbs what it is given, as long as there is somebody to give it to."""

from __future__ import annotations

import gc
import os
import sys
import time
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import IO, cast

from armslength.reach import Half, Part
from armslength.store.companion_pipe import Ended, receive, send

SELDOM = (100_000, 20, 20)
"""How often Python looks for values to free while it searches (`gc.set_threshold`): nearly all that are made stay. As
often as by default took a seventh of a repair's time, and a twentieth of that for lengths."""


def main() -> None:
    gc.set_threshold(*SELDOM)
    # What is printed by mistake must not come between the values.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    given: SimpleQueue[tuple[Half, float | None]] = SimpleQueue()
    Thread(target=_read, args=(sys.stdin.buffer, given), daemon=True).start()
    while True:
        half, until = given.get()
        try:
            found: Part | str = half.climb(partial(_over, until))
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
        send(out, found)
        del half, found


def _over(until: float | None) -> bool:
    return until is not None and time.monotonic() >= until


def _read(pipe: IO[bytes], given: SimpleQueue[tuple[Half, float | None]]) -> None:
    """Whoever asks may go, in the middle of it too: then nobody waits for the answer."""
    while True:
        try:
            given.put(cast(tuple[Half, float | None], receive(pipe)))
        except BaseException as error:
            # Whatever it is: the thread must not end alone.
            os._exit(0 if isinstance(error, Ended) else 1)


if __name__ == "__main__":
    main()
