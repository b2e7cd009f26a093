"""Asking: which floors a plan leaves broken, and clauses that say why.

The engine's own parts answer, easiest first: what each state has alone, what one accomplice brings by OR alone, then
level by level what quorums with accomplices give. As soon as much is broken the clauses of that are told, and a plan
that fails early is not looked at further; beside a few broken pairs the others are looked at all the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from armslength.estate import Estate, Kind
from armslength.reach.board import Board
from armslength.reach.columns import Columns, Words, has
from armslength.reach.exposure import Exposure
from armslength.reach.floors import Floors, Pair, Wanted, with_gaps
from armslength.reach.ground import Firing, Ground
from armslength.reach.pairs import Pairs
from armslength.reach.paths import NEVER, Paths
from armslength.reach.repair_clause import Clause
from armslength.reach.repair_menu import Menu
from armslength.reach.repair_ready import Ready
from armslength.reach.repair_sight import Sights
from armslength.reach.repair_telling import ALIKE, Answer, Tellings, some
from armslength.reach.repair_trace import Scene, Trace
from armslength.reach.rules import Rule
from armslength.reach.spread import Ints

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
DEEP = 5
"""So often are parties played through with fewer and fewer compelled."""
JOINED = 192
"""Coalitions played through at first, and how many of them around one rule."""
AROUND = 6
SOME, FEW_OF = 64, 300
"""So many broken pairs at the most, or one in so many, do not keep a plan from being looked at further."""


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
        self.columns = with_gaps(estate, asked)

    def ask(self, chosen: frozenset[int]) -> Answer:
        """What the plan leaves broken. Raises `Expired` of the engine when the time is over."""
        return _Round(self, chosen).answer()

    def left(self, chosen: frozenset[int]) -> list[Pair]:
        """All that the plan leaves broken. Raises `Expired`."""
        return _Round(self, chosen).left()


class _Direct(Wanted):
    """Levels without the help that rules with powers give one another: far quicker, and what it holds is true."""

    def _rise_in(self, column: int, rules: list[Rule]) -> None:
        pass


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
        self._open = asking.open.copy()
        self._exposed: dict[int, Bools] = {}
        self._rule_nodes = np.array([rule.node for rule in graph.rules], dtype=np.int32)
        self._powers: Bools = np.array([rule.power for rule in graph.rules], dtype=np.bool_)
        # By how many pairs are known to be broken: they only become more.
        self._leading: dict[int, Words] = {}
        self._telling = Tellings(self._scene, asking.exposure, asking.asked.states)
        self._floors = Floors(graph, asking.columns, asking.asked)

    def left(self) -> list[Pair]:
        """Every open pair that is broken; of none of them is told why."""
        board, ground = self._grounded()
        self._broken(board, 0)
        self._further()
        levels = Wanted(ground, self._model.quorums, self._model.membership, self._model.clock)
        for level in range(1, int(self._asked.floor[self._open].max(initial=0))):
            levels.wanted = self._floors.wanted(self._open, level)
            levels.rise()
            self._broken(levels.board, level)
            self._further()
        return self._telling.answer.broken

    def _grounded(self) -> tuple[Board, Ground]:
        board = Board(self._graph, self._columns)
        ground = Ground(board, self._model.quorums)
        ground.run(board.seed(self._asking.exposure))
        return board, ground

    def answer(self) -> Answer:
        board, ground = self._grounded()
        if broken := self._broken(board, 0):
            self._alone(board, ground, broken)
            if not self._further():
                return self._telling.answer
        highest = int(self._asked.floor[self._open].max(initial=0))
        if highest > 1 and self._joined_by_all(board) and not self._further():
            return self._telling.answer
        for kind in (_Direct, Wanted) if highest > 1 else ():
            levels = kind(ground, self._model.quorums, self._model.membership, self._model.clock)
            for level in range(1, highest):
                levels.wanted = self._floors.wanted(self._open, level)
                levels.rise()
                if broken := self._broken(levels.board, level):
                    self._together(levels, ground, broken)
                    if not self._further():
                        return self._telling.answer
            if self._telling.answer.broken:
                # What takes longer is left to a plan that does not fail so soon.
                break
        self._telling.answer.few = True
        return self._telling.answer

    def _broken(self, board: Board, level: int) -> list[Pair]:
        """The open pairs that a board breaks; they need not be broken again."""
        found = self._floors.broken(board, self._open, level)
        self._telling.answer.broken += found
        return found

    def _further(self) -> bool:
        """Whether to look on beside what is broken so far."""
        broken = self._telling.answer.broken
        for c, k in broken:
            self._open[c, k] = False
        return len(broken) <= max(SOME, int((self._asked.floor >= 1).sum()) // FEW_OF)

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
            within = self._within(self._telling.answer.clauses[before:])
            others += [*self._fewer(Party(c), within), *self._like(Party(c), within)]
        if others:
            self._play(some(others, OTHERS), ground, TURNS, TURNS)

    def _joined_by_all(self, ground: Board) -> list[Pair]:
        """What is broken once any one outsider may join, quorums left out; and tells it."""
        board = Board(self._graph, self._columns)
        board.words = ground.words.copy()
        people = self._graph.layout.people
        board.words[:, :people] |= board.full[:, None]
        board.settle(np.arange(people, dtype=np.int32))
        broken = self._broken(board, 1)
        for c, pairs in _by_column(some(broken, TRACED)):
            trace, order = self._loose(board, ground, c, ())
            for pair in pairs:
                self._telling.tell(pair, trace, trace.trail(self._targets(pair)), order, None)
        return broken

    def _loose(self, board: Board, ground: Board, c: int, sources: Iterable[int]) -> tuple[Trace, Ints]:
        """A trace over a board of a higher level: anyone may act, and rules that hold (`sources` besides those true on
        the ground) are where it ends."""
        order = self._start(Party(c))
        order[: self._graph.layout.people] = 0
        rules = np.array([rule.node for rule in self._graph.rules], dtype=np.int32)
        order[rules[has(ground.words, c)[rules]]] = 0
        order[list(sources)] = 0
        return Trace(self._scene, self._columns.each[c], has(board.words, c), order, {}), order

    def _together(self, levels: Wanted, ground: Ground, broken: list[Pair]) -> None:
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
            self._play(list(parties), ground, 1, DEEP)

    def _play(self, parties: list[Party], ground: Ground, turns: int, deep: int) -> None:
        """Everything that follows for each party; then, so many `turns`, for others like those that broke something;
        and `deep` times for fewer and fewer of those compelled, as long as that breaks something."""
        seen = set(parties)
        others, fewer = self._played(parties, ground, TRACED)
        for turn in range(max(turns, deep)):
            more = others if turn < turns else []
            less = fewer if turn < deep else []
            now = some([one for one in dict.fromkeys([*less, *more]) if one not in seen], OTHERS)
            if not now or self._asking.expired():
                return
            seen.update(now)
            others, fewer = self._played(now, ground, FEW)

    def _played(self, parties: list[Party], ground: Ground, most: int) -> tuple[list[Party], list[Party]]:
        """Tells up to so many pairs that each party breaks. Returns others that might break as much, and the same with
        fewer compelled."""
        columns = Columns(tuple(self._columns.each[one.column] for one in parties))
        board = Board(self._graph, columns)
        may: Words = np.zeros((columns.words, len(self._graph.rules)), dtype=np.uint64)
        settled = np.zeros_like(board.words)
        joining: list[Ints] = []
        orders = [self._start(one) for one in parties]
        for place, one in enumerate(parties):
            word, bit = place >> 6, np.uint64(place & 63)
            mine = has(ground.board.words, one.column)
            rules = self._serving(one)
            if one.spared:
                if not one.outsiders:
                    # With fewer people nothing fires that does not with all.
                    rules = rules & mine[self._rule_nodes]
                mine = orders[place] == 0
            else:
                settled[word] |= mine.astype(np.uint64) << bit
            may[word] |= rules.astype(np.uint64) << bit
            joining.append((np.flatnonzero(mine) if one.spared else np.array(one.outsiders)).astype(np.int32))
            mine[list(one.outsiders)] = True
            board.words[word] |= mine.astype(np.uint64) << bit
        after = Ground(board, self._model.quorums, ground)
        after.run(np.unique(np.concatenate(joining)).astype(np.int32), settled, may)
        true = self._floors.true(board)
        others: dict[Party, None] = {}
        fewer: dict[Party, None] = {}
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
            within = self._within(self._telling.answer.clauses[before:])
            others |= dict.fromkeys(self._like(one, within))
            fewer |= dict.fromkeys(self._fewer(one, within))
        return list(others), list(fewer)

    def _serving(self, party: Party) -> Bools:
        """Shape [rules]: those with powers, and those that lead to a broken pair which the party might break."""
        broken = self._telling.answer.broken
        wanted = self._leading.get(len(broken))
        if wanted is None:
            only = np.zeros_like(self._open)
            for c, k in broken:
                only[c, k] = True
            wanted = self._leading[len(broken)] = self._floors.wanted(only, 0)[:, self._rule_nodes]
        return self._powers | has(wanted, party.column)

    def _within(self, clauses: Iterable[Clause]) -> dict[int, set[int]]:
        """The people on whose memberships clauses rest, each with the groups."""
        groups = self._menu.estate.groups
        within: dict[int, set[int]] = {}
        for one in clauses:
            for key in one.keys:
                row = key - self._menu.grants
                if row >= 0 and groups.member_kind[row] == Kind.PERSON:
                    within.setdefault(int(groups.member[row]), set()).add(int(groups.group[row]))
        return within

    def _fewer(self, party: Party, within: dict[int, set[int]]) -> Iterator[Party]:
        """The party without those compelled on whom its clauses rest: what it still breaks rests on others."""
        compelled = self._compelled(party.column)
        spared = {person for person in within if compelled[person]}
        if spared:
            yield replace(party, spared=party.spared | spared)

    def _like(self, party: Party, within: dict[int, set[int]]) -> Iterator[Party]:
        """The party without one of those compelled on whom its clauses rest; and with another outsider in the place of
        one, of the groups by which that one has a part. Their clauses tell a plan that it would have to take all of
        them out, or to change something that they share."""
        membership = self._model.membership
        outside = ~self._compelled(party.column)
        for person in some(sorted(person for person in within if not outside[person]), AROUND):
            yield replace(party, spared=party.spared | {person})
        outside[list(party.outsiders)] = False
        instead: dict[int, list[int]] = {}
        for person in party.outsiders if not party.spared else ():
            able = outside.copy()
            for group in within.get(person, ()):
                able &= membership.is_member(group)
            instead[person] = np.flatnonzero(able).tolist() if person in within else []
        yield from self._anew(party, instead)
        for person, others in instead.items():
            for other in some(others, ALIKE):
                yield replace(party, outsiders=tuple(other if p == person else p for p in party.outsiders))

    def _anew(self, party: Party, instead: dict[int, list[int]]) -> Iterator[Party]:
        """With others in the place of all outsiders, none of them twice: what all of these rest on is not them."""
        used: set[int] = set()
        for _ in range(AROUND):
            fresh: dict[int, int] = {}
            for person, others in instead.items():
                other = next((p for p in others if p not in used), None)
                if other is not None:
                    fresh[person] = other
                    used.add(other)
            if not fresh:
                return
            yield replace(party, outsiders=tuple(fresh.get(p, p) for p in party.outsiders))

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
