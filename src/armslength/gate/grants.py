"""The grants, by what they are for: those that carry terms are ways through the gate, standing ones lead past it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from armslength.estate import Estate, Kind
from armslength.gate.outcome import Passage
from armslength.gate.roster import Roster

_Aim = tuple[int, int, int]
"""An action, and the kind and the place of a grant's target."""

_Holder = tuple[int, int]
"""The kind and the place of a grant's holder."""


class GrantIndex:
    """Who holds which grant (semantics, rules 4 and 5)."""

    def __init__(self, estate: Estate, roster: Roster) -> None:
        self._estate, self._roster = estate, roster
        self._actions = {action: place for place, action in enumerate(estate.actions)}
        grants = estate.grants
        self._gated: dict[_Aim, dict[_Holder, list[int]]] = {}
        for row in np.flatnonzero(grants.terms >= 0).tolist():
            aim = (int(grants.action[row]), int(grants.target_kind[row]), int(grants.target[row]))
            holder = (int(grants.holder_kind[row]), int(grants.holder[row]))
            self._gated.setdefault(aim, {}).setdefault(holder, []).append(row)
        standing = np.flatnonzero(grants.terms < 0)
        action, kind = grants.action[standing].astype(np.int64), grants.target_kind[standing].astype(np.int64)
        keys = (action * len(Kind) + kind) << 32 | grants.target[standing].astype(np.int64)
        order = np.argsort(keys, kind="stable")
        # As a view, a key is read as an int, which is what makes a search of it quick.
        self._keys, self._standing = keys[order].data, standing[order]
        self._holders: dict[int, frozenset[_Holder]] = {}

    def gated(self, person: int, action: str, kind: Kind, target: int) -> tuple[Passage, ...]:
        """The grants with terms that give a person the action on a target, in the order of the table."""
        if not self._gated:
            return ()
        rows: set[int] = set()
        mine = self.holder(person)
        for aim in self._aims(action, kind, target):
            if (held := self._gated.get(aim)) is not None:
                for holder in held.keys() & mine:
                    rows.update(held[holder])
        return tuple(self._passage(row) for row in sorted(rows))

    def standing(self, person: int, action: str, kind: Kind, target: int) -> bool:
        """Whether a grant without terms gives it: access that the gate has no part in."""
        grants = self._estate.grants
        mine = self.holder(person)
        for aim in self._aims(action, kind, target):
            key = _key(*aim)
            first = bisect_left(self._keys, key)
            last = bisect_right(self._keys, key, first)
            if first == last:
                continue
            rows = self._standing[first:last]
            held = zip(grants.holder_kind[rows].tolist(), grants.holder[rows].tolist(), strict=True)
            if any(holder in mine for holder in held):
                return True
        return False

    def holders(self, action: str, kind: Kind, target: int) -> npt.NDArray[np.bool_]:
        """Shape [P]: who has a grant with terms that gives the action on a target."""
        found = np.zeros(len(self._estate.people.ids), dtype=np.bool_)
        for aim in self._aims(action, kind, target):
            for holder_kind, holder in self._gated.get(aim, ()):
                match Kind(holder_kind):
                    case Kind.EVERYONE:
                        found[:] = True
                    case Kind.GROUP:
                        found[self._roster.membership.members(holder)] = True
                    case Kind.PERSON:
                        found[holder] = True
                    case Kind.ASSET | Kind.CLASS | Kind.TERMS:
                        raise ValueError(f"{Kind(holder_kind).name.lower()} cannot hold a grant")
        return found

    def holder(self, person: int) -> frozenset[_Holder]:
        """Everything as which a person can hold a grant."""
        found = self._holders.get(person)
        if found is None:
            groups = ((int(Kind.GROUP), group) for group in self._roster.groups(person))
            found = frozenset({(int(Kind.EVERYONE), 0), (int(Kind.PERSON), person), *groups})
            self._holders[person] = found
        return found

    def _aims(self, action: str, kind: Kind, target: int) -> Iterator[_Aim]:
        """What a grant may be for to give an action on a target."""
        number = self._actions[action]
        yield number, int(kind), target
        match kind:
            case Kind.ASSET:
                assets = self._estate.assets
                while target >= 0:
                    if assets.of_class[target] >= 0:
                        yield number, int(Kind.CLASS), int(assets.of_class[target])
                    target = int(assets.within[target])
                    if target >= 0:
                        yield number, int(Kind.ASSET), target
            case Kind.PERSON:
                for group in self._roster.groups(target):
                    yield number, int(Kind.GROUP), group
            case Kind.GROUP | Kind.CLASS | Kind.TERMS | Kind.EVERYONE:
                pass

    def _passage(self, row: int) -> Passage:
        grants = self._estate.grants
        line = self._estate.tables["grants"].line(int(grants.row[row]))
        return Passage(rule=f"grants:{line}", terms=self._estate.settings.terms[int(grants.terms[row])].id)


def _key(action: int, kind: int, target: int) -> int:
    return (action * len(Kind) + kind) << 32 | target
