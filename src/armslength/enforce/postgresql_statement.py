"""A statement as it may be read by others: its words, without its literals and comments.

What somebody looks for, or writes, stands in literals, and is the customers'. The lexer is the server's, as far as it
matters ("Lexical Structure" in the manual): where a text can be read in two ways, the rest of it is left out.
"""

from __future__ import annotations

import re

LONGEST = 1_000
"""Characters of a statement that is told; of what is longer, so much and `…`."""
MOST_READ = 200_000
"""Characters that are looked at: behind them only more literals could change anything that is told."""

BLANK = "?"
REST = "…"

_SPACE = re.compile(r"[ \t\n\r\f\v]+")
_WORD = re.compile(r"[A-Za-z_\u0080-\uffff\U00010000-\U0010ffff][A-Za-z0-9_$\u0080-\uffff\U00010000-\U0010ffff]*")
_NUMBER = re.compile(r"(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[A-Za-z0-9_]*")
_PARAMETER = re.compile(r"\$[0-9]+")
_TAG = re.compile(r"\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$")
_LIST = re.compile(r"\?(?: ?, ?\?)+")
_PREFIXES = frozenset({"e", "b", "x", "n", "u&"})


def told(text: str, *, inside: bool = True) -> str:
    """`inside`: the body of a DO block is a literal too, and is read as statements."""
    parts: list[str] = []
    place, size = 0, min(len(text), MOST_READ)
    length = 0
    while place < size and length <= LONGEST:
        part, place = _next(text, place, size, parts, inside)
        if part is None:
            parts.append(REST)
            place = size
        elif part:
            parts.append(part)
            length += len(part)
    found = _LIST.sub("?, ?", "".join(parts)).strip()
    if length > LONGEST or len(found) > LONGEST or len(text) > MOST_READ:
        found = found[: LONGEST - 1].removesuffix(REST) + REST
    # What does not print, or spells no text, would have no place in a record.
    return "".join(each if each.isprintable() and not "\ud800" <= each <= "\udfff" else "?" for each in found)


def _next(text: str, place: int, size: int, parts: list[str], inside: bool) -> tuple[str | None, int]:
    """The next part, and where it ends; None: from here on it can be read in several ways."""
    letter = text[place]
    if match := _SPACE.match(text, place, size):
        return (" " if parts and parts[-1] != " " else ""), match.end()
    if text.startswith("--", place):
        ends = [end for end in (text.find("\n", place), text.find("\r", place)) if end >= 0]
        return (" " if parts and parts[-1] != " " else ""), min([*ends, size])
    if text.startswith("/*", place):
        return (" " if parts and parts[-1] != " " else ""), _past_comment(text, place, size)
    if letter == "'":
        return _literal(text, place, size, escapes=False)
    if letter == '"':
        return _quoted(text, place, size)
    if letter == "$":
        if match := _PARAMETER.match(text, place, size):
            return match[0], match.end()
        if match := _TAG.match(text, place, size):
            end = text.find(match[0], match.end(), size)
            if end < 0:
                return BLANK, size
            body = text[match.end() : end]
            does = inside and "".join(parts).split()[:1] and "".join(parts).split()[0].lower() == "do"
            shown = f"$$ {told(body, inside=False)} $$" if does else BLANK
            return shown, end + len(match[0])
    if match := _NUMBER.match(text, place, size):
        return BLANK, match.end()
    if match := _WORD.match(text, place, size):
        end = match.end()
        word = match[0].lower()
        if word == "u" and text[end : end + 2] in ("&'", '&"'):
            return (BLANK, _literal(text, end + 1, size, escapes=False)[1]) if text[end + 1] == "'" else (None, size)
        if word in _PREFIXES and text[end : end + 1] == "'":
            return _literal(text, end, size, escapes=word == "e")
        return match[0], end
    return letter, place + 1


def _literal(text: str, place: int, size: int, *, escapes: bool) -> tuple[str | None, int]:
    """From its first quote on. A backslash in a plain one means what a setting says that its writer could change."""
    at = place + 1
    while at < size:
        letter = text[at]
        if letter == "\\":
            if not escapes:
                return None, size
            at += 2
        elif letter == "'":
            if text[at + 1 : at + 2] != "'":
                return BLANK, at + 1
            at += 2
        else:
            at += 1
    return BLANK, size


def _quoted(text: str, place: int, size: int) -> tuple[str | None, int]:
    """A quoted name is told as it is if it could be one without quotes, but for its letters' case and spaces."""
    at = place + 1
    while at < size:
        if text[at] == '"':
            if text[at + 1 : at + 2] != '"':
                name = text[place + 1 : at]
                plain = len(name) <= 63 and all(each.isalnum() or each == "_" for each in name)
                # A number in a name can be somebody's; letters, digits and underscores of a column's name are not.
                return (f'"{name}"' if plain and not name.isdecimal() else BLANK), at + 1
            at += 2
        else:
            at += 1
    return None, size


def _past_comment(text: str, place: int, size: int) -> int:
    """Comments stand within one another."""
    depth, at = 1, place + 2
    while at < size and depth:
        if text.startswith("/*", at):
            depth, at = depth + 1, at + 2
        elif text.startswith("*/", at):
            depth, at = depth - 1, at + 2
        else:
            at += 1
    return at
