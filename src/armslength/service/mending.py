"""A repair carried out on the bytes of the tables, and judged from those bytes alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from armslength.estate import Estate, EstateError
from armslength.reach import Change, Plan, Question, Reach, Verb, reach
from armslength.service.patch import Patch, RowEdit, patch
from armslength.service.question import Refusal
from armslength.store import Source, parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A plan with its patch. `verified`: the patched tables, read and asked afresh, keep every floor but those that
    remain."""

    plan: Plan
    patch: Patch
    verified: bool


def mended(estate: Estate, plan: Plan, question: Question, source: Source, folder: str) -> Mended:
    """Carry the plan into the tables that `estate` was read from; `folder` is theirs, as a path from where the patch is
    applied.

    Raises `Refusal` where the patched tables cannot be read.
    """
    edits = [RowEdit(file=change.row.file, row=change.row.row, terms=_terms(change)) for change in plan.changes]
    made = patch(source.files, edits, folder)
    try:
        after = parsed(dataclasses.replace(source, files={**source.files, **made.files})).estate
    except EstateError as error:
        raise Refusal([f"the patched estate cannot be read: {problem}" for problem in error.problems]) from None
    # A grant that goes can take the last mention of an action along, so pairs are told by their names.
    left = {(estate.states[p.state], estate.actions[p.action], estate.assets.ids[p.asset]) for p in plan.remaining}
    # Floors alone are judged, and each raises the cap as far as it needs: longer lengths would be searched for nothing.
    found = reach(after, dataclasses.replace(question, cap=0))
    return Mended(plan=plan, patch=made, verified=left.issuperset(_broken(found)))


def _broken(found: Reach) -> Iterator[tuple[str, str, str]]:
    estate = found.estate
    for i in found.broken().tolist():
        yield (
            estate.states[int(found.state[i])],
            estate.actions[int(found.action[i])],
            estate.assets.ids[int(found.asset[i])],
        )


def _terms(change: Change) -> str | None:
    return change.terms if change.verb is Verb.TERMS else None
