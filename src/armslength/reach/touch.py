"""Touch: what may have become more or less true from one model to the next, and in which columns.

Whatever is not touched has the same derivations in both, whoever the accomplices are: none of its premises is touched,
and it has the same edges, and the same people with the same looks in its crowds. What is only touched as less true
needs as many accomplices as before or more, what is only touched as more true as many or fewer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from armslength.reach.columns import Columns, Words
from armslength.reach.crowd import Way
from armslength.reach.matching import Matching
from armslength.reach.rules import STANDING, Rule
from armslength.reach.seeds import seeds
from armslength.reach.spread import Edges, Ints, edges, outgoing
from armslength.reach.standins import StandIns

if TYPE_CHECKING:
    from armslength.reach.solution import Model, Solution


MANY = 64
"""Of so many people who changed it is asked whether others stand in for them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Touched:
    """Shape [W, N]: the columns in which a node may be more, or less, true than before."""

    more: Words
    less: Words


class Touch:
    """Spreads where two models differ along all that could follow from it, in some columns of the new one.

    Columns are those of the new model wherever masks are given."""

    def __init__(self, before: Solution, new: Model, match: Matching) -> None:
        old, levels = before.model, before.levels
        self._old, self._model, self._match = old, new, match
        self._most = levels.level if levels is not None else 0
        self._standins: dict[bool, StandIns] = {}
        self.seeds = seeds(old, new, match)
        graph, self._at = new.graph, new.graph.layout
        self._rules = graph.rules
        self._terms = {rule.node: rule.terms for rule in self._rules}
        parts = [_parts(rule, new) for rule in self._rules]
        crowd = _index(graph.nodes, self._rules, [people for people, _ in parts])
        facts = _index(graph.nodes, self._rules, [self._premises(rule) for rule in self._rules])
        source = np.array([k for k, _, _ in graph.keyed], dtype=np.int32)
        target = np.array([t for _, t, _ in graph.keyed], dtype=np.int32)
        self._crowd = crowd
        self._ways: tuple[Edges, ...] = (graph.edges, crowd, facts, edges(graph.nodes, source, target))
        # Rules in which anybody may come to have a part.
        self._anyone = [(rule, ways) for rule, (_, ways) in zip(self._rules, parts, strict=True) if ways]

    def _premises(self, rule: Rule) -> Ints:
        """What a rule asks for besides people."""
        at = self._at
        found = [at.opened + g for g in sorted(self._model.quorums.mentioned(rule))]
        if rule.terms != STANDING:
            found.append(at.waived + rule.terms)
        if rule.gated:
            found.append(at.gate)
        if rule.enrolls:
            found.append(at.somebody)
        return np.array(found, dtype=np.int32)

    def ground(self, had: Words, columns: Columns, named: Iterable[tuple[int, int]] = ()) -> Touched:
        """What each state has by itself. `had` [W, N old]: that of the old model, in the columns of the new one.
        `named`: nodes and columns that rested on people who changed."""
        carried = self._match.carried(had, self._model.graph.nodes)
        less = self._start(False, carried, had, columns)
        for node, c in named:
            less[c >> 6, node] |= np.uint64(1 << (c & 63))
        less = self._follow(less, self._falling(carried, columns), carried, carried, fallen=True)
        # What was true and is not touched as less is true.
        more = self._start(True, carried, had, columns)
        more = self._follow(more, ~(carried & ~less), carried, carried, fallen=False)
        return Touched(more=more, less=less)

    def above(self, had: Words, stand: Words, columns: Columns) -> Touched:
        """What some accomplices bring about. `had` as in `ground`, all that the old levels came to; `stand` [W, N]:
        what is true on both grounds."""
        carried = self._match.carried(had, self._model.graph.nodes)
        less = self._start(False, carried, had, columns)
        less = self._follow(less, self._falling(carried, columns) & ~stand, carried, None, fallen=True)
        more = self._start(True, carried, had, columns)
        more = self._follow(more, ~stand, carried, None, fallen=False)
        return Touched(more=more, less=less)

    def utmost(self, had: Words, columns: Columns) -> Words:
        """What may be more true where everyone acts anyway."""
        carried = self._match.carried(had, self._model.graph.nodes)
        more = self._start(True, carried, had, columns)
        if not more.any():
            return more
        return self.ground(had, columns).more

    def _falling(self, had: Words, columns: Columns) -> Words:
        """What was not true cannot become less so; of rules that would have added nothing it is not known."""
        found = had.copy()
        found[:, [rule.node for rule in self._rules]] = columns.full()[:, None]
        return found

    def _start(self, more: bool, carried: Words, had: Words, columns: Columns) -> Words:
        """Where the models differ."""
        found, full = self.seeds, columns.full()
        words: Words = np.zeros((len(full), self._model.graph.nodes), dtype=np.uint64)
        if more:
            self._better(words, carried, columns)
        else:
            self._worse(words, carried, had, columns)
        self._odd(words, set(found.odd.tolist()), full)
        for number in (found.more if more else found.less) | found.fresh:
            words[:, self._rules[number].node] |= full
        source, target = found.added if more else found.removed
        # An edge matters where its source may be true; of rules that is not known.
        known = self._at.rules if more else self._match.rule_nodes
        held = np.where(source >= known, full[:, None], carried[:, source] if more else had[:, source])
        mine = target if more else self._match.nodes[target]
        kept = mine >= 0
        for row, some in zip(words, held, strict=True):
            np.bitwise_or.at(row, mine[kept], some[kept])
        words &= full[:, None]
        return words

    def _worse(self, words: Words, carried: Words, had: Words, columns: Columns) -> None:
        """People who left, and those whom more states can compel: the more, the fewer quorums. Those are taken to have
        left as well, so that whatever may use them is touched; but what is open to all may not miss them."""
        found, match, full = self.seeds, self._match, columns.full()
        for person, states in found.lost.items():
            # Must be won over again.
            words[:, person] |= _compelled(columns, states)
        home = self._model.estate.settings.home
        worse = np.array([p for p, states in found.gained.items() if states - home], dtype=np.int32)
        for person in worse.tolist():
            targets, _ = self._model.graph.edges.of(person)
            words[:, targets] |= carried[:, person, None]
            words[:, self._crowd.of(person)[0]] |= full[:, None]
        back = np.full(len(self._model.estate.people.ids), -1, dtype=np.int32)
        stays = np.flatnonzero(match.people >= 0)
        back[match.people[stays]] = stays
        for person in (*found.gone.tolist(), *back[worse].tolist()) if self._anyone else ():
            spared = self._spared(False, person, columns, had)
            for rule, ways in self._anyone:
                words[:, rule.node] |= self._open(ways, carried) & ~spared.get(rule.terms, np.zeros_like(full))

    def _better(self, words: Words, carried: Words, columns: Columns) -> None:
        """People who came, whom fewer states can compel, or who act in a column without being asked."""
        found, at, full = self.seeds, self._at, columns.full()
        home = self._model.estate.settings.home
        words[:, self._match.came] = full[:, None]
        if self._match.came.size:
            for rule, _ in self._anyone:
                words[:, rule.node] |= full
        looks = {p for p, states in found.lost.items() if states - home}
        apart = {i for i, terms in enumerate(self._model.estate.settings.terms) if terms.apart}
        self._seen(words, looks, apart, full)
        for person, states in found.gained.items():
            mask = _compelled(columns, states)
            if not mask.any():
                continue
            spared = self._spared(True, person, columns, None)
            if not spared:
                words[:, person] |= mask
                continue
            targets, _ = self._model.graph.edges.of(person)
            words[:, targets] |= mask[:, None]
            words[:, self._crowd.of(person)[0]] |= mask[:, None]
            words[:, at.somebody] |= mask & ~carried[:, at.somebody]
            for rule, _ in self._anyone:
                words[:, rule.node] |= mask & ~spared.get(rule.terms, np.zeros_like(mask))

    def _odd(self, words: Words, people: set[int], full: Words) -> None:
        """People with other values: better for one quorum, worse for another."""
        distinct = {i for i, terms in enumerate(self._model.estate.settings.terms) if terms.distinct}
        self._seen(words, people, distinct, full)

    def _seen(self, words: Words, people: set[int], terms: set[int], full: Words) -> None:
        """Rules with these terms that see some of these people."""
        for person in people:
            for node in self._crowd.of(person)[0].tolist():
                if self._terms[node] in terms:
                    words[:, node] |= full
        for rule, _ in self._anyone if people else ():
            if rule.terms in terms:
                words[:, rule.node] |= full

    def _spared(self, more: bool, person: int, columns: Columns, had: Words | None) -> Mapping[int, Words]:
        """By terms, the columns in which others can stand in for a person of the new model (`more`) or the old one."""
        found, match = self.seeds, self._match
        changed = found.changed
        # What is more true for another reason may need the person for it.
        other = found.added[0].size or found.fresh or found.more or found.odd.size or match.came.size or found.lost
        # Columns are told by the states of the new estate.
        other = other or not more and self._old.estate.states != self._model.estate.states
        if other or len(changed) + len(found.gone) > MANY or not self._anyone:
            return {}
        if more not in self._standins:
            same = np.ones(len(self._model.estate.people.ids), dtype=np.bool_)
            same[[*changed, *match.came.tolist()]] = False
            model = self._model
            if not more:
                model, same = self._old, (match.people >= 0) & same[match.people]
            rules = [rule for rule in model.graph.rules if _parts(rule, model)[1]]
            self._standins[more] = StandIns(model, same, rules, self._most)
        return self._standins[more].columns(person, columns, had)

    def _open(self, ways: Sequence[Way], true: Words) -> Words:
        """Shape [W]: where anybody may have a part by one of `ways`, each of which asks for groups to be open."""
        found: Words = np.zeros(len(true), dtype=np.uint64)
        for way in ways:
            mask: Words = ~np.zeros_like(found)
            for group in way.opened:
                mask &= true[:, self._at.opened + group]
            found |= mask
        return found

    def _follow(self, words: Words, allowed: Words, carried: Words, ground: Words | None, *, fallen: bool) -> Words:
        """Carry touches on until nothing changes. `ground`: what was true, where that somebody acts may change."""
        at = self._at
        words &= allowed
        frontier = np.flatnonzero(words.any(axis=0)).astype(np.int32)
        anybody = np.bitwise_or.reduce(words[:, : at.people], axis=1)
        first = True
        while frontier.size or first:
            gained: list[Ints] = []
            for graph in self._ways:
                source, place = outgoing(graph, frontier)
                target = graph.target[place]
                for row, free in zip(words, allowed, strict=True):
                    new = row[source] & free[target] & ~row[target]
                    some = np.flatnonzero(new)
                    if some.size:
                        np.bitwise_or.at(row, target[some], new[some])
                        gained.append(target[some])
            anybody = np.bitwise_or.reduce(words[:, : at.people], axis=1)
            true = carried if fallen else carried | words
            for rule, ways in self._anyone:
                gained += self._put(words, allowed, rule.node, anybody & self._open(ways, true))
            if ground is not None:
                gained += self._put(words, allowed, at.somebody, self._somebody(words, ground, anybody, fallen))
            frontier = np.unique(np.concatenate([np.zeros(0, dtype=np.int32), *gained])).astype(np.int32)
            first = False
        return words

    def _somebody(self, words: Words, ground: Words, anybody: Words, fallen: bool) -> Words:
        """Shape [W]: where it may have changed that somebody acts."""
        at = self._at
        if not fallen:
            found: Words = anybody & ~ground[:, at.somebody]
            return found
        stay: Words = np.bitwise_or.reduce(ground[:, : at.people] & ~words[:, : at.people], axis=1)
        return ground[:, at.somebody] & ~stay

    @staticmethod
    def _put(words: Words, allowed: Words, node: int, mask: Words) -> list[Ints]:
        new = mask & allowed[:, node] & ~words[:, node]
        words[:, node] |= new
        return [np.array([node], dtype=np.int32)] if new.any() else []


def _compelled(columns: Columns, states: frozenset[int]) -> Words:
    """Shape [W]: the columns of `states`; where everyone acts anyway it makes no difference."""
    return columns.mask(c for c, column in enumerate(columns.each) if column.state in states)


def _parts(rule: Rule, model: Model) -> tuple[Ints, list[Way]]:
    """Who has a part in a rule by the tables, and the ways by which anybody may have one."""
    people: list[Ints] = []
    ways: list[Way] = []
    for crowd in model.quorums.crowds(rule):
        for way in crowd.ways:
            if way.people is None:
                ways.append(way)
            else:
                people.append(way.people)
    return np.concatenate([np.zeros(0, dtype=np.int32), *people]).astype(np.int32), ways


def _index(nodes: int, rules: Sequence[Rule], premises: Sequence[Ints]) -> Edges:
    """Edges from premises to rules."""
    target = np.repeat(np.array([rule.node for rule in rules], dtype=np.int32), [len(some) for some in premises])
    return edges(nodes, np.concatenate([np.zeros(0, dtype=np.int32), *premises]), target)
