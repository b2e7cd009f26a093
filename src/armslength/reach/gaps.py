"""Gaps: what would be shorter if the groups whose members nobody told were full of a state's people."""

from __future__ import annotations

import numpy as np

from armslength.reach.pairs import UNASKED, Pairs
from armslength.reach.result import NOBODY, Gap, Small
from armslength.reach.solution import Solutions


def gaps(solutions: Solutions, asked: Pairs) -> dict[tuple[int, int], Gap]:
    """By (row of `asked.states`, pair): semantics, "Gaps"."""
    known, unknown = solutions.known, solutions.model.estate.groups.unknown
    if not unknown:
        return {}
    full = _lengths(solutions, asked.states, unknown)
    shorter = (full < _or_more(known.at_least, known.at_most)) & (asked.floor != UNASKED)
    if not shorter.any():
        return {}
    rows = np.flatnonzero(shorter.any(axis=1))
    states = tuple(asked.states[r] for r in rows)
    without = {
        group: (_lengths(solutions, states, unknown - {group}) if len(unknown) > 1 else None)
        for group in sorted(unknown)
    }
    found: dict[tuple[int, int], Gap] = {}
    for place, row in enumerate(rows.tolist()):
        for pair in np.flatnonzero(shorter[row]).tolist():
            length = int(full[row, pair])
            telling = tuple(g for g, lengths in without.items() if lengths is None or lengths[place, pair] > length)
            found[row, pair] = Gap(groups=telling or tuple(sorted(unknown)), length=length)
    return found


def _lengths(solutions: Solutions, states: tuple[int, ...], filled: frozenset[int]) -> Small:
    solution = solutions.filled(states, filled)
    return _or_more(solution.at_least, solution.at_most)


def _or_more(at_least: Small, at_most: Small) -> Small:
    """Lengths that compare: beyond the cap counts as very many."""
    return np.where((at_least == NOBODY) & (at_most == NOBODY), np.int8(127), at_least)
