"""Admission: in which rules people may have a part, by the tables or because anybody may, for all rules at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from armslength.reach.columns import Words
from armslength.reach.crowd import Way
from armslength.reach.rules import Rule
from armslength.reach.spread import Flags, Ints

if TYPE_CHECKING:
    from armslength.reach.solution import Model


SPARSE = 8
"""Where at most one in so many of the crowds has anything, only those are looked at."""


class Admission:
    """`nodes`: those of rules in which somebody may have a part by the tables. `anyone`: rules in which anybody may,
    with the ways to it; `open_nodes` are theirs."""

    def __init__(self, model: Model) -> None:
        rules, at = model.graph.rules, model.graph.layout
        number: dict[int, int] = {}
        crowds: list[Ints] = []
        pairs: list[tuple[int, int]] = []
        self.anyone: list[tuple[Rule, list[Way]]] = []
        for rule in rules:
            ways = list[Way]()
            for way in (way for crowd in model.quorums.crowds(rule) for way in crowd.ways):
                if way.people is None:
                    ways.append(way)
                elif len(way.people):
                    # Many rules have the same crowd.
                    if id(way.people) not in number:
                        number[id(way.people)] = len(crowds)
                        crowds.append(way.people)
                    pairs.append((number[id(way.people)], rule.node))
            if ways:
                self.anyone.append((rule, ways))
        self._people = np.concatenate([np.zeros(0, dtype=np.int32), *crowds])
        self._start = np.cumsum([0, *(len(people) for people in crowds)])[:-1]
        self._crowd, self._node = np.array(pairs, dtype=np.int32).reshape(-1, 2).T
        self.nodes, place = np.unique(self._node, return_inverse=True)
        self._place = place.astype(np.int32)
        self.open_nodes = np.array([rule.node for rule, _ in self.anyone], dtype=np.int32)
        open_ways = [(n, way.opened) for n, (_, some) in enumerate(self.anyone) for way in some]
        self._always = np.array([n for n, groups in open_ways if not groups], dtype=np.int32)
        one = [(n, at.opened + g) for n, groups in open_ways if len(groups) == 1 for g in groups]
        self._one, self._group = np.array(one, dtype=np.int32).reshape(-1, 2).T
        self._more = [(n, [at.opened + g for g in groups]) for n, groups in open_ways if len(groups) > 1]

    def of(self, person: int) -> Ints:
        """The nodes of rules in which a person may have a part by the tables."""
        crowds = np.searchsorted(self._start, np.flatnonzero(self._people == person), side="right") - 1
        return np.unique(self._node[np.isin(self._crowd, crowds)])

    def carried(self, words: Words) -> Words:
        """Shape [W, n]: what anybody of the crowds has in `words` [W, N], by `nodes`."""
        found: Words = np.zeros((len(words), len(self.nodes)), dtype=np.uint64)
        if self._people.size:
            put(found, self._place, self._any(words)[:, self._crowd])
        return found

    def _any(self, words: Words) -> Words:
        """Shape [W, crowds]: what anybody of each crowd has."""
        touched: Flags = np.any(words, axis=0)
        places = np.flatnonzero(touched[self._people])
        if SPARSE * len(places) > len(self._people):
            dense: Words = np.bitwise_or.reduceat(words[:, self._people], self._start, axis=1)
            return dense
        found: Words = np.zeros((len(words), len(self._start)), dtype=np.uint64)
        put(found, np.searchsorted(self._start, places, side="right") - 1, words[:, self._people[places]])
        return found

    def open(self, true: Words) -> Words:
        """Shape [W, n]: where anybody may have a part as groups are open in `true` [W, N], by `open_nodes`."""
        found: Words = np.zeros((len(true), len(self.open_nodes)), dtype=np.uint64)
        put(found, self._one, true[:, self._group])
        found[:, self._always] = ~np.uint64(0)
        for n, groups in self._more:
            found[:, n] |= np.bitwise_and.reduce(true[:, groups], axis=1)
        return found


def put(words: Words, places: npt.NDArray[np.integer], masks: Words) -> None:
    """Add `masks` [W, n] at `places` [n] of `words`; a place may come twice."""
    for row, mask in zip(words, masks, strict=True):
        np.bitwise_or.at(row, places, mask)
