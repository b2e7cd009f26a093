"""The answer of reach as one JSON object, in pieces (docs/formats/reach.md, docs/formats/reach.schema.json)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from armslength.estate import Estate
from armslength.reach import Between, Beyond, Exact, Gap, Question, Result, Step


def document(estate: Estate, question: Question, answers: Iterable[tuple[Result, Sequence[Step]]]) -> Iterator[str]:
    """The object that `armslength reach --format json` prints, one result a line; the pieces are made as they are asked
    for and are ASCII, so that any locale can print them. The same answers give the same text.

    `answers` are results in the order of states, actions and assets, each with its derivation (empty where nobody can).
    """
    yield f'{{"estate": {_json(estate.settings.name)}, "at": {_json(question.at.isoformat())}, "cap": {question.cap},\n'
    yield ' "results": ['
    lines, between = _Lines(estate), "\n"
    for result, steps in answers:
        yield f"{between}  {_json(_result(estate, result, steps, lines))}"
        between = ",\n"
    yield "]}\n"


def steps_document(estate: Estate, steps: Sequence[Step]) -> list[dict[str, object]]:
    """The steps of one derivation as JSON values; rows by their line in the file."""
    lines = _Lines(estate)
    return [_step(step, lines) for step in steps]


class _Lines:
    """The line of a row, by file name."""

    def __init__(self, estate: Estate) -> None:
        self._tables = {table.file: table for table in estate.tables.values()}

    def of(self, file: str, row: int) -> int:
        return self._tables[file].line(row)


def _result(estate: Estate, result: Result, steps: Sequence[Step], lines: _Lines) -> Mapping[str, object]:
    shown: dict[str, object] = {
        "state": estate.states[result.state],
        "action": estate.actions[result.action],
        "asset": estate.assets.ids[result.asset],
    }
    match result.length:
        case Exact(length=length):
            shown["length"] = length
        case Beyond():
            shown["length"] = None
        case Between(at_least=at_least, at_most=at_most):
            shown["at_least"], shown["at_most"] = at_least, at_most
    shown["accomplices"] = [estate.people.ids[p] for p in result.accomplices]
    if result.floor is not None:
        shown["floor"] = result.floor
    shown["gaps"] = [gap_document(estate, gap) for gap in result.gaps]
    shown["steps"] = [_step(step, lines) for step in steps]
    return shown


def gap_document(estate: Estate, gap: Gap) -> dict[str, object]:
    """A gap as JSON."""
    key = "at_least" if gap.stopped else "length"
    return {"groups": [estate.groups.ids[g] for g in gap.groups], key: gap.length}


def _step(step: Step, lines: _Lines) -> dict[str, object]:
    shown: dict[str, object] = {"rule": step.rule, "fact": list(step.fact)}
    if step.needs:
        shown["needs"] = [list(need) for need in step.needs]
    if step.rows:
        shown["rows"] = [{"file": row.file, "row": lines.of(row.file, row.row)} for row in step.rows]
    for key, word in (("tie", step.tie), ("by", step.by), ("policy", step.policy), ("requester", step.requester)):
        if word is not None:
            shown[key] = word
    if step.approvers:
        shown["approvers"] = list(step.approvers)
    return shown


def _json(value: object) -> str:
    return json.dumps(value)
