"""Ties: the one place or employer that a step names for a compelled person."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from armslength.estate import Basis, Estate
from armslength.reach.result import Row

SEALED = "sealed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTie:
    """`name` is a basis, or `SEALED` for a declared tie, whose row no output names."""

    name: str
    rows: tuple[Row, ...]


def tie(estate: Estate, at: dt.date, person: int, state: int) -> NamedTie:
    """The first tie, in the order of the bases, that exposes `person` to `state`. Raises LookupError if there is
    none."""
    settings, people, entities = estate.settings, estate.people, estate.entities

    def fits(found: int) -> bool:
        return found >= 0 and state in settings.upward[found]

    def row(table: str, number: int) -> tuple[Row, ...]:
        return (Row(file=estate.tables[table].file, row=number),)

    entity = int(people.entity[person])
    if Basis.WORKPLACE in settings.bases and fits(int(people.workplace[person])):
        return NamedTie(name=Basis.WORKPLACE.value, rows=row("people", person))
    if Basis.RESIDENCE in settings.bases and fits(int(people.residence[person])):
        return NamedTie(name=Basis.RESIDENCE.value, rows=row("people", person))
    if Basis.EMPLOYER in settings.bases and entity >= 0 and fits(int(entities.state[entity])):
        return NamedTie(name=Basis.EMPLOYER.value, rows=row("entities", entity))
    if Basis.OWNER in settings.bases:
        owner = int(entities.parent[entity]) if entity >= 0 else -1
        while owner >= 0:
            if fits(int(entities.state[owner])):
                return NamedTie(name=Basis.OWNER.value, rows=row("entities", owner))
            owner = int(entities.parent[owner])
    if Basis.TRAVEL in settings.bases:
        for journey in estate.travel:
            if journey.person == person and journey.start <= at <= journey.until and fits(journey.state):
                return NamedTie(name=Basis.TRAVEL.value, rows=row("travel", journey.row))
    if Basis.DECLARED in settings.bases:
        for declared in estate.declared:
            if declared.person == person and fits(declared.state):
                return NamedTie(name=SEALED, rows=())
    raise LookupError(person)
