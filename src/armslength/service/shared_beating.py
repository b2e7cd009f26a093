"""The writer's seat, held by a sign of life twice a second from a thread of its own: whoever falls silent loses it.

The signs stop as well once the thread that writes has not come round for a while, so that a gate which hangs does not
keep the seat from those that do not. With each sign goes a look at the lock, which the database that holds the seat
has no say in: a holder that was shown another log than the one which is written finds it ahead of its own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from armslength.store import Held, Overtaken, Seat, StoreError

LOG = logging.getLogger("armslength.gate")

EVERY = 0.5
HANGS = 20.0
"""Seconds after which a thread that has not come round counts as hanging: longer than it waits for anything."""
OPENS = 900.0
"""The same while it opens the ledger, which takes the longer the more there is to prove."""
NEAR = 1.0
"""Seconds by which a gate's clock may differ from the database's, so that those of two gates differ by twice as much at
most."""
AGREE = 2 * NEAR
"""Seconds by which the clocks of two gates may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The seat was held and the lock stood at `lock` after `since`, a time of the steady clock."""

    since: float
    lock: Held


class Beating:
    """For the thread that writes, which calls its methods; it has two of its own."""

    def __init__(
        self,
        seat: Seat,
        site: str,
        *,
        silent: float,
        pledge: Callable[[], bytes],
        lock: Callable[[], Held],
        steady: Callable[[], float],
        clock: Callable[[], float] | None = None,
    ) -> None:
        """`silent`: seconds of the holder's silence after which the seat is taken; `pledge` is what goes with each sign
        of life, `lock` reads the lock. `clock` is compared with the database's; None: it is believed."""
        self._seat, self._site, self._silent, self._pledge = seat, site, silent, pledge
        self._read_lock, self._steady, self._clock = lock, steady, clock
        self._lock = threading.Lock()
        self._epoch: int | None = None
        self._alive, self._patience = steady(), HANGS
        self._looked = float("-inf")
        self.holder: str | None = None
        """Who holds it, as far as is known."""
        self.proof: Proof | None = None
        """That it is held, as of the last sign of life in this hold."""
        self.off = 0.0
        """Seconds by which the clock differs from the database's, at the least: negative where it is behind."""
        self._due, self._proving, self._closed = threading.Event(), threading.Event(), threading.Event()
        self._beaten: float | None = None
        """When the last sign of life in this hold was given."""
        self._threads = [
            threading.Thread(target=self._often, args=(self._beat,), name="shared-seat", daemon=True),
            # Of its own: a lock that answers slowly is no reason to fall silent.
            threading.Thread(target=self._often, args=(self._prove,), name="shared-seat-lock", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def holds(self) -> bool:
        return self._epoch is not None

    @property
    def agrees(self) -> bool:
        """Whether the clock is as the database's."""
        return abs(self.off) <= NEAR

    def alive(self, patience: float = HANGS) -> None:
        """The thread that writes comes round, and will do so again within `patience` seconds."""
        self._alive, self._patience = self._steady(), patience

    def hurry(self) -> None:
        """Give the next sign of life at once."""
        self._due.set()

    def wanted(self) -> int | None:
        """Take the seat if it is to be had; gives the epoch of this hold. Asks the database twice a second. Raises
        `StoreError`."""
        now = self._steady()
        if now - self._looked < EVERY:
            return None
        self._looked = now
        self.pledged()
        if not self.agrees:
            return None
        with self._lock:
            self.proof = self._beaten = None
            self._epoch = self._seat.take(self._site, silent=self._silent)
            held = self._site if self._epoch is not None else None
            if held is None and (other := self._seat.holder()) is not None:
                held = other.gate
            self.holder = held
            return self._epoch

    def pledged(self) -> bytes:
        """What the holder pledged last. Raises `StoreError`."""
        before = self._now()
        pledge, time = self._seat.pledge()
        self._compare(before, time)
        return pledge

    def leave(self) -> None:
        """Let the next one have it at once, if the database can be told; otherwise they take it when it was silent."""
        with self._lock:
            epoch, self._epoch, self.proof, self._beaten = self._epoch, None, None, None
            self._looked = self._steady()
            if epoch is not None:
                try:
                    self._seat.leave(self._site, epoch)
                except StoreError:
                    return

    def close(self) -> None:
        self.leave()
        self._closed.set()
        self._due.set()
        self._proving.set()
        for thread in self._threads:
            thread.join()
        self._seat.close()

    def _often(self, work: Callable[[], None]) -> None:
        while not self._closed.is_set():
            try:
                work()
            except Exception as error:  # whatever a database answers: the next time it may be in order
                LOG.warning("the seat is not held", extra={"problem": f"{type(error).__name__}: {error}"})
                self._closed.wait(EVERY)

    def _beat(self) -> None:
        self._due.wait(EVERY)
        self._due.clear()
        began = self._steady()
        if began - self._alive > self._patience:
            return
        with self._lock:
            if self._epoch is None:
                return
            before = self._now()
            try:
                self._compare(before, self._seat.beat(self._site, self._epoch, self._pledge()))
            except Overtaken:
                self._epoch = self.proof = self._beaten = None
            except StoreError:
                return  # its writes are refused once somebody else has the seat
            else:
                self._beaten = began
                self._proving.set()

    def _prove(self) -> None:
        self._proving.wait(EVERY)
        self._proving.clear()
        since = self._beaten
        if since is None or (self.proof is not None and self.proof.since >= since):
            return
        try:
            lock = self._read_lock()
        except StoreError:
            return
        with self._lock:
            if self._beaten is not None:  # in this hold still
                self.proof = Proof(since=since, lock=lock)

    def _now(self) -> float | None:
        return None if self._clock is None else self._clock()

    def _compare(self, before: float | None, time: float) -> None:
        """Between the two looks at the clock the database said `time`."""
        if before is not None and self._clock is not None:
            self.off = max(before - time, 0.0) or min(self._clock() - time, 0.0)
