"""Changes to an estate, for what-if and repair. Pure: each returns a new estate and leaves the old one as it was.

References are typed texts as in the tables (`person:ana`, `group:ops`) and fail as they would there. The new estate
is what `parse` would make of the changed tables, except that

- ids, states and actions that nothing names any more keep their place; indexes move only where `leaver` takes a
person out
  (those after it) or where a new state or action enters (they stay sorted);
- `Table.line` still gives the line in the file that was read;
- a group left without members by `leaver` is known to be empty, which no file can say (`drop_memberships` refuses
instead,
  since its changes are meant to be written).

Every function raises `EstateError`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from armslength.estate import rows
from armslength.estate.columns import COLUMNS
from armslength.estate.grants import EVERY_ACTION, kept_grants, read_grants
from armslength.estate.groups import kept_groups, read_groups
from armslength.estate.leaving import without
from armslength.estate.lookup import Lookup, freeze, freeze_bytes
from armslength.estate.model import (
    Estate,
    Grants,
    Groups,
    Kind,
    Table,
)
from armslength.estate.names import Names, names_of
from armslength.estate.people import read_travel
from armslength.estate.problem import EstateError, Findings, Problem
from armslength.estate.sheet import Sheet, coded, empty
from armslength.estate.uses import named_groups
from armslength.estate.widening import with_action, with_state


def travel(estate: Estate, person: str, state: str, at: dt.date) -> Estate:
    """The person (`person:…`) is in the state on the day `at`: a journey of that one day."""
    names = names_of(estate)
    index = _one(names, estate.tables["travel"], "person", person, (Kind.PERSON,))
    if names.state(state) is None:
        estate = with_state(estate, state)
    day = at.isoformat()
    cells = {"person": estate.people.ids[index], "state": state, "from": day, "until": day}
    sheet = _sheet(estate.tables["travel"], cells)
    findings = Findings()
    new = read_travel(sheet, _look(estate, names), findings)
    _raise(findings)
    table = rows.append(estate.tables["travel"], cells)
    journeys = tuple(replace(journey, row=len(table) - 1) for journey in new)
    return replace(estate, travel=(*estate.travel, *journeys), tables={**estate.tables, "travel": table})


def leaver(estate: Estate, person: str) -> Estate:
    """The person (`person:…`) is gone: holds nothing, is in nothing, is exposed to nothing and can help nobody. Refused
    where terms or a policy name the person, since those would not be read without."""
    index = _one(names_of(estate), estate.tables["people"], "id", person, (Kind.PERSON,))
    return without(estate, index)


def grant(estate: Estate, holder: str, action: str, target: str, terms: str = "") -> Estate:
    """One grant more; `terms` is a bare id, "" for standing access."""
    names = names_of(estate)
    action = action.strip()
    if action and action != EVERY_ACTION:
        estate = with_action(estate, action)
    cells = {"holder": holder.strip(), "action": action, "target": target.strip(), "terms": terms.strip()}
    findings = Findings()
    new = read_grants(_sheet(estate.tables["grants"], cells), _look(estate, names), findings)
    _raise(findings)
    table = rows.append(estate.tables["grants"], cells)
    old = estate.grants
    joined = Grants(
        holder_kind=freeze_bytes(np.append(old.holder_kind, new.holder_kind)),
        holder=freeze(np.append(old.holder, new.holder)),
        action=freeze(np.append(old.action, new.action)),
        target_kind=freeze_bytes(np.append(old.target_kind, new.target_kind)),
        target=freeze(np.append(old.target, new.target)),
        terms=freeze(np.append(old.terms, new.terms)),
        row=freeze(np.arange(len(table), dtype=np.int32)),
    )
    return replace(estate, grants=joined, tables={**estate.tables, "grants": table})


def drop_grants(estate: Estate, dropped: Iterable[int]) -> Estate:
    """The grants of some rows (0-based data rows) are gone."""
    return keep_grants(estate, _kept(estate.tables["grants"], dropped))


def keep_grants(estate: Estate, kept: npt.NDArray[np.bool_]) -> Estate:
    """Only the grants where `kept` (one flag a row) holds."""
    table = rows.keep(estate.tables["grants"], kept)
    return replace(estate, grants=kept_grants(estate.grants, kept), tables={**estate.tables, "grants": table})


def set_terms(estate: Estate, row: int, terms: str) -> Estate:
    """The grant of a row (0-based data row) carries the terms of that id, none if it is ""."""
    return set_all_terms(estate, {row: terms})


def set_all_terms(estate: Estate, terms: Mapping[int, str]) -> Estate:
    """The same for the grants of several rows at once."""
    table = estate.tables["grants"]
    _kept(table, terms)
    names, changed = names_of(estate).terms, estate.grants.terms.copy()
    for row, one in terms.items():
        place: int | str = names.find(one) if one else -1
        if isinstance(place, str):
            raise _error(table, "terms", f"terms {place}", table.line(row))
        changed[row] = place
    grants = replace(estate.grants, terms=freeze(changed))
    return replace(estate, grants=grants, tables={**estate.tables, "grants": rows.replace(table, terms, "terms")})


def drop_memberships(estate: Estate, dropped: Iterable[int]) -> Estate:
    """The memberships of some rows (0-based data rows of the groups table) are gone. Refused where a group that
    something names would have no row left: the tables would not be read then."""
    table = estate.tables["groups"]
    kept = _kept(table, dropped)
    groups = kept_groups(estate.groups, kept)
    emptied = (set(estate.groups.group[~kept].tolist()) - set(groups.group.tolist())) - groups.unknown
    changed = replace(estate, groups=groups, tables={**estate.tables, "groups": rows.keep(table, kept)})
    if emptied:
        named = named_groups(changed)
        problems = [
            Problem(
                file=table.file,
                column="member",
                message=f"group {groups.ids[group]!r} would have no members left, and {named[group]} names it",
            )
            for group in sorted(emptied)
            if group in named
        ]
        if problems:
            raise EstateError(problems)
    return changed


def join(estate: Estate, member: str, group: str) -> Estate:
    """The member (`person:…` or `group:…`) is in the group (`group:…`)."""
    names = names_of(estate)
    table = estate.tables["groups"]
    place = _one(names, table, "group", group, (Kind.GROUP,))
    cells = {"group": estate.groups.ids[place], "member": member.strip()}
    findings = Findings()
    unknown = _sheet(estate.tables["unknown"], None)
    new = read_groups(_sheet(table, cells), unknown, _look(estate, names), findings)
    _raise(findings)
    longer = rows.append(table, cells)
    old = estate.groups
    groups = Groups(
        ids=old.ids,
        unknown=old.unknown,
        group=freeze(np.append(old.group, new.group)),
        member_kind=freeze_bytes(np.append(old.member_kind, new.member_kind)),
        member=freeze(np.append(old.member, new.member)),
        row=freeze(np.arange(len(longer), dtype=np.int32)),
    )
    return replace(estate, groups=groups, tables={**estate.tables, "groups": longer})


def _sheet(table: Table, cells: Mapping[str, str] | None) -> Sheet:
    """A sheet of one new row (none at all if `cells` is None), on the line that it would get."""
    names = COLUMNS[table.name]
    if cells is None:
        nothing = Table(name=table.name, file=table.file, columns={})
        return Sheet(table=nothing, columns={c: empty(0) for c in names}, rows=0)
    columns = {c: pl.Series(c, [cells.get(c, "")], dtype=pl.String) for c in names}
    lines = np.asarray([rows.next_line(table)], dtype=np.int32)
    new = Table(name=table.name, file=table.file, columns=columns, lines=lines)
    return Sheet(table=new, columns={c: coded(column) for c, column in columns.items()}, rows=1)


def _look(estate: Estate, names: Names) -> Lookup:
    return Lookup(
        names=names,
        states={code: place for place, code in enumerate(estate.states)},
        actions={action: place for place, action in enumerate(estate.actions)},
    )


def _one(names: Names, table: Table, column: str, text: str, kinds: tuple[Kind, ...]) -> int:
    found = names.typed(text, kinds)
    if isinstance(found, str):
        raise _error(table, column, found)
    return names.index_of(found)


def _kept(table: Table, dropped: Iterable[int]) -> npt.NDArray[np.bool_]:
    kept = np.ones(len(table), dtype=np.bool_)
    for row in dropped:
        if not 0 <= row < len(table):
            raise _error(table, None, f"has no row {row}: expected 0 to {len(table) - 1}")
        kept[row] = False
    return kept


def _error(table: Table, column: str | None, message: str, line: int | None = None) -> EstateError:
    return EstateError([Problem(file=table.file, line=line, column=column, message=message)])


def _raise(findings: Findings) -> None:
    if findings.problems:
        raise EstateError(findings.problems)
