"""Quorums over the people of an estate: classes of like people for each rule, and the cheapest way to fill it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from armslength.estate import Estate
from armslength.reach.crowd import Crowd, crowd
from armslength.reach.exposure import Exposure
from armslength.reach.membership import Membership
from armslength.reach.rules import STANDING, Rule
from armslength.reach.seating import Bill, Seat, Seating, seat
from armslength.reach.spread import Ints

Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The members of unknown groups, taken to be people of one state: any number, of as many units as needed."""

    groups: frozenset[int]
    exposed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """A cheapest way to satisfy a rule: people indexes; `FILLED` stands for somebody of an unknown group."""

    outsiders: tuple[int, ...]
    requester: int
    approvers: tuple[int, ...]


FILLED = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Classes:
    """Like people together: `people` sorted by class, `start` [n + 1]; `seats[i]` describes class i (count not set);
    `sorted_people` with `sorted_class` tell a person's class. `rival[e]` can stand in for `worse[e]`: the same in all
    but fewer exposures. `kind` [n]: like classes, but for their values, together, and `slot` [n] with them;
    `better` [kinds, kinds]: the first is at least as good as the second. These are empty unless one column is
    distinct."""

    people: Ints
    start: npt.NDArray[np.int64]
    seats: tuple[Seat, ...]
    sorted_people: Ints
    sorted_class: Ints
    rival: Ints
    worse: Ints
    kind: Ints
    slot: Ints
    better: Flags

    def added(self, counts: Counts, more: Ints) -> Counts:
        """`counts` once the people of `more` (not counted yet) are counted too."""
        classes = self.of(more)
        classes = classes[classes >= 0]
        return counts + np.bincount(classes, minlength=len(counts)) if classes.size else counts

    def of(self, who: Ints) -> Ints:
        """The class of each of `who`, or -1."""
        if not len(self.sorted_people):
            return np.full(len(who), -1, dtype=np.int32)
        place = np.minimum(np.searchsorted(self.sorted_people, who), len(self.sorted_people) - 1)
        return np.where(self.sorted_people[place] == who, self.sorted_class[place], np.int32(-1))

    def counts(self, flags: Flags) -> Counts:
        """How many of each class have a flag; `flags` is aligned with `people`."""
        total = np.zeros(len(self.people) + 1, dtype=np.int64)
        np.cumsum(flags, out=total[1:])
        return total[self.start[1:]] - total[self.start[:-1]]

    def someone(self, number: int, flags: Flags, but: set[int]) -> int:
        """The first person of class `number` with a flag, who is not in `but`."""
        lo, hi = int(self.start[number]), int(self.start[number + 1])
        for person in self.people[lo:hi][flags[lo:hi]].tolist():
            if person not in but:
                return int(person)
        raise LookupError(number)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ballot:
    """A rule as it stands once certain groups are opened: who may ask, who may approve, what is asked for."""

    bill: Bill
    opened: frozenset[int]
    requesters: Classes
    approvers: Classes
    holders: Crowd
    approving: Crowd | None
    placing: tuple[Crowd, ...]
    known: dict[tuple[bytes, bytes, Filled | None], tuple[int, Seating | None]] = field(default_factory=dict)
    stands: dict[tuple[bytes, bytes], Stand] = field(default_factory=dict)

    @property
    def people(self) -> Ints:
        """Everyone who has a part in it; may repeat."""
        return np.concatenate([self.requesters.people, self.approvers.people])


SPARE = 4
"""So many people may join a stand before its seats are counted anew."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stand:
    """A ballot with so many of each class acting (`asking`, `approving`) and the seats that are worth trying then, even
    once up to SPARE people more act: of requesters and approvers, by class, those who act and the outsiders."""

    ballot: Ballot
    asking: Counts
    approving: Counts
    requesters: tuple[dict[int, Seat], dict[int, Seat]]
    approvers: tuple[dict[int, Seat], dict[int, Seat]]
    known: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[int, Seating | None]] = field(default_factory=dict)


class Quorums:
    """Makes ballots and settles them. Equal questions are answered once."""

    def __init__(self, estate: Estate, exposure: Exposure, membership: Membership, tick: Callable[[], None]) -> None:
        self._estate, self._exposure, self._membership, self._tick = estate, exposure, membership, tick
        home = estate.settings.home
        self._masks = [sum(1 << s for s in members - home) for members in exposure.sets]
        self._count = len(estate.people.ids)
        self._everyone = np.arange(self._count, dtype=np.int32)
        self._codes: dict[str, Ints] = {}
        self._approving: dict[int, tuple[Crowd, tuple[Crowd, ...]]] = {}
        self._tables: dict[tuple[int, frozenset[int]], Classes] = {}
        self._asking: dict[tuple[int, frozenset[int]], Classes] = {}
        self._ballots: dict[tuple[int, frozenset[int]], Ballot] = {}
        self._mentioned: dict[int, frozenset[int]] = {}

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

    def distinct(self, rule: Rule) -> tuple[str, ...]:
        return () if rule.terms == STANDING else self._estate.settings.terms[rule.terms].distinct

    def size(self, rule: Rule) -> int:
        """How many sit in its quorum, the requester among them."""
        return 1 if rule.terms == STANDING else self._estate.settings.terms[rule.terms].approvals + 1

    def approved_by_all(self, rule: Rule, opened: frozenset[int]) -> bool:
        """Whether anyone may approve with these groups open."""
        return rule.terms != STANDING and self._crowds(rule.terms)[0].people(opened) is None

    def mask(self, states: frozenset[int]) -> int:
        """The bit mask of `states` without the home states."""
        return sum(1 << s for s in states - self._estate.settings.home)

    def ballot(self, rule: Rule, opened: frozenset[int]) -> Ballot:
        """The rule with the groups of `opened` open to all who act."""
        key = (rule.number, opened & self.mentioned(rule))
        found = self._ballots.get(key)
        if found is None:
            found = self._ballots[key] = self._make(rule, key[1])
        return found

    def least(
        self, ballot: Ballot, asking: Counts, approving: Counts, most: int, filled: Filled | None
    ) -> Seating | None:
        """The cheapest seating with at most `most` outsiders. `asking`, `approving`: how many of each class act."""
        key = (asking.tobytes(), approving.tobytes(), filled)
        known = ballot.known.get(key)
        if known is None or (known[1] is None and known[0] < most):
            extra_q, extra_a = self._filled_seats(ballot, filled)
            found = seat(
                ballot.bill,
                _seats(ballot.requesters, asking, ballot.bill.approvals, most) + extra_q,
                _seats(ballot.approvers, approving, ballot.bill.approvals, most) + extra_a,
                most,
                self._tick,
            )
            known = ballot.known[key] = (most, found)
        return known[1] if known[1] is not None and known[1].outsiders <= most else None

    def stand(self, ballot: Ballot, asking: Counts, approving: Counts) -> Stand:
        """The ballot with so many of each class acting."""
        key = (asking.tobytes(), approving.tobytes())
        found = ballot.stands.get(key)
        if found is None:
            approvals = ballot.bill.approvals
            found = ballot.stands[key] = Stand(
                ballot=ballot,
                asking=asking,
                approving=approving,
                requesters=_worth(ballot.requesters, asking, approvals),
                approvers=_worth(ballot.approvers, approving, approvals),
            )
        return found

    def joined(
        self, stand: Stand, asking: tuple[int, ...], approving: tuple[int, ...], most: int, filled: Filled | None
    ) -> Seating | None:
        """The cheapest seating with at most `most` outsiders once a few more act, given by their classes (-1: none)."""
        if len(asking) > SPARE or filled is not None:
            counts = [c.copy() for c in (stand.asking, stand.approving)]
            for count, more in zip(counts, (asking, approving), strict=True):
                for number in more:
                    if number >= 0:
                        count[number] += 1
            return self.least(stand.ballot, counts[0], counts[1], most, filled)
        key = (asking, approving)
        known = stand.known.get(key)
        if known is None or (known[1] is None and known[0] < most):
            found = seat(
                stand.ballot.bill,
                _with(stand.ballot.requesters, stand.requesters, asking, most),
                _with(stand.ballot.approvers, stand.approvers, approving, most),
                most,
                self._tick,
            )
            known = stand.known[key] = (most, found)
        return known[1] if known[1] is not None and known[1].outsiders <= most else None

    def name(self, ballot: Ballot, seating: Seating, asking: Flags, approving: Flags) -> Quorum:
        """Real people for a seating. Whoever does not act is an outsider: all who are exposed act."""
        used: set[int] = set()
        outsiders: list[int] = []

        def take(classes: Classes, flags: Flags, s: Seat) -> int:
            if s.owner < 0:
                return FILLED
            person = classes.someone(s.owner, ~flags if s.outside else flags, used)
            used.add(person)
            if s.outside:
                outsiders.append(person)
            return person

        requester = take(ballot.requesters, asking, seating.requester)
        approvers = tuple(take(ballot.approvers, approving, s) for s in seating.approvers)
        return Quorum(outsiders=tuple(outsiders), requester=requester, approvers=approvers)

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
            asked, unknown = self._estate.settings.terms[terms], self._estate.groups.unknown
            approving = crowd(asked.approvers, self._membership, unknown)
            placing = tuple(crowd(p.of, self._membership, unknown) for p in asked.places)
            found = self._approving[terms] = (approving, placing)
        return found

    def _make(self, rule: Rule, opened: frozenset[int]) -> Ballot:
        if rule.terms == STANDING:
            nobody = np.zeros(0, dtype=np.int32)
            none = Classes(
                people=nobody,
                start=np.zeros(1, np.int64),
                seats=(),
                sorted_people=nobody,
                sorted_class=nobody,
                rival=nobody,
                worse=nobody,
                kind=nobody,
                slot=nobody,
                better=np.zeros((0, 0), dtype=np.bool_),
            )
            bill = Bill(approvals=0, together=None, places=())
            asking = self._askers(rule, opened, (), none, frozenset())
            return Ballot(
                bill=bill,
                opened=opened,
                requesters=asking,
                approvers=none,
                holders=rule.holders,
                approving=None,
                placing=(),
            )
        terms = self._estate.settings.terms[rule.terms]
        approving, placing = self._crowds(rule.terms)
        flags = opened & approving.mentioned.union(*(c.mentioned for c in placing))
        classes = self._tables.get((rule.terms, flags))
        if classes is None:
            classes = self._tables[rule.terms, flags] = self._approvers(approving, placing, terms.distinct, flags)
        bill = Bill(
            approvals=terms.approvals,
            together=terms.approvals + 1 - terms.apart if terms.apart else None,
            places=tuple(i for i, p in enumerate(terms.places) for _ in range(min(p.count, terms.approvals + 1))),
        )
        asking = self._askers(rule, opened, terms.distinct, classes, flags)
        return Ballot(
            bill=bill,
            opened=opened,
            requesters=asking,
            approvers=classes,
            holders=rule.holders,
            approving=approving,
            placing=placing,
        )

    def _approvers(
        self, approving: Crowd, placing: tuple[Crowd, ...], distinct: tuple[str, ...], opened: frozenset[int]
    ) -> Classes:
        people = self._able(approving.people(opened), distinct)
        fits = np.zeros(len(people), dtype=np.int32)
        for i, place in enumerate(placing):
            inside = place.people(opened)
            fits |= (1 << i) * (np.isin(people, inside) if inside is not None else 1)
        return self._classes(people, distinct, fits, by_place=True)

    def _askers(
        self, rule: Rule, opened: frozenset[int], distinct: tuple[str, ...], approvers: Classes, flags: frozenset[int]
    ) -> Classes:
        """The requesters' classes; `approvers` were made under `flags`."""
        people = rule.holders.people(opened)
        if people is not None:
            people = self._able(people, distinct)
            return self._classes(people, distinct, approvers.of(people), by_place=False)
        key = (rule.terms, flags)
        found = self._asking.get(key)
        if found is None:
            people = self._able(None, distinct)
            found = self._asking[key] = self._classes(people, distinct, approvers.of(people), by_place=False)
        return found

    def _able(self, people: Ints | None, distinct: tuple[str, ...]) -> Ints:
        """Without those who lack a value in a distinct column: they can be in no quorum."""
        people = self._everyone if people is None else people
        for column in distinct:
            people = people[self.codes(column)[people] >= 0]
        return people

    def codes(self, name: str) -> Ints:
        """Codes [P] of a text column of people.csv, -1 for empty."""
        found = self._codes.get(name)
        if found is None:
            values = self._estate.people.columns[name]
            distinct = {"": -1}
            for value in values.unique(maintain_order=True):
                distinct.setdefault(value, len(distinct) - 1)
            found = np.fromiter((distinct[v] for v in values), dtype=np.int32, count=len(values))
            self._codes[name] = found
        return found

    def _classes(
        self, people: Ints, distinct: tuple[str, ...], mark: Ints, by_place: bool
    ) -> Classes:
        """Classes of `people` by exposures, distinct values and `mark` (places of approvers, shared class of
        askers)."""
        columns = [self._exposure.of[people], *(self.codes(c)[people] for c in distinct), mark]
        order = np.lexsort(columns[::-1])
        given = people
        people = people[order]
        columns = [c[order] for c in columns]
        fresh = np.zeros(len(people), dtype=np.bool_)
        fresh[:1] = True
        for c in columns:
            fresh[1:] |= c[1:] != c[:-1]
        first = np.flatnonzero(fresh)
        seats = tuple(
            Seat(
                exposed=self._masks[key[0]],
                values=tuple(key[1:-1]),
                places=max(key[-1], 0),
                count=0,
                outside=False,
                owner=i,
                shared=key[-1],
            )
            for i, key in enumerate(zip(*(c[first].tolist() for c in columns), strict=True))
        )
        start = np.r_[first, len(people)].astype(np.int64)
        number = np.empty(len(people), dtype=np.int32)
        number[order] = np.repeat(np.arange(len(first), dtype=np.int32), np.diff(start))
        rival, worse = _rivals(seats, by_place)
        kind, slot, better = _kinds(seats if len(distinct) == 1 else (), by_place)
        return Classes(
            people=people,
            start=start,
            seats=seats,
            sorted_people=given,
            sorted_class=number,
            rival=rival,
            worse=worse,
            kind=kind,
            slot=slot,
            better=better,
        )


def _seats(classes: Classes, inside: Counts, approvals: int, most: int) -> list[Seat]:
    """Two seats a class, those who act and the outsiders, less those that a rival, no dearer, can always stand in for.

    With distinct values a class gives one member at most, so any rival serves; without, it must be large enough for the
    whole quorum, so that no use of it can run out.
    """
    if not len(inside):
        return []
    distinct = bool(classes.seats[0].values)
    enough = 1 if distinct else approvals + 1
    acting = inside >= enough
    drop_inside = np.zeros(len(inside), dtype=np.bool_)
    drop_inside[classes.worse[acting[classes.rival]]] = True
    out: list[Seat] = []
    for i in np.flatnonzero((inside > 0) & ~drop_inside).tolist():
        out.append(_counted(classes.seats[i], int(inside[i]), False))
    if most:
        outside = np.diff(classes.start) - inside
        drop = drop_inside | acting
        ready = outside >= enough
        drop[classes.worse[ready[classes.rival]]] = True
        for i in np.flatnonzero((outside > 0) & ~drop).tolist():
            out.append(_counted(classes.seats[i], int(outside[i]), True))
    return out


def _worth(classes: Classes, inside: Counts, approvals: int) -> tuple[dict[int, Seat], dict[int, Seat]]:
    """The seats worth trying, by class, even when up to SPARE more of the outsiders act."""
    if not len(inside):
        return {}, {}
    outside = np.diff(classes.start) - inside
    if classes.kind.size:
        kept_in, kept_out = _few(classes, inside > 0, outside > 0, approvals + 1)
    else:
        enough = 1 if classes.seats[0].values else approvals + 1
        acting, ready = inside >= enough, outside >= enough + SPARE
        drop = np.zeros(len(inside), dtype=np.bool_)
        drop[classes.worse[acting[classes.rival]]] = True
        kept_in = (inside > 0) & ~drop
        drop |= acting
        drop[classes.worse[ready[classes.rival]]] = True
        kept_out = (outside > 0) & ~drop
    return (
        {i: _counted(classes.seats[i], int(inside[i]), False) for i in np.flatnonzero(kept_in).tolist()},
        {i: _counted(classes.seats[i], int(outside[i]), True) for i in np.flatnonzero(kept_out).tolist()},
    )


def _few(classes: Classes, inside: Flags, outside: Flags, size: int) -> tuple[Flags, Flags]:
    """Where one column must differ, a seat need not be tried once as many no worse as a quorum has members have other
    values: one of them is free in any quorum."""
    kinds = len(classes.better)
    kept: list[Flags] = []
    done = np.zeros(kinds, dtype=np.bool_)
    for flags, enough in ((inside, size), (outside, size + SPARE)):
        some = np.flatnonzero(flags & ~done[classes.kind])
        # Of one value a quorum has one member, so one class is enough.
        some = some[np.unique(classes.slot[some], return_index=True)[1]]
        kind = classes.kind[some]
        ample = np.bincount(kind, minlength=kinds) >= enough
        others = classes.better & ample[:, None] & ~np.eye(kinds, dtype=np.bool_)
        worse: Flags = np.logical_or.reduce(others, axis=0)
        order = np.argsort(kind, kind="stable")
        start = np.searchsorted(kind[order], np.arange(kinds))
        rank = np.empty(len(kind), dtype=np.int64)
        rank[order] = np.arange(len(kind)) - start[kind[order]]
        chosen = np.zeros(len(flags), dtype=np.bool_)
        chosen[some[(rank < enough) & ~worse[kind]]] = True
        kept.append(chosen)
        done |= ample | worse
    return kept[0], kept[1]


def _with(
    classes: Classes, seats: tuple[dict[int, Seat], dict[int, Seat]], joining: tuple[int, ...], most: int
) -> list[Seat]:
    """The seats of a stand once some of the outsiders act, given by their classes."""
    inside, outside = seats
    if not any(number >= 0 for number in joining):
        return [*inside.values(), *outside.values()] if most else list(inside.values())
    inside, outside = dict(inside), dict(outside)
    for number in joining:
        if number >= 0:
            acting = inside.get(number)
            inside[number] = _counted(classes.seats[number], 1 + (acting.count if acting else 0), False)
            left = outside.get(number)
            if left is not None:
                if left.count > 1:
                    outside[number] = _counted(left, left.count - 1, True)
                else:
                    del outside[number]
    return [*inside.values(), *outside.values()] if most else list(inside.values())


def _kinds(seats: tuple[Seat, ...], by_place: bool) -> tuple[Ints, Ints, Flags]:
    """Of each class its kind, by exposures and places, and its slot, by kind and values; and which kinds are at least
    as good as which."""
    numbers: dict[tuple[int, int], int] = {}
    kind = [numbers.setdefault((s.exposed, s.places if by_place else 0), len(numbers)) for s in seats]
    width = max(1, -(-max((exposed.bit_length() for exposed, _ in numbers), default=0) // 63))
    masks = np.array(
        [[exposed >> 63 * w & (1 << 63) - 1 for w in range(width)] for exposed, _ in numbers], dtype=np.int64
    ).reshape(-1, width)
    places = np.array([places for _, places in numbers], dtype=np.int64)
    better = places[None, :] & ~places[:, None] == 0
    for word in masks.T:
        better &= word[:, None] & ~word[None, :] == 0
    slots: dict[tuple[int, object], int] = {}
    slot = [slots.setdefault((k, s.values), len(slots)) for k, s in zip(kind, seats, strict=True)]
    return np.array(kind, dtype=np.int32), np.array(slot, dtype=np.int32), better


def _counted(s: Seat, count: int, outside: bool) -> Seat:
    return Seat(
        exposed=s.exposed,
        values=s.values,
        places=s.places,
        count=count,
        outside=outside,
        owner=s.owner,
        shared=s.shared,
    )


def _rivals(seats: tuple[Seat, ...], by_place: bool) -> tuple[Ints, Ints]:
    """Pairs of classes, the first at least as good as the second in everything; of equals the earlier is the better."""
    groups: dict[tuple[object, int], list[Seat]] = {}
    for s in seats:
        groups.setdefault((s.values, s.places if by_place else 0), []).append(s)
    rival, worse = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for alike in groups.values():
        if len(alike) < 2:
            continue
        alike.sort(key=lambda s: (s.exposed.bit_count(), s.owner))
        width = -(-max(s.exposed.bit_length() for s in alike) // 63) or 1
        masks = np.array([[s.exposed >> 63 * w & (1 << 63) - 1 for w in range(width)] for s in alike], dtype=np.int64)
        owners = np.array([s.owner for s in alike], dtype=np.int32)
        inside = np.ones((len(alike), len(alike)), dtype=np.bool_)
        for w in range(width):
            inside &= masks[:, None, w] & ~masks[None, :, w] == 0
        first, second = np.nonzero(np.triu(inside, 1))
        rival.append(owners[first])
        worse.append(owners[second])
    return np.concatenate(rival), np.concatenate(worse)
