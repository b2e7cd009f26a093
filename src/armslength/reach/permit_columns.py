"""The tables as policies see them: for every person or target, one number for each thing that a policy may look at.

Cedar's `in` reaches through nesting, so being in a group, class or asset is worked out here, flat, cycles included. A
group lies in nothing: what a policy says of groups to enroll in, it says of each by name (semantics, "Cedar policies").
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from armslength.estate import Estate, Kind
from armslength.reach.exposure import Exposure
from armslength.reach.permit_form import Uid
from armslength.reach.permit_sight import ATTRIBUTES

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int32]
Codes = npt.NDArray[np.integer]
"""Small numbers without a sign of their own: classes, rows, places."""

TYPES: Mapping[Kind, str] = {
    Kind.PERSON: "Person",
    Kind.GROUP: "Group",
    Kind.ASSET: "Asset",
    Kind.CLASS: "Class",
    Kind.TERMS: "Terms",
}
_KINDS = {name: kind for kind, name in TYPES.items()}
_WIDEST = 1 << 22
_KEPT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """Those that look alike: `of[n]` is the class of n, `first[c]` the first member of class c."""

    of: Codes
    first: Codes

    def __len__(self) -> int:
        return len(self.first)


def classes(count: int, columns: Sequence[npt.NDArray[Any]]) -> Classes:
    """Classes of equal rows over `columns`, each of shape [count] and without negative numbers."""
    of, size = np.zeros(count, dtype=np.int64), 1
    for column in columns if count else ():
        width = int(column.max()) + 1
        if width > 1:
            of, size = _dense(of * width + column, size * width)
    first = np.zeros(size if count else 0, dtype=np.int64)
    if size > 1:
        first[of[::-1]] = np.arange(count - 1, -1, -1)
    return Classes(of=of.astype(np.min_scalar_type(size)), first=first)


def _dense(of: npt.NDArray[np.int64], size: int) -> tuple[npt.NDArray[np.int64], int]:
    if size > _WIDEST:
        kept, inverse = np.unique(of, return_inverse=True)
        return inverse.reshape(-1).astype(np.int64), len(kept)
    used = np.zeros(size, dtype=np.int64)
    used[of] = 1
    number = np.cumsum(used) - 1
    return number[of], int(number[-1]) + 1


@dataclass(slots=True, kw_only=True)
class Columns:
    """The columns of one estate on one day. `membership(g)` tells who is in group g by the tables, shape [P]."""

    estate: Estate
    exposure: Exposure
    membership: Callable[[int], Bools]
    _values: dict[tuple[Kind, str], tuple[Codes, list[object]]] = field(default_factory=dict)
    _index: dict[Kind, dict[str, int]] = field(default_factory=dict)
    _membership: dict[int, Bools] = field(default_factory=dict)

    def ids(self, kind: Kind) -> Sequence[str]:
        match kind:
            case Kind.PERSON:
                return self.estate.people.ids
            case Kind.GROUP:
                return self.estate.groups.ids
            case Kind.ASSET:
                return self.estate.assets.ids
            case Kind.CLASS:
                return self.estate.classes
            case Kind.TERMS:
                return tuple(terms.id for terms in self.estate.settings.terms)
            case Kind.EVERYONE:
                return ()

    def find(self, uid: Uid) -> tuple[Kind, int] | None:
        """What the tables hold under a name that a policy uses."""
        kind = _KINDS.get(uid[0])
        if kind is None:
            return None
        if kind not in self._index:
            self._index[kind] = {name: i for i, name in enumerate(self.ids(kind))}
        index = self._index[kind].get(uid[1])
        return None if index is None else (kind, index)

    def codes(self, kind: Kind, attribute: str) -> Codes:
        """Shape [n]: equal numbers for equal values of an attribute of `kind`."""
        return self._column(kind, attribute)[0]

    def attributes(self, kind: Kind, index: int) -> dict[str, object]:
        """The attributes of one entity as Cedar takes them."""
        found: dict[str, object] = {}
        for name in ATTRIBUTES.get(kind, ()):
            codes, values = self._column(kind, name)
            found[name] = values[int(codes[index])]
        return found

    def texts(self, kind: Kind, attribute: str, some: Codes) -> list[str]:
        """The value of an attribute, of each of some entities by index, as JSON."""
        codes, values = self._column(kind, attribute)
        texts = [json.dumps(value) for value in values]
        return [texts[code] for code in codes[some].tolist()]

    def inside(self, kind: Kind, uid: Uid) -> Bools:
        """Shape [n]: which entities of `kind` are, or lie in, the entity that a policy names."""
        found = np.zeros(len(self.ids(kind)), dtype=np.bool_)
        place = self.find(uid)
        match (kind, place):
            case (_, None):
                return found
            case (Kind.PERSON, (Kind.GROUP, group)):
                return self._members(group)
            case (Kind.ASSET, (Kind.CLASS, number)):
                return self._sunk(self.estate.assets.of_class == number)
            case (Kind.ASSET, (Kind.ASSET, asset)):
                found[asset] = True
                return self._sunk(found)
            case _:
                pass
        if place is not None and place[0] is kind:
            found[place[1]] = True
        return found

    def above(self, kind: Kind, index: int, among: Collection[Uid]) -> frozenset[Uid]:
        """Which of these entities one entity lies in, itself not counted."""
        match kind:
            case Kind.ASSET:
                return frozenset(uid for uid in self._over(index) if uid in among)
            case Kind.PERSON:
                groups = ((uid, self.find(uid)) for uid in among if uid[0] == "Group")
                return frozenset(uid for uid, place in groups if place is not None and self._members(place[1])[index])
            case _:
                return frozenset()

    def holding(self, kind: Kind, subject: tuple[Kind, int]) -> Bools:
        """Shape [n]: in which entities of `kind` a person or asset lies by the tables, itself not counted."""
        found = np.zeros(len(self.ids(kind)), dtype=np.bool_)
        every = {(TYPES[kind], name): index for index, name in enumerate(self.ids(kind))}
        for uid in self.above(*subject, every):
            found[every[uid]] = True
        return found

    def _members(self, group: int) -> Bools:
        if len(self._membership) >= _KEPT:
            self._membership.clear()
        if group not in self._membership:
            self._membership[group] = self.membership(group)
        return self._membership[group]

    def _over(self, asset: int) -> Iterator[Uid]:
        assets = self.estate.assets
        while asset >= 0:
            if assets.of_class[asset] >= 0:
                yield "Class", self.estate.classes[int(assets.of_class[asset])]
            asset = int(assets.within[asset])
            if asset >= 0:
                yield "Asset", assets.ids[asset]

    def _sunk(self, marked: Bools) -> Bools:
        """With all that lies within what is marked."""
        within = self.estate.assets.within
        nested = np.flatnonzero(within >= 0)
        found = marked.copy()
        while (new := nested[~found[nested] & found[within[nested]]]).size:
            found[new] = True
        return found

    def _column(self, kind: Kind, attribute: str) -> tuple[Codes, list[object]]:
        key = (kind, attribute)
        if key not in self._values:
            self._values[key] = self._find_column(kind, attribute)
        return self._values[key]

    def _find_column(self, kind: Kind, attribute: str) -> tuple[Codes, list[object]]:
        people, assets = self.estate.people, self.estate.assets
        match attribute:
            case "states":
                return self.exposure.of.astype(np.int64), [self._spelled(states) for states in self.exposure.sets]
            case "unit":
                return _texts(people.columns.get("unit"), len(people.ids))
            case "entity":
                return people.entity.astype(np.int64) + 1, ["", *self.estate.entities.ids]
            case "hosted_in":
                return self._sets(assets.hosts)
            case "shielded_from":
                return self._sets(assets.shielded_from)
            case _:
                raise KeyError(f"{TYPES[kind]} has no attribute {attribute!r}")

    def _sets(self, cells: Sequence[frozenset[int]]) -> tuple[Codes, list[object]]:
        numbers: dict[frozenset[int], int] = {}
        codes = np.array([numbers.setdefault(cell, len(numbers)) for cell in cells], dtype=np.int64)
        return codes, [self._spelled(cell) for cell in numbers]

    def _spelled(self, states: frozenset[int]) -> list[str]:
        return sorted(self.estate.states[s] for s in states)


def _texts(column: pl.Series | None, count: int) -> tuple[Codes, list[object]]:
    if column is None or not count:
        return np.zeros(count, dtype=np.int64), [""]
    codes = column.rank("dense").to_numpy().astype(np.int64) - 1
    kinds = classes(count, [codes])
    return codes, [column[int(i)] for i in kinds.first]
