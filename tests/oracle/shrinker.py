"""Makes a failing case small: rows, cells, settings and policies are taken away as long as it still fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from .case import Case

NEEDED = {
    "people": {"id"},
    "entities": {"id"},
    "travel": {"person", "state", "from", "until"},
    "declared": {"person", "state"},
    "groups": {"group", "member"},
    "assets": {"id"},
    "unknown": {"group"},
    "grants": {"holder", "action", "target"},
}
NAMED = {
    "person": [("people", "id"), ("travel", "person"), ("declared", "person")],
    "asset": [("assets", "id")],
    "group": [("groups", "group"), ("unknown", "group")],
}
"""Where a row goes when this name goes; its own table first."""
POINTING = [("assets", "within"), ("assets", "key")]
"""Where an asset's name goes and the row stays."""


def shrunk(case: Case, fails: Callable[[Case], bool]) -> Case:
    """The smallest case found that still fails; `fails` must say no of a case that is no estate at all."""
    while smaller := next((c for c in _smaller(case) if fails(c)), None):
        case = smaller
    return case


def _smaller(case: Case) -> Iterator[Case]:
    """Large steps first."""
    yield from _without_names(case)
    yield from _without_policies(case)
    for table, rows in case.tables.items():
        for n in range(len(rows)):
            yield _with(case, table, rows[:n] + rows[n + 1 :])
    yield from (replace(case, settings=settings) for settings in _settings(case.settings))
    for table, rows in case.tables.items():
        for n, row in enumerate(rows):
            for column in row.keys() - NEEDED[table]:
                if row[column]:
                    less = {c: v for c, v in row.items() if c != column}
                    yield _with(case, table, [*rows[:n], less, *rows[n + 1 :]])


def _with(case: Case, table: str, rows: list[dict[str, str]]) -> Case:
    tables = {**case.tables, table: rows}
    return replace(case, tables={name: rows for name, rows in tables.items() if rows})


def _without_names(case: Case) -> Iterator[Case]:
    """Without one person, asset or group, and without every row and cell that names it."""
    for kind, places in NAMED.items():
        home = places[0]
        for name in sorted({row[home[1]] for row in case.rows(home[0])}):
            typed = f"{kind}:{name}"
            tables = {
                table: [
                    {c: "" if kind == "asset" and (table, c) in POINTING and v == name else v for c, v in row.items()}
                    for row in rows
                    if typed not in row.values() and not any((table, c) in places and row[c] == name for c in row)
                ]
                for table, rows in case.tables.items()
            }
            yield replace(case, tables={table: rows for table, rows in tables.items() if rows})


def _without_policies(case: Case) -> Iterator[Case]:
    lines = case.policy.splitlines(True)
    for n in range(len(lines)):
        yield replace(case, policy="".join(lines[:n] + lines[n + 1 :]))
        head, when, _ = lines[n].partition(") when {")
        if when:
            yield replace(case, policy="".join([*lines[:n], head + ");\n", *lines[n + 1 :]]))


def _settings(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Without one key, item or number less, at any depth; `name` stays."""
    for key, value in settings.items():
        rest = {k: v for k, v in settings.items() if k != key}
        if key not in ("name", "approvals", "approvers", "of", "action", "target", "length"):
            yield rest
        for less in _less(value):
            yield {**settings, key: less}


def _less(value: object) -> Iterator[object]:
    match value:
        case dict():
            yield from _settings(value)
        case list():
            for n, item in enumerate(value):
                yield value[:n] + value[n + 1 :]
                yield from (value[:n] + [less] + value[n + 1 :] for less in _less(item))
        case int() if value > 1:
            yield value - 1
        case _:
            return
