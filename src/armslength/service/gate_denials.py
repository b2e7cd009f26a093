"""Refusals on record: of acts that the gate guards, the same one at most once a minute, and never more than a flood's
worth. A refusal does not wait for its record: whoever is refused must not be able to hold anybody up."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress

from armslength.gate import Denied, PersonId, Refused, Rejected, Target, Why, posix
from armslength.service.gate_failure import Unavailable
from armslength.service.gate_office import Office

MINUTE = 60
MOST = 600
"""Records of refusals in a minute, of all kinds; one refusal is a record for each customer."""
MOST_CUSTOMERS = 20
"""Customers in whose records one refusal is; how many more there were is on the firm's."""

UNTOLD = frozenset(
    {
        Why.UNKNOWN_SUBJECT,
        Why.UNKNOWN_RESOURCE,
        Why.UNKNOWN_ACTION,
        Why.UNMAPPED,
        Why.AMBIGUOUS,
        Why.LEDGER,
        Why.STORE,
        Why.CLOCK,
    }
)
"""Not recorded: what names nothing that the estate knows would let anybody write into the ledger, and where ledger,
database or clock fail there is no recording. A gate that is cut off from its ledger keeps what it refuses for that."""


class Denials:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._lock = threading.Lock()
        self._minute = self._records = 0
        self._seen: set[tuple[object, ...]] = set()

    def note(
        self,
        refused: Refused,
        *,
        executor: PersonId,
        asker: PersonId,
        author: PersonId | None,
        action: str,
        resource: Target,
        customers: Sequence[str],
        point: str,
    ) -> None:
        """Have it recorded, if it is to be. Never raises for that, and never waits."""
        apart = refused.why is Why.LEDGER and self._office.book.keeps_apart
        if refused.why in UNTOLD and not apart:
            return
        with suppress(Unavailable, Rejected):
            at = posix(self._office.book.dated())
            named = sorted(set(customers))
            event = Denied(
                at=at,
                executor=executor,
                asker=asker,
                author=author,
                action=action,
                resource=str(resource),
                customers=tuple(named[:MOST_CUSTOMERS]),
                why=refused.why.value,
                point=point,
                more=max(0, len(named) - MOST_CUSTOMERS),
            )
            if self._first(event):
                self._office.book.note(event, act=self._office.draw())

    def _first(self, event: Denied) -> bool:
        people = (event.executor, event.asker, event.author)
        key = (*people, event.action, event.resource, event.customers, event.more, event.why, event.point)
        records = max(1, len(event.customers))
        with self._lock:
            if event.at // MINUTE != self._minute:
                self._minute = event.at // MINUTE
                self._seen.clear()
                self._records = 0
            if key in self._seen or self._records + records > MOST:
                return False
            self._seen.add(key)
            self._records += records
            return True
