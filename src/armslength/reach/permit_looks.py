"""A policy's people and targets, merged further: by what it says of them whatever they enter, not by how they look to
it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

from armslength.reach.permit_columns import Bools, Codes
from armslength.reach.permit_view import View

_FEW = 4
"""So many groups that bring into different places are tried in every combination; where there are more, people are kept
as they look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """One policy for one action. `person`, `target` number the classes, one entry a row of the view's sides;
    `live_people`, `live_targets`, one entry a class: whether the permit may hold, or the forbid must, for any other
    side whatever they enter; `held[c, n]`: who is in the n-th of the view's places by the tables."""

    view: View
    action: str
    person: Codes
    target: Codes
    rows: Codes
    columns: Codes
    live_people: Bools
    live_targets: Bools
    held: Bools
    _said: dict[frozenset[int], Bools] = field(default_factory=dict)

    @property
    def movable(self) -> frozenset[int]:
        """The groups whose entering can change what the policy says."""
        return frozenset[int]().union(*self.view.people.places)

    def says(self, entered: frozenset[int]) -> Bools:
        """Shape [classes of people, classes of targets]: what the policy says where people have entered these
        groups."""
        touched = self.view.touched(entered)
        if touched not in self._said:
            self._said[touched] = self.view.says(self.action, entered)[np.ix_(self.rows, self.columns)]
        return self._said[touched]

    def moved(self, group: int, entered: frozenset[int]) -> Bools:
        """Shape [classes of people]: whom entering `group` brings into a place where they are not yet."""
        new = self.view.touched(frozenset({group})) - self.view.touched(entered)
        found: Bools = np.any(~self.held[:, sorted(new)], axis=1)
        return found

    def people(self, chosen: Codes) -> Codes:
        """The class of each of these people."""
        return self.person[self.view.people.rows.of[chosen]]

    def targets(self, chosen: Codes) -> Codes:
        """The class of each of these targets."""
        return self.target[self.view.aim.targets.rows.of[chosen]]

    @property
    def live(self) -> bool:
        """Whether the policy says anything of anyone."""
        return bool(self.live_people.any())


def looks(view: View, action: str) -> Looks:
    """Merge what `view` says of `action`."""
    people, targets = view.people, view.aim.targets
    rows, columns = len(people.rows), len(targets.rows)
    person: Codes
    target: Codes
    if view.vague:
        person, target = np.zeros(rows, dtype=np.int8), np.zeros(columns, dtype=np.int8)
        kept_rows = kept_columns = np.zeros(1, dtype=np.int64)
        live_people = live_targets = np.full(1, view.aim.policy.permits)
    elif (ways := _ways(view)) is not None:
        said = np.stack([view.says(action, entered) for entered in ways])
        person, kept_rows = _alike(np.concatenate([said.transpose(1, 0, 2).reshape(rows, -1), people.held], axis=1))
        said = said[:, kept_rows]
        target, kept_columns = _alike(said.transpose(2, 0, 1).reshape(columns, -1))
        live_people = np.any(said, axis=(0, 2))
        live_targets = np.any(said, axis=(0, 1))[kept_columns]
    else:
        person, kept_rows = np.arange(rows), np.arange(rows)
        target, kept_columns = np.arange(columns), np.arange(columns)
        live_people, live_targets = np.ones(rows, dtype=np.bool_), np.ones(columns, dtype=np.bool_)
    return Looks(
        view=view,
        action=action,
        person=person,
        target=target,
        rows=kept_rows,
        columns=kept_columns,
        live_people=live_people,
        live_targets=live_targets,
        held=people.held[kept_rows],
    )


def _ways(view: View) -> list[frozenset[int]] | None:
    """Sets of groups to enter that bring people into every combination of places there is; None where these are
    many."""
    alike: dict[frozenset[int], int] = {}
    for group in sorted(frozenset[int]().union(*view.people.places)):
        alike.setdefault(view.touched(frozenset({group})), group)
    if len(alike) > _FEW:
        return None
    groups = sorted(alike.values())
    return [frozenset(chosen) for size in range(len(groups) + 1) for chosen in combinations(groups, size)]


def _alike(table: Bools) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The class of each row of a table, and the first row of each class."""
    numbers: dict[bytes, int] = {}
    packed = np.packbits(table, axis=1) if table.shape[1] else np.zeros((len(table), 1), dtype=np.uint8)
    of = np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in packed], dtype=np.int64)
    first = np.zeros(len(numbers), dtype=np.int64)
    first[of[::-1]] = np.arange(len(table) - 1, -1, -1)
    return of, first
