"""The map from customers' handles to the heads of their logs: a compressed binary trie over the handles' bits.

What it holds decides its root, whatever the order it was set in; docs/formats/map.md gives the hashes. Setting notes
what to change; the trie is brought up to date when its root or a proof is asked for, along the changed paths only.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, TypeAlias

from armslength.ledger.map_proof import EMPTY_MAP, HANDLE_BITS, MapLeaf, MapProof
from armslength.tlog import Malformed

_LAST_SIZE = 2**53 - 1

_Node: TypeAlias = tuple[int, int, bytes, Any, Any]
"""An inner node: bit, key, hash, left, right; `key` is a handle as a number, and all below agree with it before `bit`.
A leaf: 256, key, hash, size, root; its bit is past those of every handle, so that no path goes on from it.

They are plain tuples because the garbage collector stops looking at plain tuples of plain values. With 100,000 handles
as objects of a class, each full collection would stop the writer for 0.15 s; so it is 0.02 s."""
_Change: TypeAlias = tuple[int, bytes] | None
"""Size and root; None: the handle goes."""


class PrefixMap:
    """Handle (32 bytes) → size and root of the customer's log."""

    def __init__(self) -> None:
        # Nodes are never changed once made, so a copy shares them all.
        self._top: _Node | None = None
        self._changes: dict[bytes, _Change] = {}
        self._count = 0

    def __len__(self) -> int:
        """How many handles the map holds."""
        self._settle()
        return self._count

    def set(self, handle: bytes, size: int, root: bytes) -> None:
        """Raises `Malformed` for what no leaf of the map can hold; a log without records is not in the map."""
        if len(handle) != 32 or len(root) != 32 or not 1 <= size <= _LAST_SIZE:
            raise Malformed("the map takes a handle and a root of 32 bytes, and a size from 1 to 2^53 - 1")
        self._changes[handle] = (size, root)

    def drop(self, handle: bytes) -> None:
        """Take back what was set for the handle; if it is not there, nothing happens. Raises `Malformed`."""
        _check_handle(handle)
        self._changes[handle] = None

    def copy(self) -> PrefixMap:
        """A map that holds the same and goes its own way; as quick for many handles as for few."""
        self._settle()
        copied = PrefixMap()
        copied._top, copied._count = self._top, self._count
        return copied

    def root(self) -> bytes:
        self._settle()
        return EMPTY_MAP if self._top is None else self._top[2]

    def prove(self, handle: bytes) -> MapProof:
        """The proof of what the map says of the handle, or that it says nothing. Raises `Malformed`."""
        _check_handle(handle)
        self._settle()
        if self._top is None:
            return MapProof(steps=(), leaf=None)
        asked = int.from_bytes(handle, "big")
        steps: list[tuple[int, bytes]] = []
        bit, key, _, left, right = self._top
        while bit < HANDLE_BITS:
            taken, other = (right, left) if asked >> 255 - bit & 1 else (left, right)
            steps.append((bit, other[2]))
            bit, key, _, left, right = taken
        return MapProof(steps=tuple(steps), leaf=MapLeaf(handle=key.to_bytes(32, "big"), size=left, root=right))

    def _settle(self) -> None:
        if self._changes:
            ordered = sorted(self._changes.items())
            merge = _Merge([int.from_bytes(handle, "big") for handle, _ in ordered], [change for _, change in ordered])
            self._top = merge.into(self._top, 0, len(ordered))
            self._count += merge.added
            self._changes = {}


class _Merge:
    """Changes, in ascending order of their handles, on their way into a trie."""

    def __init__(self, keys: Sequence[int], changes: Sequence[_Change]) -> None:
        self._keys, self._changes = keys, changes
        self.added = 0

    def into(self, node: _Node | None, low: int, high: int) -> _Node | None:
        """The trie `node` with the changes from `low` to before `high`."""
        if low == high:
            return node
        keys = self._keys
        first = keys[low]
        was, key = (HANDLE_BITS, first) if node is None else node[:2]
        # The first bit in which the changed handles, and those below the node, are not all alike; 256 if there is none.
        bit = HANDLE_BITS - ((first ^ keys[high - 1]) | (first ^ key)).bit_length()
        left: _Node | None = None
        right: _Node | None = None
        if bit < was:  # a new node, above the one that was there
            left, right = (None, node) if key >> 255 - bit & 1 else (node, None)
        elif node is None or was == HANDLE_BITS:
            return self._leaf(low, counted=0 if node is None else 1)
        else:
            bit, _, _, left, right = node
        shift = 255 - bit
        middle = bisect_left(keys, (first >> shift | 1) << shift, low, high)
        left, right = self.into(left, low, middle), self.into(right, middle, high)
        if left is None or right is None:
            return left or right
        packed = b"\1%b%b%b" % (bit.to_bytes(2, "big"), left[2], right[2])
        return bit, first, hashlib.sha256(packed).digest(), left, right

    def _leaf(self, at: int, *, counted: int) -> _Node | None:
        change, key = self._changes[at], self._keys[at]
        self.added += (change is not None) - counted
        if change is None:
            return None
        size, root = change
        packed = b"\0%b%b%b" % (key.to_bytes(32, "big"), size.to_bytes(8, "big"), root)
        return HANDLE_BITS, key, hashlib.sha256(packed).digest(), size, root


def _check_handle(handle: bytes) -> None:
    # As a number, a shorter one is another customer's.
    if len(handle) != 32:
        raise Malformed(f"a handle has 32 bytes, not {len(handle)}")
