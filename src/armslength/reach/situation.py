"""Situations: columns in which a search among the same rules must end alike, so that it is made once.

What can matter is who acts of the people with a part in the rules, what is open and waived, and, where anyone may join,
which exposures the others have, those who act and those who do not. States to which none of those people is exposed
differ in name only.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from armslength.reach.classes import Counts
from armslength.reach.coalition import MANY, Coalitions
from armslength.reach.columns import Words
from armslength.reach.rules import Rule
from armslength.reach.spread import Flags, Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parties:
    """Those with a part in some rules: `people`, how many of them act with each exposure in each column (`acting`
    [columns, E]), how many there are (`total` [E]), the states they are exposed to, and who acts in each column."""

    acting: Counts
    total: Counts
    people: Ints
    exposed: int
    patterns: tuple[bytes, ...]


class Situations:
    """Keys of situations; None where columns are not compared."""

    def __init__(self, coalitions: Coalitions) -> None:
        self._coalitions = coalitions
        self._parties: dict[tuple[tuple[int, ...], bytes], Parties | None] = {}
        self._sizes: dict[int, Counts] = {}
        self._groups: dict[tuple[str, int], Counts] = {}
        self._open: dict[tuple[int, frozenset[int], bytes], bool] = {}

    def key(self, rules: Sequence[Rule], free: Words, column: int, most: int) -> Hashable:
        """Equal for columns in which at most `most` accomplices do the same with these rules. `free`: all that the
        rules could bring about."""
        coalitions, ground = self._coalitions, self._coalitions.ground
        if ground.filled(column) is not None:
            return None
        opened = [coalitions.opened(rule, column) for rule in rules]
        masks = [coalitions.stakes(rule, o, chained=True).mask for rule, o in zip(rules, opened, strict=True)]
        relevant: Words = np.bitwise_or.reduce(masks, axis=0)
        numbers = tuple(rule.number for rule in rules)
        parties = self._find(rules, numbers, relevant)
        if parties is None:
            return None
        others: Hashable = ()
        if any(self._joined(r, o, column, free) for r, o in zip(rules, opened, strict=True)):
            size = max(coalitions.quorums.size(rule) for rule in rules)
            columns = {name for rule in rules for name in coalitions.quorums.distinct(rule)}
            if len(columns) > 1:
                return None
            if columns:
                others = self._ample(parties, columns.pop(), column, size, most, len(rules))
                if others is None:
                    return None
            else:
                others = self._others(parties, column, size, most)
        waived = tuple(ground.waived(rule, column) for rule in rules)
        return (most, numbers, tuple(opened), waived, parties.patterns[column], others)

    def _joined(self, rule: Rule, opened: frozenset[int], column: int, free: Words) -> bool:
        """Whether anyone might come to have a part in the rule."""
        key = (rule.number, opened, free.tobytes())
        found = self._open.get(key)
        if found is None:
            found = self._open[key] = self._coalitions.able(rule, column, free) is None
        return found

    def _find(self, rules: Sequence[Rule], numbers: tuple[int, ...], relevant: Words) -> Parties | None:
        key = (numbers, relevant.tobytes())
        if key not in self._parties:
            people = self._coalitions.traits.special(rules, relevant, MANY)
            self._parties[key] = self._make(people) if people is not None else None
        return self._parties[key]

    def _make(self, people: Ints) -> Parties:
        board, traits = self._coalitions.ground.board, self._coalitions.traits
        exposure, count = traits.exposure[people], len(traits.exposed)
        total = np.bincount(exposure, minlength=count)
        flags = [self._coalitions.ground.acting(people, c) for c in range(len(board.columns))]
        exposed = 0
        for number in np.flatnonzero(total).tolist():
            exposed |= traits.exposed[number]
        return Parties(
            people=people,
            acting=np.array([np.bincount(exposure[f], minlength=count) for f in flags], dtype=np.int64),
            total=total.astype(np.int64),
            exposed=exposed,
            patterns=tuple(np.packbits(f).tobytes() for f in flags),
        )

    def _others(self, parties: Parties, column: int, size: int, most: int) -> Hashable:
        """Those without a part, by exposures: who is outside and who acts, if others cannot stand in for them."""
        traits = self._coalitions.traits
        if column not in self._sizes:
            flags = ~self._coalitions.outside(column)
            self._sizes[column] = np.bincount(traits.exposure[flags], minlength=len(traits.exposed)).astype(np.int64)
        acting = self._sizes[column]
        inside = acting - parties.acting[column]
        outside = traits.everyone - acting - (parties.total - parties.acting[column])
        without = tuple((traits.exposed[e], min(int(outside[e]), most)) for e in traits.keep(outside, most))
        within = [(traits.exposed[e], min(int(inside[e]), size)) for e in traits.keep(inside, size)]
        known = parties.exposed
        for exposed, _ in without:
            known |= exposed
        return (without, *_renamed(within, known))

    def _ample(self, parties: Parties, name: str, column: int, size: int, most: int, rules: int) -> Hashable:
        """The same where the values of a column must differ, if of each kind of others there are so many with values of
        their own that one is always free; None if not."""
        traits = self._coalitions.traits
        valued = traits.valued(name)
        fresh = np.ones(valued.values, dtype=np.bool_)
        fresh[valued.value[valued.group[parties.people]]] = False
        fresh[0] = False
        if (name, column) not in self._groups:
            flags = ~self._coalitions.outside(column)
            acts = np.bincount(valued.group[flags], minlength=len(valued.value))
            self._groups[name, column] = acts.astype(np.int64)
        acting = self._groups[name, column]
        own = fresh[valued.value]
        count = len(traits.exposed)

        def ample(there: Flags, enough: int) -> list[int] | None:
            present = np.bincount(valued.exposure[there], minlength=count)
            values = np.bincount(valued.exposure[there & own], minlength=count)
            kept = traits.keep((values * (values >= enough)).astype(np.int64), enough)
            return kept if traits.covers(kept, np.flatnonzero(present).astype(np.int32)) else None

        # Somebody inside may be another in each quorum; an outsider is the same in all of them.
        within = ample(acting > 0, size + most)
        without = ample(acting < valued.count, rules * (size - 1) + most + 1)
        if within is None or without is None:
            return None
        known = parties.exposed
        for e in without:
            known |= traits.exposed[e]
        outside = tuple(traits.exposed[e] for e in without)
        return (outside, *_renamed([(traits.exposed[e], 0) for e in within], known))


def _renamed(within: list[tuple[int, int]], known: int) -> tuple[Hashable, Hashable]:
    """Kinds (exposures, count) whose states outside `known` count by who shares them only."""
    within.sort(key=lambda kind: (kind[0] & known, kind[1], kind[0]))
    elsewhere: dict[int, list[int]] = {}
    for number, (exposed, _) in enumerate(within):
        rest = exposed & ~known
        while rest:
            low = rest & -rest
            elsewhere.setdefault(low, []).append(number)
            rest ^= low
    shared = frozenset(tuple(numbers) for numbers in elsewhere.values())
    return tuple((exposed & known, count) for exposed, count in within), shared
