"""Gaps: what would be shorter if the groups whose members nobody told were full of a state's people."""

from __future__ import annotations

import numpy as np

from armslength.reach.columns import Column
from armslength.reach.pairs import UNASKED, Pairs
from armslength.reach.result import NOBODY, Gap, Small
from armslength.reach.solution import Model, Solution


def gaps(model: Model, known: Solution, asked: Pairs) -> dict[tuple[int, int], Gap]:
    """By (row of `asked.states`, pair): semantics, "Gaps". `known` has one column a state, with nothing filled."""
    unknown = model.estate.groups.unknown
    if not unknown:
        return {}
    full = _lengths(model, asked.states, unknown, asked.highest_cap)
    shorter = (full < _or_more(known.at_least, known.at_most)) & (asked.floor != UNASKED)
    if not shorter.any():
        return {}
    rows = np.flatnonzero(shorter.any(axis=1))
    states = tuple(asked.states[r] for r in rows)
    without = {
        group: (_lengths(model, states, unknown - {group}, asked.highest_cap) if len(unknown) > 1 else None)
        for group in sorted(unknown)
    }
    found: dict[tuple[int, int], Gap] = {}
    for place, row in enumerate(rows.tolist()):
        for pair in np.flatnonzero(shorter[row]).tolist():
            length = int(full[row, pair])
            telling = tuple(g for g, lengths in without.items() if lengths is None or lengths[place, pair] > length)
            found[row, pair] = Gap(groups=telling or tuple(sorted(unknown)), length=length)
    return found


def _lengths(model: Model, states: tuple[int, ...], filled: frozenset[int], cap: int) -> Small:
    solution = Solution(model, [Column(state=s, filled=filled) for s in states], cap)
    return _or_more(solution.at_least, solution.at_most)


def _or_more(at_least: Small, at_most: Small) -> Small:
    """Lengths that compare: beyond the cap counts as very many."""
    return np.where((at_least == NOBODY) & (at_most == NOBODY), np.int8(127), at_least)
