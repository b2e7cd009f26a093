"""Rows of the tables as a derivation uses them: which ones it rests on, where they stand and what they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from armslength.estate import POWERS, Estate, Kind, Table
from armslength.reach import Row, Step
from armslength.report.plain import listed, short

Hinge = tuple[str, str, int]
"""A row that a derivation rests on, or a policy: kind, file or policy id, row (-1 for a policy)."""


def hinges(estate: Estate, steps: Sequence[Step]) -> set[Hinge]:
    """The rows and policies that a derivation rests on: grants, powers, policies, hosts, and memberships, but not that
    of one person among several, who could all have stood there."""
    found: set[Hinge] = set()
    for step in steps:
        match step.rule:
            case "grant":
                found.update((_grant_kind(step), row.file, row.row) for row in step.rows)
            case "permit":
                found.add(("policy", step.policy or "", -1))
            case "member" | "enrolled" | "assumed":
                found.update(("membership", row.file, row.row) for row in step.rows if _matters(estate, row))
            case "custody":
                found.update(("host", row.file, _host_row(estate, row)) for row in step.rows)
            case _:
                pass
    return found


def cause(estate: Estate, steps: Sequence[Step]) -> Hinge:
    """The one row to point at: the last standing grant; where there is none the last grant, policy, host or membership.

    Raises `ValueError` where the steps rest on nothing, which no derivation does.
    """
    last: dict[str, Hinge] = {}
    for step in steps:
        match step.rule:
            case "grant":
                kind = "standing" if step.by == "standing" else "grant"
                last[kind] = (_grant_kind(step), step.rows[0].file, step.rows[0].row)
            case "permit":
                last["permit"] = ("policy", step.policy or "", -1)
            case "custody":
                last["host"] = ("host", step.rows[0].file, _host_row(estate, step.rows[0]))
            case "member" | "enrolled" | "assumed" if step.rows:
                last["member"] = ("membership", step.rows[-1].file, step.rows[-1].row)
            case _:
                pass
    for kind in ("standing", "grant", "permit", "host", "member"):
        if kind in last:
            return last[kind]
    raise ValueError("a derivation that rests on no row")


def table(estate: Estate, file: str) -> Table:
    return next(t for t in estate.tables.values() if t.file == file)


def line(estate: Estate, name: str, row: int) -> tuple[str, int]:
    """The file and line of a hinge: of a row, or of a policy (row -1)."""
    if row >= 0:
        return name, table(estate, name).line(row)
    policy = estate.policy
    if policy is None or name not in policy.ids:
        return "policy.cedar", 1
    return "policy.cedar", policy.lines[policy.ids.index(name)]


def place(estate: Estate, name: str, row: int) -> str:
    """`grants.csv, line 12`."""
    file, at = line(estate, name, row)
    return f"{file}, line {at}"


def row_in_words(estate: Estate, kind: str, name: str, row: int, *, names: bool) -> str:
    """What the row says; ids stand in backticks, people by role unless `names`."""
    if kind == "policy":
        return f"policy `{short(name)}`"
    cells = table(estate, name).cells(row)

    def of(reference: str) -> str:
        return _reference(estate, reference, names)

    match kind:
        case "membership":
            return f"{of(cells['member'])} is in `group:{short(cells['group'])}`"
        case "host":
            return f"`asset:{short(cells['id'])}` is hosted in {listed(short(cells.get('hosted_in', '')).split())}"
        case _:
            terms = cells.get("terms", "")
            how = f"under the terms `{short(terms)}`" if terms else "alone"
            return f"{of(cells['holder'])} may `{short(cells['action'])}` on {of(cells['target'])} {how}"


def _reference(estate: Estate, reference: str, names: bool) -> str:
    kind, _, name = reference.partition(":")
    if kind != "person" or names:
        return f"`{short(reference)}`" if reference != "everyone" else "everyone"
    person = estate.people.ids.index(name)
    role = estate.people.columns["role"][person] if "role" in estate.people.columns else ""
    return f"a person in the role {short(role)}" if role else "a person"


def _grant_kind(step: Step) -> str:
    if step.fact[0] in ("enrolled", "assumed", "waived") or step.fact[1] in POWERS:
        return "power"
    return "standing grant" if step.by == "standing" else "grant"


def _matters(estate: Estate, row: Row) -> bool:
    """A group within a group, or a person who is the only one that the group lists."""
    groups = estate.groups
    at = np.flatnonzero(groups.row == row.row)
    if not len(at):
        return False
    return bool(groups.member_kind[at[0]] == Kind.GROUP or (groups.group == groups.group[at[0]]).sum() == 1)


def _host_row(estate: Estate, row: Row) -> int:
    """The row that says where the asset of `row` is hosted: its own, or that of the nearest asset that it lies in."""
    columns = table(estate, row.file).columns
    at = row.row
    while not (columns["hosted_in"][at] if "hosted_in" in columns else ""):
        above = columns["within"][at] if "within" in columns else ""
        if not above:
            return row.row
        at = int((columns["id"] == above).arg_max() or 0)
    return at
