"""A difference as JSON, in pieces (docs/formats/diff.md, docs/formats/whatif.md)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from armslength.reach import (
    Between,
    Beyond,
    Cause,
    Difference,
    Exact,
    LengthChange,
    PolicyCause,
    RowCause,
    SealedCause,
    SettingCause,
    Turn,
)
from armslength.reach import Side as Answer
from armslength.report.cause_words import Sides
from armslength.report.document import gap_document
from armslength.report.said import known_cells


def difference_document(
    head: Mapping[str, object], found: Difference, causes: Callable[[LengthChange], Sequence[Cause]], sides: Sides
) -> Iterator[str]:
    """`head` with the day, the cap and the changes, one a line; ASCII. `causes` is asked as each change is written."""
    whole = {**head, "at": found.asked.at.isoformat(), "cap": found.asked.cap}
    yield "{" + ",\n ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in whole.items())
    yield ',\n "changes": ['
    between = "\n"
    for change in found.changes:
        yield f"{between}  {json.dumps(_change(found, change, causes(change), sides))}"
        between = ",\n"
    yield "]}\n"


def _change(found: Difference, change: LengthChange, causes: Iterable[Cause], sides: Sides) -> dict[str, object]:
    shown: dict[str, object] = {
        "state": change.state,
        "action": change.action,
        "asset": change.asset,
        "old": _length(change.old),
        "new": _length(change.new),
    }
    for name, estate, side in (("old_gaps", found.old, change.old), ("new_gaps", found.new, change.new)):
        if side.gaps:
            shown[name] = [gap_document(estate, gap) for gap in side.gaps]
    if change.floor is not None:
        shown["floor"] = change.floor
    return {
        **shown,
        "broken": change.broken,
        "fell": change.fell,
        "because": [_cause(cause, sides) for cause in causes],
    }


def _length(side: Answer) -> object:
    match side.length:
        case None | Beyond():
            return None
        case Exact(length=length):
            return length
        case Between(at_least=at_least, at_most=at_most):
            return {"at_least": at_least, "at_most": at_most}


def _cause(cause: Cause, sides: Sides) -> dict[str, object]:
    side = "old" if cause.turn is Turn.REMOVED else "new"
    placed = sides.line(cause)
    where = {"line": placed[1]} if placed is not None else {}
    what = {"side": side, "change": cause.turn.value}
    match cause:
        case RowCause(table=table, row=row):
            shown = known_cells(sides.estate(cause.turn), table, row, names=sides.names)
            return {"table": table, **where, **what, "row": shown}
        case SettingCause(path=path, old=old, new=new):
            value = old if cause.turn is Turn.REMOVED else new
            said = value if isinstance(value, str) else json.dumps(value)
            return {"table": "settings", **where, **what, "row": {"setting": ".".join(path), "value": said}}
        case PolicyCause(id=id_):
            return {"table": "policy", **where, **what, "row": {"id": id_}}
        case SealedCause():
            return {"table": "declared", **what}
