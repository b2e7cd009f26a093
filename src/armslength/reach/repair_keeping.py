"""Keeping: what dropped memberships must leave: groups with members, terms with people enough to meet them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from armslength.estate import Estate, Kind, Ref
from armslength.reach.permit_policy import policies
from armslength.reach.repair_able import Ability
from armslength.reach.repair_clause import Clause, clause
from armslength.reach.repair_menu import GONE, Key, Menu
from armslength.reach.rules import STANDING

EVERYONE = Ref(kind=Kind.EVERYONE)


class Keeping:
    """Looks at the memberships that a plan drops; without any there is nothing to lose."""

    def __init__(self, estate: Estate, menu: Menu, ability: Ability) -> None:
        self._estate, self._menu, self._ability = estate, menu, ability
        self._size = np.bincount(estate.groups.group, minlength=len(estate.groups.ids))
        self._carrying: dict[tuple[Ref, int], list[Key]] = {}
        for key in np.flatnonzero(estate.grants.terms >= 0).tolist():
            self._carrying.setdefault((menu.holder(key), int(estate.grants.terms[key])), []).append(key)
        self._permitting = sorted({p.terms for p in policies(estate) if p.permits and p.terms != STANDING})

    def lost(self, chosen: frozenset[int]) -> Iterator[Clause]:
        """Clauses that a plan does not meet: it would leave a group empty that something may name, or take the
        quorum, or
        the one to spare, from terms that are in use."""
        menu = self._menu
        dropped = frozenset(menu.key[o] - menu.grants for o in chosen if menu.key[o] >= menu.grants)
        if dropped:
            yield from self._emptied(dropped)
            yield from self._unable(chosen, dropped)

    def _emptied(self, dropped: frozenset[int]) -> Iterator[Clause]:
        groups = self._estate.groups
        rows = np.array(sorted(dropped), dtype=np.int64)
        gone = np.bincount(groups.group[rows], minlength=len(groups.ids))
        for group in np.flatnonzero((gone > 0) & (gone == self._size)).tolist():
            if group not in groups.unknown:
                mine = np.flatnonzero(groups.group == group).tolist()
                yield clause(self._menu, self._gone(mine))

    def _unable(self, chosen: frozenset[int], dropped: frozenset[int]) -> Iterator[Clause]:
        menu = self._menu
        changed = {menu.key[o]: menu.status[o] for o in chosen if menu.key[o] < menu.grants}
        carrying: dict[tuple[Ref, int], list[Key]] = {}
        for use, keys in self._carrying.items():
            if kept := [key for key in keys if key not in changed]:
                carrying[use] = kept
        for key, status in changed.items():
            if status != GONE:
                carrying.setdefault((menu.holder(key), status), []).append(key)
        for (holder, terms), keys in carrying.items():
            culprits = self._ability.culprits(holder, terms, dropped)
            if culprits is not None:
                for key in keys:
                    yield clause(menu, {**self._gone(sorted(culprits)), key: frozenset({terms})})
        for terms in self._permitting:
            culprits = self._ability.culprits(EVERYONE, terms, dropped)
            if culprits is not None:
                yield clause(menu, self._gone(sorted(culprits)))

    def _gone(self, rows: list[int]) -> dict[Key, frozenset[int]]:
        return dict.fromkeys((self._menu.grants + row for row in rows), frozenset({GONE}))
