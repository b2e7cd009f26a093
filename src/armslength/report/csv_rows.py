"""Every pair of the answer as CSV, for spreadsheets and for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import numpy as np

from armslength.reach import Reach
from armslength.report.plain import visible

COLUMNS = ("state", "action", "asset", "class", "length", "at_least", "at_most", "floor", "broken", "gap", "gap_groups")
"""`length` is empty where nobody can up to the cap, and where the search was stopped; then `at_least` is set. `broken`
is `yes`, `no`, or empty without a floor. `gap` is the length if unknown groups hold people of the state; `gap_groups`
names them, separated by spaces."""
CHUNK = 2000
"""Rows in one piece of text: large answers are never held whole."""


def csv_rows(reach: Reach) -> Iterator[str]:
    """The text in pieces: a header, then the pairs in the order of the answer; lines end in CR LF (RFC 4180)."""
    estate = reach.estate
    broken = np.zeros(len(reach), dtype=bool)
    broken[reach.broken()] = True
    pending = io.StringIO()
    writer = csv.writer(pending)
    writer.writerow(COLUMNS)
    for i in range(len(reach)):
        least, most, floor = int(reach.at_least[i]), int(reach.at_most[i]), int(reach.floor[i])
        asset = int(reach.asset[i])
        classed = int(estate.assets.of_class[asset])
        exact = least >= 0 and least == most
        stopped = least >= 0 and least != most
        gaps = reach.gaps(i)
        writer.writerow(
            [
                cell(estate.states[int(reach.state[i])]),
                cell(estate.actions[int(reach.action[i])]),
                cell(estate.assets.ids[asset]),
                cell(estate.classes[classed]) if classed >= 0 else "",
                least if exact else "",
                least if stopped else "",
                most if stopped and most >= 0 else "",
                floor if floor >= 0 else "",
                ("yes" if broken[i] else "no") if floor >= 0 else "",
                min((gap.length for gap in gaps), default=""),
                " ".join(sorted({cell(estate.groups.ids[g]) for gap in gaps for g in gap.groups})),
            ]
        )
        if i % CHUNK == CHUNK - 1:
            yield pending.getvalue()
            pending.seek(0)
            pending.truncate()
    yield pending.getvalue()


def cell(text: str) -> str:
    """The text, harmless in a spreadsheet: one that would begin a formula gets an apostrophe before it."""
    text = visible(text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
