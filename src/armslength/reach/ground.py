"""The ground: all that is true for given accomplices, quorums included; with none, what each state has by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np

from armslength.reach.ballot import Ballot, Filled
from armslength.reach.board import Board
from armslength.reach.classes import Classes, Counts
from armslength.reach.columns import ANY, Columns, Words, bits, moved
from armslength.reach.quorum import FILLED, Quorum, Quorums
from armslength.reach.rules import STANDING, Rule
from armslength.reach.shortage import Tally, shortage, tally
from armslength.reach.spread import Flags, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """Why a rule holds in a column: `order` grows with each round. `waived`: the terms were waived, so the quorum is
    its requester alone. `opened`: the groups then open, of those that matter to the rule."""

    order: int
    quorum: Quorum
    waived: bool
    opened: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Watch:
    """Of these `nodes` any that is new may make a rule fire; or of all people, if `anybody`."""

    nodes: Ints
    anybody: bool


class Ground:
    """Runs rules on a board until nothing changes. `firings`: what is known to fire; `left`: the columns in which a
    rule may fire besides, by its number (all of them where it has no entry). `uncounted`: the columns with members of
    unknown groups."""

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
        self._filled = {
            c: Filled(
                groups=column.filled,
                exposed=0 if column.state == ANY else quorums.above(column.state),
            )
            for c, column in enumerate(board.columns.each)
            if column.filled
        }
        self.uncounted = list(self._filled)
        self._left = left
        self._rules = [
            rule for rule in board.graph.rules if rule.holders.ways and left.get(rule.number, board.full).any()
        ]
        self._counts: dict[int, Counts] = {}
        self._tallies: dict[int, Tally] = {}
        self._watched: dict[int, Watch | None] = {} if like is None else like._watched

    def __getstate__(self) -> dict[str, object]:
        """For another process, once it has run: what was left to try, and what serves to try it, stays here."""
        return {**vars(self), "_left": {}, "_counts": {}, "_tallies": {}, "_watched": {}}

    def part(self, columns: Sequence[int]) -> Ground:
        """Some of its columns, in this order, once it has run. Keeps nothing itself any more that only serves to run
        on."""
        self._counts.clear()
        self._tallies.clear()
        each = self.board.columns.each
        board = Board(self.board.graph, Columns(tuple(each[c] for c in columns)))
        board.words = moved(self.board.words, zip(columns, range(len(columns)), strict=True), board.columns.words)
        place = {c: i for i, c in enumerate(columns)}
        firings = {(number, place[c]): firing for (number, c), firing in self.firings.items() if c in place}
        return Ground(board, self.quorums, like=self, firings=firings)

    def _watch(self, rule: Rule) -> Watch | None:
        """What is new where the rule may come to fire; None for anything."""
        if rule.number not in self._watched:
            at, quorums = self.board.graph.layout, self.quorums
            holding = rule.holders.people(frozenset())
            approving = quorums.ballot(rule, frozenset()).approvers.people
            groups = np.array([at.opened + g for g in quorums.mentioned(rule)], dtype=np.int32)
            waived = np.array([at.waived + rule.terms] if rule.terms != STANDING else [], dtype=np.int32)
            watched = None
            if holding is not None:
                # Of so many people, that anybody is new says as much.
                many = len(holding) + len(approving) > at.people
                some = [groups, waived] if many else [holding, approving, groups, waived]
                watched = Watch(anybody=many, nodes=np.concatenate(some))
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
                self._tallies.clear()

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
        found: Words = np.bitwise_or.reduce(fresh[:, watch.nodes], axis=1)
        return found | anybody if watch.anybody else found

    def _fire(self, rule: Rule, order: int, some: Words) -> bool:
        board = self.board
        some = some & self._left.get(rule.number, board.full) & ~board.words[:, rule.node]
        some = some & self._possible(rule) if some.any() else some
        gained = np.zeros(board.columns.words, dtype=np.uint64)
        for opened, columns in self.openings(rule, some):
            for c, firing in self._firings(rule, opened, columns, order):
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

    def _firings(self, rule: Rule, opened: frozenset[int], columns: Words, order: int) -> Iterator[tuple[int, Firing]]:
        """Of columns in which the same groups are `opened`, those in which the rule fires, and why."""
        waived = self.waiving(rule) & columns
        for c in bits(waived):
            holder = self.holder(rule, opened, c)
            if holder is not None:
                yield c, Firing(order=order, quorum=holder, waived=True, opened=opened)
        columns = columns & ~waived
        if not columns.any():
            return
        ballot = self.quorums.ballot(rule, opened)
        asking, approving = self.counts(ballot.requesters), self.counts(ballot.approvers)
        short = self.short(ballot)
        for c in bits(columns):
            if short[c]:
                continue
            seating = self.quorums.least(ballot, asking[c], approving[c], 0, self._filled.get(c))
            if seating is not None:
                quorum = self.quorums.name(ballot, seating, partial(self.acting, column=c))
                yield c, Firing(order=order, quorum=quorum, waived=False, opened=opened)

    def short(self, ballot: Ballot) -> Counts:
        """Shape [columns]: how many outsiders a ballot takes at the least; what is told is a bound from below."""
        found = shortage(ballot, self.tally(ballot.requesters, True), self.tally(ballot.approvers, False))
        found[self.uncounted] = 0
        return found

    def counts(self, classes: Classes) -> Counts:
        """Shape [columns, n]: how many of each class act."""
        found = self._counts.get(id(classes))
        if found is None:
            # A copy: of whole words there may be twice as many.
            found = classes.tallied(self.board.words)[: len(self.board.columns)].copy()
            self._counts[id(classes)] = found
        return found

    def tally(self, classes: Classes, asking: bool) -> Tally:
        """The same as far as it tells how many outsiders a ballot takes; `asking`: of requesters."""
        found = self._tallies.get(id(classes))
        if found is None:
            found = self._tallies[id(classes)] = tally(classes, self.counts(classes), asking)
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

    def waiving(self, rule: Rule) -> Words:
        """The columns in which the terms of the rule are waived."""
        if rule.terms == STANDING:
            return np.zeros(self.board.columns.words, dtype=np.uint64)
        found: Words = self.board.words[:, self.board.graph.layout.waived + rule.terms]
        return found

    def openings(self, rule: Rule, columns: Words) -> list[tuple[frozenset[int], Words]]:
        """Columns by the groups that are then `opened`."""
        at, found = self.board.graph.layout, [(frozenset[int](), columns)] if columns.any() else []
        for group in self.quorums.mentioned(rule):
            true = self.board.words[:, at.opened + group]
            if true.any():
                parts = [(o | {group}, mask & true) for o, mask in found] + [(o, mask & ~true) for o, mask in found]
                found = [(o, mask) for o, mask in parts if mask.any()]
        return found

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
