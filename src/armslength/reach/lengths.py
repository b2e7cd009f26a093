"""Lengths: the level at which each pair asked for comes true, column by column."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from armslength.reach.columns import Words, has
from armslength.reach.graph import Layout
from armslength.reach.pairs import Pairs
from armslength.reach.result import NOBODY, Small

Goals = npt.NDArray[np.int64]


def goals(at: Layout, asked: Pairs) -> Goals:
    """Shape [4, K]: the nodes any of which makes a pair true."""
    slots = np.array([at.slot[a] for a in asked.action.tolist()], dtype=np.int64)
    return np.stack(
        [
            at.over + at.operate * at.assets + asked.asset,
            at.custody + asked.asset,
            at.over + slots * at.assets + asked.asset,
            at.exact + slots * at.assets + asked.asset,
        ]
    )


class Lengths:
    """`at_least`, `at_most` [columns, K]: the same where exact, `NOBODY` in both as long as nothing is known."""

    def __init__(self, goals: Goals, columns: int) -> None:
        self._goals = goals
        self.at_least: Small = np.full((columns, goals.shape[1]), NOBODY, dtype=np.int8)
        self.at_most: Small = self.at_least.copy()
        self._stopped: int | None = None

    @property
    def open(self) -> bool:
        """Whether any pair has no length yet."""
        return bool((self.at_most == NOBODY).any())

    def note(self, words: Words, level: int) -> None:
        """Give `level` to the pairs that are true now and had no length yet."""
        true: Words = np.bitwise_or.reduce(words[:, self._goals], axis=1)
        for c in range(len(self.at_most)):
            new = has(true, c) & (self.at_most[c] == NOBODY)
            self.at_least[c][new] = level if self._stopped is None else self._stopped
            self.at_most[c][new] = level

    def stop(self, level: int) -> None:
        """From now on only an upper bound is noted; pairs without a length have `level` as the lower one."""
        self._stopped = level
        self.at_least[self.at_most == NOBODY] = level
