"""Seating: the least number of outsiders with which a quorum can be filled, exactly, over classes of like people.

A quorum of requester and approvers is filled from classes; a class is people with the same exposures (home states
left out), the same values of the distinct columns and the same places. Acting people cost nothing, outsiders one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """`count` like people. `exposed`: bit mask of states. `values`: codes of the distinct columns, None for people whose
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
    """The cheapest seating with at most `most` outsiders, or None when there is none.

    Exact: every combination of classes is tried, cheapest first, except those that cannot fit. `tick` is called on
    each step and may raise to stop the search.
    """
    if bill.together is not None and bill.together < 0:
        return None
    requesters = _undominated(sorted(requesters, key=_order), bill.approvals, with_shared=True)
    approvers = _undominated(sorted(approvers, key=_order), bill.approvals, with_shared=False)
    inside = sum(1 for s in approvers if not s.outside)
    for outsiders in range(most + 1):
        for q in requesters:
            left = outsiders - q.outside
            if left < 0:
                break
            levels = _add((0,) * bill.together if bill.together is not None else None, q.exposed)
            if levels is _FULL:
                continue
            values = [] if q.values is None else [q.values]
            chosen: list[int] = []
            if _fill(bill, q, approvers, inside, bill.approvals, left, levels, values, chosen, 0, tick):
                return Seating(outsiders=outsiders, requester=q, approvers=tuple(approvers[i] for i in chosen))
    return None


def _order(s: Seat) -> tuple[bool, int, int]:
    return (s.outside, s.exposed.bit_count(), s.owner)


_FULL: tuple[int, ...] = (-1,)


def _add(levels: tuple[int, ...] | None, exposed: int) -> tuple[int, ...] | None:
    """`levels[i]`: states to which more than i members are exposed. One more member; `_FULL` when a state has too many."""
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


def _fill(
    bill: Bill,
    requester: Seat,
    approvers: Sequence[Seat],
    inside: int,
    wanted: int,
    left: int,
    levels: tuple[int, ...] | None,
    values: list[tuple[int, ...]],
    chosen: list[int],
    first: int,
    tick: Callable[[], None],
) -> bool:
    if wanted == 0:
        return _places_filled(bill.places, [approvers[i].places for i in chosen])
    end = len(approvers) if left else inside
    for i in range(first, end):
        tick()
        s = approvers[i]
        if s.outside and not left:
            break
        if chosen.count(i) >= s.count - (requester.shared == s.owner and requester.outside == s.outside):
            continue
        if s.values is not None and any(_clash(s.values, taken) for taken in values):
            continue
        more = _add(levels, s.exposed)
        if more is _FULL:
            continue
        chosen.append(i)
        if s.values is not None:
            values.append(s.values)
        if _fill(bill, requester, approvers, inside, wanted - 1, left - s.outside, more, values, chosen, i, tick):
            return True
        chosen.pop()
        if s.values is not None:
            values.pop()
    return False


def _clash(mine: tuple[int, ...], taken: tuple[int, ...]) -> bool:
    return any(a == b for a, b in zip(mine, taken, strict=True))


def _places_filled(places: tuple[int, ...], fits: Sequence[int]) -> bool:
    """Whether different approvers can fill every place; `fits[i]` is what approver i may fill. A bipartite matching."""
    taken: dict[int, int] = {}

    def place_one(n: int, tried: set[int]) -> bool:
        for who, fit in enumerate(fits):
            if fit >> places[n] & 1 and who not in tried:
                tried.add(who)
                if who not in taken or place_one(taken[who], tried):
                    taken[who] = n
                    return True
        return False

    return all(place_one(n, set()) for n in range(len(places)))


def _undominated(seats: list[Seat], approvals: int, with_shared: bool) -> list[Seat]:
    """Drop seats that another, no dearer and no worse in anything, can always stand in for.

    With distinct values a class can give one member at most, so any like class serves; without, the other class must
    be large enough for the whole quorum.
    """
    kept: list[Seat] = []
    by_kind: dict[tuple[tuple[int, ...] | None, int], list[Seat]] = {}
    for s in seats:
        rivals = by_kind.setdefault((s.values, 0 if with_shared else s.places), [])
        if any(_stands_in(r, s, approvals) for r in rivals):
            continue
        rivals.append(s)
        kept.append(s)
    return kept


def _stands_in(rival: Seat, s: Seat, approvals: int) -> bool:
    if rival.exposed & ~s.exposed or rival.outside > s.outside:
        return False
    return bool(s.values) or rival.count > approvals
