"""Ascent: level after level on a ground, and the lengths that come of it.

Columns have nothing to do with each other, but for what is kept of one to be quick in another. So a large ascent is
made in two halves, each by itself, one of them in another process if there is one (`Beside`). What the halves are
depends on the ground alone, so the answer is the same with and without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from armslength.reach.board import Board
from armslength.reach.bundles import Bundles
from armslength.reach.climb import Climb, Part
from armslength.reach.clock import Clock
from armslength.reach.columns import Words, has
from armslength.reach.ground import Ground
from armslength.reach.lengths import Goals, Lengths
from armslength.reach.levels import Levels, utmost
from armslength.reach.membership import Membership
from armslength.reach.quorum import Quorums
from armslength.reach.result import Small
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

    def __init__(self, ascent: Ascent, mine: Words) -> None:
        self._ascent, self._mine = ascent, mine

    def climb(self, expired: Callable[[], bool]) -> Part:
        """What is reached there. `expired` as in `reach`."""
        self._ascent.clock.ask(expired)
        return self._ascent.part(self._mine)


class Reached:
    """The parts together; all names are those of `Levels` and `Lengths`."""

    def __init__(self, ground: Board, utmost: Board, bundles: Bundles, parts: list[Part]) -> None:
        self.board = Board(ground.graph, ground.columns)
        self.board.words = np.bitwise_or.reduce([part.words for part in parts])
        self.utmost, self.bundles = utmost, bundles
        self.made = {key: made for part in parts for key, made in part.made.items()}
        self.refuted: Small = np.maximum.reduce([part.refuted for part in parts])
        self.level = max(part.level for part in parts)
        self.at_least: Small = np.maximum.reduce([part.at_least for part in parts])
        self.at_most: Small = np.maximum.reduce([part.at_most for part in parts])
        self.complete = all(part.complete for part in parts)


class Ascent:
    """Up to `cap`, from a ground that has run. `standing`: what is known beforehand."""

    def __init__(
        self,
        ground: Ground,
        quorums: Quorums,
        membership: Membership,
        goals: Goals,
        clock: Clock,
        cap: int,
        standing: Standing | None = None,
    ) -> None:
        """Raises `Expired` where the time is over before it began."""
        self._ground, self._quorums, self._membership, self._goals = ground, quorums, membership, goals
        self.clock, self._cap, self._standing = clock, cap, standing
        # Nothing may end what follows: whoever was asked for a half owes it.
        self._utmost = utmost(ground, quorums, standing)

    def whole(self, beside: Beside | None) -> Reached:
        """What is reached in all columns."""
        board = self._ground.board
        mine, others = self._halves() if self._standing is None and large(board) else (board.full, None)
        waiting = beside.climb(Half(self, others)) if beside is not None and others is not None else None
        climbs = [self._climb(mine)]
        if others is not None and waiting is None:
            climbs.append(self._climb(others))
        bundles = climbs[0].levels.bundles
        parts = self._up(climbs)
        if others is not None and waiting is not None:
            # What was kept for one half is only in the way of the other.
            del climbs
            parts.append(waiting() or self.part(others))
        return Reached(board, self._utmost, bundles, parts)

    def part(self, mine: Words) -> Part:
        """What is reached in the columns `mine` [W]."""
        return self._up([self._climb(mine)])[0]

    def _climb(self, mine: Words) -> Climb:
        ground = self._ground
        levels = Levels(
            ground, self._quorums, self._membership, self.clock, self._standing, mine=mine, most=self._utmost
        )
        return Climb(levels, Lengths(self._goals, ground.board.columns, mine))

    def _up(self, climbs: list[Climb]) -> list[Part]:
        """All go up together, so that an end of the time is the same for them."""
        for _ in range(self._cap):
            for climb in climbs:
                climb.up()
        return [climb.part(self._cap) for climb in climbs]

    def _halves(self) -> tuple[Words, Words]:
        """Two halves of the columns that take about as long: what is to find out depends on how many act already."""
        board, people = self._ground.board, self._ground.board.graph.layout.people
        acting = [int(has(board.words[:, :people], c).sum()) for c in range(len(board.columns))]
        order = sorted(range(len(acting)), key=acting.__getitem__)
        # Of each four neighbours the outer two, or the inner two.
        mine = board.columns.mask(c for i, c in enumerate(order) if i % 4 in (0, 3))
        return mine, board.full & ~mine


def large(board: Board) -> bool:
    """Whether its columns are worth being climbed in two halves."""
    return len(board.columns) > 1 and board.graph.layout.people * len(board.columns) >= LARGE
