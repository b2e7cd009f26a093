"""Demands: sets of people of whom a coalition must have so many, and whether a few could meet several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

import numpy as np

from armslength.reach.spread import Ints

WIDTH = 62
"""So many demands are looked at together; to leave some out only asks for less."""
LARGE = 4096
"""A demand of some of more people than these is not looked at, for the same reason."""

KEPT = 200_000
"""So many answers are kept at a time."""
KEPT_PEOPLE = 4_000_000
"""So many people, all demands together, are kept at a time; a demand made anew has another number."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Demand:
    """At least `count` of a coalition are among `people` (indexes, ascending; None for everyone). `bits`: the same, a
    bit each by their number in a roster; None for everyone, and for very many. `number`: its own in the roster."""

    count: int
    people: Ints | None
    bits: int | None
    number: int = -1


class Roster:
    """Numbers people as they come, so that sets of the same few thousand are short as bits. Equal demands are one, and
    what is asked of the same ones is answered once."""

    def __init__(self, people: int) -> None:
        self._number = np.full(people, -1, dtype=np.int32)
        self._numbered = 0
        self._made = self._kept = 0
        self._demands: dict[tuple[bytes | None, int], Demand] = {}
        self._bits: dict[bytes, int] = {}
        self._met: dict[tuple[int, frozenset[int]], bool] = {}

    def demand(self, people: Ints | None, count: int) -> Demand:
        key = (None if people is None else people.tobytes(), count)
        found = self._demands.get(key)
        if found is None:
            many = people is None or len(people) > LARGE
            bits = None if people is None or many else self._bits_of(people)
            self._made += 1
            self._kept += 0 if people is None else len(people)
            if self._kept > KEPT_PEOPLE:
                self._demands.clear()
                self._kept = 0
            found = self._demands[key] = Demand(count=count, people=people, bits=bits, number=self._made)
        return found

    def short(self, demands: Sequence[Demand], people: Sequence[int]) -> int:
        """How many others it takes at the least, together with `people`, to meet the demands."""
        who, number = 0, self._number.item
        for person in people:
            who |= 1 << number(person) if number(person) >= 0 else 0
        return max((d.count - (d.bits & who).bit_count() for d in demands if d.bits is not None), default=0)

    def met(self, demands: Sequence[Demand], most: int, numbers: frozenset[int] | None = None) -> bool:
        """Whether some `most` people could meet all demands, which are of this roster and have these `numbers`."""
        key = (most, frozenset([d.number for d in demands]) if numbers is None else numbers)
        found = self._met.get(key)
        if found is None:
            if len(self._met) >= KEPT:
                self._met.clear()
            found = self._met[key] = met(demands, most)
        return found

    def _bits_of(self, people: Ints) -> int:
        key = people.tobytes()
        found = self._bits.get(key)
        if found is None:
            fresh = people[self._number[people] < 0]
            self._number[fresh] = np.arange(self._numbered, self._numbered + len(fresh), dtype=np.int32)
            self._numbered += len(fresh)
            flags = np.zeros(self._numbered, dtype=np.bool_)
            flags[self._number[people]] = True
            found = self._bits[key] = int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")
        return found


def met(demands: Sequence[Demand], most: int) -> bool:
    """Whether some `most` people could meet all demands."""
    if any(d.count > most for d in demands):
        return False
    some = [(d.bits, d.count) for d in demands if d.bits is not None and d.count][:WIDTH]
    # Where a demand wants as many as there may be, each of them is in its set.
    among = -1
    for bits, count in some:
        if count == most:
            among &= bits
    left = [(bits & among, count) for bits, count in some if among & ~bits]
    if any(bits.bit_count() < count for bits, count in left) or 0 <= among.bit_count() < most and among >= 0:
        return False
    if sum(count for _, count in left) <= most:
        return True
    cells = {0: among if among >= 0 else reduce(or_, (bits for bits, _ in left))}
    for i, (bits, _) in enumerate(left):
        split: dict[int, int] = {}
        for kind, people in cells.items():
            inside = people & bits
            if inside:
                split[kind | 1 << i] = inside
            if inside != people:
                split[kind] = people ^ inside
        cells = split
    kinds = {kind: people.bit_count() for kind, people in cells.items()}
    return meet(kinds, wanted([count for _, count in left], most), most)


def wanted(counts: Sequence[int], most: int) -> tuple[int, ...]:
    """The demands, a bit each, that want more than 0 people, more than 1, … up to `most`."""
    return tuple(sum(1 << i for i, count in enumerate(counts) if count > k) for k in range(most))


def meet(kinds: Mapping[int, int], left: tuple[int, ...], room: int) -> bool:
    """Whether some `room` people could do so. `kinds`: how many people there are who are in such sets, a bit each;
    `left`: as `wanted`, none of more than `room`."""
    if not room or not left[0]:
        return True
    # Where a demand wants as many as may still come, each of them is in its set.
    tight = left[-1]
    low = (tight or left[0]) & -(tight or left[0])
    for kind, count in kinds.items():
        if count and kind & low and not tight & ~kind:
            after = tuple([more | mask & ~kind for mask, more in zip(left, left[1:], strict=False)])
            if room == 1 or meet({**kinds, kind: count - 1}, after, room - 1):
                return True
    return False
