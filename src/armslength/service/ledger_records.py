"""Records read back: what was recorded, in the order of the ledger, opened with the firm's keys.

Each value is checked against the commitment in its leaf, so what is read is what was recorded, or is said to be gone.
It may run beside whoever writes the ledger, and gives what is durable when it begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from armslength.store import Damaged, KeyDatabase, LedgerFolder, LogDatabase, Openings
from armslength.tlog import TlogError


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRecord:
    """The record at `index` of the log, and what it says by label. An act on several customers is one for each of them.

    `fields` lack what was erased since, whose labels are `erased`; None: nothing of it can be read, which `lost` says
    no erasure asked for (as where a store of keys was restored from a backup).
    """

    index: int
    record: Record
    fields: Mapping[str, Json] | None = field(repr=False)
    erased: frozenset[str] = frozenset()
    lost: bool = False


def read_records(folder: LedgerFolder, since: int = 0) -> Iterator[LedgerRecord]:
    """The records at index `since` and after it, the firm's own among them; map heads are left out.

    Raises `Damaged` for one that does not say what its leaf commits to, `StoreError`.
    """
    with LogDatabase(folder.log) as log, closing(KeyDatabase(folder.keys)) as keys:
        opening = _Opening(folder, log, keys)
        size = log.state().size
        at = since
        for leaves in log.pieces(since, size):
            for leaf in leaves:
                try:
                    entry = parse_entry(leaf)
                    if isinstance(entry, Record):
                        yield opening.opened(at, entry)
                except TlogError as error:
                    raise Damaged(f"{folder.log}: entry {at}: {error}") from None
                at += 1


class _Opening:
    def __init__(self, folder: LedgerFolder, log: LogDatabase, keys: KeyDatabase) -> None:
        self._folder, self._log, self._keys = folder, log, keys

    def opened(self, index: int, record: Record) -> LedgerRecord:
        try:
            return self._opened(index, record)
        except TlogError:
            # An erasure replaces key and payload in two files; what was read may have been of both sides of it.
            return self._opened(index, record)

    def _opened(self, index: int, record: Record) -> LedgerRecord:
        kept = self._keys.openings(index, record.commitment) or self._erasure(index, record)
        box = self._log.payload(index)
        if kept is None:
            return LedgerRecord(index=index, record=record, fields=None, lost=not self._excused(record))
        fields = parse_openings(kept.openings)
        erased = frozenset(each.label for each in fields if isinstance(each, ErasedField))
        if len(erased) == len(fields):
            return LedgerRecord(index=index, record=record, fields=None, erased=erased)
        customer = self._keys.by_handle(FIRM if record.kind is Kind.ERASURE else record.customer)
        if box is None or customer is None or not kept.wrapped:
            return LedgerRecord(index=index, record=record, fields=None, lost=not self._excused(record))
        values = unseal(key=customer.key, wrapped=kept.wrapped, box=box, commitment=record.commitment)
        check_fields(commitment=record.commitment, fields=fields, values=values)
        return LedgerRecord(index=index, record=record, fields=values, erased=erased)

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
