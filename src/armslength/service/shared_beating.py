"""The writer's seat, held by a sign of life twice a second from a thread of its own: whoever falls silent loses it.

The signs stop as well once the thread that writes has not come round for a while, so that a gate which hangs does not
keep the seat from those that do not.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from armslength.store import Overtaken, Seat, StoreError

EVERY = 0.5
HANGS = 20.0
"""Seconds after which a thread that has not come round counts as hanging: longer than it waits for anything."""


class Beating:
    """For two threads: the one that writes calls its methods."""

    def __init__(self, seat: Seat, site: str, *, silent: float, pledge: Callable[[], bytes]) -> None:
        """`silent`: seconds of the holder's silence after which the seat is taken; `pledge` is what goes with each sign
        of life."""
        self._seat, self._site, self._silent, self._pledge = seat, site, silent, pledge
        self._lock = threading.Lock()
        self._epoch: int | None = None
        self._alive = time.monotonic()
        self._looked = float("-inf")
        self.holder: str | None = None
        """Who holds it, as far as is known."""
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shared-seat", daemon=True)
        self._thread.start()

    @property
    def holds(self) -> bool:
        return self._epoch is not None

    def alive(self) -> None:
        """The thread that writes comes round."""
        self._alive = time.monotonic()

    def wanted(self) -> int | None:
        """Take the seat if it is to be had; gives the epoch of this hold. Asks the database twice a second. Raises
        `StoreError`."""
        now = time.monotonic()
        if now - self._looked < EVERY:
            return None
        self._looked = now
        with self._lock:
            self._epoch = self._seat.take(self._site, silent=self._silent)
            held = self._site if self._epoch is not None else None
            if held is None and (other := self._seat.holder()) is not None:
                held = other.gate
            self.holder = held
            return self._epoch

    def pledged(self) -> bytes:
        """What the holder pledged last. Raises `StoreError`."""
        return self._seat.pledge()

    def leave(self) -> None:
        """Let the next one have it at once, if the database can be told; otherwise they take it when it was silent."""
        with self._lock:
            epoch, self._epoch = self._epoch, None
            self._looked = time.monotonic()
            if epoch is not None:
                try:
                    self._seat.leave(self._site, epoch)
                except StoreError:
                    return

    def close(self) -> None:
        self.leave()
        self._closed.set()
        self._thread.join()
        self._seat.close()

    def _run(self) -> None:
        while not self._closed.wait(EVERY):
            if time.monotonic() - self._alive > HANGS:
                continue
            with self._lock:
                if self._epoch is None:
                    continue
                try:
                    self._seat.beat(self._site, self._epoch, self._pledge())
                except Overtaken:
                    self._epoch = None
                except StoreError:
                    continue  # its writes are refused once somebody else has the seat
