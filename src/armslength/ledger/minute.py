"""A time as the ledger writes it: `2026-11-25T17:50Z`, a whole minute of UTC in the years 1970 to 9999.

Inside it is POSIX seconds. No finer, so that a leaf alone does not say when exactly somebody worked.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

from armslength.tlog import Malformed

SECONDS = 60
LAST = 253_402_300_740
"""9999-12-31T23:59Z."""

_SHAPE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2})Z")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


# Cached: the records of one log lie close together, and a log is read minute after minute.
@lru_cache(maxsize=4096)
def format_minute(time: int) -> str:
    """Raises `Malformed` for what is not a whole minute of those years."""
    if time % SECONDS or not 0 <= time <= LAST:
        raise Malformed(f"the time {time} is not a whole minute of the years 1970 to 9999, in POSIX seconds")
    moment = _EPOCH + dt.timedelta(seconds=time)
    return f"{moment.year}-{moment.month:02}-{moment.day:02}T{moment.hour:02}:{moment.minute:02}Z"


@lru_cache(maxsize=4096)
def parse_minute(text: str) -> int:
    """POSIX seconds. Raises `Malformed`."""
    if found := _SHAPE.fullmatch(text):
        year, month, day, hour, minute = map(int, found.groups())
        try:
            moment = dt.datetime(year, month, day, hour, minute, tzinfo=dt.UTC)
        except ValueError:
            pass
        else:
            if year >= 1970:
                return int((moment - _EPOCH).total_seconds())
    raise Malformed(f'the time "{text[:40]}" is not a minute of the years 1970 to 9999, such as 2026-11-25T17:50Z')
