"""Ballots: a rule as it stands with certain groups open, and the seats of it that are worth trying.

A seat is left out only where others, no dearer and no worse, can stand in for it however it is used; so the cheapest
seating costs the same without it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np

from armslength.reach.classes import Classes, Counts, Kinds
from armslength.reach.crowd import Crowd
from armslength.reach.seating import Bill, Seat, Seating
from armslength.reach.spread import Flags

Drawn = tuple[tuple[Seat, ...], tuple[Seat, ...]]
"""Seats of those who act, and of the outsiders, each cheapest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The members of unknown groups, taken to be people of one state: any number, of as many units as needed."""

    groups: frozenset[int]
    exposed: int


def tally(counts: Counts) -> bytes:
    """A short name for how many of each class act: those of many people who join, each asked about once, are too many
    to keep."""
    if len(counts) > FEW:
        some = np.flatnonzero(counts)
        return blake2b(
            some.astype(np.int32).tobytes() + b"|" + counts[some].astype(np.int32).tobytes(), digest_size=20
        ).digest()
    exact = counts.astype(np.int32).tobytes()
    return exact if len(exact) <= 20 else blake2b(exact, digest_size=20).digest()


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


FEW = 1024
"""Of so many classes, the counts are named as they are."""
SPARE = 4
"""So many people may join a stand before its seats are counted anew."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stand:
    """A ballot with so many of each class acting: the seats that are worth trying then, even once up to SPARE people
    more act, of requesters and of approvers."""

    ballot: Ballot
    requesters: Drawn
    approvers: Drawn
    known: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[int, Seating | None]] = field(default_factory=dict)


def seats(classes: Classes, inside: Counts, approvals: int, most: int) -> list[Seat]:
    """Two seats a class, those who act and (for `most` above 0) the outsiders, less those that a rival can always stand
    in for; cheapest first."""
    return _all(_kept(classes, inside, tally(inside), approvals, 0, most > 0), most)


def worth(classes: Classes, inside: Counts, name: bytes, approvals: int) -> Drawn:
    """The seats worth trying even when up to SPARE more of the outsiders act; `name`: the tally of those inside."""
    return _kept(classes, inside, name, approvals, SPARE, True)


def _kept(classes: Classes, inside: Counts, name: bytes, approvals: int, spare: int, outsiders: bool) -> Drawn:
    """The same once for all ballots that share the classes."""
    if not len(inside):
        return (), ()
    key = (name, approvals, spare, outsiders)
    found = classes.kept.get(key)
    if found is None:
        flags = _worth(classes, inside, approvals, spare, outsiders)
        found = classes.kept[key] = _drawn(classes, inside, *flags, approvals)
    return found


def joined(classes: Classes, drawn: Drawn, joining: tuple[int, ...], most: int) -> list[Seat]:
    """The seats of a stand, cheapest first, once up to SPARE of the outsiders act; given by their classes, or -1."""
    numbers = [number for number in joining if number >= 0]
    if not numbers:
        return _all(drawn, most)
    inside, outside = list(drawn[0]), list(drawn[1])
    for number in numbers:
        place, acting = _find(classes, inside, number)
        if acting is None:
            inside.insert(place, classes.seat(number, 1, False))
        else:
            inside[place] = classes.seat(number, acting.count + 1, False)
        place, left = _find(classes, outside, number)
        if left is not None and left.count > 1:
            outside[place] = classes.seat(number, left.count - 1, True)
        elif left is not None:
            del outside[place]
    return _all((tuple(inside), tuple(outside)), most)


def _find(classes: Classes, some: list[Seat], number: int) -> tuple[int, Seat | None]:
    """Where among seats, cheapest first, that of a class stands or would stand; and the seat if it is there."""
    exposures = classes.seats.exposed(number).bit_count()
    place = bisect_left(some, (exposures, number), key=lambda s: (s.exposed.bit_count(), s.owner))
    return place, some[place] if place < len(some) and some[place].owner == number else None


def _all(drawn: Drawn, most: int) -> list[Seat]:
    inside, outside = drawn
    return [*inside, *outside] if most else list(inside)


def _drawn(classes: Classes, inside: Counts, acting: Flags, outsiders: Flags, approvals: int) -> Drawn:
    """The seats of the classes flagged. Beyond what a quorum has and SPARE, the number of people says nothing."""
    outside, cap = np.diff(classes.start) - inside, approvals + 2 + SPARE

    def row(flags: Flags, counts: Counts, out: bool) -> tuple[Seat, ...]:
        some = classes.cheapest[flags[classes.cheapest]]
        numbers = np.minimum(counts[some], cap).tolist()
        return tuple([classes.seat(i, n, out) for i, n in zip(some.tolist(), numbers, strict=True)])

    return row(acting, inside, False), row(outsiders, outside, True)


def _worth(classes: Classes, inside: Counts, approvals: int, spare: int, outsiders: bool) -> tuple[Flags, Flags]:
    """The classes, of those who act and (if asked for) of the outsiders, for which no others can always stand in, even
    once `spare` more of the outsiders act."""
    some = _few if classes.seats.values else _many
    outside = np.diff(classes.start) - inside if outsiders else np.zeros_like(inside)
    return some(classes.kinds, inside, outside, approvals + 1, spare)


def _many(kinds: Kinds, inside: Counts, outside: Counts, size: int, spare: int) -> tuple[Flags, Flags]:
    """Where no values must differ: a class that is as large as a whole quorum (`size`) never runs out, so none that is
    no better need be tried."""
    kept: list[Flags] = []
    done = np.zeros(len(kinds.exposed), dtype=np.bool_)
    for counts, enough in ((inside, size), (outside, size + spare)):
        if not counts.any():
            kept.append(counts > 0)
            continue
        first, large = kinds.firsts((counts >= enough) & ~done[kinds.of])
        flags = np.zeros(len(done), dtype=np.bool_)
        flags[large] = True
        dropped, left = kinds.stand_in(flags)
        chosen = (counts > 0) & ~(done | dropped | left)[kinds.of]
        chosen[first[left[large]]] = True
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
        if not flags.any():
            kept.append(flags)
            continue
        # Of one value a quorum has one member, so one class is enough.
        some, kind = kinds.firsts(flags & ~done[kinds.of])
        dropped, left = kinds.stand_in(np.bincount(kind, minlength=len(done)) >= enough)
        left_over = ~dropped[kind]
        some, kind = some[left_over], kind[left_over]
        rank = np.arange(len(kind)) - np.searchsorted(kind, kind)
        chosen = np.zeros(len(flags), dtype=np.bool_)
        chosen[some[rank < enough]] = True
        kept.append(chosen)
        done |= dropped | left
    return kept[0], kept[1]
