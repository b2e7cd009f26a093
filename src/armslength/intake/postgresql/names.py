"""Names of roles and objects as parts of ids: as they are, but for what an id could not hold or would confuse."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[A-Za-z0-9_.$-]+")


def part(name: str, also: str = "") -> str:
    """`/`, `%`, whatever cannot be printed, spaces at either end, and the characters of `also` become %XX."""
    if _PLAIN.fullmatch(name):
        return name
    last = len(name) - 1
    return "".join(
        "".join(f"%{byte:02X}" for byte in c.encode("utf-8", "surrogatepass"))
        if c in "/%" or c in also or not c.isprintable() or (c == " " and place in (0, last))
        else c
        for place, c in enumerate(name)
    )


def relation_part(name: str) -> str:
    """Parentheses are left to functions, so that no table has a function's id."""
    return part(name, "()")


def shown(text: str) -> str:
    """A text for people that names are in, with nothing that a terminal or a table would obey."""
    return text if text.isprintable() else part(text, "").replace("%2F", "/").replace("%25", "%")
