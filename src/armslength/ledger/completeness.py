"""That a customer was shown all of their records: the tail, the map, the records that it covers, and their chain.

The tail extends the edge before it to the checkpoint's root, so the map head is in the log and nothing after it is
missing; the map fixes how many records there are and their root; the chain ties each to the one before, and on into the
tail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from armslength.ledger.bundle import Bundle
from armslength.ledger.check import Check, CheckName, counted
from armslength.ledger.entry import Entry, parse_entry
from armslength.ledger.map_head import MapHead
from armslength.ledger.map_proof import verify_map
from armslength.ledger.record import NO_RECORD, Record, parse_record
from armslength.tlog import EMPTY, Edge, Malformed, Unverified, format_base64url, leaf_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The customer's records as the bundle gives them, the first `covered` from `leaves`, then those of the tail. One
    that cannot be read is None; `faults` says why, and what else the chain refuses. `roots` are those of the trees over
    the first `covered` records, over all, and over as many as were saved before."""

    records: tuple[Record | None, ...]
    covered: int
    roots: Mapping[int, bytes]
    faults: tuple[str, ...]

    @property
    def total(self) -> int:
        return len(self.records)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The main log's last entries: what each says (None where it says nothing), and its leaf hash."""

    entries: tuple[Entry | None, ...]
    hashes: tuple[bytes, ...]
    faults: tuple[str, ...]


def read_tail(bundle: Bundle) -> Tail:
    """Every entry of the tail, read; one that is neither a record nor a map head could hide one."""
    start = 0 if bundle.map is None else bundle.map.index
    entries: list[Entry | None] = []
    faults = []
    for index, entry in enumerate(bundle.tail, start):
        try:
            entries.append(parse_entry(entry))
        except Malformed as error:
            entries.append(None)
            faults.append(f"entry {index} of the log cannot be read, so it could be a record of yours: {error}")
    return Tail(entries=tuple(entries), hashes=tuple(map(leaf_hash, bundle.tail)), faults=tuple(faults))


def check_log(bundle: Bundle, tail: Tail) -> Check:
    """That the tail is whole: it extends the edge before it to the checkpoint's tree."""
    checkpoint = bundle.checkpoint
    start = 0 if bundle.map is None else bundle.map.index
    faults = list(tail.faults)
    try:
        edge = Edge(size=start, hashes=bundle.before).extended(tail.hashes)
    except Malformed as error:
        faults.append(f"the hashes before the tail are not those of {start:,} entries: {error}")
    else:
        if edge.size != checkpoint.size:
            faults.append(f"the tail ends at entry {edge.size:,}, and the signed checkpoint at {checkpoint.size:,}")
        elif edge.root() != checkpoint.root:
            faults.append("the entries shown are not those of the signed checkpoint: their root is another")
    last = "the last" if len(bundle.tail) == 1 else f"the last {len(bundle.tail):,}"
    told = f"{last} of the log's {checkpoint.size:,} entries, none left out, as they were signed"
    if bundle.map is None:
        told = f"the whole log, {checkpoint.size:,} entries, as it was signed"
    return Check.of(CheckName.LOG, faults, f"you were given {told}")


def check_map(bundle: Bundle, tail: Tail) -> Check:
    """That the log itself says how many records the customer has."""
    claim = bundle.map
    if claim is None:
        return Check.of(
            CheckName.MAP, (), "not needed: you were given the whole log, so your records are found by reading it"
        )
    head = tail.entries[0] if tail.entries else None
    if not isinstance(head, MapHead):
        return Check.of(CheckName.MAP, (f"entry {claim.index:,} of the log is not a map head",), "")
    if head.size != claim.index:
        fault = f"the map head at entry {claim.index:,} covers {head.size:,} entries, expected all before it"
        return Check.of(CheckName.MAP, (fault,), "")
    try:
        found = verify_map(root=head.root, handle=bundle.customer, proof=claim.proof)
    except Unverified as error:
        return Check.of(CheckName.MAP, (f"what the bundle says of you is not what the log's map says: {error}",), "")
    size = 0 if found is None else found[0]
    told = f"the log's map of entry {claim.index:,} says that you had {counted(size, 'record')} by then"
    return Check.of(CheckName.MAP, (), told)


def check_records(bundle: Bundle, shown: Shown) -> Check:
    """That the records shown are those that the map counts."""
    claim = bundle.map
    leaf = None if claim is None else claim.proof.leaf
    if leaf is None or leaf.handle != bundle.customer:
        told = f"{counted(shown.covered, 'record')} shown, and the map counts none of yours"
        faults = [told] if shown.covered else []
        return Check.of(CheckName.RECORDS, faults, "none is to be shown besides those at the end of the log")
    if shown.covered != leaf.size:
        fault = f"{counted(shown.covered, 'record')} shown, and the map counts {leaf.size:,}"
        return Check.of(CheckName.RECORDS, [fault], "")
    if shown.roots[leaf.size] != leaf.root:
        return Check.of(
            CheckName.RECORDS, ["the records shown are not those that the map counts: their root is another"], ""
        )
    return Check.of(CheckName.RECORDS, (), f"{counted(leaf.size, 'record')} shown, exactly those that the map counts")


def check_chain(shown: Shown) -> Check:
    """That each record is the customer's and names the one before."""
    total = shown.total
    told = "you have no records yet" if not total else "your record is the first"
    if total > 1:
        told = f"your {total:,} records, numbered 0 to {total - 1:,}, each name the one before; none is missing between"
    return Check.of(CheckName.CHAIN, shown.faults, told)


def read_records(bundle: Bundle, tail: Tail, *, saved: int) -> Shown:
    """The records that the map covers and, after them, those of the customer in the tail. `saved` of them were seen
    before."""
    customer = bundle.customer
    records: list[Record | None] = []
    faults: list[str] = []
    for place, leaf in enumerate(bundle.leaves):
        try:
            records.append(parse_record(leaf))
        except Malformed as error:
            records.append(None)
            faults.append(f"record {place} cannot be read: {error}")
    hashes = list(map(leaf_hash, bundle.leaves))
    covered = len(records)
    for entry, hashed in zip(tail.entries, tail.hashes, strict=True):
        if isinstance(entry, Record) and entry.customer == customer:
            records.append(entry)
            hashes.append(hashed)
    faults += _chain_faults(customer, records, hashes)
    roots = _roots(hashes, {covered, len(hashes), saved})
    return Shown(records=tuple(records), covered=covered, roots=roots, faults=tuple(faults))


def _roots(hashes: Sequence[bytes], sizes: Iterable[int]) -> dict[int, bytes]:
    """The roots of the trees over the first hashes, for each size that there are enough for. No node is hashed
    twice."""
    found = {0: EMPTY}
    edge = Edge.empty()
    for size in sorted(sizes):
        if edge.size < size <= len(hashes):
            edge = edge.extended(hashes[edge.size : size])
            found[size] = edge.root()
    return found


def _chain_faults(customer: bytes, records: Sequence[Record | None], hashes: Sequence[bytes]) -> list[str]:
    faults = []
    last = NO_RECORD
    for place, (record, hashed) in enumerate(zip(records, hashes, strict=True)):
        if record is not None:
            if record.customer != customer:
                faults.append(f"record {place} is of another customer, {format_base64url(record.customer)}")
            if record.sequence != place:
                faults.append(f"the record in place {place} has the sequence number {record.sequence}")
            if record.previous != last:
                faults.append(
                    f"record {place} does not follow on the one before it: the record it names as previous is another"
                )
        last = hashed
    return faults
