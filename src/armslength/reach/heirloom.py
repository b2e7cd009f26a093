"""Heirlooms: ballots of one model that are the same in another, with all that was settled for them.

A ballot is the same if its rule has the same crowds and nobody in it looks otherwise. Where somebody left, people have
other indexes; classes and what is known of them stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from armslength.reach.ballot import Ballot
from armslength.reach.classes import Classes
from armslength.reach.matching import Matching
from armslength.reach.rules import Rule
from armslength.reach.seeds import Seeds
from armslength.reach.spread import Ints

if TYPE_CHECKING:
    from armslength.reach.solution import Model


class Heirlooms:
    """For the model `new`, from `old`. Those where states have other indexes are none."""

    def __init__(self, old: Model, new: Model, match: Matching, found: Seeds) -> None:
        self._old, self._new, self._match = old, new, match
        back = np.full(len(new.estate.people.ids), -1, dtype=np.int32)
        stays = np.flatnonzero(match.people >= 0)
        back[match.people[stays]] = stays
        self._changed = np.array(sorted({*back[sorted(found.changed)].tolist(), *found.gone.tolist()}), dtype=np.int32)
        self._other = found.fresh | found.more | found.less
        # Classes tell exposures by state and values by code.
        self._same = old.estate.states == new.estate.states and not match.came.size and not found.odd.size
        # They list people in the order of the table.
        self._same = self._same and bool((np.diff(match.people[stays]) > 0).all())
        self._moves = not np.array_equal(match.people, np.arange(len(match.people)))
        self._tables: dict[int, Classes | None] = {}
        self._alike: dict[str, bool] = {}

    def codes(self) -> Mapping[str, Ints]:
        """Values as the old model numbers them, of the same people."""
        if not self._same:
            return {}
        kept = self._match.people >= 0
        return {name: codes[kept] for name, codes in self._old.quorums.coded.items()}

    def ballot(self, rule: Rule, opened: frozenset[int]) -> Ballot | None:
        if not self._same or rule.number in self._other:
            return None
        theirs = self._old.graph.rules[self._match.rules[rule.number]]
        found = self._old.quorums.known(theirs, opened)
        if found is None or not all(map(self._numbered, self._new.quorums.distinct(rule))):
            return None
        asking, approving = self._table(found.requesters), self._table(found.approvers)
        if asking is None or approving is None:
            return None
        if asking is found.requesters and approving is found.approvers:
            return found
        return replace(found, requesters=asking, approvers=approving, known=found.known, stands={})

    def _numbered(self, name: str) -> bool:
        """Whether values have the same codes in both models, so that classes of both go together."""
        if name not in self._alike:
            theirs = self.codes().get(name)
            self._alike[name] = theirs is not None and np.array_equal(theirs, self._new.quorums.codes(name))
        return self._alike[name]

    def _table(self, classes: Classes) -> Classes | None:
        """The same classes with the new indexes of their people; None where somebody looks otherwise or left."""
        key = id(classes)
        if key not in self._tables:
            self._tables[key] = self._moved(classes)
        return self._tables[key]

    def _moved(self, classes: Classes) -> Classes | None:
        if self._changed.size and (classes.of(self._changed) >= 0).any():
            return None
        if not self._moves:
            return classes
        people = self._match.people
        return replace(classes, people=people[classes.people], sorted_people=people[classes.sorted_people])
