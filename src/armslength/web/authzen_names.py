"""What AuthZEN's types of subjects and resources stand for in the estate.

A subject of type `person` or `user` is a person. A resource of type `asset` is any asset, and one of an asset's own
`kind` is that asset; `group`, `person` and `terms` are the targets of powers, whatever kinds the estate has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from armslength.estate import Estate
from armslength.gate import PersonId, Target
from armslength.service import Gate

PEOPLE = frozenset({"person", "user"})
OWN = frozenset({"asset", "group", "person", "terms"})
"""Types that mean themselves."""


class Names:
    """Of one estate."""

    def __init__(self, estate: Estate) -> None:
        self._kinds: Mapping[str, str] = dict(zip(estate.assets.ids, estate.assets.kind, strict=True))
        self._has = frozenset(self._kinds.values()) - OWN - {""}

    def person(self, type: str, id: str) -> PersonId | None:
        """Who this is; None for a type that no person has."""
        return PersonId(id) if type in PEOPLE else None

    def target(self, type: str, id: str) -> Target | None:
        """What this is, known or not; None for a type that nothing has, or an asset of another kind."""
        if type in OWN:
            return Target(type=type, id=id)
        return Target(type="asset", id=id) if type in self._has and self._kinds.get(id) == type else None

    def searched(self, type: str) -> str | None:
        """The estate's own type in which things of this type are found; None where there are none."""
        return type if type in OWN else "asset" if type in self._has else None

    def is_of(self, type: str, target: Target) -> bool:
        """Whether what was found is of the type that was searched for."""
        return type == target.type or self._kinds.get(target.id) == type


NamesOf = Callable[[], Names]


def names_of(gate: Gate) -> NamesOf:
    """The names of the estate that holds when they are asked for; read once for each estate."""
    held: tuple[str, Names] | None = None

    def now() -> Names:
        nonlocal held
        decider = gate.decider
        if held is None or held[0] != decider.digest:
            held = (decider.digest, Names(decider.estate))
        return held[1]

    return now
