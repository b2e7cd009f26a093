"""Text that came from the tables, made safe to read: nothing invisible, nothing that turns the line, nothing endless.

Escaping for HTML, Markdown, CSV and terminals is the business of each renderer; this is what all of them do first.
"""

from __future__ import annotations

import unicodedata

LONGEST = 96
"""Characters of an id that a report shows; the middle of a longer one is left out."""

_UNSEEN = frozenset(
    [*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x061C, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x2028, 0x202F)]
    + [*range(0x2060, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080), *range(0xD800, 0xE000)]
)
"""Controls, marks that reorder text, characters without width, surrogates: with them one id can pass for another."""


def visible(text: str) -> str:
    """The text with every unseen character written as `\\u{202e}`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"\\u{{{ord(c):x}}}" if ord(c) in _UNSEEN else c for c in text)


def short(text: str, longest: int = LONGEST) -> str:
    """Visible text of at most `longest` characters; both ends stay, since ids differ at either."""
    text = visible(text)
    if len(text) <= longest:
        return text
    head = (longest - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (longest - 1 - head) :]}"


def width(text: str) -> float:
    """The text's width in columns of a terminal: wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def number(count: int) -> str:
    """`12,480`."""
    return f"{count:,}"


_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def spelled(count: int) -> str:
    """Small numbers as words, as in running text: `no`, `one` … `twelve`, then `13`."""
    return _SMALL[count] if 0 <= count < len(_SMALL) else number(count)


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """`1 state`, `12 states`."""
    return f"{number(count)} {singular if count == 1 else plural or singular + 's'}"


def listed(items: list[str], most: int = 6) -> str:
    """`CN, RU and IR`; beyond `most`: `CN, RU, IR and 14 more`."""
    if len(items) > most:
        return f"{', '.join(items[: most - 1])} and {number(len(items) - most + 1)} more"
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
