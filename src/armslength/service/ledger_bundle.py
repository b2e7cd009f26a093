"""What a customer is handed: their bundle, and their own log as a tree of tiles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from armslength.ledger import (
    FIRM,
    SCOPE,
    Bundle,
    Disclosed,
    Erased,
    Journal,
    Json,
    Kind,
    MapClaim,
    MapHead,
    MapProof,
    Opened,
    PrefixMap,
    Record,
    Scope,
    Withheld,
    build_bundle,
    excuses,
    format_base64url,
    open_record,
    parse_canonical,
    parse_entry,
    parse_openings,
    parse_record,
    parse_scope,
    unseal,
)
from armslength.service.question import Refusal
from armslength.store import (
    Damaged,
    KeyStore,
    LedgerFolder,
    LogState,
    LogStore,
    Overtaken,
    PublicFolder,
    log_nodes,
    open_keys,
    open_log,
    open_public,
    read_lock,
)
from armslength.tlog import (
    WIDTH,
    Checkpoint,
    Edge,
    Note,
    Tiling,
    Unverified,
    VerifierKey,
    consistency_proof,
    edge_at,
    entries_of,
    format_entries,
    leaf_hash,
    root_at,
    sign_note,
)

STEP = 256
FIRM_ONLY = "firm_"
"""How the label begins of a field that is for the firm and its auditors: it may name other customers, or say who an
approver is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """A customer by the firm's name for it, or by its handle where the name is erased; the firm itself if neither is
    given."""

    name: str | None = None
    handle: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Withholding:
    """Labels whose values are not told; the firm's own are unless `firm`."""

    labels: frozenset[str]
    firm: bool

    def covers(self, label: str) -> bool:
        return label in self.labels or (label.startswith(FIRM_ONLY) and not self.firm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A customer's own log as it was written: the number of records, and the keys that verify its checkpoint."""

    records: int
    keys: tuple[VerifierKey, ...]


def customer_bundle(
    folder: LedgerFolder,
    whose: Whose,
    *,
    since: Iterable[int] = (),
    withhold: Collection[str] = frozenset(),
    firm: bool = False,
    whole: bool = False,
) -> Bundle:
    """The bundle of a customer as of the newest published checkpoint.

    `since` are sizes of earlier checkpoints that the customer saved, to be proven a beginning of this one; fields
    labelled as in `withhold` are committed to and not told, nor are those whose label begins with `firm_`, but to an
    auditor, for whom `firm` asks; `whole` puts the whole log into the tail, so that nobody's map need be trusted.

    Raises `Refusal` where there is no such customer or no checkpoint yet, and `StoreError`.
    """
    note = open_public(folder).published()
    if note is None:
        raise Refusal([f"{folder.public_name}: no checkpoint is published yet"])
    size = Checkpoint.parse(note.text).size
    with open_log(folder) as log, log.snapshot():
        keys = open_keys(folder)
        try:
            handle = _handle(whose, keys)
            state = log.state()
            if size > state.size:
                raise Damaged(f"{folder.log}: has {state.size} entries, and {size} are published")
            node = log_nodes(log, size)
            head = None if whole else _newest_head(log, size)
            start = 0 if head is None else head.size
            records = log.records_of(handle, until=size)
            since = tuple(since)
            too_large = [old for old in since if not 0 < old <= size]
            if too_large:
                raise Refusal(
                    [f"a checkpoint of {old} entries was saved, but {size} are published" for old in too_large]
                )
            return build_bundle(
                origin=folder.settings.origin,
                customer=handle,
                note=note,
                map=None if head is None else MapClaim(index=start, proof=_proof(log, state, head, handle)),
                before=edge_at(start, node),
                tail=log.leaves(start, size),
                leaves=[leaf for index, leaf in records if index < start],
                opened=_told(records, log, keys, _Withholding(labels=frozenset(withhold), firm=firm)),
                consistency={old: consistency_proof(old, size, node) for old in since if old < size},
            )
        finally:
            keys.close()


def export_sublog(folder: LedgerFolder, whose: Whose, into: Path, *, now: int) -> Exported:
    """Write a customer's own log as a tree of tiles, its checkpoint signed by the log's keys under the customer's
    origin.

    `now` in POSIX seconds. Raises `Refusal`, `StoreError`.
    """
    with open_log(folder) as log:
        keys = open_keys(folder)
        try:
            handle = _handle(whose, keys)
        finally:
            keys.close()
        state = log.state()
        # Only what the lock knows is signed, here as everywhere.
        held = read_lock(folder)
        if held.size > state.size or root_at(held.size, log_nodes(log, state.size)) != held.root:
            raise Overtaken(f"{folder.log}: is not the log that was signed at size {held.size} ({folder.lock})")
        leaves = [leaf for _, leaf in log.records_of(handle, until=held.size)]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    tiling = Tiling()
    public = PublicFolder(into)
    for tile, data in [*tiling.extend(hashes), *tiling.partials()]:
        public.put(tile.path, data)
    for entries in entries_of(len(leaves)):
        first = entries.index * WIDTH
        public.put(entries.path, format_entries(leaves[first : first + entries.width]))
    edge = Edge.empty().extended(hashes)
    origin = sublog_origin(folder.settings.origin, handle)
    signers = [key.named(origin) for key in folder.signers]
    text = Checkpoint(origin=origin, size=edge.size, root=edge.root()).format()
    signed = tuple(sign_note(text, key, timestamp=now if key.algorithm.timestamped else None) for key in signers)
    public.publish(Note(text=text, signatures=signed))
    return Exported(records=len(leaves), keys=tuple(key.verifier for key in signers))


def sublog_origin(origin: str, handle: bytes) -> str:
    """The origin of a customer's own log (docs/formats/record.md)."""
    return f"{origin}/customer/{format_base64url(handle)}"


def _handle(whose: Whose, keys: KeyStore) -> bytes:
    if whose.handle is not None:
        return whose.handle
    if whose.name is None:
        return FIRM
    known = keys.customer(whose.name)
    if known is None:
        raise Refusal([f"no customer {whose.name!r} in this ledger; one that was erased is known by its handle only"])
    return known.handle


def _newest_head(log: LogStore, size: int) -> MapHead | None:
    """The newest map head among the first `size` entries."""
    for until in range(size, 0, -STEP):
        for leaf in reversed(log.leaves(max(0, until - STEP), until)):
            entry = parse_entry(leaf)
            if isinstance(entry, MapHead):
                return entry
    return None


def _proof(log: LogStore, state: LogState, head: MapHead, handle: bytes) -> MapProof:
    """What the map of `head` says of a customer."""
    if head.size == state.mapped:
        chains = log.heads()
    else:  # the log has a newer head than is published: its map has to be made again
        journal = Journal(edge=Edge.empty(), chains={})
        for leaves in log.pieces(0, head.size):
            journal.adopt(journal.replay(leaves))
        chains = journal.chains()
    made = PrefixMap()
    for each, chain in chains.items():
        made.set(each, chain.size, chain.root())
    if made.root() != head.root:
        raise Damaged(f"the heads kept for the map head at entry {head.size} do not give its root")
    return made.prove(handle)


def _told(
    records: Sequence[tuple[int, bytes]], log: LogStore, keys: KeyStore, withholding: _Withholding
) -> list[Opened]:
    """What is told of a customer's records. A field erased by an erasure that is not published yet is withheld: the
    bundle has nothing to show for it."""
    orders: list[tuple[Record, Scope]] = []
    told: list[tuple[Record, Opened]] = []
    for index, leaf in records:
        record = parse_record(leaf)
        opened = _opened(index, record, log, keys, withholding)
        if opened is None:
            continue
        told.append((record, opened))
        if record.kind is Kind.ERASURE:
            orders += [
                (record, parse_scope(parse_canonical(field.value, label=SCOPE)))
                for field in opened.fields
                if isinstance(field, Disclosed) and field.label == SCOPE
            ]
    return [
        Opened(
            opened.sequence,
            tuple(
                Withheld(field.label, field.commitment)
                if isinstance(field, Erased)
                and not any(excuses(order, scope, record, field.label) for order, scope in orders)
                else field
                for field in opened.fields
            ),
        )
        for record, opened in told
    ]


def _opened(index: int, record: Record, log: LogStore, keys: KeyStore, withholding: _Withholding) -> Opened | None:
    """What is told of a record; None if the key store, restored from a backup, has nothing of it. What cannot be read
    any more is withheld, which a verifier shows as not checked: only an erasure record makes it erased."""
    kept, box = keys.openings(index, record.commitment), log.payload(index)
    if kept is None:
        return None
    customer = keys.by_handle(FIRM if record.kind is Kind.ERASURE else record.customer)
    fields = parse_openings(kept.openings)
    values: dict[str, Json] = {}
    if box is not None and customer is not None:
        with suppress(Unverified):
            values = unseal(key=customer.key, wrapped=kept.wrapped, box=box, commitment=record.commitment)
    withhold = {field.label for field in fields if field.label not in values or withholding.covers(field.label)}
    return open_record(record.sequence, fields, values, withhold=withhold)
