"""Dominance: which of some kinds of people others can stand in for, being exposed to no more states."""

from __future__ import annotations

import numpy as np

from armslength.reach.columns import Words
from armslength.reach.spread import Flags


def stand_in(exposed: Words, places: Words, ample: Flags) -> tuple[Flags, Flags]:
    """Of n kinds, by bits of exposures `exposed` [n, W] and of places that they may fill `places` [n, V], those that
    are no better than another, `ample` one, and the ample ones that are then left."""
    dropped, kept = np.zeros((2, len(ample)), dtype=np.bool_)
    some = np.flatnonzero(ample)
    if not some.size:
        return dropped, kept
    # None can stand in for one that comes before it in this order.
    sizes = np.bitwise_count(exposed[some]).sum(axis=1, dtype=np.int64)
    fewest = -np.bitwise_count(places[some]).sum(axis=1, dtype=np.int64)
    for i in some[np.lexsort((fewest, sizes))].tolist():
        if not dropped[i]:
            dropped |= ~(exposed[i] & ~exposed).any(axis=1) & ~(places & ~places[i]).any(axis=1)
            dropped[i], kept[i] = False, True
    return dropped, kept
