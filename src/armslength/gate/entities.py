"""The tables as Cedar is told them: everything that a policy could look at, made once for an estate and a day.

Cedar refuses circles, and nesting in groups may have some; so people lie flat in all their groups, and a group lies in
nothing (semantics, "Cedar policies").
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import cedarpy

from armslength.estate import Estate, Kind
from armslength.gate.roster import Roster
from armslength.reach import Columns, Uid

KINDS: Mapping[str, Kind] = {
    "asset": Kind.ASSET,
    "group": Kind.GROUP,
    "person": Kind.PERSON,
    "terms": Kind.TERMS,
}
"""What the types of a target are in the tables."""

TYPES: Mapping[Kind, str] = {
    Kind.PERSON: "Person",
    Kind.GROUP: "Group",
    Kind.ASSET: "Asset",
    Kind.CLASS: "Class",
    Kind.TERMS: "Terms",
}
"""What Cedar calls them."""

Form = dict[str, object]


class Entities:
    """The entities of an estate, with those of their parents that policies name (`named`): Cedar can be asked after no
    others, but for a group that is itself the resource. `whole` holds all; a question costs the same however many."""

    def __init__(self, estate: Estate, roster: Roster, named: frozenset[Uid]) -> None:
        self._roster, self._named = roster, named
        self.columns = Columns(estate=estate, exposure=roster.exposure, membership=roster.membership.is_member)
        self._places = {kind: {name: i for i, name in enumerate(self.columns.ids(kind))} for kind in TYPES}
        self._groups = {group: ("Group", name) for name, group in self._found(Kind.GROUP)}
        self._actions = [_entity(("Action", name), {}, ()) for name in estate.actions]
        self.whole = _given([*self._people(), *self._others(), *self._actions])

    def find(self, kind: Kind, name: str) -> int | None:
        """Where an id stands in its table."""
        return self._places[kind].get(name)

    def uid(self, kind: Kind, place: int) -> Uid:
        return TYPES[kind], self.columns.ids(kind)[place]

    def above(self, kind: Kind, place: int) -> frozenset[Uid]:
        """What an entity lies in of what policies name, itself not counted."""
        match kind:
            case Kind.PERSON:
                return frozenset(self._groups[group] for group in self._groups.keys() & self._roster.groups(place))
            case Kind.ASSET:
                return self.columns.above(kind, place, self._named)
            case Kind.GROUP | Kind.CLASS | Kind.TERMS | Kind.EVERYONE:
                return frozenset()

    def near(
        self, person: int, states: frozenset[str], resource: tuple[Kind, int], named: Iterable[Uid]
    ) -> cedarpy.Entities:
        """The person as exposed to `states`, the resource, and what is `named` by the policies that will look. These
        see nothing else, for no attribute leads from one entity to another."""
        seen = {resource}
        for type_, name in named:
            kind = _KIND_OF.get(type_)
            place = None if kind is None else self._places[kind].get(name)
            if kind is not None and place is not None:
                seen.add((kind, place))
        forms = [self._form(kind, place, resource) for kind, place in sorted(seen - {(Kind.PERSON, person)})]
        mine = self._form(Kind.PERSON, person, resource)
        attributes = {**self.columns.attributes(Kind.PERSON, person), "states": sorted(states)}
        return _given([*forms, {**mine, "attrs": attributes}, *self._actions])

    def _form(self, kind: Kind, place: int, resource: tuple[Kind, int]) -> Form:
        above = self.above(kind, place)
        if kind is Kind.PERSON and resource[0] is Kind.GROUP and resource[1] in self._roster.groups(place):
            above |= {self.uid(*resource)}
        return _entity(self.uid(kind, place), self.columns.attributes(kind, place), above)

    def _people(self) -> list[Form]:
        parents: list[list[Uid]] = [[] for _ in self.columns.ids(Kind.PERSON)]
        for group, uid in self._groups.items():
            for place in self._roster.membership.members(group).tolist():
                parents[place].append(uid)
        return [
            _entity(self.uid(Kind.PERSON, place), self.columns.attributes(Kind.PERSON, place), above)
            for place, above in enumerate(parents)
        ]

    def _others(self) -> list[Form]:
        return [
            _entity(self.uid(kind, place), self.columns.attributes(kind, place), self.above(kind, place))
            for kind in (Kind.GROUP, Kind.ASSET, Kind.CLASS, Kind.TERMS)
            for place in range(len(self.columns.ids(kind)))
        ]

    def _found(self, kind: Kind) -> list[tuple[str, int]]:
        """The entities of a kind that policies name."""
        names = [name for type_, name in sorted(self._named) if type_ == TYPES[kind]]
        return [(name, place) for name in names if (place := self._places[kind].get(name)) is not None]


_KIND_OF = {name: kind for kind, name in TYPES.items()}


def _entity(uid: Uid, attributes: Mapping[str, object], parents: Iterable[Uid]) -> Form:
    return {
        "uid": {"type": uid[0], "id": uid[1]},
        "attrs": dict(attributes),
        "parents": [{"type": kind, "id": name} for kind, name in sorted(parents)],
    }


def _given(forms: list[Form]) -> cedarpy.Entities:
    return cedarpy.Entities.from_json_str(json.dumps(forms), release_gil=True)
