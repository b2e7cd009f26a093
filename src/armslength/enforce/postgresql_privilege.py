"""What a lease's role gets, as GRANT has it: `SELECT (id, name), UPDATE (state) ON app.accounts`,
`EXECUTE ON FUNCTION app.reopen(integer)`, `USAGE ON SEQUENCE app.numbers`.

Nothing else is taken: no ALL, no GRANT OPTION, no role, nothing that makes objects, and no name without its schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from armslength.enforce.postgresql_names import NAME, identifier, unquoted

Kind = Literal["table", "function", "sequence"]

_NAMED = rf"(?P<schema>{NAME})\.(?P<name>{NAME})"
_COLUMNS = rf"\(\s*{NAME}(?:\s*,\s*{NAME})*\s*\)"
_WORD = rf"(?:SELECT|INSERT|UPDATE|DELETE)(?:\s*{_COLUMNS})?"
_TABLE = re.compile(rf"(?P<what>{_WORD}(?:\s*,\s*{_WORD})*)\s+ON\s+(?:TABLE\s+)?{_NAMED}", re.IGNORECASE)
_FUNCTION = re.compile(rf"EXECUTE\s+ON\s+FUNCTION\s+{_NAMED}\s*\((?P<takes>[a-z0-9_ ,\[\].\"]*)\)", re.IGNORECASE)
_SEQUENCE = re.compile(
    rf"(?P<what>(?:USAGE|SELECT|UPDATE)(?:\s*,\s*(?:USAGE|SELECT|UPDATE))*)\s+ON\s+SEQUENCE\s+{_NAMED}", re.IGNORECASE
)
_ONE = re.compile(r"(?P<word>SELECT|INSERT|UPDATE|DELETE)(?:\s*\((?P<columns>[^()]*)\))?", re.IGNORECASE)
_NAME = re.compile(NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One word of a privilege; `columns` empty: all of the table's, whatever they will be."""

    word: str
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.word} ({', '.join(map(identifier, self.columns))})" if self.columns else self.word


@dataclass(frozen=True, slots=True, kw_only=True)
class Privilege:
    kind: Kind
    rights: tuple[Right, ...]
    schema: str
    name: str
    takes: str = ""
    """The types of a function's arguments, as they are written."""

    @property
    def object(self) -> str:
        """As a statement, or a cast to regclass or regprocedure, names it."""
        named = f"{identifier(self.schema)}.{identifier(self.name)}"
        return f"{named}({self.takes})" if self.kind == "function" else named

    def grant(self, role: str) -> str:
        words = ", ".join(map(str, self.rights))
        return f"GRANT {words} ON {self.kind.upper()} {self.object} TO {identifier(role)}"


def parse_privilege(text: str) -> Privilege:
    """Raises `ValueError`, which says what was expected."""
    text = text.strip()
    if match := _TABLE.fullmatch(text):
        rights = tuple(_rights(match["what"]))
        if any(right.word == "DELETE" and right.columns for right in rights):
            raise ValueError(f"{text[:80]!r}: DELETE takes no columns")
        return Privilege(kind="table", rights=rights, schema=unquoted(match["schema"]), name=unquoted(match["name"]))
    if match := _FUNCTION.fullmatch(text):
        return Privilege(
            kind="function",
            rights=(Right(word="EXECUTE"),),
            schema=unquoted(match["schema"]),
            name=unquoted(match["name"]),
            takes=" ".join(match["takes"].split()),
        )
    if match := _SEQUENCE.fullmatch(text):
        rights = tuple(Right(word=word.strip().upper()) for word in match["what"].split(","))
        return Privilege(kind="sequence", rights=rights, schema=unquoted(match["schema"]), name=unquoted(match["name"]))
    raise ValueError(
        f"the privilege {text[:120]!r}: expected SELECT, INSERT, UPDATE or DELETE, with columns or without, ON"
        " schema.table; EXECUTE ON FUNCTION schema.name(types); or USAGE, SELECT or UPDATE ON SEQUENCE schema.name"
    )


def _rights(text: str) -> Iterator[Right]:
    for match in _ONE.finditer(text):
        columns = match["columns"]
        names = () if columns is None else tuple(unquoted(each) for each in _NAME.findall(columns))
        yield Right(word=match["word"].upper(), columns=names)
