"""A small estate as plain rows, and the files it would be."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass, field
from typing import Any

COLUMNS = {
    "people": ("id", "unit", "role", "entity", "workplace", "residence", "manager", "name"),
    "entities": ("id", "state", "parent"),
    "travel": ("person", "state", "from", "until"),
    "declared": ("person", "state"),
    "groups": ("group", "member"),
    "assets": ("id", "kind", "class", "within", "hosted_in", "key", "subjects", "shielded_from"),
    "unknown": ("group", "note"),
    "grants": ("holder", "action", "target", "terms"),
}
"""The known columns of each table that reach reads; a row may carry more."""

Row = dict[str, str]
Tables = dict[str, list[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`tables[name]` are rows (column to text, absent if empty); `settings` is estate.toml as data."""

    tables: Tables
    settings: dict[str, Any] = field(default_factory=dict)
    policy: str = ""

    def rows(self, table: str) -> list[Row]:
        return self.tables.get(table, [])

    def files(self) -> dict[str, bytes]:
        """The estate's folder: a CSV file for each table that has rows, estate.toml, and policy.cedar if any."""
        files = {f"{name}.csv": _csv(name, rows) for name, rows in self.tables.items() if rows}
        files["estate.toml"] = _toml(self.settings).encode()
        if self.policy:
            files["policy.cedar"] = self.policy.encode()
        return files

    def show(self) -> str:
        """All files as one text, for a person who has to find out who is wrong."""
        return "\n".join(f"--- {name}\n{text.decode().rstrip()}" for name, text in sorted(self.files().items())) + "\n"


def columns(table: str, rows: list[Row]) -> list[str]:
    """The known columns that some row fills (always the first), then the unknown ones, in order of appearance."""
    seen = list(dict.fromkeys(column for row in rows for column in row))
    known = COLUMNS[table]
    return [c for c in known if c in seen or c == known[0]] + [c for c in seen if c not in known]


def _csv(table: str, rows: list[Row]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns(table, rows), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return json.dumps(value)
        case list():
            return "[" + ", ".join(_value(item) for item in value) + "]"
        case dict():
            return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
        case _:
            raise TypeError(f"no TOML form for {value!r}")


def _toml(data: dict[str, Any], path: tuple[str, ...] = ()) -> str:
    """Plain keys first, then tables, then arrays of tables; lists under a table's keys stay inline."""
    tables = {k: v for k, v in data.items() if isinstance(v, dict)}
    arrays = {k: v for k, v in data.items() if k == "floor" and not path}
    lines = [f"{_key(k)} = {_value(v)}" for k, v in data.items() if k not in tables and k not in arrays]
    for name, table in tables.items():
        here = (*path, name)
        if any(not isinstance(v, dict) for v in table.values()) or not table:
            lines += ["", "[" + ".".join(map(_key, here)) + "]"]
        lines.append(_toml(table, here).rstrip("\n"))
    for name, items in arrays.items():
        for item in items:
            lines += ["", f"[[{_key(name)}]]", *(f"{_key(k)} = {_value(v)}" for k, v in item.items())]
    return "\n".join(lines) + "\n"
