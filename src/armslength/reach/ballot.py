"""Ballots: a rule as it stands with certain groups open, and the seats of it that are worth trying.

A seat is left out only where others, no dearer and no worse, can stand in for it however it is used; so the cheapest
seating costs the same without it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from armslength.reach.classes import Classes, Counts, Kinds
from armslength.reach.crowd import Crowd
from armslength.reach.seating import Bill, Seat, Seating
from armslength.reach.spread import Flags

Drawn = tuple[dict[int, Seat], dict[int, Seat]]
"""Seats by class: of those who act, and of the outsiders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The members of unknown groups, taken to be people of one state: any number, of as many units as needed."""

    groups: frozenset[int]
    exposed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ballot:
    """A rule as it stands once certain groups are opened: who may ask, who may approve, what is asked for."""

    bill: Bill
    opened: frozenset[int]
    requesters: Classes
    approvers: Classes
    holders: Crowd
    approving: Crowd | None
    placing: tuple[Crowd, ...]
    known: dict[tuple[bytes, bytes, Filled | None], tuple[int, Seating | None]] = field(default_factory=dict)
    stands: dict[tuple[bytes, bytes], Stand] = field(default_factory=dict)


SPARE = 4
"""So many people may join a stand before its seats are counted anew."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stand:
    """A ballot with so many of each class acting (`asking`, `approving`) and the seats that are worth trying then, even
    once up to SPARE people more act: of requesters and of approvers."""

    ballot: Ballot
    asking: Counts
    approving: Counts
    requesters: Drawn
    approvers: Drawn
    known: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[int, Seating | None]] = field(default_factory=dict)


def seats(classes: Classes, inside: Counts, approvals: int, most: int) -> list[Seat]:
    """Two seats a class, those who act and (for `most` above 0) the outsiders, less those that a rival can always stand
    in for."""
    if not len(inside):
        return []
    acting, outsiders = _worth(classes, inside, approvals, 0)
    return _all(_drawn(classes, inside, acting, outsiders if most else np.zeros_like(outsiders)), most)


def worth(classes: Classes, inside: Counts, approvals: int) -> Drawn:
    """The seats worth trying even when up to SPARE more of the outsiders act."""
    if not len(inside):
        return {}, {}
    return _drawn(classes, inside, *_worth(classes, inside, approvals, SPARE))


def joined(classes: Classes, drawn: Drawn, joining: tuple[int, ...], most: int) -> list[Seat]:
    """The seats of a stand once some of the outsiders act, given by their classes (-1: none)."""
    numbers = [number for number in joining if number >= 0]
    if not numbers:
        return _all(drawn, most)
    inside, outside = dict(drawn[0]), dict(drawn[1])
    for number in numbers:
        acting = inside.get(number)
        inside[number] = _counted(classes.seats[number], 1 + (acting.count if acting else 0), False)
        left = outside.get(number)
        if left is not None:
            if left.count > 1:
                outside[number] = _counted(left, left.count - 1, True)
            else:
                del outside[number]
    return _all((inside, outside), most)


def _all(drawn: Drawn, most: int) -> list[Seat]:
    inside, outside = drawn
    return [*inside.values(), *outside.values()] if most else list(inside.values())


def _drawn(classes: Classes, inside: Counts, acting: Flags, outsiders: Flags) -> Drawn:
    """The seats of the classes flagged."""
    outside = np.diff(classes.start) - inside
    return (
        {i: _counted(classes.seats[i], int(inside[i]), False) for i in np.flatnonzero(acting).tolist()},
        {i: _counted(classes.seats[i], int(outside[i]), True) for i in np.flatnonzero(outsiders).tolist()},
    )


def _worth(classes: Classes, inside: Counts, approvals: int, spare: int) -> tuple[Flags, Flags]:
    """The classes, of those who act and of the outsiders, for which no others can always stand in, even once `spare`
    more of the outsiders act."""
    some = _few if classes.seats[0].values else _many
    return some(classes.kinds, inside, np.diff(classes.start) - inside, approvals + 1, spare)


def _many(kinds: Kinds, inside: Counts, outside: Counts, size: int, spare: int) -> tuple[Flags, Flags]:
    """Where no values must differ: a class that is as large as a whole quorum (`size`) never runs out, so none that is
    no better need be tried."""
    kept: list[Flags] = []
    done = np.zeros(len(kinds.exposed), dtype=np.bool_)
    for counts, enough in ((inside, size), (outside, size + spare)):
        ample = np.flatnonzero((counts >= enough) & ~done[kinds.of])
        large, first = np.unique(kinds.of[ample], return_index=True)
        flags = np.zeros(len(done), dtype=np.bool_)
        flags[large] = True
        dropped, left = kinds.stand_in(flags)
        chosen = (counts > 0) & ~(done | dropped | left)[kinds.of]
        chosen[ample[first[left[large]]]] = True
        kept.append(chosen)
        # An outsider costs more than those alike who act.
        done |= dropped | left
    return kept[0], kept[1]


def _few(kinds: Kinds, inside: Counts, outside: Counts, size: int, spare: int) -> tuple[Flags, Flags]:
    """The same where values must differ: once as many classes no worse as a quorum has members (`size`) have values of
    their own in one column and the same in the others, a class need not be tried, for one of them is free in any
    quorum."""
    kept: list[Flags] = []
    done = np.zeros(len(kinds.exposed), dtype=np.bool_)
    for flags, enough in ((inside > 0, size), (outside > 0, size + spare)):
        some = np.flatnonzero(flags & ~done[kinds.of])
        # Of one value a quorum has one member, so one class is enough.
        some = some[np.unique(kinds.slot[some], return_index=True)[1]]
        kind = kinds.of[some]
        dropped, left = kinds.stand_in(np.bincount(kind, minlength=len(done)) >= enough)
        order = np.argsort(kind, kind="stable")
        start = np.searchsorted(kind[order], np.arange(len(done)))
        rank = np.empty(len(kind), dtype=np.int64)
        rank[order] = np.arange(len(kind)) - start[kind[order]]
        chosen = np.zeros(len(flags), dtype=np.bool_)
        chosen[some[(rank < enough) & ~dropped[kind]]] = True
        kept.append(chosen)
        done |= dropped | left
    return kept[0], kept[1]


def _counted(s: Seat, count: int, outside: bool) -> Seat:
    return Seat(
        exposed=s.exposed,
        values=s.values,
        places=s.places,
        count=count,
        outside=outside,
        owner=s.owner,
        shared=s.shared,
    )
