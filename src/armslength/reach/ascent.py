"""Ascent: level after level on a ground, and the lengths that come of it.

Columns have nothing to do with each other, but for what is kept of one to be quick in another. So a large ascent is
made in two halves, each by itself, one of them in another process if there is one (`Beside`). What the halves are
depends on the ground alone, so the answer is the same with and without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from armslength.reach.board import Board
from armslength.reach.bundles import Bundles
from armslength.reach.climb import Climb, Part
from armslength.reach.clock import Clock
from armslength.reach.columns import has, moved
from armslength.reach.ground import Ground
from armslength.reach.lengths import Goals, Lengths
from armslength.reach.levels import Levels, utmost
from armslength.reach.membership import Membership
from armslength.reach.quorum import Quorums
from armslength.reach.result import NOBODY, Small
from armslength.reach.takeover import Standing

LARGE = 2_000_000
"""People times columns from which on the columns are climbed in two halves."""


class Beside(Protocol):
    """Another process, which climbs in some columns while this one climbs in others."""

    def ready(self) -> None:
        """There will be something to climb soon."""

    def climb(self, half: Half) -> Callable[[], Part | None] | None:
        """Begin; None where that cannot be. What is given back waits for the end: None where it failed, whatever the
        reason."""


class Half:
    """Some columns of an ascent, to be climbed elsewhere."""

    def __init__(self, ascent: Ascent) -> None:
        self._ascent = ascent

    def climb(self, expired: Callable[[], bool]) -> Part:
        """What is reached there. `expired` as in `reach`."""
        self._ascent.clock.ask(expired)
        return self._ascent.part()


class Reached:
    """What was reached in all columns of a ground; all names are those of `Levels` and `Lengths`."""

    def __init__(self, board: Board, utmost: Board, bundles: Bundles, parts: Sequence[tuple[Sequence[int], Part]]):
        """`parts`: each with its columns, in the order in which it has them."""
        some = parts[0][1]
        self.board, self.utmost, self.bundles = Board(board.graph, board.columns), utmost, bundles
        self.made: dict[tuple[int, int], tuple[int, tuple[int, ...]]] = {}
        self.refuted: Small = np.zeros((len(some.refuted), len(board.columns)), dtype=np.int8)
        self.at_least: Small = np.full((len(board.columns), some.at_least.shape[1]), NOBODY, dtype=np.int8)
        self.at_most: Small = self.at_least.copy()
        for columns, part in parts:
            self.board.words |= moved(part.words, enumerate(columns), board.columns.words)
            self.made |= {(number, columns[c]): made for (number, c), made in part.made.items()}
            self.refuted[:, columns] = part.refuted
            self.at_least[columns], self.at_most[columns] = part.at_least, part.at_most
        self.level = max(part.level for _, part in parts)
        self.complete = all(part.complete for _, part in parts)


class Ascent:
    """Up to `cap`, from a ground that has run. `standing`: what is known beforehand. `most`: the utmost, if it is
    known."""

    def __init__(
        self,
        ground: Ground,
        quorums: Quorums,
        membership: Membership,
        goals: Goals,
        clock: Clock,
        cap: int,
        standing: Standing | None = None,
        most: Board | None = None,
    ) -> None:
        """Raises `Expired` where the time is over before it began."""
        self._ground, self._quorums, self._membership, self._goals = ground, quorums, membership, goals
        self.clock, self._cap, self._standing = clock, cap, standing
        # Nothing may end what follows: whoever was asked for a half owes it.
        self._utmost = utmost(ground, quorums, standing) if most is None else most

    def whole(self, beside: Beside | None) -> Reached:
        """What is reached in all columns."""
        board = self._ground.board
        if self._standing is not None or not large(board):
            climb = self._climb()
            part = self._up([climb])[0]
            return Reached(board, self._utmost, climb.levels.bundles, [(range(len(board.columns)), part)])
        halves = self._halves()
        here, there = (self._of(half) for half in halves)
        waiting = beside.climb(Half(there)) if beside is not None else None
        climbs = [here._climb()] if waiting is not None else [here._climb(), there._climb()]
        bundles = climbs[0].levels.bundles
        parts = self._up(climbs)
        if waiting is not None:
            # What was kept for one half is only in the way of the other.
            del climbs
            parts.append(waiting() or there.part())
        return Reached(board, self._utmost, bundles, list(zip(halves, parts, strict=True)))

    def part(self) -> Part:
        """What is reached, in one piece."""
        return self._up([self._climb()])[0]

    def _climb(self) -> Climb:
        ground = self._ground
        levels = Levels(ground, self._quorums, self._membership, self.clock, self._standing, self._utmost)
        return Climb(levels, Lengths(self._goals, len(ground.board.columns)))

    def _up(self, climbs: list[Climb]) -> list[Part]:
        """All go up together, so that an end of the time is the same for them."""
        for _ in range(self._cap):
            for climb in climbs:
                climb.up()
        return [climb.part(self._cap) for climb in climbs]

    def _of(self, columns: Sequence[int]) -> Ascent:
        """The ascent of some columns."""
        ground, most = self._ground.part(columns), self._utmost
        return Ascent(ground, self._quorums, self._membership, self._goals, self.clock, self._cap, most=most)

    def _halves(self) -> tuple[list[int], list[int]]:
        """Two halves of the columns that take about as long: what is to find out depends on how many act already."""
        board, people = self._ground.board, self._ground.board.graph.layout.people
        acting = [int(has(board.words[:, :people], c).sum()) for c in range(len(board.columns))]
        order = sorted(range(len(acting)), key=acting.__getitem__)
        # Of each four neighbours the outer two, or the inner two.
        one = sorted(c for i, c in enumerate(order) if i % 4 in (0, 3))
        return one, sorted(set(order) - set(one))


def large(board: Board) -> bool:
    """Whether its columns are worth being climbed in two halves."""
    return len(board.columns) > 1 and board.graph.layout.people * len(board.columns) >= LARGE
