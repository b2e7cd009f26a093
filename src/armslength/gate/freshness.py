"""How old the rows are that a decision rests on: what nobody confirmed for too long decides nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from armslength.estate import ORIGIN, Estate, Ints, Kind
from armslength.gate.presence import EVERYBODY, Presence
from armslength.gate.request import PersonId
from armslength.gate.roster import Roster

Flags = npt.NDArray[np.bool_]

_AHEAD = 1
"""Days that a row may be dated after the day asked: sources in other time zones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """`limit` None: rows never grow old. A row without `as_of` counts as of `adopted`, the day its estate was taken
    in."""

    limit: dt.timedelta | None
    adopted: dt.date


class Ages:
    """Which people and assets of an estate rest on a row that is too old on a day, or dated after it. People of whom a
    directory has said nothing for too long are as old, from one moment to the next."""

    def __init__(
        self, estate: Estate, roster: Roster, day: dt.date, freshness: Freshness, presence: Presence = EVERYBODY
    ) -> None:
        self._estate, self._roster, self._presence = estate, roster, presence
        self._oldest = None if freshness.limit is None else (day - freshness.limit).toordinal()
        self._newest = day.toordinal() + _AHEAD
        self._adopted = freshness.adopted.toordinal()
        self.people, self.assets = self._people(), self._assets()
        """One flag for each, by place in their table."""

    def person(self, place: int) -> bool:
        """Whether the person's row, a row of their employer and its owners, or one that puts them in a group is; or
        the last word of a directory that has to speak of them."""
        return bool(self.people[place]) or self._presence.unheard(PersonId(self._estate.people.ids[place]))

    def people_now(self) -> Flags:
        """`person` of everybody, and besides whoever left: those are alike in it whom a question treats alike."""
        if not self._presence.anybody():
            return self.people
        gone, ids = self._presence.gone, self._estate.people.ids
        told = (self.person(place) or gone(PersonId(ids[place])) for place in range(len(ids)))
        found: Flags = np.fromiter(told, dtype=np.bool_, count=len(ids))
        return found

    def asset(self, place: int) -> bool:
        """Whether the asset's row is, or that of something it lies within."""
        return bool(self.assets[place])

    def _people(self) -> Flags:
        people, groups = self._estate.people, self._estate.groups
        found = self._rows("people")
        employers = _below(self._rows("entities"), self._estate.entities.parent)
        employed = people.entity >= 0
        found[employed] |= employers[people.entity[employed]]
        rows = self._rows("groups")[groups.row]
        found[groups.member[rows & (groups.member_kind == int(Kind.PERSON))]] = True
        for nested in set(groups.member[rows & (groups.member_kind == int(Kind.GROUP))].tolist()):
            found[self._roster.membership.members(nested)] = True
        return found

    def _assets(self) -> Flags:
        return _below(self._rows("assets"), self._estate.assets.within)

    def _rows(self, table: str) -> Flags:
        rows = self._estate.tables[table]
        cells = rows.columns.get(ORIGIN[1])
        if self._oldest is None or not len(rows):
            return np.zeros(len(rows), dtype=np.bool_)
        if cells is None:
            days = np.full(len(rows), self._adopted, dtype=np.int64)
        else:
            days = np.array([dt.date.fromisoformat(c).toordinal() if c else self._adopted for c in cells.to_list()])
        found: Flags = (days < self._oldest) | (days > self._newest)
        return found


def _below(marked: Flags, above: Ints) -> Flags:
    """With all that lies below what is marked, by each one's place above."""
    found, nested = marked.copy(), np.flatnonzero(above >= 0)
    while (new := nested[~found[nested] & found[above[nested]]]).size:
        found[new] = True
    return found
