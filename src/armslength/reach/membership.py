"""Membership by the tables alone: who is in a group through nesting, cycles allowed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from armslength.estate import Estate, Kind
from armslength.reach.spread import Edges, Ints, edges


class Membership:
    """Answers are cached: groups that matter are few, groups that exist are many."""

    def __init__(self, estate: Estate) -> None:
        groups, self.count = estate.groups, len(estate.groups.ids)
        self._people_count = len(estate.people.ids)
        nested = groups.member_kind == int(Kind.GROUP)
        self._below: Edges = edges(self.count, groups.group[nested], groups.member[nested])
        self._above: Edges = edges(self.count, groups.member[nested], groups.group[nested])
        self._direct: Edges = edges(self.count, groups.group[~nested], groups.member[~nested])
        self._into: Edges = edges(self._people_count, groups.member[~nested], groups.group[~nested])
        self._members: dict[int, Ints] = {}
        self._up: dict[int, frozenset[int]] = {}

    def members(self, group: int) -> Ints:
        """People indexes, ascending, who are in `group` through nesting."""
        found = self._members.get(group)
        if found is None:
            parts = [self._direct.of(g)[0] for g in self._closure(self._below, group)]
            found = np.unique(np.concatenate(parts)).astype(np.int32) if parts else np.zeros(0, np.int32)
            self._members[group] = found
        return found

    def is_member(self, group: int) -> npt.NDArray[np.bool_]:
        """Shape [P]."""
        found = np.zeros(self._people_count, dtype=np.bool_)
        found[self.members(group)] = True
        return found

    def groups(self, person: int) -> frozenset[int]:
        """The groups that a person is in through nesting. Not cached: people are many."""
        return frozenset().union(*(self.upward(group) for group in set(self._into.of(person)[0].tolist())))

    def within(self, group: int) -> frozenset[int]:
        """`group` and the groups nested in it."""
        return frozenset(self._closure(self._below, group))

    def upward(self, group: int) -> frozenset[int]:
        """`group` and the groups that it is nested in."""
        found = self._up.get(group)
        if found is None:
            found = self._up[group] = frozenset(self._closure(self._above, group))
        return found

    @staticmethod
    def _closure(graph: Edges, first: int) -> list[int]:
        seen, stack = {first}, [first]
        while stack:
            for nxt in graph.of(stack.pop())[0].tolist():
                if nxt not in seen:
                    seen.add(nxt)
                    stack.append(nxt)
        return sorted(seen)
