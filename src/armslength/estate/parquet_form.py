"""Parquet in: the same columns as CSV, as text; whole numbers and days are taken as the text they have in CSV.

Any other type is refused, since its text would be a guess. Null is empty.
"""

from __future__ import annotations

import io

import polars as pl
from polars.exceptions import PanicException

from armslength.estate.csv_form import Cells
from armslength.estate.problem import Findings

MOST_ROWS = 20_000_000
"""More rows than this in one table are refused before they are read: a file of a few bytes can claim billions."""


def read(file: str, data: bytes, known: frozenset[str], findings: Findings) -> Cells | None:
    """The cells of a Parquet file; None where nothing of it can be used. A column that is not in `known` and has a type
    without text is left out with a warning."""
    try:
        rows = int(pl.scan_parquet(io.BytesIO(data)).select(pl.len()).collect().item())
        if rows > MOST_ROWS:
            findings.wrong(file, f"claims {rows} rows: expected at most {MOST_ROWS}")
            return None
        frame = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, PanicException, OSError, ValueError, MemoryError, OverflowError) as error:
        reason = " ".join(str(error).split())[:200]
        findings.wrong(file, f"is not a Parquet file that can be read: {reason}")
        return None
    header: list[str] = []
    columns: list[pl.Series] = []
    broken = False
    for name in frame.columns:
        text = _text(frame[name])
        if text is None:
            message = f"has the type {frame.schema[name]}: expected text, whole numbers or days"
            if name.strip() in known:
                findings.wrong(file, message, line=1, column=name)
                broken = True
            else:
                findings.odd(file, f"{message}; the column is left out", line=1, column=name)
            continue
        header.append(name.strip())
        columns.append(text)
    return Cells(header=tuple(header), columns=columns, broken=broken)


def _text(column: pl.Series) -> pl.Series | None:
    if column.dtype == pl.String:
        return column
    if isinstance(column.dtype, pl.Categorical | pl.Enum) or column.dtype.is_integer() or column.dtype == pl.Null:
        return column.cast(pl.String)
    if column.dtype == pl.Date:
        return column.dt.strftime("%Y-%m-%d")
    return None
