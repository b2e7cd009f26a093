"""Whether the gate's clock keeps pace with one that nobody sets. A clock that jumps ahead and comes back would end
windows, a customer's time to say no among them, of which nothing has passed."""

from __future__ import annotations

import time
from collections.abc import Callable

FORWARD = 300.0
"""Seconds that a clock may be ahead of the steady one before nothing is decided any more: a clock that is put right
after a start moves less."""


def machine_seconds() -> float:
    """Seconds of which none is ever set: since the machine started, its sleep counted where the system can."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class Pace:
    """Under the lock of whoever holds it. `steady` None: the clock is believed, as where a test sets it."""

    def __init__(self, steady: Callable[[], float] | None) -> None:
        self._steady = steady
        self._least: float | None = None

    def beat(self) -> float | None:
        """The steady clock; to be read before the other, so that a pause between the two cannot hide a jump."""
        return None if self._steady is None else self._steady()

    def ahead(self, seconds: float, beat: float | None) -> float:
        """By how many seconds the clock is ahead of where it was, or has fallen back to, against the steady one."""
        if beat is None:
            return 0.0
        apart = seconds - beat
        self._least = apart if self._least is None else min(self._least, apart)
        return apart - self._least
