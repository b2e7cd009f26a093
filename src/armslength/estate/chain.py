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


def refuse_circles(sheet: Sheet, column: str, ids: Sequence[str], upward: Ints, findings: Findings) -> bool:
    """Reports each circle once, at the first of its rows; whether there was one."""
    found = circles(upward)
    for circle in found:
        message = f"goes in a circle: {spelled(ids, circle)}"
        findings.wrong(sheet.file, message, line=sheet.table.line(circle[0]), column=column)
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
