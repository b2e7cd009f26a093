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
    help?"""

    def __init__(
        self, coalitions: Coalitions, goal: Rule, feeders: list[Rule], column: int, tick: Callable[[], None]
    ) -> None:
        self._coalitions, self._bundles = coalitions, coalitions.bundles
        self._goal, self._feeders, self._column, self._tick = goal, feeders, column, tick
        self._free = self._bundles.mask_of_rules([r.number for r in feeders])
        self._most = 0
        self._tried: set[frozenset[int]] = set()
        self._relevant: Words | None = None
        self._candidates: dict[tuple[int, bytes], list[Ints]] = {}

    def complete(self, people: People, most: int) -> People | None:
        """`people`, who fire a feeder, with the fewest others who then fire the goal; None when more than `most`."""
        if len(people) > most:
            return None
        fired, mask, _ = self._fired(people, self._coalitions.none, self._feeders)
        if fired:
            return people
        more = self._coalitions.further(self._goal, self._column, mask, people, most - len(people))
        return None if more is None else people + more

    def least(self, most: int) -> People | None:
        """A coalition of at most `most`, or None when there is none. Call with rising `most` for a smallest one."""
        self._most, self._tried, self._candidates = most, set(), {}
        return self._extend((), self._coalitions.none, self._feeders)

    def _extend(self, people: People, mask: Words, waiting: list[Rule]) -> People | None:
        """A coalition around `people`, who fire the rules of `mask` and perhaps some of those `waiting`."""
        tried = frozenset(people)
        if tried in self._tried:
            return None
        self._tried.add(tried)
        self._tick()
        fired, mask, waiting = self._fired(people, mask, waiting)
        if fired:
            return people
        left = self._most - len(people)
        if not left or not self._possible(self._goal, mask | self._free, people, left):
            return None
        if people:
            more = self._coalitions.further(self._goal, self._column, mask, people, left)
            if more is not None:
                return people + more
        for feeder in waiting:
            for some in self._firing(feeder, mask, people, waiting):
                found = self._extend(people + some, mask | self._held(some), waiting)
                if found is not None:
                    return found
        return None

    def _fired(self, people: People, mask: Words, waiting: list[Rule]) -> tuple[bool, Words, list[Rule]]:
        """Whether the goal fires once `people` act too, the mask of all that they hold and fire, and what does not."""
        bundles, outsiders = self._bundles, self._coalitions.outsiders
        mask = mask | self._held(people)
        while True:
            if outsiders(self._goal, self._column, mask, people, 0) is not None:
                return True, mask, waiting
            ready = [r for r in waiting if outsiders(r, self._column, mask, people, 0) is not None]
            if not ready:
                return False, mask, waiting
            mask = mask | bundles.mask_of_rules([r.number for r in ready])
            waiting = [r for r in waiting if r not in ready]

    def _held(self, people: People) -> Words:
        if not people:
            return self._coalitions.none
        held: Words = np.bitwise_or.reduce(self._bundles.holds[:, list(people)], axis=1)
        return held

    def _possible(self, rule: Rule, mask: Words, people: People, left: int) -> bool:
        """False when `left` more would not fire the rule even if they held everything that anyone holds."""
        outsiders = self._coalitions.outsiders
        if outsiders(rule, self._column, mask, people, left) is not None:
            return True
        held = self._coalitions.stakes(rule, self._coalitions.ground.opened(rule, self._column), chained=True).held
        if not (held & ~mask).any():
            return False
        return outsiders(rule, self._column, mask | held, people, left) is not None

    def _firing(self, feeder: Rule, mask: Words, people: People, waiting: list[Rule]) -> Iterator[People]:
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
            crowd = people + tuple(p for kind in kinds for p in kind[: self._most].tolist() if p not in people)
            if not self._fired(crowd, mask, waiting)[0]:
                return
        yield from self._sets(feeder, mask, people, (), kinds, 0)

    def _sets(
        self, feeder: Rule, mask: Words, people: People, chosen: People, kinds: list[Ints], first: int
    ) -> Iterator[People]:
        self._tick()
        everybody = people + chosen
        held = mask | self._held(chosen)
        if chosen and self._coalitions.outsiders(feeder, self._column, held, everybody, 0) is not None:
            yield chosen
            return
        room = self._most - len(everybody)
        if not room or not self._possible(feeder, held, everybody, room):
            return
        if not self._possible(self._goal, held | self._free, everybody, room):
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
