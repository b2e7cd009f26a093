"""A receipt: the entries of one act are durable, and where in the log they stand.

It is evidence. Whatever must not happen before its record is kept takes a `Receipt`, and only a committed append makes
one; nobody looks up by name whether something was written.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import ClassVar

from armslength.tlog.encoding import HASH_SIZE, LARGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """`leaves` are the leaf hashes of the entries of `act`, which stand in the log `origin` at indexes `first`,
    `first` + 1 and so on, all within the durable tree of `size` entries.

    INVARIANT: only the code that has just seen the append committed passes `_durable=Receipt.DURABLE`."""

    DURABLE: ClassVar[object] = object()

    origin: str
    act: bytes
    first: int
    leaves: tuple[bytes, ...]
    size: int
    _durable: InitVar[object] = None

    def __post_init__(self, _durable: object) -> None:
        if _durable is not Receipt.DURABLE:
            raise TypeError("only a durable append makes a Receipt")
        if not self.leaves or any(len(leaf) != HASH_SIZE for leaf in self.leaves):
            raise ValueError("a receipt names at least one leaf, by its hash")
        if not 0 <= self.first or not self.first + len(self.leaves) <= self.size <= LARGEST:
            raise ValueError(f"entries from {self.first} on do not lie within a tree of size {self.size}")
