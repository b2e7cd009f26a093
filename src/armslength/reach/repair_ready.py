"""Models of an estate under one plan after another: what no change of a row touches is made once.

Most grants of an estate lead to nothing that a floor covers, and most memberships to no group that matters; they are
left out, which changes no answer. Policies are asked again only where a plan changes who is in a group that one sees.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from armslength.estate import ENROLL, Estate, Kind
from armslength.reach.construction import Construction
from armslength.reach.exposure import Exposure
from armslength.reach.membership import Membership
from armslength.reach.pairs import Pairs
from armslength.reach.permits import gate_permits
from armslength.reach.repair_menu import Menu
from armslength.reach.repair_sight import Sights
from armslength.reach.solution import Model, Permits

Bools = npt.NDArray[np.bool_]
Key = tuple[frozenset[int], frozenset[int]]
KEPT = 64
"""Readings of the policies kept at a time."""


class Ready:
    """Makes models for one question; `sights` tells which groups policies see."""

    def __init__(
        self,
        exposure: Exposure,
        asked: Pairs,
        at: dt.date,
        menu: Menu,
        sights: Sights,
        expired: Callable[[], bool],
    ) -> None:
        self._exposure, self._asked, self._at, self._menu = exposure, asked, at, menu
        self._expired = expired
        self._read: dict[Key, Permits] = {}
        estate = menu.estate
        membership = Membership(estate)
        everyone = gate_permits(estate, exposure, membership.is_member)
        self._grants = _leading(estate, Construction(estate, membership, asked))
        named = _named(estate, self._grants)
        named |= {g for one in everyone if one.target_kind is Kind.GROUP for g in one.targets.tolist()}
        self._groups = _below(estate, membership, named | sights.groups)
        self._seen = _below(estate, membership, sights.groups)

    def model(self, chosen: Iterable[int]) -> Model:
        """The estate with some options taken."""
        options = list(chosen)
        estate = self._menu.applied(options, self._grants, self._groups)
        seen = frozenset(row for row in self._menu.dropped(options) if self._seen[row])
        return _Model(estate, self._exposure, self._asked, self._at, self._expired, seen, self._read)


class _Model(Model):
    """A model with permits `read` before where `seen`, the memberships gone of those that policies see, are the same,
    and so are the groups that enrolment could give."""

    def __init__(
        self,
        estate: Estate,
        exposure: Exposure,
        asked: Pairs,
        at: dt.date,
        expired: Callable[[], bool],
        seen: frozenset[int],
        read: dict[Key, Permits],
    ) -> None:
        enroll = estate.actions.index(ENROLL)
        self._key: Key = seen, frozenset(np.unique(estate.grants.target[estate.grants.action == enroll]).tolist())
        self._known = read
        super().__init__(estate, exposure, asked, at, expired)

    def _read(self) -> Permits:
        found = self._known.get(self._key)
        if found is None:
            found = super()._read()
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[self._key] = found
        return found


def _leading(estate: Estate, construction: Construction) -> Bools:
    """The grants that give something that a floor could be broken by."""
    grants, at = estate.grants, construction.layout
    slots = np.full(len(estate.actions), -1, dtype=np.int64)
    slots[list(at.slot)] = list(at.slot.values())
    slot = slots[grants.action]
    # Powers over people, groups and terms always may.
    found = ~np.isin(grants.target_kind, [Kind.ASSET, Kind.CLASS])
    for kind, needed in ((Kind.ASSET, construction.needed), (Kind.CLASS, construction.class_needed)):
        some = np.flatnonzero((grants.target_kind == kind) & (slot >= 0))
        found[some] = needed[slot[some], grants.target[some]]
    return found


def _named(estate: Estate, some: Bools) -> set[int]:
    """The groups that certain grants and all terms name."""
    grants = estate.grants
    found = set(np.unique(grants.holder[some & (grants.holder_kind == Kind.GROUP)]).tolist())
    found |= set(np.unique(grants.target[some & (grants.target_kind == Kind.GROUP)]).tolist())
    for terms in estate.settings.terms:
        refs = (terms.approvers, *(place.of for place in terms.places))
        found |= {ref.index for ref in refs if ref.kind is Kind.GROUP}
    return found


def _below(estate: Estate, membership: Membership, named: Iterable[int]) -> Bools:
    """The memberships in certain groups, and in those nested in them."""
    inside = frozenset[int]().union(*(membership.within(g) for g in named))
    found = np.zeros(len(estate.groups.ids), dtype=np.bool_)
    found[sorted(inside)] = True
    kept: Bools = found[estate.groups.group]
    return kept
