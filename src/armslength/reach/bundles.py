"""Bundles: what one person, or one quorum with a power, brings along by OR: identities, opened groups, waived terms."""

from __future__ import annotations

import numpy as np

from armslength.reach.columns import Words, as_int, bits
from armslength.reach.graph import Graph
from armslength.reach.inflow import Inflows
from armslength.reach.membership import Membership
from armslength.reach.spread import Flags, Ints, spread

CHUNK = 64
NONE: frozenset[int] = frozenset()
FEW = 512
"""Of so many people, all words are looked at together."""

SPARSE = 8
"""Where at most one person in so many is made to act, those few are listed, source by source."""


class Bundles:
    """Bit h of a mask is source h: first the holders of standing powers, then the rules with powers.

    `holds` [Wh, P]: the sources that a person is by the tables. `assumes` [Wh, P]: the sources that make a person act.
    """

    def __init__(self, graph: Graph, holds: Words, assumes: Words, opens: Words, waives: Words) -> None:
        """`opens` [Wh, G]: the sources that open a group, `waives` [Wh, T] those that waive terms."""
        self._rules = tuple(rule for rule in graph.rules if rule.power)
        self._standing = len(graph.power_sources)
        self.words = len(holds)
        self.holds, self.assumes, self.opens, self.waives = holds, assumes, opens, waives
        self._brought: dict[bytes, Ints] = {}
        self._acts: dict[int, Ints] = {}
        self._openers: dict[int, int] = {}
        self._opening_of: dict[frozenset[int], tuple[tuple[int, int], ...]] = {}
        self._waivers: dict[int, int] = {}
        self._sources_of: dict[int, tuple[int, int]] = {}
        self.inflows = Inflows(self)
        self.rule_bit = {rule.number: self._standing + i for i, rule in enumerate(self._rules)}

    @classmethod
    def of(cls, graph: Graph, membership: Membership) -> Bundles:
        """All of them, by the graph."""
        at = graph.layout
        rule_nodes = np.array([rule.node for rule in graph.rules if rule.power], dtype=np.int32)
        sources = np.concatenate([graph.power_sources, rule_nodes])
        words = max(1, -(-len(sources) // CHUNK))
        holds, assumes = np.zeros((2, words, at.people), dtype=np.uint64)
        opens: Words = np.zeros((words, at.groups), dtype=np.uint64)
        waives: Words = np.zeros((words, at.terms), dtype=np.uint64)
        for w in range(words if len(sources) else 0):
            mine = sources[w * CHUNK : (w + 1) * CHUNK]
            board: Words = np.zeros((1, graph.nodes), dtype=np.uint64)
            np.bitwise_or.at(board[0], mine, np.uint64(1) << np.arange(len(mine), dtype=np.uint64))
            for h in range(len(mine)):
                # A source that is a person acts anyway; what it brings is the rest.
                if w * CHUNK + h < len(graph.power_sources):
                    people = _people_of(graph, int(mine[h]), membership)
                    holds[w, slice(None) if people is None else people] |= np.uint64(1 << h)
            spread(board, graph.edges, np.unique(mine))
            assumes[w] = board[0, : at.people]
            for h, node in enumerate(mine.tolist()):
                if node < at.people:
                    # Whoever is the source acts already.
                    assumes[w, node] &= ~np.uint64(1 << h)
            opens[w] = board[0, at.opened : at.opened + at.groups]
            waives[w] = board[0, at.waived : at.waived + at.terms]
        return cls(graph, holds, assumes, opens, waives)

    def among(self, graph: Graph, stay: Flags) -> Bundles:
        """The same on a graph without the people who do not `stay` [P], who brought nothing else."""
        return Bundles(graph, self.holds[:, stay], self.assumes[:, stay], self.opens, self.waives)

    def sources(self, person: int) -> tuple[int, int]:
        """The sources that a person is by the tables, and those that make the person act, a bit each."""
        found = self._sources_of.get(person)
        if found is None:
            found = self._sources_of[person] = (as_int(self.holds[:, person]), as_int(self.assumes[:, person]))
        return found

    def standing(self, mask: Words) -> Words:
        """The part of a mask [Wh] that people hold."""
        return self._split(mask, of_rules=False)

    def rules(self, mask: Words) -> list[int]:
        """The numbers of the rules in a mask [Wh]."""
        return [self._rules[h - self._standing].number for h in bits(self._split(mask, of_rules=True))]

    def _split(self, mask: Words, of_rules: bool) -> Words:
        out = mask.copy()
        for w in range(self.words):
            below = min(max(self._standing - w * CHUNK, 0), CHUNK)
            standing = np.uint64((1 << below) - 1)
            out[w] &= ~standing if of_rules else standing
        return out

    def mask_of_rules(self, numbers: list[int]) -> Words:
        """The mask [Wh] of some rules with powers."""
        out: Words = np.zeros(self.words, dtype=np.uint64)
        for number in numbers:
            h = self.rule_bit[number]
            out[h // CHUNK] |= np.uint64(1 << (h % CHUNK))
        return out

    def fired(self, mask: Words, number: int) -> bool:
        """Whether a rule with powers is in a mask [Wh]."""
        h = self.rule_bit[number]
        return bool(int(mask[h // CHUNK]) >> (h % CHUNK) & 1)

    def assumed(self, mask: Words, people: Ints) -> Flags:
        """Which of `people` any source of a mask makes act."""
        if len(people) < FEW:
            bringing = np.bitwise_or.reduce(self.assumes[:, people] & mask[:, None], axis=0)
            few: Flags = bringing != 0
            return few
        found = np.zeros(len(people), dtype=np.bool_)
        for w in np.flatnonzero(mask):
            found |= self.assumes[w][people] & mask[w] != 0
        return found

    def holders(self, mask: Words) -> Ints:
        """Who is any source of a mask [Wh] by the tables: people indexes, ascending."""
        return np.flatnonzero(_any(self.holds, mask)).astype(np.int32)

    def bare(self, mask: Words) -> Flags:
        """Shape [P]: whom no source of a mask [Wh] makes act."""
        return ~_any(self.assumes, mask)

    def brought(self, mask: Words) -> Ints:
        """Everyone whom any source of a mask makes act: people indexes, ascending."""
        key = mask.tobytes()
        found = self._brought.get(key)
        if found is None:
            if self.sparse(mask, self.assumes.shape[1]):
                parts = [self.acting(source) for source in bits(mask)]
                found = np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int32)
            else:
                found = np.flatnonzero(_any(self.assumes, mask)).astype(np.int32)
            self._brought[key] = found
        return found

    def sparse(self, mask: Words, people: int) -> bool:
        """Whether the sources of a mask plainly make few act, for so many people."""
        return SPARSE * sum(len(self.acting(source)) for source in bits(mask)) <= people

    def acting(self, source: int) -> Ints:
        """Whom a source makes act, ascending."""
        found = self._acts.get(source)
        if found is None:
            word, bit = self.assumes[source // CHUNK], np.uint64(1 << source % CHUNK)
            found = self._acts[source] = np.flatnonzero(word & bit).astype(np.int32)
        return found

    def opened(self, mask: Words, groups: frozenset[int]) -> frozenset[int]:
        """Of `groups`, those that any source of a mask opens."""
        some = self._opening_of.get(groups)
        if some is None:
            all_of_them = [(g, self._opening(g)) for g in groups]
            some = self._opening_of[groups] = tuple([(g, openers) for g, openers in all_of_them if openers])
        if not some:
            return NONE
        held = as_int(mask)
        return frozenset([g for g, openers in some if openers & held])

    def _opening(self, group: int) -> int:
        """The sources that open a group, a bit each."""
        found = self._openers.get(group)
        if found is None:
            found = self._openers[group] = as_int(self.opens[:, group])
        return found

    def waived(self, mask: Words, terms: int) -> bool:
        if terms < 0:
            return False
        found = self._waivers.get(terms)
        if found is None:
            found = self._waivers[terms] = as_int(self.waives[:, terms])
        return bool(found and found & as_int(mask))


def _people_of(graph: Graph, node: int, membership: Membership) -> Ints | None:
    """Who is a source by the tables; None for everyone."""
    at = graph.layout
    if node < at.people:
        return np.array([node], dtype=np.int32)
    if node == at.somebody:
        return None
    if node < at.somebody:
        return membership.members(node - at.available)
    edges = graph.reverse
    sources, _ = edges.of(node)
    return np.unique(sources).astype(np.int32)


def _any(words: Words, mask: Words) -> Flags:
    """Shape [P]: who has any bit of a mask [Wh] in `words` [Wh, P]."""
    found = np.zeros(words.shape[1], dtype=np.bool_)
    for w in np.flatnonzero(mask):
        found |= words[w] & mask[w] != 0
    return found
