"""A patch to the tables of an estate, in the form that `git apply` takes: a few rows change or go, the rest stays
as is.

Quoting, line ends and byte order marks of lines that do not change stay as they are. A Parquet table is written anew.
"""

from __future__ import annotations

import csv
import io
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

CONTEXT = 3
"""Unchanged lines around a hunk, as git writes them."""

MARK = b"\xef\xbb\xbf"
"""The byte order mark that some programs put before UTF-8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowEdit:
    """One row (0-based data row) of a table's file: it gets `terms` ("" for none), or is gone where that is None."""

    file: str
    row: int
    terms: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """`text` is the patch; `files` the whole new content of every file that changes; `anew` names those that no patch
    can hold (Parquet)."""

    text: bytes
    files: Mapping[str, bytes]
    anew: tuple[str, ...]


def patch(files: Mapping[str, bytes], edits: Iterable[RowEdit], folder: str) -> Patch:
    """The patch for the `files` of an estate that was read. `folder` is theirs, as a path from where the patch is
    applied."""
    by_file: dict[str, list[RowEdit]] = {}
    for edit in edits:
        by_file.setdefault(edit.file, []).append(edit)
    text: list[bytes] = []
    new: dict[str, bytes] = {}
    anew = []
    for name, some in sorted(by_file.items()):
        data = files[name]
        if name.endswith(".parquet"):
            new[name] = _parquet(data, some)
            anew.append(name)
            continue
        spans = list(_spans(data, {edit.row: edit.terms for edit in some}))
        new[name] = b"".join(_applied(data, spans))
        text += [*_header(f"{folder}/{name}" if folder else name), *_unified(data, spans)]
    return Patch(text=b"".join(text), files=new, anew=tuple(anew))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The bytes from `start` until `end` become `new`."""

    start: int
    end: int
    new: bytes


def _spans(data: bytes, edits: Mapping[int, str | None]) -> Iterator[Span]:
    """In the order of the file. Where the table has no column for terms and needs one, every row changes."""
    rows = _rows(data)
    start, end, header = next(rows)
    names = [cell.strip() for cell in header]
    place = names.index("terms") if "terms" in names else None
    widen = place is None and any(terms is not None for terms in edits.values())
    if widen:
        mark = MARK if data.startswith(MARK) else b""
        yield Span(start=start, end=end, new=mark + _written([*header, "terms"], data[start:end]))
    for number, (start, end, cells) in enumerate(rows):
        if number in edits and edits[number] is None:
            yield Span(start=start, end=end, new=b"")
        elif widen:
            yield Span(start=start, end=end, new=_written([*cells, edits.get(number) or ""], data[start:end]))
        elif number in edits and place is not None:
            cells[place] = edits[number] or ""
            yield Span(start=start, end=end, new=_written(cells, data[start:end]))


def _rows(data: bytes) -> Iterator[tuple[int, int, list[str]]]:
    """The first and past-the-last byte of each row and its cells, header first; as the estate's reader counts them."""
    ends = [0]

    def lines() -> Iterator[str]:
        at = len(MARK) if data.startswith(MARK) else 0
        for line in io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline=""):
            at += len(line.encode())
            ends.append(at)
            yield line

    reader, last = csv.reader(lines(), strict=True), 0
    for cells in reader:
        if cells:
            yield ends[last], ends[reader.line_num], cells
        last = reader.line_num


def _written(cells: Sequence[str], old: bytes) -> bytes:
    """The row as CSV, with the line end that it had."""
    text = io.StringIO(newline="")
    # With this line end every cell that holds CR or LF is quoted.
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n").encode() + old[len(old.rstrip(b"\r\n")) :]


def _applied(data: bytes, spans: Sequence[Span]) -> Iterator[bytes]:
    at = 0
    for span in spans:
        yield data[at : span.start]
        yield span.new
        at = span.end
    yield data[at:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """Lines `start` (0-based) until `end` are replaced."""

    start: int
    end: int
    lines: tuple[bytes, ...]


def _hunks(old: Sequence[bytes], data: bytes, spans: Sequence[Span]) -> Iterator[Hunk]:
    """The spans as whole lines; rows that share a line, as they do where lines end in CR alone, share a hunk."""
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    some: list[Span] = []
    first = past = 0
    for span in spans:
        begin = bisect_right(starts, span.start) - 1
        if some and begin >= past:
            yield _hunk(data, starts, first, past, some)
            some = []
        first = begin if not some else first
        past = bisect_left(starts, span.end)
        some.append(span)
    if some:
        yield _hunk(data, starts, first, past, some)


def _hunk(data: bytes, starts: Sequence[int], first: int, past: int, spans: Sequence[Span]) -> Hunk:
    moved = [Span(start=s.start - starts[first], end=s.end - starts[first], new=s.new) for s in spans]
    new = b"".join(_applied(data[starts[first] : starts[past]], moved))
    return Hunk(start=first, end=past, lines=tuple(_lines(new)))


def _lines(data: bytes) -> list[bytes]:
    """As git counts them: a line ends at LF and nowhere else."""
    found = [line + b"\n" for line in data.split(b"\n")]
    last = found.pop()[:-1]
    return [*found, last] if last else found


# the unified form


def _header(path: str) -> list[bytes]:
    """With git's own first line the path counts from the top of the repository, wherever git is called in it."""
    old, new = _name(f"a/{path}"), _name(f"b/{path}")
    first = f"diff --git {old.rstrip()} {new.rstrip()}\n"
    return [first.encode(), f"--- {old}\n".encode(), f"+++ {new}\n".encode()]


def _name(path: str) -> str:
    """A path as git writes it: quoted where a line could not hold it, with a tab behind one with spaces."""
    raw = path.encode("utf-8", "surrogateescape")
    if all(32 <= byte < 127 and byte not in b'"\\' for byte in raw):
        return f"{path}\t" if " " in path else path
    return '"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\{b:03o}" for b in raw) + '"'


def _unified(data: bytes, spans: Sequence[Span]) -> Iterator[bytes]:
    old, moved = _lines(data), 0
    for some in _together(_hunks(old, data, spans)):
        start = max(0, some[0].start - CONTEXT)
        end = min(len(old), some[-1].end + CONTEXT)
        body: list[bytes] = []
        at = start
        for hunk in some:
            body += [b" " + line for line in old[at : hunk.start]]
            body += [b"-" + line for line in old[hunk.start : hunk.end]]
            body += [b"+" + line for line in hunk.lines]
            at = hunk.end
        body += [b" " + line for line in old[at:end]]
        gained = sum(len(hunk.lines) - (hunk.end - hunk.start) for hunk in some)
        before, after = end - start, end - start + gained
        # An empty side is told by the line before it.
        yield f"@@ -{start + (before > 0)},{before} +{start + moved + (after > 0)},{after} @@\n".encode()
        yield from (line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n" for line in body)
        moved += gained


def _together(hunks: Iterable[Hunk]) -> Iterator[list[Hunk]]:
    """Hunks whose context would overlap stand in one."""
    some: list[Hunk] = []
    for hunk in hunks:
        if some and hunk.start - some[-1].end > 2 * CONTEXT:
            yield some
            some = []
        some.append(hunk)
    if some:
        yield some


# Parquet


def _parquet(data: bytes, edits: Sequence[RowEdit]) -> bytes:
    """The whole table again, with the columns and types that it had."""
    frame = pl.read_parquet(io.BytesIO(data))
    terms = {edit.row: edit.terms for edit in edits if edit.terms is not None}
    if terms:
        name = next((column for column in frame.columns if column.strip() == "terms"), "terms")
        cells = frame[name].cast(pl.String).to_list() if name in frame.columns else [None] * len(frame)
        for row, value in terms.items():
            cells[row] = value or None
        frame = frame.with_columns(pl.Series(name, cells, dtype=pl.String))
    gone = [edit.row for edit in edits if edit.terms is None]
    kept = pl.Series([True] * len(frame)).scatter(gone, False) if gone else None
    frame = frame.filter(kept) if kept is not None else frame
    out = io.BytesIO()
    frame.write_parquet(out)
    return out.getvalue()
