"""A repair carried out on the bytes of the tables, and judged from those bytes alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from armslength.estate import Estate, EstateError
from armslength.reach import Change, Plan, Question, Verb, unheld
from armslength.service.patch import Patch, RowEdit, patch
from armslength.service.question import Refusal
from armslength.store import Source, parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A plan with its patch. `verified`: the patched tables, read and asked afresh, keep every floor but those that
    remain; `unfinished`: they were not asked to the end."""

    plan: Plan
    patch: Patch
    verified: bool
    unfinished: bool


def mended(
    estate: Estate,
    plan: Plan,
    question: Question,
    source: Source,
    folder: str,
    expired: Callable[[], bool] = lambda: False,
) -> Mended:
    """Carry the plan into the tables that `estate` was read from; `folder` is theirs, as a path from where the patch is
    applied. `expired` is asked now and then whether the time allowed for looking at them afresh is over.

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
    broken = unheld(after, question, expired)
    named = {(after.states[s], after.actions[a], after.assets.ids[t]) for s, a, t in broken or ()}
    return Mended(plan=plan, patch=made, verified=broken is not None and named <= left, unfinished=broken is None)


def _terms(change: Change) -> str | None:
    return change.terms if change.verb is Verb.TERMS else None
