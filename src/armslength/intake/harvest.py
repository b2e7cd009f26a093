"""What one source gives to an estate, row by row, each with where it stood.

Rows are those of the estate's tables, and a few kinds more that linking turns into them:

    account      somebody's way into a system (a login, an IAM user, a database role). It is a group, `group:ID`, of
                 those who hold it. Linking finds who does; whoever holds one that nobody was found for is unknown,
                 and stands as a gap in every answer: an account is never taken for nobody's.
    identifier   what a person or an account is known by elsewhere (a mail address, a login), to be linked by
    review       what was not mapped, or taken for more than it is, with the reason: nothing is dropped in silence

Every id of a group or an asset begins with the source's name (`Harvest.id`), so that two sources never share one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Literal

Mark = Literal["mail", "login", "employee", "scim", "subject"]
"""What an identifier is: `mail` an address; `employee` a number from HR; `scim` an id or external id of a directory;
`subject` an identity provider's own id of a user; `login` a name in one system, written `SYSTEM:NAME`, where SYSTEM is
a kind of source (github, aws, …) or a source's name."""


class Matter(StrEnum):
    """Why something needs a look."""

    UNMAPPED = "unmapped"
    """It stands in the source and nowhere in the estate."""
    WIDER = "wider"
    """It was taken for more than it may be: reach may say more than there is."""
    UNKNOWN = "unknown"
    """Who or what it is was not told: it is a gap."""
    AMBIGUOUS = "ambiguous"
    """It could be one of several; none was chosen."""
    CONFLICT = "conflict"
    """Two sources say different things; the one named first in the order of sources counts."""


FIELDS: Mapping[str, tuple[str, ...]] = {
    "people": (
        "id", "unit", "role", "entity", "workplace", "residence", "manager", "name", "more", "origin",
    ),
    "entities": ("id", "state", "parent", "origin"),
    "groups": ("group", "member", "origin"),
    "known": ("group", "origin"),
    "unknown": ("group", "note", "origin"),
    "accounts": ("group", "note", "origin"),
    "identifiers": ("subject", "mark", "value", "origin"),
    "assets": ("id", "kind", "class", "within", "hosted_in", "key", "subjects", "traits", "origin"),
    "grants": ("holder", "action", "target", "terms", "origin"),
    "terms": ("id", "document", "origin"),
    "review": ("matter", "item", "reason", "origin"),
}  # fmt: skip
"""The columns of every kind of row. `more` and `document` are JSON objects; `traits` are words for rules to match."""


class Harvest:
    """The rows of one source. `name` is the source's in this estate (`aws`, `hr`, `prod-db`); `kind` what it is.

    Nothing is checked here but the kind of references: mapping gives the right ones, and the estate that is made of
    all harvests is checked whole before anything is written.
    """

    __slots__ = ("_rows", "_seen", "kind", "name")

    def __init__(self, *, name: str, kind: str) -> None:
        self.name, self.kind = name, kind
        self._rows: dict[str, tuple[list[str], ...]] = {
            table: tuple([] for _ in fields) for table, fields in FIELDS.items()
        }
        self._seen: set[tuple[str, ...]] = set()

    def id(self, *parts: str) -> str:
        """An id of this source: its name and the parts, between slashes."""
        return "/".join((self.name, *parts))

    def columns(self, table: str) -> Mapping[str, list[str]]:
        """The rows of a kind, by column."""
        return dict(zip(FIELDS[table], self._rows[table], strict=True))

    def release(self, table: str) -> Mapping[str, list[str]]:
        """The rows of a kind, which the harvest no longer has: a million of them are half a gigabyte."""
        found = self.columns(table)
        self._rows[table] = tuple([] for _ in FIELDS[table])
        return found

    def rows(self, table: str) -> Iterator[tuple[str, ...]]:
        yield from zip(*self._rows[table], strict=True)

    def count(self, table: str) -> int:
        return len(self._rows[table][0])

    # people and places

    def person(self, id: str, *, origin: str, more: str = "", **cells: str) -> None:
        """A person as HR or a directory has them. `cells`: columns of people.csv, as the source writes them (an
        office's name where a state is wanted: linking.toml says which state that is). `more`: a JSON object of other
        columns. `manager` is an id of this source."""
        row = {"id": id, "more": more, "origin": origin, **cells}
        self._add("people", *(row.pop(field, "") for field in FIELDS["people"]))
        if row:
            raise TypeError(f"no columns of people: {sorted(row)}")

    def entity(self, id: str, *, state: str, parent: str = "", origin: str) -> None:
        self._add("entities", id, state, parent, origin)

    def identifier(self, subject: str, mark: Mark, value: str, *, origin: str) -> None:
        """`subject` (`person:ID`, or `group:ID` of an account) is known by this elsewhere."""
        if value:
            self._once("identifiers", _typed(subject, "person", "group"), mark, value, origin)

    # who belongs where

    def account(self, id: str, *, origin: str, note: str = "") -> None:
        """`group:ID` is an account; `note` says what kind, for whoever looks for its holder."""
        self._once("accounts", id, note, origin)

    def group(self, id: str, *, origin: str) -> None:
        """A group whose members this source tells in full; without any it is known to be empty."""
        self._once("known", id, origin)

    def member(self, group: str, member: str, *, origin: str) -> None:
        """`member`: `person:ID` or `group:ID`. `group` is a bare id."""
        self._add("groups", group, _typed(member, "person", "group"), origin)

    def unknown(self, group: str, note: str, *, origin: str) -> None:
        """A group that may hold people whom this source does not tell; it becomes a gap until linking.toml says who."""
        self._once("unknown", group, note, origin)

    # what can be done

    def asset(
        self,
        id: str,
        *,
        kind: str,
        origin: str,
        within: str = "",
        hosted_in: str = "",
        key: str = "",
        subjects: str = "",
        class_: str = "",
        traits: Iterable[str] = (),
    ) -> None:
        """`traits`: words such as `tag:env=prod`, without spaces, that rules in linking.toml can match."""
        words = " ".join("_".join(trait.split()) for trait in traits)
        self._once("assets", id, kind, class_, within, hosted_in, key, subjects, words, origin)

    def grant(self, holder: str, action: str, target: str, *, origin: str, terms: str = "") -> None:
        """As a row of grants.csv."""
        if holder != "everyone":
            _typed(holder, "person", "group")
        self._add("grants", holder, action, _typed(target, "asset", "class", "group", "person", "terms"), terms, origin)

    def terms(self, id: str, document: str, *, origin: str) -> None:
        """Terms that a source enforces by itself, such as required reviews: a JSON object of the settings that stand
        under `[terms.ID]`. Raises `TypeError` for what TOML cannot say."""
        if not _sayable(settings := json.loads(document)) or not isinstance(settings, dict):
            raise TypeError(f"terms {id!r}: expected an object of texts, numbers, arrays and objects")
        self._once("terms", id, document, origin)

    def review(self, matter: Matter, item: str, reason: str, *, origin: str) -> None:
        self._once("review", matter.value, item, reason, origin)

    def _add(self, table: str, *cells: str) -> None:
        for column, cell in zip(self._rows[table], cells, strict=True):
            column.append(cell)

    def _once(self, table: str, *cells: str) -> None:
        """A row that was said before, wherever it stood, is not said again."""
        key = (table, *cells[:-1])
        if key not in self._seen:
            self._seen.add(key)
            self._add(table, *cells)


def _sayable(value: object) -> bool:
    match value:
        case dict():
            return all(map(_sayable, value.values()))
        case list():
            return all(map(_sayable, value))
        case float():
            return value == value and abs(value) != float("inf")
        case _:
            return value is not None


def _typed(reference: str, *kinds: str) -> str:
    kind, colon, id = reference.partition(":")
    if not (colon and id and kind in kinds):
        raise TypeError(f"{reference!r}: expected a reference of kind {' or '.join(kinds)}")
    return reference
