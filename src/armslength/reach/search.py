"""Search: the exact answer where quorums feed each other, by branching on landmarks.

A landmark is a set of people of whom a coalition needs at least one: all who are left out of a largest coalition that
still fails. Branching on its kinds of people, smallest coalitions first, misses none (hitting sets over landmarks of
delete-free planning).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import comb

import numpy as np

from armslength.reach.coalition import Coalitions
from armslength.reach.columns import Words
from armslength.reach.rules import Rule
from armslength.reach.spread import Ints

TRIED = 400
"""Sets of bundles tried for a quick refusal; where there are more, the search itself decides."""


class Search:
    """One question: can at most so many accomplices fire `goal` in `column`, with `feeders` (rules with powers) to
    help?"""

    def __init__(
        self, coalitions: Coalitions, goal: Rule, feeders: list[Rule], column: int, tick: Callable[[], None]
    ) -> None:
        self._coalitions, self._bundles = coalitions, coalitions.bundles
        self._goal, self._feeders, self._column, self._tick = goal, feeders, column, tick
        self._kinds: list[Ints] | None = None

    def possible(self, most: int) -> bool:
        """False when `most` would not do even if every feeder fired for nothing.

        Accomplices who are controllers may sit in the quorum too, so they are counted once, as outsiders.
        """
        outsiders = self._coalitions.outsiders
        free = self._bundles.mask_of_rules([r.number for r in self._feeders])
        if outsiders(self._goal, self._column, free, (), most) is not None:
            return True
        bundles = self._bundles_held()
        held = np.bitwise_or.reduce(np.array([free, *bundles]), axis=0)
        if outsiders(self._goal, self._column, held, (), most) is None:
            return False
        size = min(most, len(bundles))
        if comb(len(bundles), size) > TRIED:
            return True
        for chosen in combinations(bundles, size):
            self._tick()
            mask = np.bitwise_or.reduce(np.array([free, *chosen]), axis=0)
            if outsiders(self._goal, self._column, mask, (), most) is not None:
                return True
        return False

    def _bundles_held(self) -> list[Words]:
        """The bundles that some outsider holds, without those that lie within another."""
        ground, found = self._coalitions.ground, {}
        for rule in (self._goal, *self._feeders):
            stakes = self._coalitions.stakes(rule, ground.opened(rule, self._column), chained=True)
            for controllers in stakes.controllers:
                if not ground.acting(controllers.people, self._column).all():
                    found[controllers.mask.tobytes()] = controllers.mask
        if not found:
            return []
        masks = np.array(list(found.values()))
        within = np.ones((len(masks), len(masks)), dtype=np.bool_)
        for word in masks.T:
            within &= word[:, None] & ~word[None, :] == 0
        np.fill_diagonal(within, False)
        return list(masks[~within.any(axis=1)])

    def one(self, active: tuple[Rule, ...]) -> tuple[int, ...] | None | bool:
        """A single accomplice who fires the goal through a feeder, or None; False when there are too many to try.

        Whoever does it alone fires some feeder directly, to begin with. `active`: every rule with powers that costs as
        little; what a person fires alone is worked out once for all goals.
        """
        coalitions, tried = self._coalitions, set[int]()
        free = self._bundles.mask_of_rules([r.number for r in self._feeders])
        if coalitions.further(self._goal, self._column, free, (), 1) is None:
            return None
        plain = coalitions.outsiders(self._goal, self._column, free, (), 1) is not None
        need = 1 if plain else coalitions.need(self._goal, self._column, free, ())[0]
        for feeder in self._feeders:
            alone = coalitions.alone(feeder, self._column)
            if alone is None or len(alone) > TRIED:
                return False
            for person in alone:
                if person not in tried and coalitions.brings(self._goal, person) >= need:
                    tried.add(person)
                    mask = coalitions.closure(self._column, person, active)
                    if coalitions.outsiders(self._goal, self._column, mask, (person,), 0) is not None:
                        return (person,)
        return None

    def complete(self, people: tuple[int, ...], most: int) -> tuple[int, ...] | None:
        """`people`, who fire a feeder, with the fewest others who then fire the goal; None when more than `most`."""
        if len(people) > most:
            return None
        _, mask = self._fired(people)
        more = self._coalitions.further(self._goal, self._column, mask, people, most - len(people))
        return None if more is None else people + more

    def least(self, most: int) -> tuple[int, ...] | None:
        """A coalition of at most `most`, or None when there is none. Call with rising `most` for a smallest one."""
        if self._kinds is None:
            self._kinds = self._sorted_kinds()
        return self._extend((), most, frozenset())

    def fires(self, people: tuple[int, ...]) -> bool:
        """Whether the goal fires once `people` act too."""
        return self._fired(people)[0]

    def _fired(self, people: tuple[int, ...]) -> tuple[bool, Words]:
        """Whether the goal fires, and the mask of all that `people` hold and fire."""
        bundles, outsiders = self._bundles, self._coalitions.outsiders
        mask = np.bitwise_or.reduce(bundles.holds[:, list(people)], axis=1) if people else self._coalitions.none
        waiting = list(self._feeders)
        while True:
            if outsiders(self._goal, self._column, mask, people, 0) is not None:
                return True, mask
            ready = [r for r in waiting if outsiders(r, self._column, mask, people, 0) is not None]
            if not ready:
                return False, mask
            mask = mask | bundles.mask_of_rules([r.number for r in ready])
            waiting = [r for r in waiting if r not in ready]

    def _extend(self, chosen: tuple[int, ...], most: int, barred: frozenset[int]) -> tuple[int, ...] | None:
        self._tick()
        if self.fires(chosen):
            return chosen
        if len(chosen) == most:
            return None
        kinds = [kind for kind in range(len(self._kinds or ())) if kind not in barred]
        landmark = self._landmark(chosen, kinds)
        for kind in landmark:
            person = next((p for p in (self._kinds or ())[kind].tolist() if p not in chosen), None)
            if person is not None:
                found = self._extend((*chosen, person), most, barred)
                if found is not None:
                    return found
            # Every coalition with one of this kind was tried: like people are interchangeable.
            barred |= {kind}
        return None

    def _landmark(self, chosen: tuple[int, ...], kinds: list[int]) -> list[int]:
        """The kinds left out of a largest failing coalition around `chosen`; empty when even all together fail.

        Kinds join in halves: most matter to nothing, so few steps tell.
        """
        left: list[int] = []
        failing = chosen
        stack = [kinds] if kinds else []
        while stack:
            self._tick()
            some = stack.pop()
            more = failing + tuple(p for kind in some for p in (self._kinds or ())[kind].tolist())
            if not self.fires(more):
                failing = more
            elif len(some) == 1:
                left += some
            else:
                half = len(some) // 2
                stack += [some[half:], some[:half]]
        return left

    def _sorted_kinds(self) -> list[Ints]:
        """Outsiders who matter, like people together, the most numerous first."""
        rules = [self._goal, *self._feeders]
        ground, quorums, bundles = self._coalitions.ground, self._coalitions.quorums, self._bundles
        count = bundles.holds.shape[1]
        everyone = np.arange(count, dtype=np.int32)
        matters = np.zeros(count, dtype=np.bool_)
        signature: list[Ints] = []
        masks = self._coalitions.none
        for rule in rules:
            opened = ground.opened(rule, self._column)
            stakes = self._coalitions.stakes(rule, opened, chained=True)
            masks = masks | stakes.mask
            ballots = [quorums.ballot(rule, opened)]
            if stakes.opens:
                ballots.append(quorums.ballot(rule, quorums.mentioned(rule)))
                matters[:] = True
            for ballot in ballots:
                for classes in (ballot.requesters, ballot.approvers):
                    matters[classes.people] = True
                    signature.append(classes.of(everyone))
            holds = np.zeros(count, dtype=np.int32)
            holding = rule.holders.people(opened)
            holds[slice(None) if holding is None else holding] = 1
            matters |= holds > 0
            for controllers in stakes.controllers:
                matters[controllers.people] = True
            signature.append(holds)
        matters &= ~ground.acting(everyone, self._column)
        people = everyone[matters]
        rows = np.concatenate(
            [
                np.array(signature, dtype=np.int64)[:, people],
                (bundles.holds & masks[:, None])[:, people].view(np.int64),
                (bundles.assumes & masks[:, None])[:, people].view(np.int64),
            ]
        ).T
        if not people.size:
            return []
        _, inverse = np.unique(rows, axis=0, return_inverse=True)
        order = np.argsort(inverse.reshape(-1), kind="stable")
        parts = np.split(people[order], np.cumsum(np.bincount(inverse.reshape(-1)))[:-1])
        return sorted(parts, key=lambda part: (-len(part), int(part[0])))
