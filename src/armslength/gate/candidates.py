"""Candidates: who could approve a request, so that people who lack an approval learn at once who could give it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from armslength.gate.decision import Decider
from armslength.gate.judge import asking, counted, named_in_full, rule_for
from armslength.gate.outcome import Open, Passage
from armslength.gate.question import Question
from armslength.gate.quorum import Member, Rule, agree, shortfalls, unfit
from armslength.gate.request import PersonId, Request
from armslength.gate.seating import Seating, Spent, Steps

STEPS = 2_000_000
"""What a search may cost, some 1 µs each."""

FEW = 5
"""So many sets are named."""

_WITNESSES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """In the order of the people table: `sets` are a few of the smallest sets of people whose approval would complete
    what is there, one that is empty if nobody's is missing; `people` is everyone who has not approved and is in some
    quorum with those who have, or with others. `complete` False: the search was cut, and there may be more."""

    sets: tuple[tuple[PersonId, ...], ...]
    people: tuple[PersonId, ...]
    complete: bool


def who_could(
    decider: Decider,
    request: Request,
    approvers: Sequence[PersonId],
    available: frozenset[PersonId],
    *,
    barred: frozenset[str] = frozenset(),
    only: frozenset[str] | None = None,
    steps: int = STEPS,
) -> Candidates:
    """Who of the `available` could complete the request, beside the `approvers` whose approval stands; `only`: terms it
    may pass through, None for any.

    No `sets`, and `complete`: nobody could, by any way in. What customers have to say is not looked at.
    """
    look = decider.look(Question.of(request))
    left, complete = Steps(steps), True
    sets: list[tuple[PersonId, ...]] = []
    people: set[PersonId] = set()
    for passage in look.passages if isinstance(look, Open) else ():
        if passage.terms is None or not named_in_full(decider, request, passage.terms):
            continue
        if only is not None and passage.terms not in only:
            continue
        panel = _Panel(decider, request, passage, approvers, available, barred, left)
        try:
            sets += panel.sets()
            people |= panel.people
            people |= panel.useful()
        except Spent:
            sets += panel.found
            people |= panel.people
            complete = False
    least = min((len(each) for each in sets), default=0)
    places = decider.roster.places
    smallest = (tuple(sorted(each, key=places.__getitem__)) for each in sets if len(each) == least)
    return Candidates(
        sets=tuple(dict.fromkeys(smallest))[:FEW],
        people=tuple(sorted(people, key=places.__getitem__)),
        complete=complete,
    )


class _Panel:
    """One way in, with those who approved and those who could. `people` and `found` hold what is known so far."""

    def __init__(
        self,
        decider: Decider,
        request: Request,
        passage: Passage,
        approvers: Sequence[PersonId],
        available: frozenset[PersonId],
        barred: frozenset[str],
        steps: Steps,
    ) -> None:
        roster = decider.roster
        self._rule: Rule = rule_for(decider, passage, barred)
        terms = self._rule.terms
        self._asking = asking(decider, request, terms)
        self._approved = [
            member
            for person in counted(decider, approvers)
            if not unfit(self._rule, self._asking, member := roster.member(person, terms))
        ]
        self._named = frozenset(one.person for one in self._approved)
        self._bench = roster.bench(terms)
        able = available | self._named

        def there(one: Member) -> bool:
            return one.person in able and not decider.ages.person(roster.places[one.person])

        def fits(one: Member) -> bool:
            return there(one) and not unfit(self._rule, self._asking, one)

        self._there, self._fits = there, fits
        self._steps = steps
        self._seating = Seating(self._bench, self._rule, self._asking, fits, steps)
        self._quorums: list[tuple[Member, ...]] = []
        self.people: set[PersonId] = set()
        self.found: list[tuple[PersonId, ...]] = []

    def sets(self) -> list[tuple[PersonId, ...]]:
        """A few of the smallest completions. Raises `Spent`."""
        for extra in range(self._rule.approvals + 1):
            for kept in self._kept(self._rule.approvals - extra):
                self._add(kept, self._seating.find(kept))
                for one in self._others() if self.found and extra else ():
                    if len(self.found) >= FEW:
                        break
                    if agree(self._rule, self._asking, [*kept, one]):
                        self._add(kept, self._seating.find([*kept, one]))
                if len(self.found) >= FEW:
                    break
            if self.found:
                break
        return self.found

    def useful(self) -> set[PersonId]:
        """Everyone who is in some quorum and has not approved. Raises `Spent`."""
        seat = frozenset(one.person for one in self._asking)
        above = frozenset().union(*(one.line for one in self._asking))
        for kind in self._bench.kinds:
            # Of a kind, those with the same values are answered alike, if they stand alike to those who ask.
            known: dict[tuple[tuple[str, ...], bool], bool] = {}
            for one in kind.people:
                if one.person in self._named or one.person in seat or not self._there(one):
                    continue
                values = tuple(one.values.get(column, "") for column in self._rule.distinct)
                alike = values, one.person in above or not seat.isdisjoint(one.line)
                if alike not in known:
                    known[alike] = not unfit(self._rule, self._asking, one) and self._sits(one)
                if known[alike]:
                    self.people.add(one.person)
        return self.people

    def _sits(self, one: Member) -> bool:
        """Whether the person is in some quorum."""
        for quorum in self._quorums:
            for place in range(len(quorum)):
                if not shortfalls(self._rule, self._asking, (*quorum[:place], one, *quorum[place + 1 :])):
                    return True
        found = self._seating.find([one])
        if found is None:
            return False
        self._remember(found)
        return True

    def _kept(self, count: int) -> Iterator[tuple[Member, ...]]:
        """Those who approved, so many at a time, where they could be in one quorum."""
        for some in combinations(self._approved, count):
            self._steps.take()
            if agree(self._rule, self._asking, some):
                yield some

    def _others(self) -> Iterator[Member]:
        """Somebody of each kind who is in no set yet."""
        for kind in self._bench.kinds:
            named = frozenset(person for each in self.found for person in each) | self._named
            yield from [one for one in kind.people if one.person not in named and self._fits(one)][:1]

    def _add(self, kept: Iterable[Member], quorum: tuple[Member, ...] | None) -> None:
        if quorum is None:
            return
        self._remember(quorum)
        known = {one.person for one in kept}
        more = tuple(sorted(one.person for one in quorum if one.person not in known))
        self.people.update(person for person in more if person not in self._named)
        if more not in self.found:
            self.found.append(more)

    def _remember(self, quorum: tuple[Member, ...]) -> None:
        self._quorums = [quorum, *self._quorums][:_WITNESSES]
