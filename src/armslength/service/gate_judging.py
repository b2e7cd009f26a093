"""Judging live leases again: whether each would still be given, after a change of the estate, a new day, a revoked
passkey. Of many leases that takes seconds, so nobody waits for all of it: a use asks for its own lease, the list of
revoked ones for those that points check themselves, and the sweep does the rest.

Nothing that happens meanwhile is lost: whatever may make a lease one that does not hold is counted by the book
(`turns`), and another count, another estate or another day begins anew.
"""

from __future__ import annotations

import threading
import time
from collections import deque

from armslength.gate import Decider, LeaseId, LeaseState, Refused, Why
from armslength.service.gate_office import Office

PASSING = frozenset({Why.CLOCK, Why.LEDGER, Why.STORE})
"""Refusals that say nothing of the lease: it opens nothing now, and is asked about again."""


class Judging:
    """For any number of threads."""

    def __init__(self, office: Office) -> None:
        self._office, self._book = office, office.book
        self._lock = threading.Lock()
        self._by: tuple[Decider, int] | None = None
        self._offline: deque[LeaseId] = deque()
        self._online: deque[LeaseId] = deque()
        """Leases that have still to be judged."""
        self._refused: dict[LeaseId, Refused] = {}

    def go_on(self, *, online: bool) -> bool:
        """Judge one lease; those that are redeemed online only if `online`, after the others. Whether there was one."""
        with self._lock:
            self._renew()
            if self._offline:
                self._judge(self._offline.popleft())
            elif online and self._online:
                self._judge(self._online.popleft())
            else:
                return False
            return True

    def unheld(self, until: float) -> frozenset[LeaseId] | None:
        """Every live lease that points check themselves and that does not hold; of the others, those known by now. None
        where that cannot be said before `until` (of `time.monotonic`)."""
        while self.go_on(online=False):
            if time.monotonic() >= until:
                return None
        with self._lock:
            return frozenset(self._refused)

    def lost(self) -> list[LeaseId]:
        """The leases found not to hold, for another reason than one that passes."""
        with self._lock:
            return [id for id, refused in self._refused.items() if refused.why not in PASSING]

    def again(self) -> None:
        """Ask again about those for which the reason may have passed."""
        with self._lock:
            for id in [id for id, refused in self._refused.items() if refused.why in PASSING]:
                self._add(id)

    def drop(self, id: LeaseId) -> None:
        """It is over, or holds after all."""
        with self._lock:
            self._refused.pop(id, None)

    def postpone(self, id: LeaseId) -> None:
        """It could not be ended now: the others come first."""
        with self._lock:
            if (refused := self._refused.pop(id, None)) is not None:
                self._refused[id] = refused

    # Within the lock

    def _renew(self) -> None:
        by = self._office.decider, self._book.turns
        if self._by is None or by[0] is not self._by[0] or by[1] != self._by[1]:
            self._by = by
            self._refused.clear()
            self._offline.clear()
            self._online.clear()
            for lease in self._book.state.live():
                self._sort(lease)
        while self._book.given:
            self._add(self._book.given.popleft())

    def _add(self, id: LeaseId) -> None:
        lease = self._book.state.leases.get(id)
        if lease is not None:
            self._sort(lease)

    def _sort(self, lease: LeaseState) -> None:
        (self._online if lease.terms.online else self._offline).append(lease.terms.id)

    def _judge(self, id: LeaseId) -> None:
        lease = self._book.state.leases.get(id)
        refused = None if lease is None or not lease.live else self._office.holds(lease)
        if refused is None:
            self._refused.pop(id, None)
        else:
            self._refused[id] = refused
