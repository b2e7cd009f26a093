"""People, their employers, their journeys and the ties that they declared."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

import numpy as np

from armslength.estate.chain import refuse_circles
from armslength.estate.lookup import Lookup, freeze
from armslength.estate.model import Entities, Journey, People, Tie
from armslength.estate.problem import Findings
from armslength.estate.sheet import Sheet

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def day(text: str) -> int | str:
    """The ordinal of `YYYY-MM-DD`; no other spelling is a day."""
    if _DAY.fullmatch(text):
        try:
            return dt.date.fromisoformat(text).toordinal()
        except ValueError:
            pass
    return f"{text!r} is not a day: expected YYYY-MM-DD"


def dated(sheets: Iterable[Sheet], findings: Findings) -> None:
    """`as_of` must be a day in whatever table it stands."""
    for sheet in sheets:
        if "as_of" in sheet.table.columns:
            sheet.read("as_of", day, findings)


def read_people(sheet: Sheet, look: Lookup, findings: Findings) -> People:
    """People by row of their table."""
    names = look.names
    ids = tuple(sheet.table.columns["id"].to_list()) if "id" in sheet.table.columns else ()
    manager = sheet.read("manager", names.people.find, findings)
    refuse_circles(sheet, "manager", manager, findings)
    return People(
        ids=ids,
        workplace=freeze(sheet.read("workplace", look.state, findings)),
        residence=freeze(sheet.read("residence", look.state, findings)),
        entity=freeze(sheet.read("entity", names.entities.find, findings)),
        manager=freeze(manager),
        columns=sheet.table.columns,
    )


def read_entities(sheet: Sheet, look: Lookup, findings: Findings) -> Entities:
    """Employers by row of their table."""
    ids = tuple(sheet.table.columns["id"].to_list()) if "id" in sheet.table.columns else ()
    parent = sheet.read("parent", look.names.entities.find, findings)
    refuse_circles(sheet, "parent", parent, findings)
    return Entities(ids=ids, state=freeze(sheet.read("state", look.state, findings)), parent=freeze(parent))


def read_travel(sheet: Sheet, look: Lookup, findings: Findings) -> tuple[Journey, ...]:
    """Journeys by row; none at all where a day is wrong."""
    for column in ("person", "state", "from", "until"):
        sheet.required(column, findings)
    person = sheet.read("person", look.names.people.find, findings)
    state = sheet.read("state", look.state, findings)
    start, until = sheet.read("from", day, findings), sheet.read("until", day, findings)
    for row in np.flatnonzero((start > until) & (until >= 0)).tolist():
        message = f"{dt.date.fromordinal(int(until[row]))} is before the first day: expected that day or a later one"
        findings.wrong(sheet.file, message, line=sheet.table.line(row), column="until")
    if min(start.min(initial=0), until.min(initial=0)) < 0:
        return ()
    return tuple(
        Journey(person=p, state=s, start=dt.date.fromordinal(a), until=dt.date.fromordinal(b), row=row)
        for row, (p, s, a, b) in enumerate(
            zip(person.tolist(), state.tolist(), start.tolist(), until.tolist(), strict=True)
        )
    )


def read_declared(sheet: Sheet, look: Lookup, findings: Findings) -> tuple[Tie, ...]:
    """Declared ties by row."""
    sheet.required("person", findings)
    sheet.required("state", findings)
    person = sheet.read("person", look.names.people.find, findings)
    state = sheet.read("state", look.state, findings)
    return tuple(
        Tie(person=p, state=s, row=row) for row, (p, s) in enumerate(zip(person.tolist(), state.tolist(), strict=True))
    )
