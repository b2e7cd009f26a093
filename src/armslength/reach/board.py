"""The board: what is true in each column so far, and all that follows from it by OR."""

from __future__ import annotations

import numpy as np

from armslength.reach.columns import Columns, Words
from armslength.reach.exposure import Exposure
from armslength.reach.graph import Graph
from armslength.reach.spread import Ints, spread


class Board:
    """`words` [W, N]: bit c of node n says that n is true in column c. Bits are only ever added."""

    def __init__(self, graph: Graph, columns: Columns) -> None:
        self.graph, self.columns = graph, columns
        self.words: Words = np.zeros((columns.words, graph.nodes), dtype=np.uint64)
        self.full = columns.full()
        self._key_source = np.array([k for k, _, _ in graph.keyed], dtype=np.int32)
        self._key_target = np.array([t for _, t, _ in graph.keyed], dtype=np.int32)
        by_states = {states: columns.of_states(states) for states in {s for _, _, s in graph.keyed}}
        masks = [by_states[states] for _, _, states in graph.keyed]
        self._key_mask = np.array(masks, dtype=np.uint64).reshape(-1, columns.words).T
        gated = [rule for rule in graph.rules if rule.gated]
        self._gated = np.array([r.node for r in gated if not r.enrolls], dtype=np.int32)
        self._gated_enrolling = np.array([r.node for r in gated if r.enrolls], dtype=np.int32)
        self._filled = columns.mask(c for c, column in enumerate(columns.each) if column.filled)

    def seed(self, exposure: Exposure) -> Ints:
        """The start of every column: who is exposed acts, what is hosted without a key is held, filled groups are
        available. Returns the nodes so set."""
        at = self.graph.layout
        sets = [self.columns.of_states(members) for members in exposure.sets]
        if at.people:
            self.words[:, : at.people] = np.array(sets, dtype=np.uint64).T[:, exposure.of]
        for node, states in self.graph.hosted:
            self.words[:, node] |= self.columns.of_states(states)
        for c, column in enumerate(self.columns.each):
            for group in column.filled:
                self.words[c >> 6, at.available + group] |= np.uint64(1 << (c & 63))
        return np.flatnonzero(self.words.any(axis=0)).astype(np.int32)

    def put(self, node: int, mask: Words) -> bool:
        """Set the bits of `mask` [W] on a node; whether any was new."""
        new = mask & ~self.words[:, node]
        self.words[:, node] |= mask
        return bool(new.any())

    def settle(self, frontier: Ints) -> Ints:
        """Let everything follow that does by OR, custody and the gate; returns the nodes that gained a bit."""
        touched = np.zeros(self.words.shape[1], dtype=np.bool_)
        touched[frontier] = True
        while frontier.size:
            touched[spread(self.words, self.graph.edges, frontier)] = True
            frontier = np.concatenate([self._somebody(), self._keys(), self._gate()])
            touched[frontier] = True
        return np.flatnonzero(touched).astype(np.int32)

    def _somebody(self) -> Ints:
        at = self.graph.layout
        acting = np.bitwise_or.reduce(self.words[:, : at.people], axis=1) | self._filled
        return np.array([at.somebody] if self.put(at.somebody, acting) else [], dtype=np.int32)

    def _keys(self) -> Ints:
        if not self._key_source.size:
            return self._key_source
        new = self.words[:, self._key_source] & self._key_mask & ~self.words[:, self._key_target]
        some = np.flatnonzero(new.any(axis=0))
        for row, gained in zip(self.words, new, strict=True):
            np.bitwise_or.at(row, self._key_target[some], gained[some])
        return self._key_target[some]

    def _gate(self) -> Ints:
        """Whoever holds the gate passes every term and permit (rule 7); an enrolment needs somebody to enrol."""
        at = self.graph.layout
        held = self.words[:, at.gate]
        if not held.any():
            return np.zeros(0, dtype=np.int32)
        gained = []
        for nodes, mask in (
            (self._gated, held),
            (self._gated_enrolling, held & self.words[:, at.somebody]),
        ):
            new = mask[:, None] & ~self.words[:, nodes]
            some = np.flatnonzero(new.any(axis=0))
            self.words[:, nodes[some]] |= new[:, some]
            gained.append(nodes[some])
        return np.concatenate(gained)
