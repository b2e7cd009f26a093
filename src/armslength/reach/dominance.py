"""Dominance: which of some kinds of people others can stand in for, being exposed to no more states."""

from __future__ import annotations

import numpy as np

from armslength.reach.columns import Words
from armslength.reach.spread import Flags, Ints


def stand_in(exposed: Words, places: Words, ample: Flags) -> tuple[Flags, Flags]:
    """Of n kinds, by bits of exposures `exposed` [n, W] and of places that they may fill `places` [n, V], those that
    are no better than another, `ample` one, and the ample ones that are then left."""
    dropped, kept = np.zeros((2, len(ample)), dtype=np.bool_)
    some = np.flatnonzero(ample)
    if not some.size:
        return dropped, kept
    for i in some[np.argsort(ranks(exposed[some], places[some]))].tolist():
        if not dropped[i]:
            dropped |= no_better(exposed, places, i)
            dropped[i], kept[i] = False, True
    return dropped, kept


def ranks(exposed: Words, places: Words) -> Ints:
    """Numbers [n] such that none can stand in for another of a lower one."""
    sizes = np.bitwise_count(exposed).sum(axis=1, dtype=np.int64)
    fewest = -np.bitwise_count(places).sum(axis=1, dtype=np.int64)
    found = np.empty(len(sizes), dtype=np.int32)
    found[np.lexsort((fewest, sizes))] = np.arange(len(sizes), dtype=np.int32)
    return found


def no_better(exposed: Words, places: Words, one: int) -> Flags:
    """Those that are exposed to all that `one` is and may fill no other places; itself too."""
    found: Flags = ~(exposed[one] & ~exposed).any(axis=1) & ~(places & ~places[one]).any(axis=1)
    return found
