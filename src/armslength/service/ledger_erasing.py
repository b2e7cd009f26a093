"""Erasure: what the log's erasure records order is done to the keys, the openings and the payloads.

The record comes first, so that a missing opening can always be told from a hidden one. `obey` is called after each
erasure and at each start: what a crash left undone, or what a backup brought back, is erased before anything is read.
Erasing twice is the same as once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from armslength.ledger import (
    SCOPE,
    ErasedField,
    Everything,
    Field,
    Kind,
    OpenField,
    Records,
    Scope,
    excuses,
    format_openings,
    parse_openings,
    parse_record,
    parse_scope,
    reseal,
    unseal,
)
from armslength.store import Damaged, KeyStore, LogStore, Openings
from armslength.tlog import Malformed, TlogError


def check_scope(scope: Scope, handle: bytes, log: LogStore, keys: KeyStore, *, size: int) -> None:
    """That each record and label to be erased is there. Raises `Malformed` with every one that is not.

    Without it an erasure of nothing would be recorded, and believed.
    """
    match scope:
        case Everything():
            return
        case Records(records=wanted):
            records = log.records_of(handle, until=size)
            problems = []
            for sequence, labels in wanted:
                if sequence >= len(records):
                    problems.append(f"record {sequence} is to be erased, but the customer has {len(records)}")
                    continue
                index, leaf = records[sequence]
                record = parse_record(leaf)
                if record.kind is Kind.ERASURE:
                    problems.append(f"record {sequence} is an erasure itself: it holds no personal data and stays")
                kept = keys.openings(index, record.commitment)
                have = {field.label for field in parse_openings(kept.openings)} if kept else set()
                problems += [
                    f"the field {label!r} of record {sequence} is to be erased, but there is none"
                    for label in labels or ()
                    if kept and label not in have
                ]
            if problems:
                raise Malformed("; ".join(problems))


def obey(log: LogStore, keys: KeyStore, *, size: int, chance: Callable[[int], bytes]) -> int:
    """Do every erasure among the log's `size` entries that this key store has not done. Gives how many.

    Raises `StoreError`; `Damaged` where an erasure's record cannot be read, since then nobody can tell what to erase.
    """
    log.replace_payloads(keys.staged())
    orders = log.erasures(keys.erased())
    for order in orders:
        keys.keep(order)  # a store restored from a backup may be older than the erasure
        _obey(order, log, keys, chance)
    if keys.erased() < size:
        keys.settle(size)
    return len(orders)


def _obey(secrets: Openings, log: LogStore, keys: KeyStore, chance: Callable[[int], bytes]) -> None:
    index = secrets.index
    order = parse_record(log.leaves(index, index + 1)[0])
    scope = _scope(secrets, order.commitment, log, keys)
    replaced: dict[int, tuple[Openings, bytes | None]] = {}
    for at, leaf in log.records_of(order.customer, until=index):
        record = parse_record(leaf)
        openings = keys.openings(at, record.commitment)
        if openings is None:
            continue
        fields = parse_openings(openings.openings)
        left = {field.label for field in fields if isinstance(field, OpenField)}
        # The rule by which a customer's verifier accepts that a field is missing, and no other.
        gone = {label for label in left if excuses(order, scope, record, label)}
        if gone == left and left:
            replaced[at] = _emptied(openings, fields), None
        elif gone:
            replaced[at] = _less(openings, fields, gone, order.customer, log, keys, chance)
    keys.erase(customer=order.customer if isinstance(scope, Everything) else None, replaced=replaced)
    log.replace_payloads({at: box for at, (_, box) in replaced.items()})


def _scope(secrets: Openings, commitment: bytes, log: LogStore, keys: KeyStore) -> Scope:
    index, firm, box = secrets.index, keys.customer(""), log.payload(secrets.index)
    if firm is None or box is None:
        raise Damaged(
            f"entry {index} orders an erasure, but what it erases cannot be read: its payload or key is missing"
        )
    try:
        fields = unseal(key=firm.key, wrapped=secrets.wrapped, box=box, commitment=commitment)
        return parse_scope(fields.get(SCOPE))
    except TlogError as error:
        raise Damaged(f"entry {index} orders an erasure, but what it erases cannot be read: {error}") from None


def _emptied(openings: Openings, fields: Sequence[Field]) -> Openings:
    """A record's secrets with nothing left to open; its commitments stay, so that what is missing is seen to be
    erased."""
    gone = [ErasedField(label=field.label, commitment=field.commitment) for field in fields]
    return Openings(index=openings.index, commitment=openings.commitment, wrapped=b"", openings=format_openings(gone))


def _less(
    openings: Openings,
    fields: tuple[Field, ...],
    gone: Collection[str],
    handle: bytes,
    log: LogStore,
    keys: KeyStore,
    chance: Callable[[int], bytes],
) -> tuple[Openings, bytes | None]:
    """A record's secrets and payload without some of its fields. Where it does not open, what is to be erased is
    erased all the same: its payload is of a newer key than this store, restored from a backup, has, and nothing can
    read it."""
    customer, box = keys.by_handle(handle), log.payload(openings.index)
    kept: Sequence[Field] = [
        ErasedField(label=field.label, commitment=field.commitment) if field.label in gone else field
        for field in fields
    ]
    wrapped, left = b"", None
    if customer is not None and box is not None:
        try:
            less = reseal(
                without=gone,
                key=customer.key,
                wrapped=openings.wrapped,
                box=box,
                commitment=openings.commitment,
                fields=fields,
                chance=chance,
            )
            kept, wrapped, left = less.fields, less.wrapped, less.box
        except TlogError:
            pass
    secrets = Openings(
        index=openings.index, commitment=openings.commitment, wrapped=wrapped, openings=format_openings(kept)
    )
    return secrets, left
