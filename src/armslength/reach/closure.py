"""Closures: all that some accomplices hold and fire by themselves, rule upon rule, until nothing more follows."""

from __future__ import annotations

import numpy as np

from armslength.reach.bundles import Bundles
from armslength.reach.columns import Words, as_int, set_bits
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
        self._loose: dict[int, int] = {}
        self._touching: dict[tuple[int, int], int] = {}
        self._powers = [rule for rule in ground.board.graph.rules if rule.power]

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
            waking |= self._loose_in(column) | self._touched(column, mask)
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
            mask, waking = mask | more, self._touched(column, more)

    def held(self, people: tuple[int, ...]) -> Words | None:
        """All sources that these people hold; None for none."""
        if not people:
            return None
        found: Words = self._bundles.holds[:, people[0]]
        for person in people[1:]:
            found = found | self._bundles.holds[:, person]
        return found

    def _touched(self, column: int, mask: Words) -> int:
        """The rules with powers to which any source of a mask matters, a bit each by number."""
        found = 0
        for source in set_bits(as_int(mask)):
            key = (column, source)
            some = self._touching.get(key)
            if some is None:
                matters, powers = self._scenes.matters, self._powers
                some = sum(1 << rule.number for rule in powers if matters(rule, column) >> source & 1)
                self._touching[key] = some
            found |= some
        return found

    def _loose_in(self, column: int) -> int:
        """The rules in which anybody has a part, by a bit each: those for everyone, or with a group open."""
        found = self._loose.get(column)
        if found is None:
            found = 0
            for rule in self._ground.board.graph.rules:
                everyone = any(w.people is None and not w.opened for c in self._quorums.crowds(rule) for w in c.ways)
                if everyone or self._ground.opened(rule, column):
                    found |= 1 << rule.number
            self._loose[column] = found
        return found
