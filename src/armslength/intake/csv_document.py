"""CSV as exports have it: commas, semicolons or tabs between cells; UTF-8, or UTF-16 with a byte order mark."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from armslength.intake.problem import Problems

DELIMITERS = ",;\t"
TOLD = 20
"""Rows of a wrong length that are told one by one: in a damaged file every row is one."""
FORMULA = "=+-@\t\r"
"""What a spreadsheet takes for the beginning of a formula."""

_SAID = re.compile(r"(?i)sep=([,;\t])\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """`rows`: the line on which each begins, and its cells, as many as `header` has, without spaces around them."""

    file: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def origin(self, line: int) -> str:
        return f"{self.file}:{line}"

    def place(self, column: str) -> int | None:
        return self.header.index(column) if column in self.header else None

    def cells(self, problems: Problems, *columns: str) -> Iterator[tuple[int, dict[str, str]]]:
        """Each row's line and its cells in these columns; "" for a column that is not there. A cell that holds what a
        terminal would obey is reported."""
        places = {column: place for column in columns if (place := self.place(column)) is not None}
        absent = dict.fromkeys(columns, "")
        for line, row in self.rows:
            found = {column: row[place] for column, place in places.items()}
            for column, cell in found.items():
                if not cell.isprintable():
                    problems.add(self.file, "holds control characters: expected plain text", path=column, line=line)
            yield line, absent | found


def csv_sheet(file: str, data: bytes, problems: Problems) -> Sheet | None:
    """The table, or None after what is wrong was reported."""
    text = _text(file, data, problems)
    if text is None:
        return None
    said = _SAID.match(text)
    body = text[said.end() :] if said else text
    above = 1 if said else 0
    delimiter = said[1] if said else _delimiter(body)
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, strict=True)
    header: tuple[str, ...] = ()
    rows: list[tuple[int, tuple[str, ...]]] = []
    begun, wrong = 1, 0
    try:
        for row in reader:
            line, begun = begun + above, reader.line_num + 1
            if not any(cell.strip() for cell in row):  # spreadsheets leave such at the end
                continue
            if not header:
                header = tuple(cell.strip() for cell in row)
            elif len(row) == len(header):
                rows.append((line, tuple(cell.strip(" \xa0") for cell in row)))
            elif (wrong := wrong + 1) <= TOLD:
                problems.add(file, f"has {len(row)} cells: expected {len(header)}, as the header has", line=line)
    except csv.Error as error:
        problems.add(file, f"is no CSV: {error}", line=reader.line_num + above)
        return None
    if wrong > TOLD:
        problems.add(file, f"… and {wrong - TOLD:,} more rows of another length than the header's")
    if not _good_header(file, header, problems) or wrong:
        return None
    return Sheet(file=file, header=header, rows=tuple(rows))


def _text(file: str, data: bytes, problems: Problems) -> str | None:
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        told = "UTF-16, as its first bytes say" if utf16 else "UTF-8"
        problems.add(file, f"is not {told}: {error.reason} at byte {error.start:,}: save it again as CSV UTF-8")
        return None
    if "\0" in text:
        problems.add(file, "holds NUL: expected text, which has none: save it again as CSV UTF-8")
        return None
    return text


def _delimiter(text: str) -> str:
    """What stands most often in the header, outside quotes."""
    line = re.sub(r'"[^"]*"', "", text.lstrip("\r\n").partition("\n")[0])
    return max(DELIMITERS, key=line.count)


def _good_header(file: str, header: tuple[str, ...], problems: Problems) -> bool:
    if not header:
        problems.add(file, "is empty: expected a header and a row for each")
        return False
    good = True
    for place, name in enumerate(header):
        if not name:
            problems.add(file, f"column {place + 1} has no name: expected a name, or no column", line=1)
            good = False
        elif not name.isprintable():
            problems.add(file, f"column {place + 1} has control characters in its name", line=1)
            good = False
    seen: set[str] = set()
    for name in header:
        if name and name in seen:
            problems.add(file, "is repeated: expected each column once", path=name, line=1)
            good = False
        seen.add(name)
    return good
