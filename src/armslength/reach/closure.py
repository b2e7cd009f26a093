"""Closures: all that some accomplices hold and fire by themselves, rule upon rule, until nothing more follows."""

from __future__ import annotations

import numpy as np

from armslength.reach.bundles import Bundles
from armslength.reach.columns import Words, as_int, bits, set_bits
from armslength.reach.ground import Ground
from armslength.reach.quorum import Quorums
from armslength.reach.scene import Scenes
from armslength.reach.traits import Traits


class Closures:
    """Answers for one ground; what was settled for some people is only ever added to."""

    def __init__(self, ground: Ground, quorums: Quorums, bundles: Bundles, scenes: Scenes, traits: Traits) -> None:
        self._ground, self._quorums, self._bundles, self._scenes = ground, quorums, bundles, scenes
        self._traits = traits
        self._none: Words = np.zeros(bundles.words, dtype=np.uint64)
        self._closures: dict[tuple[int, tuple[int, ...]], tuple[Words, int]] = {}
        self._loose: list[int] = []
        self._touching: dict[tuple[int, int], tuple[int, int]] = {}

    def closure(self, column: int, people: tuple[int, ...], active: int) -> Words:
        """The mask of all that these outsiders hold and fire, of the `active` rules (a bit each by number)."""
        key = (column, people)
        found, known = self._closures.get(key, (None, 0))
        if found is None:
            found, waiting = self.settled(column, people, people, self._none, active)
        elif active & ~known:
            # Those known to wait still do, unless a new one fires.
            found, waiting = self.settled(column, people, (), found, active, active & ~known)
        else:
            return found
        self._closures[key] = (found, active)
        return found

    def settled(
        self, column: int, people: tuple[int, ...], fresh: tuple[int, ...], mask: Words, waiting: int, first: int = 0
    ) -> tuple[Words, int]:
        """The mask of all that `people` hold and fire of the rules `waiting`, and those that do not fire. All but the
        `fresh` people were settled with `mask` before, except for the rules of `first`."""
        rules, numbers = self._ground.board.graph.rules, self._bundles
        waking = first
        if fresh:
            held = self.held(fresh)
            mask = mask if held is None else mask | held
            # What is held may have opened a group to all: then anybody has a part.
            waking |= self._loose_in(column) | self._touched(column, mask, waiting)
            for person in fresh:
                waking |= self._traits.parts(person)
        while True:
            ready = []
            rest = waking & waiting
            while rest:
                low = rest & -rest
                rest ^= low
                number = low.bit_length() - 1
                if numbers.fired(mask, number):
                    waiting ^= low
                elif self._scenes.enough(rules[number], column, mask, people, 0):
                    ready.append(number)
                    waiting ^= low
            if not ready:
                return mask, waiting
            more = numbers.mask_of_rules(ready)
            mask, waking = mask | more, self._touched(column, more, waiting)

    def held(self, people: tuple[int, ...]) -> Words | None:
        """All sources that these people hold; None for none."""
        if not people:
            return None
        found: Words = self._bundles.holds[:, people[0]]
        for person in people[1:]:
            found = found | self._bundles.holds[:, person]
        return found

    def _touched(self, column: int, mask: Words, waiting: int) -> int:
        """Those of the rules `waiting` to which any source of a mask matters, a bit each by number."""
        rules, found = self._ground.board.graph.rules, 0
        for source in set_bits(as_int(mask)):
            known, some = self._touching.get((column, source), (0, 0))
            if waiting & ~known:
                for number in set_bits(waiting & ~known):
                    some |= (self._scenes.matters(rules[number], column) >> source & 1) << number
                self._touching[column, source] = (known | waiting, some)
            found |= some
        return found & waiting

    def _loose_in(self, column: int) -> int:
        """The rules in which anybody has a part, by a bit each: those for everyone, or with a group open."""
        if not self._loose:
            board, at = self._ground.board, self._ground.board.graph.layout
            self._loose = [0] * len(board.columns)
            for rule in board.graph.rules:
                mask = board.full
                if not any(w.people is None and not w.opened for c in self._quorums.crowds(rule) for w in c.ways):
                    groups = [at.opened + g for g in self._quorums.mentioned(rule)]
                    mask = np.bitwise_or.reduce(board.words[:, groups], axis=1)
                for c in bits(mask):
                    self._loose[c] |= 1 << rule.number
        return self._loose[column]
