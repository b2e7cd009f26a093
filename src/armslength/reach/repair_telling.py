"""Tellings: trails read off a board, and the clauses that they make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from armslength.estate import Kind
from armslength.reach.exposure import Exposure
from armslength.reach.floors import Pair
from armslength.reach.graph import Why
from armslength.reach.paths import Trail
from armslength.reach.repair_clause import Clause, clause
from armslength.reach.repair_trace import Scene, Support, Trace
from armslength.reach.spread import Ints

T = TypeVar("T")
ALIKE = 24
"""Members of one group traced for one way through it."""


@dataclass(slots=True)
class Answer:
    """`broken` pairs; `clauses` that the plan does not meet, and for `hopeless` pairs what they rest on. `few`: these
    are few, and every level was looked at."""

    few: bool = False
    broken: list[Pair] = field(default_factory=list)
    clauses: list[Clause] = field(default_factory=list)
    hopeless: dict[Pair, Support] = field(default_factory=dict)


class Tellings:
    """The clauses of one plan looked at, told into `answer`; equal ways are worked out once."""

    def __init__(self, scene: Scene, exposure: Exposure, states: tuple[int, ...]) -> None:
        self.answer = Answer()
        self._scene, self._menu, self._graph = scene, scene.menu, scene.model.graph
        self._exposure, self._states = exposure, states
        self._made: dict[int, tuple[Clause, Support]] = {}
        self._plain: dict[tuple[int, tuple[int, ...]], Support] = {}
        self._counts: dict[tuple[int, int], tuple[int, int]] = {}

    def tell(self, pair: Pair, trace: Trace, trail: Trail, order: Ints, outsiders: tuple[int, ...] | None) -> None:
        """A clause for a trail, and for some others that differ only in who begins it. `outsiders` None: whoever
        begins it
        joins."""
        state = self._states[pair[0]]
        for way in self._alike(trail, order):
            support = self._support(pair[0], trace, way)
            joined = outsiders
            if joined is None:
                first = way.nodes[0]
                person = first < self._graph.layout.people
                within = person and state in self._exposure.sets[int(self._exposure.of[first])]
                joined = (first,) if person and not within else ()
            known = self._made.get(id(support))
            if known is None:
                known = self._made[id(support)] = (clause(self._menu, support.standing), support)
            if known[0].hopeless:
                self.answer.hopeless.setdefault(pair, support)
                return
            others = self._others(pair[0], known[0], tuple(joined))
            made = replace(known[0], pair=pair, outsiders=tuple(joined), others=others)
            self.answer.clauses.append(made)

    def _others(self, c: int, made: Clause, outsiders: tuple[int, ...]) -> dict[int, int]:
        """For each membership that could be dropped: how many more in its group are, like its member, an outsider or
        one whom the state can compel."""
        menu, groups, found = self._menu, self._menu.estate.groups, dict[int, int]()
        for o in made.any_of:
            row = menu.key[o] - menu.grants
            if row >= 0 and groups.member_kind[row] == Kind.PERSON:
                compelled, total = self._sides(c, int(groups.group[row]))
                found[o] = max(0, (total - compelled if int(groups.member[row]) in outsiders else compelled) - 1)
        return found

    def _sides(self, c: int, group: int) -> tuple[int, int]:
        """Of a group's members: how many the state of a column can compel, and all."""
        found = self._counts.get((c, group))
        if found is None:
            people = self._scene.model.membership.members(group)
            within = [self._states[c] in members for members in self._exposure.sets]
            compelled = int(np.array(within, dtype=np.bool_)[self._exposure.of[people]].sum())
            found = self._counts[c, group] = (compelled, len(people))
        return found

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
        for place in some(fits.tolist(), ALIKE):
            if int(origins[place]) != trail.links[0]:
                yield Trail(
                    nodes=(int(sources[place]), *trail.nodes[1:]), links=(int(origins[place]), *trail.links[1:])
                )


def some(items: list[T], most: int) -> list[T]:
    """At most so many, evenly spread."""
    if len(items) <= most:
        return items
    return [items[i * len(items) // most] for i in range(most)]
