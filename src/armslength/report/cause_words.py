"""Causes of a change in words, and where they stand; people by role unless names were asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from armslength.estate import Estate
from armslength.reach import Cause, PolicyCause, RowCause, SealedCause, SettingCause, Turn
from armslength.report.plain import short
from armslength.report.said import said

Lines = Mapping[tuple[str | int, ...], int]
"""The line of each setting in estate.toml, by path."""

_TURNS = {Turn.ADDED: "new", Turn.REMOVED: "gone", Turn.CHANGED: "changed"}


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
        before = self.old.tables[cause.table].cells(cause.before) if cause.before is not None else None
        return said(self.estate(cause.turn), cause.table, cause.row, before=before, names=self.names)


def _value(value: object) -> str:
    return short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
