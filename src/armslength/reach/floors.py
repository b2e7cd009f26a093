"""Floors: whether they hold, without finding out by how much. For an estate just repaired that is far less work.

Quorums that lead to no pair with a floor still to be broken at a level are not tried at it. With unknown groups every
column has them filled: a floor holds, gaps counted, just if it holds then (semantics, "Gaps": more members never
lengthen).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from armslength.estate import Estate
from armslength.reach.board import Board
from armslength.reach.clock import Expired
from armslength.reach.columns import Column, Columns, Words, has
from armslength.reach.exposure import exposure
from armslength.reach.graph import Graph
from armslength.reach.ground import Ground
from armslength.reach.lengths import goals
from armslength.reach.levels import Levels
from armslength.reach.pairs import Pairs, pairs
from armslength.reach.result import Question
from armslength.reach.rules import Rule
from armslength.reach.solution import Model
from armslength.reach.spread import spread

Bools = npt.NDArray[np.bool_]
Pair = tuple[int, int]
"""(column, number): `Pairs.states[column]` against the action and asset of that number."""


def with_gaps(estate: Estate, asked: Pairs) -> Columns:
    """A column a state, its unknown groups filled."""
    return Columns(tuple(Column(state=s, filled=estate.groups.unknown) for s in asked.states))


class Floors:
    """The pairs of a graph, and what leads to them. Masks over columns as everywhere."""

    def __init__(self, graph: Graph, columns: Columns, asked: Pairs) -> None:
        self._graph, self._columns, self._floor = graph, columns, asked.floor
        self._goals = goals(graph.layout, asked)

    def true(self, board: Board) -> Words:
        """Shape [W, K]: the pairs that are true on a board."""
        found: Words = np.bitwise_or.reduce(board.words[:, self._goals], axis=1)
        return found

    def broken(self, board: Board, open_: Bools, level: int) -> list[Pair]:
        """The open pairs [columns, K] that are true while their floor asks for more than `level` outsiders."""
        true, wanted = self.true(board), open_ & (self._floor > level)
        found: list[Pair] = []
        for c in range(len(self._columns)):
            found += [(c, int(k)) for k in np.flatnonzero(has(true, c) & wanted[c])]
        return found

    def wanted(self, open_: Bools, level: int) -> Words:
        """Shape [W, N]: what leads by OR, custody and the gate to an open pair whose floor is above `level`."""
        graph, at = self._graph, self._graph.layout
        words: Words = np.zeros((self._columns.words, graph.nodes), dtype=np.uint64)
        open_now = open_ & (self._floor > level)
        for c in range(len(self._columns)):
            words[c >> 6, self._goals[:, open_now[c]].reshape(-1)] |= np.uint64(1 << (c & 63))
        gate = self._columns.full() if graph.estate.settings.gate is not None else self._columns.mask(())
        words[:, at.gate] |= gate
        frontier = np.flatnonzero(words.any(axis=0)).astype(np.int32)
        while frontier.size:
            spread(words, graph.reverse, frontier)
            # A key is wanted where what it opens is.
            more = [unlocks for unlocks, custody, _ in graph.keyed if (words[:, custody] & ~words[:, unlocks]).any()]
            for unlocks, custody, _ in graph.keyed:
                words[:, unlocks] |= words[:, custody]
            frontier = np.array(sorted(set(more)), dtype=np.int32)
        return words


class Wanted(Levels):
    """Levels that leave out rules without powers in columns where nothing still asked for follows from them. `wanted`
    [W, N]: bit c of a node says that it leads by OR to an open pair of column c with a higher floor."""

    wanted: Words

    def _pending(self, rule: Rule) -> Words:
        pending = super()._pending(rule)
        return pending if rule.power else pending & self.wanted[:, rule.node]


def unheld(
    estate: Estate, question: Question, expired: Callable[[], bool] = lambda: False
) -> frozenset[tuple[int, int, int]] | None:
    """The (state, action, asset) whose floor does not hold, or holds only if gaps are ignored; of the question's
    filters only the pairs they name are looked at. None where the time was over before that was known of all."""
    exposed = exposure(estate, question.at)
    asked = pairs(estate, exposed, question)
    if not asked.states or not len(asked.action):
        return frozenset()
    try:
        found = _unheld(Model(estate, exposed, asked, question.at, expired), asked)
    except Expired:
        return None
    return frozenset((asked.states[c], int(asked.action[k]), int(asked.asset[k])) for c, k in found)


def _unheld(model: Model, asked: Pairs) -> list[Pair]:
    columns = with_gaps(model.estate, asked)
    floors, open_ = Floors(model.graph, columns, asked), asked.floor >= 1
    board = Board(model.graph, columns)
    ground = Ground(board, model.quorums)
    ground.run(board.seed(model.exposure))
    found = floors.broken(board, open_, 0)
    levels = Wanted(ground, model.quorums, model.membership, model.clock)
    for level in range(1, int(asked.floor[open_].max(initial=0))):
        for c, k in found:
            # What is broken already need not be broken again.
            open_[c, k] = False
        levels.wanted = floors.wanted(open_, level)
        levels.rise()
        found += floors.broken(levels.board, open_, level)
    return found
