"""Whether a lease allows an act now, without asking the gate: its signature, its time, what it is for, and the signed
list of leases that were taken away.

A lease that counts its uses or customers is never allowed here: only the gate can count. Nor is any while the list is
older than a minute, or while the clock is behind where it has been.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from armslength.gate import (
    Lease,
    LeaseId,
    LeaseTerms,
    Moment,
    PersonId,
    Refused,
    Rejected,
    RevocationList,
    Target,
    Why,
    covers,
    moment,
    verify_lease,
    verify_revocations,
)

MOST_TOKENS = 4096
"""Leases whose signature is kept as verified."""
BACK_SECONDS = 2.0
"""By which a clock may go back: what time servers do to it all the time."""
LIST_SECONDS = 60.0
"""By our own count since the list came; the list says the same of itself by the two clocks."""

OFFLINE = "this lease counts its uses, so the gate has to be asked each time"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """The newest list, and when it came by a clock that nobody sets. `revoked`: what is in it, and in those before it
    that were made from as much of the log, as of two gates which cannot tell each other."""

    revocations: RevocationList
    revoked: frozenset[LeaseId]
    at: float


class Checker:
    """The leases of one gate; any number of threads may ask. `clock` gives POSIX seconds, `steady` seconds that never
    go back."""

    def __init__(self, gate: str, *, clock: Callable[[], float], steady: Callable[[], float]) -> None:
        self._gate, self._clock, self._steady = gate, clock, steady
        self._keys: Mapping[str, bytes] = {}
        self._heard: _Heard | None = None
        self._latest = 0.0
        self._verified: OrderedDict[str, LeaseTerms] = OrderedDict()
        self._lock = threading.Lock()

    def keys(self, keys: Mapping[str, bytes]) -> None:
        """From here on these are the gate's keys; what another one signed does not count any more."""
        with self._lock:
            if keys != self._keys:
                self._keys = dict(keys)
                self._verified.clear()
                self._heard = None

    def learn(self, text: str) -> RevocationList:
        """Take a list in. An older one than we have is left aside, whoever serves it. Raises `Rejected` for one that is
        not this gate's, or, as `UnknownKey`, is signed by a key that is not known yet."""
        revocations = verify_revocations(text, self._keys)
        if revocations.gate != self._gate:
            raise Rejected([f"the list is of the gate {revocations.gate[:60]!r}, expected {self._gate!r}"])
        with self._lock:
            before = self._heard
            if before is None or (revocations.follows(before.revocations) and revocations != before.revocations):
                kept = before.revoked if before and revocations.beside(before.revocations) else frozenset()
                self._heard = _Heard(revocations=revocations, revoked=revocations.revoked | kept, at=self._steady())
            return revocations

    def now(self) -> float | Refused:
        """The time, if it can be believed."""
        now = self._clock()
        if now > self._latest:
            self._latest = now
        elif now < self._latest - BACK_SECONDS:
            return Refused(why=Why.CLOCK, says="the clock of this service went back; nothing is let through meanwhile")
        return now

    def blind(self, now: float) -> Refused | None:
        """Why it cannot be known now which leases were taken away, or None."""
        heard = self._heard
        if heard is None or not heard.revocations.fresh(moment(now)) or self._steady() - heard.at > LIST_SECONDS:
            says = "the list of revoked leases is too old: the gate gives none that counts"
            return Refused(why=Why.OLD_LIST, says=says)
        return None

    def running(self, id: LeaseId, end: Moment) -> Refused | None:
        """Why what this lease allowed a while ago has to end now, or None."""
        now = self.now()
        if isinstance(now, Refused):
            return now
        if moment(now) >= end:
            return Refused(why=Why.EXPIRED, says="the lease has run out")
        return self.taken(id, now)

    def taken(self, id: LeaseId, now: float) -> Refused | None:
        """Why it is not certain that this lease still stands, or None."""
        if (refused := self.blind(now)) is not None:
            return refused
        heard = self._heard
        if heard is None or id in heard.revoked:
            return Refused(why=Why.REVOKED, says="the lease was revoked")
        return None

    def check(
        self, token: str, *, executor: PersonId, action: str, resource: Target, customers: frozenset[str]
    ) -> LeaseTerms | Refused:
        """The lease that allows this act now, or why there is none. Says nothing of whether its use was recorded."""
        now = self.now()
        if isinstance(now, Refused):
            return now
        terms = self._verified.get(token)
        if terms is None:
            read = self._read(token)
            if isinstance(read, Refused):
                return read
            terms = read
        at = moment(now)
        if at >= terms.end:
            return Refused(why=Why.EXPIRED, says="the lease has run out")
        if at < terms.start:
            return Refused(why=Why.EXPIRED, says="the lease has not begun")
        if not covers(terms, executor=executor, action=action, resource=resource, customers=customers):
            says = "the lease is for another person, action, resource or customer"
            if terms.most_customers is not None and not customers:
                says = "each use of the lease has to name its customers"
            return Refused(why=Why.OUTSIDE, says=says)
        if (refused := self.taken(terms.id, now)) is not None:
            return refused
        if terms.online:
            return Refused(why=Why.GATE, says=OFFLINE)
        return terms

    def read(self, token: str) -> LeaseTerms | Refused:
        """The lease that the gate signed, whatever the time; or that it did not."""
        terms = self._verified.get(token)
        return terms if terms is not None else self._read(token)

    def _read(self, token: str) -> LeaseTerms | Refused:
        try:
            lease: Lease = verify_lease(token, self._keys)
        except Rejected as error:
            return Refused(why=Why.UNSIGNED, says=f"the lease was not signed by the gate: {error}"[:300])
        terms = lease.terms
        if terms.gate != self._gate:
            return Refused(why=Why.UNSIGNED, says="the lease is another gate's")
        with self._lock:
            self._verified[token] = terms
            while len(self._verified) > MOST_TOKENS:
                self._verified.popitem(last=False)
        return terms
