"""Columns: one bit for each question asked at the same time, a state with or without its unknown groups filled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
"""Bit masks over columns, shape [W, N]: word w of node n."""


ANY = -1
"""In `Column.state`: everything that any state holds is held; for finding what nobody can do at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`state` compels; every group of `filled` (unknown groups) is taken to hold any number of its people."""

    state: int
    filled: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns in order; bit c of a mask is column c."""

    each: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.each)

    @property
    def words(self) -> int:
        return max(1, -(-len(self.each) // 64))

    def mask(self, chosen: Iterable[int]) -> Words:
        """Shape [W]: the word form of a set of column numbers."""
        found = 0
        for c in chosen:
            found |= 1 << c
        return np.frombuffer(bytearray(found.to_bytes(8 * self.words, "little")), dtype=np.uint64)

    def full(self) -> Words:
        return self.mask(range(len(self.each)))

    def of_states(self, states: frozenset[int]) -> Words:
        """Shape [W]: the columns of any of `states`."""
        return self.mask(c for c, column in enumerate(self.each) if column.state in states or column.state == ANY)


def moved(words: Words, columns: Iterable[tuple[int, int]], width: int) -> Words:
    """Shape [width, N]: of `words` [W, N] only some columns, each by where it was and where it comes to."""
    out: Words = np.zeros((width, words.shape[1]), dtype=np.uint64)
    for old, new in columns:
        out[new >> 6] |= (words[old >> 6] >> np.uint64(old & 63) & np.uint64(1)) << np.uint64(new & 63)
    return out


def bits(mask: Words) -> Iterator[int]:
    """The column numbers set in a mask of shape [W], ascending."""
    yield from set_bits(as_int(mask))


def set_bits(number: int) -> Iterator[int]:
    """The bits set in a number, ascending."""
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low


def as_int(mask: Words) -> int:
    """A mask of shape [W] as one number, bit by bit."""
    return int.from_bytes(mask.tobytes(), "little")


def has(words: Words, column: int) -> npt.NDArray[np.bool_]:
    """Shape [N]: which nodes of `words` [W, N] have `column` set."""
    found: npt.NDArray[np.bool_] = (words[column >> 6] >> np.uint64(column & 63)) & np.uint64(1) != 0
    return found


def are_set(words: Words, nodes: npt.NDArray[np.integer], columns: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    """Whether each of `columns` is set on the node beside it, of `words` [W, N]; the two are broadcast together."""
    bit = words[columns >> 6, nodes] >> (columns & 63).astype(np.uint64)
    found: npt.NDArray[np.bool_] = bit & np.uint64(1) != 0
    return found


def is_set(words: Words, node: int, column: int) -> bool:
    """Whether `column` is set on a node of `words` [W, N]."""
    return bool(int(words[column >> 6, node]) >> (column & 63) & 1)
