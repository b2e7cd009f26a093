"""Setting aside: pairs that resist, so that they do not keep a plan from all others.

A pair resists when plan after plan leaves it broken: each way that a clause stops is followed by another, and nobody
knows yet whether some change would end that, or at what cost. It is set aside, which says nothing about it: a plan is
found for the others, with a bound of its own. Then the pair is taken up again, and resists only after twice as many
plans. Without a limit of time the answer is therefore the same as if nothing had ever been set aside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from armslength.reach.floors import Pair

RESISTS = 8
"""Plans that leave a pair broken before it resists, at first."""
LONGER = 3
"""Times as many while other pairs that do not resist are broken too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A plan that leaves nothing broken but the pairs given up and set aside; none that mends as much weighs less than
    `bound`."""

    chosen: frozenset[int]
    weight: int
    bound: int
    given_up: frozenset[Pair]
    aside: frozenset[Pair]

    def better(self, other: Rest | None) -> bool:
        """Whether it leaves fewer pairs, or as many for less."""
        return other is None or (self.left, self.weight) < (other.left, other.weight)

    @property
    def left(self) -> int:
        return len(self.given_up | self.aside)


class Resisting:
    """Counts how often each pair was left broken."""

    def __init__(self) -> None:
        self._limit = RESISTS
        self._broken: Counter[Pair] = Counter()

    def seen(self, broken: Iterable[Pair]) -> frozenset[Pair]:
        """Takes note of what one more plan leaves broken. Returns those to be set aside: all, where all resist, or
        those that have resisted for long."""
        broken = frozenset(broken)
        self._broken.update(broken)
        if all(self._broken[pair] >= self._limit for pair in broken):
            return broken
        return frozenset(pair for pair in broken if self._broken[pair] >= LONGER * self._limit)

    def longer(self) -> None:
        """Count anew, up to twice as much."""
        self._limit *= 2
        self._broken.clear()
