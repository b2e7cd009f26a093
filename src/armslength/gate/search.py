"""Searches: for whom, on what, and which action a question would be let pass (AuthZEN, "Search APIs").

Those whom no rule can tell apart are asked about once: people and targets are alike where the attributes are the same
that a policy may look at, and the entities that some policy names and they are or lie in, and the grants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from armslength.estate import Estate, Kind
from armslength.gate.entities import KINDS, TYPES, Entities
from armslength.gate.freshness import Ages
from armslength.gate.grants import GrantIndex
from armslength.gate.outcome import Look, Open, Standing
from armslength.gate.question import Question
from armslength.gate.request import PersonId, Target
from armslength.gate.roster import Roster
from armslength.gate.slices import Slices
from armslength.reach import TARGETS as AIMS
from armslength.reach import Uid, classes
from armslength.tlog import Json

_ATTRIBUTES: Mapping[Kind, tuple[str, ...]] = {
    Kind.PERSON: ("states", "unit", "entity"),
    Kind.ASSET: ("hosted_in", "shielded_from"),
}
_HOLDS: Mapping[Kind, frozenset[str]] = {
    Kind.PERSON: frozenset({"Group"}),
    Kind.ASSET: frozenset({"Asset", "Class"}),
}
"""What entities of a kind may lie in."""

_WORDS = {kind: word for word, kind in KINDS.items()}

Column = npt.NDArray[Any]


class Search:
    """Searches by the looks of one decider. `opened`: those for whom a quorum is asked, instead of those who need
    none."""

    def __init__(
        self,
        look: Callable[[Question], Look],
        estate: Estate,
        roster: Roster,
        entities: Entities,
        ages: Ages,
        grants: GrantIndex,
        slices: Slices,
    ) -> None:
        self._look, self._estate, self._roster, self._entities = look, estate, roster, entities
        self._ages, self._grants, self._slices = ages, grants, slices

    def subjects(
        self, action: str, resource: Target, context: Mapping[str, Json], opened: bool
    ) -> tuple[PersonId, ...]:
        """The people, in the order of their table."""
        ids = self._estate.people.ids
        place = self._place(action, resource)
        if place is None or not ids:
            return ()
        kind, target = place
        columns = self._columns(Kind.PERSON, action, kind)
        if kind in (Kind.PERSON, Kind.GROUP):
            columns.append(self._inside(Kind.PERSON, self._entities.uid(kind, target)))
        columns.append(self._grants.holders(action, kind, target))

        def passes(person: int) -> bool:
            return self._passes(PersonId(ids[person]), action, resource, context, opened)

        return tuple(PersonId(ids[person]) for person in self._those(len(ids), columns, passes))

    def resources(
        self, executor: PersonId, action: str, context: Mapping[str, Json], type: str, opened: bool
    ) -> tuple[Target, ...]:
        """The targets of a type of `TARGETS`, in the order of their table."""
        kind, person = KINDS.get(type), self._entities.find(Kind.PERSON, executor)
        if kind is None or person is None or kind not in AIMS.get(action, (Kind.ASSET,)):
            return ()
        ids = self._entities.columns.ids(kind)
        if not ids or action not in self._estate.actions:
            return ()
        columns = self._columns(kind, action, kind)
        met = {person} if kind is Kind.PERSON else self._roster.groups(person) if kind is Kind.GROUP else frozenset()
        columns.append(self._flags(len(ids), lambda target: target in met))
        columns.append(self._flags(len(ids), lambda target: bool(self._grants.gated(person, action, kind, target))))

        def passes(target: int) -> bool:
            return self._passes(executor, action, Target(type=type, id=ids[target]), context, opened)

        return tuple(Target(type=type, id=ids[target]) for target in self._those(len(ids), columns, passes))

    def actions(
        self, executor: PersonId, resource: Target, context: Mapping[str, Json], opened: bool
    ) -> tuple[str, ...]:
        """The actions, by name."""
        every = self._estate.actions
        return tuple(each for each in every if self._passes(executor, each, resource, context, opened))

    def _place(self, action: str, resource: Target) -> tuple[Kind, int] | None:
        kind = KINDS.get(resource.type)
        target = None if kind is None else self._entities.find(kind, resource.id)
        if kind is None or target is None or action not in self._estate.actions:
            return None
        return (kind, target) if kind in AIMS.get(action, (Kind.ASSET,)) else None

    def _passes(
        self, executor: PersonId, action: str, resource: Target, context: Mapping[str, Json], opened: bool
    ) -> bool:
        question = Question(
            executor=executor, asker=executor, author=None, action=action, resource=resource, context=context
        )
        return isinstance(self._look(question), Open if opened else Standing)

    def _columns(self, kind: Kind, action: str, aimed: Kind) -> list[Column]:
        """What the policies about an action on targets of a kind (`aimed`) may see of the entities of `kind`."""
        found, see = self._entities.columns, self._slices.named(action, aimed)
        columns: list[Column] = [found.codes(kind, name) for name in _ATTRIBUTES.get(kind, ())]
        itself = {name: number for number, (type_, name) in enumerate(sorted(see), 1) if type_ == TYPES[kind]}
        columns.append(np.array([itself.get(name, 0) for name in found.ids(kind)], dtype=np.int64))
        columns += [self._inside(kind, uid) for uid in sorted(see) if uid[0] in _HOLDS.get(kind, ())]
        match kind:
            case Kind.PERSON:
                columns.append(self._ages.people_now())
            case Kind.ASSET:
                columns.append(self._ages.assets)
            case Kind.GROUP | Kind.CLASS | Kind.TERMS | Kind.EVERYONE:
                pass
        return columns

    def _inside(self, kind: Kind, uid: Uid) -> Column:
        """Shape [n]: which entities of a kind are, or lie in, another."""
        if uid[0] == TYPES[Kind.GROUP]:
            group = self._entities.find(Kind.GROUP, uid[1])
            assert group is not None  # every entity that a policy names is in the estate
            return self._roster.membership.is_member(group)
        return self._entities.columns.inside(kind, uid)

    @staticmethod
    def _flags(count: int, holds: Callable[[int], bool]) -> Column:
        return np.fromiter((holds(place) for place in range(count)), dtype=np.bool_, count=count)

    @staticmethod
    def _those(count: int, columns: list[Column], passes: Callable[[int], bool]) -> list[int]:
        """Those who pass, one of each class being asked about."""
        of = np.zeros(count, dtype=np.int64)
        for column in columns:
            of = classes(count, [of, column.astype(np.int64)]).of.astype(np.int64)
        first = classes(count, [of]).first
        passed = np.array([passes(int(place)) for place in first], dtype=np.bool_)
        found: list[int] = np.flatnonzero(passed[of]).tolist()
        return found
