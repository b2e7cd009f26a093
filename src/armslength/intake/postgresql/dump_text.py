"""The statements of a plain dump, one after the other, as psql would find their ends.

Strict, since pg_dump writes one style only: keywords in capitals, names in small letters or quoted, schemas spelled
out. Literals are left out as soon as they are seen, so that no password, and no data, gets further than this file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from armslength.intake.problem import Problems

_TOKEN = re.compile(
    r"""(?P<skip>\s+|--[^\n]*)
    |(?P<word>[A-Za-z_\x80-\U0010ffff][\w$]*)
    |(?P<name>"[^"]*+(?:""[^"]*+)*+")
    |(?P<literal>'[^']*+(?:''[^']*+)*+')
    |(?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff]\w*)?\$)
    |(?P<comment>/\*)
    |(?P<open>["'])
    |(?P<other>\d[\w.]*|.)""",
    re.VERBOSE | re.DOTALL,
)
# A literal with escapes, where a quote may follow a backslash. Nothing is tried in a second way, here and above (`*+`):
# remembering where to go back to costs a hundred times the text in memory.
_ESCAPED = re.compile(r"'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'", re.DOTALL)
_COPIED = re.compile(r"\n\\\.\r?(?:\n|\Z)")
_COMMENT = re.compile(r"/\*|\*/")
_LINE = re.compile(r"[^\n]*")
# The many lines of one statement without anything to look out for.
_PLAIN = re.compile(r"(?:GRANT|REVOKE) [\w ,.]+;(?=\n)")
_PARTS = re.compile(r"[\w$]+|[,.;]")
_YES = frozenset({"'true'", "'t'", "'on'", "'yes'", "'y'", "'1'"})
LITERAL = "'"
"""Stands for any literal; one that says yes is kept, as YES."""
YES = "'yes'"

HEADS = ("-- PostgreSQL database cluster dump", "-- PostgreSQL database dump")
ENDS = tuple(f"{head} complete" for head in HEADS)
VERSION = re.compile(r"-- Dumped (from database|by pg_dump) version (\d+)")


@dataclass(frozen=True, slots=True)
class Statement:
    """`tokens` without the closing semicolon; `at` tells where each begins and ends in `text`, the whole dump.

    A command of psql, such as `\\connect`, is one token: its line."""

    tokens: list[str]
    line: int
    text: str
    at: list[tuple[int, int]]

    def slice(self, first: int, last: int) -> str:
        """What stands between two tokens, both included, as it was written."""
        return self.text[self.at[first][0] : self.at[last][1]]


class Dump:
    """One file. `statements` fills in what its comments say: versions, and whether it is whole."""

    def __init__(self, file: str, text: str, problems: Problems) -> None:
        self.file, self._text, self._problems = file, text, problems
        self.from_version = self.by_version = 0
        self._open: list[str] = []

    def statements(self) -> Iterator[Statement]:
        text, place, line, counted = self._text, 0, 1, 0
        size = len(text)
        while True:
            while place < size and text[place].isspace():
                place += 1
            if place >= size:
                break
            line += text.count("\n", counted, place)
            counted = place
            if text.startswith("--", place):
                found = _line_at(text, place)
                self._comment(found)
                place += len(found)
                continue
            if text[place] == "\\":
                found = _line_at(text, place)
                yield Statement([found.rstrip()], line, text, [(place, place + len(found))])
                place += len(found)
                continue
            if (plain := _PLAIN.match(text, place)) is not None:
                yield Statement(_PARTS.findall(text, place, plain.end() - 1), line, text, [])
                place = plain.end()
                continue
            statement, place = self._statement(place, line)
            if statement is None:
                return
            if not statement.tokens:
                continue
            yield statement
            if statement.tokens[0] == "COPY" and statement.tokens[-1] == "stdin":
                end = _COPIED.search(text, place - 1)
                if end is None:
                    self._problems.add(self.file, "a COPY block has no end: the dump is cut off", line=line)
                    return
                place = end.end()
        if self._open:
            self._problems.add(self.file, f"has no line '{self._open[-1]} complete': the dump is cut off")

    def _comment(self, text: str) -> None:
        text = text.rstrip()
        if text in HEADS:
            self._open.append(text)
        elif text in ENDS and self._open:
            self._open.pop()
        elif (found := VERSION.match(text)) is not None:
            if found[1] == "by pg_dump":
                self.by_version = int(found[2][:4])
            else:
                self.from_version = int(found[2][:4])

    def _statement(self, place: int, line: int) -> tuple[Statement | None, int]:
        """The statement that begins here and where it ends; None after what is wrong was reported."""
        text, tokens, at = self._text, list[str](), list[tuple[int, int]]()
        depth = blocks = 0
        routine = False
        while (match := _TOKEN.match(text, place)) is not None:
            kind, found, place = match.lastgroup, match[0], match.end()
            match kind:
                case "skip":
                    continue
                case "word":
                    # E'…' may hold \', which the pattern for plain literals does not know.
                    if found in ("E", "e") and text.startswith("'", place):
                        if (escaped := _ESCAPED.match(text, place)) is None:
                            return self._cut(line, place)
                        found, place = LITERAL, escaped.end()
                    elif 0 < len(tokens) < 4 and found in ("FUNCTION", "PROCEDURE"):
                        routine = tokens[0] == "CREATE"
                    elif routine and found in ("BEGIN", "CASE") and (found == "BEGIN" or blocks):
                        blocks += 1
                    elif routine and found == "END" and blocks:
                        blocks -= 1
                case "literal":
                    found = YES if found in _YES else LITERAL
                case "open":
                    return self._cut(line, place)
                case "dollar":
                    end = text.find(found, place)
                    if end < 0:
                        return self._cut(line, place)
                    place, found = end + len(found), LITERAL
                case "comment":
                    if (after := _after_comment(text, place)) is None:
                        return self._cut(line, place)
                    place = after
                    continue
                case "other" if found in "()":
                    depth += 1 if found == "(" else -1
                case "other" if found == ";" and depth <= 0 and not blocks:
                    return Statement(tokens, line, text, at), place
            tokens.append(found)
            at.append((match.start(), place))
        return self._cut(line, place)

    def _cut(self, line: int, place: int) -> tuple[None, int]:
        self._problems.add(self.file, "a statement has no end: the dump is cut off, or it is none", line=line)
        return None, place


def _line_at(text: str, place: int) -> str:
    found = _LINE.match(text, place)
    return found[0] if found is not None else ""


def _after_comment(text: str, place: int) -> int | None:
    """Comments nest."""
    depth = 1
    for match in _COMMENT.finditer(text, place):
        depth += 1 if match[0] == "/*" else -1
        if not depth:
            return match.end()
    return None


def unquoted(token: str) -> str:
    """The name that a token spells."""
    return token[1:-1].replace('""', '"') if token.startswith('"') else token


_CONNECT = re.compile(r"\\connect (?:-reuse-previous=on )?(?:\"((?:[^\"]|\"\")*)\"|(\S+))\s*")


def connected(command: str) -> str | None:
    """The database that a line `\\connect …` names; None for other commands, "" for one that cannot be read."""
    if not command.startswith("\\connect"):
        return None
    match = _CONNECT.fullmatch(command)
    if match is None:
        return ""
    if match[1] is None:
        return match[2]
    name = match[1].replace('""', '"')
    if (options := re.fullmatch(r"dbname='((?:[^'\\]|\\.)*)'", name, re.DOTALL)) is not None:
        return re.sub(r"\\(.)", r"\1", options[1], flags=re.DOTALL)
    return name
