"""The ledger read into the gate's state: at a start, and after an append of which nobody knows whether it took effect.

What is read goes through the code that takes in what was just recorded, so there is no second way into the state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import closing

from armslength.gate import FIRM, Changed, Erased, Event, Ignored, Read, events_in
from armslength.ledger import SCOPE, Kind, Record, Scope, excuses, parse_record, parse_scope
from armslength.service.ledger_records import LedgerRecord, read_records
from armslength.store import Damaged, LedgerFolder, LogStore, open_log
from armslength.tlog import Malformed

Take = Callable[[Event | Erased, bytes, int, str], Changed | Ignored]
_OBJECTS = frozenset({Kind.REQUEST, Kind.LEASE})
_SIGNED = frozenset({Kind.REQUEST, Kind.LEASE, Kind.APPROVAL})


def replay(
    folder: LedgerFolder, since: int, take: Take, *, wanted: Collection[bytes] = (), until: int | None = None
) -> dict[bytes, Changed | Ignored]:
    """Take in every record of the gate from index `since` on, and before `until` if that is given. Gives what became of
    the acts that are `wanted`.

    Raises `StoreError` for a ledger that cannot be read, `Tampered` for a record that no gate writes.
    """
    found: dict[bytes, Changed | Ignored] = {}
    for happened in events_in(records_of(folder, since)):
        if until is not None and happened.index >= until:
            break
        outcome = take(happened.event, happened.act, happened.index, folder.settings.origin)
        if happened.act in wanted:
            found[happened.act] = outcome
    return found


def records_of(folder: LedgerFolder, since: int, leaves: Sequence[bytes] | None = None) -> Generator[Read]:
    """Every record at index `since` and after it, as the gate reads it; `leaves` as `read_records` takes them. Raises
    `StoreError`."""
    with open_log(folder) as log:
        chains = _Chains(log, folder)
        for each in read_records(folder, since, leaves):
            record, fields = each.record, each.fields
            among = None
            if record.kind is Kind.ERASURE:
                among, fields = chains.ordered(each), None
            elif FIRM in each.erased or fields is None:
                # One that lost its event and kept the rest was the gate's all the same, and is not to be passed over.
                among, fields = chains.before(each), None
            yield Read(
                index=each.index, act=record.act, kind=record.kind.value, fields=fields, among=among, at=record.time
            )


def event_at(folder: LedgerFolder, index: int) -> Event | Erased | None:
    """What happened at this index; None: nothing of the gate's. Raises `StoreError`, `Tampered`."""
    with closing(records_of(folder, index)) as records:
        happened = next(events_in(records), None)
    return happened.event if happened is not None and happened.index == index else None


class _Chains:
    """What the log tells of records that nobody can read: of which customer they were, and what else that one has."""

    def __init__(self, log: LogStore, folder: LedgerFolder) -> None:
        self._log, self._folder = log, folder
        self._of: dict[bytes, list[tuple[int, Record]]] = {}
        """Requests, approvals and leases by their customer."""

    def before(self, gone: LedgerRecord) -> frozenset[bytes]:
        """The acts of the customer's requests and leases before this record."""
        return frozenset(
            record.act
            for index, record in self._chain(gone.record.customer)
            if index < gone.index and record.kind in _OBJECTS
        )

    def ordered(self, order: LedgerRecord) -> frozenset[bytes]:
        """The acts of the customer's requests, approvals and leases that this erases."""
        scope = self._scope(order)
        return frozenset(
            record.act
            for index, record in self._chain(order.record.customer)
            if index < order.index and excuses(order.record, scope, record, FIRM)
        )

    def _scope(self, order: LedgerRecord) -> Scope:
        try:
            return parse_scope((order.fields or {}).get(SCOPE))
        except Malformed as error:
            raise Damaged(f"{self._folder.log}: entry {order.index} orders an erasure: {error}") from None

    def _chain(self, customer: bytes) -> list[tuple[int, Record]]:
        found = self._of.get(customer)
        if found is None:
            records = ((at, parse_record(leaf)) for at, leaf in self._log.records_of(customer, until=2**62))
            found = self._of[customer] = [(at, record) for at, record in records if record.kind in _SIGNED]
        return found
