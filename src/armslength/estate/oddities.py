"""What is odd about an estate without being wrong: repeated rows, groups that nothing uses, terms that nobody could
meet."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from armslength.estate.columns import COLUMNS, INTAKE
from armslength.estate.dead_terms import note_dead_terms
from armslength.estate.model import Estate, Kind
from armslength.estate.policy import ReadPolicy
from armslength.estate.problem import Findings
from armslength.estate.sheet import Sheet

REPEATABLE = ("travel", "declared", "groups", "unknown", "grants", "routes")
"""Tables whose rows have no id of their own."""


def note_oddities(
    estate: Estate,
    sheets: Mapping[str, Sheet],
    lines: Mapping[str, int],
    policies: ReadPolicy | None,
    findings: Findings,
) -> None:
    """Adds the warnings about a sound estate to `findings`. `lines`: where each terms stands in estate.toml."""
    for name in REPEATABLE:
        _repeated_rows(sheets[name], findings)
    _unused_groups(estate, policies, findings)
    note_dead_terms(estate, lines, may_enroll=policies is not None and policies.may_enroll, findings=findings)


def _repeated_rows(sheet: Sheet, findings: Findings) -> None:
    if sheet.rows < 2:
        return
    rows = np.zeros(sheet.rows, dtype=np.int64)  # one number for the whole row
    count = 1
    for column in COLUMNS[sheet.table.name]:
        values = len(sheet[column].values)
        if count * values >= 2**62:
            distinct, rows = np.unique(rows, return_inverse=True)
            count = len(distinct)
        rows = rows * values + sheet[column].codes
        count *= values
    ordered = np.sort(rows)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return
    first: dict[int, int] = {}
    for row in np.flatnonzero(np.isin(rows, twice)).tolist():
        earlier = first.setdefault(int(rows[row]), row)
        if earlier != row:
            message = f"repeats line {sheet.table.line(earlier)}: one of the two can go"
            findings.odd(sheet.file, message, line=sheet.table.line(row))


def _unused_groups(estate: Estate, policies: ReadPolicy | None, findings: Findings) -> None:
    """A group that no grant, terms, policy or other group names gives nobody anything."""
    groups, grants = estate.groups, estate.grants
    used = np.zeros(len(groups.ids), dtype=np.bool_)
    used[grants.holder[grants.holder_kind == Kind.GROUP]] = True
    used[grants.target[grants.target_kind == Kind.GROUP]] = True
    used[groups.member[groups.member_kind == Kind.GROUP]] = True
    for terms in estate.settings.terms:
        for ref in (terms.approvers, *(place.of for place in terms.places)):
            if ref.kind is Kind.GROUP:
                used[ref.index] = True
    for kind, index in policies.named if policies is not None else ():
        if kind is Kind.GROUP:
            used[index] = True
    if used.all():
        return
    first_row = np.full(len(groups.ids), -1, dtype=np.int64)
    first_row[groups.group[::-1]] = groups.row[::-1]
    for group in np.flatnonzero(~used).tolist():
        table, row = estate.tables["groups"], int(first_row[group])
        if row < 0:
            table = estate.tables["unknown"]
            row = table.columns["group"].to_list().index(groups.ids[group])
        if "source" in table.columns and table.columns["source"][row].startswith(INTAKE):
            continue  # systems have many groups that lead to nothing; whoever wrote a row by hand meant something by it
        message = f"group {groups.ids[group]!r} is used by no grant, terms, policy or other group"
        findings.odd(table.file, message, line=table.line(row), column="group")
