"""Classes: people who are alike to a quorum, together, and which of them could stand in for which.

Alike are those with the same exposures (home states left out), the same values of the distinct columns and the same
mark. Who has no exposure more and no place less can stand in for another; what else must hold, the caller says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from armslength.reach.seating import Seat
from armslength.reach.spread import Ints

Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Classes:
    """Like people together: `people` sorted by class, `start` [n + 1]; `seats[i]` describes class i (count not set);
    `sorted_people` with `sorted_class` tell a person's class. `rival[e]` can stand in for `worse[e]`: the same in all
    but fewer exposures. `kind` [n]: like classes, but for their values, together, and `slot` [n] with them;
    `better` [kinds, kinds]: the first is at least as good as the second. These are empty unless one column is
    distinct."""

    people: Ints
    start: npt.NDArray[np.int64]
    seats: tuple[Seat, ...]
    sorted_people: Ints
    sorted_class: Ints
    rival: Ints
    worse: Ints
    kind: Ints
    slot: Ints
    better: Flags

    def added(self, counts: Counts, more: Ints) -> Counts:
        """`counts` once the people of `more` (not counted yet) are counted too."""
        classes = self.of(more)
        classes = classes[classes >= 0]
        return counts + np.bincount(classes, minlength=len(counts)) if classes.size else counts

    def of(self, who: Ints) -> Ints:
        """The class of each of `who`, or -1."""
        if not len(self.sorted_people):
            return np.full(len(who), -1, dtype=np.int32)
        place = np.minimum(np.searchsorted(self.sorted_people, who), len(self.sorted_people) - 1)
        return np.where(self.sorted_people[place] == who, self.sorted_class[place], np.int32(-1))

    def counts(self, flags: Flags) -> Counts:
        """How many of each class have a flag; `flags` is aligned with `people`."""
        total = np.zeros(len(self.people) + 1, dtype=np.int64)
        np.cumsum(flags, out=total[1:])
        return total[self.start[1:]] - total[self.start[:-1]]

    def someone(self, number: int, flags: Flags, but: set[int]) -> int:
        """The first person of class `number` with a flag, who is not in `but`."""
        lo, hi = int(self.start[number]), int(self.start[number + 1])
        for person in self.people[lo:hi][flags[lo:hi]].tolist():
            if person not in but:
                return int(person)
        raise LookupError(number)


def classes(
    people: Ints, exposure: Ints, values: Sequence[Ints], mark: Ints, masks: Sequence[int], by_place: bool
) -> Classes:
    """Classes of `people`, who ascend, by `exposure` (a number of `masks`), by `values` of the distinct columns and by
    `mark`: the places of approvers (`by_place`), the shared class of askers. All are aligned with `people`."""
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
    seats = tuple(
        Seat(
            exposed=masks[key[0]],
            values=tuple(key[1:-1]),
            places=max(key[-1], 0),
            count=0,
            outside=False,
            owner=i,
            shared=key[-1],
        )
        for i, key in enumerate(zip(*(c[first].tolist() for c in columns), strict=True))
    )
    start = np.r_[first, len(people)].astype(np.int64)
    number = np.empty(len(people), dtype=np.int32)
    number[order] = np.repeat(np.arange(len(first), dtype=np.int32), np.diff(start))
    rival, worse = _rivals(seats, by_place)
    kind, slot, better = _kinds(seats if len(values) == 1 else (), by_place)
    return Classes(
        people=people,
        start=start,
        seats=seats,
        sorted_people=given,
        sorted_class=number,
        rival=rival,
        worse=worse,
        kind=kind,
        slot=slot,
        better=better,
    )


def _kinds(seats: tuple[Seat, ...], by_place: bool) -> tuple[Ints, Ints, Flags]:
    """Of each class its kind, by exposures and places, and its slot, by kind and values; and which kinds are at least
    as good as which."""
    numbers: dict[tuple[int, int], int] = {}
    kind = [numbers.setdefault((s.exposed, s.places if by_place else 0), len(numbers)) for s in seats]
    places = np.array([places for _, places in numbers], dtype=np.int64)
    better = _no_more([exposed for exposed, _ in numbers]) & (places[None, :] & ~places[:, None] == 0)
    slots: dict[tuple[int, object], int] = {}
    slot = [slots.setdefault((k, s.values), len(slots)) for k, s in zip(kind, seats, strict=True)]
    return np.array(kind, dtype=np.int32), np.array(slot, dtype=np.int32), better


def _rivals(seats: tuple[Seat, ...], by_place: bool) -> tuple[Ints, Ints]:
    """Pairs of classes, the first at least as good as the second in everything; of equals the earlier is the better."""
    groups: dict[tuple[object, int], list[Seat]] = {}
    for s in seats:
        groups.setdefault((s.values, s.places if by_place else 0), []).append(s)
    rival, worse = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for alike in groups.values():
        if len(alike) < 2:
            continue
        alike.sort(key=lambda s: (s.exposed.bit_count(), s.owner))
        owners = np.array([s.owner for s in alike], dtype=np.int32)
        first, second = np.nonzero(np.triu(_no_more([s.exposed for s in alike]), 1))
        rival.append(owners[first])
        worse.append(owners[second])
    return np.concatenate(rival), np.concatenate(worse)


def _no_more(exposed: Sequence[int]) -> Flags:
    """[n, n]: whether the first bit mask has no exposure that the second lacks."""
    width = max(1, -(-max((members.bit_length() for members in exposed), default=0) // 63))
    words = np.array(
        [[members >> 63 * w & (1 << 63) - 1 for w in range(width)] for members in exposed], dtype=np.int64
    ).reshape(-1, width)
    found = np.ones((len(words), len(words)), dtype=np.bool_)
    for word in words.T:
        found &= word[:, None] & ~word[None, :] == 0
    return found
