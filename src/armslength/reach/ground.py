"""The ground: all that is true for given accomplices, quorums included; with none, what each state has by itself."""

from __future__ import annotations

from dataclasses import dataclass

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
    """Runs rules on a board until nothing changes."""

    def __init__(self, board: Board, quorums: Quorums) -> None:
        self.board, self.quorums = board, quorums
        self.firings: dict[tuple[int, int], Firing] = {}
        at = board.graph.layout
        upward = board.graph.estate.settings.upward
        self._filled = {
            c: Filled(
                groups=column.filled,
                exposed=0 if column.state == ANY else quorums.mask(upward[column.state]),
            )
            for c, column in enumerate(board.columns.each)
            if column.filled
        }
        self._rules = [rule for rule in board.graph.rules if rule.holders.ways]
        self._counts: dict[tuple[int, int], Counts] = {}
        self._holding: dict[int, Ints | None] = {}
        self._watch: dict[int, Ints | None] = {}
        for rule in self._rules:
            holding = self._holding[rule.number] = rule.holders.people(frozenset())
            approving = quorums.ballot(rule, frozenset()).approvers.people
            groups = np.array([at.opened + g for g in quorums.mentioned(rule)], dtype=np.int32)
            waived = np.array([at.waived + rule.terms] if rule.terms != STANDING else [], dtype=np.int32)
            watched = None if holding is None else np.concatenate([holding, approving, groups, waived])
            self._watch[rule.number] = watched

    def run(self, frontier: Ints) -> None:
        """Settle the board and fire every rule that can, round after round."""
        at = self.board.graph.layout
        touched = self.board.settle(frontier)
        order = 0
        while True:
            order += 1
            hit = np.zeros(self.board.graph.nodes, dtype=np.bool_)
            hit[touched] = True
            # Once a group is open to all who act, any new actor may matter to any rule.
            everywhere = order == 1 or bool(self.board.words[:, at.opened : at.opened + at.groups].any())
            fired: list[int] = []
            for rule in self._rules:
                watch = self._watch[rule.number]
                if (everywhere or watch is None or hit[watch].any()) and self._fire(rule, order):
                    fired.append(rule.node)
            if not fired:
                return
            touched = self.board.settle(np.array(fired, dtype=np.int32))
            if (touched < at.people).any():
                self._counts.clear()

    def _fire(self, rule: Rule, order: int) -> bool:
        board = self.board
        gained = np.zeros(board.columns.words, dtype=np.uint64)
        for c in bits(self._possible(rule) & ~board.words[:, rule.node]):
            firing = self._firing(rule, c, order)
            if firing is not None:
                self.firings[rule.number, c] = firing
                gained[c >> 6] |= np.uint64(1 << (c & 63))
        return board.put(rule.node, gained)

    def _possible(self, rule: Rule) -> Words:
        """The columns in which somebody who could ask acts."""
        board, at = self.board, self.board.graph.layout
        somebody = board.words[:, at.somebody]
        people = self._holding[rule.number]
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
