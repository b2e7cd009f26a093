"""Quorums over the people of an estate: the ballot of each rule, the cheapest way to fill it, and who that is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from armslength.estate import Estate
from armslength.reach.ballot import Ballot, Filled, Stand, joined, seats, tally, worth
from armslength.reach.classes import Classes, Counts, classes, exposures
from armslength.reach.crowd import Crowd, crowd
from armslength.reach.exposure import Exposure
from armslength.reach.membership import Membership
from armslength.reach.rules import STANDING, Rule
from armslength.reach.seating import Bill, Seat, Seating, order, seat
from armslength.reach.spread import Flags, Ints, within

Key = TypeVar("Key", bound=Hashable)


class Inherited(Protocol):
    """Ballots of another model that are the same in this one."""

    def ballot(self, rule: Rule, opened: frozenset[int]) -> Ballot | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """A cheapest way to satisfy a rule: people indexes; `FILLED` stands for somebody of an unknown group."""

    outsiders: tuple[int, ...]
    requester: int
    approvers: tuple[int, ...]


FILLED = -1


class Quorums:
    """Makes ballots and settles them. Equal questions are answered once."""

    def __init__(self, estate: Estate, exposure: Exposure, membership: Membership, tick: Callable[[], None]) -> None:
        self._exposure, self._membership, self._tick = exposure, membership, tick
        settings = estate.settings
        self._asked, self._home, self._upward = settings.terms, settings.home, settings.upward
        self._unknown, self._columns = estate.groups.unknown, estate.people.columns
        self._masks = [sum(1 << s for s in members - self._home) for members in exposure.sets]
        self._exposures = exposures(self._masks)
        self._count = len(estate.people.ids)
        self._everyone = np.arange(self._count, dtype=np.int32)
        self._codes: dict[str, Ints] = {}
        self._approving: dict[int, tuple[Crowd, tuple[Crowd, ...]]] = {}
        self._tables: dict[Hashable, Classes] = {}
        self._asking: dict[Hashable, Classes] = {}
        self._ballots: dict[tuple[int, frozenset[int]], Ballot] = {}
        self._mentioned: dict[int, frozenset[int]] = {}
        self._inherited: Inherited | None = None

    def __getstate__(self) -> dict[str, object]:
        """For another process: all that the terms may ask of people, in place of the tables."""
        for terms in self._asked:
            for name in terms.distinct:
                self.codes(name)
        return {**vars(self), "_columns": {}}

    def mentioned(self, rule: Rule) -> frozenset[int]:
        """The groups whose opening by enrolment changes who may ask or approve."""
        found = self._mentioned.get(rule.number)
        if found is None:
            found = rule.holders.mentioned
            if rule.terms != STANDING:
                approving, placing = self._crowds(rule.terms)
                found = found.union(approving.mentioned, *(c.mentioned for c in placing))
            self._mentioned[rule.number] = found
        return found

    @property
    def people(self) -> int:
        return self._count

    @property
    def exposed(self) -> list[int]:
        """The bit mask of each set of exposures, without the home states; `exposure_of` [P] numbers the sets."""
        return self._masks

    @property
    def exposure_of(self) -> Ints:
        return self._exposure.of

    def crowds(self, rule: Rule) -> tuple[Crowd, ...]:
        """Who may ask, who may approve, and who may fill each place."""
        if rule.terms == STANDING:
            return (rule.holders,)
        approving, placing = self._crowds(rule.terms)
        return (rule.holders, approving, *placing)

    def ways_in(self, rule: Rule, people: Ints) -> list[bytes]:
        """For each of `people`, by which ways in the tables they belong to the crowds of the rule."""
        ways = [way.people for crowd in self.crowds(rule) for way in crowd.ways if way.people is not None]
        flags = np.array([within(people, inside) for inside in ways], dtype=np.bool_).reshape(-1, len(people))
        return [row.tobytes() for row in np.packbits(flags.T, axis=1)]

    def distinct(self, rule: Rule) -> tuple[str, ...]:
        return () if rule.terms == STANDING else self._asked[rule.terms].distinct

    def size(self, rule: Rule) -> int:
        """How many sit in its quorum, the requester among them."""
        return 1 if rule.terms == STANDING else self._asked[rule.terms].approvals + 1

    def approved_by_all(self, rule: Rule, opened: frozenset[int]) -> bool:
        """Whether anyone may approve with these groups open."""
        return rule.terms != STANDING and self._crowds(rule.terms)[0].people(opened) is None

    def above(self, state: int) -> int:
        """The bit mask of a state and all that it belongs to, without the home states."""
        return sum(1 << s for s in self._upward[state] - self._home)

    def ballot(self, rule: Rule, opened: frozenset[int]) -> Ballot:
        """The rule with the groups of `opened` open to all who act."""
        key = (rule.number, opened & self.mentioned(rule))
        found = self._ballots.get(key)
        if found is None:
            found = self._inherited.ballot(rule, key[1]) if self._inherited is not None else None
            if found is None:
                found = self._make(rule, key[1])
            self._ballots[key] = found
        return found

    def known(self, rule: Rule, opened: frozenset[int]) -> Ballot | None:
        """A ballot that is made already."""
        return self._ballots.get((rule.number, opened))

    def inherit(self, inherited: Inherited, codes: Mapping[str, Ints]) -> None:
        """Take ballots over from the quorums of another model, with the `codes` that they were made by."""
        self._inherited = inherited
        self._codes = {**codes, **self._codes}

    def let_go(self) -> None:
        """Keep nothing of the other model but what was taken over."""
        self._inherited = None

    def least(
        self, ballot: Ballot, asking: Counts, approving: Counts, most: int, filled: Filled | None
    ) -> Seating | None:
        """The cheapest seating with at most `most` outsiders. `asking`, `approving`: how many of each class act."""

        def drawn() -> tuple[list[Seat], list[Seat]]:
            extra_q, extra_a = self._filled_seats(ballot, filled)
            asks = seats(ballot.requesters, asking, ballot.bill.approvals, most)
            approves = seats(ballot.approvers, approving, ballot.bill.approvals, most)
            if extra_q or extra_a:
                return sorted(asks + extra_q, key=order), sorted(approves + extra_a, key=order)
            return asks, approves

        key = (tally(asking), tally(approving), filled)
        return self._seat(ballot.bill, ballot.known, key, most, drawn)

    def stand(self, ballot: Ballot, asking: Counts, approving: Counts) -> Stand:
        """The ballot with so many of each class acting."""
        key = (tally(asking), tally(approving))
        found = ballot.stands.get(key)
        if found is None:
            approvals = ballot.bill.approvals
            found = ballot.stands[key] = Stand(
                ballot=ballot,
                requesters=worth(ballot.requesters, asking, key[0], approvals),
                approvers=worth(ballot.approvers, approving, key[1], approvals),
            )
        return found

    def joined(self, stand: Stand, asking: tuple[int, ...], approving: tuple[int, ...], most: int) -> Seating | None:
        """The cheapest seating with at most `most` outsiders once up to SPARE more act, given by their classes (-1:
        none)."""
        ballot = stand.ballot

        def drawn() -> tuple[list[Seat], list[Seat]]:
            return (
                joined(ballot.requesters, stand.requesters, asking, most),
                joined(ballot.approvers, stand.approvers, approving, most),
            )

        return self._seat(ballot.bill, stand.known, (asking, approving), most, drawn)

    def _seat(
        self,
        bill: Bill,
        known: dict[Key, tuple[int, Seating | None]],
        key: Key,
        most: int,
        drawn: Callable[[], tuple[list[Seat], list[Seat]]],
    ) -> Seating | None:
        """The cheapest seating with at most `most` outsiders, from the seats `drawn`. `known`: for a key, up to how
        many outsiders were tried, and what was found."""
        tried, found = known.get(key, (-1, None))
        if found is None and tried < most:
            found = seat(bill, *drawn(), most, self._tick)
            known[key] = (most, found)
        return found if found is not None and found.outsiders <= most else None

    def name(self, ballot: Ballot, seating: Seating, acting: Callable[[Ints], Flags]) -> Quorum:
        """Real people for a seating; `acting` tells who of some people acts. Whoever does not is an outsider: all who
        are exposed act."""
        outsiders = list(self.outsiders(ballot, seating, acting))
        coming, used = iter(outsiders), set[int]()

        def take(classes: Classes, s: Seat) -> int:
            if s.owner < 0:
                return FILLED
            if s.outside:
                return next(coming)
            person = classes.someone(s.owner, acting, used)
            used.add(person)
            return person

        requester = take(ballot.requesters, seating.requester)
        approvers = tuple(take(ballot.approvers, s) for s in seating.approvers)
        return Quorum(outsiders=tuple(outsiders), requester=requester, approvers=approvers)

    def outsiders(self, ballot: Ballot, seating: Seating, acting: Callable[[Ints], Flags]) -> tuple[int, ...]:
        """The outsiders that `name` gives. Who acts is none of them, so who of those sits makes no difference."""
        found: dict[int, None] = {}

        def resting(some: Ints) -> Flags:
            return ~acting(some)

        seats = [(ballot.requesters, seating.requester), *((ballot.approvers, s) for s in seating.approvers)]
        for table, s in seats:
            if s.outside:
                found[table.someone(s.owner, resting, found)] = None
        return tuple(found)

    def _filled_seats(self, ballot: Ballot, filled: Filled | None) -> tuple[list[Seat], list[Seat]]:
        if filled is None:
            return [], []
        size = ballot.bill.approvals + 2
        places = 0
        for i, place in enumerate(ballot.placing):
            places |= place.takes_filled(filled.groups, ballot.opened) << i
        one = Seat(exposed=filled.exposed, values=None, places=places, count=size, outside=False, owner=-1)
        asks = ballot.holders.takes_filled(filled.groups, ballot.opened)
        approves = ballot.approving is not None and ballot.approving.takes_filled(filled.groups, ballot.opened)
        return [one] * asks, [one] * approves

    def _crowds(self, terms: int) -> tuple[Crowd, tuple[Crowd, ...]]:
        found = self._approving.get(terms)
        if found is None:
            asked = self._asked[terms]
            approving = crowd(asked.approvers, self._membership, self._unknown)
            placing = tuple(crowd(p.of, self._membership, self._unknown) for p in asked.places)
            found = self._approving[terms] = (approving, placing)
        return found

    def _make(self, rule: Rule, opened: frozenset[int]) -> Ballot:
        if rule.terms == STANDING:
            nobody = np.zeros(0, dtype=np.int32)
            none = self._classes(nobody, (), nobody, ())
            bill = Bill(approvals=0, together=None, places=())
            asking = self._askers(rule, opened, (), none, STANDING)
            return Ballot(
                bill=bill,
                opened=opened,
                requesters=asking,
                approvers=none,
                holders=rule.holders,
                approving=None,
                placing=(),
            )
        terms = self._asked[rule.terms]
        approving, placing = self._crowds(rule.terms)
        flags = opened & approving.mentioned.union(*(c.mentioned for c in placing))
        inside = [crowd.people(flags) for crowd in (approving, *placing)]
        # Many terms have the same approvers, above all everyone.
        key = (terms.distinct, *(None if some is None else some.tobytes() for some in inside))
        approvers = self._tables.get(key)
        if approvers is None:
            approvers = self._tables[key] = self._approvers(inside[0], inside[1:], terms.distinct)
        bill = Bill(
            approvals=terms.approvals,
            together=terms.approvals + 1 - terms.apart if terms.apart else None,
            places=tuple(i for i, p in enumerate(terms.places) for _ in range(min(p.count, terms.approvals + 1))),
        )
        asking = self._askers(rule, opened, terms.distinct, approvers, key)
        return Ballot(
            bill=bill,
            opened=opened,
            requesters=asking,
            approvers=approvers,
            holders=rule.holders,
            approving=approving,
            placing=placing,
        )

    def _approvers(self, approving: Ints | None, inside: Sequence[Ints | None], distinct: tuple[str, ...]) -> Classes:
        """Those of `approving` people, `inside` are those who may fill each place; None is everyone."""
        people = self._able(approving, distinct)
        fits, places = np.zeros(len(people), dtype=np.int32), [0]
        for i, some in enumerate(inside):
            # Place by place, those alike so far are parted.
            fits = 2 * fits + (1 if some is None else within(people, some))
            used = np.flatnonzero(np.bincount(fits, minlength=2 * len(places)))
            number = np.zeros(2 * len(places), dtype=np.int32)
            number[used] = np.arange(len(used))
            fits = number[fits]
            places = [places[one >> 1] | (one & 1) << i for one in used.tolist()]
        return self._classes(people, distinct, fits, places)

    def _askers(
        self, rule: Rule, opened: frozenset[int], distinct: tuple[str, ...], approvers: Classes, key: Hashable
    ) -> Classes:
        """The requesters' classes; `approvers` are those of a `key`."""
        people = rule.holders.people(opened)
        if people is not None:
            people = self._able(people, distinct)
            return self._classes(people, distinct, approvers.of(people), None)
        found = self._asking.get(key)
        if found is None:
            people = self._able(None, distinct)
            found = self._asking[key] = self._classes(people, distinct, approvers.of(people), None)
        return found

    def _able(self, people: Ints | None, distinct: tuple[str, ...]) -> Ints:
        """Without those who lack a value in a distinct column: they can be in no quorum."""
        people = self._everyone if people is None else people
        for column in distinct:
            people = people[self.codes(column)[people] >= 0]
        return people

    @property
    def coded(self) -> Mapping[str, Ints]:
        """The codes made so far."""
        return self._codes

    def codes(self, name: str) -> Ints:
        """Codes [P] of a text column of people.csv, -1 for empty."""
        found = self._codes.get(name)
        if found is None:
            values = self._columns[name]
            distinct = {"": -1}
            for value in values.unique(maintain_order=True):
                distinct.setdefault(value, len(distinct) - 1)
            found = np.fromiter(map(distinct.__getitem__, values.to_list()), dtype=np.int32, count=len(values))
            self._codes[name] = found
        return found

    def _classes(self, people: Ints, distinct: tuple[str, ...], mark: Ints, places: Sequence[int] | None) -> Classes:
        values = [self.codes(column)[people] for column in distinct]
        return classes(people, self._exposure.of[people], values, mark, self._exposures, places)
