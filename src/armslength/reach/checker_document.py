"""The checker's door: the printed form of a derivation read back strictly, so that whoever holds the estate can check
what someone else printed (docs/formats/reach.md).

    NotSteps             the document is not what Armslength prints, or names what the estate does not have
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from armslength.estate import Estate, Table
from armslength.reach.checker import Checker
from armslength.reach.result import Fact, Row, Step

_ANSWER = frozenset({"estate", "at", "cap", "results"})
_RESULT = frozenset({"state", "action", "asset", "accomplices", "gaps", "steps"})
_KEYS = ("rule", "fact", "needs", "rows", "tie", "by", "policy", "requester", "approvers")

_LARGEST = 1 << 53


class NotSteps(ValueError):
    """The document is not what Armslength prints; the text says where and why."""


def steps_from_json(document: object, estate: Estate) -> tuple[Step, ...]:
    """The steps of one result, from what `json.loads` made of them; the estate turns lines back into rows.

    Raises NotSteps for anything that is not spelled as it is printed: an unknown key, an empty list, a line without a
    row.
    """
    return _steps(document, "steps", estate)


def check_document(document: object, estate: Estate) -> tuple[str, ...]:
    """Every fault of a whole printed answer of `armslength reach --format json`: each result must say as many outsiders
    as it names, and its steps must follow. Raises NotSteps where the document is not of the printed form.

    That no smaller number suffices, and that nothing is left out, cannot be seen from steps and is not checked.
    """
    answer = _object(document, "the answer")
    _keys(answer, "the answer", _ANSWER)
    checker = Checker(estate, _day(answer["at"]))
    _number(answer["cap"], "cap")
    states = {str(state): i for i, state in enumerate(estate.states)}
    actions = {action: i for i, action in enumerate(estate.actions)}
    assets = {asset: i for i, asset in enumerate(estate.assets.ids)}
    people = {person: i for i, person in enumerate(estate.people.ids)}
    faults: list[str] = []
    if _text(answer["estate"], "estate") != estate.settings.name:
        faults.append(f"the answer is about {answer['estate']!r}, and this is {estate.settings.name!r}")
    seen: set[tuple[int, int, int]] = set()
    for number, item in enumerate(_list(answer["results"], "results")):
        where = f"results[{number}]"
        result = _object(item, where)
        claimed = _claimed(result, where)
        state = _index(result["state"], states, f"{where}.state")
        action = _index(result["action"], actions, f"{where}.action")
        asset = _index(result["asset"], assets, f"{where}.asset")
        if (state, action, asset) in seen:
            _refuse(where, "this state, action and asset stand there already")
        seen.add((state, action, asset))
        named = _list(result["accomplices"], f"{where}.accomplices")
        accomplices = tuple(_index(p, people, f"{where}.accomplices[{i}]") for i, p in enumerate(named))
        steps = _steps(result["steps"], f"{where}.steps", estate)
        if claimed is None:
            if steps or accomplices:
                faults.append(f"{where}: nobody is claimed to be enough, yet a derivation stands there")
            continue
        if claimed != len(accomplices):
            faults.append(f"{where}: {claimed} outsiders are claimed and {len(accomplices)} named")
        faults += [f"{where}: {fault}" for fault in checker.faults(state, action, asset, accomplices, steps)]
    return tuple(faults)


def _claimed(result: dict[str, object], where: str) -> int | None:
    """How many outsiders are said to be enough; None for nobody."""
    stopped = "length" not in result
    _keys(result, where, _RESULT | ({"at_least", "at_most"} if stopped else {"length"}), frozenset({"floor"}))
    if "floor" in result:
        _number(result["floor"], f"{where}.floor")
    for i, item in enumerate(_list(result["gaps"], f"{where}.gaps")):
        gap = _object(item, f"{where}.gaps[{i}]")
        key = "at_least" if "at_least" in gap else "length"
        _keys(gap, f"{where}.gaps[{i}]", frozenset({"groups", key}))
        for j, group in enumerate(_list(gap["groups"], f"{where}.gaps[{i}].groups")):
            _text(group, f"{where}.gaps[{i}].groups[{j}]")
        _number(gap[key], f"{where}.gaps[{i}].{key}")
    least = _number(result["at_least"], f"{where}.at_least") if stopped else 0
    key = "at_most" if stopped else "length"
    claimed = None if result[key] is None else _number(result[key], f"{where}.{key}")
    return _refuse(f"{where}.at_least", "it is above 'at_most'") if claimed is not None and least > claimed else claimed


def _steps(document: object, where: str, estate: Estate) -> tuple[Step, ...]:
    tables = {table.file: table for table in estate.tables.values()}
    return tuple(_step(item, f"{where}[{i}]", tables) for i, item in enumerate(_list(document, where)))


def _day(item: object) -> dt.date:
    text = _text(item, "at")
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = None
    # Other ways to write a day are read as well, and never printed.
    return day if day is not None and str(day) == text else _refuse("at", "a date such as 2026-11-22 is expected")


def _step(item: object, where: str, tables: dict[str, Table]) -> Step:
    step = _object(item, where)
    if unknown := sorted(step.keys() - set(_KEYS)):
        _refuse(where, f"the key {unknown[0]!r} means nothing, one of {', '.join(_KEYS)} is expected")
    rows = _several(step, "rows", where)
    return Step(
        rule=_text(step.get("rule"), f"{where}.rule"),
        fact=_fact(step.get("fact"), f"{where}.fact"),
        needs=tuple(_fact(need, f"{where}.needs[{i}]") for i, need in enumerate(_several(step, "needs", where))),
        rows=tuple(_row(row, f"{where}.rows[{i}]", tables) for i, row in enumerate(rows)),
        tie=_word(step, "tie", where),
        by=_word(step, "by", where),
        policy=_word(step, "policy", where),
        requester=_word(step, "requester", where),
        approvers=tuple(
            _text(approver, f"{where}.approvers[{i}]") for i, approver in enumerate(_several(step, "approvers", where))
        ),
    )


def _row(item: object, where: str, tables: dict[str, Table]) -> Row:
    cells = _object(item, where)
    if cells.keys() != {"file", "row"}:
        _refuse(where, "exactly the keys 'file' and 'row' are expected")
    file, line = _text(cells["file"], f"{where}.file"), _number(cells["row"], f"{where}.row", "the number of a line")
    if file not in tables:
        _refuse(f"{where}.file", f"{file!r} is no table of the estate")
    table = tables[file]
    if table.lines is None:
        row = line - 2
    else:
        found = np.flatnonzero(table.lines == line)
        row = int(found[0]) if found.size else -1
    if not 0 <= row < len(table):
        _refuse(f"{where}.row", f"no row of {file!r} begins in line {line}")
    return Row(file=file, row=row)


def _fact(item: object, where: str) -> Fact:
    return tuple(_text(part, f"{where}[{i}]") for i, part in enumerate(_list(item, where)))


def _several(step: dict[str, object], key: str, where: str) -> Sequence[object]:
    """A list that is left out where it is empty."""
    if key not in step:
        return ()
    found = _list(step[key], f"{where}.{key}")
    return found or _refuse(f"{where}.{key}", "an empty list is left out")


def _word(step: dict[str, object], key: str, where: str) -> str | None:
    return _text(step[key], f"{where}.{key}") if key in step else None


def _index(item: object, known: dict[str, int], where: str) -> int:
    name = _text(item, where)
    return known[name] if name in known else _refuse(where, f"{name!r} is not in the estate")


def _keys(item: dict[str, object], where: str, needed: frozenset[str], other: frozenset[str] = frozenset()) -> None:
    for key in sorted(item.keys() - needed - other):
        _refuse(where, f"the key {key!r} means nothing")
    for key in sorted(needed - item.keys()):
        _refuse(where, f"the key {key!r} is missing")


def _number(item: object, where: str, what: str = "a number") -> int:
    """Not negative, and not larger than any that is printed."""
    if type(item) is int and 0 <= item < _LARGEST:
        return item
    _refuse(where, f"{what} is expected")


def _object(item: object, where: str) -> dict[str, object]:
    return item if isinstance(item, dict) else _refuse(where, "an object is expected")


def _list(item: object, where: str) -> list[object]:
    return item if isinstance(item, list) else _refuse(where, "a list is expected")


def _text(item: object, where: str) -> str:
    return item if isinstance(item, str) and item else _refuse(where, "a text that is not empty is expected")


def _refuse(where: str, why: str) -> NoReturn:
    raise NotSteps(f"{where}: {why}")
