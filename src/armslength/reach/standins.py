"""Stand-ins: whether others can take a person's place in every quorum that is open to all, in which the person sits
without being an accomplice: compelled, or made to act by somebody's power.

Such others are exposed to nothing more and act wherever the person does. There must be so many of them that in each
quorum one is free, with values that nobody in it has. Whoever names the person as an accomplice has to ask again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from armslength.reach.columns import ANY, Columns, Words
from armslength.reach.rules import Rule
from armslength.reach.spread import Flags, Ints

if TYPE_CHECKING:
    from armslength.reach.solution import Model


class StandIns:
    """`among` [P]: who may stand in. `rules`: those open to all, with up to `most` accomplices."""

    def __init__(self, model: Model, among: Flags, rules: Sequence[Rule], most: int) -> None:
        self._model, self._among, self._most = model, among, most
        settings = model.estate.settings
        self._distinct = {rule.terms: settings.terms[rule.terms].distinct for rule in rules}
        self._size = max((settings.terms[rule.terms].approvals + 1 for rule in rules), default=1)
        self._sets, self._of = model.exposure.sets, model.exposure.of

    def columns(self, person: int, columns: Columns, true: Words | None) -> dict[int, Words]:
        """For each terms, the columns in which others can stand in for the person, shape [W]. `true` [W, N]: all that
        may be true in each column; None where only columns count in which the person is exposed."""
        mine, home = self._sets[self._of[person]], self._model.estate.settings.home
        # No quorum looks at home states.
        no_worse = np.array([members - home <= mine for members in self._sets], dtype=np.bool_)
        some = self._among & no_worse[self._of]
        some[person] = False
        found = {terms: np.zeros(columns.words, dtype=np.uint64) for terms in self._distinct}
        outside = []
        for c, column in enumerate(columns.each):
            if column.state not in mine:
                outside.append(c)
                continue
            too = np.array([column.state in members for members in self._sets], dtype=np.bool_)
            for terms in self._each(person, np.flatnonzero(some & too[self._of]).astype(np.int32)):
                found[terms] |= columns.mask([c])
        if true is None or any(column.state == ANY for column in columns.each):
            return found
        good = columns.mask(outside)
        lost = self._brought(person, some, good, true)
        for terms, mask in found.items():
            mask |= good & ~lost.get(terms, np.zeros_like(good))
        return found

    def _each(self, person: int, people: Ints) -> set[int]:
        """The terms for which `people` are so many that one is free in any quorum."""
        enough = self._size + self._most
        return {terms for terms, distinct in self._distinct.items() if self._free(person, people, distinct, enough)}

    def _free(self, person: int, people: Ints, distinct: tuple[str, ...], others: int) -> bool:
        codes = [self._model.quorums.codes(name) for name in distinct]
        if any(code[person] < 0 for code in codes):
            # Who lacks a value sits in no such quorum.
            return True
        if len(self._same(person, people, codes)) > others:
            return True
        for free in codes:
            # Alike but for one column, in which they have more values than the others can take.
            alike = self._same(person, people, [code for code in codes if code is not free])
            values = np.unique(free[alike])
            if int((values >= 0).sum()) > others:
                return True
        return len(codes) > 1 and self._apart(people, codes, others)

    @staticmethod
    def _same(person: int, people: Ints, codes: Sequence[Ints]) -> Ints:
        for code in codes:
            people = people[code[people] == code[person]]
        return people

    @staticmethod
    def _apart(people: Ints, codes: Sequence[Ints], others: int) -> bool:
        """Whether so many of `people` share no value with each other that one is left when each of the others takes
        one of every column."""
        for code in codes:
            people = people[code[people] >= 0]
        taken = [set[int]() for _ in codes]
        count = 0
        for values in zip(*(code[people].tolist() for code in codes), strict=True):
            if not any(value in held for value, held in zip(values, taken, strict=True)):
                for value, held in zip(values, taken, strict=True):
                    held.add(value)
                count += 1
                if count > others * len(codes):
                    return True
        return False

    def _brought(self, person: int, some: Flags, columns: Words, true: Words) -> dict[int, Words]:
        """For each terms, the columns in which the person may be made to act by what makes too few others act."""
        graph = self._model.graph
        place = np.flatnonzero(graph.edges.target == person)
        sources = np.unique(np.searchsorted(graph.edges.start, place, side="right") - 1)
        found: dict[int, Words] = {}
        for source in sources.tolist():
            mask = true[:, source] & columns if source < graph.layout.rules else columns
            if not mask.any():
                continue
            targets, _ = graph.edges.of(source)
            targets = np.unique(targets[targets < len(some)])
            good = self._each(person, targets[some[targets]])
            for terms in self._distinct.keys() - good:
                found[terms] = found.get(terms, np.zeros_like(mask)) | mask
        return found
