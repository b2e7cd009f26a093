"""Retrial: former coalitions tried once more, whether they still fire what they fired."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import or_

import numpy as np

from armslength.reach.coalition import Coalitions
from armslength.reach.columns import Words, set_bits
from armslength.reach.rules import Rule
from armslength.reach.takeover import Standing


class Retrial:
    """Of those of `standing`, at one level after the other. `active` gives the rules with powers that are true in a
    column at the level and not on the ground, `leading` those among some that could help a rule there, directly or
    through others; all a bit each by number, `powers` among them."""

    def __init__(
        self,
        standing: Standing,
        coalitions: Coalitions,
        powers: int,
        active: Callable[[int], int],
        leading: Callable[[Rule, int, int], int],
    ) -> None:
        self.standing, self._coalitions, self._powers = standing, coalitions, powers
        self._active, self._leading = active, leading
        self._rules = coalitions.ground.board.graph.rules
        self._leaders: dict[tuple[int, int], int] = {}
        self._masks: dict[int, Words] = {}

    def fires(self, rule: Rule, column: int, people: tuple[int, ...], level: int) -> bool:
        """Whether people who fired the rule before, with what was no dearer than the `level`, do so now, as
        outsiders."""
        return self._plainly(rule, column, people, level) or self._anew(rule, column, people, level)

    def _plainly(self, rule: Rule, column: int, people: tuple[int, ...], level: int) -> bool:
        """Whether they do as either nobody who is missed had a part in it, or these are not needed."""
        if (rule.number, column) not in self.standing.lean:
            return False
        last, coalitions = self.standing.last[column][0] & self._powers, self._coalitions
        helping, given = self._helping(column, level)
        held = coalitions.held(people)
        # Mostly they would not fire it whatever else they fired, and then what that is need not be known.
        given = given if held is None else given | held
        likely = [
            number for number in set_bits(last) if coalitions.enough(self._rules[number], column, given, people, 0)
        ]
        if not likely:
            return True
        mask = coalitions.closure(column, people, helping)
        if not any(coalitions.bundles.fired(mask, number) for number in likely):
            return True
        return coalitions.enough(rule, column, mask, people, 0)

    def _helping(self, column: int, level: int) -> tuple[int, Words]:
        """The rules that may help to fire any of the `last`, these among them, a bit each by number; and as a mask."""
        last, rules = self.standing.last[column]
        if rules is None:
            active = (self._active(column) | self.standing.helpers(column, level)) & self._powers
            key = (column, active)
            if key not in self._leaders:
                leading = (self._leading(self._rules[number], column, active) for number in set_bits(last))
                self._leaders[key] = reduce(or_, leading, last)
            rules = self._leaders[key]
        rules &= self._powers
        if rules not in self._masks:
            self._masks[rules] = self._coalitions.bundles.mask_of_rules(list(set_bits(rules)))
        return rules, self._masks[rules]

    def _anew(self, rule: Rule, column: int, people: tuple[int, ...], level: int) -> bool:
        coalitions = self._coalitions
        if coalitions.ground.acting(np.array(people, dtype=np.int32), column).any():
            return False
        held = coalitions.held(people)
        if coalitions.enough(rule, column, coalitions.none if held is None else held, people, 0):
            return True
        # Who fired it before did so with the help of what was no dearer.
        active = self._active(column) | self.standing.helpers(column, level)
        mask = coalitions.closure(column, people, self._leading(rule, column, active & self._powers))
        return coalitions.enough(rule, column, mask, people, 0)
