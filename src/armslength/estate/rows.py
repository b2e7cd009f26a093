"""Tables with a row more or less. Lines stay those of the file that was read, so that a report of a changed estate
still points at rows that a user can find; a new row has the line after the last."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from armslength.estate.columns import COLUMNS
from armslength.estate.model import Table


def next_line(table: Table) -> int:
    """The line that a new row gets."""
    return int(table.lines.max(initial=1)) + 1 if table.lines is not None else len(table) + 2


def append(table: Table, cells: Mapping[str, str]) -> Table:
    """The table with one row more; columns that it lacks are made where the row has something in them."""
    rows = len(table)
    columns: dict[str, pl.Series] = {}
    names = list(table.columns)
    names += [c for c in COLUMNS[table.name] if c not in table.columns and (not table.columns or cells.get(c))]
    for name in names:
        old = table.columns.get(name)
        if old is None:
            old = pl.Series(name, [""], dtype=pl.String).new_from_index(0, rows)
        columns[name] = pl.concat([old, pl.Series(name, [cells.get(name, "")], dtype=pl.String)], rechunk=False)
    lines = table.lines
    if lines is not None:
        lines = np.append(lines, np.int32(next_line(table)))
        lines.setflags(write=False)
    return Table(name=table.name, file=table.file, columns=columns, lines=lines)


def keep(table: Table, kept: npt.NDArray[np.bool_]) -> Table:
    """The rows where `kept` (one flag a row) holds; the table itself if all do."""
    if kept.all():
        return table
    mask = pl.Series(kept)
    lines = table.lines if table.lines is not None else np.arange(2, len(table) + 2, dtype=np.int32)
    left = lines[kept]
    left.setflags(write=False)
    columns = {name: column.filter(mask) for name, column in table.columns.items()}
    return Table(name=table.name, file=table.file, columns=columns, lines=left)


def replace(table: Table, cells: Mapping[int, str], column: str) -> Table:
    """The cells of some rows of a column changed; a column that the table lacks is made."""
    old = table.columns.get(column)
    if old is None:
        old = pl.Series(column, [""], dtype=pl.String).new_from_index(0, len(table))
    texts = pl.Series(column, list(cells.values()), dtype=pl.String)
    changed = old.clone().scatter(list(cells), texts) if cells else old
    return Table(name=table.name, file=table.file, columns={**table.columns, column: changed}, lines=table.lines)
