"""Turnover: which rows, settings and policies stand in one of two estates only, as far as reach looks at them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import polars as pl

from armslength.estate import Estate, Table
from armslength.reach.permit_policy import split

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "people": ("id", "unit", "entity", "workplace", "residence"),
    "entities": ("id", "state", "parent"),
    "travel": ("person", "state", "from", "until"),
    "declared": ("person", "state"),
    "groups": ("group", "member"),
    "assets": ("id", "class", "within", "hosted_in", "key", "shielded_from"),
    "unknown": ("group",),
    "grants": ("holder", "action", "target", "terms"),
}
"""The columns that can change a length; of people, those that terms name in `distinct` come on top."""

_KEYS: Mapping[str, tuple[str, ...]] = {
    "people": ("id",),
    "entities": ("id",),
    "assets": ("id",),
    "travel": ("person", "state"),
    "grants": ("holder", "action", "target"),
}
"""Two rows with these in common are one row that changed."""

_TERMS = ("approvals", "approvers", "apart", "distinct", "from")

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of one table: `fresh[row]` of the new side and `gone[row]` of the old are not on the other; the value is the
    row there that it replaced, if one did."""

    fresh: Mapping[int, int | None]
    gone: Mapping[int, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turnover:
    """`rows` by table name; `settings` and `policies` with their values on the old and the new side, None if absent."""

    rows: Mapping[str, Rows]
    settings: Mapping[Path, tuple[object, object]]
    policies: Mapping[str, tuple[str | None, str | None]]


def turnover(old: Estate, new: Estate) -> Turnover:
    """What differs. Rows count by content, wherever they stand; one repeated is one."""
    distinct = {column for estate in (old, new) for terms in estate.settings.terms for column in terms.distinct}
    rows = {}
    for name, known in _COLUMNS.items():
        columns = [*known, *sorted(distinct - set(known))] if name == "people" else known
        rows[name] = _rows(name, old.tables[name], new.tables[name], columns)
    return Turnover(
        rows=rows,
        settings=_changed(_settings(old), _settings(new)),
        policies=_changed(_policies(old), _policies(new)),
    )


def _rows(name: str, old: Table, new: Table, columns: Sequence[str]) -> Rows:
    if old is new:
        return Rows(fresh={}, gone={})
    before, after = _frame(old, columns), _frame(new, columns)
    gone = before.join(after, on=columns, how="anti").sort("row")
    fresh = after.join(before, on=columns, how="anti").sort("row")
    key = _KEYS.get(name)
    if key is None:
        return Rows(fresh=dict.fromkeys(fresh["row"].to_list()), gone=dict.fromkeys(gone["row"].to_list()))
    by_key = [dict(zip(frame.select(key).iter_rows(), frame["row"].to_list(), strict=True)) for frame in (gone, fresh)]
    return Rows(
        fresh={
            row: by_key[0].get(k) for row, k in zip(fresh["row"].to_list(), fresh.select(key).iter_rows(), strict=True)
        },
        gone={
            row: by_key[1].get(k) for row, k in zip(gone["row"].to_list(), gone.select(key).iter_rows(), strict=True)
        },
    )


def _frame(table: Table, columns: Sequence[str]) -> pl.DataFrame:
    empty = pl.Series([""], dtype=pl.String).new_from_index(0, len(table))
    frame = pl.DataFrame({column: table.columns.get(column, empty) for column in columns})
    return frame.with_row_index("row")


def _settings(estate: Estate) -> dict[Path, object]:
    """What reach looks at, key by key; floors, costs and what only the gate minds are left out."""
    parsed = estate.settings.parsed
    found: dict[Path, object] = {(key,): parsed[key] for key in ("bases", "gate", "home") if key in parsed}
    found |= {("states", code): above for code, above in _section(parsed.get("states")).items()}
    for terms, keys in _section(parsed.get("terms")).items():
        found |= {("terms", terms, key): value for key, value in _section(keys).items() if key in _TERMS}
    return found


def _section(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _policies(estate: Estate) -> dict[str, str]:
    if estate.policy is None:
        return {}
    return {id_: text.strip() for id_, text in zip(estate.policy.ids, split(estate.policy.text), strict=True)}


_Name = TypeVar("_Name", bound=Hashable)
_Value = TypeVar("_Value")


def _changed(
    old: Mapping[_Name, _Value], new: Mapping[_Name, _Value]
) -> dict[_Name, tuple[_Value | None, _Value | None]]:
    names = dict.fromkeys([*old, *new])
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}
