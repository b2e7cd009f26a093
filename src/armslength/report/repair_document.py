"""A plan of repair as JSON (docs/formats/repair.md)."""

from __future__ import annotations

import datetime as dt
import json

from armslength.estate import Estate
from armslength.reach import Between, Beyond, Change, Exact, Length, Plan, Reason, Refusal, Verb
from armslength.report.said import known_cells


def repair_document(estate: Estate, at: dt.date, plan: Plan, *, verified: bool, names: bool = False) -> str:
    """The object that `armslength repair --format json` prints; ASCII. `verified`: of the tables once patched."""
    document = {
        "estate": estate.settings.name,
        "at": at.isoformat(),
        "plan": [_change(estate, change, names) for change in plan.changes],
        "cost": plan.cost,
        "bound": plan.bound,
        "gap": plan.gap,
        "proven": plan.proven,
        "verified": verified,
        "refused": [_refused(estate, refusal) for refusal in sorted(plan.refused, key=repr)],
        "remaining": [
            {
                "state": estate.states[left.state],
                "action": estate.actions[left.action],
                "asset": estate.assets.ids[left.asset],
                "length": _length(left.length),
                "floor": left.floor,
                "reason": left.reason.value,
                **({"at_least": left.at_least} if left.reason is Reason.ASIDE else {}),
            }
            for left in plan.remaining
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def _change(estate: Estate, change: Change, names: bool) -> dict[str, object]:
    name, table = next((name, table) for name, table in estate.tables.items() if table.file == change.row.file)
    terms = {"terms": change.terms} if change.verb is Verb.TERMS else {}
    return {
        "change": change.verb.value,
        "file": table.file,
        "line": table.line(change.row.row),
        "row": known_cells(estate, name, change.row.row, names=names),
        **terms,
        "cost": change.cost,
        "work": {"people": change.people},
    }


def _refused(estate: Estate, refusal: Refusal) -> dict[str, object]:
    shown: dict[str, object] = {}
    if refusal.verb is not None:
        shown["change"] = refusal.verb.value
    if refusal.table is not None:
        shown["file"] = estate.tables[refusal.table].file
        if refusal.row is not None:
            shown["line"] = estate.tables[refusal.table].line(refusal.row)
    if refusal.terms is not None:
        shown["terms"] = refusal.terms
    return shown


def _length(length: Length) -> object:
    match length:
        case Exact(length=n):
            return n
        case Beyond():
            return None
        case Between(at_least=at_least, at_most=at_most):
            return {"at_least": at_least, "at_most": at_most}
