"""An estate without one of its people: every index of a person after the one that left moves down by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from armslength.estate import rows
from armslength.estate.grants import kept_grants
from armslength.estate.groups import kept_groups
from armslength.estate.lookup import freeze
from armslength.estate.model import Bytes, Estate, Ints, Kind, Ref, Settings, Table
from armslength.estate.problem import EstateError
from armslength.estate.uses import names_of_person


def without(estate: Estate, person: int) -> Estate:
    """The estate without the person and without every row that names the person. Raises `EstateError` where terms or a
    policy do."""
    if problems := names_of_person(estate, person):
        raise EstateError(problems)
    tables = dict(estate.tables)
    people, groups, grants = estate.people, estate.groups, estate.grants

    stays = np.ones(len(people.ids), dtype=np.bool_)
    stays[person] = False
    tables["people"] = _people_table(tables["people"], people.ids[person], stays)
    manager = people.manager[stays].copy()
    manager[manager == person] = -1

    kept_members = ~((groups.member_kind == Kind.PERSON) & (groups.member == person))
    tables["groups"] = rows.keep(tables["groups"], kept_members)
    left_groups = kept_groups(groups, kept_members)

    grants_kept = ~((grants.holder_kind == Kind.PERSON) & (grants.holder == person))
    grants_kept &= ~((grants.target_kind == Kind.PERSON) & (grants.target == person))
    tables["grants"] = rows.keep(tables["grants"], grants_kept)
    left_grants = kept_grants(grants, grants_kept)

    for name, stay in (
        ("travel", [journey.person != person for journey in estate.travel]),
        ("declared", [tie.person != person for tie in estate.declared]),
    ):
        tables[name] = rows.keep(tables[name], np.asarray(stay, dtype=np.bool_))
    journeys = [journey for journey in estate.travel if journey.person != person]
    ties = [tie for tie in estate.declared if tie.person != person]
    return replace(
        estate,
        people=replace(
            people,
            ids=(*people.ids[:person], *people.ids[person + 1 :]),
            workplace=freeze(people.workplace[stays]),
            residence=freeze(people.residence[stays]),
            entity=freeze(people.entity[stays]),
            manager=_moved(manager, person),
            columns=tables["people"].columns,
        ),
        travel=tuple(replace(j, person=j.person - (j.person > person), row=row) for row, j in enumerate(journeys)),
        declared=tuple(replace(t, person=t.person - (t.person > person), row=row) for row, t in enumerate(ties)),
        groups=replace(left_groups, member=_moved_where(left_groups.member_kind, left_groups.member, person)),
        grants=replace(
            left_grants,
            holder=_moved_where(left_grants.holder_kind, left_grants.holder, person),
            target=_moved_where(left_grants.target_kind, left_grants.target, person),
        ),
        settings=_settings(estate.settings, people.ids[person], person),
        tables=tables,
    )


def _people_table(table: Table, name: str, stays: npt.NDArray[np.bool_]) -> Table:
    left = rows.keep(table, stays)
    if "manager" not in left.columns:
        return left
    managers = left.columns["manager"]
    blank = pl.Series("", [""], dtype=pl.String)
    return replace(left, columns={**left.columns, "manager": managers.zip_with(managers != name, blank)})


def _settings(settings: Settings, name: str, person: int) -> Settings:
    """References to people after the one that left move; a cost of the one that left is forgotten."""

    def moved(ref: Ref) -> Ref:
        return replace(ref, index=ref.index - 1) if ref.kind is Kind.PERSON and ref.index > person else ref

    gone = f" person:{name}"
    costs = {key: cost for key, cost in settings.costs.items() if not key.endswith(gone)}
    parsed: Mapping[str, object] = settings.parsed
    if len(costs) != len(settings.costs):
        parsed = {**settings.parsed, "costs": costs}
    return replace(
        settings,
        terms=tuple(
            replace(
                terms,
                approvers=moved(terms.approvers),
                places=tuple(replace(place, of=moved(place.of)) for place in terms.places),
            )
            for terms in settings.terms
        ),
        costs=costs,
        parsed=parsed,
    )


def _moved(people: Ints, person: int) -> Ints:
    return freeze(people - (people > person).astype(people.dtype))


def _moved_where(kinds: Bytes, indexes: Ints, person: int) -> Ints:
    return freeze(indexes - ((kinds == Kind.PERSON) & (indexes > person)).astype(indexes.dtype))
