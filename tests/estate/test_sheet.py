"""A column by its distinct values: which of the two ways reads it says nothing about what it holds."""

from __future__ import annotations

import tracemalloc

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate.sheet import FEW, LITTLE, Coded, _by_polars, _by_python, coded
from armslength.estate.tables import _text_size

CELLS = st.sampled_from((None, "", " ", "a", " a", "a ", "\ta\u00a0", "b", "\u2028b", "A", "é", "e\u0301", "\0", "a b"))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


@given(st.lists(CELLS | TEXT))
def test_a_small_table_is_read_as_a_large_one_is(cells: list[str | None]) -> None:
    """Two firms with the same rows would get two answers, and one firm another on the day that it hires somebody."""
    column = pl.Series(cells, dtype=pl.String)
    small, large = _by_python(column), _by_polars(column)
    assert list(small.values) == list(large.values)
    assert small.codes.tolist() == large.codes.tolist()
    assert small.codes.dtype == large.codes.dtype
    told = small.series("x")
    assert told.to_list() == [(cell or "").strip() for cell in cells]
    many = Coded(values=small.values, codes=small.codes.repeat(FEW + 1))
    assert many.series("x").dtype == told.dtype
    assert many.series("x")[:: FEW + 1].to_list() == told.to_list()
    assert _text_size(many) == _text_size(small) * (FEW + 1)


def test_a_long_cell_that_is_repeated_is_kept_once() -> None:
    """A small Parquet file would fill the memory of whoever reads it."""
    column = pl.Series(["x" * (LITTLE // 100)], dtype=pl.String).new_from_index(0, FEW)
    tracemalloc.start()
    try:
        found = coded(column)
        found.series("x")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < LITTLE and found.codes.tolist() == [0] * FEW
