"""The least set of accomplices for one (state, action, asset), as one CP-SAT model straight from the definition.

A Boolean per fact and per use of a rule; a fact holds only by one of its uses; where facts could support each other in
a circle, ranks order them. People, quorums and grants stand as they are: what the target cannot depend on is left out,
nothing else is simplified.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from ortools.sat.python import cp_model

from armslength.estate import AMEND, ASSUME, ENROLL, OPERATE, Kind
from benchmarks.peers.components import components
from benchmarks.peers.reading import NO_TERMS, Holder, Reading, Rule, circles

Fact = tuple[Hashable, ...]
_EVERYONE: Holder = (int(Kind.EVERYONE), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`length` None: nobody up to the cap. `proved` False: time ran out, and `length` is no answer."""

    length: int | None
    accomplices: tuple[int, ...]
    proved: bool
    seconds: float


class Powers:
    """Who can hand out what, looked up by the target of the power: shared by all models of one estate."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.giving: dict[tuple[str, Holder], list[Rule]] = defaultdict(list)
        for rule, given in reading.rules.items():
            for action, target in given:
                self.giving[(action, target)].append(rule)
        self.assumed_by: dict[int, list[Holder]] = defaultdict(list)
        self.enrolled: set[int] = set()
        for power, (kind, number) in self.giving:
            if power == ASSUME:
                for person in reading.people(kind, number):
                    self.assumed_by[person].append((kind, number))
            elif power == ENROLL:
                self.enrolled.add(number)

    def enrolling(self, holder: Holder) -> list[int]:
        """The groups by whose enrolment a person gets into the holder."""
        kind, group = holder
        return sorted(self.reading.inner(group) & self.enrolled) if kind == Kind.GROUP else []


class Model:
    """One model: facts are added when something needs them, from the target backward."""

    def __init__(self, powers: Powers, state: int, cap: int) -> None:
        self.powers, self.reading, self.state = powers, powers.reading, state
        self.model = cp_model.CpModel()
        self.holds: dict[Fact, cp_model.IntVar] = {}
        # The ways to each fact, as literals; and which literal makes which fact hang on which.
        self.ways: dict[Fact, list[cp_model.IntVar]] = {}
        self.links: list[tuple[cp_model.IntVar, Fact, Fact]] = []
        self.chosen: dict[int, cp_model.IntVar] = {}
        self.cap = cap
        self._open: list[Fact] = []

    def solve(self, action: str, asset: int, seconds: float) -> Answer:
        """The least number of accomplices for the action on the asset, in at most so many seconds."""
        start = time.monotonic()
        self.model.add_bool_and([self.fact(("can", action, asset))])
        while self._open:
            self._support(self._open.pop())
        self._order()
        cost = sum(self.chosen.values())
        self.model.add(cost <= self.cap)
        self.model.minimize(cost)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.linearization_level = 0
        solver.parameters.max_time_in_seconds = max(0.1, seconds - (time.monotonic() - start))
        status = solver.solve(self.model)
        taken = time.monotonic() - start
        if status == cp_model.INFEASIBLE:
            return Answer(length=None, accomplices=(), proved=True, seconds=taken)
        if status != cp_model.OPTIMAL:
            return Answer(length=None, accomplices=(), proved=False, seconds=taken)
        accomplices = tuple(person for person, chosen in self.chosen.items() if solver.value(chosen))
        return Answer(length=len(accomplices), accomplices=accomplices, proved=True, seconds=taken)

    def fact(self, fact: Fact) -> cp_model.IntVar:
        found = self.holds.get(fact)
        if found is None:
            found = self.holds[fact] = self.model.new_bool_var("")
            self.ways[fact] = []
            self._open.append(fact)
        return found

    def _use(self, fact: Fact, *needs: Fact) -> None:
        """A way to the fact; each has a literal of its own, so that a circle can be told from a ground."""
        literal = self.model.new_bool_var("")
        self._need(literal, fact, needs)
        self.ways[fact].append(literal)

    def _need(self, literal: cp_model.IntVar, fact: Fact, needs: Sequence[Fact]) -> None:
        for need in needs:
            self.model.add_implication(literal, self.fact(need))
            self.links.append((literal, fact, need))

    def _order(self) -> None:
        """No fact supports itself: within a strongly connected component each need ranks below what it supports."""
        following: dict[Fact, list[Fact]] = {fact: [] for fact in self.holds}
        for _, fact, need in self.links:
            following[fact].append(need)
        component = components(following)
        size = Counter(component.values())
        rank: dict[Fact, cp_model.IntVar] = {}
        for literal, fact, need in self.links:
            if component[fact] == component[need]:
                for one in (fact, need):
                    if one not in rank:
                        rank[one] = self.model.new_int_var(0, size[component[one]], "")
                self.model.add(rank[fact] > rank[need]).only_enforce_if(literal)

    def _support(self, fact: Fact) -> None:
        match fact:
            case ("can", str(action), int(asset)):
                self._can(fact, action, asset)
            case ("usable", tuple(holder), int(terms)):
                self._usable(fact, (holder, terms))
            case ("quorum", tuple(holder), int(terms)):
                self._quorum(fact, holder, terms)
            case ("active", tuple(holder)):
                self._active(fact, holder)
            case ("given", str(action), tuple(target)):
                for rule in self.powers.giving[(action, target)]:
                    self._use(fact, ("usable", *rule))
            case ("entered", tuple(holder)):
                for group in self.powers.enrolling(holder):
                    self._use(fact, ("given", ENROLL, (int(Kind.GROUP), group)))
            case ("acts", int(person)):
                self._acts(fact, person)
            case _:
                raise AssertionError(f"a fact that no rule makes: {fact!r}")
        self.model.add_bool_or([*self.ways[fact], self.holds[fact].negated()])

    def _can(self, fact: Fact, action: str, asset: int) -> None:
        for target in self.reading.above(asset):
            for given in {action, OPERATE}:
                for rule in self.powers.giving.get((given, target), ()):
                    self._use(fact, ("usable", *rule))
        if self.reading.hosted(asset, self.state):
            key = int(self.reading.estate.assets.lock[asset])
            if key < 0:
                self._use(fact)
            else:
                for needed in ("use", OPERATE):
                    self._use(fact, ("can", needed, key))

    def _usable(self, fact: Fact, rule: Rule) -> None:
        holder, terms = rule
        if terms == NO_TERMS:
            self._use(fact, ("active", holder))
            return
        self._use(fact, ("quorum", holder, terms))
        waiver = (AMEND, (int(Kind.TERMS), terms))
        if waiver in self.powers.giving:
            self._use(fact, ("active", holder), ("given", *waiver))
        gate = self.reading.estate.settings.gate
        if gate is not None:
            self._use(fact, ("can", OPERATE, gate))

    def _active(self, fact: Fact, holder: Holder) -> None:
        for person in self.reading.people(*holder):
            self._use(fact, ("acts", person))
        if self.powers.enrolling(holder):
            self._use(fact, ("entered", holder), ("active", _EVERYONE))

    def _acts(self, fact: Fact, person: int) -> None:
        if self.state in self.reading.exposed[person]:
            self._use(fact)
            return
        self.chosen[person] = self.model.new_bool_var("")
        self.ways[fact].append(self.chosen[person])
        for target in self.powers.assumed_by.get(person, ()):
            self._use(fact, ("given", ASSUME, target))

    def _quorum(self, fact: Fact, holder: Holder, number: int) -> None:
        """One use: a requester and the approvers, each a literal that needs the person to act and to be in."""
        terms, reading, model = self.reading.terms(number), self.reading, self.model
        quorum = self.holds[fact]
        approvers, *places = circles(terms)
        requests = self._seats(fact, holder)
        approves = self._seats(fact, approvers)
        model.add(sum(requests.values()) == 1).only_enforce_if(quorum)
        model.add(sum(approves.values()) == terms.approvals).only_enforce_if(quorum)
        members: dict[int, list[cp_model.IntVar]] = defaultdict(list)
        for seats in (requests, approves):
            for person, seat in seats.items():
                members[person].append(seat)
        for both in members.values():
            model.add_at_most_one(both)
        filled: dict[int, list[cp_model.IntVar]] = defaultdict(list)
        for circle, place in zip(places, terms.places, strict=True):
            filling = self._seats(fact, circle, among=approves)
            model.add(sum(filling.values()) == place.count).only_enforce_if(quorum)
            for person, seat in filling.items():
                model.add_implication(seat, approves[person])
                filled[person].append(seat)
        for several in filled.values():
            model.add_at_most_one(several)
        self._apart(quorum, requests, approves, terms.apart, terms.approvals + 1)
        for column in reading.values(terms):
            same: dict[str, list[cp_model.IntVar]] = defaultdict(list)
            for seats in (requests, approves):
                for person, seat in seats.items():
                    same[column[person]].append(seat)
            for value, seats_of_value in same.items():
                if value:
                    model.add_at_most_one(seats_of_value)
                else:
                    model.add(sum(seats_of_value) == 0)
        self.ways[fact].append(quorum)

    def _seats(self, fact: Fact, circle: Holder, among: Iterable[int] | None = None) -> dict[int, cp_model.IntVar]:
        """A literal for each person who could sit for the circle: a member, or anybody once it can be entered."""
        inside = self.reading.people(*circle)
        inside = frozenset(inside) if circle != _EVERYONE else inside
        entering = bool(self.powers.enrolling(circle))
        candidates = among if among is not None else range(self.reading.size) if entering else sorted(inside)
        seats: dict[int, cp_model.IntVar] = {}
        for person in candidates:
            if person in inside or entering:
                seat = seats[person] = self.model.new_bool_var("")
                needs: tuple[Fact, ...] = (("acts", person),)
                if person not in inside:
                    needs = (*needs, ("entered", circle))
                self._need(seat, fact, needs)
                self.model.add_implication(seat, self.holds[fact])
        return seats

    def _apart(
        self,
        quorum: cp_model.IntVar,
        requests: dict[int, cp_model.IntVar],
        approves: dict[int, cp_model.IntVar],
        apart: int,
        size: int,
    ) -> None:
        """For every state but home: at most `size` less `apart` members are exposed to it."""
        if size < apart:
            self.model.add_bool_and([quorum.negated()])
        exposed: dict[int, list[cp_model.IntVar]] = defaultdict(list)
        for seats in (requests, approves):
            for person, seat in seats.items():
                for state in self.reading.exposed[person] - self.reading.home:
                    exposed[state].append(seat)
        for those in exposed.values():
            if len(those) > size - apart:
                self.model.add(sum(those) <= size - apart)
