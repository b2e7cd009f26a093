"""Witnesses: one smallest set of accomplices for a pair, and a derivation from it read off the graph backwards."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import numpy.typing as npt

from armslength.reach.board import Board
from armslength.reach.columns import Columns, has
from armslength.reach.ground import Ground
from armslength.reach.levels import Levels
from armslength.reach.paths import NEVER, Paths
from armslength.reach.result import Step
from armslength.reach.solution import Solution
from armslength.reach.spread import Ints
from armslength.reach.telling import Telling

KEPT = 64


class Witnesses:
    """Works out witnesses for one solution; the last few situations (column, accomplices) are kept."""

    def __init__(self, solution: Solution) -> None:
        self._solution = solution
        self._paths = Paths(solution.model.graph)
        self._tellings: OrderedDict[tuple[int, tuple[int, ...]], Telling] = OrderedDict()
        self._accomplices: dict[tuple[int, tuple[int, ...]], tuple[int, ...]] = {}
        self._maps: OrderedDict[tuple[int, int], tuple[npt.NDArray[np.bool_], Ints]] = OrderedDict()

    def accomplices(self, column: int, pair: int) -> tuple[int, ...]:
        """People indexes, ascending; the pair has a coalition and needs somebody."""
        asked = self._solution.model.asked
        targets = self._solution.model.graph.can(int(asked.action[pair]), int(asked.asset[pair]))
        found = self._accomplices.get((column, targets))
        if found is None:
            level = int(self._solution.at_most[column, pair])
            found = self._accomplices[column, targets] = self._source(column, targets, level)
        return found

    def steps(self, column: int, pair: int) -> tuple[Step, ...]:
        asked = self._solution.model.asked
        alone = self._solution.at_most[column, pair] == 0
        telling = self._telling(column, () if alone else self.accomplices(column, pair))
        return telling.tell(int(asked.action[pair]), int(asked.asset[pair]))

    def _source(self, column: int, targets: tuple[int, ...], level: int) -> tuple[int, ...]:
        """The accomplices of the one source from which a target of this level follows by OR."""
        solution, levels = self._solution, self._reached()
        graph = solution.model.graph
        active, order = self._map(column, level)
        source = self._paths.back(targets, active, order, 1, solution.columns.each[column].state).nodes[0]
        if source < graph.layout.people:
            return (source,)
        number = next(rule.number for rule in graph.rules if rule.node == source)
        return tuple(sorted(levels.made[number, column][1]))

    def _reached(self) -> Levels:
        levels = self._solution.levels
        if levels is None:
            raise LookupError("nothing above the ground was reached")
        return levels

    def _map(self, column: int, level: int) -> tuple[npt.NDArray[np.bool_], Ints]:
        """What the level added in the column, and which of it are sources (order 0)."""
        found = self._maps.get((column, level))
        if found is None:
            solution, levels = self._solution, self._reached()
            graph, at = solution.model.graph, solution.model.graph.layout
            active = has(levels.board.words, column) & ~has(solution.ground.board.words, column)
            order = np.full(graph.nodes, NEVER, dtype=np.int32)
            if level == 1:
                order[: at.people][active[: at.people]] = 0
            for rule in graph.rules:
                made = levels.made.get((rule.number, column))
                if made is not None and made[0] == level:
                    order[rule.node] = 0
            found = self._maps[column, level] = (active, order)
            if len(self._maps) > KEPT:
                self._maps.popitem(last=False)
        return found

    def _telling(self, column: int, accomplices: tuple[int, ...]) -> Telling:
        key = (column, accomplices)
        found = self._tellings.get(key)
        if found is None:
            found = self._tellings[key] = self._play(column, accomplices)
            if len(self._tellings) > KEPT:
                self._tellings.popitem(last=False)
        self._tellings.move_to_end(key)
        return found

    def _play(self, column: int, accomplices: tuple[int, ...]) -> Telling:
        """Everything that follows in one column once these accomplices join: on from the ground."""
        solution, model = self._solution, self._solution.model
        firings = {number: f for (number, c), f in solution.ground.firings.items() if c == column}
        board = Board(model.graph, Columns((solution.columns.each[column],)))
        board.words[0] = has(solution.ground.board.words, column)
        board.words[0, list(accomplices)] = 1
        after = Ground(board, model.quorums)
        if accomplices:
            with model.clock.stopped():
                after.run(np.array(accomplices, dtype=np.int32))
        later = max((f.order for f in firings.values()), default=0)
        orders = {number: f.order for number, f in firings.items()}
        for (number, _), firing in after.firings.items():
            firings[number] = firing
            orders[number] = later + firing.order
        state = solution.columns.each[column].state
        return Telling(model, board, self._paths, state, accomplices, firings, orders)
