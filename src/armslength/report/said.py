"""What a row of a table says, in words; ids stand in backticks, people appear by role unless names were asked for."""

from __future__ import annotations

from collections.abc import Mapping

from armslength.estate import COLUMNS, Estate
from armslength.report.plain import listed, short

_TOLD = ("unit", "entity", "workplace", "residence", "state", "parent", "class", "within", "hosted_in", "key")
"""Columns of people, entities and assets that are told of a whole row; of a changed one all that differ are."""
_UNTOLD = ("name", "role", "manager", "source", "as_of", "kind", "subjects", "note")


def said(estate: Estate, table: str, row: int, *, before: Mapping[str, str] | None = None, names: bool = False) -> str:
    """A row (0-based data row) of a table by name; `before`: the cells that it had, where it changed."""
    cells = estate.tables[table].cells(row)
    match table:
        case "grants":
            how = _terms(cells)
            was = f" (was {_terms(before)})" if before is not None else ""
            what = f"`{short(cells['action'])}` on {_ref(estate, cells['target'], names)}"
            return f"{_ref(estate, cells['holder'], names)} may {what} {how}{was}"
        case "groups":
            return f"{_ref(estate, cells['member'], names)} is in `group:{short(cells['group'])}`"
        case "travel":
            who = _ref(estate, f"person:{cells['person']}", names)
            return f"{who} is in {short(cells['state'])} from {short(cells['from'])} until {short(cells['until'])}"
        case "unknown":
            return f"nobody told who is in `group:{short(cells['group'])}`"
        case _:
            kind = {"people": "person", "entities": "entity", "assets": "asset"}[table]
            who = _ref(estate, f"{kind}:{cells['id']}", names)
            return f"{who}: {_cells(cells, before)}"


def known_cells(estate: Estate, table: str, row: int, *, names: bool) -> dict[str, str]:
    """The cells of a row that a program may want, empty ones left out. Of columns that nobody knows only those that
    terms name are given: the others may say anything of anybody."""
    cells = estate.tables[table].cells(row)
    distinct = {c for terms in estate.settings.terms for c in terms.distinct} if table == "people" else set()
    columns = [c for c in COLUMNS[table] if c != "name" or names]
    columns += sorted(distinct - set(COLUMNS[table]))
    return {column: cells[column] for column in columns if cells.get(column)}


def _ref(estate: Estate, reference: str, names: bool) -> str:
    kind, _, name = reference.partition(":")
    if reference == "everyone":
        return reference
    if kind != "person" or names:
        return f"`{short(reference)}`"
    columns = estate.people.columns
    role = columns["role"][estate.people.ids.index(name)] if "role" in columns and name in estate.people.ids else ""
    return f"a person in the role {short(role)}" if role else "a person"


def _terms(cells: Mapping[str, str]) -> str:
    terms = cells.get("terms", "")
    return f"under the terms `{short(terms)}`" if terms else "alone"


def _cells(cells: Mapping[str, str], before: Mapping[str, str] | None) -> str:
    """What the row says; of a changed one what differs."""
    if before is None:
        told = [f"{column} {short(cells[column])}" for column in _TOLD if cells.get(column)]
        return listed(told) or "a row"
    differing = [
        f"{short(column)} {short(cells.get(column, '')) or 'none'} (was {short(before.get(column, '')) or 'none'})"
        for column in dict.fromkeys([*cells, *before])
        if column not in _UNTOLD and cells.get(column, "") != before.get(column, "")
    ]
    return listed(differing)
