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

_KEYS = ("rule", "fact", "needs", "rows", "tie", "by", "policy", "requester", "approvers")


class NotSteps(ValueError):
    """The document is not what Armslength prints; the text says where and why."""


def steps_from_json(document: object, estate: Estate) -> tuple[Step, ...]:
    """The steps of one result, from what `json.loads` made of them; the estate turns lines back into rows.

    Raises NotSteps for anything that is not spelled as it is printed: an unknown key, an empty list, a line without a
    row.
    """
    if not isinstance(document, list):
        _refuse("steps", "a list is expected")
    tables = {table.file: table for table in estate.tables.values()}
    return tuple(_step(item, f"steps[{i}]", tables) for i, item in enumerate(document))


def check_document(document: object, estate: Estate) -> tuple[str, ...]:
    """Every fault of a whole printed answer of `armslength reach --format json`: each result must say as many outsiders
    as it names, and its steps must follow. Raises NotSteps where the document is not of the printed form.

    That no smaller number suffices, and that nothing is left out, cannot be seen from steps and is not checked.
    """
    answer = _object(document, "the answer")
    try:
        at = dt.date.fromisoformat(_text(answer.get("at"), "at"))
    except ValueError:
        _refuse("at", "a date such as 2026-11-22 is expected")
    checker = Checker(estate, at)
    states = {str(state): i for i, state in enumerate(estate.states)}
    actions = {action: i for i, action in enumerate(estate.actions)}
    assets = {asset: i for i, asset in enumerate(estate.assets.ids)}
    people = {person: i for i, person in enumerate(estate.people.ids)}
    faults: list[str] = []
    for number, item in enumerate(_list(answer.get("results"), "results")):
        where = f"results[{number}]"
        result = _object(item, where)
        state = _index(result.get("state"), states, f"{where}.state")
        action = _index(result.get("action"), actions, f"{where}.action")
        asset = _index(result.get("asset"), assets, f"{where}.asset")
        named = _list(result.get("accomplices"), f"{where}.accomplices")
        accomplices = tuple(_index(p, people, f"{where}.accomplices[{i}]") for i, p in enumerate(named))
        steps = steps_from_json(result.get("steps"), estate)
        if ("length" in result) == ("at_most" in result):
            _refuse(where, "either 'length' or 'at_least' and 'at_most' is expected")
        claimed = result["length"] if "length" in result else result["at_most"]
        if claimed is None:
            if steps or accomplices:
                faults.append(f"{where}: nobody is claimed to be enough, yet a derivation stands there")
            continue
        if type(claimed) is not int or claimed != len(accomplices):
            faults.append(f"{where}: {claimed!r} outsiders are claimed and {len(accomplices)} named")
        faults += [f"{where}: {fault}" for fault in checker.faults(state, action, asset, accomplices, steps)]
    return tuple(faults)


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
    file, line = _text(cells["file"], f"{where}.file"), cells["row"]
    if file not in tables:
        _refuse(f"{where}.file", f"{file!r} is no table of the estate")
    if type(line) is not int:
        _refuse(f"{where}.row", "the number of a line is expected")
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


def _object(item: object, where: str) -> dict[str, object]:
    return item if isinstance(item, dict) else _refuse(where, "an object is expected")


def _list(item: object, where: str) -> list[object]:
    return item if isinstance(item, list) else _refuse(where, "a list is expected")


def _text(item: object, where: str) -> str:
    return item if isinstance(item, str) and item else _refuse(where, "a text that is not empty is expected")


def _refuse(where: str, why: str) -> NoReturn:
    raise NotSteps(f"{where}: {why}")
