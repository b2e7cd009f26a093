"""What an argument may be: text becomes a typed value, or one line that says what was expected."""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import math
import re
from collections.abc import Callable

from armslength.cli.parser import near

MOST = 100
"""A higher cap or floor would mean nothing: lengths are small numbers."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def day(text: str) -> dt.date:
    try:
        if _DATE.fullmatch(text) is None:
            raise ValueError
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: expected one such as 2026-11-22") from None


def count(text: str) -> int:
    """A whole number from 0 to `MOST`, in plain digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= MOST):
        raise argparse.ArgumentTypeError(f"{text!r} is no such number: expected a whole one from 0 to {MOST}")
    return int(text)


def line(text: str) -> int:
    """The number of a line of a table's file; the header is line 1."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise argparse.ArgumentTypeError(f"{text!r} is no line: expected the number of a line of the file, such as 12")
    return int(text)


def seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: expected seconds, such as 60")
    return found


def one_of(*words: str) -> Callable[[str], str]:
    def chosen(text: str) -> str:
        if text not in words:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not offered: expected one of {', '.join(words)}{near(text, words)}"
            )
        return text

    return chosen


def file(text: str) -> str:
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a file")
    return text


def journey(text: str) -> tuple[str, str, dt.date | None, dt.date | None]:
    """`person:ana=CN@2026-12-01..2026-12-10`: person, state, first and last day (none: the day asked)."""
    person, equals, rest = text.rpartition("=")
    state, at, days = rest.partition("@")
    if not (equals and person and state):
        raise argparse.ArgumentTypeError(f"{text!r}: expected person:ID=STATE, or person:ID=STATE@FIRST..LAST")
    if not at:
        return person, state, None, None
    first, dots, last = days.partition("..")
    start, until = day(first), day(last if dots else first)
    if until < start:
        raise argparse.ArgumentTypeError(f"{text!r}: the journey ends before it begins")
    return person, state, start, until


def joining(text: str) -> tuple[str, str]:
    """`person:x=group:y`: member and group."""
    member, found, group = text.partition("=group:")
    if not (member and found and group):
        raise argparse.ArgumentTypeError(f"{text!r}: expected person:ID=group:ID or group:ID=group:ID")
    return member, f"group:{group}"


def grant(text: str) -> tuple[str, str, str, str]:
    """A row of grants.csv: holder, action, target and terms ("" for standing access)."""
    try:
        cells = next(csv.reader([text], strict=True), [])
    except csv.Error:
        cells = []
    if len(cells) not in (3, 4):
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected HOLDER,ACTION,TARGET or HOLDER,ACTION,TARGET,TERMS, as a row of grants.csv"
        )
    holder, action, target = cells[:3]
    return holder, action, target, cells[3] if len(cells) == 4 else ""


def new_terms(text: str) -> tuple[int, str]:
    """`12=two-apart`: the line of a grant and its new terms ("" for none)."""
    number, equals, terms = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r}: expected LINE=TERMS, such as 12=two-apart")
    return line(number), terms


def address(text: str) -> tuple[str, int]:
    """`127.0.0.1:8080` or `[::1]:8080`: host and port, 0 for any that is free."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    digits = port.isascii() and port.isdigit() and len(port) <= 5
    if not (colon and host and digits and int(port) <= 65_535 and host.isprintable() and bracketed == (":" in host)):
        raise argparse.ArgumentTypeError(f"{text!r} is no address: expected HOST:PORT, such as 127.0.0.1:8080")
    return host, int(port)
