"""Outage: which ways through the gate nobody could take any more, were some people away.

It is asked before people or terms change: keys that are lost with their owners must not lock everybody out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from armslength.estate import Kind, Ref
from armslength.gate.decision import Decider
from armslength.gate.entities import KINDS
from armslength.gate.quorum import Member, unfit
from armslength.gate.request import PersonId
from armslength.gate.seating import Seating, Spent, Steps

STEPS = 200_000
"""What one search may cost, some 1 µs a step."""

_WORDS = {kind: word for word, kind in KINDS.items()} | {Kind.CLASS: "class"}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Impossible:
    """What nobody could do any more: `target` as in the grants table, with how many more a permit opens."""

    action: str
    target: str
    terms: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Who could ask (`holders` by their place in the people table, None: everyone), and for what. `id` is that of the
    target, the first where there are more."""

    action: str
    target: str
    id: str
    terms: str
    holders: tuple[int, ...] | None

    def people(self, ids: Sequence[str]) -> Iterator[str]:
        """Who could ask, by the people table's `ids`."""
        for place in range(len(ids)) if self.holders is None else self.holders:
            yield ids[place]


def impossible(decider: Decider, available: frozenset[PersonId], away: frozenset[PersonId]) -> tuple[Impossible, ...]:
    """The grants and permits with terms that no quorum could be made for without those who are `away`, of these that
    one could be made for with them. A context is taken to be whatever a permit asks for.

    Where a search is cut, it counts as if there were no quorum: too many are named rather than too few.
    """
    with_all, without = _Quorums(decider, available | away), _Quorums(decider, available - away)
    found = {
        Impossible(
            action=way.action,
            target=way.target,
            terms=way.terms,
            says=f"without them no quorum of {way.terms} is left for {way.action} on {way.target}",
        )
        for way in ways(decider)
        if not without.any(way) and with_all.any(way)
    }
    return tuple(sorted(found))


class _Quorums:
    """Whether quorums can be made of these people alone."""

    def __init__(self, decider: Decider, present: frozenset[PersonId]) -> None:
        self._decider, self._present = decider, present
        self._known: dict[tuple[str, tuple[int, ...] | None], bool] = {}
        self._asked: dict[tuple[str, object], bool] = {}

    def any(self, way: Way) -> bool:
        """Whether somebody could ask with a quorum."""
        key = (way.terms, way.holders)
        if key not in self._known:
            self._known[key] = any(self._answers(person, way.terms) for person in self._holders(way.holders))
        return self._known[key]

    def _holders(self, holders: tuple[int, ...] | None) -> Iterator[PersonId]:
        ids = self._decider.estate.people.ids
        for place in range(len(ids)) if holders is None else holders:
            if PersonId(ids[place]) in self._present and not self._decider.ages.person(place):
                yield PersonId(ids[place])

    def _answers(self, person: PersonId, terms: str) -> bool:
        """Whether a quorum could be made for a request of this person."""
        roster = self._decider.roster
        bench, one = roster.bench(terms), roster.member(person, terms)
        key = terms, alike(one, bench.rule.lines_apart)
        if key in self._asked:
            return self._asked[key]
        places = roster.places

        def fits(other: Member) -> bool:
            return (
                other.person in self._present
                and not self._decider.ages.person(places[other.person])
                and not unfit(bench.rule, (one,), other)
            )

        try:
            found = Seating(bench, bench.rule, (one,), fits, Steps(STEPS)).find(()) is not None
        except Spent:
            found = False
        self._asked[key] = found
        return found


def alike(one: Member, lines_apart: bool) -> object:
    """Requesters with the same of these are answered alike: an approver who asks leaves somebody like them behind."""
    line = (one.line, one.person) if lines_apart else None
    return one.exposed, tuple(sorted(one.values.items())), one.places, one.may_approve, line


def ways(decider: Decider) -> Iterator[Way]:
    """Each grant and permit that carries terms, in the order of grants, then permits."""
    estate, grants = decider.estate, decider.estate.grants
    for row in np.flatnonzero(grants.terms >= 0).tolist():
        holder = Ref(kind=Kind(int(grants.holder_kind[row])), index=int(grants.holder[row]))
        kind, target = Kind(int(grants.target_kind[row])), int(grants.target[row])
        yield Way(
            action=estate.actions[int(grants.action[row])],
            target=f"{_WORDS[kind]}:{decider.entities.columns.ids(kind)[target]}",
            id=decider.entities.columns.ids(kind)[target],
            terms=estate.settings.terms[int(grants.terms[row])].id,
            holders=_people(decider, holder),
        )
    for permit in decider.permits:
        if permit.terms < 0:
            continue
        people = np.zeros(len(estate.people.ids), dtype=np.bool_)
        for opening in permit.openings:
            people |= opening.people
        names = decider.entities.columns.ids(permit.target_kind)
        more = f" and {len(permit.targets) - 1} more" if len(permit.targets) > 1 else ""
        yield Way(
            action=estate.actions[permit.action],
            target=f"{_WORDS[permit.target_kind]}:{names[int(permit.targets[0])]}{more}",
            id=names[int(permit.targets[0])],
            terms=estate.settings.terms[permit.terms].id,
            holders=tuple(np.flatnonzero(people).tolist()),
        )


def _people(decider: Decider, holder: Ref) -> tuple[int, ...] | None:
    match holder.kind:
        case Kind.EVERYONE:
            return None
        case Kind.GROUP:
            return tuple(decider.roster.membership.members(holder.index).tolist())
        case Kind.PERSON:
            return (holder.index,)
        case Kind.ASSET | Kind.CLASS | Kind.TERMS:
            raise ValueError(f"{holder.kind.name.lower()} cannot hold a grant")
