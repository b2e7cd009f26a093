"""CSV in: Python's csv and nothing else, so that a file has one meaning.

UTF-8 with or without a byte order mark, a header, commas, double quotes, strict. A quote out of place or a row of
another length is a problem, never a guess. Lines without any cell are skipped.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from armslength.estate.model import Ints
from armslength.estate.problem import Findings

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

CHUNK = 65_536
"""Rows held as Python objects at one time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The raw columns of a file by header, taken out one by one to free them; `lines` as in `Table`. `broken`: not
    all rows could be read."""

    header: tuple[str, ...]
    columns: list[pl.Series]
    lines: Ints | None = None
    broken: bool = False


def decode(file: str, data: bytes, findings: Findings) -> str | None:
    """UTF-8 text without its byte order mark, or None after saying on which lines the bytes are none."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        findings.wrong(file, "is UTF-16: expected UTF-8: save it again as UTF-8", line=1)
        return None
    if (at := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, at) + 1
        findings.wrong(file, f"byte 0x00 at position {at}: expected text, which has no NUL", line=line)
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        start = 0
        for line, text in enumerate(data.split(b"\n"), 1):
            try:
                text.decode()
            except UnicodeDecodeError as error:
                place = start + error.start
                message = (
                    f"byte 0x{text[error.start]:02X} at position {place} is not UTF-8: save the file again as UTF-8"
                )
                findings.wrong(file, message, line=line)
            start += len(text) + 1
        return None


def read(file: str, data: bytes, findings: Findings) -> Cells | None:
    """The cells of a CSV file; None where nothing of it can be used."""
    # What is plain ASCII without NUL needs no second copy to be looked at.
    if (not data.isascii() or b"\0" in data) and decode(file, data, findings) is None:
        return None
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline=""), strict=True)
    try:
        header = next((row for row in reader if row), None)
    except csv.Error as error:
        findings.wrong(file, f"{error}: expected a header of comma-separated names", line=max(reader.line_num, 1))
        return None
    if header is None:
        findings.wrong(file, "is empty: expected a header, or no file at all", line=1)
        return None
    names = tuple(name.strip() for name in header)
    if reader.line_num == 1:
        fast = _regular(len(names), reader)
        if fast is not None:
            return Cells(header=names, columns=fast)
    return _careful(file, names, data, findings)


def _columns(width: int, chunks: Iterator[list[tuple[str, ...]]]) -> list[pl.Series]:
    parts: list[list[pl.Series]] = [[pl.Series([], dtype=pl.String)] for _ in range(width)]
    for chunk in chunks:
        for part, cells in zip(parts, chunk, strict=True):
            part.append(pl.Series(cells, dtype=pl.String))
    return [pl.concat(part, rechunk=True) for part in parts]


def _regular(width: int, reader: CsvReader) -> list[pl.Series] | None:
    """All columns if every row has the header's length and stands on one line of its own; else None."""

    class Irregular(Exception):
        pass

    def chunks() -> Iterator[list[tuple[str, ...]]]:
        seen = 1
        while chunk := list(itertools.islice(reader, CHUNK)):
            seen += len(chunk)
            if reader.line_num != seen or set(map(len, chunk)) != {width}:
                raise Irregular
            yield list(zip(*chunk, strict=True))

    try:
        return _columns(width, chunks())
    except (Irregular, csv.Error):
        return None


def _careful(file: str, names: tuple[str, ...], data: bytes, findings: Findings) -> Cells:
    """Row by row, with the line of each and every row that is wrong."""
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline=""), strict=True)
    lines: list[int] = []
    width, broken = len(names), False

    def rows() -> Iterator[list[str]]:
        nonlocal broken
        last = 0
        headed = False
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                findings.wrong(
                    file, f"{error}: expected comma-separated cells, quoted whole or not at all", line=last + 1
                )
                broken = True
                return
            if row is None:
                return
            line, last = last + 1, reader.line_num
            if not row:
                continue
            if not headed:
                headed = True
                continue
            if len(row) != width:
                findings.wrong(file, f"has {len(row)} cells: expected {width}, one for each column", line=line)
                row = (row + [""] * width)[:width]
            lines.append(line)
            yield row

    def chunks() -> Iterator[list[tuple[str, ...]]]:
        source = rows()
        while chunk := list(itertools.islice(source, CHUNK)):
            yield list(zip(*chunk, strict=True))

    columns = _columns(width, chunks())
    return Cells(header=names, columns=columns, lines=np.asarray(lines, dtype=np.int32), broken=broken)
