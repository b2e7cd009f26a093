"""Sketches: what a rule that has to fire demands of a few people at the least, as counting tells; and which rules those
who meet some demands could fire, one upon the other.

Whoever fires some rules fires a first one, on nothing but what they hold themselves, and each next one on what they
fired before. So rules that only help each other, of which none could be the first, help nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from armslength.reach.coalition import Coalitions
from armslength.reach.columns import Words, as_int, set_bits
from armslength.reach.demands import Demand
from armslength.reach.rules import Rule
from armslength.reach.spread import Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sketch:
    """No fewer outsiders than `fewest` fire a rule, and whoever does meets the `demands`, those of `numbers`. `beside`:
    whether so few can meet those of some numbers as well, as far as it was asked."""

    fewest: int
    demands: tuple[Demand, ...]
    numbers: frozenset[int]
    beside: dict[frozenset[int], bool] = field(default_factory=dict)


class Sketches:
    """Those of one `column`, for coalitions of at most `most`. Rules and sources come as numbers, a bit each."""

    def __init__(self, coalitions: Coalitions, column: int, most: int) -> None:
        self._coalitions, self._column, self.most = coalitions, column, most
        self._rules = coalitions.ground.board.graph.rules
        self._counted: dict[tuple[int, int], Sketch | None] = {}
        self._exact: dict[tuple[int, int], Sketch | None] = {}
        self._needs: dict[tuple[int, int], int | None] = {}
        self._matter: dict[int, int] = {}
        self._sources: dict[int, int] = {}
        self._reached: dict[tuple[frozenset[int], int, bool], int] = {}
        self._parts: dict[tuple[int, int], tuple[Ints, Demand]] = {}
        self._marks: dict[int, tuple[Ints, Demand]] = {}

    def matters(self, rule: Rule) -> int:
        """All sources that matter to the rule."""
        found = self._matter.get(rule.number)
        if found is None:
            coalitions = self._coalitions
            stakes = coalitions.stakes(rule, coalitions.opened(rule, self._column), chained=True)
            found = self._matter[rule.number] = as_int(stakes.mask)
        return found

    def sources(self, rules: int) -> int:
        """The sources that are these rules."""
        found = self._sources.get(rules)
        if found is None:
            bit = self._coalitions.bundles.rule_bit
            found = self._sources[rules] = sum([1 << bit[number] for number in set_bits(rules)])
        return found

    def words(self, sources: int) -> Words:
        """The same as a mask [Wh], not to be written to."""
        size = self._coalitions.bundles.words
        return np.frombuffer(sources.to_bytes(size * 8, "little"), dtype=np.uint64)

    def need(self, rule: Rule, given: int) -> int | None:
        """How many outsiders the rule takes once the sources of `given` are held; None if more than there may be."""
        given &= self.matters(rule)
        key = (rule.number, given)
        if key not in self._needs:
            mask, coalitions = self.words(given), self._coalitions
            some = range(coalitions.fewest(rule, self._column, mask), self.most + 1)
            found = (need for need in some if coalitions.suffices(rule, self._column, mask, (), need))
            self._needs[key] = next(found, None)
        return self._needs[key]

    def counted(self, rule: Rule, given: int) -> Sketch | None:
        """What the rule demands once the sources of `given` are held; None if more outsiders than there may be."""
        given &= self.matters(rule)
        key = (rule.number, given)
        if key not in self._counted:
            # With nothing given the same rules are asked about all the time: there it is worth to be exact.
            need = self._coalitions.fewest(rule, self._column, self.words(given)) if given else self.need(rule, 0)
            self._counted[key] = self._make(rule, given, need)
        return self._counted[key]

    def exact(self, rule: Rule, given: int) -> Sketch | None:
        """The same with exactly how many outsiders it takes."""
        given &= self.matters(rule)
        key = (rule.number, given)
        if key not in self._exact:
            found, need = self.counted(rule, given), self.need(rule, given)
            same = found is not None and found.fewest == need
            self._exact[key] = found if same else self._make(rule, given, need)
        return self._exact[key]

    def _make(self, rule: Rule, given: int, need: int | None) -> Sketch | None:
        if need is None or need > self.most:
            return None
        mask = self.words(given)
        part = self.part(rule, mask, need)
        # Anyone who joins meets a demand of everyone, so that it excludes nobody.
        demands = (*(() if part.people is None else (part,)), *self.landmarks(rule, mask))
        return Sketch(fewest=need, demands=demands, numbers=frozenset([demand.number for demand in demands]))

    def part(self, rule: Rule, mask: Words, count: int) -> Demand:
        """So many of the outsiders who could have a part in the rule once the sources of a mask [Wh] are held."""
        coalitions = self._coalitions
        able = coalitions.able(rule, self._column, mask)
        if able is None:
            return coalitions.roster.demand(None, count)
        key = (id(able), count)
        found = self._parts.get(key)
        if found is None:
            # The array is kept with it, so that no other can have its place.
            outside = able[coalitions.outside(self._column)[able]]
            found = self._parts[key] = (able, coalitions.roster.demand(outside, count))
        return found[1]

    def landmarks(self, rule: Rule, mask: Words) -> tuple[Demand, ...]:
        """One of each of the rule's landmarks once the sources of a mask [Wh] are held."""
        some = self._coalitions.landmarks(rule, self._column, mask)
        return tuple([(self._marks.get(id(one)) or self._mark(one))[1] for one in some])

    def _mark(self, people: Ints) -> tuple[Ints, Demand]:
        found = self._marks[id(people)] = (people, self._coalitions.roster.demand(people, 1))
        return found

    def reached(self, asked: Sequence[Demand], usable: int, exact: bool) -> int:
        """Of the rules `usable`, those that a few who meet all that is `asked` could fire, one upon the other and on no
        rules but these: going by counting, or by exactly how many each takes."""
        numbers = frozenset([demand.number for demand in asked])
        key = (numbers, usable, exact)
        found = self._reached.get(key)
        if found is None:
            found = self._reached[key] = self._reach(numbers, asked, usable, exact)
        return found

    def _reach(self, numbers: frozenset[int], asked: Sequence[Demand], usable: int, exact: bool) -> int:
        if not self._coalitions.roster.met(asked, self.most, numbers):
            return 0
        rules, beside = self._rules, self._beside
        reached, held, waking = 0, 0, usable
        while waking:
            fresh = 0
            for number in set_bits(waking):
                rule = rules[number]
                fits = beside(self.counted(rule, held), numbers, asked)
                if fits and (not exact or beside(self.exact(rule, held), numbers, asked)):
                    fresh |= 1 << number
            reached |= fresh
            more = self.sources(fresh)
            held |= more
            # For the others nothing has changed.
            waking = sum([1 << n for n in set_bits(usable & ~reached) if self.matters(rules[n]) & more])
        return reached

    def _beside(self, sketch: Sketch | None, numbers: frozenset[int], asked: Sequence[Demand]) -> bool:
        """Whether so few can meet the demands of a sketch and those `asked`, of such numbers."""
        if sketch is None:
            return False
        found = sketch.beside.get(numbers)
        if found is None:
            both = numbers | sketch.numbers
            found = sketch.beside[numbers] = self._coalitions.roster.met((*asked, *sketch.demands), self.most, both)
        return found
