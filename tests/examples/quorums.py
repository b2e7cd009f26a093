"""Who could approve what: counted from the estate's tables alone, apart from the engine that judges the estate."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from itertools import combinations, permutations

from armslength.estate import Estate, Kind, Ref, Terms

PERMIT = re.compile(r'@terms\("([^"]+)"\)\s*permit \(principal in Group::"([^"]+)"')


class Bodies:
    """The people of an estate on one day, with their exposures and groups."""

    def __init__(self, estate: Estate, at: dt.date) -> None:
        self.estate, self.at = estate, at

    @cached_property
    def exposure(self) -> list[frozenset[str]]:
        """States that can compel each person, home left out."""
        estate, people, entities = self.estate, self.estate.people, self.estate.entities
        found: list[set[int]] = []
        for person in range(len(people.ids)):
            ties = {int(people.workplace[person]), int(people.residence[person])}
            employer = int(people.entity[person])
            while employer >= 0:
                ties.add(int(entities.state[employer]))
                employer = int(entities.parent[employer])
            found.append(ties - {-1})
        for trip in estate.travel:
            if trip.start <= self.at <= trip.until:
                found[trip.person].add(trip.state)
        for tie in estate.declared:
            found[tie.person].add(tie.state)
        settings = estate.settings
        closed = ({up for tie in ties for up in settings.upward[tie]} - settings.home for ties in found)
        return [frozenset(estate.states[state] for state in states) for states in closed]

    @cached_property
    def members(self) -> dict[int, set[int]]:
        """Each group's people, through nesting."""
        groups = self.estate.groups
        people: dict[int, set[int]] = {group: set() for group in range(len(groups.ids))}
        rows = list(zip(groups.group.tolist(), groups.member_kind.tolist(), groups.member.tolist(), strict=True))
        grown = True
        while grown:
            grown = False
            for group, kind, member in rows:
                more = ({member} if kind == Kind.PERSON else people[member]) - people[group]
                people[group] |= more
                grown = grown or bool(more)
        return people

    def of(self, ref: Ref) -> set[int]:
        """The people that a holder or a body of approvers stands for."""
        match ref.kind:
            case Kind.PERSON:
                return {ref.index}
            case Kind.GROUP:
                return self.members[ref.index]
            case Kind.EVERYONE:
                return set(range(len(self.estate.people.ids)))
            case _:
                raise ValueError(f"{ref} is nobody")

    def requests(self) -> Iterator[tuple[Terms, str, set[int]]]:
        """Every grant and permit that carries terms: the terms, what it stands in, and who may ask."""
        estate, grants = self.estate, self.estate.grants
        by_id = {terms.id: terms for terms in estate.settings.terms}
        for i in range(len(grants)):
            if grants.terms[i] >= 0:
                holder = Ref(kind=Kind(int(grants.holder_kind[i])), index=int(grants.holder[i]))
                yield estate.settings.terms[grants.terms[i]], f"grants.csv:{grants.row[i] + 2}", self.of(holder)
        assert estate.policy is not None
        for terms, group in PERMIT.findall(estate.policy.text):
            yield by_id[terms], f"a permit of {group}", self.members[estate.groups.ids.index(group)]

    def approvals(self, terms: Terms, requester: int) -> Iterator[tuple[int, ...]]:
        """Every set of approvers with whom the requester satisfies the terms (semantics, "A satisfied quorum")."""
        others = sorted(self.of(terms.approvers) - {requester})
        yield from (
            chosen for chosen in combinations(others, terms.approvals) if self._satisfied(terms, requester, chosen)
        )

    def _satisfied(self, terms: Terms, requester: int, approvers: tuple[int, ...]) -> bool:
        quorum = (requester, *approvers)
        exposed = Counter(state for person in quorum for state in self.exposure[person])
        if any(len(quorum) - count < terms.apart for count in exposed.values()):
            return False
        for name in terms.distinct:
            values = [self.estate.people.columns[name][person] for person in quorum]
            if "" in values or len(set(values)) < len(values):
                return False
        places = [self.of(place.of) for place in terms.places for _ in range(place.count)]
        return not places or any(
            all(person in place for person, place in zip(order, places, strict=True))
            for order in permutations(approvers, len(places))
        )
