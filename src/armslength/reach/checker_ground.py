"""What the checker looks up in an estate: rows as they were read, people, and their ties on one day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import NoReturn

from armslength.estate import Basis, Estate, Kind, Ref
from armslength.reach.result import Row

SEALED = "sealed"


class Fault(Exception):
    """A step does not follow; the text says why."""


def wrong(message: str) -> NoReturn:
    raise Fault(message)


class Ground:
    """One estate on one day; what was found out about a person is kept."""

    def __init__(self, estate: Estate, at: dt.date) -> None:
        self.estate, self.at = estate, at
        self.assets = {f"asset:{t}": i for i, t in enumerate(estate.assets.ids)}
        self._people = {f"person:{p}": i for i, p in enumerate(estate.people.ids)}
        self._exposed: dict[int, frozenset[int]] = {}

    def person(self, ref: str) -> int:
        return self._people[ref] if ref in self._people else wrong(f"{ref!r} is nobody in the estate")

    def exposed(self, person: int) -> frozenset[int]:
        """X(p) on the day, closed upward (semantics, "Exposure, never ancestry")."""
        if person not in self._exposed:
            upward = self.estate.settings.upward
            self._exposed[person] = frozenset(s for _, tied, _ in self.ties(person) for s in upward[tied])
        return self._exposed[person]

    def ties(self, person: int) -> Iterator[tuple[str, int, tuple[Row, ...]]]:
        """Each tie that counts: its basis, the state as written, and the row where that state stands (none for a
        declared tie, which is sealed)."""
        estate, bases = self.estate, self.estate.settings.bases
        people, entities = estate.people, estate.entities
        for basis, state in ((Basis.WORKPLACE, people.workplace[person]), (Basis.RESIDENCE, people.residence[person])):
            if basis in bases and state >= 0:
                yield basis, int(state), self._stands("people", person)
        entity, basis = int(people.entity[person]), Basis.EMPLOYER
        while entity >= 0:
            if basis in bases and entities.state[entity] >= 0:
                yield basis, int(entities.state[entity]), self._stands("entities", entity)
            entity, basis = int(entities.parent[entity]), Basis.OWNER
        for trip in estate.travel if Basis.TRAVEL in bases else ():
            if trip.person == person and trip.start <= self.at <= trip.until:
                yield Basis.TRAVEL, trip.state, self._stands("travel", trip.row)
        for tie in estate.declared if Basis.DECLARED in bases else ():
            if tie.person == person:
                yield SEALED, tie.state, ()

    def tied(self, person: int, state: int, tie: str | None, rows: tuple[Row, ...]) -> None:
        """Refuse unless a tie so called, resting on these rows, lets the state compel the person."""
        upward = self.estate.settings.upward
        found = [its for called, tied, its in self.ties(person) if called == tie and state in upward[tied]]
        if not found:
            wrong(f"no tie {tie!r} of this person reaches the state on {self.at}")
        if rows not in found:
            named = " or ".join(", ".join(map(place, its)) or "no row that is shown" for its in found)
            wrong(f"the tie stands in {named}, not in the rows given")

    def climb(self, rows: tuple[Row, ...], member: str) -> str:
        """Where the memberships lead from `member`, each row from where the one before ended."""
        for row in rows:
            cells = self.cells(row, "groups")
            if cells["member"] != member:
                wrong(f"{place(row)} is a membership of {cells['member']!r}, not of {member!r}")
            member = f"group:{cells['group']}"
        return member

    def one(self, rows: tuple[Row, ...], table: str) -> dict[str, str]:
        if len(rows) != 1:
            wrong("exactly one row must be named")
        return self.cells(rows[0], table)

    def cells(self, row: Row, table: str) -> dict[str, str]:
        held = self.estate.tables.get(table)
        if held is None or held.file != row.file or not 0 <= row.row < len(held):
            wrong(f"{place(row)} is no row of the table {table!r}")
        return held.cells(row.row)

    def asset_row(self, rows: tuple[Row, ...], asset: str) -> dict[str, str]:
        cells = self.one(rows, "assets")
        if f"asset:{cells['id']}" != asset:
            wrong(f"the row is that of {cells['id']!r}, not of {asset!r}")
        return cells

    def text(self, ref: Ref) -> str:
        """A resolved reference to people, as it is written."""
        match ref.kind:
            case Kind.PERSON:
                return f"person:{self.estate.people.ids[ref.index]}"
            case Kind.GROUP:
                return f"group:{self.estate.groups.ids[ref.index]}"
            case Kind.EVERYONE:
                return "everyone"
            case Kind.ASSET | Kind.CLASS | Kind.TERMS:
                return wrong(f"{ref.kind.name.lower()} {ref.index} is not people")

    def _stands(self, table: str, row: int) -> tuple[Row, ...]:
        return (Row(file=self.estate.tables[table].file, row=row),)


def place(row: Row) -> str:
    return f"data row {row.row} of {row.file!r}"
