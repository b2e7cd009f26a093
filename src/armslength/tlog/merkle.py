"""Merkle tree hashes as RFC 6962, section 2.1, and the edge by which a tree grows.

Promises: the same leaves give the same root however they are cut into batches. Refuses: an edge that could belong to no
tree. Whether a leaf hash is the hash of any entry is not asked here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from armslength.tlog.failure import Malformed

HASH = 32
"""The bytes of a hash."""

MOST = 2**64 - 1
"""The largest size of a tree: sizes and indexes are 64-bit numbers in every format here."""

EMPTY = sha256(b"").digest()
"""The root of the tree without leaves."""

_BATCH = 65_536
"""Leaves taken at a time, so that any number of them can stream through; the result does not depend on it."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry as a leaf (RFC 6962, 2.1: a leading 0 keeps leaves and inner nodes apart)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node over its two children."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The maximal perfect subtrees of a tree, left to right: one hash for each binary digit 1 of `size`, the largest
    first. It is all that is needed to go on appending. Raises Malformed where the hashes cannot be of that size."""

    size: int
    hashes: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MOST:
            raise Malformed(f"a tree of {self.size} leaves: expected 0 to {MOST}")
        if len(self.hashes) != self.size.bit_count():
            raise Malformed(
                f"an edge of {len(self.hashes)} hashes for {self.size} leaves: expected {self.size.bit_count()}"
            )
        if not {HASH}.issuperset(map(len, self.hashes)):
            raise Malformed(f"an edge holds a hash that is not {HASH} bytes long")

    @classmethod
    def empty(cls) -> Edge:
        """The edge of the tree without leaves."""
        return cls(size=0, hashes=())

    def extended(self, leaf_hashes: Iterable[bytes]) -> Edge:
        """The edge after `leaf_hashes` are appended. They stream: only one batch of them is held at a time."""
        size = self.size
        edge = list(self.hashes)
        leaves = iter(leaf_hashes)
        while batch := list(islice(leaves, _BATCH)):
            size = _append(size, edge, batch)
        return Edge(size=size, hashes=tuple(edge))

    def appended(self, leaf_hash: bytes) -> Edge:
        """The edge after one more leaf; for a single one twice as fast as `extended`."""
        size, kept, grown = self.size, len(self.hashes), leaf_hash
        while size & 1:
            kept -= 1
            grown = node_hash(self.hashes[kept], grown)
            size >>= 1
        return Edge(size=self.size + 1, hashes=(*self.hashes[:kept], grown))

    def root(self) -> bytes:
        """The Merkle tree hash of the whole tree."""
        return joined(self.hashes)


def tree_root(leaf_hashes: Iterable[bytes]) -> bytes:
    """The Merkle tree hash over `leaf_hashes`, in order."""
    return Edge.empty().extended(leaf_hashes).root()


def joined(hashes: Iterable[bytes]) -> bytes:
    """The root over neighbouring perfect subtrees, largest first, as at the right edge of any tree."""
    rest = list(hashes)
    if not rest:
        return EMPTY
    root = rest.pop()
    while rest:
        root = node_hash(rest.pop(), root)
    return root


def parents(row: Iterable[bytes]) -> list[bytes]:
    """The hashes one level up; a last one without a partner is left out."""
    each = iter(row)
    # The hot path of the writer: `node_hash` written out, as a call costs as much as half the hash.
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(each, each, strict=False)]


def _append(size: int, edge: list[bytes], row: list[bytes]) -> int:
    """Append leaf hashes to the edge of a tree of `size`, in place, one whole level after another. Gives the new size
    and uses up `row`."""
    grown = size + len(row)
    fresh: list[bytes] = []
    while row:
        if size & 1:
            row.insert(0, edge.pop())
        if len(row) & 1:
            fresh.append(row[-1])
        row = parents(row)
        size >>= 1
    # What `edge` still holds lies above every level that was touched.
    edge.extend(reversed(fresh))
    return grown
