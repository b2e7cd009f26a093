"""Paths: backwards along the graph, from a fact to the nearest thing that makes it true."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from armslength.reach.graph import Graph, Why
from armslength.reach.spread import Ints

KEYED, GATED, ACTING = -1, -2, -3
"""Links that are no edges of the graph: a key to its asset's custody, the gate to a rule, anyone who acts to
`everyone`."""

NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """`nodes` from a source to the target; `links[i]` leads from node i to node i + 1: an edge's number, or one of
    `KEYED`, `GATED`, `ACTING`."""

    nodes: tuple[int, ...]
    links: tuple[int, ...]


class Paths:
    """Shortest trails; the same for equal input."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._keys: dict[int, list[tuple[int, frozenset[int]]]] = {}
        for unlocks, custody, states in graph.keyed:
            self._keys.setdefault(custody, []).append((unlocks, states))
        self._gated = frozenset(rule.node for rule in graph.rules if rule.gated)
        self._climbed: dict[tuple[int, int], tuple[int, ...] | None] = {}

    def back(
        self, targets: tuple[int, ...], active: npt.NDArray[np.bool_], order: Ints, limit: int, state: int
    ) -> Trail:
        """From any of `targets` back to a node whose `order` [N] is below `limit`, over `active` [N] nodes.

        Raises LookupError when there is none: then the target was not true.
        """
        toward: dict[int, tuple[int, int] | None] = {t: None for t in targets if active[t]}
        queue = deque(toward)
        while queue:
            node = queue.popleft()
            if order[node] < limit:
                return self._trail(node, toward)
            for before, link in self._before(node, active, order, limit, state):
                if before not in toward:
                    toward[before] = (node, link)
                    queue.append(before)
        raise LookupError(targets)

    def climb(self, person: int, group: int) -> tuple[int, ...] | None:
        """The memberships from a person up to a group by the tables, or None."""
        if (person, group) not in self._climbed:
            self._climbed[person, group] = self._climb(person, group)
        return self._climbed[person, group]

    def _climb(self, person: int, group: int) -> tuple[int, ...] | None:
        goal, seen = self._graph.layout.available + group, {person}
        queue: deque[tuple[int, tuple[int, ...]]] = deque([(person, ())])
        while queue:
            node, rows = queue.popleft()
            if node == goal:
                return rows
            targets, origins = self._graph.edges.of(node)
            member = self._graph.why[origins] == Why.MEMBER
            for target, origin in zip(targets[member].tolist(), origins[member].tolist(), strict=True):
                if target not in seen:
                    seen.add(target)
                    queue.append((target, (*rows, int(self._graph.row[origin]))))
        return None

    def _before(
        self, node: int, active: npt.NDArray[np.bool_], order: Ints, limit: int, state: int
    ) -> Iterator[tuple[int, int]]:
        at = self._graph.layout
        sources, origins = self._graph.reverse.of(node)
        kept = np.flatnonzero(active[sources])
        # The sources among them come first: one is enough.
        for place in kept[np.argsort(order[sources[kept]], kind="stable")].tolist():
            yield int(sources[place]), int(origins[place])
        for unlocks, states in self._keys.get(node, ()):
            if state in states and active[unlocks]:
                yield unlocks, KEYED
        if node in self._gated and active[at.gate]:
            yield at.gate, GATED
        if node == at.somebody:
            acting = np.flatnonzero(active[: at.people])
            first = acting[order[acting] < limit][:1]
            for person in (first if first.size else acting).tolist():
                yield int(person), ACTING

    @staticmethod
    def _trail(node: int, toward: dict[int, tuple[int, int] | None]) -> Trail:
        nodes, links = [node], []
        step = toward[node]
        while step is not None:
            nodes.append(step[0])
            links.append(step[1])
            step = toward[step[0]]
        return Trail(nodes=tuple(nodes), links=tuple(links))
