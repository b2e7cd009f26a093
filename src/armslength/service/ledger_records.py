"""Records read back: what was recorded, in the order of the ledger, opened with the firm's keys.

Each leaf is proven to be in the log that was signed, and each value is checked against the commitment in its leaf: so
what is read is what was recorded. That a record is gone is believed of the store of keys alone, since an erasure
destroys keys first; one whose payload is away, and whose keys are there, was taken away by somebody else.
It may run beside whoever writes the ledger, and gives what is durable when it begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from armslength.ledger import (
    FIRM,
    ErasedField,
    Everything,
    Json,
    Kind,
    Record,
    check_fields,
    excuses,
    parse_entry,
    parse_openings,
    unseal,
)
from armslength.service.ledger_fsck_secrets import Orders
from armslength.service.shared_following import proven
from armslength.store import Customer, Damaged, KeyStore, LedgerFolder, LogStore, Openings, open_keys, open_log
from armslength.tlog import TlogError, Unverified


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRecord:
    """The record at `index` of the log, and what it says by label. An act on several customers is one for each of them.

    `fields` lack what was erased since, whose labels are `erased`; None: its keys are gone, and `lost` says that no
    erasure in the log's list asked for that (as where a store of keys was restored from a backup).
    """

    index: int
    record: Record
    fields: Mapping[str, Json] | None = field(repr=False)
    erased: frozenset[str] = frozenset()
    lost: bool = False


def read_records(
    folder: LedgerFolder, since: int = 0, leaves: Sequence[bytes] | None = None, *, until: int | None = None
) -> Iterator[LedgerRecord]:
    """The records at index `since` and after it, and before `until` if that is given, the firm's own among them; map
    heads are left out. `leaves` are those from `since` on, where they were proven before: then there are no others.

    Raises `Damaged` for a leaf that was not signed, for a record that does not say what its leaf commits to, and for
    one that cannot be read though its keys are there; `StoreError`.
    """
    with open_log(folder) as log, closing(open_keys(folder)) as keys:
        opening = _Opening(folder, log, keys)
        at = since
        for some in proven(folder, log, since, until) if leaves is None else (leaves,):
            opening.ahead(at, at + len(some))
            for leaf in some:
                try:
                    entry = parse_entry(leaf)
                    if isinstance(entry, Record):
                        yield opening.opened(at, entry)
                except TlogError as error:
                    raise Damaged(f"{folder.log}: entry {at}: {error}") from None
                at += 1


class _Opening:
    def __init__(self, folder: LedgerFolder, log: LogStore, keys: KeyStore) -> None:
        self._folder, self._log, self._keys = folder, log, keys
        self._kept: Mapping[tuple[int, bytes], Openings] = {}
        self._boxes: Mapping[int, bytes] = {}
        self._customers: dict[bytes, Customer | None] = {}

    def ahead(self, first: int, until: int) -> None:
        """Read what opens these entries at once: each by itself would be several questions to a server."""
        self._kept, self._boxes = self._keys.between(first, until), self._log.payloads(first, until)
        self._customers.clear()

    def opened(self, index: int, record: Record) -> LedgerRecord:
        kept, box = self._kept.get((index, record.commitment)), self._boxes.get(index)
        try:
            return self._opened(index, record, kept, box)
        except TlogError:
            # An erasure replaces key and payload in two stores, the key first: what was read may have been of both
            # sides of it. A payload that the log has still to take, as after a crash, is staged with the keys.
            self._customers.clear()
            kept = self._keys.openings(index, record.commitment)
            staged = self._keys.staged()
            box = staged[index] if index in staged else self._log.payload(index)
            return self._opened(index, record, kept, box)

    def _opened(self, index: int, record: Record, kept: Openings | None, box: bytes | None) -> LedgerRecord:
        kept = kept or self._erasure(index, record)
        if kept is None and self._keys.followed() <= index:
            raise Unverified(
                "the store of keys is an older copy, and lacks what opens it; find the newest, or go on without what it"
                " lacks: armslength ledger adopt-keys"
            )
        if kept is None:
            return LedgerRecord(index=index, record=record, fields=None, lost=not self._excused(record))
        fields = parse_openings(kept.openings)
        erased = frozenset(each.label for each in fields if isinstance(each, ErasedField))
        if len(erased) == len(fields):
            return LedgerRecord(index=index, record=record, fields=None, erased=erased)
        customer = self._customer(FIRM if record.kind is Kind.ERASURE else record.customer)
        if customer is None or not kept.wrapped:
            return LedgerRecord(index=index, record=record, fields=None, lost=not self._excused(record))
        if box is None:
            raise Unverified(
                "its payload is missing, and its keys are there, which an erasure destroys first: it was taken away, or"
                " the store of keys is an older copy; armslength ledger fsck tells what else is missing"
            )
        values = unseal(key=customer.key, wrapped=kept.wrapped, box=box, commitment=record.commitment)
        check_fields(commitment=record.commitment, fields=fields, values=values)
        return LedgerRecord(index=index, record=record, fields=values, erased=erased)

    def _customer(self, handle: bytes) -> Customer | None:
        if handle not in self._customers:
            self._customers[handle] = self._keys.by_handle(handle)
        return self._customers[handle]

    def _erasure(self, index: int, record: Record) -> Openings | None:
        """An erasure's own secrets, which are kept with the log as well."""
        if record.kind is not Kind.ERASURE:
            return None
        return next((each for each in self._log.erasures(index) if each.index == index), None)

    def _excused(self, record: Record) -> bool:
        """Whether an erasure asks for all of it to be gone."""
        orders = Orders(self._log, self._keys, _unheard, done=self._keys.erased())
        return any(
            isinstance(order.scope, Everything) and excuses(order.record, order.scope, record, "")
            for order in orders.of(record)
        )


def _unheard(where: str, problem: str) -> None:
    """An erasure that cannot be read excuses nothing; `armslength ledger fsck` tells of it."""
