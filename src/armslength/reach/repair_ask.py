"""Asking: which floors a plan leaves broken, and clauses that say why.

The engine's own parts answer, easiest first: what each state has alone, what one accomplice brings by OR alone, then
level by level what quorums with accomplices give. As soon as something is broken the clauses of that are told: a plan
that fails early need not be looked at further. With unknown groups every column has them filled: a floor holds,
gaps counted, just if it holds then (semantics, "Gaps": more members never lengthen).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from armslength.estate import Estate, Kind
from armslength.reach.board import Board
from armslength.reach.columns import Column, Columns, Words, has
from armslength.reach.exposure import Exposure
from armslength.reach.ground import Firing, Ground
from armslength.reach.levels import Levels
from armslength.reach.pairs import Pairs
from armslength.reach.paths import NEVER, Paths
from armslength.reach.repair_clause import Clause
from armslength.reach.repair_menu import Menu
from armslength.reach.repair_ready import Ready
from armslength.reach.repair_sight import Sights
from armslength.reach.repair_telling import ALIKE, Answer, Pair, Tellings, some
from armslength.reach.repair_trace import Scene, Trace
from armslength.reach.rules import Rule
from armslength.reach.spread import Ints, spread

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Party:
    """Who takes part: those whom the state of a column can compel, but for `spared`, and the `outsiders` who join."""

    column: int
    outsiders: tuple[int, ...] = ()
    spared: frozenset[int] = frozenset()


TRACED = 3000
"""Broken pairs traced in one round, spread over all of them: more would say the same again."""
TURNS, OTHERS, FEW = 2, 128, 4
"""So often are more parties like those that broke something played through, so many, so many pairs of each traced."""
JOINED = 192
"""Coalitions played through at first, and how many of them around one rule."""
AROUND = 6


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
        self.ready = Ready(exposure, asked, at, menu, sights, expired)
        self.open: Bools = asked.floor >= 1
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
        self._model = asking.ready.model(chosen)
        graph = self._model.graph
        self._graph, self._columns = graph, asking.columns
        self._scene = Scene(
            model=self._model,
            paths=Paths(graph),
            menu=asking.menu,
            sights=asking.sights,
            dropped=asking.menu.dropped(chosen),
            rule_at={rule.node: rule for rule in graph.rules},
        )
        self._exposed: dict[int, Bools] = {}
        self._telling = Tellings(self._scene, asking.exposure, asking.asked.states)
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
            return self._telling.answer
        highest = int(self._asked.floor[asking.open].max(initial=0))
        if highest < 2:
            return self._telling.answer
        if broken := self._broken(self._joined_by_all(board), 1):
            return self._telling.answer
        for kind in (_Direct, _Wanted):
            levels = kind(ground, self._model.quorums, self._model.membership, self._model.clock)
            for level in range(1, highest):
                levels.wanted = self._wanted(level)
                levels.rise()
                if broken := self._broken(levels.board, level):
                    self._together(levels, ground, broken)
                    return self._telling.answer
        return self._telling.answer

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
        self._telling.answer.broken = found
        return found

    def _alone(self, board: Board, ground: Ground, broken: list[Pair]) -> None:
        """What a state has without any outsider."""
        others: list[Party] = []
        for c, pairs in _by_column(some(broken, TRACED)):
            firings = {number: f for (number, column), f in ground.firings.items() if column == c}
            order = self._start(Party(c))
            for number, firing in firings.items():
                order[self._graph.rules[number].node] = firing.order
            trace = Trace(self._scene, self._columns.each[c], has(board.words, c), order, firings)
            before = len(self._telling.answer.clauses)
            for pair in pairs:
                self._telling.tell(pair, trace, trace.trail(self._targets(pair)), order, ())
            others += self._like(Party(c), self._telling.answer.clauses[before:])
        if others:
            self._play(some(others, OTHERS), ground, TURNS)

    def _joined_by_all(self, ground: Board) -> Board:
        """The board once any one outsider may join, quorums left out; tells what is broken by that."""
        board = Board(self._graph, self._columns)
        board.words = ground.words.copy()
        people = self._graph.layout.people
        board.words[:, :people] |= board.full[:, None]
        board.settle(np.arange(people, dtype=np.int32))
        for c, pairs in _by_column(some(self._broken(board, 1), TRACED)):
            trace, order = self._loose(board, ground, c, ())
            for pair in pairs:
                self._telling.tell(pair, trace, trace.trail(self._targets(pair)), order, None)
        return board

    def _loose(self, board: Board, ground: Board, c: int, sources: Iterable[int]) -> tuple[Trace, Ints]:
        """A trace over a board of a higher level: anyone may act, and rules that hold (`sources` besides those true on
        the ground) are where it ends."""
        order = self._start(Party(c))
        order[: self._graph.layout.people] = 0
        rules = np.array([rule.node for rule in self._graph.rules], dtype=np.int32)
        order[rules[has(ground.words, c)[rules]]] = 0
        order[list(sources)] = 0
        return Trace(self._scene, self._columns.each[c], has(board.words, c), order, {}), order

    def _together(self, levels: Levels, ground: Ground, broken: list[Pair]) -> None:
        """What a quorum gives with outsiders in it: each coalition found is played through on the ground."""
        parties: dict[Party, None] = {}
        around: dict[int, int] = {}
        for c, pairs in _by_column(some(broken, TRACED)):
            made = {self._graph.rules[n].node: (n, p) for (n, column), (_, p) in levels.made.items() if column == c}
            trace, order = self._loose(levels.board, ground.board, c, made)
            for pair in pairs:
                trail = trace.trail(self._targets(pair))
                if trail.nodes[0] not in made:
                    self._telling.tell(pair, trace, trail, order, None)
                    continue
                number, people = made[trail.nodes[0]]
                around[number] = around.get(number, 0) + (Party(c, people) not in parties)
                if around[number] <= AROUND and len(parties) < JOINED:
                    parties[Party(c, people)] = None
        if parties:
            self._play(list(parties), ground, 1)

    def _play(self, parties: list[Party], ground: Ground, turns: int) -> None:
        """Everything that follows for each party; then for others like those that broke something."""
        seen = set(parties)
        others = self._played(parties, ground, TRACED)
        for _ in range(turns):
            others = some([one for one in others if one not in seen], OTHERS)
            if not others:
                return
            seen.update(others)
            others = self._played(others, ground, FEW)

    def _played(self, parties: list[Party], ground: Ground, most: int) -> list[Party]:
        """Tells up to so many pairs that each party breaks. Returns others that might break as much."""
        columns = Columns(tuple(self._columns.each[one.column] for one in parties))
        board = Board(self._graph, columns)
        joining: list[Ints] = []
        orders = [self._start(one) for one in parties]
        for place, one in enumerate(parties):
            mine = orders[place] == 0 if one.spared else has(ground.board.words, one.column)
            fresh = np.flatnonzero(mine) if one.spared else np.array(one.outsiders)
            joining.append(fresh.astype(np.int32))
            mine[list(one.outsiders)] = True
            board.words[place >> 6] |= mine.astype(np.uint64) << np.uint64(place & 63)
        after = Ground(board, self._model.quorums)
        after.run(np.unique(np.concatenate(joining)).astype(np.int32))
        true = np.bitwise_or.reduce(board.words[:, self._goals], axis=1)
        others: dict[Party, None] = {}
        for place, one in enumerate(parties):
            c, order = one.column, orders[place]
            firings: dict[int, Firing] = {}
            if not one.spared:
                firings |= {n: f for (n, column), f in ground.firings.items() if column == c}
            later = max((f.order for f in firings.values()), default=0)
            for number, firing in firings.items():
                order[self._graph.rules[number].node] = firing.order
            for (number, column), firing in after.firings.items():
                if column == place:
                    firings[number] = firing
                    order[self._graph.rules[number].node] = later + firing.order
            trace = Trace(self._scene, self._columns.each[c], has(board.words, place), order, firings)
            wanted = self._asking.open[c] & (self._asked.floor[c] > len(one.outsiders)) & has(true, place)
            before = len(self._telling.answer.clauses)
            for k in some(np.flatnonzero(wanted).tolist(), min(most, max(8, TRACED // len(parties)))):
                self._telling.tell((c, k), trace, trace.trail(self._targets((c, k))), order, one.outsiders)
            others |= dict.fromkeys(self._like(one, self._telling.answer.clauses[before:]))
        return list(others)

    def _like(self, party: Party, clauses: Iterable[Clause]) -> Iterator[Party]:
        """The party without those compelled on whose memberships the clauses rest; and with another outsider in the
        place of one, of the groups by which that one has a part. Their clauses tell a plan that it would have to take
        all of them out, or to change something that they share."""
        groups, membership = self._menu.estate.groups, self._model.membership
        within: dict[int, set[int]] = {}
        for one in clauses:
            for key in one.keys:
                row = key - self._menu.grants
                if row >= 0 and groups.member_kind[row] == Kind.PERSON:
                    within.setdefault(int(groups.member[row]), set()).add(int(groups.group[row]))
        outside = ~self._compelled(party.column)
        spared = {person for person in within if not outside[person]}
        if spared:
            yield replace(party, spared=party.spared | spared)
            for person in some(sorted(spared), AROUND):
                yield replace(party, spared=party.spared | {person})
        outside[list(party.outsiders)] = False
        for person in party.outsiders if not party.spared else ():
            able = outside.copy()
            for group in within.get(person, ()):
                able &= membership.is_member(group)
            for other in some(np.flatnonzero(able).tolist() if person in within else [], ALIKE):
                yield replace(party, outsiders=tuple(other if p == person else p for p in party.outsiders))

    def _start(self, party: Party) -> Ints:
        """Who acts from the beginning, what the state holds, and the unknown groups: order 0."""
        at, column = self._graph.layout, self._columns.each[party.column]
        order = np.full(self._graph.nodes, NEVER, dtype=np.int32)
        order[: at.people][self._compelled(party.column)] = 0
        order[list(party.spared)] = NEVER
        order[list(party.outsiders)] = 0
        order[[node for node, states in self._graph.hosted if column.state in states]] = 0
        order[[at.available + group for group in column.filled]] = 0
        if column.filled:
            order[at.somebody] = 0
        return order

    def _compelled(self, c: int) -> Bools:
        """Shape [P]: whom the state of a column can compel."""
        found = self._exposed.get(c)
        if found is None:
            found = self._exposed[c] = self._asking.exposure.to(self._columns.each[c].state)
        return found

    def _targets(self, pair: Pair) -> tuple[int, ...]:
        return self._graph.can(int(self._asked.action[pair[1]]), int(self._asked.asset[pair[1]]))


def _by_column(pairs: list[Pair]) -> Iterator[tuple[int, list[Pair]]]:
    found: dict[int, list[Pair]] = {}
    for pair in pairs:
        found.setdefault(pair[0], []).append(pair)
    yield from sorted(found.items())
