"""Classes: people who are alike to a quorum, together, and which of them could stand in for which.

Alike are those with the same exposures (home states left out), the same values of the distinct columns and the same
mark. Who has no exposure more and no place less can stand in for another; what else must hold, the caller says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from armslength.reach.columns import Words
from armslength.reach.dominance import no_better, ranks
from armslength.reach.seating import Seat
from armslength.reach.spread import Flags, Ints

Counts = npt.NDArray[np.signedinteger]
FEW = 256
"""So many people are counted one by one."""
UNDER = 100_000
"""Of so many kinds, each with each, it is kept for a table which are no better than which."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exposures:
    """Sets of states by number: `masks` as bit masks, `of` [n] numbers the distinct ones, whose `words` [D, W] are the
    same bits; `clear` [D, states] says which states a set is without."""

    masks: Sequence[int]
    of: Ints
    words: Words
    clear: npt.NDArray[np.float32]


def exposures(masks: Sequence[int]) -> Exposures:
    distinct = {members: i for i, members in enumerate(dict.fromkeys(masks))}
    states = max((members.bit_length() for members in distinct), default=0)
    words = _bits(list(distinct))
    flags = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")[:, :states]
    return Exposures(
        masks=masks,
        of=np.array([distinct[members] for members in masks] or [0], dtype=np.int32),
        words=words,
        clear=(1 - flags).astype(np.float32),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Kinds:
    """Like classes together, but for the values of one distinct column, that with the most: `of` [n] is each class's
    kind, `slot` [n] numbers kind and value (all 0 without such a column). Kinds with equal values in the other distinct
    columns stand together: `ends` are the borders between these. `exposed` [kinds, W] and `places` [kinds, V] are
    bits."""

    of: Ints
    slot: Ints
    ends: tuple[int, ...]
    exposed: Words
    places: Words
    known: dict[int, Ints] = field(default_factory=dict)

    def stand_in(self, ample: Flags) -> tuple[Flags, Flags]:
        """Those kinds that are no better than another, `ample` one, with the same other values; and the ample ones
        left."""
        dropped, kept = np.zeros((2, len(ample)), dtype=np.bool_)
        some = np.flatnonzero(ample)
        for kind in some[np.argsort(self._rank[some])].tolist():
            if not dropped[kind]:
                dropped[self._under(kind)] = True
                kept[kind] = True
        return dropped, kept

    def firsts(self, some: Flags) -> tuple[Ints, Ints]:
        """Of the classes with a flag the first of each kind and value, and their kinds, which ascend."""
        chosen = self._by_slot[some[self._by_slot]]
        slot = self.slot[chosen]
        chosen = chosen[np.concatenate([slot[:1] >= 0, slot[1:] != slot[:-1]])]
        return chosen, self.of[chosen]

    @cached_property
    def _by_slot(self) -> Ints:
        return np.argsort(self.slot, kind="stable").astype(np.int32)

    @cached_property
    def _rank(self) -> Ints:
        """None can stand in for one of a lower rank."""
        return ranks(self.exposed, self.places)

    @cached_property
    def _part(self) -> Ints:
        """The number of the part between borders in which each kind is."""
        return np.repeat(np.arange(len(self.ends) - 1), np.diff(self.ends)).astype(np.int32)

    def _under(self, kind: int) -> Ints:
        """The others, with the same other values, that are no better than this kind."""
        found = self.known.get(kind)
        if found is None:
            part = int(self._part[kind])
            lo, hi = self.ends[part], self.ends[part + 1]
            flags = no_better(self.exposed[lo:hi], self.places[lo:hi], kind - lo)
            flags[kind - lo] = False
            found = (lo + np.flatnonzero(flags)).astype(np.int32)
            if len(self.known) * len(self.exposed) < UNDER:
                self.known[kind] = found
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seats:
    """One of each class, its `count` not set, made when it is asked for: a table of everyone has thousands. Of each
    class its `exposure` (a number of `exposures`), the `values` of the distinct columns and its `mark`, as in
    `classes`."""

    exposure: Ints
    values: tuple[Ints, ...]
    mark: Ints
    exposures: Exposures
    places: Sequence[int] | None

    def exposed(self, number: int) -> int:
        return self.exposures.masks[int(self.exposure[number])]

    def __getitem__(self, number: int) -> Seat:
        return self.seat(number, 0, False)

    def seat(self, number: int, count: int, outside: bool) -> Seat:
        """So many people of class `number`."""
        mark = int(self.mark[number])
        return Seat(
            exposed=self.exposed(number),
            values=tuple([int(codes[number]) for codes in self.values]),
            places=0 if self.places is None else self.places[mark],
            count=count,
            outside=outside,
            owner=number,
            shared=mark if self.places is None else -1,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Classes:
    """Like people together: `people` sorted by class, `start` [n + 1]; `seats[i]` describes class i (count not set);
    `sorted_people` with `sorted_class` tell a person's class."""

    people: Ints
    start: npt.NDArray[np.int64]
    seats: Seats
    sorted_people: Ints
    sorted_class: Ints
    kinds: Kinds
    made: dict[tuple[int, int, bool], Seat] = field(default_factory=dict)
    kept: dict[tuple[bytes, int, int, bool], tuple[tuple[Seat, ...], tuple[Seat, ...]]] = field(default_factory=dict)

    def added(self, counts: Counts, more: Ints) -> Counts:
        """`counts` once the people of `more` (not counted yet) are counted too."""
        classes = self.of(more)
        classes = classes[classes >= 0]
        return counts + np.bincount(classes, minlength=len(counts)) if classes.size else counts

    def of(self, who: Ints) -> Ints:
        """The class of each of `who`, or -1."""
        last = len(self.sorted_people) - 1
        if last < 0:
            return np.full(len(who), -1, dtype=np.int32)
        # Where it is a table of everyone, people stand at their own places.
        place = who if self.sorted_people[last] == last else np.searchsorted(self.sorted_people, who)
        place = np.minimum(place, last)
        return np.where(self.sorted_people[place] == who, self.sorted_class[place], np.int32(-1))

    def one(self, person: int) -> int:
        """The class of a person, or -1."""
        people = self.sorted_people
        place = int(people.searchsorted(np.int32(person)))
        return int(self.sorted_class[place]) if place < len(people) and people[place] == person else -1

    def seat(self, number: int, count: int, outside: bool) -> Seat:
        """So many people of class `number`; the same seat whenever it is asked for, since tables of many are kept."""
        key = (number, count, outside)
        found = self.made.get(key)
        if found is None:
            found = self.made[key] = self.seats.seat(number, count, outside)
        return found

    def counts(self, flags: Flags) -> Counts:
        """How many of each class have a flag; `flags` is aligned with `people`."""
        total = np.zeros(len(self.people) + 1, dtype=np.int64)
        np.cumsum(flags, out=total[1:])
        return total[self.start[1:]] - total[self.start[:-1]]

    def tallied(self, words: Words) -> Counts:
        """Shape [64 W, n]: for each column of `words` [W, people], how many of each class have its bit."""
        if not len(self.people):
            return np.zeros((64 * len(words), 0), dtype=np.int64)
        mine = words[:, self.people]
        if len(self.people) <= FEW:
            bits = np.unpackbits(np.ascontiguousarray(mine.T).view(np.uint8), axis=1, bitorder="little")
            return np.add.reduceat(bits, self.start[:-1], axis=0, dtype=np.int16).T.copy()
        # Those of a class mostly act in the same columns, so that runs of them are counted.
        fresh = np.zeros(len(self.people), dtype=np.bool_)
        fresh[self.start[:-1]] = True
        fresh[1:] |= (mine[:, 1:] != mine[:, :-1]).any(axis=0)
        first = np.flatnonzero(fresh)
        bits = np.unpackbits(np.ascontiguousarray(mine[:, first].T).view(np.uint8), axis=1, bitorder="little")
        counts = bits * np.diff(np.r_[first, len(fresh)]).astype(np.int32)[:, None]
        found = np.add.reduceat(counts, np.searchsorted(first, self.start[:-1]), axis=0, dtype=np.int32)
        # Tables of everyone have thousands of classes.
        small = np.int16 if found.max() <= np.iinfo(np.int16).max else np.int32
        return found.T.astype(small, order="C")

    def someone(self, number: int, which: Callable[[Ints], Flags], but: Collection[int]) -> int:
        """The first person of class `number` for whom `which` holds, who is not in `but`."""
        lo, hi = int(self.start[number]), int(self.start[number + 1])
        # Mostly one of the first will do.
        for some in (self.people[lo : min(lo + 64, hi)], self.people[lo + 64 : hi]):
            for person in some[which(some)][: len(but) + 1].tolist():
                if person not in but:
                    return int(person)
        raise LookupError(number)

    @cached_property
    def cheapest(self) -> Ints:
        """All classes, in the order in which their seats are tried."""
        exposures = self.seats.exposures
        counts = np.bitwise_count(exposures.words).sum(axis=1)[exposures.of[self.seats.exposure]]
        return np.argsort(counts, kind="stable").astype(np.int32)

    @cached_property
    def borders(self) -> Ints:
        """Where classes with another exposure begin."""
        exposure = self.seats.exposure
        return np.flatnonzero(np.r_[True, exposure[1:] != exposure[:-1]][: len(exposure)]).astype(np.int32)

    def clear(self, numbers: Ints) -> npt.NDArray[np.float32]:
        """Shape [n, states]: to which states the classes of these numbers are not exposed."""
        one = self.seats.exposures
        found: npt.NDArray[np.float32] = one.clear[one.of[self.seats.exposure[numbers]]]
        return found

    @cached_property
    def fits(self) -> Counts:
        """Shape [n, places]: 1 where each class, of approvers, may fill a place."""
        masks, mark = self.seats.places, self.seats.mark
        width = max((mask.bit_length() for mask in masks or ()), default=0)
        if masks is None or not width:
            return np.zeros((len(mark), 0), dtype=np.int64)
        marks = np.array([[mask >> place & 1 for place in range(width)] for mask in masks], dtype=np.int64)
        found: Counts = marks[mark]
        return found


def classes(
    people: Ints,
    exposure: Ints,
    values: Sequence[Ints],
    mark: Ints,
    exposures: Exposures,
    places: Sequence[int] | None,
) -> Classes:
    """Classes of `people`, who ascend, by `exposure` (a number of `exposures`), by `values` of the distinct columns and
    by `mark`: a number of `places` (bit masks) for approvers, the shared class for askers. All are aligned with
    `people`."""
    columns = [exposure, *values, mark]
    order = np.lexsort(columns[::-1])
    given = people
    people = people[order]
    columns = [c[order] for c in columns]
    fresh = np.zeros(len(people), dtype=np.bool_)
    fresh[:1] = True
    for c in columns:
        fresh[1:] |= c[1:] != c[:-1]
    first = np.flatnonzero(fresh)
    start = np.r_[first, len(people)].astype(np.int64)
    number = np.empty(len(people), dtype=np.int32)
    number[order] = np.repeat(np.arange(len(first), dtype=np.int32), np.diff(start))
    one = [c[first] for c in columns]
    return Classes(
        people=people,
        start=start,
        seats=Seats(exposure=one[0], values=tuple(one[1:-1]), mark=one[-1], exposures=exposures, places=places),
        sorted_people=given,
        sorted_class=number,
        kinds=_kinds(one, exposures, places),
    )


def _kinds(columns: Sequence[Ints], exposures: Exposures, places: Sequence[int] | None) -> Kinds:
    """`columns` [n] as in `classes`, of one person a class."""
    exposure, *values, mark = columns
    values.sort(key=lambda codes: len(np.unique(codes)))
    last = values.pop() if values else np.zeros(len(mark), dtype=np.int32)
    rest = np.zeros(len(mark), dtype=np.int64)
    for codes in values:
        rest = np.unique(rest * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)[1].reshape(-1)
    sets, fitting = len(exposures.words), 1 if places is None else len(places)
    fits = np.zeros(len(mark), dtype=np.int64) if places is None else mark
    rows, of = np.unique((rest * sets + exposures.of[exposure]) * fitting + fits, return_inverse=True)
    of = of.reshape(-1)
    slot = np.unique(of * (int(last.max(initial=0)) + 1) + last, return_inverse=True)[1].reshape(-1)
    others = rows // (sets * fitting)
    ends = np.flatnonzero(np.r_[True, others[1:] != others[:-1], True]) if len(rows) else np.zeros(1, dtype=np.int64)
    return Kinds(
        of=of.astype(np.int32),
        slot=slot.astype(np.int32),
        ends=tuple(ends.tolist()),
        exposed=exposures.words[rows // fitting % sets],
        places=_bits([0 if places is None else places[f] for f in (rows % fitting).tolist()]),
    )


def _bits(masks: Sequence[int]) -> Words:
    """Bit masks as words, shape [n, W]."""
    width = max(1, -(-max((members.bit_length() for members in masks), default=0) // 64))
    words = [[members >> 64 * w & (1 << 64) - 1 for w in range(width)] for members in masks]
    return np.array(words, dtype=np.uint64).reshape(-1, width)
