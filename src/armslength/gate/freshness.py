"""How old the rows are that a decision rests on: what nobody confirmed for too long decides nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from armslength.estate import ORIGIN, Estate, Kind
from armslength.gate.roster import Roster

_AHEAD = 1
"""Days that a row may be dated after the day asked: sources in other time zones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """`limit` None: rows never grow old. A row without `as_of` counts as of `adopted`, the day its estate was taken
    in."""

    limit: dt.timedelta | None
    adopted: dt.date


class Ages:
    """Which people and assets of an estate rest on a row that is too old on a day, or dated after it."""

    def __init__(self, estate: Estate, roster: Roster, day: dt.date, freshness: Freshness) -> None:
        self._estate, self._roster = estate, roster
        self._oldest = None if freshness.limit is None else (day - freshness.limit).toordinal()
        self._newest = day.toordinal() + _AHEAD
        self._adopted = freshness.adopted.toordinal()
        self._old = {name: self._rows(name) for name in ("people", "entities", "groups", "assets")}
        self._memberships = self._by_member()

    def person(self, place: int) -> bool:
        """Whether the person's row, a row of their employer and its owners, or one that puts them in a group is."""
        if self._oldest is None:
            return False
        entities = self._estate.entities
        if self._old["people"][place]:
            return True
        entity = int(self._estate.people.entity[place])
        while entity >= 0:
            if self._old["entities"][entity]:
                return True
            entity = int(entities.parent[entity])
        people, groups = self._memberships
        return place in people or not groups.isdisjoint(self._roster.groups(place))

    def asset(self, place: int) -> bool:
        """Whether the asset's row is, or that of something it lies within."""
        if self._oldest is None:
            return False
        while place >= 0:
            if self._old["assets"][place]:
                return True
            place = int(self._estate.assets.within[place])
        return False

    def _rows(self, table: str) -> npt.NDArray[np.bool_]:
        rows = self._estate.tables[table]
        cells = rows.columns.get(ORIGIN[1])
        if self._oldest is None or not len(rows):
            return np.zeros(len(rows), dtype=np.bool_)
        if cells is None:
            days = np.full(len(rows), self._adopted, dtype=np.int64)
        else:
            days = np.array([dt.date.fromisoformat(c).toordinal() if c else self._adopted for c in cells.to_list()])
        found: npt.NDArray[np.bool_] = (days < self._oldest) | (days > self._newest)
        return found

    def _by_member(self) -> tuple[frozenset[int], frozenset[int]]:
        """The people who are put in a group by such a row, and the groups that are."""
        groups = self._estate.groups
        old = self._old["groups"][groups.row]
        people = old & (groups.member_kind == int(Kind.PERSON))
        nested = old & (groups.member_kind == int(Kind.GROUP))
        return frozenset(groups.member[people].tolist()), frozenset(groups.member[nested].tolist())
