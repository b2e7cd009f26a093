"""Every pair of the answer as CSV, for spreadsheets and for other programs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from armslength.reach import Reach
from armslength.report.plain import visible

COLUMNS = (
    *("state", "action", "asset", "class", "length", "at_least", "at_most", "floor", "broken"),
    *("gap", "gap_groups", "gap_at_least"),
)
"""`length` is empty where nobody can up to the cap, and where the search was stopped; then `at_least` is set. `broken`
is `yes`, `no`, or empty without a floor. `gap` is the length if unknown groups hold people of the state; `gap_groups`
names them, separated by spaces. Where the search was stopped, `gap_at_least` is set in place of `gap`."""
CHUNK = 2000
"""Rows in one piece of text: large answers are never held whole."""
END, QUOTE = "\r\n", '"'


def csv_rows(reach: Reach) -> Iterator[str]:
    """The text in pieces: a header, then the pairs in the order of the answer; lines end in CR LF (RFC 4180)."""
    yield ",".join(COLUMNS) + END
    estate = reach.estate
    states, actions, assets = (
        [cell(name) for name in names] for names in (estate.states, estate.actions, estate.assets.ids)
    )
    classes = [*(cell(name) for name in estate.classes), ""]  # -1, no class, is the last
    class_of = estate.assets.of_class.tolist()
    broken = np.zeros(len(reach), dtype=bool)
    broken[reach.broken()] = True
    for start in range(0, len(reach), CHUNK):
        part = slice(start, start + CHUNK)
        columns = (reach.state, reach.action, reach.asset, reach.at_least, reach.at_most, reach.floor, broken)
        lines = []
        for i, (state, action, asset, least, most, floor, below) in enumerate(
            zip(*(column[part].tolist() for column in columns), strict=True), start
        ):
            length = _length(least, most)
            judged = f"{floor},{'yes' if below else 'no'}" if floor >= 0 else ","
            gap = _gap(reach, i) if estate.groups.unknown else ",,"
            lines.append(
                f"{states[state]},{actions[action]},{assets[asset]},{classes[class_of[asset]]},{length},{judged},{gap}{END}"
            )
        yield "".join(lines)


def _length(least: int, most: int) -> str:
    """The columns `length`, `at_least` and `at_most`."""
    if least < 0:
        return ",,"
    return f"{least},," if least == most else f",{least},{most if most >= 0 else ''}"


def _gap(reach: Reach, i: int) -> str:
    """The columns `gap`, `gap_groups` and `gap_at_least`."""
    gaps = reach.gaps(i)
    if not gaps:
        return ",,"
    names = cell(" ".join(sorted({reach.estate.groups.ids[g] for gap in gaps for g in gap.groups})))
    least = min(gaps, key=lambda gap: gap.length)
    return f",{names},{least.length}" if least.stopped else f"{least.length},{names},"


def cell(text: str) -> str:
    """The text as one cell, harmless in a spreadsheet: one that would begin a formula gets an apostrophe before it."""
    text = visible(text)
    if text[:1] in ("=", "+", "-", "@"):
        text = f"'{text}"
    return f'"{text.replace(QUOTE, QUOTE * 2)}"' if any(mark in text for mark in (QUOTE, ",", "\r", "\n")) else text
