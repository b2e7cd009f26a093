"""Parquet files that are not what they say."""

from __future__ import annotations

import datetime as dt
import io
import os
import struct
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import EstateError, parse


def written(**columns: Any) -> bytes:
    file = io.BytesIO()
    pl.DataFrame(columns).write_parquet(file)
    return file.getvalue()


def read(people: bytes) -> list[str]:
    """The ids, or every problem."""
    try:
        return list(parse({"people.parquet": people, "estate.toml": b""}).estate.people.ids)
    except EstateError as error:
        return [str(problem) for problem in error.problems]


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(step: int, kind: int, value: bytes) -> bytes:
    return bytes([step << 4 | kind]) + value


def number(step: int, value: int, kind: int = 6) -> bytes:
    return field(step, kind, varint(value << 1))


def nulls(rows: int, claimed: int | None = None, size: int | None = None, codec: int = 0) -> bytes:
    """A Parquet file of one column `id` with that many empty cells, in some 150 bytes: one run of absent values.
    `claimed`: rows in the footer; `size`: bytes that the page claims to unpack to, from the form `codec`."""
    levels = varint(rows << 1) + b"\0"
    page = struct.pack("<I", len(levels)) + levels
    data_page = number(1, rows, 5) + number(1, 0, 5) + number(1, 3, 5) + number(1, 3, 5) + b"\0"
    header = (
        number(1, 0, 5)
        + number(1, len(page) if size is None else size, 5)
        + number(1, len(page), 5)
        + field(2, 12, data_page)
        + b"\0"
    )
    total = rows if claimed is None else claimed
    root = field(4, 8, varint(6) + b"schema") + number(1, 1, 5) + b"\0"
    leaf = number(1, 6, 5) + number(2, 1, 5) + field(1, 8, varint(2) + b"id") + number(2, 0, 5) + b"\0"
    chunk = (
        number(1, 6, 5)
        + field(1, 9, b"\x15" + varint(0))
        + field(1, 9, b"\x18" + varint(2) + b"id")
        + number(1, codec, 5)
        + number(1, total)
        + number(1, len(header) + len(page))
        + number(1, len(header) + len(page))
        + number(2, 4)
        + b"\0"
    )
    group = (
        field(1, 9, b"\x1c" + number(2, 4) + field(1, 12, chunk) + b"\0") + number(1, 200) + number(1, total) + b"\0"
    )
    footer = (
        number(1, 1, 5) + field(1, 9, b"\x2c" + root + leaf) + number(1, total) + field(1, 9, b"\x1c" + group) + b"\0"
    )
    return b"PAR1" + header + page + footer + struct.pack("<I", len(footer)) + b"PAR1"


def test_the_file_made_here_is_one() -> None:
    """The tests below would refuse it for another reason than the one they name."""
    frame = pl.read_parquet(io.BytesIO(nulls(3)))
    assert frame.shape == (3, 1) and frame["id"].null_count() == 3
    assert read(nulls(2)) == [f"people.parquet:{line}: id: is empty: expected a value" for line in (2, 3)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (nulls(3_000_000_000), "claims more than 100000000 cells"),
        (nulls(3, claimed=3_000_000_000), "a column claims 3000000000 values and its pages 3"),
        (nulls(3, size=2_000_000_000), "a page that is not packed has two sizes"),
        (nulls(3, size=3_000_000_000, codec=6), "would take more than 2147483648 bytes when unpacked"),
        (nulls(3)[:-1], "does not begin and end as one, or is encrypted"),
        (nulls(3)[:20] + nulls(3)[-40:], "its footer claims 64 bytes"),
        (b"PAR1" + b"\xff" * 1000 + struct.pack("<I", 1000) + b"PAR1", "holds a value of no known kind"),
        (b"PAR1" + b"\x1c" * 500 + struct.pack("<I", 500) + b"PAR1", "is nested too deeply"),
        (b"PAR1" + b"\x00" + struct.pack("<I", 1) + b"PAR1", "a part of its description is missing"),
        (b"PAR1" + b"\x16" + b"\xff" * 11 + struct.pack("<I", 12) + b"PAR1", "holds a number that is too long"),
        (b"", "does not begin and end as one"),
        (b"PAR1" * 3, "its footer claims"),
    ],
)
def test_a_file_that_lies_is_refused_before_it_is_unpacked(content: bytes, words: str) -> None:
    """A hundred bytes in a pull request would fill the memory of the machine that checks it."""
    (problem,) = read(content)
    assert problem.startswith("people.parquet: is not a Parquet file that can be read: ") and words in problem


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"id": [1, 2]}, ["1", "2"]),
        ({"id": pl.Series(["a", "b"], dtype=pl.Categorical)}, ["a", "b"]),
        ({"id": pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"]))}, ["a", "b"]),
        ({"id": [" a ", "b"], "unit": pl.Series([None, None], dtype=pl.Null)}, ["a", "b"]),
        ({"id": ["a"], "as_of": [dt.date(2026, 1, 2)]}, ["a"]),
        ({"id": ["a"], "spare": [1.5]}, ["a"]),
        ({"id": ["a"], "spare": [[1]]}, ["a"]),
        ({"id": pl.Series([], dtype=pl.String)}, []),
        ({"id": ["a", "a"]}, ["people.parquet:3: id: 'a' is repeated: line 2 has it already"]),
        ({"id": ["a", None]}, ["people.parquet:3: id: is empty: expected a value"]),
        ({"id": [1.5]}, ["people.parquet:1: id: has the type Float64: expected text, whole numbers or days"]),
        ({"id": [True]}, ["people.parquet:1: id: has the type Boolean: expected text, whole numbers or days"]),
        ({"id": [b"a"]}, ["people.parquet:1: id: has the type Binary: expected text, whole numbers or days"]),
        ({"id": [["a"]]}, ["people.parquet: has 1 rows and no column of single values"]),
        (
            {"id": ["a"], "unit": [["a"]]},
            ["people.parquet:1: unit: holds several values a row: expected text, whole numbers or days"],
        ),
        (
            {"id": ["a"], "unit": [{"a": 1, "b": 2}]},
            ["people.parquet:1: unit: holds several values a row: expected text, whole numbers or days"],
        ),
        ({"id": ["a\0b"]}, ["people.parquet:2: id: holds NUL: expected text, which has none"]),
        ({"unit": ["a"]}, ["people.parquet:1: id: is missing: expected a column of that name"]),
        (
            {"id": ["a"], "as_of": pl.Series([10**9], dtype=pl.Int32).cast(pl.Date)},
            ["people.parquet:2: as_of: 'day 1000000000' is not a day: expected YYYY-MM-DD"],
        ),
    ],
)
def test_columns_that_are_not_text(columns: dict[str, Any], expected: list[str]) -> None:
    """A table saved by another tool would be a traceback, or other ids than it shows."""
    assert read(written(**columns)) == expected


@pytest.mark.parametrize("column", ["nationality", "Place of Birth"])
@pytest.mark.parametrize("values", [["x"], [1.5], [["x"]]])
def test_a_refused_column_is_refused_whatever_its_type(column: str, values: list[Any]) -> None:
    """It would be kept from us only by its type."""
    assert any(
        "is refused: exposure comes from places" in line for line in read(written(**{"id": ["a"], column: values}))
    )


SEEDS = [written(id=[f"p{i}" for i in range(200)], unit=["a", None] * 100, n=list(range(200)))]


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=3))
def test_flipped_bytes(content: bytes, flips: list[tuple[int, int]]) -> None:
    """A disk error would end the program in the depths of a library."""
    damaged = bytearray(content)
    for place, value in flips:
        damaged[-1 - place % len(damaged)] = value
    read(bytes(damaged))


def test_the_machine_is_not_asked_for_what_a_file_claims() -> None:
    """As the first test here, told by what the process really took: memory the file claimed and nobody wrote to
    counts."""
    before = _taken()
    read(nulls(3_000_000_000))
    read(nulls(90_000_000, claimed=91_000_000))
    assert _taken() - before < 300_000_000


def _taken() -> int:
    with open(f"/proc/{os.getpid()}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
