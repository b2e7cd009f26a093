"""Leases that the gate counts, under which sessions are open: it alone knows whether one that is over was taken away or
only used up, in which case what its last use opened goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from armslength.enforce.checker import LIST_SECONDS
from armslength.enforce.client import MOST_USES
from armslength.enforce.failure import Unreachable
from armslength.gate import LeaseId, Refused, Why

LOG = logging.getLogger("armslength.enforce.ssh")


class Asked(Protocol):
    """Who asks the gate: a point, or its client."""

    def standing(self, leases: Sequence[LeaseId]) -> Mapping[LeaseId, Refused | None]: ...


class CountedLeases:
    """What the gate said of them last. One thread asks, any may look; `steady` is in seconds that never go back."""

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._lock = threading.Lock()
        self._said: dict[LeaseId, tuple[Refused | None, float]] = {}
        self._wanted: dict[LeaseId, float] = {}

    def why(self, lease: LeaseId) -> Refused | None:
        """Why what it opened has to end now, or None; nobody knows for longer than a minute."""
        now = self._steady()
        with self._lock:
            said = self._said.get(lease)
            since = self._wanted.setdefault(lease, now)
        if said is not None and said[0] is not None:
            return said[0]
        if now - max(since, 0.0 if said is None else said[1]) <= LIST_SECONDS:
            return None
        return Refused(
            why=Why.OLD_LIST, says="whether the lease still stands is not known, as the gate does not answer"
        )

    def ask(self, point: Asked, open: Collection[LeaseId]) -> None:
        """About those that somebody wanted to know of, among these."""
        with self._lock:
            self._wanted = {id: since for id, since in self._wanted.items() if id in open}
            self._said = {id: said for id, said in self._said.items() if id in open}
            asked = sorted(self._wanted)
        for start in range(0, len(asked), MOST_USES):
            try:
                found = point.standing(asked[start : start + MOST_USES])
            except Unreachable as error:
                LOG.warning("the gate: %s", error)
                return
            now = self._steady()
            with self._lock:
                self._said |= {id: (refused, now) for id, refused in found.items()}
