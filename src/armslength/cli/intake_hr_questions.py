"""What a person at a terminal is asked about the columns of an HR export, once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from armslength.intake.hr import Sheet

SHOWN = 3
"""First values of a column that are shown."""
WIDE = 24
NONE = "-"


def on_terminal() -> bool:
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (AttributeError, ValueError):  # closed
        return False


def ask_columns(
    sheets: Sequence[Sheet], ask: Callable[[str], str], tell: Callable[[str], None]
) -> tuple[dict[str, str], frozenset[str]]:
    """Field by field, with what the names say as a proposal; and what the status of somebody who left is."""
    from armslength.estate import refused_column
    from armslength.intake.hr import FIELDS, field_problem, proposed, statuses
    from armslength.service import Refusal

    header = [name for name in dict.fromkeys(n for sheet in sheets for n in sheet.header) if not refused_column(name)]
    tell("columns of the export, with their first values:")
    for number, name in enumerate(header, 1):
        tell(f"  {number:3}  {_plain(name):30}  {', '.join(_first(sheets, name))}")
    tell(f"for each field: Enter takes what is proposed, a number or a name another column, {NONE} none")
    proposals = proposed(header)

    def answer(prompt: str) -> str:
        try:
            return ask(prompt).strip()
        except EOFError:
            raise Refusal(["the questions were not answered: nothing was written"]) from None

    def column(prompt: str, proposal: str) -> str:
        while True:
            said = answer(f"{prompt} [{_plain(proposal) or NONE}]: ") or proposal or NONE
            if said == NONE:
                return ""
            if said in header:
                return said
            if said.isascii() and said.isdecimal() and len(said) < 6 and 1 <= int(said) <= len(header):
                return header[int(said) - 1]
            tell(f"{_plain(said)!r} is no column: expected a number from 1 to {len(header)}, a name, or {NONE}")

    of: dict[str, str] = {}
    for field, words in FIELDS.items():
        found = column(f"{field} ({words})", proposals.get(field, ""))
        while field == "id" and not found:
            tell("an id is needed")
            found = column(f"{field} ({words})", "")
        if found:
            of[field] = found
    for field in (name for name in proposals if name.startswith("login.")):
        if found := column(f"{field} (their login there)", proposals[field]):
            of[field] = found
    while said := answer("anything more, such as login.github=COLUMN or more.costcentre=COLUMN; Enter if not: "):
        field, _, named = said.partition("=")
        if (problem := field_problem(field)) is not None:
            tell(problem)
        elif named not in header:
            tell(f"{_plain(named)!r} is no column")
        else:
            of[field] = named
    left: frozenset[str] = frozenset()
    if "status" in of:
        tell(f"it has {', '.join(map(_plain, statuses(sheets, of['status'])[:20]))}")
        while not (left := frozenset(w for w in answer("which mean that somebody left? ").split(",") if w.strip())):
            tell("expected one or more, with commas between")
        left = frozenset(word.strip() for word in left)
    return of, left


def _first(sheets: Sequence[Sheet], name: str) -> list[str]:
    found: dict[str, None] = {}
    for sheet in sheets:
        place = sheet.place(name)
        for _, row in sheet.rows[:50] if place is not None else ():
            if row[place or 0] and len(found) < SHOWN:
                found.setdefault(_plain(row[place or 0]))
    return list(found)


def _plain(text: str) -> str:
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return shown if len(shown) <= WIDE else f"{shown[: WIDE - 1]}…"
