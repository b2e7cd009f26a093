"""A proof that the map of a given root says this of a handle, or nothing.

The lookup is a function of root and handle: at each step the handle's own bit chooses the side, so no root can be
opened to two answers for one handle, however its trie was made (docs/formats/map.md).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from armslength.tlog import Unverified

EMPTY_MAP = hashlib.sha256(b"").digest()
HANDLE_BITS = 256
_LAST_SIZE = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLeaf:
    """What a map says of one handle: how many records the customer's log holds, and its root."""

    handle: bytes
    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MapProof:
    """`steps` from the root down, each with the bit asked and the hash of the side not taken; `leaf` is where the path
    ends: the handle's own, or another's, which shows that the handle is absent. None: the map is empty."""

    steps: tuple[tuple[int, bytes], ...]
    leaf: MapLeaf | None


def leaf_node(handle: bytes, size: int, root: bytes) -> bytes:
    return hashlib.sha256(b"\0%b%b%b" % (handle, size.to_bytes(8, "big"), root)).digest()


def inner_node(bit: int, left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1%b%b%b" % (bit.to_bytes(2, "big"), left, right)).digest()


def verify_map(*, root: bytes, handle: bytes, proof: MapProof) -> tuple[int, bytes] | None:
    """Size and root of the customer's log by the map with this root; None: proven that the map has no such handle.

    Raises `Unverified`.
    """
    if len(handle) != 32:
        raise Unverified(f"a handle has 32 bytes, not {len(handle)}")
    leaf = proof.leaf
    if leaf is None:
        if proof.steps or root != EMPTY_MAP:
            raise Unverified("the proof says that the map is empty, and the map's root that it is not")
        return None
    if len(leaf.handle) != 32 or len(leaf.root) != 32 or not 1 <= leaf.size <= _LAST_SIZE:
        raise Unverified("the leaf of a map proof needs a handle and a root of 32 bytes and a size from 1 to 2^53 - 1")
    asked, found = int.from_bytes(handle, "big"), int.from_bytes(leaf.handle, "big")
    node = leaf_node(leaf.handle, leaf.size, leaf.root)
    below = HANDLE_BITS
    for bit, sibling in reversed(proof.steps):
        if not 0 <= bit < below or len(sibling) != 32:
            raise Unverified("the steps of a map proof are not bits in ascending order, each with a hash of 32 bytes")
        below = bit
        shift = HANDLE_BITS - 1 - bit
        side = asked >> shift & 1
        # A well-made trie has no such leaf there. It could not give a second answer, but it is not taken either.
        if found >> shift & 1 != side:
            raise Unverified(f"the leaf of a map proof stands on the side where bit {bit} of its handle is not")
        node = inner_node(bit, sibling, node) if side else inner_node(bit, node, sibling)
    if node != root:
        raise Unverified("the map proof does not lead to the map's root")
    return (leaf.size, leaf.root) if leaf.handle == handle else None
