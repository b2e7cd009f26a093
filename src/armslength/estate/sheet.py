"""One table while it is read: every column by its distinct values, so that no work is done twice for a value.

A million cells that name ten thousand assets are ten thousand values and a million codes. Whatever is asked of a cell
is asked once of its value and spread over the rows by numpy; rows are walked one by one only to say which are wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from armslength.estate.model import Ints, Table
from armslength.estate.problem import Findings

FEW = 1000
"""Rows up to which Python is done before Polars has begun: most tables of a small firm."""
LITTLE = 64_000_000
"""Bytes that Python may take for a column's rows, each with a text of its own: where a long cell is repeated, Polars
keeps it once."""


def is_little(rows: int, most: int) -> bool:
    """Whether Python is to do it, where a row takes `most` bytes at the most."""
    return rows <= FEW and rows * most <= LITTLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A column: cell `i` holds `values[codes[i]]`. Values are stripped, distinct, "" for empty."""

    values: Sequence[str]
    codes: Ints

    def __len__(self) -> int:
        return len(self.codes)

    def spread(self, of_value: Sequence[int] | npt.NDArray[np.int32]) -> Ints:
        """One number a value in, one a row out."""
        return np.asarray(of_value, dtype=np.int32)[self.codes]

    def rows_of(self, wanted: Sequence[int]) -> Iterator[tuple[int, int]]:
        """`(row, code)` of every row whose code is in `wanted`, in order of the rows."""
        flags = np.zeros(len(self.values), dtype=np.bool_)
        flags[np.asarray(wanted, dtype=np.intp)] = True
        for row in np.flatnonzero(flags[self.codes]):
            yield int(row), int(self.codes[row])

    def series(self, name: str) -> pl.Series:
        """The column as text; the rows share the values' memory."""
        if is_little(len(self), max(map(len, self.values), default=0)):
            return pl.Series(name, [self.values[code] for code in self.codes.tolist()], dtype=pl.String)
        return pl.Series(name, self.values, dtype=pl.String).gather(pl.Series(self.codes))


def coded(cells: pl.Series) -> Coded:
    """Codes for a column of text; null is empty, surrounding spaces go."""
    return _by_python(cells) if is_little(len(cells), int(cells.estimated_size())) else _by_polars(cells)


def _by_python(cells: pl.Series) -> Coded:
    places: dict[str, int] = {}
    codes = [places.setdefault((value or "").strip(), len(places)) for value in cells.to_list()]
    return Coded(values=list(places), codes=np.array(codes, dtype=np.int32))


def _by_polars(cells: pl.Series) -> Coded:
    filled = cells.fill_null("") if cells.null_count() else cells
    distinct = filled.unique(maintain_order=True)
    codes = filled.cast(pl.Enum(distinct)).to_physical().cast(pl.Int32).to_numpy()
    raw: list[str] = distinct.to_list()
    values = [value.strip() for value in raw]
    if values != raw:
        places: dict[str, int] = {}
        moved = np.fromiter((places.setdefault(v, len(places)) for v in values), dtype=np.int32, count=len(values))
        return Coded(values=list(places), codes=moved[codes])
    return Coded(values=values, codes=codes)


def empty(rows: int) -> Coded:
    """A column that is absent: every cell is empty."""
    return Coded(values=[""], codes=np.zeros(rows, dtype=np.int32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table that was read. `broken` says that its rows are not to be trusted as complete: nothing is concluded from
    an id that is missing in it, since one problem must not look like thousands."""

    table: Table
    columns: Mapping[str, Coded]
    rows: int
    broken: bool = False

    @property
    def file(self) -> str:
        return self.table.file

    def __getitem__(self, column: str) -> Coded:
        return self.columns[column]

    def required(self, column: str, findings: Findings) -> None:
        """Reports every row whose cell is empty."""
        if column not in self.table.columns:
            return  # a missing column was reported once, when the header was read
        cells = self.columns[column]
        if "" not in cells.values:
            return
        for row, _ in cells.rows_of([cells.values.index("")]):
            findings.wrong(self.file, "is empty: expected a value", line=self.table.line(row), column=column)

    def read(self, column: str, meaning: Callable[[str], int | str], findings: Findings) -> Ints:
        """What each cell means as a number, by row: `meaning` gives it for a value, or says what is wrong with it.
        An empty cell is -1; so is a wrong one, after it was reported for every row that has it."""
        cells = self.columns[column]
        meant = [meaning(value) if value else -1 for value in cells.values]
        wrong = {code: one for code, one in enumerate(meant) if isinstance(one, str)}
        self.report(column, wrong, findings)
        return cells.spread([one if isinstance(one, int) else -1 for one in meant])

    def report(self, column: str, wrong: Mapping[int, str], findings: Findings) -> None:
        """Reports what is wrong with the values of some codes at each row that has one."""
        if wrong:
            for row, code in self.columns[column].rows_of(list(wrong)):
                findings.wrong(self.file, wrong[code], line=self.table.line(row), column=column)
