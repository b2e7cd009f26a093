"""Seating: the least number of outsiders with which a quorum can be filled, exactly, over classes of like people.

A quorum of requester and approvers is filled from classes; a class is people with the same exposures (home states
left out), the same values of the distinct columns and the same places. Acting people cost nothing, outsiders one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import eq


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """`count` like people. `exposed`: bit mask of states. `values`: codes of the distinct columns, None for people
    whose
    values are always fresh. `places`: bit mask of the places they may fill. `owner`: the number of their class.
    `shared`: of requesters, the approver class that they are also in, or -1."""

    exposed: int
    values: tuple[int, ...] | None
    places: int
    count: int
    outside: bool
    owner: int
    shared: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a quorum asks for: `approvals` besides the requester, at most `together` members exposed to any one state
    (None: any number), and `places` to fill, each named once per approval it asks for."""

    approvals: int
    together: int | None
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seating:
    """One cheapest quorum: `requester` and `approvers` are seats; `outsiders` is how many of them are outside."""

    outsiders: int
    requester: Seat
    approvers: tuple[Seat, ...]


def seat(
    bill: Bill,
    requesters: Sequence[Seat],
    approvers: Sequence[Seat],
    most: int,
    tick: Callable[[], None],
) -> Seating | None:
    """The cheapest seating with at most `most` outsiders, or None when there is none. The seats come in their `order`.

    Exact: every combination of classes is tried, cheapest first, except those that cannot fit. `tick` is called on
    each step and may raise to stop the search.
    """
    if (bill.together is not None and bill.together < 0) or len(bill.places) > bill.approvals:
        return None
    hall = _Hall(approvers, sum(1 for s in approvers if not s.outside))
    for outsiders in range(_fewest(bill, requesters, approvers), most + 1):
        for q in requesters:
            left = outsiders - q.outside
            if left < 0:
                break
            levels = _add((0,) * bill.together if bill.together is not None else None, q.exposed)
            if levels is _FULL:
                continue
            row = _Row(bill, q, hall, tick)
            if row.fill(0, left, levels, hall.differing(q.values) & hall.clear(levels), 0):
                return Seating(outsiders=outsiders, requester=q, approvers=tuple(approvers[i] for i in row.chosen))
    return None


def _fewest(bill: Bill, requesters: Sequence[Seat], approvers: Sequence[Seat]) -> int:
    """A bound from below: of the people who act, as many as share an exposure may sit together, and those without
    it. Any exposure gives one; those of the last, who have the most, are looked at."""
    asking = [s for s in requesters if not s.outside]
    approving = [s for s in approvers if not s.outside]
    members = bill.approvals + 1
    if not asking and not approving:
        return members
    if bill.together is None:
        return 0
    fewest, exposed = 0, 0
    for s in (*asking[-1:], *approving[-1:]):
        exposed |= s.exposed
    while exposed:
        bit = exposed & -exposed
        exposed ^= bit
        able = [s for s in approving if not s.exposed & bit]
        seated = sum([s.count for s in able])
        if members - bill.together - seated <= fewest:
            continue
        owners = {s.owner for s in able}
        # One of a quorum asks, however many could; whoever could approve as well is among those already.
        asks = any(not s.exposed & bit and s.shared not in owners for s in asking)
        fewest = max(fewest, members - bill.together - asks - seated)
    return fewest


def order(s: Seat) -> tuple[bool, int, int]:
    """Whom to try first: those who act, those with few exposures."""
    return (s.outside, s.exposed.bit_count(), s.owner)


_FULL: tuple[int, ...] = (-1,)


def _add(levels: tuple[int, ...] | None, exposed: int) -> tuple[int, ...] | None:
    """`levels[i]`: states to which more than i members are exposed. One more member; `_FULL` when a state has too
    many."""
    if levels is None:
        return None
    if not levels:
        return _FULL if exposed else levels
    if levels[-1] & exposed:
        return _FULL
    carry, out = exposed, []
    for level in levels:
        out.append(level | carry)
        carry &= level
    return tuple(out)


class _Hall:
    """All approvers of one question, a bit each: who of them may sit with whom is found out once."""

    def __init__(self, approvers: Sequence[Seat], inside: int) -> None:
        self.approvers = approvers
        self.all, self.inside = (1 << len(approvers)) - 1, (1 << inside) - 1
        self._differing: dict[tuple[int, ...], int] = {}
        self._clear: dict[int, int] = {0: self.all}

    def differing(self, values: tuple[int, ...] | None) -> int:
        """Who may sit beside somebody with these values of the distinct columns."""
        if not values:
            return self.all
        found = self._differing.get(values)
        if found is None:
            same = [i for i, s in enumerate(self.approvers) if s.values is not None and _clash(s.values, values)]
            found = self._differing[values] = self._without(same)
        return found

    def clear(self, levels: tuple[int, ...] | None) -> int:
        """Who is exposed to none of the states that are full; with no level at all, every one is."""
        full = 0 if levels is None else levels[-1] if levels else -1
        found = self._clear.get(full)
        if found is None:
            exposed = [i for i, s in enumerate(self.approvers) if s.exposed & full]
            found = self._clear[full] = self._without(exposed)
        return found

    def _without(self, some: list[int]) -> int:
        found = self.all
        for i in some:
            found ^= 1 << i
        return found


def _clash(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return one[0] == other[0] if len(one) == 1 else any(map(eq, one, other))


class _Row:
    """The approvers beside one requester: first those who fill a place, each for its place, then the rest."""

    def __init__(self, bill: Bill, requester: Seat, hall: _Hall, tick: Callable[[], None]) -> None:
        self._bill, self._requester, self._hall, self._tick = bill, requester, hall, tick
        self.chosen: list[int] = []

    def fill(self, filled: int, left: int, levels: tuple[int, ...] | None, some: int, first: int) -> bool:
        """Seat the approvers from number `filled` on, with at most `left` outsiders among them, of `some` (a bit each),
        who are all that still may sit, those from `first` on."""
        approvals, places, hall = self._bill.approvals, self._bill.places, self._hall
        if filled == approvals:
            return True
        place = places[filled] if filled < len(places) else None
        if not left:
            some &= hall.inside
        rest = some >> first << first
        while rest:
            low = rest & -rest
            rest ^= low
            i = low.bit_length() - 1
            self._tick()
            s = hall.approvers[i]
            if place is not None and not s.places >> place & 1:
                continue
            if self.chosen.count(i) >= s.count - self._same_person(s):
                continue
            self.chosen.append(i)
            if filled + 1 == approvals:
                return True
            more = _add(levels, s.exposed)
            # Those who cannot sit beside all of these are left out for all who follow.
            beside = (some if left > s.outside else some & hall.inside) & hall.differing(s.values) & hall.clear(more)
            # Seats of one kind are taken in rising order; a new kind begins again.
            same = filled + 1 < len(places) and places[filled + 1] == place or filled >= len(places)
            if beside and self.fill(filled + 1, left - s.outside, more, beside, i if same else 0):
                return True
            self.chosen.pop()
        return False

    def _same_person(self, s: Seat) -> bool:
        """Whether one of the seat's people may be the requester, who cannot approve."""
        q = self._requester
        return q.shared >= 0 and q.shared == s.owner and q.outside == s.outside
