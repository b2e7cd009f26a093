"""Times at the gate: aware UTC, whole seconds, written as RFC 3339 with `Z`; one spelling each."""

from __future__ import annotations

import datetime as dt
import re

from armslength.gate.failure import Rejected

Moment = dt.datetime
EARLIEST = dt.datetime(1000, 1, 1, tzinfo=dt.UTC)
LATEST_SECONDS = 253_402_300_799
"""The last second of the year 9999."""

_SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def moment(seconds: float) -> Moment:
    """POSIX seconds, cut to the whole second."""
    return dt.datetime.fromtimestamp(int(seconds // 1), dt.UTC)


def posix(at: Moment) -> int:
    return int(at.timestamp())


def format_moment(at: Moment) -> str:
    """`2026-11-25T20:53:14Z`. Raises `Rejected` for what is not aware UTC in whole seconds."""
    if at.tzinfo is not dt.UTC or at.microsecond:
        raise Rejected([f"the time {at!r} is not in whole seconds of UTC"])
    return f"{at.isoformat()[:19]}Z" if at.year >= 1000 else _too_old(at)


def parse_moment(text: str) -> Moment:
    """Raises `Rejected` for any other spelling."""
    if _SHAPE.fullmatch(text):
        try:
            at = dt.datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            if at.year >= EARLIEST.year and format_moment(at) == text:  # newer Pythons take 24:00:00
                return at
    raise Rejected([f"the time {text[:40]!r} is not one such as 2026-11-25T20:53:14Z"])


def read_seconds(seconds: int) -> Moment:
    """Raises `Rejected` for what is not between 1970 and 9999."""
    if not 0 <= seconds <= LATEST_SECONDS:
        raise Rejected([f"{seconds} seconds are not a time between the years 1970 and 9999"])
    return moment(seconds)


def _too_old(at: Moment) -> str:
    raise Rejected([f"the time {at!r} is before the year 1000"])
