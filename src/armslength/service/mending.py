"""Repair: the plan as a person or a program reads it, and the check of what the patch would make."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from armslength.estate import Estate, EstateError, parse
from armslength.reach import Between, Beyond, Change, Exact, Length, Plan, Question, Verb, reach
from armslength.service.patch import Patch, RowEdit, patch
from armslength.service.question import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A plan with its patch; `verified`: the patched tables, read and asked afresh, keep every floor but those that
    remain."""

    plan: Plan
    patch: Patch
    verified: bool


def mended(estate: Estate, question: Question, plan: Plan, files: Mapping[str, bytes], folder: str) -> Mended:
    """Carry the plan into the tables and judge them from their bytes alone. Raises `Refusal` where they cannot be read
    then."""
    edits = [RowEdit(file=c.row.file, row=c.row.row, terms=_new_terms(c)) for c in plan.changes]
    made = patch(files, edits, folder)
    try:
        after = parse({**files, **made.files}).estate
    except EstateError as error:
        raise Refusal([f"the patched estate cannot be read: {problem}" for problem in error.problems]) from None
    found = reach(after, question)
    left = {(p.state, p.action, p.asset) for p in plan.remaining}
    names = {(estate.states[s], estate.actions[a], estate.assets.ids[t]) for s, a, t in left}
    broken = {
        (after.states[r.state], after.actions[r.action], after.assets.ids[r.asset])
        for r in (found.result(int(i)) for i in found.broken())
    }
    return Mended(plan=plan, patch=made, verified=broken <= names)


def _new_terms(change: Change) -> str | None:
    return change.terms if change.verb is Verb.TERMS else None


def plan_document(estate: Estate, question: Question, made: Mended) -> str:
    """The JSON of docs/formats/repair.md."""
    plan, tables = made.plan, {table.file: table for table in estate.tables.values()}
    changes = []
    for change in plan.changes:
        table = tables[change.row.file]
        cells = {name: text for name, text in table.cells(change.row.row).items() if text}
        one: dict[str, object] = {
            "change": change.verb.value,
            "file": change.row.file,
            "line": table.line(change.row.row),
            "row": cells,
        }
        if change.verb is Verb.TERMS:
            one["terms"] = change.terms
        changes.append(one | {"cost": change.cost, "work": {"people": change.people}})
    document = {
        "estate": estate.settings.name,
        "at": question.at.isoformat(),
        "plan": changes,
        "cost": plan.cost,
        "bound": plan.bound,
        "gap": plan.gap,
        "proven": plan.proven,
        "verified": made.verified,
        "refused": [_refused(estate, r.verb, r.table, r.row, r.terms) for r in sorted(plan.refused, key=repr)],
        "remaining": [
            {
                "state": estate.states[p.state],
                "action": estate.actions[p.action],
                "asset": estate.assets.ids[p.asset],
                "floor": p.floor,
                "length": _length(p.length),
            }
            for p in plan.remaining
        ],
    }
    return json.dumps(document, ensure_ascii=True) + "\n"


def plan_lines(estate: Estate, made: Mended) -> list[str]:
    """The plan for a person: the changes dearest in work first told by their rows, then what stays broken."""
    plan, tables = made.plan, {table.file: table for table in estate.tables.values()}
    if not plan.changes and not plan.remaining:
        return ["every floor holds: nothing to repair"]
    proof = "proven least" if plan.proven else f"at most {plan.gap:.1%} dearer than the least (at least {plan.bound:g})"
    lines = [f"{len(plan.changes)} changes, cost {plan.cost:g}, {proof}"]
    for change in plan.changes:
        table = tables[change.row.file]
        cells = " ".join(text for text in table.cells(change.row.row).values() if text)
        what = {
            Verb.TERMS: f"put terms {change.terms} on",
            Verb.DROP_GRANT: "drop the grant",
            Verb.DROP_MEMBERSHIP: "drop the membership",
        }[change.verb]
        work = "would need an approval" if change.verb is Verb.TERMS else "would lose it"
        people = "1 person" if change.people == 1 else f"{change.people} people"
        lines.append(f"{change.row.file}:{table.line(change.row.row)}: {what}: {cells} ({people} {work})")
    for idle in plan.idle:
        lines.append(f"terms {idle.terms} could not be used: {idle.why.value}")
    if plan.remaining:
        reasons = sorted({p.reason.value for p in plan.remaining})
        lines.append(f"{len(plan.remaining)} pairs stay below their floor: {', '.join(reasons)}")
    lines.append("verified: the patched tables were read and asked again" if made.verified else "not verified")
    return lines


def _refused(
    estate: Estate, verb: Verb | None, table: str | None, row: int | None, terms: str | None
) -> dict[str, object]:
    out: dict[str, object] = {}
    if verb is not None:
        out["change"] = verb.value
    if table is not None:
        out["file"] = estate.tables[table].file
        if row is not None:
            out["line"] = estate.tables[table].line(row)
    if terms is not None:
        out["terms"] = terms
    return out


def _length(length: Length) -> object:
    match length:
        case Exact(length=number):
            return number
        case Beyond():
            return None
        case Between(at_least=least, at_most=most):
            return {"at_least": least, "at_most": most}
