"""Seating: the least number of outsiders with which a quorum can be filled, exactly, over classes of like people.

A quorum of requester and approvers is filled from classes; a class is people with the same exposures (home states
left out), the same values of the distinct columns and the same places. Acting people cost nothing, outsiders one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass


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
    inside = sum(1 for s in approvers if not s.outside)
    for outsiders in range(_fewest(bill, requesters, approvers), most + 1):
        for q in requesters:
            left = outsiders - q.outside
            if left < 0:
                break
            levels = _add((0,) * bill.together if bill.together is not None else None, q.exposed)
            if levels is _FULL:
                continue
            row = _Row(bill, q, approvers, inside, tick)
            if row.fill(0, left, levels, row.fitting(range(len(approvers)), levels), 0):
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
        owners = {s.owner for s in able}
        # One of a quorum asks, however many could; whoever could approve as well is among those already.
        asks = any(not s.exposed & bit and s.shared not in owners for s in asking)
        fewest = max(fewest, members - bill.together - asks - sum(s.count for s in able))
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


class _Row:
    """The approvers beside one requester: first those who fill a place, each for its place, then the rest."""

    def __init__(
        self, bill: Bill, requester: Seat, approvers: Sequence[Seat], inside: int, tick: Callable[[], None]
    ) -> None:
        self._bill, self._requester, self._approvers, self._inside = bill, requester, approvers, inside
        self._tick = tick
        self.chosen: list[int] = []
        self._values: list[set[int]] = [{v} for v in requester.values or ()]

    def fitting(self, some: Sequence[int], levels: tuple[int, ...] | None) -> list[int]:
        """Of some approvers those who still may sit, by exposures and values."""
        full, seats = levels[-1] if levels else 0, self._approvers
        found = [i for i in some if not seats[i].exposed & full] if full else list(some)
        for n, taken in enumerate(self._values):
            found = [i for i in found if (values := seats[i].values) is None or values[n] not in taken]
        return found

    def fill(self, filled: int, left: int, levels: tuple[int, ...] | None, some: Sequence[int], first: int) -> bool:
        """Seat the approvers from number `filled` on, with at most `left` outsiders among them, of `some`, who are all
        that still may sit, those from `first` on."""
        if filled == self._bill.approvals:
            return True
        places = self._bill.places
        place = places[filled] if filled < len(places) else None
        if not left:
            some = some[: bisect_left(some, self._inside)]
        for i in some[bisect_left(some, first) :]:
            self._tick()
            s = self._approvers[i]
            if place is not None and not s.places >> place & 1:
                continue
            if self.chosen.count(i) >= s.count - self._same_person(s) or self._clashes(s):
                continue
            more = _add(levels, s.exposed)
            if more is _FULL:
                continue
            self._take(i, s)
            # Seats of one kind are taken in rising order; a new kind begins again.
            same = filled + 1 < len(places) and places[filled + 1] == place or filled >= len(places)
            # Those who cannot sit beside all of these are left out for all who follow.
            rest = some if left > s.outside else some[: bisect_left(some, self._inside)]
            rest = self.fitting(rest, more) if filled + 1 < self._bill.approvals else rest
            if self.fill(filled + 1, left - s.outside, more, rest, i if same else 0):
                return True
            self._leave(s)
        return False

    def _same_person(self, s: Seat) -> bool:
        """Whether one of the seat's people may be the requester, who cannot approve."""
        q = self._requester
        return q.shared >= 0 and q.shared == s.owner and q.outside == s.outside

    def _clashes(self, s: Seat) -> bool:
        if not s.values or not self._values:
            return False
        return any(v in taken for v, taken in zip(s.values, self._values, strict=True))

    def _take(self, i: int, s: Seat) -> None:
        self.chosen.append(i)
        if s.values and not self._values:
            self._values = [set() for _ in s.values]
        for v, taken in zip(s.values or (), self._values, strict=False):
            taken.add(v)

    def _leave(self, s: Seat) -> None:
        self.chosen.pop()
        for v, taken in zip(s.values or (), self._values, strict=False):
            taken.discard(v)
