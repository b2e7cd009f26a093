"""What a gate decides while it is cut off from the ledger, kept on its own disk until it is recorded: refusals, and the
ends of leases. Nothing that gives anything is ever decided apart.

Each is kept under the act id that its record will have, so that delivering it twice records it once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from concurrent.futures import wait

from armslength.gate import Denied, Ended, Event, LeaseId, Revoked, format_event, parse_event
from armslength.service.gate_record import act_of
from armslength.service.ledger import OpenLedger
from armslength.service.ledger_failure import AppendError
from armslength.store import EventJournal, KeptEvent, StoreError
from armslength.tlog import TlogError, canonical, parse_canonical

LOG = logging.getLogger("armslength.gate")

MOST = 100_000
"""Events that are kept; of refusals beyond it only the log tells."""
AT_ONCE = 200
PATIENCE = 10.0


class Apart:
    """For any number of threads."""

    def __init__(self, journal: EventJournal) -> None:
        """Raises `StoreError`."""
        self._journal = journal
        self._lock = threading.Lock()
        self._count = journal.count()

    @property
    def waiting(self) -> int:
        """How many wait to be recorded."""
        return self._count

    def keep(self, event: Event, act: bytes) -> bool:
        """Whether it is on the disk now."""
        if self._count >= MOST and isinstance(event, Denied):
            LOG.error("a refusal is not kept: too many wait to be recorded", extra={"waiting": self._count})
            return False
        try:
            with self._lock:
                self._journal.keep(KeptEvent(act=act, body=canonical(format_event(event), label="event")))
                self._count = self._journal.count()
        except (StoreError, TlogError) as error:
            LOG.error("what was decided apart is not kept", extra={"problem": str(error)})
            return False
        return True

    def ends(self) -> dict[LeaseId, Ended | Revoked]:
        """The ends of leases that are kept. Raises `StoreError`."""
        found = (_event(kept) for kept in self._journal.all())
        return {LeaseId(each.lease): each for each in found if isinstance(each, Ended | Revoked)}

    def settle(self, ending: Collection[LeaseId]) -> None:
        """Drop the ends of leases that are recorded by now: all but those of `ending`. Raises `StoreError`."""
        if not self._count:
            return
        over = [
            kept.act
            for kept in self._journal.all()
            if isinstance(event := _event(kept), Ended | Revoked) and event.lease not in ending
        ]
        self._drop(over)

    def deliver(self, ledger: OpenLedger) -> None:
        """Have refusals recorded that are kept; those of which nobody can tell stay. Raises `StoreError`,
        `AppendError`."""
        while self._count:
            refusals = [
                (kept, event) for kept in self._journal.all(AT_ONCE) if isinstance(event := _event(kept), Denied)
            ]
            if not refusals:
                return
            sent = {kept.act: ledger.append(act_of(event, kept.act, None)) for kept, event in refusals}
            wait(sent.values(), timeout=PATIENCE)
            done: list[bytes] = []
            for act, future in sent.items():
                match future.exception() if future.done() else AppendError("no answer"):
                    case AppendError():
                        continue
                    case Exception() as error:
                        LOG.error("what was kept is not recorded", extra={"act": act.hex(), "problem": str(error)})
                    case _:
                        pass
                done.append(act)
            self._drop(done)
            if len(done) < len(sent):
                return

    def _drop(self, acts: list[bytes]) -> None:
        if acts:
            with self._lock:
                self._journal.drop(acts)
                self._count = self._journal.count()


def _event(kept: KeptEvent) -> Event:
    return parse_event(parse_canonical(kept.body, label="event"))
