"""The tables of an estate as frames: rows that people wrote, which stay, and rows of intake, which are made anew."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from armslength.estate import COLUMNS, INTAKE, ORIGIN
from armslength.intake.harvest_form import csv_bytes
from armslength.intake.problem import Problems

OURS = INTAKE
AFTER = (*ORIGIN, "origin")
"""The last columns of every table of intake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """A table as it stood: `rows` that people wrote, all columns text; `ours`: how many of intake stood beside them;
    `old`: these, where they were asked for."""

    rows: pl.DataFrame
    ours: int = 0
    old: pl.DataFrame | None = None


def own_rows(files: Mapping[str, bytes], table: str, problems: Problems, *, with_ours: bool = False) -> Own:
    """The rows of a table that people wrote. What cannot be read is reported."""
    if (binary := files.get(f"{table}.parquet")) is not None:
        return _parquet(f"{table}.parquet", binary, problems, with_ours)
    if (text := files.get(f"{table}.csv")) is not None:
        return _csv(f"{table}.csv", text, problems, with_ours)
    return Own(rows=pl.DataFrame())


def _parquet(file: str, data: bytes, problems: Problems, with_ours: bool) -> Own:
    try:
        frame = pl.read_parquet(io.BytesIO(data)).cast(pl.String).fill_null("")
    except BaseException as error:  # the reader's panics are no Exception
        if not isinstance(error, pl.exceptions.PolarsError) and type(error).__name__ != "PanicException":
            raise
        problems.add(file, f"cannot be read: {(str(error) or 'damaged').splitlines()[0]}")
        return Own(rows=pl.DataFrame())
    if "source" not in frame.columns:
        return Own(rows=frame)
    ours = frame["source"].str.starts_with(OURS)
    return Own(rows=frame.filter(~ours), ours=int(ours.sum()), old=frame.filter(ours) if with_ours else None)


def _csv(file: str, data: bytes, problems: Problems, with_ours: bool) -> Own:
    """Strictly, as the estate's own reader does: a row that was misread would be written back wrong."""
    rows: list[list[str]] = []
    old: list[list[str]] = []
    ours = 0
    try:
        reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline=""), strict=True)
        header = [cell.strip() for cell in next((row for row in reader if row), [])]
        source = header.index("source") if "source" in header else None
        for row in reader:
            if row and len(row) != len(header):
                problems.add(file, f"has {len(row)} cells: expected {len(header)}", line=reader.line_num)
            elif row and source is not None and row[source].startswith(OURS):
                ours += 1
                if with_ours:
                    old.append(row)
            elif row:
                rows.append(row)
    except (csv.Error, UnicodeDecodeError) as error:
        problems.add(file, f"cannot be read: {error}")
        return Own(rows=pl.DataFrame())
    if len(set(header)) != len(header):
        problems.add(file, "has a column twice: expected each once", line=1)
        return Own(rows=pl.DataFrame())
    return Own(rows=_frame(header, rows), ours=ours, old=_frame(header, old) if with_ours else None)


def _frame(header: list[str], rows: list[list[str]]) -> pl.DataFrame:
    columns = zip(*rows, strict=True) if rows else [[] for _ in header]
    return pl.DataFrame(
        [pl.Series(name, list(cells), dtype=pl.String) for name, cells in zip(header, columns, strict=True)]
    )


def quoted(text: str) -> str:
    """Text for people: what a spreadsheet would take for a formula is marked as text."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def together(table: str, own: pl.DataFrame, ours: pl.DataFrame) -> pl.DataFrame:
    """Own rows in their order, then ours, sorted, so that two runs differ only where the sources do. Columns: the
    known ones that somebody uses, then others, then where rows came from."""
    ours = ours.sort(ours.columns) if ours.width else ours
    used = [
        name
        for name in dict.fromkeys((*own.columns, *ours.columns))
        if name in own.columns or name in _needed(table) or (ours[name] != "").any()
    ]
    known = [name for name in COLUMNS[table] if name in used]
    names = [*known, *(n for n in used if n not in known and n not in AFTER), *(n for n in AFTER if n in used)]
    return pl.concat([_with(frame, names) for frame in (own, ours) if frame.height] or [_with(pl.DataFrame(), names)])


def _needed(table: str) -> tuple[str, ...]:
    return COLUMNS[table][:1] if table != "grants" else COLUMNS[table]


def _with(frame: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            frame[name]
            if name in frame.columns
            else pl.repeat("", frame.height, dtype=pl.String, eager=True).alias(name)
            for name in names
        ]
    )


def newlines(frame: pl.DataFrame) -> int:
    """Line breaks inside the cells of all rows."""
    return sum(int(frame[name].str.count_matches("\n").sum()) for name in frame.columns)


def table_file_name(table: str, files: Mapping[str, bytes]) -> str:
    """The form that the table has; CSV where it is new."""
    return f"{table}.parquet" if f"{table}.parquet" in files else f"{table}.csv"


def table_file(table: str, frame: pl.DataFrame, files: Mapping[str, bytes]) -> tuple[str, bytes]:
    name = table_file_name(table, files)
    if name.endswith(".csv"):
        return name, csv_bytes(frame)
    out = io.BytesIO()
    frame.write_parquet(out)
    return name, out.getvalue()
