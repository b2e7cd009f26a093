"""Deputies: people whom a bundle brings who can sit wherever the one who holds it could.

Where anyone may join a quorum, a controller may sit there too. A desk that can reset thousands has enough others to
send in their place, so who holds it, and from where, makes no difference.
"""

from __future__ import annotations

import numpy as np

from armslength.reach.bundles import Bundles
from armslength.reach.columns import Words
from armslength.reach.quorum import Quorums
from armslength.reach.spread import Ints


class Deputies:
    """`exposure` [P] numbers the exposures of people; `exposed` [E, W] are these as bits."""

    def __init__(self, quorums: Quorums, bundles: Bundles, exposure: Ints, exposed: Words) -> None:
        self._quorums, self._bundles, self._exposure, self._exposed = quorums, bundles, exposure, exposed
        self._counts: dict[tuple[bytes, int, tuple[str, ...]], int] = {}

    def enough(self, mask: Words, exposure: int, columns: tuple[str, ...], size: int) -> bool:
        """Whether somebody whom `mask` [Wh] brings can take any seat of a person with this exposure (a number) who has
        no part by the tables, in every quorum of `size`: exposed to no state more, and free, whoever else sits.
        `columns`: whose values must differ in some of the quorums."""
        # Another member of the quorum keeps at most one of them away for each column, or by being that one.
        wanted = (size - 1) * max(1, len(columns)) + 1
        key = (mask.tobytes(), exposure, columns)
        found = self._counts.get(key)
        if found is None:
            found = self._counts[key] = self._count(mask, exposure, columns)
        return found >= wanted

    def _count(self, mask: Words, exposure: int, columns: tuple[str, ...]) -> int:
        """How many the mask brings who are exposed to no state more and differ in each of the columns; of several
        columns at least so many."""
        people = self._bundles.brought(mask)
        less = ~(self._exposed & ~self._exposed[exposure]).any(axis=1)
        people = people[less[self._exposure[people]]]
        if not columns:
            return len(people)
        codes = [self._quorums.codes(name)[people] for name in columns]
        valued = np.logical_and.reduce([some >= 0 for some in codes])
        alike = np.zeros(int(valued.sum()), dtype=np.int64)
        first = np.zeros(len(alike), dtype=np.int64)
        for some in codes:
            # Column by column, those with the same values so far are parted.
            some = some[valued]
            _, first, alike = np.unique(
                alike * (int(some.max(initial=0)) + 1) + some, return_index=True, return_inverse=True
            )
        if len(columns) == 1:
            return len(first)
        values = np.stack([some[valued][first] for some in codes], axis=1)
        taken: list[set[int]] = [set() for _ in columns]
        count = 0
        for row in values.tolist():
            if not any(value in used for value, used in zip(row, taken, strict=True)):
                count += 1
                for value, used in zip(row, taken, strict=True):
                    used.add(value)
        return count
