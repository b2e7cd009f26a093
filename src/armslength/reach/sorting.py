"""Sorting: people by what tells them apart for some rules, and which of those kinds could stand in for which.

It does not say who acts, so that it is worked out once for all columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from armslength.reach.classes import Counts
from armslength.reach.columns import Words
from armslength.reach.spread import Flags, Ints

PAIRS = 1_000_000
"""About so many pairs are compared at a time."""
MANY = 1024
"""Of more kinds, who could stand in for whom is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looks:
    """What tells n people or kinds apart, as words: by which `ways` they belong, which sources they `hold`, which make
    them act (`assumes`), their `values` and their `exposure` (a number), with its states as bits (`exposed`)."""

    ways: Words
    holds: Words
    assumes: Words
    values: Words
    exposure: Ints
    exposed: Words

    def of(self, some: Ints) -> Looks:
        return Looks(
            ways=self.ways[some],
            holds=self.holds[some],
            assumes=self.assumes[some],
            values=self.values[some],
            exposure=self.exposure[some],
            exposed=self.exposed[some],
        )

    def rows(self) -> Words:
        parts = [self.ways, self.holds, self.assumes, self.values, self.exposure[:, None].astype(np.uint64)]
        return np.concatenate(parts, axis=1)

    def joined(self, other: Looks) -> Looks:
        return Looks(
            ways=np.concatenate([self.ways, other.ways]),
            holds=np.concatenate([self.holds, other.holds]),
            assumes=np.concatenate([self.assumes, other.assumes]),
            values=np.concatenate([self.values, other.values]),
            exposure=np.concatenate([self.exposure, other.exposure]),
            exposed=np.concatenate([self.exposed, other.exposed]),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sorting:
    """`people`, ascending; `kind` is the number of each one's, of so many `kinds`, `order` sorts them by kind. What is
    kept is either the `looks` of each kind or who is `over` whom [kinds, kinds], packed: which others could stand
    in."""

    people: Ints
    kind: Ints
    order: Ints
    kinds: int
    looks: Looks | None
    over: npt.NDArray[np.uint8] | None

    @property
    def size(self) -> int:
        """In bytes, about."""
        looks = 0 if self.looks is None else self.looks.rows().nbytes * 2
        return 12 * len(self.people) + looks + (0 if self.over is None else self.over.nbytes) + 1024

    def flags(self, some: Ints) -> Flags | None:
        """Which of the people are among `some`, who ascend; None where some of these are not among them."""
        place = np.searchsorted(self.people, some)
        if place.size and place[-1] == len(self.people) or not np.array_equal(self.people[place], some):
            return None
        found = np.zeros(len(self.people), dtype=np.bool_)
        found[place] = True
        return found

    def counts(self, flags: Flags) -> Counts:
        """Shape [kinds]: how many of each have a flag."""
        return np.bincount(self.kind[flags], minlength=self.kinds).astype(np.int64)

    def parts(self, flags: Flags) -> list[Ints]:
        """Those with a flag, like people together."""
        place = self.order[flags[self.order]]
        people, kind = self.people[place], self.kind[place]
        ends = np.flatnonzero(kind[1:] != kind[:-1]) + 1
        borders = [0, *ends.tolist(), len(people)] if len(people) else [0]
        return [people[lo:hi] for lo, hi in zip(borders[:-1], borders[1:], strict=True)]

    def more(self, counts: Counts) -> Counts:
        """Shape [kinds]: with so many of each kind, how many could stand in for one of it, being of another."""
        if self.over is not None:
            flags = np.unpackbits(self.over, axis=1, count=self.kinds)
            counted: Counts = flags @ counts
            return counted
        assert self.looks is not None
        found: Counts = np.zeros(self.kinds, dtype=np.int64)
        some = np.flatnonzero(counts).astype(np.int32)
        found[some] = more(self.looks.of(some), counts[some])
        return found


def sort(people: Ints, looks: Looks, keep: bool) -> Sorting:
    """`looks` are those of the `people`. `keep`: those of the kinds, in place of who could stand in for whom."""
    rows = looks.rows()
    order = np.lexsort(rows.T).astype(np.int32)
    ordered = rows[order]
    fresh = np.ones(len(people), dtype=np.bool_)
    fresh[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    kind = np.empty(len(people), dtype=np.int32)
    kind[order] = np.cumsum(fresh) - 1
    kinds = looks.of(order[fresh])
    over = None if keep else _over(kinds)
    return Sorting(
        people=people,
        kind=kind,
        order=order,
        kinds=len(kinds.exposure),
        looks=kinds if over is None else None,
        over=over,
    )


def _over(looks: Looks) -> npt.NDArray[np.uint8] | None:
    count = len(looks.exposure)
    if count > MANY:
        return None
    flags = np.zeros((count, count), dtype=np.bool_)
    for one, other in _pairs(looks):
        flags[one, other] = True
    return np.packbits(flags, axis=1)


def more(looks: Looks, counts: Counts) -> Counts:
    """Shape [n]: how many people can stand in for one of kind i (`counts` [n] of each kind), being of another kind."""
    found: Counts = np.zeros(len(counts), dtype=np.int64)
    for one, other in _pairs(looks):
        found += np.bincount(one, weights=counts[other], minlength=len(counts)).astype(np.int64)
    return found


def _pairs(looks: Looks) -> Iterator[tuple[Ints, Ints]]:
    """Kinds, and others that have all of their traits, the same values and no exposure more. Nobody else can make these
    act, so that one who is not in the coalition has no part in a quorum yet."""
    values = looks.values
    own: Flags = np.bitwise_or.reduce(looks.assumes, axis=1) == 0
    # Only kinds with the same values are compared: those of a run in this order.
    order = np.lexsort(values.T) if values.shape[1] else np.arange(len(own))
    ordered = values[order]
    fresh = np.ones(len(own), dtype=np.bool_)
    fresh[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    start = np.flatnonzero(fresh)
    sizes = np.diff(np.r_[start, len(own)])
    sizes, start = np.repeat(sizes, sizes), np.repeat(start, sizes)
    for some in np.array_split(np.arange(len(own)), 1 + int(sizes.sum()) // (PAIRS + 1)):
        # Each of them with each of its run, itself too.
        size = sizes[some]
        place = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        one, other = order[np.repeat(some, size)], order[np.repeat(start[some], size) + place]
        fits = own[other] & (one != other)
        one, other = one[fits], other[fits]
        for word in (*looks.ways.T, *looks.holds.T):
            fits = word[one] & ~word[other] == 0
            one, other = one[fits], other[fits]
        for word in looks.exposed.T:
            fits = word[other] & ~word[one] == 0
            one, other = one[fits], other[fits]
        yield one, other
