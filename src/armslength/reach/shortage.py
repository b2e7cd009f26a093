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

Numbers = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """Those who act: `counts` [..., n] of each class. Of people with the same value that must differ one sits, so
    `sitting` [...] is how many could sit at the most, and `clear` [..., states] how many of those are not exposed to
    a state."""

    counts: Counts
    sitting: Counts
    clear: Numbers


def tally(classes: Classes, counts: Counts, alone: bool) -> Tally:
    """`alone`: only of those who are in no class of approvers, one of each class."""
    seated = _seated(classes, counts)
    if alone:
        seated = seated * (classes.seats.mark < 0)
    if not counts.shape[-1]:
        nobody = np.zeros((*counts.shape[:-1], classes.clear.shape[1]), dtype=np.float32)
        return Tally(counts=counts, sitting=seated.sum(axis=-1), clear=nobody)
    by_exposure: Counts = np.add.reduceat(seated, classes.borders, axis=-1)
    return Tally(
        counts=counts, sitting=by_exposure.sum(axis=-1), clear=by_exposure.astype(np.float32) @ classes.clear
    )


def _seated(classes: Classes, counts: Counts) -> Counts:
    return np.minimum(counts, 1) if classes.seats.values else counts


def shortage(ballot: Ballot, asking: Tally, approving: Tally) -> Counts:
    """Shape [...]: fewer outsiders than so many never make a quorum. Members of unknown groups are not counted."""
    bill = ballot.bill
    members = bill.approvals + 1
    # Whoever may approve as well is among the approvers already; of the others, one asks.
    found: Counts = members - approving.sitting - (asking.sitting > 0)
    found = np.maximum(found, ~asking.counts.any(axis=-1))
    if bill.together is not None and approving.clear.shape[-1]:
        # Of any state, so many members are not exposed to it.
        clear = approving.clear + (asking.clear > 0)
        found = np.maximum(found, members - bill.together - clear.min(axis=-1).astype(np.int64))
    for place in set(bill.places):
        fits = ballot.approvers.fits(place)
        seated = _seated(ballot.approvers, approving.counts[..., fits])
        found = np.maximum(found, bill.places.count(place) - seated.sum(axis=-1))
    return found
