"""Teams: approvers who meet terms whoever asks. With a few that share nobody, one is left whoever is away.

A team has all the approvals, fills every place, and is apart enough by itself. Where teams share neither people nor a
value of a distinct column, whoever is away is missed by one of them at most, and whoever asks is in one, or has the
values of one a column. So `2 + max(1, columns)` teams leave somebody to spare to any two people who may ask. That is
enough, not necessary: where teams are too few, nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from armslength.estate import Estate, Kind, Ref
from armslength.reach.exposure import Exposure
from armslength.reach.membership import Membership
from armslength.reach.spread import Flags, Ints

MOST = 8
"""Teams made for terms: some are lost as memberships are dropped."""
TRIED = 512
"""People of a crowd tried for a team, those exposed to the fewest states first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What terms ask of a team: so many exposed to any one state at the most; `crowds` that its members come from, one
    each, best first."""

    exposed: int
    crowds: tuple[tuple[int, ...], ...]
    distinct: tuple[Ints, ...]


class Teams:
    """Answers for one estate and day. `codes(column)` [P] gives the values of a distinct column, -1 for none."""

    def __init__(
        self, estate: Estate, exposure: Exposure, membership: Membership, codes: Callable[[str], Ints]
    ) -> None:
        self._estate, self._of, self._membership, self._codes = estate, exposure.of, membership, codes
        self._sets = [members - estate.settings.home for members in exposure.sets]
        self._few = np.array([len(members) for members in self._sets], dtype=np.int64)
        self._teams: dict[int, tuple[frozenset[int], ...]] = {}
        self._able: dict[tuple[str, ...], Flags] = {}

    def spare(self, holder: Ref, terms: int, dropped: frozenset[int]) -> bool:
        """Whether the holder surely has somebody to spare for the terms (an index) once the memberships of some rows
        are gone; rows that nest groups say nothing."""
        asked, groups = self._estate.settings.terms[terms], self._estate.groups
        rows = sorted(dropped)
        if (groups.member_kind[rows] != Kind.PERSON).any():
            return False
        hit = frozenset(groups.member[rows].tolist())
        found = self._teams.get(terms)
        if found is None:
            found = self._teams[terms] = tuple(self._found(terms))
        wanted = 2 + max(1, len(asked.distinct))
        return sum(hit.isdisjoint(team) for team in found) >= wanted and self._two(holder, asked.distinct, hit)

    def _two(self, holder: Ref, distinct: tuple[str, ...], hit: frozenset[int]) -> bool:
        """Whether two who may ask, or the only one, are not `hit`."""
        able = self._with_values(distinct)
        if holder.kind is Kind.PERSON:
            return bool(able[holder.index])
        people = self._people(holder)
        left = people[able[people]]
        return len(left) - len(hit) >= 2 or int((~np.isin(left, sorted(hit))).sum()) >= 2

    def _people(self, crowd: Ref) -> Ints:
        match crowd.kind:
            case Kind.GROUP:
                return self._membership.members(crowd.index)
            case Kind.PERSON:
                return np.array([crowd.index], dtype=np.int32)
            case _:
                return np.arange(len(self._of), dtype=np.int32)

    def _with_values(self, distinct: tuple[str, ...]) -> Flags:
        """Shape [P]: who has a value in every distinct column; others can be in no quorum."""
        found = self._able.get(distinct)
        if found is None:
            found = np.ones(len(self._of), dtype=np.bool_)
            for column in distinct:
                found &= self._codes(column) >= 0
            self._able[distinct] = found
        return found

    def _found(self, terms: int) -> list[frozenset[int]]:
        asked = self._asked(terms)
        found: list[frozenset[int]] = []
        used: set[tuple[int, int]] = set()
        while asked is not None and len(found) < MOST:
            team = self._team(asked, used)
            if team is None:
                break
            found.append(frozenset(team))
            for person in team:
                used.update(self._marks(asked, person))
        return found

    def _asked(self, terms: int) -> _Asked | None:
        """None where a team alone can never do."""
        asked = self._estate.settings.terms[terms]
        placed = [place.of for place in asked.places for _ in range(place.count)]
        if asked.apart > asked.approvals or len(placed) > asked.approvals:
            return None
        able = self._with_values(asked.distinct)
        approving = np.zeros(len(self._of), dtype=np.bool_)
        approving[self._people(asked.approvers)] = True
        crowds = []
        for crowd in [*placed, *[asked.approvers] * (asked.approvals - len(placed))]:
            people = self._people(crowd)
            people = people[able[people] & approving[people]]
            order = np.argsort(self._few[self._of[people]], kind="stable")[:TRIED]
            crowds.append(tuple(people[order].tolist()))
        return _Asked(
            exposed=asked.approvals - asked.apart,
            crowds=tuple(crowds),
            distinct=tuple(self._codes(column) for column in asked.distinct),
        )

    def _team(self, asked: _Asked, used: set[tuple[int, int]]) -> list[int] | None:
        """The first who fit, crowd by crowd."""
        taken, team = set(used), list[int]()
        exposed: dict[int, int] = {}
        for crowd in asked.crowds:
            for person in crowd:
                states = self._sets[int(self._of[person])]
                if all(exposed.get(s, 0) < asked.exposed for s in states) and taken.isdisjoint(
                    self._marks(asked, person)
                ):
                    break
            else:
                return None
            team.append(person)
            taken.update(self._marks(asked, person))
            for s in states:
                exposed[s] = exposed.get(s, 0) + 1
        return team

    def _marks(self, asked: _Asked, person: int) -> list[tuple[int, int]]:
        """What no two members of any teams share: the person, and the value in each distinct column."""
        return [(-1, person), *((i, int(codes[person])) for i, codes in enumerate(asked.distinct))]
