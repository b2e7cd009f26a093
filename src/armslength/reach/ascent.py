"""Ascent: level after level on a ground, and the lengths that come of it.

Columns have nothing to do with each other, but for what is kept of one to be quick in another. So a large ascent is
made in two halves, each by itself, one of them in another process if there is one (`Beside`). What the halves are
depends on the ground alone, so the answer is the same with and without.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from armslength.reach.board import Board
from armslength.reach.clock import Clock, Expired
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """What was reached in some columns, whether or not the time was enough (`complete`). `words`, `made`, `refuted` and
    `level` are those of `Levels`, `at_least` and `at_most` those of `Lengths`; of other columns they have no more than
    the ground."""

    words: Words
    made: dict[tuple[int, int], tuple[int, tuple[int, ...]]]
    refuted: Small
    level: int
    at_least: Small
    at_most: Small
    complete: bool


class Beside(Protocol):
    """Another process, which climbs in some columns while this one climbs in others."""

    def ready(self) -> None:
        """There will be something to climb soon."""

    def climb(self, half: Half) -> Callable[[], Part | None]:
        """Begin. What is given back waits for the end: None where it failed, whatever the reason."""


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

    def __init__(self, levels: Levels, parts: list[Part]) -> None:
        self.board = Board(levels.board.graph, levels.board.columns)
        self.board.words = np.bitwise_or.reduce([part.words for part in parts])
        self.utmost, self.bundles = levels.utmost, levels.bundles
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
        levels = self._levels(mine)
        parts = [self._climb(levels, mine)]
        if others is not None:
            theirs = waiting() if waiting is not None else None
            if theirs is None:
                # What was kept for one half is only in the way of the other.
                levels = self._levels(others)
                theirs = self._climb(levels, others)
            parts.append(theirs)
        return Reached(levels, parts)

    def part(self, mine: Words) -> Part:
        """What is reached in the columns `mine` [W]."""
        return self._climb(self._levels(mine), mine)

    def _levels(self, mine: Words) -> Levels:
        known = self._standing, mine, self._utmost
        return Levels(self._ground, self._quorums, self._membership, self.clock, *known)

    def _climb(self, levels: Levels, mine: Words) -> Part:
        board = levels.board
        lengths = Lengths(self._goals, board.columns, mine)
        lengths.note(board.words, 0)
        level, complete = 0, False
        try:
            for level in range(1, self._cap + 1):
                if not lengths.open:
                    break
                levels.rise()
                lengths.note(board.words, level)
            complete = True
        except Expired:
            lengths.note(board.words, level)
            lengths.stop(level)
            for bound in range(level, self._cap + 1):
                levels.bound(bound)
                lengths.note(board.words, bound)
        return Part(
            words=board.words,
            made=levels.made,
            refuted=levels.refuted,
            level=levels.level,
            at_least=lengths.at_least,
            at_most=lengths.at_most,
            complete=complete,
        )

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
