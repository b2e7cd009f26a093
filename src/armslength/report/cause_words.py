"""Causes of a change in words, and where they stand; people by role unless names were asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from armslength.estate import Estate
from armslength.reach import Cause, PolicyCause, RowCause, SealedCause, SettingCause, Turn
from armslength.report.plain import listed, short

Lines = Mapping[tuple[str | int, ...], int]
"""The line of each setting in estate.toml, by path."""

_TURNS = {Turn.ADDED: "new", Turn.REMOVED: "gone", Turn.CHANGED: "changed"}
_TOLD = ("id", "unit", "entity", "workplace", "residence", "state", "parent", "class", "within", "hosted_in", "key")
"""Columns of people, entities and assets that are told of a new row; of a changed one all that differ are."""
_UNTOLD = ("name", "role", "manager", "source", "as_of", "kind", "subjects", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The two estates of a difference, and the lines of their settings."""

    old: Estate
    new: Estate
    old_lines: Lines
    new_lines: Lines
    names: bool = False

    def estate(self, turn: Turn) -> Estate:
        """The side on which a cause stands."""
        return self.old if turn is Turn.REMOVED else self.new

    def line(self, cause: Cause) -> tuple[str, int] | None:
        """File and line of a cause on its side; None for a sealed one."""
        match cause:
            case RowCause(table=name, row=row, turn=turn):
                table = self.estate(turn).tables[name]
                return table.file, table.line(row)
            case SettingCause(path=("floor",), new=length):
                floors = self.new.settings.floors
                return "estate.toml", next((floor.line for floor in floors if floor.length == length), 1)
            case SettingCause(path=path, turn=turn):
                lines = self.old_lines if turn is Turn.REMOVED else self.new_lines
                found = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), 1)
                return "estate.toml", found
            case PolicyCause(id=id_, turn=turn):
                policy = self.estate(turn).policy
                known = policy is not None and id_ in policy.ids
                return "policy.cedar", policy.lines[policy.ids.index(id_)] if policy is not None and known else 1
            case SealedCause():
                return None

    def place(self, cause: Cause) -> str:
        """`grants.csv:12, changed`."""
        found = self.line(cause)
        turn = _TURNS[cause.turn]
        return turn if found is None else f"{short(found[0])}:{found[1]}, {turn}"

    def words(self, cause: Cause) -> str:
        """What it says; ids stand in backticks."""
        match cause:
            case RowCause():
                return self._row(cause)
            case SettingCause(path=("floor",), new=length):
                return f"a floor of {length} covers it"
            case SettingCause(path=path, old=old, new=new):
                name = f"`{short('.'.join(path))}`"
                if old is None or new is None:
                    return f"{name} = {_value(new if old is None else old)}"
                return f"{name} = {_value(new)} (was {_value(old)})"
            case PolicyCause(id=id_):
                return f"the policy `{short(id_)}`"
            case SealedCause():
                return "a tie that somebody declared (sealed)"

    def _row(self, cause: RowCause) -> str:
        estate = self.estate(cause.turn)
        cells = estate.tables[cause.table].cells(cause.row)
        before = self.old.tables[cause.table].cells(cause.before) if cause.before is not None else None
        match cause.table:
            case "grants":
                how = _terms(cells)
                was = f" (was {_terms(before)})" if before is not None else ""
                what = f"`{short(cells['action'])}` on {self._ref(estate, cells['target'])}"
                return f"{self._ref(estate, cells['holder'])} may {what} {how}{was}"
            case "groups":
                return f"{self._ref(estate, cells['member'])} is in `group:{short(cells['group'])}`"
            case "travel":
                who = self._ref(estate, f"person:{cells['person']}")
                return f"{who} is in {short(cells['state'])} from {short(cells['from'])} until {short(cells['until'])}"
            case "unknown":
                return f"nobody told who is in `group:{short(cells['group'])}`"
            case _:
                kind = {"people": "person", "entities": "entity", "assets": "asset"}[cause.table]
                who = self._ref(estate, f"{kind}:{cells['id']}")
                return f"{who}: {_cells(cells, before)}"

    def _ref(self, estate: Estate, reference: str) -> str:
        kind, _, name = reference.partition(":")
        if reference == "everyone":
            return reference
        if kind != "person":
            return f"`{short(reference)}`"
        return self._person(estate, name)

    def _person(self, estate: Estate, id_: str) -> str:
        if self.names:
            return f"`person:{short(id_)}`"
        columns = estate.people.columns
        role = columns["role"][estate.people.ids.index(id_)] if "role" in columns and id_ in estate.people.ids else ""
        return f"a person in the role {short(role)}" if role else "a person"


def _terms(cells: Mapping[str, str]) -> str:
    terms = cells.get("terms", "")
    return f"under the terms `{short(terms)}`" if terms else "alone"


def _cells(cells: Mapping[str, str], before: Mapping[str, str] | None) -> str:
    """What the row says; of a changed one what differs."""
    if before is None:
        told = [f"{column} {short(cells[column])}" for column in _TOLD[1:] if cells.get(column)]
        return listed(told) or "a row"
    differing = [
        f"{short(column)} {short(cells.get(column, '')) or 'none'} (was {short(before.get(column, '')) or 'none'})"
        for column in dict.fromkeys([*cells, *before])
        if column not in _UNTOLD and cells.get(column, "") != before.get(column, "")
    ]
    return listed(differing)


def _value(value: object) -> str:
    return short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
