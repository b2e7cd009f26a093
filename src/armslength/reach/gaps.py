"""Gaps: what would be shorter if the groups whose members nobody told were full of a state's people."""

from __future__ import annotations

import numpy as np

from armslength.reach.pairs import UNASKED, Pairs
from armslength.reach.result import NOBODY, Gap, Small
from armslength.reach.solution import Solution, Solutions

MANY = 127


def gaps(solutions: Solutions, asked: Pairs) -> dict[tuple[int, int], Gap]:
    """By (row of `asked.states`, pair): semantics, "Gaps"."""
    known, unknown = solutions.known, solutions.model.estate.groups.unknown
    if not unknown:
        return {}
    full, most = _bounds(solutions.filled(asked.states, unknown))
    shorter = (full < _bounds(known)[0]) & (asked.floor != UNASKED)
    if not shorter.any():
        return {}
    rows = np.flatnonzero(shorter.any(axis=1))
    states = tuple(asked.states[r] for r in rows)
    without = {
        group: (_bounds(solutions.filled(states, unknown - {group})) if len(unknown) > 1 else None)
        for group in sorted(unknown)
    }
    found: dict[tuple[int, int], Gap] = {}
    for place, row in enumerate(rows.tolist()):
        for pair in np.flatnonzero(shorter[row]).tolist():
            length = int(full[row, pair])
            stopped = length < int(most[row, pair])
            telling = []
            for group, bounds in without.items():
                least, enough = (MANY, MANY) if bounds is None else (int(b[place, pair]) for b in bounds)
                # Without the group it could be more: for all that is known, or for sure.
                if enough > length:
                    telling.append(group)
                    stopped |= least <= length
            found[row, pair] = Gap(groups=tuple(telling or sorted(unknown)), length=length, stopped=stopped)
    return found


def _bounds(solution: Solution) -> tuple[Small, Small]:
    """The least and the most that each length could be; beyond the cap counts as `MANY`."""
    open_ended = solution.at_most == NOBODY
    return (
        np.where(open_ended & (solution.at_least == NOBODY), np.int8(MANY), solution.at_least),
        np.where(open_ended, np.int8(MANY), solution.at_most),
    )
