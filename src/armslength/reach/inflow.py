"""Inflow: whom of a table's people the sources of bundles make act.

It depends on nothing else, so it is kept with the bundles: a what-if that leaves these and a table as they were asks
for the same again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from armslength.reach.classes import Classes
from armslength.reach.columns import Words, as_int, set_bits
from armslength.reach.spread import Flags, Ints

if TYPE_CHECKING:
    from armslength.reach.bundles import Bundles

BROUGHT = 4_000_000
"""So many people whom masks bring into tables are kept at a time, all tables together."""
MANY = 1024
"""Once so many are brought, they are taken to be enough for any quorum."""

Brought = tuple[Ints, Ints, bool]
"""People of a table, with the class of each: those who are brought or, where they are fewer, the `rest`."""


class Inflows:
    """Into all tables, which may come and go."""

    def __init__(self, bundles: Bundles) -> None:
        self._bundles = bundles
        self._tables: WeakKeyDictionary[Classes, Inflow] = WeakKeyDictionary()
        self._kept = 0

    def of(self, classes: Classes) -> Inflow:
        found = self._tables.get(classes)
        if found is None:
            found = self._tables[classes] = Inflow(self._bundles, classes)
        return found

    def people(self, classes: Classes, mask: Words) -> Brought:
        """Whom a mask [Wh] brings of the people of a table."""
        brought, key = self.of(classes).brought, mask.tobytes()
        found = brought.get(key)
        if found is None:
            found = self.of(classes).bring(classes, mask)
            self._kept += len(found[0])
            if self._kept > BROUGHT:
                for inflow in self._tables.values():
                    inflow.brought.clear()
                self._kept = len(found[0])
            brought[key] = found
        return found


class Inflow:
    """Into one table, which is not held. `bringing` [Wh]: the sources that make anybody of it act, `sources` the same
    as a number, a bit each; `plentiful`: those each of which alone makes so many act that they are taken to be enough.
    `brought`: what was found by mask."""

    def __init__(self, bundles: Bundles, classes: Classes) -> None:
        self._bundles = bundles
        self.bringing: Words = np.bitwise_or.reduce(bundles.assumes[:, classes.people], axis=1)
        self.sources = as_int(self.bringing)
        self.plentiful = 0
        if len(classes.people) > MANY:
            inside: Flags = np.zeros(bundles.assumes.shape[1], dtype=np.bool_)
            inside[classes.people] = True
            for source in set_bits(self.sources):
                acting = bundles.acting(source)
                if len(acting) > MANY and np.count_nonzero(inside[acting]) > MANY:
                    self.plentiful |= 1 << source
        self.brought: dict[bytes, Brought] = {}
        self._words: Words | None = None

    def counted(self, held: int) -> int:
        """What of the sources `held` counts for the table, a bit each; -1 for enough by any."""
        return -1 if held & self.plentiful else held & self.sources

    def bring(self, classes: Classes, mask: Words) -> Brought:
        """Whom a mask [Wh] brings."""
        if self._bundles.sparse(mask, len(classes.people)):
            who = self._bundles.brought(mask)
            of = classes.of(who)
            return who[of >= 0], of[of >= 0], False
        flags = self.flags(classes, mask)
        rest = 2 * int(np.count_nonzero(flags)) > len(flags)
        flags = ~flags if rest else flags
        return classes.sorted_people[flags], classes.sorted_class[flags], rest

    def flags(self, classes: Classes, mask: Words) -> Flags:
        """Who is brought; aligned with `sorted_people`."""
        if len(classes.people) > MANY:
            return self._bundles.assumed(mask, classes.sorted_people)
        if self._words is None:
            self._words = self._bundles.assumes[:, classes.sorted_people]
        found: Flags = np.bitwise_or.reduce(self._words & mask[:, None], axis=0) != 0
        return found
