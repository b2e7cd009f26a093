"""The estate in plain Python for the peers: who is exposed to what, who is in which group, what a target covers."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from armslength.estate import POWERS, Basis, Estate, Kind, Ref, Terms

NO_TERMS = -1
Holder = tuple[int, int]
"""Kind and index, as in the columns of the grants."""
Rule = tuple[Holder, int]
"""A holder and the terms it is held to (NO_TERMS for standing access): usable together or not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One question: states, actions and assets are indexes of the estate; `floor` is the highest that covers it."""

    state: int
    action: int
    asset: int
    floor: int


class Reading:
    """One estate on one day."""

    def __init__(self, estate: Estate, at: dt.date) -> None:
        self.estate = estate
        self.at = at
        self.home = estate.settings.home
        self.exposed = _exposures(estate, at)
        self.actions = {action: number for number, action in enumerate(estate.actions)}
        self._members: dict[int, frozenset[int]] = {}
        self._inner: dict[int, frozenset[int]] = {}
        self._above: dict[int, frozenset[Holder]] = {}

    @property
    def size(self) -> int:
        return len(self.exposed)

    @cached_property
    def states(self) -> tuple[int, ...]:
        """The states that appear on the day."""
        found = {state for states in self.exposed for state in states}
        for hosts in self.estate.assets.hosts:
            found |= self.upward(hosts)
        for floor in self.estate.settings.floors:
            found |= floor.against or frozenset()
        return tuple(sorted(found))

    def upward(self, states: Iterable[int]) -> set[int]:
        return {above for state in states for above in self.estate.settings.upward[state]}

    @cached_property
    def direct(self) -> dict[int, list[int]]:
        """People in a group by a row of their own."""
        return self._rows(Kind.PERSON)

    @cached_property
    def nested(self) -> dict[int, list[int]]:
        """Groups in a group by a row of their own."""
        return self._rows(Kind.GROUP)

    def _rows(self, kind: Kind) -> dict[int, list[int]]:
        groups, found = self.estate.groups, defaultdict(list)
        columns = zip(groups.group.tolist(), groups.member_kind.tolist(), groups.member.tolist(), strict=True)
        for group, member_kind, member in columns:
            if member_kind == kind:
                found[group].append(member)
        return found

    def inner(self, group: int) -> frozenset[int]:
        """The group and all that is nested in it."""
        found = self._inner.get(group)
        if found is None:
            found = self._inner[group] = _closure(group, self.nested)
        return found

    @cached_property
    def outer(self) -> list[frozenset[int]]:
        """For each group: it and all groups that it is nested in."""
        around: dict[int, list[int]] = defaultdict(list)
        for group, inside in self.nested.items():
            for one in inside:
                around[one].append(group)
        return [_closure(group, around) for group in range(len(self.estate.groups.ids))]

    def members(self, group: int) -> frozenset[int]:
        """People in a group through nesting."""
        found = self._members.get(group)
        if found is None:
            found = frozenset(person for one in self.inner(group) for person in self.direct.get(one, ()))
            self._members[group] = found
        return found

    def people(self, kind: int, index: int) -> Iterable[int]:
        """The people whom a holder, an approver or a target of `assume` stands for, enrolment not counted."""
        if kind == Kind.PERSON:
            return (index,)
        return self.members(index) if kind == Kind.GROUP else range(self.size)

    @cached_property
    def rules(self) -> dict[Rule, list[tuple[str, Holder]]]:
        """What each rule gives: actions and targets."""
        grants, found = self.estate.grants, defaultdict(list)
        columns = (
            grants.holder_kind, grants.holder, grants.terms, grants.action, grants.target_kind, grants.target,
        )  # fmt: skip
        for holder_kind, holder, terms, action, kind, target in zip(*(c.tolist() for c in columns), strict=True):
            found[((holder_kind, holder), terms)].append((self.estate.actions[action], (kind, target)))
        return found

    def above(self, asset: int) -> frozenset[Holder]:
        """The targets that cover an asset: it, what it lies within, and the classes of all of these."""
        found = self._above.get(asset)
        if found is None:
            assets, chain = self.estate.assets, []
            here = asset
            while here >= 0:
                chain.append((int(Kind.ASSET), here))
                if assets.of_class[here] >= 0:
                    chain.append((int(Kind.CLASS), int(assets.of_class[here])))
                here = int(assets.within[here])
            found = self._above[asset] = frozenset(chain)
        return found

    def hosted(self, asset: int, state: int) -> bool:
        return state in self.upward(self.estate.assets.hosts[asset])

    def terms(self, number: int) -> Terms:
        return self.estate.settings.terms[number]

    def values(self, terms: Terms) -> Iterator[list[str]]:
        """The columns in which a quorum's members must differ, "" for a person who has no value."""
        for column in terms.distinct:
            yield self.estate.people.columns[column].to_list()

    def pairs(self) -> list[Pair]:
        """Every (state, action, asset) under a floor, by state, action and asset index."""
        named = {
            action for given in self.rules.values() for action, (kind, _) in given if kind in (Kind.ASSET, Kind.CLASS)
        } | {floor.action for floor in self.estate.settings.floors if floor.action is not None}
        ordinary = [self.actions[name] for name in sorted(named - POWERS)]
        highest: dict[tuple[int, int, int], int] = {}
        covered: dict[Ref, list[int]] = {}
        for floor in self.estate.settings.floors:
            if floor.target not in covered:
                target = (int(floor.target.kind), floor.target.index)
                covered[floor.target] = [t for t in range(len(self.estate.assets.ids)) if target in self.above(t)]
            against = floor.against or frozenset(self.states) - self.home - (floor.exempt or frozenset())
            for state in against:
                for action in ordinary if floor.action is None else (self.actions[floor.action],):
                    for asset in covered[floor.target]:
                        key = (state, action, asset)
                        highest[key] = max(highest.get(key, 0), floor.length)
        return [Pair(state=s, action=a, asset=t, floor=length) for (s, a, t), length in sorted(highest.items())]


def circles(terms: Terms) -> list[Holder]:
    """The approvers of the terms, then each circle that `from` names."""
    return [(int(ref.kind), ref.index) for ref in (terms.approvers, *(place.of for place in terms.places))]


def _closure(start: int, step: dict[int, list[int]]) -> frozenset[int]:
    found, queue = {start}, [start]
    while queue:
        for following in step.get(queue.pop(), ()):
            if following not in found:
                found.add(following)
                queue.append(following)
    return frozenset(found)


def _exposures(estate: Estate, at: dt.date) -> list[frozenset[int]]:
    people, entities, bases = estate.people, estate.entities, estate.settings.bases
    states, parents = entities.state.tolist(), entities.parent.tolist()
    found: list[set[int]] = [set() for _ in people.ids]
    for basis, column in ((Basis.WORKPLACE, people.workplace), (Basis.RESIDENCE, people.residence)):
        if basis in bases:
            for person, state in enumerate(column.tolist()):
                found[person].add(state)
    for person, entity in enumerate(people.entity.tolist()):
        if entity >= 0 and Basis.EMPLOYER in bases:
            found[person].add(states[entity])
        while entity >= 0 and Basis.OWNER in bases:
            entity = parents[entity]
            if entity >= 0:
                found[person].add(states[entity])
    for trip in estate.travel:
        if Basis.TRAVEL in bases and trip.start <= at <= trip.until:
            found[trip.person].add(trip.state)
    for tie in estate.declared:
        if Basis.DECLARED in bases:
            found[tie.person].add(tie.state)
    upward = estate.settings.upward
    return [frozenset(above for state in own if state >= 0 for above in upward[state]) for own in found]
