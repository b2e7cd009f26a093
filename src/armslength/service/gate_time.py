"""The gate's time: it never goes back, and does not run ahead of a clock that nobody sets."""

from __future__ import annotations

import threading
from collections.abc import Callable

from armslength.gate import Moment, Why, moment
from armslength.service.gate_clock import FORWARD, Pace
from armslength.service.gate_failure import Unavailable

BACK = 2.0
"""Seconds that a clock may go back before nothing is decided any more."""


class Time:
    """For any number of threads. `since`: POSIX seconds behind which it does not go; `steady` None: `clock` is
    believed."""

    def __init__(self, clock: Callable[[], float], steady: Callable[[], float] | None, *, since: int) -> None:
        self._clock, self._latest = clock, float(since)
        self.pace = Pace(steady)
        self._ticking = threading.Lock()

    @property
    def latest(self) -> int:
        """The last time that was seen, in POSIX seconds, whatever the clock says now."""
        return int(self._latest)

    def now(self) -> Moment:
        """The time, in whole seconds, never before one that was seen. Raises `Unavailable` for a clock that went
        back: windows that are over would open again; and for one that jumped ahead: windows would be over of which
        nothing has passed."""
        with self._ticking:
            beat = self.pace.beat()
            seconds = self._clock()
            if seconds < self._latest - BACK:
                gone = int(self._latest - seconds)
                raise Unavailable(
                    Why.CLOCK, f"the gate's clock went back by {gone} seconds; nothing is decided meanwhile"
                )
            if (ahead := self.pace.ahead(seconds, beat)) > FORWARD:
                raise Unavailable(
                    Why.CLOCK,
                    f"the gate's clock jumped ahead by {int(ahead)} seconds; nothing is decided until it is back or the"
                    " gate is started again",
                )
            self._latest = max(self._latest, seconds)
            return moment(self._latest)

    def believe(self, time: int) -> None:
        """The clock is not to go back behind `time`, in POSIX seconds."""
        with self._ticking:
            self._latest = max(self._latest, float(time))
