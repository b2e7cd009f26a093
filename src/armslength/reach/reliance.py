"""Reliance: which accomplices of a solution may have counted on certain people.

A derivation that somebody has no part in stands without them, and whatever they are exposed to. They have none in it if
they are no accomplices, do not act on the ground and nothing makes them act that takes accomplices. So it is looked
backwards from them, along all that was not true on the ground, for those who might bring it about. Nobody else helps
with that, so of these there are as many among the accomplices as it takes at the least.

A quorum in which anybody may sit once a group is open rests on what opens the group, so one of those who may do that is
among the accomplices; then anybody may be among those who help.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from armslength.reach.columns import Words, are_set, bits, is_set
from armslength.reach.former import Former
from armslength.reach.rules import STANDING, Rule
from armslength.reach.spread import Flags, Ints

if TYPE_CHECKING:
    from armslength.reach.ascent import Reached
    from armslength.reach.solution import Solution

Small = npt.NDArray[np.int8]
MOST = int(np.iinfo(np.int8).max)


class Reliance:
    """On `people`, of a solution whose indexes and columns are meant throughout."""

    def __init__(self, solution: Solution, reached: Reached, people: Ints) -> None:
        self._model = solution.model
        graph = self._model.graph
        self._ground = solution.ground.board.words
        # What is true on the ground takes no accomplice, and what nobody came to is in no derivation.
        self._allowed: Words = reached.board.words & ~self._ground
        self._rules = {rule.node: rule for rule in graph.rules}
        self._key_source = np.array([k for k, _, _ in graph.keyed], dtype=np.int32)
        self._key_target = np.array([t for _, t, _ in graph.keyed], dtype=np.int32)
        self._them = frozenset(people.tolist())
        self._are_them: Flags = np.zeros(max(1, graph.layout.people), dtype=np.bool_)
        self._are_them[people] = True
        # Where they act anyway, everybody may have counted on them.
        self._everybody: Words = np.bitwise_or.reduce(self._ground[:, people], axis=1)
        # Where anybody may have helped once a group was open.
        self._loose: Words = np.zeros_like(self._everybody)
        self._words: Words = np.zeros_like(self._allowed)
        self._words[:, people] = self._allowed[:, people]
        border = self._border(people)
        self._fewest(reached, border)
        frontier = border
        while frontier.size:
            frontier = self._back(frontier)

    def on(self, former: Former) -> Flags:
        """Shape [n]: which of some former coalitions may have counted on some of the people."""
        row, bit = former.was >> 6, (former.was & 63).astype(np.uint64)
        helping = (are_set(self._words, former.people, former.was[:, None]) & former.there).sum(axis=1)
        loose = self._loose[row] >> bit & np.uint64(1) != 0
        helping = np.where(loose & (helping > 0), former.there.sum(axis=1), helping)
        found: Flags = self.plainly(former) | (helping >= self._least[former.was])
        return found

    def plainly(self, former: Former) -> Flags:
        """The same, though they need not make any of the people act for it."""
        everybody = self._everybody[former.was >> 6] >> (former.was & 63).astype(np.uint64) & np.uint64(1) != 0
        found: Flags = everybody | (self._are_them[former.people] & former.there).any(axis=1)
        return found

    def _border(self, people: Ints) -> Ints:
        """All that makes the people act by OR."""
        found, frontier = [people], people
        while frontier.size:
            frontier = self._along(self._flags(frontier))
            found.append(frontier)
        return np.unique(np.concatenate(found)).astype(np.int32)

    def _fewest(self, reached: Reached, border: Ints) -> None:
        """Note by column how many accomplices it takes at the least to make any of the people act, and the rules that
        do."""
        count = len(reached.board.columns)
        self._least: Small = np.full(count, MOST, dtype=np.int8)
        self._last: list[set[int] | None] = [set() for _ in range(count)]
        for node in border.tolist():
            rule = self._rules.get(node)
            if node in self._them or rule is None and node >= self._model.graph.layout.people:
                continue
            for c in bits(self._words[:, node]):
                known, last = None if rule is None else reached.made.get((rule.number, c)), self._last[c]
                self._least[c] = min(self._least[c], known[0] if known is not None else 1)
                if rule is None or known is None:
                    self._last[c] = None
                elif last is not None:
                    last.add(rule.number)

    def last(self, column: int) -> tuple[frozenset[int], frozenset[int] | None] | None:
        """The rules that make any of the people act in a column, and all by which these may have come to fire, by
        number (None where any may have helped); None where something else makes them act."""
        found = self._last[column]
        if found is None:
            return None
        if int(self._loose[column >> 6]) >> (column & 63) & 1:
            return frozenset(found), None
        rules = [rule.number for node, rule in self._rules.items() if is_set(self._words, node, column)]
        return frozenset(found), frozenset(rules)

    def _back(self, frontier: Ints) -> Ints:
        """The nodes from which one edge or rule leads to the frontier, as far as they are new."""
        graph, there = self._model.graph, self._flags(frontier)
        gained = [self._along(there)]
        keys = np.flatnonzero(there[self._key_target])
        gained.append(self._put(self._key_source[keys], self._words[:, self._key_target[keys]]))
        if there[graph.layout.somebody]:
            self._everybody |= self._words[:, graph.layout.somebody]
        for node in frontier[frontier >= graph.layout.rules].tolist():
            rule = self._rules.get(node)
            if rule is not None:
                premises = self._premises(rule)
                gained.append(self._put(premises, np.repeat(self._words[:, [node]], len(premises), axis=1)))
        return np.unique(np.concatenate(gained)).astype(np.int32)

    def _flags(self, nodes: Ints) -> Flags:
        found: Flags = np.zeros(self._model.graph.nodes, dtype=np.bool_)
        found[nodes] = True
        return found

    def _along(self, there: Flags) -> Ints:
        """Back along edges; the nodes that are new."""
        graph = self._model.graph.edges
        place = np.flatnonzero(there[graph.target])
        source = (np.searchsorted(graph.start, place, side="right") - 1).astype(np.int32)
        return self._put(source, self._words[:, graph.target[place]])

    def _premises(self, rule: Rule) -> Ints:
        """All that the firing of a rule may rest on; where anybody may sit, that is noted for everybody."""
        at, quorums = self._model.graph.layout, self._model.quorums
        found = [np.array([at.opened + g for g in sorted(quorums.mentioned(rule))], dtype=np.int32)]
        for crowd in quorums.crowds(rule):
            for way in crowd.ways:
                if way.people is not None:
                    found.append(way.people)
                    continue
                # What opens a group comes before whoever is let in, so groups that are open on the ground count.
                mask = self._words[:, rule.node].copy()
                for group in way.opened:
                    mask &= self._ground[:, at.opened + group]
                self._everybody |= mask
                self._loose |= self._words[:, rule.node]
        more = [at.waived + rule.terms] if rule.terms != STANDING else []
        more += [at.gate] if rule.gated else []
        more += [at.somebody] if rule.enrolls else []
        return np.concatenate([*found, np.array(more, dtype=np.int32)]).astype(np.int32)

    def _put(self, nodes: Ints, masks: Words) -> Ints:
        gained = []
        for row, free, mask in zip(self._words, self._allowed, masks, strict=True):
            new = mask & free[nodes] & ~row[nodes]
            some = np.flatnonzero(new)
            np.bitwise_or.at(row, nodes[some], new[some])
            gained.append(nodes[some])
        return np.unique(np.concatenate(gained)).astype(np.int32)
