"""Parquet in: the same columns as CSV, as text; whole numbers and days are taken as the text they have in CSV.

Any other type is refused, since its text would be a guess. Null is empty.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from contextlib import AbstractContextManager

import polars as pl
from polars.exceptions import PanicException

from armslength.estate.columns import REFUSED, refused
from armslength.estate.csv_form import Cells
from armslength.estate.parquet_shape import shape
from armslength.estate.problem import Findings
from armslength.estate.thrift import Malformed

_FIRST_DAY, _LAST_DAY = (day.toordinal() - dt.date(1970, 1, 1).toordinal() for day in (dt.date.min, dt.date.max))

Hush = Callable[[], AbstractContextManager[None]]
"""What to put around the reader of pages, which tells standard error of a damaged one before it tells us."""


def read(file: str, data: bytes, known: frozenset[str], hush: Hush, findings: Findings) -> Cells | None:
    """The cells of a Parquet file; None where nothing of it can be used. A column that is not in `known` and has a type
    without text is left out with a warning."""
    try:
        form = shape(data)
    except Malformed as error:
        findings.wrong(file, f"is not a Parquet file that can be read: {error}")
        return None
    if form.rows and not form.flat:
        findings.wrong(file, f"has {form.rows} rows and no column of single values")
        return None
    if repeated := sorted({name for name in form.flat if form.flat.count(name) > 1}):
        for name in repeated:
            findings.wrong(file, "is repeated: expected each column once", line=1, column=name)
        return None
    try:
        with hush():
            frame = pl.read_parquet(io.BytesIO(data), columns=list(form.flat), glob=False)
    except PanicException:  # what the shape does not show: a page whose content is damaged
        findings.wrong(file, "is not a Parquet file that can be read: its pages are damaged")
        return None
    except (pl.exceptions.PolarsError, OSError, ValueError, MemoryError, OverflowError) as error:
        reason = " ".join(str(error).split())[:200]
        findings.wrong(file, f"is not a Parquet file that can be read: {reason}")
        return None
    if len(frame) != form.rows and form.flat:
        findings.wrong(file, f"claims {form.rows} rows and holds {len(frame)}")
        return None
    header: list[str] = []
    columns: list[pl.Series] = []
    broken = False
    for name in frame.columns:
        text = _text(frame[name])
        if text is None:
            broken |= _left_out(file, name, f"has the type {frame.schema[name]}", known, findings)
        else:
            header.append(name.strip())
            columns.append(text)
    for name in form.nested:
        broken |= _left_out(file, name, "holds several values a row", known, findings)
    return Cells(header=tuple(header), columns=columns, broken=broken)


def _left_out(file: str, name: str, reason: str, known: frozenset[str], findings: Findings) -> bool:
    """Tells of a column without text; whether the table needs it."""
    plain = name.strip()
    message = f"{reason}: expected text, whole numbers or days"
    if refused(plain):
        findings.wrong(file, REFUSED, line=1, column=plain)
    elif plain in known:
        findings.wrong(file, message, line=1, column=plain)
    else:
        findings.odd(file, f"{message}; the column is left out", line=1, column=plain)
    return plain in known


def _text(column: pl.Series) -> pl.Series | None:
    if column.dtype == pl.String:
        return column
    if isinstance(column.dtype, pl.Categorical | pl.Enum) or column.dtype.is_integer() or column.dtype == pl.Null:
        return column.cast(pl.String)
    if column.dtype == pl.Date:
        return _days(column)
    return None


def _days(column: pl.Series) -> pl.Series:
    """Days as text. Those beyond the calendar, which polars cannot print, become a text that is no day."""
    days = pl.DataFrame({"day": column.to_physical()})
    within = pl.col("day").is_between(_FIRST_DAY, _LAST_DAY)
    text = pl.when(within).then(pl.col("day")).cast(pl.Date).dt.strftime("%Y-%m-%d")
    return days.select(text=pl.coalesce(text, pl.lit("day ") + pl.col("day").cast(pl.String)))["text"]
