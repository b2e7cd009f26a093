"""A plain worklist fixpoint for one state and one set of accomplices, and the naive search for lengths on top of it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from armslength.estate import AMEND, ASSUME, ENROLL, OPERATE, Kind
from benchmarks.peers.quorum import Seats
from benchmarks.peers.reading import NO_TERMS, Holder, Pair, Reading, Rule, circles

_EVERYONE: Holder = (int(Kind.EVERYONE), 0)


class Worklist:
    """Indexes of an estate that every fixpoint uses."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        estate = reading.estate
        home = reading.home
        self.abroad = [states - home for states in reading.exposed]
        self.groups_of: list[list[int]] = [[] for _ in range(reading.size)]
        for group, people in reading.direct.items():
            for person in people:
                self.groups_of[person].append(group)
        self.values = [list(reading.values(terms)) for terms in estate.settings.terms]
        self.rules_of: dict[Holder, list[Rule]] = defaultdict(list)
        self.rules_under: dict[int, list[Rule]] = defaultdict(list)
        # A rule is looked at again when one of these has gained a person.
        self.watchers: dict[Holder, list[Rule]] = defaultdict(list)
        for rule in reading.rules:
            holder, terms = rule
            self.rules_of[holder].append(rule)
            if terms != NO_TERMS:
                self.rules_under[terms].append(rule)
                for ref in {holder, *circles(reading.terms(terms))}:
                    self.watchers[ref].append(rule)

    def fixpoint(self, state: int, accomplices: Iterable[int]) -> Fixpoint:
        """All that `state` can derive with these accomplices."""
        found = Fixpoint(self, state)
        found.run([p for p, states in enumerate(self.reading.exposed) if state in states], accomplices)
        return found


class Fixpoint:
    """What has been derived: who acts, who is present in which group, which grants are usable."""

    def __init__(self, index: Worklist, state: int) -> None:
        self.index = index
        self.reading = index.reading
        self.state = state
        self.acting: set[int] = set()
        self.present: dict[Holder, set[int]] = defaultdict(set)
        # Holders that everybody who acts is in: enrolled groups, and those around them.
        self.open: set[Holder] = {_EVERYONE}
        self.waived: set[int] = set()
        self.over: set[tuple[str, Holder]] = set()
        self.usable: set[Rule] = set()
        self._people: list[int] = []
        self._fired: list[Rule] = []
        self._stale: set[Rule] = set()

    def run(self, compelled: Iterable[int], accomplices: Iterable[int]) -> None:
        self._people += [*compelled, *accomplices]
        gate = self.reading.estate.settings.gate
        opened = False
        while True:
            if self._people:
                while self._people:
                    self._act(self._people.pop())
                for holder in self.open:
                    self._watch(holder)
            elif self._fired:
                self._apply(self._fired.pop())
            elif gate is not None and not opened and self.can(OPERATE, gate):
                opened = True
                for rules in self.index.rules_under.values():
                    for rule in rules:
                        self._use(rule)
            elif self._stale:
                rule = self._stale.pop()
                if rule not in self.usable and self._satisfied(rule):
                    self._use(rule)
            else:
                return

    def can(self, action: str, asset: int, trail: frozenset[int] = frozenset()) -> bool:
        """Whether the action on the asset has been derived. `trail`: keys on whose custody this already hangs."""
        above = self.reading.above(asset)
        if any((action, target) in self.over or (OPERATE, target) in self.over for target in above):
            return True
        if asset in trail or not self.reading.hosted(asset, self.state):
            return False
        key = int(self.reading.estate.assets.lock[asset])
        return key < 0 or any(self.can(needed, key, trail | {asset}) for needed in ("use", OPERATE))

    def _at(self, holder: Holder) -> Collection[int]:
        return self.acting if holder in self.open else self.present.get(holder, ())

    def _act(self, person: int) -> None:
        if person in self.acting:
            return
        self.acting.add(person)
        if len(self.acting) == 1:
            for holder in self.open:
                self._arrive(holder)
        around = {above for group in self.index.groups_of[person] for above in self.reading.outer[group]}
        for holder in ((int(Kind.PERSON), person), *((int(Kind.GROUP), group) for group in around)):
            if holder not in self.open:
                self.present[holder].add(person)
                if len(self.present[holder]) == 1:
                    self._arrive(holder)
                self._watch(holder)

    def _arrive(self, holder: Holder) -> None:
        """Somebody who acts is now in the holder: what needs no quorum is usable."""
        for rule in self.index.rules_of.get(holder, ()):
            if rule[1] == NO_TERMS or rule[1] in self.waived:
                self._use(rule)

    def _watch(self, holder: Holder) -> None:
        self._stale.update(rule for rule in self.index.watchers.get(holder, ()) if rule not in self.usable)

    def _use(self, rule: Rule) -> None:
        if rule not in self.usable:
            self.usable.add(rule)
            self._fired.append(rule)

    def _apply(self, rule: Rule) -> None:
        for action, (kind, target) in self.reading.rules[rule]:
            if action == ASSUME:
                self._people += self.reading.people(kind, target)
            elif action == ENROLL:
                for group in self.reading.outer[target]:
                    self._enroll((int(Kind.GROUP), group))
            elif action == AMEND:
                self.waived.add(target)
                for other in self.index.rules_under.get(target, ()):
                    if self._at(other[0]):
                        self._use(other)
            else:
                self.over.add((action, (kind, target)))

    def _enroll(self, holder: Holder) -> None:
        if holder not in self.open:
            self.open.add(holder)
            if self.acting:
                self._arrive(holder)
            self._watch(holder)

    def _satisfied(self, rule: Rule) -> bool:
        holder, number = rule
        terms = self.reading.terms(number)
        requesters, approvers, *places = (self._at(ref) for ref in (holder, *circles(terms)))
        if not requesters or not approvers:
            return False
        return Seats(terms, self.index.abroad, self.index.values[number], requesters, approvers, places).filled()


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The lengths found, None where up to the cap do not suffice, and the fixpoints it took; a search that ran out of
    time has `finished` False and only the lengths that it had found by then."""

    lengths: dict[Pair, int | None]
    fixpoints: int
    finished: bool


def search(index: Worklist, state: int, pairs: Sequence[Pair], cap: int, *, seconds: float = float("inf")) -> Search:
    """The naive search for the pairs of one state: a fixpoint for every set of up to `cap` outsiders, smaller sets
    first, as long as some pair is open."""
    reading = index.reading
    names = reading.estate.actions
    outsiders = [person for person, states in enumerate(reading.exposed) if state not in states]
    found: dict[Pair, int | None] = {}
    left = list(pairs)
    fixpoints = 0
    end = time.monotonic() + seconds
    for size in range(cap + 1):
        for accomplices in combinations(outsiders, size):
            if not left:
                return Search(lengths=found, fixpoints=fixpoints, finished=True)
            if time.monotonic() > end:
                return Search(lengths=found, fixpoints=fixpoints, finished=False)
            reached = index.fixpoint(state, accomplices)
            fixpoints += 1
            done = [pair for pair in left if reached.can(names[pair.action], pair.asset)]
            if done:
                found.update(dict.fromkeys(done, size))
                left = [pair for pair in left if pair not in found]
    return Search(lengths=found | dict.fromkeys(left), fixpoints=fixpoints, finished=True)
