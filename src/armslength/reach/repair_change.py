"""The changes that a repair may make, and those that it may not.

A change touches one row of the tables as they were read: it puts terms on a grant, drops a grant, or drops a
membership. What each costs is told by `[costs]` in estate.toml, by default 1, 3 and 2.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from armslength.estate import Estate, Table
from armslength.reach.result import Row


class Verb(enum.StrEnum):
    """What is done to the row; the words of `[costs]`."""

    TERMS = "terms"
    DROP_GRANT = "drop_grant"
    DROP_MEMBERSHIP = "drop_membership"


TABLE = {Verb.TERMS: "grants", Verb.DROP_GRANT: "grants", Verb.DROP_MEMBERSHIP: "groups"}
"""The table whose rows a verb changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a plan. `row` names the file and its data row (0-based; `Table.line` gives the line); `terms`
    is the
    id of the terms put on the grant, "" for other verbs. `cost` by `[costs]`.

    `people`: of `terms`, how many hold the grant through this row and would need an approval; of a drop, how many
    hold it, or are members, through this row and would lose it. Who still has the same by another row of the changed
    tables is not counted.
    """

    verb: Verb
    row: Row
    terms: str = ""
    cost: float
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Changes that must not be made: those that fit everything said here. `verb` None: any; `row` (0-based data row of
    `table`) None: every row; `terms` (an id) None: whatever the terms. One that says nothing refuses every change."""

    verb: Verb | None = None
    table: str | None = None
    row: int | None = None
    terms: str | None = None

    def fits(self, verb: Verb, row: int, terms: str = "") -> bool:
        """Whether it refuses this change."""
        return (
            (self.verb is None or self.verb is verb)
            and (self.table is None or self.table == TABLE[verb])
            and (self.row is None or self.row == row)
            and (self.terms is None or self.terms == terms)
        )


def refusal(estate: Estate, text: str) -> Refusal:
    """What a user writes to refuse changes, read against the tables: words in any order, of

    - a verb: `terms`, `drop_grant` or `drop_membership`;
    - a row by its line: `grants.csv:12`, `groups.parquet:7`;
    - certain terms: `terms:two-apart`.

    `drop_membership` refuses to drop any membership, `grants.csv:12` any change of that row, `terms grants.csv:12`
    only to put terms on it. Raises ValueError with what was expected.
    """
    found: dict[str, Verb | str | int] = {}
    for word in text.split():
        for key, value in _read(estate, word).items():
            if key in found and found[key] != value:
                raise ValueError(f"{text!r} names two of one kind: expected one verb, one row, one terms at most")
            found[key] = value
    verb, table, row, terms = (found.get(key) for key in ("verb", "table", "row", "terms"))
    if not found:
        raise ValueError(f"{text!r}: expected {_EXPECTED}")
    if terms is not None:
        if verb not in (None, Verb.TERMS):
            raise ValueError(f"{text!r}: terms are put on grants only: expected the verb terms or none")
        verb = Verb.TERMS
    if isinstance(verb, Verb) and table is not None and TABLE[verb] != table:
        raise ValueError(f"{text!r}: {verb} changes no row of that table: expected a row of {TABLE[verb]}")
    return Refusal(
        verb=verb if isinstance(verb, Verb) else None,
        table=table if isinstance(table, str) else None,
        row=row if isinstance(row, int) else None,
        terms=terms if isinstance(terms, str) else None,
    )


_EXPECTED = "terms, drop_grant, drop_membership, a line such as grants.csv:12, or terms such as terms:two-apart"


def _read(estate: Estate, word: str) -> dict[str, Verb | str | int]:
    if word in tuple(Verb):
        return {"verb": Verb(word)}
    head, colon, rest = word.partition(":")
    if colon and head == "terms":
        ids = [terms.id for terms in estate.settings.terms]
        if rest not in ids:
            known = f"one of {', '.join(ids)}" if ids else "none: estate.toml has no terms"
            raise ValueError(f"{rest!r} are no terms of estate.toml: expected {known}")
        return {"terms": rest}
    file, colon, line = word.rpartition(":")
    for name in sorted(set(TABLE.values())):
        table = estate.tables[name]
        if colon and table.file == file:
            if not (line.isascii() and line.isdigit()):
                raise ValueError(f"{word!r}: {line!r} is no line: expected a number, as in {file}:12")
            return {"table": name, "row": _row(table, int(line))}
    raise ValueError(f"{word!r}: expected {_EXPECTED}")


def _row(table: Table, line: int) -> int:
    """The data row that begins at a line of the file."""
    if table.lines is None:
        row = line - 2
        found = 0 <= row < len(table)
    else:
        row = int(table.lines.searchsorted(line))
        found = row < len(table) and int(table.lines[row]) == line
    if not found:
        raise ValueError(f"{table.file}:{line}: no row begins here: expected a line with a row (the header is 1)")
    return row
