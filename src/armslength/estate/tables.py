"""The tables of an estate: found by name, read in either form, headers checked."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from armslength.estate import csv_form, parquet_form
from armslength.estate.columns import COLUMNS, ORIGIN, REFUSED, REQUIRED, refused
from armslength.estate.csv_form import Cells
from armslength.estate.model import Table
from armslength.estate.parquet_form import Hush
from armslength.estate.problem import Findings, did_you_mean, near
from armslength.estate.sheet import FEW, Coded, Sheet, coded, empty

MOST_TEXT = 1_000_000_000
"""Characters in one column, repeats counted: a small file of repeated long cells must not fill the memory later."""


def read_tables(files: Mapping[str, bytes], lost: frozenset[str], hush: Hush, findings: Findings) -> dict[str, Sheet]:
    """A sheet for every known table; one that is absent has no rows and no columns, and its file is the CSV name.
    `lost` names files that are there and could not be had."""
    return {name: _sheet(name, files, lost, hush, findings) for name in COLUMNS}


def _sheet(name: str, files: Mapping[str, bytes], lost: frozenset[str], hush: Hush, findings: Findings) -> Sheet:
    text, binary = f"{name}.csv", f"{name}.parquet"
    there = files.keys() | lost
    if text in there and binary in there:
        findings.wrong(binary, f"stands beside {text}: expected one form of each table: remove one of the two")
        return _nothing(name, text, broken=True)
    if text in lost or binary in lost:
        return _nothing(name, text, broken=True)
    if text in files:
        cells = csv_form.read(text, files[text], findings)
        return _checked(name, text, cells, findings)
    if binary in files:
        cells = parquet_form.read(binary, files[binary], frozenset(COLUMNS[name] + ORIGIN), hush, findings)
        return _checked(name, binary, cells, findings)
    return _nothing(name, text, broken=False)


def _nothing(name: str, file: str, *, broken: bool) -> Sheet:
    table = Table(name=name, file=file, columns={})
    return Sheet(table=table, columns={c: empty(0) for c in COLUMNS[name] + ORIGIN}, rows=0, broken=broken)


def _checked(name: str, file: str, cells: Cells | None, findings: Findings) -> Sheet:
    if cells is None:
        return _nothing(name, file, broken=True)
    rows = len(cells.columns[0]) if cells.columns else 0
    _check_header(name, file, cells, rows, findings)
    columns: dict[str, Coded] = {}
    shown: dict[str, pl.Series] = {}
    for header in cells.header:
        raw = cells.columns.pop(0)
        if header in shown or not header or refused(header):
            continue
        columns[header] = coded(raw)
        del raw  # a million cells: the codes stand for them from here on
        shown[header] = columns[header].series(header)
        if nul := [code for code, value in enumerate(columns[header].values) if "\0" in value]:
            for row, _ in columns[header].rows_of(nul):
                findings.wrong(file, "holds NUL: expected text, which has none", line=row + 2, column=header)
        if _text_size(columns[header]) > MOST_TEXT:
            findings.wrong(file, f"holds over {MOST_TEXT} characters", column=header)
            return _nothing(name, file, broken=True)
    for absent in COLUMNS[name] + ORIGIN:
        columns.setdefault(absent, empty(rows))
    table = Table(name=name, file=file, columns=shown, lines=cells.lines)
    return Sheet(table=table, columns=columns, rows=rows, broken=cells.broken)


def _check_header(name: str, file: str, cells: Cells, rows: int, findings: Findings) -> None:
    known = COLUMNS[name] + ORIGIN
    for place, header in enumerate(cells.header):
        if not header:
            findings.wrong(file, f"column {place + 1} has no name: expected a name, or no column", line=1)
        elif header in cells.header[:place]:
            findings.wrong(file, "is repeated: expected each column once", line=1, column=header)
        elif refused(header):
            findings.wrong(file, REFUSED, line=1, column=header)
        elif header not in known and (meant := near(header, [c for c in known if c not in cells.header])):
            findings.odd(file, f"is not a known column and is ignored: did you mean {meant!r}?", line=1, column=header)
    for required in REQUIRED[name]:
        if rows and required not in cells.header and not cells.broken:
            hint = did_you_mean(required, [c for c in cells.header if c not in known])
            findings.wrong(file, f"is missing: expected a column of that name{hint}", line=1, column=required)


def _text_size(column: Coded) -> int:
    if len(column) <= FEW:
        sizes = [len(value.encode()) for value in column.values]
        return sum(sizes[code] for code in column.codes.tolist())
    lengths = pl.Series(column.values, dtype=pl.String).str.len_bytes().to_numpy()
    return int(lengths[column.codes].sum(dtype="int64"))
