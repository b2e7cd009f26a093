"""Ballots: a rule as it stands with certain groups open, and the seats of it that are worth trying.

A seat is left out only where others, no dearer and no worse, can stand in for it however it is used; so the cheapest
seating costs the same without it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from armslength.reach.classes import Classes, Counts, Flags
from armslength.reach.crowd import Crowd
from armslength.reach.seating import Bill, Seat, Seating

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
    acting, outsiders = _unrivalled(classes, inside, approvals, 0)
    return _all(_drawn(classes, inside, acting, outsiders if most else np.zeros_like(outsiders)), most)


def worth(classes: Classes, inside: Counts, approvals: int) -> Drawn:
    """The seats worth trying even when up to SPARE more of the outsiders act."""
    if not len(inside):
        return {}, {}
    if classes.kind.size:
        return _drawn(classes, inside, *_few(classes, inside, approvals + 1))
    return _drawn(classes, inside, *_unrivalled(classes, inside, approvals, SPARE))


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


def _unrivalled(classes: Classes, inside: Counts, approvals: int, spare: int) -> tuple[Flags, Flags]:
    """The classes, of those who act and of the outsiders, without a rival that can always stand in, even once `spare`
    more of the outsiders act.

    With distinct values a class gives one member at most, so any rival serves; without, it must be large enough for the
    whole quorum, so that no use of it can run out.
    """
    outside = np.diff(classes.start) - inside
    enough = 1 if classes.seats[0].values else approvals + 1
    acting, ready = inside >= enough, outside >= enough + spare
    drop = np.zeros(len(inside), dtype=np.bool_)
    drop[classes.worse[acting[classes.rival]]] = True
    kept_in = (inside > 0) & ~drop
    # An outsider costs more than those of the class who act.
    drop |= acting
    drop[classes.worse[ready[classes.rival]]] = True
    return kept_in, (outside > 0) & ~drop


def _few(classes: Classes, inside: Counts, size: int) -> tuple[Flags, Flags]:
    """The same where one column must differ: once as many classes no worse as a quorum has members have values of their
    own, a class need not be tried, for one of those values is free in any quorum."""
    kinds = len(classes.better)
    outside = np.diff(classes.start) - inside
    kept: list[Flags] = []
    done = np.zeros(kinds, dtype=np.bool_)
    for flags, enough in ((inside > 0, size), (outside > 0, size + SPARE)):
        some = np.flatnonzero(flags & ~done[classes.kind])
        # Of one value a quorum has one member, so one class is enough.
        some = some[np.unique(classes.slot[some], return_index=True)[1]]
        kind = classes.kind[some]
        ample = np.bincount(kind, minlength=kinds) >= enough
        others = classes.better & ample[:, None] & ~np.eye(kinds, dtype=np.bool_)
        worse: Flags = np.logical_or.reduce(others, axis=0)
        order = np.argsort(kind, kind="stable")
        start = np.searchsorted(kind[order], np.arange(kinds))
        rank = np.empty(len(kind), dtype=np.int64)
        rank[order] = np.arange(len(kind)) - start[kind[order]]
        chosen = np.zeros(len(flags), dtype=np.bool_)
        chosen[some[(rank < enough) & ~worse[kind]]] = True
        kept.append(chosen)
        done |= ample | worse
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
