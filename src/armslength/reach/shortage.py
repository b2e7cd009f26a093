"""Shortage: how many outsiders a quorum takes at the least, by counting those who act, for many columns at once.

A bound from below, much cheaper than a seating: it says nothing of which values differ and who fits which place at the
same time. A seating is only looked for where it leaves room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from armslength.reach.ballot import Ballot
from armslength.reach.classes import Classes, Counts
from armslength.reach.spread import Flags, Ints

PLENTY = 1_000_000
BLOCK = 200_000
"""So many products at a time."""

Numbers = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """Those of a table who act in each of some columns. Of people with the same value that must differ one sits, so
    `sitting` [columns] is how many could sit at the most; `clear` [columns, states] how many of those are not exposed
    to a state, `fitting` [columns, places] how many may fill a place. `anybody` [columns]: whether any act."""

    anybody: Flags
    sitting: Counts
    clear: Numbers
    fitting: Counts


def tally(classes: Classes, counts: Counts, asking: bool) -> Tally:
    """`counts` [columns, n] of each class act. `asking`: of requesters, only those count who are in no class of
    approvers, one of each class."""
    seated = _seated(classes, counts, asking, slice(None))
    by_exposure = seated
    if seated.shape[1]:
        by_exposure = np.add.reduceat(seated, classes.borders, axis=1, dtype=np.int64)
    return Tally(
        anybody=counts.max(axis=1, initial=0) > 0,
        sitting=by_exposure.sum(axis=1),
        clear=_apart(by_exposure, classes.clear(classes.borders)),
        fitting=seated @ classes.fits,
    )


def joined(classes: Classes, before: Tally, counts: Counts, numbers: Ints, extra: Counts, asking: bool) -> Tally:
    """The same once `extra` [columns, m] more of the classes `numbers` [m] act."""
    was = counts[:, numbers]
    more = _seated(classes, was + extra, asking, numbers) - _seated(classes, was, asking, numbers)
    return Tally(
        anybody=before.anybody | (extra.max(axis=1, initial=0) > 0),
        sitting=before.sitting + more.sum(axis=1),
        clear=before.clear + _apart(more, classes.clear(numbers)),
        fitting=before.fitting + more @ classes.fits[numbers],
    )


def _apart(counts: Counts, clear: Numbers) -> Numbers:
    """The product, a few rows at a time: for more, threads are woken who then wait longer than they work."""
    rows = max(1, BLOCK // max(1, clear.size))
    some = counts.astype(np.float32)
    parts = [some[i : i + rows] @ clear for i in range(0, len(some), rows)]
    return np.concatenate(parts) if parts else some @ clear


def plenty(like: Tally) -> Tally:
    """More than any quorum asks for."""
    return Tally(
        anybody=np.ones_like(like.anybody),
        sitting=np.full_like(like.sitting, PLENTY),
        clear=np.full_like(like.clear, PLENTY),
        fitting=np.full_like(like.fitting, PLENTY),
    )


def _seated(classes: Classes, counts: Counts, asking: bool, numbers: Ints | slice) -> Counts:
    if asking:
        return np.minimum(counts, 1) * (classes.seats.mark[numbers] < 0)
    return np.minimum(counts, 1) if classes.seats.values else counts


def shortage(ballot: Ballot, asking: Tally, approving: Tally) -> Counts:
    """Shape [columns]: fewer outsiders than so many never make a quorum. Members of unknown groups do not count."""
    bill = ballot.bill
    members = bill.approvals + 1
    # Whoever may approve as well is among the approvers already; of the others, one asks.
    found: Counts = members - approving.sitting - (asking.sitting > 0)
    found = np.maximum(found, ~asking.anybody)
    if bill.together is not None and approving.clear.shape[1]:
        # Of any state, so many members are not exposed to it.
        clear = approving.clear + (asking.clear > 0)
        found = np.maximum(found, members - bill.together - clear.min(axis=1).astype(np.int64))
    for place in set(bill.places):
        fitting = approving.fitting[:, place : place + 1].sum(axis=1)
        found = np.maximum(found, bill.places.count(place) - fitting)
    return found
