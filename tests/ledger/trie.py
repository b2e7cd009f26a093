"""The map by its definition (docs/formats/map.md), read a second time and slowly, with no state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

Heads = Mapping[bytes, tuple[int, bytes]]
"""Size and root by handle."""


def bit(handle: bytes, at: int) -> int:
    return int(format(int.from_bytes(handle, "big"), "0256b")[at])


def halves(heads: Heads) -> tuple[int, Heads, Heads]:
    """The first bit in which two or more handles are not all alike, and those with 0 and with 1 there."""
    for at in range(256):
        left = {handle: head for handle, head in heads.items() if bit(handle, at) == 0}
        if 0 < len(left) < len(heads):
            return at, left, {handle: head for handle, head in heads.items() if handle not in left}
    raise AssertionError("handles that are all alike are one handle")


def leaf_hash(handle: bytes, size: int, root: bytes) -> bytes:
    return hashlib.sha256(b"\0" + handle + size.to_bytes(8, "big") + root).digest()


def inner_hash(at: int, left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + at.to_bytes(2, "big") + left + right).digest()


def trie_root(heads: Heads) -> bytes:
    if not heads:
        return hashlib.sha256(b"").digest()
    if len(heads) == 1:
        ((handle, (size, root)),) = heads.items()
        return leaf_hash(handle, size, root)
    at, left, right = halves(heads)
    return inner_hash(at, trie_root(left), trie_root(right))
