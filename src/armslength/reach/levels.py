"""Levels: what follows with one accomplice, two, three … in every column, each level from the one below, exactly.

A fact that follows by OR costs as much as its one source: a person (one) or a rule. A rule costs the least coalition
that fires it directly, unless another rule with powers, no dearer, could help it: then the search decides.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from armslength.reach.board import Board
from armslength.reach.bundles import Bundles
from armslength.reach.clock import Clock, Expired
from armslength.reach.coalition import Coalitions
from armslength.reach.columns import ANY, Column, Columns, Words, bits, has, set_bits
from armslength.reach.ground import Ground
from armslength.reach.links import Links
from armslength.reach.membership import Membership
from armslength.reach.quorum import Quorums
from armslength.reach.retrial import Retrial
from armslength.reach.rules import Rule
from armslength.reach.search import Search
from armslength.reach.situation import Situations
from armslength.reach.spread import Ints
from armslength.reach.takeover import Standing

STEPS = 2000
"""Steps of a seating tried for an upper bound once the time is over."""


class Levels:
    """`words` is the board at the level reached so far; `made` says with whom a rule first fired in a column, `refuted`
    [rules, columns] how many accomplices were tried in vain. `standing`: what is known beforehand. `most`: the
    `utmost`, if it is known."""

    def __init__(
        self,
        ground: Ground,
        quorums: Quorums,
        membership: Membership,
        clock: Clock,
        standing: Standing | None = None,
        most: Board | None = None,
    ) -> None:
        graph = ground.board.graph
        self._ground, self._clock = ground, clock
        self.board = Board(graph, ground.board.columns)
        self.board.words = ground.board.words.copy()
        self.made: dict[tuple[int, int], tuple[int, tuple[int, ...]]] = {}
        self.level = 0
        self._standing = standing
        self.refuted = np.zeros((len(graph.rules), len(ground.board.columns)), dtype=np.int8)
        if standing is not None:
            self.refuted = standing.refuted.copy()
        self.utmost = most if most is not None else utmost(ground, quorums, standing)
        self._rules = [rule for rule in graph.rules if rule.holders.ways and self.utmost.words[0, rule.node]]
        self._powers = sum(1 << rule.number for rule in self._rules if rule.power)
        kept = standing.bundles if standing is not None else None
        self.bundles = kept or Bundles.of(graph, membership)
        self._coalitions = Coalitions(ground, quorums, self.bundles, clock.tick)
        self._situations = Situations(self._coalitions)
        self._known: dict[Hashable, tuple[int, ...] | None] = {}
        self._filled: dict[Hashable, tuple[int, ...] | None] = {}
        self._links: dict[int, Links] = {}
        self._found: dict[int, dict[tuple[int, ...], None]] = {}
        self._failed: dict[tuple[int, int], int] = {}
        self._chains: tuple[int, int, dict[int, int]] = (-1, 0, {})
        self._feeding: dict[tuple[int, frozenset[int]], int] = {}
        self._true_powers: list[int] | None = None
        self._retrial = None
        if standing is not None:
            self._retrial = Retrial(standing, self._coalitions, self._powers, self._active, self._leading)

    def rise(self) -> None:
        """Go up one level. Raises `Expired`: then the level reached is not complete, but what it holds is true."""
        self.level += 1
        self._known.clear()
        self._links.clear()
        self._found.clear()
        self._failed.clear()
        self._true_powers = None
        board, at = self.board, self.board.graph.layout
        frontier = np.zeros(0, dtype=np.int32)
        if self.level == 1 and at.people:
            board.words[:, : at.people] |= board.full[:, None]
            frontier = np.arange(at.people, dtype=np.int32)
        board.settle(np.concatenate([frontier, self._stand()]))
        # Nothing builds on a rule without powers, so these wait until all that could help them is known.
        for power in (True, False):
            rules = [rule for rule in self._rules if rule.power == power]
            for column, waiting in self._direct_of(rules).items():
                self._rise_in(column, waiting)
                if not power:
                    # What was kept of a column is let go before the next.
                    self._links.pop(column, None)
            self._settle([rule.node for rule in rules])

    def _stand(self) -> Ints:
        """The nodes of the rules that are known to fire at this level, now set."""
        sure: dict[int, dict[int, tuple[int, ...]]] = {}
        for number, column, people in self._standing.sure.get(self.level, ()) if self._standing is not None else ():
            sure.setdefault(number, {})[column] = people
        board, nodes = self.board, []
        for number, some in sure.items():
            node = board.graph.rules[number].node
            new = board.columns.mask(some) & ~board.words[:, node]
            for column in bits(new):
                self.made[number, column] = (self.level, some[column])
            if board.put(node, new):
                nodes.append(node)
        return np.array(nodes, dtype=np.int32)

    def _direct_of(self, rules: list[Rule]) -> dict[int, list[Rule]]:
        """Fire `rules` in every column where this level is enough without the help of others; those left, by column."""
        left: dict[int, list[Rule]] = {}
        for rule in rules:
            for c in self._direct(rule):
                left.setdefault(c, []).append(rule)
        return left

    def _rise_in(self, column: int, rules: list[Rule]) -> None:
        """Fire those of `rules` that this level is enough for with the help of others, until none helps another."""
        left, more = rules, bool(rules)
        vain: dict[int, set[Hashable]] = {rule.number: set() for rule in rules}
        while more:
            # Who fires one rule may well fire another: to ask them takes no search.
            more = False
            waiting, searches = list[Rule](), list[Search]()
            for rule in left:
                search = self._search(rule, column)
                people = self._brought_along(search, vain[rule.number]) if search is not None else None
                if people is not None:
                    self._fire(rule, [column], people)
                    more |= rule.power
                    continue
                waiting.append(rule)
                searches += [search] if search is not None else []
            more = more or self._searched(searches, waiting)
            left = waiting
        for rule in left:
            self.refuted[rule.number, column] = self.level

    def _searched(self, searches: list[Search], waiting: list[Rule]) -> bool:
        """Fire the first rule with powers that a search finds enough for, or all without; whether one with powers was
        fired."""
        for search in searches:
            people = self._chained(search)
            if people is not None:
                self._fire(search.goal, [search.column], people)
                waiting.remove(search.goal)
                if search.goal.power:
                    return True
        return False

    def _settle(self, nodes: list[int]) -> None:
        self.board.settle(np.array(nodes, dtype=np.int32))
        self._true_powers = None

    def _direct(self, rule: Rule) -> list[int]:
        """Fire the rule in every column where this level is enough without the help of others; the columns left."""
        pending = self._pending(rule)
        if self._retrial is not None:
            pending &= ~self._settled(self._retrial, rule, pending)
        self._clock.tick()
        if not pending.any():
            return []
        scant = self._unhelped(rule, pending)
        scant |= self._coalitions.scant(rule, pending & ~scant, self.level)
        left = list(bits(scant))
        for columns in self._coalitions.alike(rule, pending & ~scant):
            people = self._coalitions.direct(rule, columns[0], self.level)
            if people is None:
                left += columns
            else:
                self._fire(rule, columns, people)
        return sorted(left)

    def _fire(self, rule: Rule, columns: Sequence[int], people: tuple[int, ...]) -> None:
        for c in columns:
            self.made[rule.number, c] = (self.level, people)
            if rule.power and self._true_powers is not None:
                self._true_powers[c] |= 1 << rule.number
        self.board.put(rule.node, self.board.columns.mask(columns))

    def _settled(self, retrial: Retrial, rule: Rule, pending: Words) -> Words:
        """Of the columns `pending`, those of which it is known beforehand whether the rule fires at this level; where
        it does, it fires."""
        standing = retrial.standing
        refuted = np.flatnonzero(standing.refuted[rule.number] >= self.level)
        found: Words = pending & self.board.columns.mask(refuted.tolist())
        for c in bits(pending & ~found):
            level, people = standing.likely.get((rule.number, c), (0, ()))
            if level == self.level and retrial.fires(rule, c, people, level):
                self._fire(rule, [c], people)
                found[c >> 6] |= np.uint64(1 << (c & 63))
        return found

    def bound(self, level: int) -> None:
        """After `Expired`: let the rules fire that `level` is plainly enough for, without proof that less is not."""
        board = self.board
        for rule in self._rules:
            for columns in self._coalitions.alike(rule, self._pending(rule)):
                self._clock.spare(STEPS)
                try:
                    people = self._coalitions.outsiders(rule, columns[0], self._coalitions.none, (), level)
                except Expired:
                    continue
                if people is not None:
                    for c in columns:
                        self.made[rule.number, c] = (level, people)
                    board.put(rule.node, board.columns.mask(columns))
        board.settle(np.array([rule.node for rule in self._rules], dtype=np.int32))

    def _pending(self, rule: Rule) -> Words:
        """The columns in which the rule has not fired and would add something."""
        words = self.board.words
        pending = self.board.full & ~words[:, rule.node]
        if not rule.power:
            # Only a rule without powers adds nothing where its effects are true already: nothing builds on who
            # fired it.
            pending &= ~np.bitwise_and.reduce(words[:, rule.effects], axis=1)
        return pending

    def _search(self, rule: Rule, column: int) -> Search | None:
        """The question whether others help the rule to fire; None where that is known to be in vain."""
        feeders = self._feeders(rule, column)
        if not feeders or feeders == self._failed.get((rule.number, column)):
            return None
        through = self._through(rule, column)
        if through is not None and not feeders & through:
            return None
        self._clock.tick()
        search = Search(
            self._coalitions,
            rule,
            feeders,
            column,
            self._active(column),
            self._links_of(column),
            self._clock.tick,
        )
        near = search.counted()
        if not near or through is not None and not near & through:
            self._failed[rule.number, column] = feeders
            return None
        return search

    def _unhelped(self, rule: Rule, pending: Words) -> Words:
        """Of the columns `pending`, those in which the rule is known not to fire without another's help."""
        known = (c for c in bits(pending) if self._through(rule, c) is not None) if self._standing is not None else ()
        return self.board.columns.mask(known)

    def _through(self, rule: Rule, column: int) -> int | None:
        """The rules one of which has to fire before this one (a bit each by number), as it is known beforehand that
        nothing else is enough at this level; None where that is not known."""
        standing = self._standing
        if standing is None or standing.vain[rule.number, column] < self.level:
            return None
        found = standing.through.get(column)
        return None if found is None or found >> rule.number & 1 else found

    def _brought_along(self, search: Search, vain: set[Hashable]) -> tuple[int, ...] | None:
        """Who fires another rule and, with the fewest others, the goal then. `vain`: as in `Search.first`."""
        through = self._through(search.goal, search.column)
        near = search.counted() & (-1 if through is None else through)
        made = (self.made.get((number, search.column)) for number in set_bits(near))
        coalitions = list({one[1]: None for one in made if one is not None})
        return search.first(coalitions, self.level, vain)

    def _chained(self, search: Search) -> tuple[int, ...] | None:
        """The same by search: anybody who is enough."""
        goal, column, usable = search.goal, search.column, search.narrowed()
        through = self._through(goal, column)
        if through is not None and not usable & through:
            usable = 0
        found = self._recalled(search, usable) if usable else None
        if found is None:
            self._failed[goal.number, column] = search.usable
        else:
            self._found.setdefault(goal.number, {})[found] = None
        return found

    def _recalled(self, search: Search, usable: int) -> tuple[int, ...] | None:
        """The answer of a search with the feeders `usable`, from another column where it must be alike."""
        goal, column = search.goal, search.column
        rules = [self.board.graph.rules[number] for number in set_bits(usable)]
        free = self.bundles.mask_of_rules([rule.number for rule in rules])
        key = self._situations.key([goal, *rules], free, column, self.level)
        if key is not None and key in self._known:
            found = self._known[key]
            if found is None or search.confirms(found):
                return found
        found = next((people for people in self._found.get(goal.number, ()) if search.confirms(people)), None)
        if found is None:
            found = search.least(usable, self._failed.get((goal.number, column), 0))
        if key is not None:
            self._known[key] = found
        return found

    def _links_of(self, column: int) -> Links:
        found = self._links.get(column)
        if found is None:
            found = self._links[column] = Links(
                self._coalitions, self._situations, self._filled, column, self.level, self._clock.tick
            )
        return found

    def _feeders(self, rule: Rule, column: int) -> int:
        """Rules with powers that could help `rule`, directly or through others, and cost no more than this level, a bit
        each by number; those true on the ground already count for nothing more."""
        active = self._active(column)
        if self._chains[:2] != (column, active):
            self._chains = (column, active, {})
        known, rules = self._chains[2], self.board.graph.rules
        found = direct = self._fed(rule, column) & active
        for number in set_bits(direct):
            if number not in known:
                known[number] = self._leading(rules[number], column, active)
            found |= known[number]
        return found & ~(1 << rule.number)

    def _leading(self, rule: Rule, column: int, active: int) -> int:
        """Of the rules `active`, a bit each by number, those that could help `rule`, directly or through others."""
        active, rules = active & ~(1 << rule.number), self.board.graph.rules
        found, waiting = 0, [rule]
        while waiting:
            more = self._fed(waiting.pop(), column) & active & ~found
            found |= more
            waiting += [rules[number] for number in set_bits(more)]
        return found

    def _fed(self, rule: Rule, column: int) -> int:
        """The rules that could help `rule` directly, a bit each by number."""
        key = (rule.number, self._coalitions.opened(rule, column))
        found = self._feeding.get(key)
        if found is None:
            found = self._feeding[key] = sum(1 << feeder.number for feeder in self._coalitions.feeders(rule, column))
        return found

    def _active(self, column: int) -> int:
        """The rules with powers that are true at this level and not on the ground, a bit each by number."""
        if self._true_powers is None:
            powers = [rule for rule in self._rules if rule.power]
            nodes = [rule.node for rule in powers]
            words = self.board.words[:, nodes] & ~self._ground.board.words[:, nodes]
            self._true_powers = [
                sum(1 << powers[i].number for i in np.flatnonzero(has(words, c)).tolist())
                for c in range(len(self.board.columns))
            ]
        return self._true_powers[column]


def utmost(ground: Ground, quorums: Quorums, standing: Standing | None) -> Board:
    """What follows if everyone acts, every key is held and every unknown group is filled: a rule that does not fire
    then never does. What did so before is taken to do so still, which can only be too much. Raises `Expired`."""
    graph, at = ground.board.graph, ground.board.graph.layout
    filled = frozenset[int]().union(*(c.filled for c in ground.board.columns.each))
    board = Board(graph, Columns((Column(state=ANY, filled=filled),)))
    everyone = np.arange(at.people, dtype=np.int32)
    board.words[:, : at.people] = board.full[:, None]
    hosted = [node for node, _ in graph.hosted]
    board.words[:, hosted] = board.full[:, None]
    for group in filled:
        board.put(at.available + group, board.full)
    held = [at.available + group for group in filled]
    nothing = np.zeros(1, dtype=np.uint64)
    left = {} if standing is None else dict.fromkeys(standing.hopeless | standing.hopeful, nothing)
    fired = [graph.rules[number].node for number in standing.hopeful] if standing is not None else []
    board.words[:, fired] = board.full[:, None]
    seeds = np.array(hosted + held + fired, dtype=np.int32)
    Ground(board, quorums, left=left).run(np.concatenate([everyone, seeds]))
    return board
