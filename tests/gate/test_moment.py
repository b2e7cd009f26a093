"""Times: one spelling each."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.gate import Rejected, format_moment, moment, parse_moment, posix, read_seconds

LAST = 253_402_300_799


@given(st.integers(0, LAST))
def test_a_time_is_written_and_read_back(seconds: int) -> None:
    """A request would be signed for one time and recorded for another."""
    at = moment(seconds)
    assert posix(at) == seconds and parse_moment(format_moment(at)) == at == read_seconds(seconds)
    assert format_moment(at) == at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_fraction_of_a_second_is_cut() -> None:
    """A lease would begin before it was given."""
    assert moment(1.999) == moment(1) and moment(-0.5) == moment(-1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-25",
        "2026-11-25T20:53:14",
        "2026-11-25T20:53:14+00:00",
        "2026-11-25t20:53:14Z",
        "2026-11-25T20:53:14z",
        "2026-11-25 20:53:14Z",
        "2026-11-25T20:53:14.0Z",
        "2026-11-25T20:53:60Z",
        "2026-11-25T24:00:00Z",
        "2026-02-30T00:00:00Z",
        "0026-11-25T20:53:14Z",
        "0000-11-25T20:53:14Z",
        " 2026-11-25T20:53:14Z",
        "2026-11-25T20:53:14Z\n",
        "２026-11-25T20:53:14Z",
    ],
)
def test_any_other_spelling_is_refused(text: str) -> None:
    """Two texts would mean one time, and a signature over the one be shown for the other."""
    with pytest.raises(Rejected):
        parse_moment(text)


@pytest.mark.parametrize(
    "at",
    [
        dt.datetime(2026, 11, 25),
        dt.datetime(2026, 11, 25, tzinfo=dt.timezone(dt.timedelta(hours=1))),
        dt.datetime(2026, 11, 25, 0, 0, 0, 1, tzinfo=dt.UTC),
        dt.datetime(999, 1, 1, tzinfo=dt.UTC),
    ],
)
def test_a_time_that_has_no_spelling_is_not_written(at: dt.datetime) -> None:
    """A local time would be signed as if it were UTC."""
    with pytest.raises(Rejected):
        format_moment(at)


@pytest.mark.parametrize("seconds", [-1, LAST + 1, 10**20])
def test_seconds_out_of_the_calendar_are_refused(seconds: int) -> None:
    """A record with such a time would stop the replay."""
    with pytest.raises(Rejected):
        read_seconds(seconds)
