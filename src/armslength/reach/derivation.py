"""Witnesses: one smallest set of accomplices for a pair, and a derivation from it read off the graph backwards."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import numpy.typing as npt

from armslength.reach.ascent import Reached
from armslength.reach.board import Board
from armslength.reach.columns import Columns, has
from armslength.reach.ground import Ground
from armslength.reach.paths import NEVER, Paths
from armslength.reach.result import Step
from armslength.reach.rules import Rule
from armslength.reach.solution import Solution
from armslength.reach.spread import Ints
from armslength.reach.telling import Telling

KEPT = 64

Source = tuple[tuple[int, ...], Rule | None]
"""Accomplices, and the rule that they fire; None for one person, from whom all the rest follows."""


class Witnesses:
    """Works out witnesses for one solution; the last few situations (column, accomplices) are kept."""

    def __init__(self, solution: Solution) -> None:
        self._solution = solution
        self._paths = Paths(solution.model.graph)
        self._tellings: OrderedDict[tuple[int, tuple[int, ...], Rule | None], Telling] = OrderedDict()
        self._sources: dict[tuple[int, tuple[int, ...]], Source] = {}
        self._maps: OrderedDict[tuple[int, int], tuple[npt.NDArray[np.bool_], Ints]] = OrderedDict()

    def accomplices(self, column: int, pair: int) -> tuple[int, ...]:
        """People indexes, ascending; the pair has a coalition and needs somebody."""
        return self._source(column, pair)[0]

    def steps(self, column: int, pair: int) -> tuple[Step, ...]:
        solution, asked = self._solution, self._solution.model.asked
        people, rule = self._source(column, pair) if solution.at_most[column, pair] else ((), None)
        # Who is named for a bound may be more than are needed. What they do together is told then, so that all of them
        # take part; of the least there may be, all do anyway.
        bound = solution.at_least[column, pair] < solution.at_most[column, pair]
        telling = self._telling(column, people, rule if bound else None)
        return telling.tell(int(asked.action[pair]), int(asked.asset[pair]))

    def _source(self, column: int, pair: int) -> Source:
        asked = self._solution.model.asked
        targets = self._solution.model.graph.can(int(asked.action[pair]), int(asked.asset[pair]))
        found = self._sources.get((column, targets))
        if found is None:
            level = int(self._solution.at_most[column, pair])
            found = self._sources[column, targets] = self._sought(column, targets, level)
        return found

    def _sought(self, column: int, targets: tuple[int, ...], level: int) -> Source:
        """The one source from which a target of this level follows by OR."""
        solution, reached = self._solution, self._reached()
        graph = solution.model.graph
        active, order = self._map(column, level)
        source = self._paths.back(targets, active, order, 1, solution.columns.each[column].state).nodes[0]
        if source < graph.layout.people:
            return (source,), None
        rule = next(rule for rule in graph.rules if rule.node == source)
        return tuple(sorted(reached.made[rule.number, column][1])), rule

    def _reached(self) -> Reached:
        reached = self._solution.reached
        if reached is None:
            raise LookupError("nothing above the ground was reached")
        return reached

    def _map(self, column: int, level: int) -> tuple[npt.NDArray[np.bool_], Ints]:
        """What the level added in the column, and which of it are sources (order 0)."""
        found = self._maps.get((column, level))
        if found is None:
            solution, reached = self._solution, self._reached()
            graph, at = solution.model.graph, solution.model.graph.layout
            active = has(reached.board.words, column) & ~has(solution.ground.board.words, column)
            order = np.full(graph.nodes, NEVER, dtype=np.int32)
            if level == 1:
                order[: at.people][active[: at.people]] = 0
            for rule in graph.rules:
                made = reached.made.get((rule.number, column))
                if made is not None and made[0] == level:
                    order[rule.node] = 0
            found = self._maps[column, level] = (active, order)
            if len(self._maps) > KEPT:
                self._maps.popitem(last=False)
        return found

    def _telling(self, column: int, accomplices: tuple[int, ...], only: Rule | None) -> Telling:
        key = (column, accomplices, only)
        found = self._tellings.get(key)
        if found is None:
            found = self._tellings[key] = self._play(column, accomplices, only)
            if len(self._tellings) > KEPT:
                self._tellings.popitem(last=False)
        self._tellings.move_to_end(key)
        return found

    def _play(self, column: int, accomplices: tuple[int, ...], only: Rule | None) -> Telling:
        """Everything that follows in one column once these accomplices join, on from the ground; or what follows from
        `only`, a rule that they fire at once."""
        solution, model = self._solution, self._solution.model
        firings = {number: f for (number, c), f in solution.ground.firings.items() if c == column}
        board = Board(model.graph, Columns((solution.columns.each[column],)))
        board.words[0] = has(solution.ground.board.words, column)
        board.words[0, list(accomplices)] = 1
        if only is None:
            after, frontier = Ground(board, model.quorums), np.array(accomplices, dtype=np.int32)
        else:
            # All of them sit in its quorum. What one does alone could save another, so nothing else follows.
            board.put(model.graph.layout.somebody, board.full)
            nowhere = np.zeros_like(board.full)
            left = {rule.number: nowhere for rule in model.graph.rules if rule is not only}
            after, frontier = Ground(board, model.quorums, left=left), np.zeros(0, dtype=np.int32)
        if accomplices:
            with model.clock.stopped():
                after.run(frontier)
        later = max((f.order for f in firings.values()), default=0)
        orders = {number: f.order for number, f in firings.items()}
        for (number, _), firing in after.firings.items():
            firings[number] = firing
            orders[number] = later + firing.order
        state = solution.columns.each[column].state
        return Telling(model, board, self._paths, state, accomplices, firings, orders)
