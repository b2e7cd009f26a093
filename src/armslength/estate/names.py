"""The ids that references may name, and what a reference says when it names none.

A typed reference is split at its first colon, so ids may hold colons and slashes. It travels as one number, `pack`ed
from its kind and index, so that a column of a million references is one array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from armslength.estate.model import Bytes, Estate, Ints, Kind, Ref
from armslength.estate.problem import Findings, Speller
from armslength.estate.section import Section
from armslength.estate.sheet import Sheet
from armslength.estate.states import known, not_a_state

SHIFT = 28
MASK = (1 << SHIFT) - 1

WORDS: Mapping[str, Kind] = {
    "person": Kind.PERSON,
    "group": Kind.GROUP,
    "asset": Kind.ASSET,
    "class": Kind.CLASS,
    "terms": Kind.TERMS,
}
EVERYONE = "everyone"

HOLDERS = (Kind.PERSON, Kind.GROUP, Kind.EVERYONE)
MEMBERS = (Kind.PERSON, Kind.GROUP)
TARGETS = (Kind.ASSET, Kind.CLASS, Kind.GROUP, Kind.PERSON, Kind.TERMS)
COVERED = (Kind.ASSET, Kind.CLASS)


def pack(kind: Kind, index: int) -> int:
    """The number that stands for a reference."""
    return kind << SHIFT | index


def unpack(packed: Ints) -> tuple[Bytes, Ints]:
    """Kinds and indexes of a column of packed references; -1 for both where the cell is empty."""
    kinds = (packed >> SHIFT).astype(np.int8)
    return kinds, np.where(packed < 0, np.int32(-1), packed & np.int32(MASK)).astype(np.int32)


def unpack_one(packed: int) -> Ref:
    """As `unpack`, for one reference that is not empty."""
    return Ref(kind=Kind(packed >> SHIFT), index=packed & MASK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The ids of one kind: `places[id]` is its index. `whole` False: the table could not be read in full, so an id
    that is missing here proves nothing. `missing` is what to say of an id that has no place."""

    places: Mapping[str, int]
    missing: str
    whole: bool = True
    speller: Speller = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "speller", Speller(self.places))

    def find(self, name: str) -> int | str:
        """The index; 0 for a missing id if the table is not whole; else what is wrong."""
        place = self.places.get(name)
        if place is not None:
            return place
        if not self.whole:
            return 0
        return f"{name!r} {self.missing}{self.speller.hint(name)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Everything that can be named."""

    people: Index
    entities: Index
    groups: Index
    assets: Index
    classes: Index
    terms: Index
    declared: frozenset[str]
    """States named in [states]."""
    any_state: bool
    """estate.toml could not be read: a state that it may declare is let pass."""

    def of(self, kind: Kind) -> Index:
        """The ids of a kind."""
        match kind:
            case Kind.PERSON:
                return self.people
            case Kind.GROUP:
                return self.groups
            case Kind.ASSET:
                return self.assets
            case Kind.CLASS:
                return self.classes
            case Kind.TERMS:
                return self.terms
            case Kind.EVERYONE:
                return Index(places={EVERYONE: 0}, missing="")

    def state(self, code: str) -> str | None:
        """What is wrong with a state's code, or None."""
        return None if self.any_state or known(code, self.declared) else not_a_state(code, self.declared)

    def typed(self, text: str, kinds: tuple[Kind, ...]) -> int | str:
        """The packed reference that `text` is, or what is wrong with it."""
        if text == EVERYONE and Kind.EVERYONE in kinds:
            return pack(Kind.EVERYONE, 0)
        word, colon, name = text.partition(":")
        kind = WORDS.get(word) if colon else None
        if kind is None or kind not in kinds:
            return f"{text!r}: expected {expected(kinds)}"
        found = self.of(kind).find(name)
        return pack(kind, found) if isinstance(found, int) else f"{word} {found}"

    def index_of(self, packed: int) -> int:
        """The index in a packed reference."""
        return packed & MASK

    def typed_reader(self, kinds: tuple[Kind, ...]) -> Callable[[str], int | str]:
        """`typed` for a whole column: good references take one look-up."""
        tables = {word: (kind << SHIFT, self.of(kind).places) for word, kind in WORDS.items() if kind in kinds}
        nothing: tuple[int, Mapping[str, int]] = (0, {})

        def read(text: str) -> int | str:
            word, _, name = text.partition(":")
            start, places = tables.get(word, nothing)
            place = places.get(name)
            return start | place if place is not None else self.typed(text, kinds)

        return read


def expected(kinds: Iterable[Kind]) -> str:
    """`person:…, group:… or everyone`."""
    words = [EVERYONE if kind is Kind.EVERYONE else f"{kind.name.lower()}:…" for kind in kinds]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def index(sheet: Sheet, column: str, missing: str, findings: Findings) -> Index:
    """The ids of a table in the order of its rows; a repeated one is a problem."""
    sheet.required(column, findings)
    cells = sheet[column]
    places = {value: place for place, value in enumerate(cells.values) if value}
    if len(cells.values) == len(cells.codes):
        return Index(places=places, missing=missing, whole=not sheet.broken)
    seen: dict[int, int] = {}
    for row, code in enumerate(cells.codes.tolist()):
        if not cells.values[code]:
            continue
        first = seen.setdefault(code, row)
        if first != row:
            message = f"{cells.values[code]!r} is repeated: line {sheet.table.line(first)} has it already"
            findings.wrong(sheet.file, message, line=sheet.table.line(row), column=column)
    return Index(places=places, missing=missing, whole=not sheet.broken)


MISSING: Mapping[Kind, str] = {
    Kind.PERSON: "is not in the people table",
    Kind.GROUP: "has no members: expected rows in the groups table, or a row in the unknown table",
    Kind.ASSET: "is not in the assets table",
    Kind.CLASS: "is no asset's class: expected the class of some asset",
    Kind.TERMS: "are not in estate.toml",
}
"""What to say of an id that has no place."""
MISSING_ENTITY = "is not in the entities table"


def names_of(estate: Estate) -> Names:
    """The names of an estate that was read before."""

    def found(kind: Kind, ids: Iterable[str]) -> Index:
        return Index(places={name: place for place, name in enumerate(ids)}, missing=MISSING[kind])

    declared = estate.settings.declared
    return Names(
        people=found(Kind.PERSON, estate.people.ids),
        entities=Index(places={name: place for place, name in enumerate(estate.entities.ids)}, missing=MISSING_ENTITY),
        groups=found(Kind.GROUP, estate.groups.ids),
        assets=found(Kind.ASSET, estate.assets.ids),
        classes=found(Kind.CLASS, estate.classes),
        terms=found(Kind.TERMS, (terms.id for terms in estate.settings.terms)),
        declared=declared,
        any_state=False,
    )


def reference(section: Section, key: str, kinds: tuple[Kind, ...], names: Names) -> tuple[str, Ref] | None:
    """The text and what it names, or None after reporting it."""
    text = section.text(key)
    if text is None:
        return None
    packed = names.typed(text, kinds)
    if isinstance(packed, str):
        section.wrong(packed, key)
        return None
    return text, unpack_one(packed)


def state_codes(section: Section, key: str, names: Names) -> tuple[str, ...] | None:
    """An array of codes, each reported if it is no state."""
    codes = section.texts(key)
    for code in codes or ():
        if (message := names.state(code)) is not None:
            section.wrong(message, key)
    return codes
