"""Inclusion and consistency proofs as RFC 6962, sections 2.1.1 and 2.1.2: made from a tree's nodes, and verified.

Promises: a proof made from a tree's own nodes verifies, and none of another length, with other hashes or for another
place does. Refuses, as Unverified and never by a loop whose length a number sets: an index beyond its size, a size
beyond 64 bits, a hash that is not one.

A consistency proof from the empty tree is refused, even to itself: RFC 6962 defines none (0 < m), and every tree
follows from the empty one, so it could only seem to prove something. transparency-dev/merkle and Go's x/mod refuse it
too. Who holds an empty tree knows that all is consistent with it, and asks for no proof."""

from __future__ import annotations

from collections.abc import Sequence

from armslength.tlog.failure import Unverified
from armslength.tlog.merkle import EMPTY, MOST, Edge
from armslength.tlog.subtree import (
    Node,
    check_hash,
    perfect,
    subtree_consistency_proof,
    verify_subtree_consistency,
)


def root_at(size: int, node: Node) -> bytes:
    """The root of the first `size` leaves of the tree with these nodes."""
    return edge_at(size, node).root() if size else EMPTY


def edge_at(size: int, node: Node) -> Edge:
    """The edge of the first `size` leaves of the tree with these nodes."""
    return Edge(size=size, hashes=tuple(node(height, index) for height, index in perfect(0, size)))


def inclusion_proof(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """The proof that the leaf at `index` is in the tree of `size` leaves, from the leaf up."""
    _check_index(index, size)
    return subtree_consistency_proof(start=index, end=index + 1, size=size, node=node)


def consistency_proof(old: int, new: int, node: Node) -> tuple[bytes, ...]:
    """The proof that the tree of `new` leaves begins with that of `old`, from the bottom up. From 0 it is empty, as
    tlog-witness has a log send it, though there is nothing in it to verify."""
    _check_sizes(old, new)
    return subtree_consistency_proof(start=0, end=old, size=new, node=node) if old else ()


def verify_inclusion(*, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raise Unverified unless `proof` shows the leaf hash `leaf` at `index` in the tree of `size` with `root`."""
    _check_index(index, size)
    check_hash(leaf)
    verify_subtree_consistency(start=index, end=index + 1, size=size, subtree=leaf, root=root, proof=proof)


def verify_consistency(*, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raise Unverified unless `proof` shows that the tree of `new` leaves with `new_root` begins with that of `old`
    leaves with `old_root`. Both may be the same. `old` = 0 is Unverified (see above)."""
    _check_sizes(old, new)
    if old == 0:
        raise Unverified("a proof from the empty tree shows nothing: expected an old size of at least 1")
    verify_subtree_consistency(start=0, end=old, size=new, subtree=old_root, root=new_root, proof=proof)


def _check_index(index: int, size: int) -> None:
    if not 0 <= index < size <= MOST:
        raise Unverified(f"no leaf {index} in a tree of {size}: expected an index below the size")


def _check_sizes(old: int, new: int) -> None:
    if not 0 <= old <= new <= MOST:
        raise Unverified(f"a tree of {new} leaves cannot begin with {old}: expected the old size to be no larger")
