"""The ledger read into the gate's state: at a start, and after an append of which nobody knows whether it took effect.

What is read goes through the code that takes in what was just recorded, so there is no second way into the state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from armslength.gate import FIRM, Changed, Erased, Event, Ignored, Read, events_in
from armslength.service.ledger_records import read_records
from armslength.store import LedgerFolder

Take = Callable[[Event | Erased, bytes, int, str], Changed | Ignored]


def replay(
    folder: LedgerFolder, since: int, take: Take, *, wanted: Collection[bytes] = ()
) -> dict[bytes, Changed | Ignored]:
    """Take in every record of the gate at index `since` and after it. Gives what became of the acts that are `wanted`.

    Raises `StoreError` for a ledger that cannot be read, `Tampered` for a record that no gate writes.
    """
    found: dict[bytes, Changed | Ignored] = {}
    for happened in events_in(records_of(folder, since)):
        outcome = take(happened.event, happened.act, happened.index, folder.settings.origin)
        if happened.act in wanted:
            found[happened.act] = outcome
    return found


def records_of(folder: LedgerFolder, since: int) -> Iterator[Read]:
    """Every record at index `since` and after it, as the gate reads it. Raises `StoreError`."""
    for each in read_records(folder, since):
        # One that lost its event and kept the rest was the gate's all the same, and is not to be passed over.
        fields = None if FIRM in each.erased else each.fields
        yield Read(index=each.index, act=each.record.act, kind=each.record.kind.value, fields=fields)
