"""Times at the gate: aware UTC, whole seconds, written as RFC 3339 with `Z`; one spelling each."""

from __future__ import annotations

import datetime as dt
import re

from armslength.gate.failure import Rejected

Moment = dt.datetime
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
    return f"{at:%Y-%m-%dT%H:%M:%S}Z" if at.year >= 1000 else _too_old(at)


def parse_moment(text: str) -> Moment:
    """Raises `Rejected` for any other spelling."""
    if _SHAPE.fullmatch(text):
        try:
            return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
        except ValueError:
            pass
    raise Rejected([f"the time {text[:40]!r} is not one such as 2026-11-25T20:53:14Z"])


def _too_old(at: Moment) -> str:
    raise Rejected([f"the time {at!r} is before the year 1000"])
