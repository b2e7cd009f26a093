"""Search: the exact answer where quorums feed each other, rule by rule in the order in which they could fire.

Whoever fires a goal through feeders fires some feeder directly to begin with. So a coalition grows by the smallest sets
that let one more rule fire; every set that could matter is tried, like people once. What even free feeders would not
bring about is given up early.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from armslength.reach.coalition import Coalitions
from armslength.reach.columns import Words
from armslength.reach.rules import Rule
from armslength.reach.spread import Ints

People = tuple[int, ...]


class Search:
    """One question: can at most so many accomplices fire `goal` in `column`, with `feeders` (rules with powers) to
    help? `active`: all rules with powers that cost as little, a bit each by number, the feeders among them."""

    def __init__(
        self,
        coalitions: Coalitions,
        goal: Rule,
        feeders: list[Rule],
        column: int,
        active: int,
        tick: Callable[[], None],
    ) -> None:
        self._coalitions, self._bundles = coalitions, coalitions.bundles
        self._goal, self._feeders, self._column, self._tick = goal, feeders, column, tick
        self._active = active
        self.free = self._bundles.mask_of_rules([r.number for r in feeders])
        self._most = 0
        self._tried: set[frozenset[int]] = set()
        self._relevant: Words | None = None
        self._candidates: dict[tuple[int, bytes], list[Ints]] = {}

    def complete(self, people: People, most: int) -> People | None:
        """`people`, who fire a feeder, with the fewest others who then fire the goal; None when more than `most`."""
        if len(people) > most:
            return None
        mask = self._coalitions.closure(self._column, people, self._active)
        if self._coalitions.enough(self._goal, self._column, mask, people, 0):
            return people
        if len(people) == most:
            return None
        more = self._coalitions.further(self._goal, self._column, mask, people, most - len(people))
        return None if more is None else people + more

    def confirms(self, people: People) -> bool:
        """Whether `people`, found in another column, are outsiders here as well and fire the goal."""
        outside = self._coalitions.outside(self._column)
        return bool(outside[list(people)].all()) and self.complete(people, len(people)) is not None

    def least(self, most: int) -> People | None:
        """A coalition of at most `most`, or None when there is none. Call with rising `most` for a smallest one."""
        self._most, self._tried, self._candidates = most, set(), {}
        return self._extend((), (), self._coalitions.none, sum(1 << r.number for r in self._feeders))

    def _extend(self, people: People, fresh: People, mask: Words, waiting: int) -> People | None:
        """A coalition around `people`, who fire the rules of `mask` and, with the `fresh` ones, perhaps some of those
        `waiting`."""
        tried = frozenset(people)
        if tried in self._tried:
            return None
        self._tried.add(tried)
        self._tick()
        coalitions, left = self._coalitions, self._most - len(people)
        held = coalitions.held(people)
        if not self._possible(self._goal, self.free if held is None else self.free | held, people, left):
            return None
        if self._most == 1 and people:
            mask = coalitions.closure(self._column, people, self._active)
        else:
            mask, waiting = coalitions.settled(self._column, people, fresh, mask, waiting)
        if people:
            more = coalitions.further(self._goal, self._column, mask, people, left)
            if more is not None:
                return people + more
        if not left:
            return None
        for feeder in self._feeders:
            if waiting >> feeder.number & 1:
                for some in self._firing(feeder, mask, people, waiting):
                    found = self._extend(people + some, some, mask, waiting)
                    if found is not None:
                        return found
        return None

    def _possible(self, rule: Rule, mask: Words, people: People, left: int) -> bool:
        """False when `left` more would not fire the rule even if they held everything that anyone holds."""
        enough = self._coalitions.enough
        if enough(rule, self._column, mask, people, left):
            return True
        if not left:
            return False
        held = self._coalitions.stakes(rule, self._coalitions.ground.opened(rule, self._column), chained=True).held
        if not (held & ~mask).any():
            return False
        return enough(rule, self._column, mask | held, people, left)

    def _firing(self, feeder: Rule, mask: Words, people: People, waiting: int) -> Iterator[People]:
        """The smallest sets of further people who fire the feeder."""
        left = self._most - len(people)
        if not self._possible(feeder, mask, people, left):
            return
        kinds = self._kinds(feeder, mask, people)
        if not people and left == 1:
            yield from ((int(kind[0]),) for kind in kinds)
            return
        if not self._possible(feeder, mask, people, left - 1):
            # Nobody is left over beside those who fire it, so all of the coalition are among these.
            others = tuple(p for kind in kinds for p in kind[: self._most].tolist() if p not in people)
            crowd = people + others
            settled, _ = self._coalitions.settled(self._column, crowd, others, mask, waiting)
            if not self._coalitions.enough(self._goal, self._column, settled, crowd, 0):
                return
        yield from self._sets(feeder, mask, people, (), kinds, 0)

    def _sets(
        self, feeder: Rule, mask: Words, people: People, chosen: People, kinds: list[Ints], first: int
    ) -> Iterator[People]:
        self._tick()
        everybody = people + chosen
        some = self._coalitions.held(chosen)
        held = mask if some is None else mask | some
        if chosen and self._coalitions.enough(feeder, self._column, held, everybody, 0):
            yield chosen
            return
        room = self._most - len(everybody)
        if not room or not self._possible(feeder, held, everybody, room):
            return
        if chosen and not self._possible(self._goal, held | self.free, everybody, room):
            return
        for number in range(first, len(kinds)):
            person = next((p for p in kinds[number][: self._most + 1].tolist() if p not in everybody), None)
            if person is not None:
                yield from self._sets(feeder, mask, people, (*chosen, person), kinds, number)

    def _kinds(self, feeder: Rule, mask: Words, people: People) -> list[Ints]:
        """The outsiders who could have a part in firing the feeder, like people together."""
        key = (feeder.number, mask.tobytes())
        found = self._candidates.get(key)
        if found is None:
            found = self._candidates[key] = self._find(feeder, mask, alone=not people and self._most == 1)
        return found

    def _find(self, feeder: Rule, mask: Words, alone: bool) -> list[Ints]:
        coalitions, rules = self._coalitions, [self._goal, *self._feeders]
        if self._relevant is None:
            self._relevant = np.bitwise_or.reduce(
                [coalitions.stakes(r, coalitions.ground.opened(r, self._column), chained=True).mask for r in rules],
                axis=0,
            )
        some = coalitions.alone(feeder, self._column) if alone else None
        people = coalitions.able(feeder, self._column, mask) if some is None else np.array(some, dtype=np.int32)
        outside = coalitions.outside(self._column)
        return coalitions.traits.kinds(people, outside, rules, self._relevant, self._most)
