"""Touch: what may have become more or less true from one model to the next, and in which columns.

Whatever is not touched has the same derivations in both, whoever the accomplices are: none of its premises is touched,
and it has the same edges, and the same people with the same looks in its crowds. What is only touched as less true
needs as many accomplices as before or more, what is only touched as more true as many or fewer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from armslength.reach.admission import Admission, put
from armslength.reach.columns import ANY, Columns, Words
from armslength.reach.matching import Matching
from armslength.reach.rules import STANDING, Rule
from armslength.reach.seeds import seeds
from armslength.reach.spread import Edges, Ints, edges, outgoing
from armslength.reach.standins import StandIns

if TYPE_CHECKING:
    from armslength.reach.solution import Model, Solution


MANY = 64
"""Of so many people who changed it is asked whether others stand in for them."""
MOST = int(np.iinfo(np.int8).max)
"""Any number of accomplices."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Touched:
    """Shape [W, N]: the columns in which a node may be more, or less, true than before; `rest`: less for another reason
    than that people are missed; `first`: the rules that may fire more often though no other does."""

    more: Words
    less: Words
    rest: Words
    first: Words


class Touch:
    """Spreads where two models differ along all that could follow from it, in some columns of the new one.

    Columns are those of the new model wherever masks are given."""

    def __init__(self, before: Solution, new: Model, match: Matching) -> None:
        old, reached = before.model, before.reached
        self._old, self._model, self._match = old, new, match
        self._most = reached.level if reached is not None else 0
        self._standins: dict[bool, StandIns] = {}
        self.seeds = seeds(old, new, match)
        graph, self._at = new.graph, new.graph.layout
        self._rules = graph.rules
        self._terms = {rule.node: rule.terms for rule in self._rules}
        facts = _index(graph.nodes, self._rules, [self._premises(rule) for rule in self._rules])
        source = np.array([k for k, _, _ in graph.keyed], dtype=np.int32)
        target = np.array([t for _, t, _ in graph.keyed], dtype=np.int32)
        self._ways: tuple[Edges, ...] = (graph.edges, facts, edges(graph.nodes, source, target))
        self._admission = Admission(new)
        # Rules in which anybody may come to have a part.
        self._anyone = self._admission.anyone

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
        less = self._rest(carried, had, columns) | self._missed(carried, had, columns)
        for node, c in named:
            less[c >> 6, node] |= np.uint64(1 << (c & 63))
        less = self._follow(less, self._falling(carried, columns), carried, carried, fallen=True)
        # What was true and is not touched as less is true.
        more = self._more(carried, columns)
        more = self._follow(more, ~(carried & ~less), carried, carried, fallen=False)
        return Touched(more=more, less=less, rest=less, first=more)

    def above(self, had: Words, was: Words, now: Words, columns: Columns) -> Touched:
        """What some accomplices bring about. `had` as in `ground`, all that the old levels came to; `was` and `now`
        [W, N]: what is true on both grounds."""
        stand = was & now
        carried = self._match.carried(had, self._model.graph.nodes)
        falling = self._falling(carried, columns) & ~stand
        rest = self._follow(self._rest(carried, had, columns), falling, carried, None, fallen=True)
        less = rest
        if self.missed.size:
            less = rest | self._missed(carried, had, columns)
            less = self._follow(less, falling, carried, None, fallen=True)
        more = self._more(carried, columns)
        first = self._first(more, ~stand, carried, now)
        more = self._follow(more, ~stand, carried, None, fallen=False)
        return Touched(more=more, less=less, rest=rest, first=first)

    def fewer(self, columns: Columns) -> list[int]:
        """By column, how many accomplices fewer than before may be enough where more may be true. If more is true only
        because some people act there, who was enough now was so before with these."""
        found = self.seeds
        if found.added[0].size or found.fresh or found.more or found.odd.size or self._match.came.size or found.lost:
            return [MOST] * len(columns)
        return [
            MOST if column.state == ANY else sum(column.state in states for states in found.gained.values())
            for column in columns.each
        ]

    def utmost(self, had: Words, columns: Columns) -> Words:
        """What may be more true where everyone acts anyway."""
        carried = self._match.carried(had, self._model.graph.nodes)
        more = self._more(carried, columns)
        if not more.any():
            return more
        return self.ground(had, columns).more

    def _falling(self, had: Words, columns: Columns) -> Words:
        """What was not true cannot become less so; of rules that would have added nothing it is not known."""
        found = had.copy()
        found[:, [rule.node for rule in self._rules]] = columns.full()[:, None]
        return found

    @cached_property
    def missed(self) -> Ints:
        """Who left or can be compelled by more states than before, as old indexes: what they have no part in stands."""
        return np.unique(np.concatenate([self.seeds.gone, self._back[self.seeds.worse]])).astype(np.int32)

    @cached_property
    def _back(self) -> Ints:
        """The old indexes of people, -1 for those who came."""
        people = self._match.people
        back = np.full(len(self._model.estate.people.ids), -1, dtype=np.int32)
        stays = np.flatnonzero(people >= 0)
        back[people[stays]] = stays
        return back

    def _more(self, carried: Words, columns: Columns) -> Words:
        """Where more may be true as the models differ."""
        found, full = self.seeds, columns.full()
        words: Words = np.zeros((len(full), self._model.graph.nodes), dtype=np.uint64)
        self._better(words, carried, columns)
        self._odd(words, set(found.odd.tolist()), full)
        for number in found.more | found.fresh:
            words[:, self._rules[number].node] |= full
        # An edge matters where its source may be true; of rules that is not known.
        source, target = found.added
        held = np.where(source >= self._at.rules, full[:, None], carried[:, source])
        put(words, target, held)
        words &= full[:, None]
        return words

    def _rest(self, carried: Words, had: Words, columns: Columns) -> Words:
        """Where less may be true, but for what takes those who are missed."""
        found, full = self.seeds, columns.full()
        words: Words = np.zeros((len(full), self._model.graph.nodes), dtype=np.uint64)
        for person, states in found.lost.items():
            # Must be won over again.
            words[:, person] |= _compelled(columns, states)
        self._odd(words, set(found.odd.tolist()), full)
        for number in found.cut | found.fresh:
            words[:, self._rules[number].node] |= full
        source, target = found.removed
        theirs = np.isin(source, self.missed) | np.isin(target, self.missed)
        self._removed(words, source[~theirs], target[~theirs], had, full, self._bereft)
        words &= full[:, None]
        return words

    def _removed(
        self, words: Words, source: Ints, target: Ints, had: Words, full: Words, bereft: Sequence[int] = ()
    ) -> None:
        """An edge matters where its source may have been true; of rules that is not known, but that those `bereft` take
        who is missed, unless somebody holds the gate."""
        held = np.where(source >= self._match.rule_nodes, full[:, None], had[:, source])
        held[:, np.isin(source, bereft)] = had[:, [self._old.graph.layout.gate]]
        mine = self._match.nodes[target]
        kept = mine >= 0
        put(words, mine[kept], held[:, kept])

    @cached_property
    def _bereft(self) -> list[int]:
        """The old nodes of rules that only people who left could ask."""
        people, found = self._match.people, list[int]()
        rules = {rule.node: rule for rule in self._old.graph.rules}
        for node in np.unique(self.seeds.removed[0][self.seeds.removed[0] >= self._match.rule_nodes]).tolist():
            rule = rules.get(node)
            ways = rule.holders.ways if rule is not None and rule.holders.filled_by == frozenset() else ()
            some = [way.people for way in ways if way.people is not None]
            if some and len(some) == len(ways) and all((people[p] < 0).all() for p in some):
                found.append(node)
        return found

    def _missed(self, carried: Words, had: Words, columns: Columns) -> Words:
        """Where less may be true as people left, or more states can compel them. Those are taken to have left as well,
        so that whatever may use them is touched; but what is open to all may not miss them."""
        found, full = self.seeds, columns.full()
        words: Words = np.zeros((len(full), self._model.graph.nodes), dtype=np.uint64)
        for person in self.seeds.worse.tolist():
            targets, _ = self._model.graph.edges.of(person)
            words[:, targets] |= carried[:, person, None]
            # They sit only where they act.
            words[:, self._admission.of(person)] |= carried[:, person, None]
        for number in found.less:
            words[:, self._rules[number].node] |= full
        self._removed(words, *found.removed, had, full)
        open_ = self._open(carried) if found.gone.size or self.seeds.worse.size else {}
        for person in (*found.gone.tolist(), *self._back[self.seeds.worse].tolist()) if self._anyone else ():
            spared = self._spared(False, person, columns, had)
            for rule, _ in self._anyone:
                some = open_[rule.node] & had[:, person]
                words[:, rule.node] |= some & ~spared.get(rule.terms, np.zeros_like(full))
        words &= full[:, None]
        return words

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
            words[:, self._admission.of(person)] |= mask[:, None]
            words[:, at.somebody] |= mask & ~carried[:, at.somebody]
            open_ = self._open(carried)
            for rule, _ in self._anyone:
                words[:, rule.node] |= open_[rule.node] & mask & ~spared.get(rule.terms, np.zeros_like(mask))

    def _odd(self, words: Words, people: set[int], full: Words) -> None:
        """People with other values: better for one quorum, worse for another."""
        distinct = {i for i, terms in enumerate(self._model.estate.settings.terms) if terms.distinct}
        self._seen(words, people, distinct, full)

    def _seen(self, words: Words, people: set[int], terms: set[int], full: Words) -> None:
        """Rules with these terms that see some of these people."""
        for person in people:
            for node in self._admission.of(person).tolist():
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
                # Who left is -1, the last.
                model, same = self._old, np.append(same, False)[match.people]
            rules = [rule for rule, _ in (self._anyone if more else Admission(model).anyone)]
            self._standins[more] = StandIns(model, same, rules, self._most)
        return self._standins[more].columns(person, columns, had)

    def _open(self, true: Words) -> dict[int, Words]:
        """By node of rule, shape [W]: where anybody may have a part, as the groups are open that this asks for."""
        return dict(zip(self._admission.open_nodes.tolist(), self._admission.open(true).T, strict=True))

    def _follow(self, words: Words, allowed: Words, carried: Words, ground: Words | None, *, fallen: bool) -> Words:
        """Carry touches on until nothing changes. `ground`: what was true, where that somebody acts may change."""
        at = self._at
        words &= allowed
        frontier = np.flatnonzero(words.any(axis=0)).astype(np.int32)
        if not frontier.size and ground is None:
            return words
        anybody = np.bitwise_or.reduce(words[:, : at.people], axis=1)
        first = True
        while frontier.size or first:
            gained: list[Ints] = []
            if frontier.size and frontier[0] < at.people:
                gained += self._put(words, allowed, self._admission.nodes, self._admission.carried(words))
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
            welcome = anybody[:, None] & self._admission.open(true)
            gained += self._put(words, allowed, self._admission.open_nodes, welcome)
            if ground is not None:
                nodes = np.array([at.somebody], dtype=np.int32)
                gained += self._put(words, allowed, nodes, self._somebody(words, ground, anybody, fallen)[:, None])
            touched = np.zeros(words.shape[1], dtype=np.bool_)
            for nodes in gained:
                touched[nodes] = True
            frontier = np.flatnonzero(touched).astype(np.int32)
            first = False
        return words

    def _first(self, words: Words, allowed: Words, carried: Words, now: Words) -> Words:
        """The rules that are touched though no other is that takes accomplices."""
        rules = np.array([rule.node for rule in self._rules], dtype=np.int32)
        some = allowed.copy()
        some[:, rules] &= now[:, rules]
        facts = self._follow(words.copy(), some, carried, None, fallen=False)
        found: Words = words & allowed
        for graph in self._ways:
            source, place = outgoing(graph, np.flatnonzero(facts.any(axis=0)).astype(np.int32))
            put(found, graph.target[place], facts[:, source])
        put(found, self._admission.nodes, self._admission.carried(facts))
        anybody = np.bitwise_or.reduce(facts[:, : self._at.people], axis=1)
        found[:, self._admission.open_nodes] |= anybody[:, None]
        mine: Words = np.zeros_like(found)
        mine[:, rules] = (found & allowed)[:, rules]
        return mine

    def _somebody(self, words: Words, ground: Words, anybody: Words, fallen: bool) -> Words:
        """Shape [W]: where it may have changed that somebody acts."""
        at = self._at
        if not fallen:
            found: Words = anybody & ~ground[:, at.somebody]
            return found
        stay: Words = np.bitwise_or.reduce(ground[:, : at.people] & ~words[:, : at.people], axis=1)
        return ground[:, at.somebody] & ~stay

    @staticmethod
    def _put(words: Words, allowed: Words, nodes: Ints, masks: Words) -> list[Ints]:
        new = masks & allowed[:, nodes] & ~words[:, nodes]
        words[:, nodes] |= new
        return [nodes[new.any(axis=0)]]


def _compelled(columns: Columns, states: frozenset[int]) -> Words:
    """Shape [W]: the columns of `states`; where everyone acts anyway it makes no difference."""
    return columns.mask(c for c, column in enumerate(columns.each) if column.state in states)


def _index(nodes: int, rules: Sequence[Rule], premises: Sequence[Ints]) -> Edges:
    """Edges from premises to rules."""
    target = np.repeat(np.array([rule.node for rule in rules], dtype=np.int32), [len(some) for some in premises])
    return edges(nodes, np.concatenate([np.zeros(0, dtype=np.int32), *premises]), target)
