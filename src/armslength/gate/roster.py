"""The roster: what is known of people on one day, as quorums and policies need it.

Exposures are those that reach finds, ties that people declared included: the gate judges by them and shows them to
nobody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from armslength.estate import Estate, Kind, Ref, Terms
from armslength.gate.bench import Bench
from armslength.gate.presence import EVERYBODY, Presence
from armslength.gate.quorum import Member, Rule
from armslength.gate.request import PersonId
from armslength.reach import Exposure, Membership, exposure


class Roster:
    """The people of an estate on a day. Questions about people or terms that are not in it raise `KeyError`. Who left
    is in it still: `knows` says that they are not, and nobody else asks."""

    def __init__(self, estate: Estate, day: dt.date, presence: Presence = EVERYBODY) -> None:
        self._estate, self._presence = estate, presence
        self.exposure: Exposure = exposure(estate, day)
        self.membership = Membership(estate)
        self.places: Mapping[str, int] = {name: place for place, name in enumerate(estate.people.ids)}
        """Where each person stands in the people table."""
        self._exposed = [self._named(states) for states in self.exposure.sets]
        self._home = self._named(estate.settings.home)
        self._terms = {terms.id: terms for terms in estate.settings.terms}
        self._benches: dict[str, Bench] = {}
        self._columns: dict[str, list[str]] = {}
        self._members: dict[int, npt.NDArray[np.bool_]] = {}
        """Of the groups that terms name."""
        self._groups: dict[int, frozenset[int]] = {}

    def knows(self, person: PersonId) -> bool:
        return person in self.places and not self._presence.gone(person)

    def terms(self, terms: str) -> Terms:
        """The terms as the estate has them."""
        return self._terms[terms]

    def rule(self, terms: str) -> Rule:
        """What a quorum of these terms must be."""
        asked = self._terms[terms]
        return Rule(
            terms=terms,
            approvals=asked.approvals,
            apart=asked.apart,
            distinct=asked.distinct,
            places=tuple(place.count for place in asked.places),
            lines_apart=asked.line == "apart",
            home=self._home,
        )

    def member(self, person: PersonId, terms: str) -> Member:
        """The person as a member of a quorum of these terms, as requester or approver."""
        place, asked = self.places[person], self._terms[terms]
        return Member(
            person=person,
            exposed=self._exposed[int(self.exposure.of[place])],
            values={column: self._column(column)[place] for column in asked.distinct},
            line=self.line(place),
            places=frozenset(i for i, each in enumerate(asked.places) if self.belongs(place, each.of)),
            may_approve=self.belongs(place, asked.approvers),
        )

    def bench(self, terms: str) -> Bench:
        """Everyone who may approve under these terms, by kind."""
        found = self._benches.get(terms)
        if found is None:
            members = [self.member(person, terms) for person in self.approvers(terms)]
            found = self._benches[terms] = Bench(self.rule(terms), members)
        return found

    def approvers(self, terms: str) -> tuple[PersonId, ...]:
        """Who may approve, in the order of the people table."""
        ids = self._estate.people.ids
        approvers = self._terms[terms].approvers
        match approvers.kind:
            case Kind.EVERYONE:
                return tuple(PersonId(name) for name in ids)
            case Kind.GROUP:
                return tuple(PersonId(ids[place]) for place in self.membership.members(approvers.index).tolist())
            case Kind.PERSON:
                return (PersonId(ids[approvers.index]),)
            case Kind.ASSET | Kind.CLASS | Kind.TERMS:
                raise ValueError(f"{approvers.kind.name.lower()} cannot approve")

    def states(self, place: int) -> frozenset[str]:
        """The states that can compel the person at this place of the table, closed upward."""
        return self._exposed[int(self.exposure.of[place])]

    def groups(self, place: int) -> frozenset[int]:
        """The groups that they are in through nesting, as indexes."""
        found = self._groups.get(place)
        if found is None:
            found = self._groups[place] = self.membership.groups(place)
        return found

    def line(self, place: int) -> frozenset[PersonId]:
        """Everyone above them in their reporting line."""
        manager, above = self._estate.people.manager, []
        while (place := int(manager[place])) >= 0:
            above.append(PersonId(self._estate.people.ids[place]))
        return frozenset(above)

    def belongs(self, place: int, to: Ref) -> bool:
        """Whether they are the one, or in the group, that a reference names."""
        match to.kind:
            case Kind.EVERYONE:
                return True
            case Kind.GROUP:
                found = self._members.get(to.index)
                if found is None:
                    found = self._members[to.index] = self.membership.is_member(to.index)
                return bool(found[place])
            case Kind.PERSON:
                return to.index == place
            case Kind.ASSET | Kind.CLASS | Kind.TERMS:
                return False

    def _column(self, name: str) -> list[str]:
        found = self._columns.get(name)
        if found is None:
            found = self._columns[name] = self._estate.people.columns[name].to_list()
        return found

    def _named(self, states: frozenset[int]) -> frozenset[str]:
        return frozenset(str(self._estate.states[state]) for state in states)
