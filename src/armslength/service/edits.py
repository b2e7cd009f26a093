"""Changes that a user only thinks of, made to an estate in memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from armslength.estate import (
    Estate,
    EstateError,
    Problem,
    Table,
    drop_grants,
    drop_memberships,
    grant,
    join,
    leaver,
    set_terms,
    travel,
)
from armslength.service.question import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Travel:
    """The person (`person:…`) is in the state from `start` until `until`; None: on the day asked."""

    person: str
    state: str
    start: dt.date | None = None
    until: dt.date | None = None

    def under_way(self, at: dt.date) -> bool:
        return (self.start is None or self.start <= at) and (self.until is None or at <= self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaver:
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """`member` is `person:…` or `group:…`, `group` is `group:…`."""

    member: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """As a row of the grants table; `terms` "" for standing access."""

    holder: str
    action: str
    target: str
    terms: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DropGrant:
    """`line` is that of the file, the header being line 1; so in the two below."""

    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DropMembership:
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTerms:
    """`terms` "" makes the grant standing access."""

    line: int
    terms: str


Edit = Travel | Leaver | Join | Granted | DropGrant | DropMembership | NewTerms


def edited(estate: Estate, edits: Sequence[Edit], at: dt.date) -> Estate:
    """The estate with all the edits, in any order: lines are those of the files, and whoever leaves leaves last.

    Raises `EstateError` or `Refusal` where one does not fit.
    """
    if not edits:
        raise Refusal(["nothing to change: expected a change such as --travel person:ana=CN"])
    grants, memberships = estate.tables["grants"], estate.tables["groups"]
    for edit in edits:
        if isinstance(edit, NewTerms):
            estate = set_terms(estate, _row(grants, edit.line), edit.terms)
    dropped = [_row(grants, edit.line) for edit in edits if isinstance(edit, DropGrant)]
    left = [_row(memberships, edit.line) for edit in edits if isinstance(edit, DropMembership)]
    estate = drop_grants(estate, dropped) if dropped else estate
    estate = drop_memberships(estate, left) if left else estate
    for edit in edits:
        match edit:
            case Join(member=member, group=group):
                estate = join(estate, member, group)
            case Granted(holder=holder, action=action, target=target, terms=terms):
                estate = grant(estate, holder, action, target, terms)
            case Travel(person=person, state=state):
                estate = travel(estate, person, state, at) if edit.under_way(at) else estate
            case Leaver() | DropGrant() | DropMembership() | NewTerms():
                pass
    for edit in edits:
        if isinstance(edit, Leaver):
            estate = leaver(estate, edit.person)
    return estate


def remarks(edits: Sequence[Edit], at: dt.date) -> Iterator[str]:
    """What is odd about the edits."""
    for edit in edits:
        if isinstance(edit, Travel) and not edit.under_way(at):
            yield f"the journey to {edit.state!r} is not under way on {at} and changes nothing: ask --at {edit.start}"


def edit_document(edit: Edit) -> dict[str, object]:
    """An edit as the printed form names it (docs/formats/whatif.md)."""
    match edit:
        case Travel(person=person, state=state, start=start, until=until):
            days = {} if start is None or until is None else {"from": start.isoformat(), "until": until.isoformat()}
            return {"edit": "travel", "person": _bare(person), "state": state, **days}
        case Leaver(person=person):
            return {"edit": "leaver", "person": _bare(person)}
        case Join(member=member, group=group):
            return {"edit": "join", "member": member, "group": _bare(group)}
        case Granted(holder=holder, action=action, target=target, terms=terms):
            carried = {"terms": terms} if terms else {}
            return {"edit": "grant", "holder": holder, "action": action, "target": target, **carried}
        case DropGrant(line=line):
            return {"edit": "drop_grant", "line": line}
        case DropMembership(line=line):
            return {"edit": "drop_membership", "line": line}
        case NewTerms(line=line, terms=terms):
            return {"edit": "terms", "line": line, "terms": terms}


def _bare(ref: str) -> str:
    return ref.partition(":")[2]


def _row(table: Table, line: int) -> int:
    """The data row at a line of the table's file."""
    row = line - 2
    if table.lines is not None:
        found = np.flatnonzero(table.lines == line)
        row = int(found[0]) if found.size else -1
    if not 0 <= row < len(table):
        message = "no row begins at this line: expected one with a row (the header is line 1)"
        raise EstateError([Problem(file=table.file, line=line, message=message)])
    return row
