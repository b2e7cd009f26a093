"""The menu: every change that a repair may choose, row by row, and what the chosen ones make of the estate.

A row is a key: a grant by its row of the grants table, a membership by its row of the groups table plus the number of
grants. Every key has one status: a grant the terms that it carries (-1: standing), a membership `KEPT`, either `GONE`.
An option changes the status of one key; of the options on one key a plan takes one at most. Options are made when
first asked for: most rows are never looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction

import numpy as np

from armslength.estate import Estate, Grants, Groups, Kind, Ref, drop_grants, drop_memberships, row_costs, set_all_terms
from armslength.reach.repair_change import Refusal, Verb
from armslength.reach.result import Row

Key = int
Status = int

Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]

KEPT: Status = 0
GONE: Status = -2

FINEST = 10**6
"""Costs count to one part in so many."""


class Menu:
    """`spare(holder, terms)` tells whether terms may be put on what `holder` holds (`repair_able`)."""

    def __init__(self, estate: Estate, refused: Iterable[Refusal], spare: Callable[[Ref, int], bool]) -> None:
        self.estate, self._refused, self._spare = estate, tuple(refused), spare
        self.grants = len(estate.grants)
        self._costs = {verb: row_costs(estate, verb.value) for verb in Verb}
        exact = {Fraction(repr(float(cost))) for costs in self._costs.values() for cost in set(costs.tolist())}
        self.unit = next((10**n for n in range(7) if all((cost * 10**n).denominator == 1 for cost in exact)), FINEST)
        """Weights are costs times this, whole numbers."""
        self.key: list[Key] = []
        self.status: list[Status] = []
        self.weight: list[int] = []
        self._of: dict[Key, tuple[int, ...]] = {}
        self._number: dict[tuple[Key, Status], int] = {}
        self._divided: dict[tuple[Key, frozenset[Status]], tuple[frozenset[int], frozenset[int]]] = {}

    def original(self, key: Key) -> Status:
        """The status that the tables give."""
        return int(self.estate.grants.terms[key]) if key < self.grants else KEPT

    def options(self, key: Key) -> tuple[int, ...]:
        """The numbers of the allowed changes of one row, terms first."""
        found = self._of.get(key)
        if found is None:
            wanted = [*self._terms(key), GONE] if key < self.grants else [GONE]
            found = self._of[key] = tuple(self._make(key, s) for s in wanted if self._allowed(key, s))
        return found

    def option(self, key: Key, status: Status) -> int | None:
        """The number of the change that gives a row this status, or None where it is not allowed."""
        self.options(key)
        return self._number.get((key, status))

    def divided(self, key: Key, statuses: frozenset[Status]) -> tuple[frozenset[int], frozenset[int]]:
        """The options that give a row one of these statuses, and those that give it another."""
        found = self._divided.get((key, statuses))
        if found is None:
            options = self.options(key)
            inside = frozenset(o for o in options if self.status[o] in statuses)
            found = self._divided[key, statuses] = inside, frozenset(options) - inside
        return found

    def verb(self, option: int) -> Verb:
        return self._verb(self.key[option], self.status[option])

    def row(self, option: int) -> Row:
        """The row that an option changes."""
        return self.row_of(self.key[option])

    def row_of(self, key: Key) -> Row:
        table, row = ("grants", key) if key < self.grants else ("groups", key - self.grants)
        return Row(file=self.estate.tables[table].file, row=row)

    def terms(self, option: int) -> str:
        """The id of the terms that an option puts on a grant; "" for others."""
        status = self.status[option]
        return "" if self.verb(option) is not Verb.TERMS else self.estate.settings.terms[status].id

    def cost(self, option: int) -> float:
        key = self.key[option]
        return float(self._costs[self.verb(option)][self._row(key)])

    def refused(self, key: Key) -> bool:
        """Whether some change of the row was refused."""
        wanted = [*range(len(self.estate.settings.terms)), GONE] if key < self.grants else [GONE]
        return any(not self._granted(key, s) for s in wanted)

    def holder(self, key: Key) -> Ref:
        """Who holds a grant."""
        grants = self.estate.grants
        return Ref(kind=Kind(int(grants.holder_kind[key])), index=int(grants.holder[key]))

    def dropped(self, chosen: Iterable[int]) -> tuple[int, ...]:
        """The membership rows that some options drop, ascending."""
        return tuple(sorted(self.key[o] - self.grants for o in chosen if self.key[o] >= self.grants))

    def applied(self, chosen: Iterable[int], grants: Bools | None = None, groups: Bools | None = None) -> Estate:
        """The estate with some options taken, for the engine alone: `row` still names the rows as they were read, and
        the tables are left as they are. Of rows not in `grants` and `groups` (all by default) nothing is kept."""
        terms = self.estate.grants.terms.copy()
        grants_kept = np.ones(self.grants, dtype=np.bool_) if grants is None else grants.copy()
        groups_kept = np.ones(len(self.estate.groups.row), dtype=np.bool_) if groups is None else groups.copy()
        for option in chosen:
            key, status = self.key[option], self.status[option]
            if key >= self.grants:
                groups_kept[key - self.grants] = False
            elif status == GONE:
                grants_kept[key] = False
            else:
                terms[key] = status
        return _with(self.estate, terms, grants_kept, groups_kept)

    def edited(self, chosen: Iterable[int]) -> Estate:
        """The estate with some options taken by the edits of the estate room, tables and all. Raises `EstateError`
        where
        the tables could not be read so."""
        estate = self.estate
        options = sorted(chosen, key=lambda o: self.key[o])
        estate = set_all_terms(estate, {self.key[o]: self.terms(o) for o in options if self.verb(o) is Verb.TERMS})
        estate = drop_grants(estate, [self.key[o] for o in options if self.verb(o) is Verb.DROP_GRANT])
        gone = [self.key[o] - self.grants for o in options if self.verb(o) is Verb.DROP_MEMBERSHIP]
        return drop_memberships(estate, gone)

    def _terms(self, key: Key) -> list[Status]:
        return [r for r in range(len(self.estate.settings.terms)) if r != self.original(key)]

    def _allowed(self, key: Key, status: Status) -> bool:
        if not self._granted(key, status):
            return False
        return self._verb(key, status) is not Verb.TERMS or self._spare(self.holder(key), status)

    def _granted(self, key: Key, status: Status) -> bool:
        verb = self._verb(key, status)
        terms = self.estate.settings.terms[status].id if verb is Verb.TERMS else ""
        return not any(refusal.fits(verb, self._row(key), terms) for refusal in self._refused)

    def _verb(self, key: Key, status: Status) -> Verb:
        if key >= self.grants:
            return Verb.DROP_MEMBERSHIP
        return Verb.DROP_GRANT if status == GONE else Verb.TERMS

    def _row(self, key: Key) -> int:
        return key if key < self.grants else key - self.grants

    def _make(self, key: Key, status: Status) -> int:
        option = len(self.key)
        self.key.append(key)
        self.status.append(status)
        cost = float(self._costs[self._verb(key, status)][self._row(key)])
        self.weight.append(round(Fraction(repr(cost)) * self.unit))
        self._number[key, status] = option
        return option


def _with(
    estate: Estate,
    terms: np.ndarray[tuple[int], np.dtype[np.int32]],
    grants_kept: Bools,
    groups_kept: Bools,
) -> Estate:
    grants, groups = estate.grants, estate.groups
    return replace(
        estate,
        grants=Grants(
            holder_kind=grants.holder_kind[grants_kept],
            holder=grants.holder[grants_kept],
            action=grants.action[grants_kept],
            target_kind=grants.target_kind[grants_kept],
            target=grants.target[grants_kept],
            terms=terms[grants_kept],
            row=grants.row[grants_kept],
        ),
        groups=Groups(
            ids=groups.ids,
            unknown=groups.unknown,
            group=groups.group[groups_kept],
            member_kind=groups.member_kind[groups_kept],
            member=groups.member[groups_kept],
            row=groups.row[groups_kept],
        ),
    )
