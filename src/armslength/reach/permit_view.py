"""One policy over all people and all targets of a kind: what it says of each pair of looks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from armslength.estate import Kind
from armslength.reach.permit_aim import Aim
from armslength.reach.permit_atoms import Atoms
from armslength.reach.permit_cedar import Entity, given, may_hold, must_hold
from armslength.reach.permit_columns import TYPES, Bools, classes
from armslength.reach.permit_form import Uid
from armslength.reach.permit_side import Side
from armslength.reach.permit_spent import PAIRS, QUESTIONS, Spent

_TOGETHER = 64
"""Questions that share one set of entities; a larger set makes each question dearer."""


@dataclass(slots=True, kw_only=True)
class View:
    """What the policy of `aim` says of its targets and of people. `spent` is noted."""

    aim: Aim
    atoms: Atoms
    people: Side
    spent: Spent
    _known: dict[tuple[object, ...], bool] = field(default_factory=dict)

    @property
    def vague(self) -> bool:
        """Whether there are too many looks to ask about: an over-report."""
        return len(self.people.rows) * len(self.aim.targets.rows) > PAIRS

    def touched(self, entered: frozenset[int]) -> frozenset[int]:
        """The places that somebody who entered these groups is in, as numbers of `people.places`: all that it
        changes."""
        return frozenset(n for n, groups in enumerate(self.people.places) if groups & entered)

    def says(self, action: str, entered: frozenset[int]) -> Bools:
        """Shape [rows of people, rows of targets]: whether the permit may hold, or the forbid must, for people who have
        entered these groups besides their own. Of shape [1, 1] where the view is vague."""
        if self.vague:
            return np.full((1, 1), self.aim.policy.permits)
        people, targets = self.people, self.aim.targets
        rows, columns = len(people.rows), len(targets.rows)
        if not self.aim.concerns(action) or not rows or not columns:
            return np.zeros((rows, columns), dtype=np.bool_)
        held = people.held.copy()
        held[:, sorted(self.touched(entered))] = True
        truths = [truth.reshape(-1) for truth in self._truths()]
        asker = classes(rows, [people.look, *held.T])
        pairs = classes(rows * columns, [np.repeat(asker.of, columns), np.tile(targets.look, rows), *truths])
        found = np.zeros(len(pairs), dtype=np.bool_)
        wanted: list[tuple[int, tuple[object, ...], int, int]] = []
        for number, first in enumerate(pairs.first.tolist()):
            row, column = divmod(first, columns)
            seen = (int(people.look[row]), held[row].tobytes(), int(targets.look[column]))
            known = (action, *seen, *(int(truth[first]) for truth in truths))
            if known in self._known:
                found[number] = self._known[known]
            elif len(self._known) + len(wanted) >= QUESTIONS:
                found[number] = self.aim.policy.permits
            else:
                wanted.append((number, known, row, column))
        together = 1 if self._alone() else _TOGETHER
        for start in range(0, len(wanted), together):
            some = wanted[start : start + together]
            asked = [(row, column) for _, _, row, column in some]
            for (number, known, _, _), answer in zip(some, self._ask(action, entered, asked), strict=True):
                found[number] = self._known[known] = answer
        self.spent.note(questions=len(self._known))
        return found[pairs.of].reshape(rows, columns)

    def _alone(self) -> bool:
        """Whether the entities of one question could contradict another's: a person who asks in one and is aimed at in
        the next or is looked at in it, a subject that lies in one target and is the other."""
        looked_at = any(kind == TYPES[Kind.PERSON] for kind, _ in self.aim.sight.subjects)
        return looked_at or self.aim.targets.kind is Kind.PERSON or bool(self.aim.targets.subjects)

    def _truths(self) -> list[npt.NDArray[np.int8]]:
        """Shape [rows of people, rows of targets] for each atom that reads both sides."""
        both = [atom for atom in self.aim.sight.atoms if atom.person and atom.target]
        return [
            self.atoms.truth(atom, self.aim.targets.kind)[np.ix_(asker, target)]
            for atom, asker, target in zip(both, self.people.read, self.aim.targets.read, strict=True)
        ]

    def _ask(self, action: str, entered: frozenset[int], pairs: list[tuple[int, int]]) -> list[bool]:
        asks = may_hold if self.aim.policy.permits else must_hold
        act: Uid = ("Action", action)
        askers = {row: self.aim.asker(int(self.people.rows.first[row]), entered) for row, _ in pairs}
        targets = {column: self.aim.target(column) for _, column in pairs}
        every = {act: Entity(uid=act, attributes={})}
        for _, column in pairs:
            every |= self.aim.subjects(column, targets[column].uid)
        every |= {one.uid: one for one in (*targets.values(), *askers.values())}
        entities = given(every.values())
        return [
            # Who may assume themselves gains nothing by it, so the two are taken to be different people.
            askers[row].uid != targets[column].uid
            and asks(self.aim.policies, entities, askers[row].uid, act, targets[column].uid)
            for row, column in pairs
        ]
