"""The state of a whole ledger, and the one code that carries it on: for new acts and for what is read back at a start.

`place` gives new acts their sequence numbers and leaves; `replay` checks leaves that exist. Both give a `Batch` and
change nothing: `adopt` makes it the state. So a batch that could not be stored leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from armslength.ledger.chain import Chain, check_next
from armslength.ledger.entry import parse_entry
from armslength.ledger.map_head import MapHead
from armslength.ledger.prefix_map import PrefixMap
from armslength.ledger.record import Kind, Record
from armslength.tlog import Edge, Unverified, leaf_hash

MINUTE = 60
"""Seconds: records tell the time no finer, so that a log alone does not say when somebody worked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One leaf to be: what is known of a record before it has a place. Of an act on several customers there is one
    each."""

    act: bytes
    kind: Kind
    customer: bytes
    commitment: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A record with its place: `index` in the main log; its sequence number is the record's."""

    index: int
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Entries that follow on the state they were made from, and the state after them.

    `leaves` and `hashes` are the main log's entries from index `first` on, `records` those of them that are records,
    `chains` the customers' chains that they change, `mapped` the size that the newest map head covers.
    """

    first: int
    leaves: tuple[bytes, ...]
    hashes: tuple[bytes, ...]
    records: tuple[Placed, ...]
    edge: Edge
    chains: dict[bytes, Chain]
    time: int
    mapped: int

    @property
    def size(self) -> int:
        return self.first + len(self.leaves)


class Journal:
    """A ledger's edge, its customers' chains and the map of their heads, as they are after the entries adopted so
    far."""

    def __init__(self, *, edge: Edge, chains: dict[bytes, Chain], time: int = 0, mapped: int = 0) -> None:
        """`chains` by handle, as they were when the main log had `edge.size` entries; `mapped` is the size that the
        newest map head covers, 0 if there is none; `time` the newest entry's, in POSIX seconds."""
        self._edge, self._time, self._mapped = edge, time, mapped
        self._packed = {handle: chain.packed() for handle, chain in chains.items()}
        self._map = PrefixMap()
        self._unset = set(self._packed)
        """Handles of which the map may not hold what the state says."""
        self._settle(chains)
        self._since: set[bytes] = set()
        """Handles with records after the newest map head."""

    @property
    def size(self) -> int:
        return self._edge.size

    @property
    def edge(self) -> Edge:
        return self._edge

    @property
    def mapped(self) -> int:
        return self._mapped

    @property
    def unmapped(self) -> bool:
        """Whether there are records that no map head covers."""
        return bool(self._since)

    @property
    def time(self) -> int:
        return self._time

    def chains(self) -> dict[bytes, Chain]:
        """Each customer's chain, by handle."""
        return {handle: Chain.unpacked(packed) for handle, packed in self._packed.items()}

    def moved(self, batch: Batch) -> dict[bytes, Chain]:
        """The chains with records after the newest map head that is adopted, as they are after `batch`: what a store
        keeps with the next head, so that a start need not replay the whole log."""
        return {**{handle: self._chain(handle) for handle in self._since}, **batch.chains}

    def place(self, drafts: Iterable[Draft], *, now: int, map_head: bool) -> Batch:
        """The drafts' records in their order, after what is adopted, and a map head after them if asked for.

        `now` in POSIX seconds, cut to its minute; a clock that stepped back does not take the log's time with it.
        """
        time = max(self._time, now - now % MINUTE)
        leaves: list[bytes] = []
        hashes: list[bytes] = []
        records: list[Placed] = []
        chains: dict[bytes, Chain] = {}
        first = self._edge.size
        for draft in drafts:
            chain = chains.get(draft.customer) or self._chain(draft.customer)
            record = Record(
                kind=draft.kind,
                customer=draft.customer,
                sequence=chain.edge.size,
                previous=chain.last,
                time=time,
                commitment=draft.commitment,
                act=draft.act,
            )
            leaf = record.leaf()
            hashed = leaf_hash(leaf)
            chains[draft.customer] = chain.next(hashed)
            records.append(Placed(index=first + len(leaves), record=record))
            leaves.append(leaf)
            hashes.append(hashed)
        mapped = self._mapped
        if map_head:
            mapped = first + len(leaves)
            leaf = self._head(chains, size=mapped, time=time).leaf()
            leaves.append(leaf)
            hashes.append(leaf_hash(leaf))
        return self._batch(leaves, hashes, records, chains, time=time, mapped=mapped)

    def replay(self, leaves: Sequence[bytes]) -> Batch:
        """What the next entries of a stored log come to.

        Raises `Malformed` for an entry that is none, and `Unverified` with its index for a record out of its chain, a
        time that runs back, or a map head that is not the map of the entries before it.
        """
        time = self._time
        mapped = self._mapped
        hashes = [leaf_hash(leaf) for leaf in leaves]
        records: list[Placed] = []
        chains: dict[bytes, Chain] = {}
        for offset, (leaf, hashed) in enumerate(zip(leaves, hashes, strict=True)):
            index = self._edge.size + offset
            entry = parse_entry(leaf)
            if entry.time < time:
                raise Unverified(f"entry {index}: its time is before that of the entry before it")
            time = entry.time
            if isinstance(entry, MapHead):
                if entry.size != index:
                    raise Unverified(f"entry {index}: a map head that covers {entry.size} entries, expected {index}")
                if entry != self._head(chains, size=index, time=time):
                    raise Unverified(f"entry {index}: the map head is not the map of the entries before it")
                mapped = index
            else:
                chain = chains.get(entry.customer) or self._chain(entry.customer)
                try:
                    chains[entry.customer] = check_next(chain, entry, hashed)
                except Unverified as error:
                    raise Unverified(f"entry {index}: {error}") from None
                records.append(Placed(index=index, record=entry))
        return self._batch(list(leaves), hashes, records, chains, time=time, mapped=mapped)

    def adopt(self, batch: Batch) -> None:
        """Make a batch of `place` or `replay` the state. It must follow on what is adopted."""
        if batch.first != self._edge.size:
            raise ValueError(f"a batch from {batch.first} does not follow on {self._edge.size} entries")
        if batch.mapped > self._mapped:
            self._since.clear()
        # Whether the head comes last, so that nothing moved after it, is told by what is there: `mapped` is 0 both for
        # a head at index 0 and for none.
        if batch.records and batch.records[-1].index == batch.size - 1:
            self._since.update(batch.chains)
        self._unset.update(batch.chains)  # the map may hold what another batch would have made of them
        self._edge, self._time, self._mapped = batch.edge, batch.time, batch.mapped
        self._packed.update((handle, chain.packed()) for handle, chain in batch.chains.items())

    def settle(self, *, beyond: int) -> None:
        """Bring the map up to date if more than `beyond` handles in it are not. The next map head does so anyway; a
        writer does it now and then, so that nobody has to wait for all of it at once."""
        if len(self._unset) > beyond:
            self._settle({})

    def _chain(self, handle: bytes) -> Chain:
        packed = self._packed.get(handle)
        return Chain.empty() if packed is None else Chain.unpacked(packed)

    def _head(self, chains: dict[bytes, Chain], *, size: int, time: int) -> MapHead:
        # The map runs ahead of the state here. Should the batch never be adopted, what it set is in `_unset` and is
        # put back before the map is asked again.
        self._unset.update(chains)
        self._settle(chains)
        self._unset.update(chains)
        return MapHead(size=size, customers=len(self._map), root=self._map.root(), time=time)

    def _settle(self, chains: Mapping[bytes, Chain]) -> None:
        """Make the map what the state says, and ahead of it `chains`."""
        for handle in self._unset:
            chain = chains.get(handle) or self._chain(handle)
            if chain.size:
                self._map.set(handle, chain.size, chain.root())
            else:
                self._map.drop(handle)
        self._unset.clear()
        self._map.root()  # hashes what was set

    def _batch(
        self,
        leaves: list[bytes],
        hashes: list[bytes],
        records: list[Placed],
        chains: dict[bytes, Chain],
        *,
        time: int,
        mapped: int,
    ) -> Batch:
        return Batch(
            first=self._edge.size,
            leaves=tuple(leaves),
            hashes=tuple(hashes),
            records=tuple(records),
            edge=self._edge.extended(hashes),
            chains=chains,
            time=time if leaves else self._time,
            mapped=mapped,
        )
