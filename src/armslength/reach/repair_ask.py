"""Asking: which floors a plan leaves broken, and clauses that say why.

The engine's own parts answer, easiest first: what each state has alone, what one accomplice brings by OR alone, then
level by level what quorums with accomplices give. As soon as something is broken the clauses of that are told: a plan
that fails early need not be looked at further. With unknown groups every column has them filled: a floor holds,
gaps counted, just if it holds then (semantics, "Gaps": more members never lengthen).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from armslength.estate import Estate
from armslength.reach.board import Board
from armslength.reach.columns import Column, Columns, Words, has
from armslength.reach.exposure import Exposure
from armslength.reach.graph import Why
from armslength.reach.ground import Firing, Ground
from armslength.reach.levels import Levels
from armslength.reach.pairs import Pairs
from armslength.reach.paths import NEVER, Paths, Trail
from armslength.reach.repair_clause import Clause, clause
from armslength.reach.repair_menu import Menu
from armslength.reach.repair_sight import Sights
from armslength.reach.repair_trace import Scene, Support, Trace
from armslength.reach.rules import Rule
from armslength.reach.solution import Model
from armslength.reach.spread import Ints, spread

T = TypeVar("T")
Pair = tuple[int, int]
"""(column, number): `Pairs.states[column]` against the action and asset of that number."""

TRACED = 3000
"""Broken pairs traced in one round, spread over all of them: more would say the same again."""
ALIKE = 6
"""Members of one group traced for one way through it."""
JOINED = 192
"""Coalitions played through in one round, and how many of them around one rule."""
AROUND = 6


@dataclass(slots=True)
class Answer:
    """`broken` pairs; `clauses` that the plan does not meet, and for `hopeless` pairs what they rest on."""

    broken: list[Pair] = field(default_factory=list)
    clauses: list[Clause] = field(default_factory=list)
    hopeless: dict[Pair, Support] = field(default_factory=dict)


class Asking:
    """What all asks share. `open` [columns, pairs]: the floors still cared for (given up ones are taken out)."""

    def __init__(
        self,
        estate: Estate,
        exposure: Exposure,
        asked: Pairs,
        at: dt.date,
        menu: Menu,
        sights: Sights,
        expired: Callable[[], bool],
    ) -> None:
        self.estate, self.exposure, self.asked, self.at = estate, exposure, asked, at
        self.menu, self.sights, self.expired = menu, sights, expired
        self.open: npt.NDArray[np.bool_] = asked.floor >= 1
        self.columns = Columns(tuple(Column(state=s, filled=estate.groups.unknown) for s in asked.states))

    def ask(self, chosen: frozenset[int]) -> Answer:
        """What the plan leaves broken. Raises `Expired` of the engine when the time is over."""
        return _Round(self, chosen).answer()


class _Wanted(Levels):
    """Levels that leave out rules without powers in columns where nothing still asked for follows from them. `wanted`
    [W, N]: bit c of a node says that it leads by OR to an open pair of column c with a higher floor."""

    wanted: Words

    def _pending(self, rule: Rule) -> Words:
        pending = super()._pending(rule)
        return pending if rule.power else pending & self.wanted[:, rule.node]


class _Direct(_Wanted):
    """The same without the help that rules with powers give one another: far quicker, and what it holds is true."""

    def _chained(self, rule: Rule, column: int) -> tuple[int, ...] | None:
        return None


class _Round:
    """One plan looked at."""

    def __init__(self, asking: Asking, chosen: frozenset[int]) -> None:
        self._asking, self._asked, self._menu = asking, asking.asked, asking.menu
        estate = asking.menu.applied(chosen)
        self._model = Model(estate, asking.exposure, asking.asked, asking.at, asking.expired)
        graph = self._model.graph
        self._graph, self._columns = graph, asking.columns
        self._scene = Scene(
            model=self._model,
            paths=Paths(graph),
            menu=asking.menu,
            sights=asking.sights,
            chosen=chosen,
            rule_at={rule.node: rule for rule in graph.rules},
        )
        self._answer = Answer()
        self._plain: dict[tuple[int, tuple[int, ...]], Support] = {}
        at, asked = graph.layout, asking.asked
        slots = np.array([at.slot[a] for a in asked.action.tolist()], dtype=np.int64)
        self._goals = np.stack(
            [
                at.over + at.operate * at.assets + asked.asset,
                at.custody + asked.asset,
                at.over + slots * at.assets + asked.asset,
                at.exact + slots * at.assets + asked.asset,
            ]
        )

    def answer(self) -> Answer:
        asking, graph = self._asking, self._graph
        board = Board(graph, self._columns)
        ground = Ground(board, self._model.quorums)
        ground.run(board.seed(asking.exposure))
        if broken := self._broken(board, 0):
            self._alone(board, ground, broken)
            return self._answer
        highest = int(self._asked.floor[asking.open].max(initial=0))
        if highest < 2:
            return self._answer
        if broken := self._broken(self._joined_by_all(board), 1):
            return self._answer
        for kind in (_Direct, _Wanted):
            levels = kind(ground, self._model.quorums, self._model.membership, self._model.clock)
            for level in range(1, highest):
                levels.wanted = self._wanted(level)
                levels.rise()
                if broken := self._broken(levels.board, level):
                    self._together(levels, ground, broken)
                    return self._answer
        return self._answer

    def _wanted(self, level: int) -> Words:
        """What leads by OR, custody and the gate to an open pair whose floor is above `level`."""
        graph, at = self._graph, self._graph.layout
        words: Words = np.zeros((self._columns.words, graph.nodes), dtype=np.uint64)
        open_now = self._asking.open & (self._asked.floor > level)
        for c in range(len(self._columns)):
            words[c >> 6, self._goals[:, open_now[c]].reshape(-1)] |= np.uint64(1 << (c & 63))
        gate = self._columns.full() if self._asking.estate.settings.gate is not None else self._columns.mask(())
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

    def _broken(self, board: Board, level: int) -> list[Pair]:
        """The open pairs that are true on a board while their floor asks for more than `level` outsiders."""
        words = board.words
        true = np.bitwise_or.reduce(words[:, self._goals], axis=1)
        wanted = self._asking.open & (self._asked.floor > level)
        found: list[Pair] = []
        for c in range(len(self._columns)):
            found += [(c, int(k)) for k in np.flatnonzero(has(true, c) & wanted[c])]
        self._answer.broken = found
        return found

    def _alone(self, board: Board, ground: Ground, broken: list[Pair]) -> None:
        """What a state has without any outsider."""
        for c, pairs in _by_column(_some(broken, TRACED)):
            firings = {number: f for (number, column), f in ground.firings.items() if column == c}
            order = self._start(c)
            for number, firing in firings.items():
                order[self._graph.rules[number].node] = firing.order
            trace = Trace(self._scene, self._columns.each[c], has(board.words, c), order, firings)
            for pair in pairs:
                self._tell(pair, trace, trace.trail(self._targets(pair)), order, ())

    def _joined_by_all(self, ground: Board) -> Board:
        """The board once any one outsider may join, quorums left out; tells what is broken by that."""
        board = Board(self._graph, self._columns)
        board.words = ground.words.copy()
        people = self._graph.layout.people
        board.words[:, :people] |= board.full[:, None]
        board.settle(np.arange(people, dtype=np.int32))
        for c, pairs in _by_column(_some(self._broken(board, 1), TRACED)):
            trace, order = self._loose(board, ground, c, ())
            for pair in pairs:
                self._tell(pair, trace, trace.trail(self._targets(pair)), order, None)
        return board

    def _loose(self, board: Board, ground: Board, c: int, sources: Iterable[int]) -> tuple[Trace, Ints]:
        """A trace over a board of a higher level: anyone may act, and rules that hold (`sources` besides those true on
        the ground) are where it ends."""
        order = self._start(c)
        order[: self._graph.layout.people] = 0
        rules = np.array([rule.node for rule in self._graph.rules], dtype=np.int32)
        order[rules[has(ground.words, c)[rules]]] = 0
        order[list(sources)] = 0
        return Trace(self._scene, self._columns.each[c], has(board.words, c), order, {}), order

    def _together(self, levels: Levels, ground: Ground, broken: list[Pair]) -> None:
        """What a quorum gives with outsiders in it: each coalition found is played through on the ground."""
        coalitions: dict[tuple[int, tuple[int, ...]], None] = {}
        around: dict[int, int] = {}
        for c, pairs in _by_column(_some(broken, TRACED)):
            made = {self._graph.rules[n].node: (n, p) for (n, column), (_, p) in levels.made.items() if column == c}
            trace, order = self._loose(levels.board, ground.board, c, made)
            for pair in pairs:
                trail = trace.trail(self._targets(pair))
                if trail.nodes[0] not in made:
                    self._tell(pair, trace, trail, order, None)
                    continue
                number, people = made[trail.nodes[0]]
                around[number] = around.get(number, 0) + ((c, people) not in coalitions)
                if around[number] <= AROUND and len(coalitions) < JOINED:
                    coalitions[c, people] = None
        if coalitions:
            self._play(list(coalitions), ground)

    def _play(self, coalitions: list[tuple[int, tuple[int, ...]]], ground: Ground) -> None:
        """Everything that follows in each column once its people join."""
        columns = Columns(tuple(self._columns.each[c] for c, _ in coalitions))
        board = Board(self._graph, columns)
        joining: list[int] = []
        for place, (c, people) in enumerate(coalitions):
            mine = has(ground.board.words, c)
            mine[list(people)] = True
            joining += people
            board.words[place >> 6] |= mine.astype(np.uint64) << np.uint64(place & 63)
        after = Ground(board, self._model.quorums)
        after.run(np.unique(np.array(joining, dtype=np.int32)))
        true = np.bitwise_or.reduce(board.words[:, self._goals], axis=1)
        for place, (c, people) in enumerate(coalitions):
            firings: dict[int, Firing] = {n: f for (n, column), f in ground.firings.items() if column == c}
            order = self._start(c)
            order[list(people)] = 0
            later = max((f.order for f in firings.values()), default=0)
            for number, firing in firings.items():
                order[self._graph.rules[number].node] = firing.order
            for (number, column), firing in after.firings.items():
                if column == place:
                    firings[number] = firing
                    order[self._graph.rules[number].node] = later + firing.order
            trace = Trace(self._scene, self._columns.each[c], has(board.words, place), order, firings)
            wanted = self._asking.open[c] & (self._asked.floor[c] > len(people)) & has(true, place)
            for k in _some(np.flatnonzero(wanted).tolist(), max(8, TRACED // len(coalitions))):
                self._tell((c, k), trace, trace.trail(self._targets((c, k))), order, people)

    def _start(self, c: int) -> Ints:
        """Who acts in a column from the beginning, what the state holds, and the unknown groups: order 0."""
        at, column = self._graph.layout, self._columns.each[c]
        order = np.full(self._graph.nodes, NEVER, dtype=np.int32)
        order[: at.people][self._asking.exposure.to(column.state)] = 0
        order[[node for node, states in self._graph.hosted if column.state in states]] = 0
        order[[at.available + group for group in column.filled]] = 0
        if column.filled:
            order[at.somebody] = 0
        return order

    def _targets(self, pair: Pair) -> tuple[int, ...]:
        return self._graph.can(int(self._asked.action[pair[1]]), int(self._asked.asset[pair[1]]))

    def _tell(
        self, pair: Pair, trace: Trace, trail: Trail, order: Ints, outsiders: tuple[int, ...] | None
    ) -> None:
        """A clause for a trail, and for some others that differ only in who begins it. `outsiders` None: whoever
        begins it
        joins."""
        state = self._asked.states[pair[0]]
        for way in self._alike(trail, order):
            support = self._support(pair[0], trace, way)
            joined = outsiders
            if joined is None:
                first = way.nodes[0]
                person = first < self._graph.layout.people
                within = person and state in self._asking.exposure.sets[int(self._asking.exposure.of[first])]
                joined = (first,) if person and not within else ()
            made = clause(self._menu, support.standing, pair, joined)
            if made.hopeless:
                self._answer.hopeless.setdefault(pair, support)
                return
            self._answer.clauses.append(made)

    def _support(self, c: int, trace: Trace, trail: Trail) -> Support:
        """Trails without a quorum, where whoever begins also goes on, rest on the same in every column."""
        why = self._graph.why
        if any(node in self._scene.rule_at for node in trail.nodes) or any(
            link >= 0 and why[link] == Why.ENTERED for link in trail.links
        ):
            return trace.support(trail)
        key = (trail.nodes[0] if trail.nodes[0] >= self._graph.layout.people else -1, trail.links)
        found = self._plain.get(key)
        if found is None:
            found = self._plain[key] = trace.support(trail)
        return found

    def _alike(self, trail: Trail, order: Ints) -> Iterator[Trail]:
        """The trail, and the same begun by other members of the group that it begins with."""
        yield trail
        graph, at = self._graph, self._graph.layout
        if trail.nodes[0] >= at.people or not trail.links or trail.links[0] < 0:
            return
        if Why(int(graph.why[trail.links[0]])) not in (Why.MEMBER, Why.OPEN_TO):
            return
        sources, origins = graph.reverse.of(trail.nodes[1])
        fits = np.flatnonzero((sources < at.people) & (order[np.minimum(sources, len(order) - 1)] == 0))
        for place in _some(fits.tolist(), ALIKE):
            if int(origins[place]) != trail.links[0]:
                yield Trail(
                    nodes=(int(sources[place]), *trail.nodes[1:]), links=(int(origins[place]), *trail.links[1:])
                )


def _by_column(pairs: list[Pair]) -> Iterator[tuple[int, list[Pair]]]:
    found: dict[int, list[Pair]] = {}
    for pair in pairs:
        found.setdefault(pair[0], []).append(pair)
    yield from sorted(found.items())


def _some(items: list[T], most: int) -> list[T]:
    """At most so many, evenly spread."""
    if len(items) <= most:
        return items
    return [items[i * len(items) // most] for i in range(most)]
