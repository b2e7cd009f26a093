"""The ledger read into the gate's state: at a start, and after an append of which nobody knows whether it took effect.

What is read goes through the code that takes in what was just recorded, so there is no second way into the state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from armslength.gate import FIRM, Changed, Erased, Event, Ignored, Read, events_in
from armslength.ledger import NO_RECORD, SCOPE, Kind, Record, Scope, excuses, parse_record, parse_scope
from armslength.service.ledger_records import LedgerRecord, read_records
from armslength.store import Damaged, LedgerFolder, LogStore, open_log
from armslength.tlog import Malformed, leaf_hash

Take = Callable[[Event | Erased, bytes, int, str], Changed | Ignored]
_OBJECTS = frozenset({Kind.REQUEST, Kind.LEASE})
_SIGNED = frozenset({Kind.REQUEST, Kind.LEASE, Kind.APPROVAL})


def replay(
    folder: LedgerFolder, since: int, take: Take, *, wanted: Collection[bytes] = (), until: int | None = None
) -> dict[bytes, Changed | Ignored]:
    """Take in every record of the gate from index `since` on, and before `until` if that is given. Gives what became of
    the acts that are `wanted`.

    Raises `StoreError` for a ledger that cannot be read, or has not all of that, `Tampered` for a record that no gate
    writes.
    """
    found: dict[bytes, Changed | Ignored] = {}
    for happened in events_in(records_of(folder, since, until=until)):
        outcome = take(happened.event, happened.act, happened.index, folder.settings.origin)
        if happened.act in wanted:
            found[happened.act] = outcome
    return found


def records_of(
    folder: LedgerFolder, since: int, leaves: Sequence[bytes] | None = None, *, until: int | None = None
) -> Generator[Read]:
    """Every record at index `since` and after it, as the gate reads it; `leaves` and `until` as `read_records` takes
    them. Raises `StoreError`."""
    with open_log(folder) as log:
        chains = _Chains(log, folder)
        for each in read_records(folder, since, leaves, until=until):
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
    """What the record at this index tells; None: nothing of the gate's. Raises `StoreError`, `Tampered`."""
    with closing(records_of(folder, index, until=index + 1)) as records:
        return next((happened.event for happened in events_in(records)), None)


class _Chains:
    """What the log tells of records that nobody can read: of which customer they were, and what else that one has.

    Which entries are a customer's, the log looks up in a table that nobody signed. But each leaf holds the hash of the
    customer's leaf before it, and the last of them is proven: so those that lead there are all there were.
    """

    def __init__(self, log: LogStore, folder: LedgerFolder) -> None:
        self._log, self._folder = log, folder
        self._of: dict[bytes, _Chain] = {}

    def before(self, gone: LedgerRecord) -> frozenset[bytes]:
        """The acts of the customer's requests and leases before this record."""
        return frozenset(record.act for record in self._earlier(gone) if record.kind in _OBJECTS)

    def ordered(self, order: LedgerRecord) -> frozenset[bytes]:
        """The acts of the customer's requests, approvals and leases that this erases."""
        scope = self._scope(order)
        return frozenset(record.act for record in self._earlier(order) if excuses(order.record, scope, record, FIRM))

    def _scope(self, order: LedgerRecord) -> Scope:
        try:
            return parse_scope((order.fields or {}).get(SCOPE))
        except Malformed as error:
            raise Damaged(f"{self._folder.log}: entry {order.index} orders an erasure: {error}") from None

    def _earlier(self, of: LedgerRecord) -> Iterator[Record]:
        """The customer's requests, approvals and leases before this record, which is proven. Raises `Damaged`."""
        customer, place = of.record.customer, of.record.sequence
        chain = self._of.get(customer)
        if chain is None or len(chain.hashes) < place:
            chain = self._of[customer] = self._chain(customer)
        if (chain.hashes[place - 1] if 0 < place <= len(chain.hashes) else NO_RECORD) != of.record.previous:
            raise Damaged(
                f"{self._folder.log}: entry {of.index}: the table of customers' records gives other ones before it than"
                " its leaf names"
            )
        return (record for record in chain.signed if record.sequence < place)

    def _chain(self, customer: bytes) -> _Chain:
        """As far as the leaves follow on each other."""
        chain, last = _Chain(), NO_RECORD
        for _, leaf in self._log.records_of(customer, until=2**62):
            try:
                record = parse_record(leaf)
            except Malformed:
                break
            if (record.sequence, record.previous) != (len(chain.hashes), last):
                break
            last = leaf_hash(leaf)
            chain.hashes.append(last)
            if record.kind in _SIGNED:
                chain.signed.append(record)
        return chain


@dataclass(frozen=True, slots=True)
class _Chain:
    """The hashes of a customer's leaves in their order, and those of them that are requests, approvals and leases."""

    hashes: list[bytes] = field(default_factory=list)
    signed: list[Record] = field(default_factory=list)
