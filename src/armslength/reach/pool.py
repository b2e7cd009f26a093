"""Pool: of people without a part in some rules by the tables, those who are worth trying.

They join only where anyone may. Others stand in for them who are exposed to no more states; where values must differ,
so many others with values of their own that one of them is free, whoever else sits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from armslength.reach.classes import Counts
from armslength.reach.columns import Words
from armslength.reach.dominance import stand_in
from armslength.reach.quorum import Quorums
from armslength.reach.spread import Flags, Ints

CUT = 32
"""So many people are looked at first for each who is wanted."""
KNOWN = 128
"""So many comparisons are kept."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Order:
    """Everyone sorted by `rest` (a number for the values of all distinct columns but one), exposure and `value`, that
    of the one column with the most values (-1: none). Shapes [P]. A pair is people alike but for the last value:
    `pairs` [n] is where each begins, of the `exposure` [n]; pairs with the same rest stand together, `ends` are the
    borders between these. `group` is where each value of a pair begins, `of` its pair, `valued` whether it is one,
    `number` of how many people; `first` [n + 1] is the first group of each pair. `count` and `values`: how many people
    and values a pair has. `group_of`, `pair_of` [P]: those of a person."""

    people: Ints
    value: Ints
    pairs: Ints
    exposure: Ints
    ends: Ints
    group: Ints
    of: Ints
    valued: Flags
    number: Counts
    count: Counts
    values: Counts
    group_of: Ints
    pair_of: Ints
    first: Ints


class Pool:
    """`exposure` [P] numbers the exposures of people; `exposed` [E, W] are these as bits."""

    def __init__(self, quorums: Quorums, exposure: Ints, exposed: Words) -> None:
        self._quorums, self._exposure, self._exposed = quorums, exposure, exposed
        self._orders: dict[tuple[str, ...], Order] = {}
        self._known: dict[tuple[tuple[str, ...], bytes, bytes], tuple[Flags, Flags]] = {}

    def kept(self, some: Flags, bare: Flags, columns: tuple[str, ...], most: int, others: int) -> Ints:
        """Of `some` [P], those that a coalition of at most `most` need try. `bare` [P]: nobody else can make them act.
        `columns`: whose values must differ. `others`: so many others at the most sit in all quorums or are in the
        coalition."""
        order = self._orders.get(columns)
        if order is None:
            order = self._orders[columns] = self._sorted(columns)
        if not len(order.people):
            return order.people
        enough = others + 1
        # Far more people are there than not: those who are not are taken off.
        gone = np.flatnonzero(~some)
        left = order.number - np.bincount(order.group_of[gone], minlength=len(order.group))
        emptied = np.flatnonzero((left == 0) & order.valued)
        present = order.count > np.bincount(order.pair_of[gone], minlength=len(order.pairs))
        free = np.zeros(len(order.pairs), dtype=np.bool_)
        if columns:
            # Each value of a pair counts once.
            counts = order.values - np.bincount(order.of[emptied], minlength=len(order.pairs))
        else:
            # Who is bare and not in the coalition sits nowhere yet, so `most` of them are enough; of others, so many
            # that one of them is free.
            counts = left
            able = np.flatnonzero(bare)
            able = able[some[able]]
            free = np.bincount(order.pair_of[able], minlength=len(order.pairs)) >= most
        dropped, capped = self._compared(columns, order, present, free | (counts >= enough))
        kept = np.flatnonzero(present & ~dropped).astype(np.int32)
        whole, over = kept[~capped[kept]], kept[capped[kept]]
        place = _ranges(order.pairs[whole], order.count[whole])
        parts = [place[some[order.people[place]]]]
        if columns:
            parts.append(self._of_each_value(order, over, some, left, enough))
        else:
            for pair in over.tolist():
                parts.append(
                    _first(order, pair, some & bare, most) if free[pair] else _first(order, pair, some, enough)
                )
        chosen: Ints = order.people[np.sort(np.concatenate(parts))]
        return chosen if columns else np.sort(chosen)

    @staticmethod
    def _of_each_value(order: Order, pairs: Ints, some: Flags, left: Counts, enough: int) -> Ints:
        """Where the first of `some` people of each of the first `enough` values of the pairs stand in the order."""
        groups = _ranges(order.first[pairs], order.first[pairs + 1] - order.first[pairs])
        groups = groups[(left[groups] > 0) & order.valued[groups]]
        rank = np.arange(len(groups)) - np.searchsorted(order.of[groups], order.of[groups])
        groups = groups[rank < enough]
        place = _ranges(order.group[groups], order.number[groups])
        number = np.repeat(np.arange(len(groups)), order.number[groups])
        here = some[order.people[place]]
        found: Ints = place[here][np.unique(number[here], return_index=True)[1]]
        return found

    def _compared(self, columns: tuple[str, ...], order: Order, present: Flags, ample: Flags) -> tuple[Flags, Flags]:
        """Shape [pairs] of those present: which others can stand in for, and the ample ones then left."""
        key = (columns, present.tobytes(), ample.tobytes())
        found = self._known.get(key)
        if found is None:
            dropped, capped = np.zeros((2, len(order.pairs)), dtype=np.bool_)
            for lo, hi in pairwise(order.ends.tolist()):
                if ample[lo:hi].any():
                    mine = lo + np.flatnonzero(present[lo:hi])
                    dropped[mine], capped[mine] = self._stand_in(order.exposure[mine], ample[mine])
            if len(self._known) >= KNOWN:
                self._known.clear()
            found = self._known[key] = (dropped, capped)
        return found

    def _stand_in(self, exposures: Ints, ample: Flags) -> tuple[Flags, Flags]:
        return stand_in(self._exposed[exposures], np.zeros((len(exposures), 1), dtype=np.uint64), ample)

    def _sorted(self, columns: Sequence[str]) -> Order:
        codes = {name: self._quorums.codes(name).astype(np.int64) for name in columns}
        *before, last = sorted(columns, key=lambda name: (int(codes[name].max(initial=-1)), name)) or [""]
        rest = np.zeros(len(self._exposure), dtype=np.int64)
        for name in before:
            _, rest = np.unique(rest * (int(codes[name].max(initial=-1)) + 2) + codes[name], return_inverse=True)
            rest = rest.reshape(-1).astype(np.int64)
        value = codes[last] if last else np.zeros(len(rest), dtype=np.int64)
        people = np.lexsort((value, self._exposure, rest)).astype(np.int32)
        rest, exposure, value = rest[people], self._exposure[people], value[people]
        pair = np.r_[True, (rest[1:] != rest[:-1]) | (exposure[1:] != exposure[:-1])][: len(people)]
        group = np.flatnonzero(pair | np.r_[True, value[1:] != value[:-1]][: len(people)]).astype(np.int32)
        pairs = np.flatnonzero(pair).astype(np.int32)
        of = (np.cumsum(pair)[group] - 1).astype(np.int32)
        number = np.diff(np.r_[group, len(people)]).astype(np.int64)
        group_of, pair_of = np.zeros((2, len(people)), dtype=np.int32)
        group_of[people] = np.repeat(np.arange(len(group)), number)
        pair_of[people] = np.cumsum(pair) - 1
        return Order(
            people=people,
            value=value.astype(np.int32),
            pairs=pairs,
            exposure=exposure[pairs],
            ends=np.flatnonzero(np.r_[True, rest[pairs[1:]] != rest[pairs[:-1]], True]).astype(np.int32),
            group=group,
            of=of,
            valued=value[group] >= 0,
            number=number,
            count=np.diff(np.r_[pairs, len(people)]).astype(np.int64),
            values=np.bincount(of[value[group] >= 0], minlength=len(pairs)).astype(np.int64),
            group_of=group_of,
            pair_of=pair_of,
            first=np.append(np.searchsorted(of, np.arange(len(pairs))), len(group)).astype(np.int32),
        )


def _first(order: Order, pair: int, some: Flags, count: int) -> Ints:
    """Where the first so many of `some` people of a pair stand in the order."""
    start, size = int(order.pairs[pair]), int(order.count[pair])
    for cut in (CUT * count, size):
        place = np.arange(start, start + min(cut, size), dtype=np.int32)
        place = place[some[order.people[place]]][:count]
        if len(place) == count:
            break
    return place


def _ranges(start: Ints, sizes: Counts) -> Ints:
    """The numbers from each start on, so many of each."""
    total = int(sizes.sum())
    found: Ints = (np.arange(total) + np.repeat(start - (np.cumsum(sizes) - sizes), sizes)).astype(np.int32)
    return found
