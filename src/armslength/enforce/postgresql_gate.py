"""The gate, as a point beside a database knows it: whose leases it signed, which of them run, and what waits for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from armslength.enforce.checker import Checker
from armslength.enforce.client import GateClient
from armslength.enforce.counted import CountedLeases
from armslength.enforce.failure import SpoolFailed, Unreachable
from armslength.enforce.postgresql_delivery import Delivery
from armslength.gate import LeaseId, LeaseTerms, Moment, Refused, Rejected, UnknownKey, Why, moment, verify_lease

LOG = logging.getLogger("armslength.enforce.postgresql")


class GateSeen:
    """One thread looks, any may ask. `said` is why the last look failed, or None."""

    def __init__(
        self,
        client: GateClient,
        delivery: Delivery,
        gate: str,
        *,
        clock: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        """`gate` is the origin of its ledger."""
        self._client, self._delivery, self._gate = client, delivery, gate
        self._checker = Checker(gate, clock=clock, steady=steady)
        self._counted = CountedLeases(steady)
        self._keys: dict[str, bytes] = {}
        self.said: str | None = "the gate was not asked yet"

    def terms(self, token: str) -> LeaseTerms | Refused:
        """Those of a lease that the gate signed, with keys that it has now."""
        try:
            try:
                terms = verify_lease(token, self._keys).terms
            except UnknownKey:
                self._learn_keys()
                terms = verify_lease(token, self._keys).terms
        except Unreachable:
            return Refused(why=Why.GATE, says="the gate gives no answer that counts, so nothing is opened")
        except Rejected as error:
            return Refused(why=Why.UNSIGNED, says=f"the lease was not signed by the gate: {error}"[:300])
        if terms.gate != self._gate:
            return Refused(why=Why.UNSIGNED, says="the lease is another gate's")
        return terms

    def not_now(self, terms: LeaseTerms) -> Refused | None:
        now = self._checker.now()
        if isinstance(now, Refused):
            return now
        if moment(now) < terms.start:
            return Refused(why=Why.EXPIRED, says="the lease has not begun")
        return self.running(terms.id, terms.end, terms.online)

    def running(self, lease: LeaseId, end: Moment, counted: bool) -> Refused | None:
        """Why what the lease opened has to end, or None. One that counts and is over may only be used up, and then what
        its last use opened goes on: the gate knows."""
        refused = self._checker.running(lease, end)
        return self._counted.why(lease) if refused is not None and refused.why is Why.REVOKED and counted else refused

    def look(self, leases: Callable[[], Sequence[LeaseId]]) -> None:
        """Ask for its list, and of these leases that it counts; bring it what waits."""
        try:
            text = self._client.revocations()
            try:
                self._checker.learn(text)
            except UnknownKey:
                self._learn_keys()
                self._checker.learn(text)
            self._counted.ask(self._client, leases())
            self._delivery.send()
            self.said = None
        except (Unreachable, Rejected) as error:
            if self.said != str(error):
                LOG.warning("the gate: %s", error)
            self.said = str(error)
        except SpoolFailed as error:
            LOG.error("the journal: %s", error)
            self.said = str(error)

    def _learn_keys(self) -> None:
        """Raises `Unreachable`."""
        self._keys = self._client.keys()
        self._checker.keys(self._keys)
