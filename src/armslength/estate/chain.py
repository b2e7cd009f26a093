"""Columns that point from a row to another row of the same table: `within`, `parent`, `manager`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from armslength.estate.model import Ints
from armslength.estate.problem import Findings
from armslength.estate.sheet import Sheet

SHOWN = 12
"""Ids of a circle that a message spells out."""


def circles(upward: Ints) -> list[list[int]]:
    """The circles of a column in which `upward[i]` is the next of i, -1 for none. Each starts at its lowest index."""
    far = upward.copy()
    for _ in range(max(len(upward), 1).bit_length()):  # after k rounds: 2^k steps up
        going = far >= 0
        far[going] = far[far[going]]
    on_circle = np.unique(far[far >= 0])
    found: list[list[int]] = []
    seen: set[int] = set()
    for start in on_circle.tolist():
        if start in seen:
            continue
        circle = [start]
        while (following := int(upward[circle[-1]])) != start:
            circle.append(following)
        seen.update(circle)
        found.append(circle)
    return found


def spelled(ids: Sequence[str], circle: Sequence[int]) -> str:
    """`'a' → 'b' → 'a'`, cut where it is long."""
    shown = [repr(ids[i]) for i in circle[:SHOWN]]
    if len(circle) > SHOWN:
        shown.append(f"… ({len(circle)} in all)")
    return " → ".join([*shown, repr(ids[circle[0]])])


def refuse_circles(sheet: Sheet, column: str, upward: Ints, findings: Findings) -> bool:
    """Reports each circle of ids once, at the first row of one of them; whether there was one. `upward` gives for each
    row the index of the id that its cell names. Ids may be repeated or empty here: the first row of an id speaks for
    it."""
    if sheet.broken:
        return False  # an id that is missing stands for any
    ids = sheet["id"]
    by_id = np.full(len(ids.values), -1, dtype=np.int32)
    by_id[ids.codes[::-1]] = upward[::-1]
    found = circles(by_id)
    for circle in found:
        row = int(np.argmax(ids.codes == circle[0]))
        message = f"goes in a circle: {spelled(ids.values, circle)}"
        findings.wrong(sheet.file, message, line=sheet.table.line(row), column=column)
    return bool(found)


def from_the_top(upward: Ints) -> list[int]:
    """All indexes, each after the one that `upward` points at. There must be no circle."""
    order: list[int] = []
    placed = np.zeros(len(upward), dtype=np.bool_)
    above: list[int] = upward.tolist()
    for start in range(len(above)):
        path = []
        i = start
        while i >= 0 and not placed[i]:
            path.append(i)
            i = above[i]
        for i in reversed(path):
            placed[i] = True
            order.append(i)
    return order
