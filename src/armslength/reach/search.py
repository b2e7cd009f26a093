"""Search: the exact answer where quorums feed each other, by branching on landmarks.

A landmark is a set of people of whom a coalition needs at least one: all who are left out of a largest coalition that
still fails. Branching on its kinds of people, smallest coalitions first, misses none (hitting sets over landmarks of
delete-free planning).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from armslength.reach.bundles import Bundles
from armslength.reach.coalition import Coalitions
from armslength.reach.rules import Rule
from armslength.reach.spread import Ints


class Search:
    """One question: can at most so many accomplices fire `goal` in `column`, with `feeders` (rules with powers) to help?"""

    def __init__(
        self, coalitions: Coalitions, goal: Rule, feeders: list[Rule], column: int, tick: Callable[[], None]
    ) -> None:
        self._coalitions, self._bundles = coalitions, coalitions.bundles
        self._goal, self._feeders, self._column, self._tick = goal, feeders, column, tick
        self._kinds = self._sorted_kinds()

    def least(self, most: int) -> tuple[int, ...] | None:
        """A coalition of at most `most`, or None when there is none. Call with rising `most` for a smallest one."""
        return self._extend((), most, frozenset())

    def fires(self, people: tuple[int, ...]) -> bool:
        """Whether the goal fires once `people` act too."""
        bundles: Bundles = self._bundles
        held = np.bitwise_or.reduce(bundles.holds[:, list(people)], axis=1) if people else self._coalitions.none
        fired: list[int] = []
        waiting = list(self._feeders)
        while True:
            mask = held | bundles.mask_of_rules(fired)
            if self._coalitions.outsiders(self._goal, self._column, mask, people, 0) is not None:
                return True
            ready = [r for r in waiting if self._coalitions.outsiders(r, self._column, mask, people, 0) is not None]
            if not ready:
                return False
            fired += [r.number for r in ready]
            waiting = [r for r in waiting if r not in ready]

    def _extend(self, chosen: tuple[int, ...], most: int, barred: frozenset[int]) -> tuple[int, ...] | None:
        self._tick()
        if self.fires(chosen):
            return chosen
        if len(chosen) == most:
            return None
        failing, landmark = chosen, []
        for kind, people in enumerate(self._kinds):
            if kind not in barred:
                self._tick()
                more = failing + tuple(people.tolist())
                if self.fires(more):
                    landmark.append(kind)
                else:
                    failing = more
        for kind in landmark:
            person = next((p for p in self._kinds[kind].tolist() if p not in chosen), None)
            if person is not None:
                found = self._extend((*chosen, person), most, barred)
                if found is not None:
                    return found
            # Every coalition with one of this kind was tried: like people are interchangeable.
            barred |= {kind}
        return None

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
            stakes = self._coalitions.stakes(rule, opened)
            masks = masks | stakes.mask
            ballots = [quorums.ballot(rule, opened)]
            if stakes.opens:
                ballots.append(quorums.ballot(rule, quorums.mentioned(rule)))
                matters[:] = True
            for ballot in ballots:
                for classes in (ballot.requesters, ballot.approvers):
                    number = np.full(count, -1, dtype=np.int32)
                    sizes = np.diff(classes.start)
                    number[classes.people] = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
                    matters[classes.people] = True
                    signature.append(number)
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
