"""Rows of an HR export become people."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from armslength.estate import refused_column
from armslength.intake.csv_document import FORMULA, Sheet
from armslength.intake.harvest import Harvest, Matter
from armslength.intake.hr.columns import Columns, check_columns
from armslength.intake.problem import Problems

PLAIN = ("unit", "role", "entity", "workplace", "residence", "name")

_MAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ][0-9:.+Z-]*)?")


@dataclass(frozen=True, slots=True)
class _Row:
    sheet: Sheet
    line: int
    cells: Mapping[str, str]
    """By field."""

    @property
    def origin(self) -> str:
        return self.sheet.origin(self.line)


def not_read(sheets: Iterable[Sheet]) -> list[str]:
    """Columns that are never read, whatever anybody maps."""
    return list(dict.fromkeys(name for sheet in sheets for name in sheet.header if refused_column(name)))


def statuses(sheets: Iterable[Sheet], column: str) -> list[str]:
    """What stands in a column, the commonest first."""
    counts: Counter[str] = Counter()
    for sheet in sheets:
        if (place := sheet.place(column)) is not None:
            counts.update(row[place] for _, row in sheet.rows)
    return [value for value, _ in counts.most_common() if value]


def map_hr(sheets: Iterable[Sheet], columns: Columns, harvest: Harvest, problems: Problems, *, today: dt.date) -> None:
    """`today`: whoever's last day lies before it has left.

    Raises `IntakeError` with everything that is wrong.
    """
    sheets = list(sheets)
    for sheet in sheets:
        check_columns(columns, sheet.header, sheet.file, problems)
    problems.stop()
    rows = [row for sheet in sheets for row in _rows(sheet, columns, problems)]
    if not rows:
        problems.add(sheets[0].file if sheets else "people", "has no rows: expected one for each person")
    _check_ids(rows, columns, problems)
    staying: list[_Row] = []
    left: list[_Row] = []
    for row in rows:
        (left if _has_left(row, columns, today, problems) else staying).append(row)
    problems.stop()
    for name in not_read(sheets):
        reason = "a column of this name is never read: exposure comes from places and employers"
        harvest.review(Matter.UNMAPPED, name, reason, origin=f"{sheets[0].file} header")
    if columns.seen and (new := [n for n in _names(sheets) if n not in columns.seen and not refused_column(n)]):
        reason = "columns that were not there when the mapping was made: not read"
        harvest.review(Matter.UNMAPPED, ", ".join(new)[:300], reason, origin=f"{sheets[0].file} header")
    if left:
        reason = f"{len(left):,} people who left are left out; an account of theirs is one whose holder is unknown"
        harvest.review(Matter.UNMAPPED, "leavers", reason, origin=left[0].origin)
    managers = _Managers(staying, harvest)
    for row in staying:
        _person(row, columns, managers.of(row), harvest)


def _names(sheets: Iterable[Sheet]) -> list[str]:
    return list(dict.fromkeys(name for sheet in sheets for name in sheet.header))


def _rows(sheet: Sheet, columns: Columns, problems: Problems) -> Iterable[_Row]:
    for line, cells in sheet.cells(problems, *columns.of.values()):
        row = _Row(sheet, line, {name: cells[column] for name, column in columns.of.items()})
        for column in dict.fromkeys(columns.of.values()):
            if cells[column].startswith(tuple(FORMULA)):
                told = f"begins with {cells[column][0]!r}, as a formula does: expected plain text, or nothing"
                problems.add(sheet.file, told, path=column, line=line)
        mail = row.cells.get("mail", "")
        if mail and _MAIL.fullmatch(mail) is None:
            column = columns.of["mail"]
            problems.add(sheet.file, f"{mail[:60]!r}: expected one mail address", path=column, line=line)
        yield row


def _check_ids(rows: Iterable[_Row], columns: Columns, problems: Problems) -> None:
    first: dict[str, str] = {}
    for row in rows:
        id = row.cells["id"]
        if not id:
            told = "is empty: expected an id for each row"
            problems.add(row.sheet.file, told, path=columns.of["id"], line=row.line)
        elif (other := first.setdefault(id, row.origin)) != row.origin:
            told = f"{id[:60]!r} stands at {other} as well: expected one row for each person"
            problems.add(row.sheet.file, told, path=columns.of["id"], line=row.line)


def _has_left(row: _Row, columns: Columns, today: dt.date, problems: Problems) -> bool:
    until = row.cells.get("until", "")
    if not until:
        return row.cells.get("status", "") in columns.left
    try:
        found = _DAY.fullmatch(until)
        if found is None:
            raise ValueError
        last = dt.date.fromisoformat(found[1])
    except ValueError:
        told = f"{until[:60]!r} is no date: expected one such as 2026-11-22, which can be read in one way only"
        problems.add(row.sheet.file, told, path=columns.of["until"], line=row.line)
        return False
    if last.year == dt.MAXYEAR:  # as systems write that there is no last day
        return row.cells.get("status", "") in columns.left
    return last < today  # whoever has given notice may be said to have left, and has their accounts still


class _Managers:
    """Managers are told by number or by mail address."""

    def __init__(self, rows: Iterable[_Row], harvest: Harvest) -> None:
        self._harvest = harvest
        self._ids: set[str] = set()
        self._mails: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            self._ids.add(row.cells["id"])
            if mail := row.cells.get("mail", ""):
                self._mails[mail.casefold()].add(row.cells["id"])

    def of(self, row: _Row) -> str:
        """The manager's id; "" where there is none to be found, which is listed once for each manager."""
        told = row.cells.get("manager", "")
        if not told or told in self._ids:
            return told
        found = self._mails.get(told.casefold(), set())
        if len(found) == 1:
            return next(iter(found))
        if found:
            reason = f"the manager of several has a mail address of {len(found)} people: left out"
            self._harvest.review(Matter.AMBIGUOUS, told, reason, origin=row.origin)
        else:
            reason = "is somebody's manager and no row of the export: left out"
            self._harvest.review(Matter.UNMAPPED, told, reason, origin=row.origin)
        return ""


def _id(number: str, harvest: Harvest) -> str:
    """As HR numbers its people; those of another HR system, with a name of its own, may have the same numbers."""
    return number if harvest.name == "hr" else harvest.id(number)


def _person(row: _Row, columns: Columns, manager: str, harvest: Harvest) -> None:
    cells, number = row.cells, row.cells["id"]
    id = _id(number, harvest)
    more = {name[5:]: cells[name] for name in columns.of if name.startswith("more.") and cells[name]}
    harvest.person(
        id,
        origin=row.origin,
        more=json.dumps(more, ensure_ascii=False) if more else "",
        manager=_id(manager, harvest) if manager else "",
        **{name: cells[name] for name in PLAIN if name in cells},
    )
    harvest.identifier(f"person:{id}", "employee", number, origin=row.origin)
    harvest.identifier(f"person:{id}", "mail", cells.get("mail", ""), origin=row.origin)
    for name in columns.of:
        if name.startswith("login.") and cells[name]:
            harvest.identifier(f"person:{id}", "login", f"{name[6:]}:{cells[name]}", origin=row.origin)
