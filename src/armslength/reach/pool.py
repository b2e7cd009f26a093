"""Pool: of people without a part in some rules by the tables, those who are worth trying.

They join only where anyone may. Others stand in for them who are exposed to no more states; where values must differ,
so many others with values of their own that one of them is free, whoever else sits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from armslength.reach.columns import Words
from armslength.reach.dominance import stand_in
from armslength.reach.quorum import Quorums
from armslength.reach.spread import Flags, Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Order:
    """Everyone sorted by `rest` (a number for the values of all distinct columns but one), `exposure` and `value`, that
    of the one column with the most values (-1: none). Shapes [P]."""

    people: Ints
    rest: Ints
    exposure: Ints
    value: Ints


class Pool:
    """`exposure` [P] numbers the exposures of people; `exposed` [E, W] are these as bits."""

    def __init__(self, quorums: Quorums, exposure: Ints, exposed: Words) -> None:
        self._quorums, self._exposure, self._exposed = quorums, exposure, exposed
        self._orders: dict[tuple[str, ...], Order] = {}

    def kept(self, some: Flags, bare: Flags, columns: tuple[str, ...], most: int, others: int) -> Ints:
        """Of `some` [P], those that a coalition of at most `most` need try. `bare` [P]: nobody else can make them act.
        `columns`: whose values must differ. `others`: so many others at the most sit in all quorums or are in the
        coalition."""
        enough = others + 1
        return self._by_value(some, columns, enough) if columns else self._by_exposure(some, bare, most, enough)

    def _by_exposure(self, some: Flags, bare: Flags, most: int, enough: int) -> Ints:
        """Who is bare and not in the coalition sits nowhere yet, so `most` of them are enough; of others, so many that
        one of them is free."""
        people = np.flatnonzero(some).astype(np.int32)
        exposure = self._exposure[people]
        bare = bare[people]
        present, counts = np.unique(exposure, return_counts=True)
        own = np.bincount(exposure[bare], minlength=len(self._exposed))[present] >= most
        dropped, capped = self._stand_in(present, own | (counts >= enough))
        flags = np.zeros((2, len(self._exposed)), dtype=np.bool_)
        flags[0, present], flags[1, present] = dropped, capped
        kept = ~flags[0][exposure] & ~flags[1][exposure]
        for e, free in zip(present[capped].tolist(), own[capped].tolist(), strict=True):
            mine = exposure == e
            kept[np.flatnonzero(mine & bare)[:most] if free else np.flatnonzero(mine)[:enough]] = True
        chosen: Ints = people[kept]
        return chosen

    def _by_value(self, some: Flags, columns: tuple[str, ...], enough: int) -> Ints:
        order = self._orders.get(columns)
        if order is None:
            order = self._orders[columns] = self._sorted(columns)
        mine = some[order.people]
        people, rest = order.people[mine], order.rest[mine]
        exposure, value = order.exposure[mine], order.value[mine]
        if not people.size:
            return people
        # A pair: people alike but for the last value. Each value of a pair is counted with the first who has it.
        pair = np.r_[True, (rest[1:] != rest[:-1]) | (exposure[1:] != exposure[:-1])]
        first = (pair | np.r_[True, value[1:] != value[:-1]]) & (value >= 0)
        number, start = np.cumsum(pair) - 1, np.flatnonzero(pair)
        counts = np.bincount(number[first], minlength=len(start))
        dropped, capped = np.zeros((2, len(start)), dtype=np.bool_)
        ample = counts >= enough
        ends = np.flatnonzero(np.r_[True, rest[start[1:]] != rest[start[:-1]], True])
        for lo, hi in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            if ample[lo:hi].any():
                dropped[lo:hi], capped[lo:hi] = self._stand_in(exposure[start[lo:hi]], ample[lo:hi])
        seen = np.cumsum(first)
        rank = seen - (seen - first)[start][number]
        kept = ~dropped[number] & (~capped[number] | first & (rank <= enough))
        found: Ints = people[kept]
        return found

    def _stand_in(self, exposures: Ints, ample: Flags) -> tuple[Flags, Flags]:
        return stand_in(self._exposed[exposures], np.zeros((len(exposures), 1), dtype=np.uint64), ample)

    def _sorted(self, columns: Sequence[str]) -> Order:
        codes = {name: self._quorums.codes(name).astype(np.int64) for name in columns}
        *before, last = sorted(columns, key=lambda name: (int(codes[name].max(initial=-1)), name))
        rest = np.zeros(len(self._exposure), dtype=np.int64)
        for name in before:
            _, rest = np.unique(rest * (int(codes[name].max(initial=-1)) + 2) + codes[name], return_inverse=True)
            rest = rest.reshape(-1).astype(np.int64)
        value = codes[last]
        people = np.lexsort((value, self._exposure, rest)).astype(np.int32)
        return Order(
            people=people,
            rest=rest[people].astype(np.int32),
            exposure=self._exposure[people],
            value=value[people].astype(np.int32),
        )
