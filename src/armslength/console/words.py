"""Times, sizes and spans as people say them."""

from __future__ import annotations

import datetime as dt

from armslength.gate import Moment


def moment_text(at: Moment) -> str:
    """`25 Nov 2026, 20:53 UTC`."""
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def span_text(span: dt.timedelta) -> str:
    """`40 minutes`, `3 hours`, `2 days`: the largest unit of which there are two, rounded down."""
    seconds = max(0, int(span.total_seconds()))
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size or (seconds >= size and seconds % size == 0):
            return f"{seconds // size} {name}{'' if seconds // size == 1 else 's'}"
    return "a minute" if seconds >= 60 else "less than a minute"


def size_text(size: int) -> str:
    """`812 bytes`, `12 kB`, `3.1 MB`."""
    if size < 1000:
        return f"{size} byte{'' if size == 1 else 's'}"
    return f"{round(size / 1000)} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"
