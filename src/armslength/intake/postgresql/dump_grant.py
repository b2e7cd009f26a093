"""GRANT and REVOKE on objects, as pg_dump writes them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from armslength.intake.postgresql.cluster import PUBLIC, Rights
from armslength.intake.postgresql.dump_text import Statement, unquoted
from armslength.intake.postgresql.predefined import all_of

KINDS = {
    "TABLE": 1,
    "SEQUENCE": 1,
    "DATABASE": 1,
    "SCHEMA": 1,
    "FUNCTION": 1,
    "PROCEDURE": 1,
    "ROUTINE": 1,
    "LANGUAGE": 1,
    "TYPE": 1,
    "DOMAIN": 1,
    "TABLESPACE": 1,
    "PARAMETER": 1,
    "FOREIGN": 2,
    "LARGE": 2,
}
"""First words of a kind, and how many words it has; FOREIGN DATA WRAPPER has three."""


@dataclass(frozen=True, slots=True)
class Grant:
    """`privileges`: each with its column, or "". `schema` is empty for what lies in none. `names`: the object's own, a
    function's with its arguments."""

    revoke: bool
    privileges: tuple[tuple[str, str], ...]
    kind: str
    schema: str
    names: str
    grantee: str

    def apply(self, rights: Rights, origin: str, column: str = "") -> None:
        """`column` stands for the privilege's own where there is none."""
        for privilege, own in self.privileges:
            key = (self.grantee, privilege, own or column)
            if self.revoke:
                rights.pop(key, None)
            else:
                rights.setdefault(key, origin)


def grant_of(statement: Statement, version: int) -> Grant | None:
    """None where the statement is none that can be read."""
    tokens = statement.tokens
    try:
        on = tokens.index("ON")
        kind, place = tokens[on + 1], on + 2
        if kind not in KINDS:
            return None
        if KINDS[kind] == 2:
            kind, place = f"{kind} {tokens[on + 2]}", on + 3
            if kind == "FOREIGN DATA":
                kind, place = "FOREIGN DATA WRAPPER", on + 4
        start, place = place, place + 1
        # A parameter may have any number of parts; everything else a schema at most.
        while tokens[place] == ".":
            place += 2
        last = place - 1
        schema = unquoted(tokens[start]) if last > start and kind != "PARAMETER" else ""
        name = ".".join(unquoted(t) for t in tokens[start:place:2]) if kind == "PARAMETER" else unquoted(tokens[last])
        if tokens[place] == "(":
            close = _close(tokens, place)
            name += arguments(statement, place, close)
            place = close + 1
        revoke = tokens[0] == "REVOKE"
        if tokens[place] != ("FROM" if revoke else "TO"):
            return None
        grantee = PUBLIC if tokens[place + 1] == "PUBLIC" else unquoted(tokens[place + 1])
        return Grant(revoke, _privileges(tuple(tokens[1:on]), kind, version), kind, schema, name, grantee)
    except (IndexError, ValueError):
        return None


def arguments(statement: Statement, open_: int, close: int) -> str:
    """Of a function, in parentheses, as they were written, on one line."""
    return " ".join(statement.slice(open_, close).split())


def _close(tokens: list[str], place: int) -> int:
    """The parenthesis that closes the one here."""
    depth = 0
    for at in range(place, len(tokens)):
        depth += (tokens[at] == "(") - (tokens[at] == ")")
        if not depth:
            return at
    raise ValueError


@lru_cache(4096)
def _privileges(tokens: tuple[str, ...], kind: str, version: int) -> tuple[tuple[str, str], ...]:
    """Most of a dump's grants say the same few things."""
    if tokens[:3] == ("GRANT", "OPTION", "FOR"):
        return ()
    found: list[tuple[str, str]] = []
    words: list[str] = []
    columns: list[str] = []
    depth = 0

    def done() -> None:
        name = " ".join(words)
        if name in ("ALL", "ALL PRIVILEGES"):
            key = {"PROCEDURE": "FUNCTION", "ROUTINE": "FUNCTION"}.get(kind, kind)
            names = all_of(key, version)
            # Of a column only four can be granted.
            names = tuple(n for n in names if n in ("SELECT", "INSERT", "UPDATE", "REFERENCES")) if columns else names
        else:
            names = ("TEMPORARY" if name == "TEMP" else name,)
        found.extend((each, column) for each in names for column in columns or [""])

    for token in tokens:
        if token == "(":
            depth += 1
        elif token == ")":
            depth -= 1
        elif token == ",":
            if not depth:
                done()
                words, columns = [], []
        elif depth:
            columns.append(unquoted(token))
        else:
            words.append(token)
    done()
    return tuple(found)
