"""A policy's people and targets, merged further: by what it says of them whatever they enter, not by how they look to
it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from armslength.reach.permit_columns import Bools, Codes
from armslength.reach.permit_view import View

_FEW = 4
"""So many groups are tried in every combination; a policy that names more keeps its people as they look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """One policy for one action. `person`, `target` number the classes, one entry a row of the view's sides;
    `live_people`, `live_targets`, one entry a class: whether the permit may hold, or the forbid must, for any other
    side whatever they enter; `member[c, g]`: who is in `movable[g]` by the tables."""

    view: View
    action: str
    person: Codes
    target: Codes
    rows: Codes
    columns: Codes
    live_people: Bools
    live_targets: Bools
    movable: tuple[int, ...]
    member: Bools
    _said: dict[frozenset[int], Bools] = field(default_factory=dict)

    def says(self, entered: frozenset[int]) -> Bools:
        """Shape [classes of people, classes of targets]: what the policy says where people have entered these
        groups."""
        told = entered & frozenset(self.movable)
        if told not in self._said:
            self._said[told] = self.view.says(self.action, told)[np.ix_(self.rows, self.columns)]
        return self._said[told]

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
    movable = view.movable
    rows, columns = len(view.people.rows), len(view.aim.targets.rows)
    member = np.zeros((rows, len(movable)), dtype=np.bool_)
    for number, group in enumerate(movable):
        member[:, number] = view.member(group)
    if len(movable) <= _FEW:
        said = np.stack([view.says(action, entered) for entered in _subsets(movable)])
        person, kept_rows = _alike(np.concatenate([said.transpose(1, 0, 2).reshape(rows, -1), member], axis=1))
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
        movable=movable,
        member=member[kept_rows],
    )


def _subsets(groups: tuple[int, ...]) -> Iterator[frozenset[int]]:
    for size in range(len(groups) + 1):
        yield from map(frozenset, combinations(groups, size))


def _alike(table: Bools) -> tuple[Codes, Codes]:
    """The class of each row of a table, and the first row of each class."""
    numbers: dict[bytes, int] = {}
    packed = np.packbits(table, axis=1) if table.shape[1] else np.zeros((len(table), 1), dtype=np.uint8)
    of = np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in packed], dtype=np.int64)
    first = np.zeros(len(numbers), dtype=np.int64)
    first[of[::-1]] = np.arange(len(table) - 1, -1, -1)
    return of, first
