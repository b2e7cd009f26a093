"""A customer's own log so far: what its next record has to follow on.

The customer's records, in their order, are a tree of RFC 6962 by themselves. `sequence` and `previous` tie each leaf to
its place there, so that dropping, doubling or reordering one is seen at the next.
"""

from __future__ import annotations

from dataclasses import dataclass

from armslength.ledger.record import NO_RECORD, Record
from armslength.tlog import Edge, Unverified

_EMPTY_EDGE = Edge.empty()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """`edge` of the customer's tree; `last` the leaf hash of the newest record, `NO_RECORD` if there is none."""

    edge: Edge
    last: bytes

    @classmethod
    def empty(cls) -> Chain:
        return cls(edge=_EMPTY_EDGE, last=NO_RECORD)

    @property
    def size(self) -> int:
        return self.edge.size

    def root(self) -> bytes:
        return self.edge.root()

    def next(self, hashed: bytes) -> Chain:
        """The chain with one more record, by the leaf hash of it, which nobody checks: see `check_next`."""
        return Chain(edge=self.edge.appended(hashed), last=hashed)

    def packed(self) -> bytes:
        """The chain as bytes: what a journal holds for each of many customers. Small, and nothing in it for the garbage
        collector to search, which otherwise comes to cost more than recording does."""
        return self.last + self.edge.size.to_bytes(8, "big") + b"".join(self.edge.hashes)

    @classmethod
    def unpacked(cls, data: bytes) -> Chain:
        """The chain that `packed` gave these bytes for."""
        hashes = tuple([data[at : at + 32] for at in range(40, len(data), 32)])
        return cls(edge=Edge(size=int.from_bytes(data[32:40], "big"), hashes=hashes), last=data[:32])


def check_next(chain: Chain, record: Record, hashed: bytes) -> Chain:
    """The chain with this record after it; `hashed` is the leaf hash of the record's leaf.

    Raises `Unverified` unless the record is the customer's next one.
    """
    if len(hashed) != 32:
        raise ValueError(f"a leaf hash has 32 bytes, not {len(hashed)}; it is the hash that is wanted, not the leaf")
    if record.sequence != chain.edge.size:
        raise Unverified(f"the record has the sequence number {record.sequence}, expected {chain.edge.size}")
    if record.previous != chain.last:
        raise Unverified(f"record {record.sequence} does not follow on the record before it: its previous is another")
    return chain.next(hashed)
