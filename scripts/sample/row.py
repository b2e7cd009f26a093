"""A row of the sample: in both estates, or only in one of them; and choices that look random but never change."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

SEED = "meridian"

Only = Literal["both", "before", "after"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. A line that the repair changes is two rows in one place: `before` and `after`."""

    cells: tuple[str, ...]
    only: Only = "both"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of both estates, its rows in the order of the file."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def text(self, which: Only) -> str:
        """The file of `before` or of `after`."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(row.cells for row in self.rows if row.only in ("both", which))
        return out.getvalue()


def table(columns: str, rows: Iterable[Row]) -> Table:
    """A table with the columns named in `columns`, each of its rows as wide."""
    names = tuple(columns.split())
    kept = tuple(rows)
    for row in kept:
        if len(row.cells) != len(names):
            raise ValueError(f"{row.cells} has {len(row.cells)} cells, expected {len(names)}: {columns}")
    return Table(names, kept)


def marked(text: str, which: Only) -> str:
    """The text of one estate: lines marked `-|` stand in `before` only, those marked `+|` in `after` only."""
    kept = []
    for line in text.splitlines(keepends=True):
        if line.startswith(("-|", "+|")):
            if (line[0] == "-") == (which == "before"):
                kept.append(line[2:])
        else:
            kept.append(line)
    return "".join(kept)


def draw(key: str) -> int:
    """A number that depends on the seed and the key alone: the same in every version of Python."""
    return int.from_bytes(hashlib.sha256(f"{SEED}:{key}".encode()).digest()[:6], "big")


def pick(key: str, among: Sequence[str], count: int) -> list[str]:
    """`count` of `among`, in their own order. A new item among them moves none of the other choices."""
    chosen = set(sorted(among, key=lambda item: draw(f"{key}:{item}"))[:count])
    return [item for item in among if item in chosen]
