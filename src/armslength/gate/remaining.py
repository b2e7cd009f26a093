"""Remaining: of each act that needs a quorum, how many quorums could still be made were some people not there.

Counted for one who asks and for whom most can be: small numbers exactly, large ones as a bound. Whether there is one at
all is found as the gate finds it, kind by kind, so that of thousands of people it takes no longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from armslength.gate.decision import Decider
from armslength.gate.outage import Way, alike, ways
from armslength.gate.quorum import Member, Rule, agree, shortfalls, unfit
from armslength.gate.request import PersonId
from armslength.gate.seating import Seating, Spent, Steps

STEPS = 5_000
"""What counting for one who asks may cost, some 20 µs a step."""
SEATING = 50_000
"""What looking for one quorum may cost, some 1 µs a step."""
MOST = 100
"""Quorums that are counted."""
ASKERS = 8
"""Kinds of those who could ask, that are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What is left of one act. `quorums` is how many could be made, `more` whether there may be more than that;
    `there` how many who may approve are there. `needed` are those without any of whom nobody could be given it: they
    are in each of the quorums, or the one who asks."""

    way: Way
    there: int
    quorums: int
    more: bool
    needed: tuple[PersonId, ...]


class Remaining:
    """Answers for one set of people who are there. For one thread."""

    def __init__(self, decider: Decider, present: frozenset[PersonId]) -> None:
        places, stale = decider.roster.places, decider.ages.person
        self._decider = decider
        self._present = frozenset(each for each in present if each in places and not stale(places[each]))
        self._counted: dict[tuple[str, object], Remains] = {}
        self._asked: dict[tuple[str, object], PersonId] = {}
        """For whom it was counted."""
        self._known: dict[tuple[str, tuple[int, ...] | None], Remains] = {}
        self._found: dict[tuple[str, object], bool] = {}

    def every(self) -> tuple[Remains, ...]:
        """Of each way through the gate, those alike once, in the order of grants, then permits."""
        found: dict[tuple[str, str, str], Remains] = {}
        for way in ways(self._decider):
            found.setdefault((way.action, way.target, way.terms), self.of(way))
        return tuple(found.values())

    def of(self, way: Way) -> Remains:
        key = way.terms, way.holders
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._best(way)
        return replace(known, way=way)

    def any(self, way: Way) -> bool:
        """Whether there is one at all; a search that is cut found none."""
        kinds: set[object] = set()
        for one, kind in self._askers(way):
            if kind not in kinds and self._is_there(way, one, kind):
                return True
            kinds.add(kind)
            if len(kinds) == ASKERS:
                break
        return False

    def _best(self, way: Way) -> Remains:
        """For one who asks and for whom most can be made; who is needed, whoever asks."""
        bench, places = self._decider.roster.bench(way.terms), self._decider.roster.places
        there = sum(one.person in self._present for kind in bench.kinds for one in kind.people)
        best = Remains(way=way, there=there, quorums=0, more=False, needed=())
        kinds: dict[object, list[PersonId]] = {}
        for one, kind in self._askers(way):
            if kind not in kinds and len(kinds) < ASKERS:
                best = max(best, self._of(way, one, kind), key=lambda each: each.quorums)
                if best.quorums >= MOST:
                    return replace(best, there=there)
            kinds.setdefault(kind, []).append(one.person)
        needed: frozenset[PersonId] | None = None if len(kinds) <= ASKERS else frozenset()
        for kind, people in list(kinds.items())[:ASKERS]:
            counted = self._counted[way.terms, kind]
            if counted.quorums:
                # Those alike can change places: who was counted for is needed where all others of the kind are.
                asked, first = self._asked[way.terms, kind], people[0]
                these = frozenset(asked if each == first else each for each in counted.needed)
                these |= frozenset(people[:1]) if these.issuperset(people[1:]) else frozenset()
                needed = these if needed is None else needed & these
        return replace(best, there=there, needed=tuple(sorted(needed or (), key=places.__getitem__)))

    def _askers(self, way: Way) -> Iterator[tuple[Member, object]]:
        roster, lines_apart = self._decider.roster, self._decider.roster.rule(way.terms).lines_apart
        for name in way.people(self._decider.estate.people.ids):
            if PersonId(name) in self._present:
                one = roster.member(PersonId(name), way.terms)
                yield one, alike(one, lines_apart)

    def _of(self, way: Way, one: Member, kind: object) -> Remains:
        found = self._counted.get((way.terms, kind))
        if found is None:
            found = self._counted[way.terms, kind] = self._for(way, one, kind)
            self._asked[way.terms, kind] = one.person
        return found

    def _for(self, way: Way, one: Member, kind: object) -> Remains:
        if not self._is_there(way, one, kind):
            return Remains(way=way, there=0, quorums=0, more=False, needed=())
        bench, fits = self._decider.roster.bench(way.terms), self._fits(way, one)
        # A kind of whom one alone has too many in one state's reach is passed over whole.
        kinds = [each for each in bench.kinds if _bears(bench.rule, one, each.people[0])]
        able = [other for each in kinds for other in each.people if fits(other)]
        quorums, more = _quorums(bench.rule, one, able)
        needed = frozenset.intersection(*(frozenset(each) for each in quorums)) if quorums and not more else frozenset()
        # A search that was cut may have found none; that there is one is known.
        return Remains(way=way, there=0, quorums=max(1, len(quorums)), more=more, needed=tuple(needed))

    def _is_there(self, way: Way, one: Member, kind: object) -> bool:
        key = way.terms, kind
        if key not in self._found:
            bench = self._decider.roster.bench(way.terms)
            try:
                seating = Seating(bench, bench.rule, (one,), self._fits(way, one), Steps(SEATING))
                self._found[key] = seating.find(()) is not None
            except Spent:
                self._found[key] = False
        return self._found[key]

    def _fits(self, way: Way, one: Member) -> Callable[[Member], bool]:
        """As `unfit` has it, for those of the bench: they may approve, and nobody is barred."""
        rule, present = self._decider.roster.bench(way.terms).rule, self._present
        if rule.lines_apart:
            return lambda other: other.person in present and not unfit(rule, (one,), other)
        own = [(column, one.values.get(column, "")) for column in rule.distinct]
        if any(not value for _, value in own):
            return lambda other: False

        def fits(other: Member) -> bool:
            if other.person not in present or other.person == one.person:
                return False
            return all(other.values.get(column, "") not in ("", value) for column, value in own)

        return fits


def _bears(rule: Rule, one: Member, other: Member) -> bool:
    """Whether both can sit in a quorum, by the states that they are exposed to."""
    together = (one.exposed & other.exposed) - rule.home
    return rule.approvals + 1 - rule.apart >= (2 if together else 1 if (one.exposed | other.exposed) - rule.home else 0)


def _quorums(rule: Rule, one: Member, able: Sequence[Member]) -> tuple[list[tuple[PersonId, ...]], bool]:
    """Up to `MOST` sets that are quorums, and whether there may be more."""
    steps, found = Steps(STEPS), list[tuple[PersonId, ...]]()

    def grown(chosen: tuple[Member, ...], start: int) -> bool:
        """Whether to go on."""
        if len(chosen) == rule.approvals:
            if not shortfalls(rule, (one,), chosen):
                found.append(tuple(each.person for each in chosen))
            return len(found) < MOST
        for place in range(start, len(able) - (rule.approvals - len(chosen)) + 1):
            steps.take()
            more = (*chosen, able[place])
            if agree(rule, (one,), more) and not grown(more, place + 1):
                return False
        return True

    try:
        return found, not grown((), 0)
    except Spent:
        return found, True
