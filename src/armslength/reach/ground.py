"""The ground: all that is true for given accomplices, quorums included; with none, what each state has by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from armslength.reach.ballot import Filled
from armslength.reach.board import Board
from armslength.reach.classes import Classes, Counts
from armslength.reach.columns import ANY, Words, bits
from armslength.reach.quorum import FILLED, Quorum, Quorums
from armslength.reach.rules import STANDING, Rule
from armslength.reach.spread import Flags, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """Why a rule holds in a column: `order` grows with each round. `waived`: the terms were waived, so the quorum is
    its requester alone. `opened`: the groups then open, of those that matter to the rule."""

    order: int
    quorum: Quorum
    waived: bool
    opened: frozenset[int]


class Ground:
    """Runs rules on a board until nothing changes. `firings`: what is known to fire; `left`: the columns in which a
    rule may fire besides, by its number (all of them where it has no entry)."""

    def __init__(
        self,
        board: Board,
        quorums: Quorums,
        like: Ground | None = None,
        *,
        firings: Mapping[tuple[int, int], Firing] = MappingProxyType({}),
        left: Mapping[int, Words] = MappingProxyType({}),
    ) -> None:
        """`like`: another ground of the same graph and quorums, whose tables serve here too."""
        self.board, self.quorums = board, quorums
        self.firings: dict[tuple[int, int], Firing] = dict(firings)
        upward = board.graph.estate.settings.upward
        self._filled = {
            c: Filled(
                groups=column.filled,
                exposed=0 if column.state == ANY else quorums.mask(upward[column.state]),
            )
            for c, column in enumerate(board.columns.each)
            if column.filled
        }
        self._left = left
        self._rules = [
            rule for rule in board.graph.rules if rule.holders.ways and left.get(rule.number, board.full).any()
        ]
        self._counts: dict[tuple[int, int], Counts] = {}
        self._watched: dict[int, Ints | None] = {} if like is None else like._watched

    def _watch(self, rule: Rule) -> Ints | None:
        """The nodes of which any that is new may make the rule fire; None for all."""
        if rule.number not in self._watched:
            at, quorums = self.board.graph.layout, self.quorums
            holding = rule.holders.people(frozenset())
            approving = quorums.ballot(rule, frozenset()).approvers.people
            groups = np.array([at.opened + g for g in quorums.mentioned(rule)], dtype=np.int32)
            waived = np.array([at.waived + rule.terms] if rule.terms != STANDING else [], dtype=np.int32)
            watched = None if holding is None else np.concatenate([holding, approving, groups, waived])
            self._watched[rule.number] = watched
        return self._watched[rule.number]

    def run(self, frontier: Ints, settled: Words | None = None, may: Words | None = None) -> None:
        """Settle the board and fire every rule that can, round after round. `settled` [W, N]: what was true in each
        column when nothing more followed there, nothing by default. `may` [W, rules]: the columns in which a rule need
        be tried, every one by default."""
        at, words = self.board.graph.layout, self.board.words
        touched = self.board.settle(np.concatenate([frontier, self._fired()]))
        before = np.zeros_like(words) if settled is None else settled
        order = max((firing.order for firing in self.firings.values()), default=0)
        first = order + 1
        while True:
            order += 1
            # Nodes that gained nothing in any column since are the same in both.
            fresh = words & ~before if order == first else self._fresh(touched, words, before)
            # Once a group is open to all who act, any new actor may matter to any rule.
            everywhere = np.bitwise_or.reduce(words[:, at.opened : at.opened + at.groups], axis=1)
            if order == first:
                everywhere = self.board.full if settled is None else everywhere | self.board.columns.mask(self._filled)
            anybody = np.bitwise_or.reduce(fresh[:, : at.people], axis=1)
            before = words.copy()
            fired: list[int] = []
            for rule in self._rules:
                some = everywhere | self._concerned(rule, fresh, anybody)
                if may is not None:
                    some = some & may[:, rule.number]
                if some.any() and self._fire(rule, order, some):
                    fired.append(rule.node)
            if not fired:
                return
            touched = self.board.settle(np.array(fired, dtype=np.int32))
            if (touched < at.people).any():
                self._counts.clear()

    def _fired(self) -> Ints:
        """The nodes of what is known to fire, now set."""
        columns: dict[int, list[int]] = {}
        for number, c in self.firings:
            columns.setdefault(number, []).append(c)
        nodes = []
        for number, some in columns.items():
            nodes.append(self.board.graph.rules[number].node)
            self.board.put(nodes[-1], self.board.columns.mask(some))
        return np.array(nodes, dtype=np.int32)

    def _fresh(self, touched: Ints, words: Words, before: Words) -> Words:
        found: Words = np.zeros_like(words)
        found[:, touched] = words[:, touched] & ~before[:, touched]
        return found

    def _concerned(self, rule: Rule, fresh: Words, anybody: Words) -> Words:
        """The columns in which something that the rule looks at is new; or more of them."""
        watch = self._watch(rule)
        if watch is None:
            return self.board.full
        if len(watch) > self.board.graph.layout.people:
            # Of so many people, that anybody is new says as much.
            people = self.board.graph.layout.people
            anything: Words = anybody | np.bitwise_or.reduce(fresh[:, watch[watch >= people]], axis=1)
            return anything
        found: Words = np.bitwise_or.reduce(fresh[:, watch], axis=1)
        return found

    def _fire(self, rule: Rule, order: int, some: Words) -> bool:
        board = self.board
        gained = np.zeros(board.columns.words, dtype=np.uint64)
        some = some & self._left.get(rule.number, board.full)
        for c in bits(self._possible(rule) & some & ~board.words[:, rule.node]):
            firing = self._firing(rule, c, order)
            if firing is not None:
                self.firings[rule.number, c] = firing
                gained[c >> 6] |= np.uint64(1 << (c & 63))
        return board.put(rule.node, gained)

    def _possible(self, rule: Rule) -> Words:
        """The columns in which somebody who could ask acts."""
        board, at = self.board, self.board.graph.layout
        somebody = board.words[:, at.somebody]
        people = rule.holders.people(frozenset())
        if people is None:
            return somebody.copy()
        found: Words = np.bitwise_or.reduce(board.words[:, people], axis=1)
        for group in rule.holders.mentioned:
            found |= board.words[:, at.opened + group]
        for c, filled in self._filled.items():
            if rule.holders.takes_filled(filled.groups):
                found[c >> 6] |= np.uint64(1 << (c & 63))
        return found & somebody

    def _firing(self, rule: Rule, column: int, order: int) -> Firing | None:
        opened = self.opened(rule, column)
        if self.waived(rule, column):
            holder = self.holder(rule, opened, column)
            return Firing(order=order, quorum=holder, waived=True, opened=opened) if holder else None
        ballot = self.quorums.ballot(rule, opened)
        asking_counts, approving_counts = self._count(ballot.requesters, column), self._count(ballot.approvers, column)
        seating = self.quorums.least(ballot, asking_counts, approving_counts, 0, self._filled.get(column))
        if seating is None:
            return None
        asking = self.acting(ballot.requesters.people, column)
        approving = self.acting(ballot.approvers.people, column)
        quorum = self.quorums.name(ballot, seating, asking, approving)
        return Firing(order=order, quorum=quorum, waived=False, opened=opened)

    def _count(self, classes: Classes, column: int) -> Counts:
        key = (id(classes), column)
        found = self._counts.get(key)
        if found is None:
            found = self._counts[key] = classes.counts(self.acting(classes.people, column))
        return found

    def holder(self, rule: Rule, opened: frozenset[int], column: int) -> Quorum | None:
        """Anyone who acts and holds; waived terms ask nothing more, not even a distinct value."""
        filled = self._filled.get(column)
        if filled is not None and rule.holders.takes_filled(filled.groups, opened):
            return Quorum(outsiders=(), requester=FILLED, approvers=())
        people = rule.holders.people(opened)
        if people is None:
            people = np.arange(self.board.graph.layout.people, dtype=np.int32)
        ready = people[self.acting(people, column)]
        return Quorum(outsiders=(), requester=int(ready[0]), approvers=()) if ready.size else None

    def waived(self, rule: Rule, column: int) -> bool:
        return rule.terms != STANDING and self.true(self.board.graph.layout.waived + rule.terms, column)

    def opened(self, rule: Rule, column: int) -> frozenset[int]:
        """Of the groups that matter to the rule, those opened by enrolment."""
        at = self.board.graph.layout
        return frozenset(g for g in self.quorums.mentioned(rule) if self.true(at.opened + g, column))

    def acting(self, people: Ints, column: int) -> Flags:
        """Which of `people` act in a column."""
        word = self.board.words[column >> 6][people]
        found: Flags = (word >> np.uint64(column & 63)) & np.uint64(1) != 0
        return found

    def true(self, node: int, column: int) -> bool:
        return bool(int(self.board.words[column >> 6, node]) >> (column & 63) & 1)

    def filled(self, column: int) -> Filled | None:
        return self._filled.get(column)
