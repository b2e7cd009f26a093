"""A time of the ledger: one minute, one text."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from armslength.ledger import format_minute, parse_minute
from armslength.tlog import Malformed

LAST = 253_402_300_740


@given(st.integers(0, LAST // 60).map(lambda minute: minute * 60))
@example(0)
@example(LAST)
def test_a_minute_is_written_as_the_calendar_has_it_and_read_back(time: int) -> None:
    """A customer would be shown an access at another time than it had."""
    text = format_minute(time)
    assert text == dt.datetime.fromtimestamp(time, dt.UTC).isoformat()[:16] + "Z"
    assert parse_minute(text) == time


@pytest.mark.parametrize("time", [-60, 1, 59, 61, LAST + 60, 10**30])
def test_what_is_no_minute_is_not_written(time: int) -> None:
    """A leaf would be made that no reader takes."""
    with pytest.raises(Malformed, match="whole minute"):
        format_minute(time)


@pytest.mark.parametrize("text", ["1969-12-31T23:59Z", "0001-01-01T00:00Z", "0000-01-01T00:00Z", "2026-02-29T00:00Z"])
def test_what_is_no_minute_is_not_read(text: str) -> None:
    """A reader that took it could not write it again."""
    with pytest.raises(Malformed, match=f'the time "{text}" is not a minute'):
        parse_minute(text)


@given(
    st.text(alphabet="0123456789-:TZ+ .", max_size=20) | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", fullmatch=True)
)
def test_what_parses_prints_back(text: str) -> None:
    """A second spelling of a time would be a second leaf for one record."""
    try:
        time = parse_minute(text)
    except Malformed:
        return
    assert format_minute(time) == text
