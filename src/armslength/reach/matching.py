"""Matching: which person, node, rule and column of one model is which of another, of an estate much like it.

Everything is matched by what it is called, never by its number: people come and go, and a new state or action moves
those after it. What has no match is simply new, or gone.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from armslength.estate import ENROLL, Estate, Kind, Ref
from armslength.reach.columns import Column, Columns, Words, moved
from armslength.reach.graph import Graph, Layout, Why
from armslength.reach.spread import Ints

if TYPE_CHECKING:
    from armslength.reach.solution import Model


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matching:
    """`people` [P old] and `nodes` [N old] are the indexes in the new model, or -1; `came` are the new people. `rules`,
    `columns`: old number by new number. `other`: whether there are old columns without a match. `rule_nodes`: old nodes
    from here on are rules and crowds."""

    people: Ints
    came: Ints
    nodes: Ints
    rules: dict[int, int]
    columns: dict[int, int]
    other: bool
    rule_nodes: int

    @property
    def same(self) -> bool:
        """Whether every node has the index that it had."""
        return bool(np.array_equal(self.nodes, np.arange(len(self.nodes))))

    def turned(self, words: Words, count: int) -> Words:
        """`words` [W old, n], of the old columns, as [`count`, n] of the new ones."""
        if len(words) == count and all(old == new for new, old in self.columns.items()) and not self.other:
            return words
        return moved(words, ((old, new) for new, old in self.columns.items()), count)

    def carried(self, words: Words, nodes: int) -> Words:
        """`words` [W, N old] on the nodes of the new model."""
        out: Words = np.zeros((len(words), nodes), dtype=np.uint64)
        kept = self.nodes >= 0
        out[:, self.nodes[kept]] = words[:, kept]
        return out


def matching(old: Model, new: Model, before: Columns, after: Columns) -> Matching | None:
    """None where more differs than people, what they are in, what they hold and where they are: then nothing of the
    old model is compared."""
    one, two = old.estate, new.estate
    people, came = people_of(one.people.ids, two.people.ids)
    states = _states(one, two)
    if not _alike(one, two, people, states):
        return None
    keys, known = _keys(old, people), _keys(new, None)
    nodes = _nodes(old.graph.layout, new.graph.layout, old.graph.nodes, _slots(old, new), people)
    for key, node in keys.items():
        nodes[node] = known.get(key, -1)
    number = {rule.node: rule.number for rule in new.graph.rules}
    columns = _columns(before, after, states)
    pairs = ((number.get(int(nodes[rule.node])), rule.number) for rule in old.graph.rules)
    return Matching(
        people=people,
        came=came,
        nodes=nodes,
        rules={mine: theirs for mine, theirs in pairs if mine is not None},
        columns=columns,
        other=len(columns) < len(before),
        rule_nodes=old.graph.layout.rules,
    )


def people_of(old: Sequence[str], new: Sequence[str]) -> tuple[Ints, Ints]:
    """The new index of each person of old, -1 for who left; and the indexes of those who came."""
    if old is new or old == new:
        return np.arange(len(old), dtype=np.int32), np.zeros(0, dtype=np.int32)
    # Mostly only one is another, and names are only looked up from there to where all are the same again.
    few = min(len(old), len(new))
    first = next((i for i in range(few) if old[i] != new[i]), few)
    last = next((i for i in range(few - first) if old[-1 - i] != new[-1 - i]), few - first)
    place = {name: i for i, name in enumerate(new[first : len(new) - last], start=first)}
    middle = [place.get(name, -1) for name in old[first : len(old) - last]]
    found = np.concatenate(
        [np.arange(first), np.array(middle, dtype=np.int64), np.arange(len(new) - last, len(new))]
    ).astype(np.int32)
    here = np.zeros(len(new), dtype=np.bool_)
    here[found[found >= 0]] = True
    return found, np.flatnonzero(~here).astype(np.int32)


def _states(old: Estate, new: Estate) -> tuple[int, ...]:
    place = {code: i for i, code in enumerate(old.states)}
    return tuple(place.get(code, -1) for code in new.states)


def _alike(old: Estate, new: Estate, people: Ints, states: tuple[int, ...]) -> bool:
    """Whether groups, assets, classes, terms, the gate, home and the blocs are the same."""

    def back(some: Iterable[int]) -> frozenset[int]:
        return frozenset(states[s] for s in some)

    def moved(ref: Ref) -> tuple[Kind, int]:
        return ref.kind, int(people[ref.index]) if ref.kind is Kind.PERSON else ref.index

    one, two = old.settings, new.settings
    if old.groups.ids != new.groups.ids or old.groups.unknown != new.groups.unknown or old.classes != new.classes:
        return False
    if one.gate != two.gate or one.home != back(two.home) or len(one.terms) != len(two.terms):
        return False
    if any(s >= 0 and one.upward[s] != back(two.upward[i]) for i, s in enumerate(states)):
        return False
    for mine, theirs in zip(one.terms, two.terms, strict=True):
        rest = [(t.id, t.approvals, t.apart, t.distinct, tuple(p.count for p in t.places)) for t in (mine, theirs)]
        was = [moved(mine.approvers), *(moved(place.of) for place in mine.places)]
        now = [(ref.kind, ref.index) for ref in (theirs.approvers, *(place.of for place in theirs.places))]
        if rest[0] != rest[1] or was != now:
            return False
    a, b = old.assets, new.assets
    if a is b:
        return True
    arrays = ((a.within, b.within), (a.of_class, b.of_class), (a.lock, b.lock))
    if a.ids != b.ids or not all(np.array_equal(mine, theirs) for mine, theirs in arrays):
        return False
    return all(hosts == back(theirs) for hosts, theirs in set(zip(a.hosts, b.hosts, strict=True)))


def _columns(before: Columns, after: Columns, states: tuple[int, ...]) -> dict[int, int]:
    place = {column: c for c, column in enumerate(before.each)}
    found: dict[int, int] = {}
    for c, column in enumerate(after.each):
        old = states[column.state] if column.state >= 0 else column.state
        theirs = place.get(Column(state=old, filled=column.filled)) if old >= 0 or column.state < 0 else None
        if theirs is not None:
            found[c] = theirs
    return found


def _slots(old: Model, new: Model) -> dict[int, int]:
    """New slot by old slot, of the same action."""
    mine = {new.estate.actions[a]: slot for a, slot in new.graph.layout.slot.items()}
    named = ((slot, mine.get(old.estate.actions[a])) for a, slot in old.graph.layout.slot.items())
    return {slot: found for slot, found in named if found is not None}


def _nodes(old: Layout, new: Layout, count: int, slots: dict[int, int], people: Ints) -> Ints:
    found = np.full(count, -1, dtype=np.int32)
    found[: old.people] = people

    def block(theirs: int, mine: int, size: int) -> None:
        found[theirs : theirs + size] = np.arange(mine, mine + size, dtype=np.int32)

    block(old.available, new.available, old.groups)
    block(old.somebody, new.somebody, 1)
    block(old.opened, new.opened, old.groups)
    block(old.assumed, new.assumed, old.groups)
    block(old.waived, new.waived, old.terms)
    block(old.gate, new.gate, 1)
    for theirs, mine in slots.items():
        block(old.over + theirs * old.assets, new.over + mine * new.assets, old.assets)
        block(old.over_class + theirs * old.classes, new.over_class + mine * new.classes, old.classes)
        block(old.exact + theirs * old.assets, new.exact + mine * new.assets, old.assets)
    block(old.custody, new.custody, old.assets)
    block(old.unlocks, new.unlocks, old.assets)
    return found


def _keys(model: Model, people: Ints | None) -> dict[Hashable, int]:
    """The node of each rule and crowd by what it stands for: holder, terms and whether it enrols, or a permit. `people`
    gives person indexes of the other model for those of this one."""
    graph: Graph = model.graph
    nodes = np.arange(graph.layout.rules, graph.nodes, dtype=np.int64)
    first = graph.edges.origin[graph.edges.start[nodes]]
    why, row = graph.why[first], graph.row[first]
    grants, estate = model.estate.grants, model.estate
    enroll = estate.actions.index(ENROLL)
    permits = (*model.permits, *model.gate_permits)
    rules = {rule.node for rule in graph.rules}

    def moved(kind: int, some: npt.NDArray[np.int32]) -> Ints:
        return people[some] if people is not None and kind == Kind.PERSON else some

    found: dict[Hashable, int] = {}
    for node, reason, number in zip(nodes.tolist(), why.tolist(), row.tolist(), strict=True):
        key: Hashable
        if reason == Why.GRANT:
            kind = int(grants.holder_kind[number])
            holder = int(moved(kind, grants.holder[number : number + 1])[0])
            key = (kind, holder, int(grants.terms[number]), bool(grants.action[number] == enroll))
        else:
            one = permits[number]
            targets = moved(int(one.target_kind), one.targets).tobytes()
            by_gate = number >= len(model.permits)
            known = (one.policy, one.terms, estate.actions[one.action], int(one.target_kind))
            key = (node in rules, by_gate, *known, targets)
        found[key] = node
    return found
