"""Pairs: which (state, action, asset) a question asks for, under which floor, and up to which cap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from armslength.estate import POWERS, Estate, Kind, Ref
from armslength.reach.exposure import Exposure
from armslength.reach.result import Ints, Question, Small

UNASKED = -2
UNFLOORED = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """`action`, `asset`: shape [K], the pairs asked of any state. `floor`: shape [S, K], rows as in `states`: the
    highest
    floor, `UNFLOORED`, or `UNASKED`. `cap`: the question's cap."""

    states: tuple[int, ...]
    action: Ints
    asset: Ints
    floor: Small
    cap: int

    @property
    def highest_cap(self) -> int:
        """A floor of n is judged with a cap of at least n - 1."""
        return max(self.cap, int(self.floor.max(initial=0)) - 1)

    def caps(self) -> Small:
        """Shape [S, K]: the cap of each pair."""
        return np.maximum(self.floor.astype(np.int16) - 1, self.cap).astype(np.int8)


def universe(estate: Estate, exposure: Exposure) -> frozenset[int]:
    """The states that appear: in an exposure on that day or a `hosted_in`, closed upward, or in a floor's `against`."""
    upward = estate.settings.upward
    found: set[int] = set()
    used = np.unique(exposure.of)
    for number in used.tolist():
        found |= exposure.sets[number]
    for hosts in set(estate.assets.hosted_in):
        for state in hosts:
            found |= upward[state]
    for floor in estate.settings.floors:
        found |= floor.against or frozenset()
    return frozenset(found)


def covered(estate: Estate, target: Ref) -> npt.NDArray[np.bool_]:
    """Shape [T]: the assets that a grant or floor on `target` covers, with all that lies within (rule 4)."""
    assets = estate.assets
    inside = np.zeros(len(assets.ids), dtype=np.bool_)
    if target.kind is Kind.CLASS:
        inside |= assets.of_class == target.index
    else:
        inside[target.index] = True
    return spread_down(inside, assets.within)


def spread_down(inside: npt.NDArray[np.bool_], within: Ints) -> npt.NDArray[np.bool_]:
    """Add every asset that lies within one of `inside`; `within` has no cycle."""
    has_parent = within >= 0
    while True:
        more = inside.copy()
        more[has_parent] |= inside[within[has_parent]]
        if np.array_equal(more, inside):
            return inside
        inside = more


def spread_up(needed: npt.NDArray[np.bool_], within: Ints) -> npt.NDArray[np.bool_]:
    """Shape [A, T]: add every asset that one of `needed` lies within."""
    child = np.flatnonzero(within >= 0)
    while True:
        more = needed.copy()
        for row, known in zip(more, needed, strict=True):
            np.logical_or.at(row, within[child], known[child])
        if np.array_equal(more, needed):
            return needed
        needed = more


def listed_actions(estate: Estate) -> list[int]:
    """The actions that --all and a floor's "*" mean: all that a grant on an asset or class, a permit or a floor names,
    powers left out. Ascending indexes."""
    place = {action: i for i, action in enumerate(estate.actions)}
    named = set(np.unique(estate.grants.action).tolist())
    named |= {place[f.action] for f in estate.settings.floors if f.action is not None}
    if estate.policy is not None:
        named |= {place[action] for action in estate.policy.permitted}
    return sorted(named - {place[power] for power in POWERS})


def pairs(estate: Estate, exposure: Exposure, question: Question) -> Pairs:
    """Settle what is asked (semantics, "What comes out"): the pairs under floors, or all of them with --all."""
    appearing = universe(estate, exposure)
    wanted_states = sorted(appearing & question.states if question.states else appearing)
    row = {state: i for i, state in enumerate(wanted_states)}
    usual = listed_actions(estate)
    floors = estate.settings.floors
    named = {estate.actions.index(f.action) for f in floors if f.action is not None}
    actions = sorted({*usual, *named})
    if question.actions:
        actions = [a for a in actions if a in question.actions]
    slot = {a: i for i, a in enumerate(actions)}
    count = len(estate.assets.ids)
    floor = np.full((len(wanted_states), len(actions), count), UNASKED, dtype=np.int8)
    wanted = np.ones(count, dtype=np.bool_)
    if question.assets:
        wanted[:] = False
        wanted[list(question.assets)] = True
    if question.everything:
        for a in usual:
            if a in slot:
                floor[:, slot[a], wanted] = UNFLOORED
    for f in floors:
        which = covered(estate, f.target) & wanted
        if f.against is not None:
            against = f.against
        else:
            against = appearing - estate.settings.home - (f.exempt or frozenset())
        for a in usual if f.action is None else [estate.actions.index(f.action)]:
            if a in slot:
                for state in against:
                    if state in row:
                        line = floor[row[state], slot[a]]
                        line[which] = np.maximum(line[which], min(f.length, 127))
    flat = floor.reshape(len(wanted_states), len(actions) * count)
    keep = np.flatnonzero((flat != UNASKED).any(axis=0)) if flat.size else np.zeros(0, np.int64)
    asked = flat[:, keep]
    some = np.flatnonzero((asked != UNASKED).any(axis=1))
    number = np.array(actions, dtype=np.int32)
    return Pairs(
        states=tuple(wanted_states[i] for i in some),
        action=number[keep // max(count, 1)] if len(actions) else np.zeros(0, np.int32),
        asset=(keep % max(count, 1)).astype(np.int32),
        floor=asked[some],
        cap=question.cap,
    )
