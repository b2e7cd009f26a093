"""Headcount: how many people of each class act once certain sources are held, and how far from a quorum that leaves."""

from __future__ import annotations

import numpy as np

from armslength.reach.ballot import Ballot
from armslength.reach.bundles import Bundles
from armslength.reach.classes import Classes, Counts
from armslength.reach.columns import Words, as_int, set_bits
from armslength.reach.ground import Ground
from armslength.reach.shortage import Tally, joined, plenty, shortage
from armslength.reach.spread import Flags, Ints

BROUGHT = 4_000_000
"""So many people whom masks bring into tables are kept at a time, all tables together."""
MANY = 1024
"""Once so many are brought, they are taken to be enough for any quorum."""
COUNTS = 100
"""So many counts of what brings many are kept at a time."""
SHORT = 50_000
"""So many answers of `short` are kept at a time."""


class Headcount:
    """Answers for one ground; equal questions are answered once."""

    def __init__(self, ground: Ground, bundles: Bundles) -> None:
        self._ground, self._bundles = ground, bundles
        self._into: dict[tuple[int, bytes], tuple[Ints, Ints, bool]] = {}
        self._kept = 0
        self._column = -1
        self._counts: dict[tuple[int, bytes], Counts] = {}
        self._tallies: dict[tuple[int, bytes], Tally] = {}
        self._bringing: dict[int, Words] = {}
        self._words: dict[int, Words] = {}
        self._sources_of: dict[int, int] = {}
        self._ample: dict[int, int] = {}
        self._short: dict[tuple[int, int, int], bytes] = {}

    def counts(self, classes: Classes, column: int, mask: Words, people: tuple[int, ...]) -> Counts:
        """How many of each class act: on the ground, brought by `mask`, or among `people`."""
        counts: Counts = self._ground.counts(classes)[column]
        into = mask & self.bringing(classes)
        if into.any():
            counts = self._brought(classes, column, into)
        if people:
            more = np.array(people, dtype=np.int32)
            more = more[~self._ground.acting(more, column)]
            if mask.any():
                more = more[~self._bundles.assumed(mask, more)]
            counts = classes.added(counts, more)
        return counts

    def _brought(self, classes: Classes, column: int, into: Words) -> Counts:
        """How many of each class act on the ground or are brought."""
        if self._column != column:
            # Whoever asks goes on from column to column.
            self._column = column
            self._counts.clear()
        key = (id(classes), into.tobytes())
        found = self._counts.get(key)
        if found is not None:
            return found
        who, of, rest = self._brought_into(classes, into)
        outside = np.bincount(of[~self._ground.acting(who, column)], minlength=len(classes.start) - 1)
        if rest:
            found = np.diff(classes.start) - outside
        else:
            found = self._ground.counts(classes)[column] + outside
        if len(classes.people) > MANY and len(self._counts) < COUNTS:
            self._counts[key] = found
        return found

    def bringing(self, classes: Classes) -> Words:
        """The sources [Wh] that make anybody of a table act."""
        found = self._bringing.get(id(classes))
        if found is None:
            found = np.bitwise_or.reduce(self._bundles.assumes[:, classes.people], axis=1)
            self._bringing[id(classes)] = found
        return found

    def _sources(self, classes: Classes) -> int:
        """The same as a number, a bit each."""
        found = self._sources_of.get(id(classes))
        if found is None:
            found = self._sources_of[id(classes)] = as_int(self.bringing(classes))
        return found

    def _into_table(self, classes: Classes, held: int) -> int:
        """What of the sources `held` counts for a table, a bit each; -1 for enough by any."""
        return -1 if held & self._plentiful(classes) else held & self._sources(classes)

    def short(self, ballot: Ballot, mask: Words) -> bytes:
        """Shape [columns]: how many outsiders the ballot takes at the least once the sources of `mask` are held."""
        held = as_int(mask)
        key = (id(ballot), self._into_table(ballot.requesters, held), self._into_table(ballot.approvers, held))
        found = self._short.get(key)
        if found is None:
            if len(self._short) > SHORT:
                self._short.clear()
            both = [mask & self.bringing(classes) for classes in (ballot.requesters, ballot.approvers)]
            asking = self._tally(ballot.requesters, both[0], True)
            approving = self._tally(ballot.approvers, both[1], False)
            lacking = shortage(ballot, asking, approving)
            lacking[self._ground.uncounted] = 0
            found = self._short[key] = np.clip(lacking, 0, 255).astype(np.uint8).tobytes()
        return found

    def _tally(self, classes: Classes, mask: Words, asking: bool) -> Tally:
        before = self._ground.tally(classes, asking)
        if not mask.any():
            return before
        if self._into_table(classes, as_int(mask)) < 0:
            return plenty(before)
        who, of, rest = self._brought_into(classes, mask)
        if not who.size and not rest:
            return before
        if (len(classes.people) - who.size if rest else who.size) > MANY:
            return plenty(before)
        if rest:
            flags = self._assumed(classes, mask)
            who, of = classes.sorted_people[flags], classes.sorted_class[flags]
        key = (id(classes), mask.tobytes())
        found = self._tallies.get(key) if len(classes.people) > MANY else None
        if found is not None:
            return found
        words = np.ascontiguousarray(self._ground.board.words[:, who].T).view(np.uint8)
        fresh = 1 - np.unpackbits(words, axis=1, bitorder="little")[:, : len(before.anybody)]
        order = np.argsort(of, kind="stable")
        numbers, start = np.unique(of[order], return_index=True)
        extra: Counts = np.add.reduceat(fresh[order], start, axis=0, dtype=np.int64).T
        found = joined(classes, before, self._ground.counts(classes), numbers, extra, asking)
        if len(classes.people) > MANY and len(self._tallies) < COUNTS:
            self._tallies[key] = found
        return found

    def _plentiful(self, classes: Classes) -> int:
        """The sources each of which alone brings so many of a table that they are taken to be enough, a bit each."""
        found = self._ample.get(id(classes))
        if found is None:
            found = 0
            for source in set_bits(self._sources(classes) if len(classes.people) > MANY else 0):
                acting = self._bundles.acting(source)
                if len(acting) > MANY and np.count_nonzero(classes.of(acting) >= 0) > MANY:
                    found |= 1 << source
            self._ample[id(classes)] = found
        return found

    def _brought_into(self, classes: Classes, mask: Words) -> tuple[Ints, Ints, bool]:
        """Whom a mask brings of the people of a table, and their classes; or, where they are fewer, the `rest`."""
        key = (id(classes), mask.tobytes())
        found = self._into.get(key)
        if found is None:
            found = self._bring(classes, mask)
            self._kept += len(found[0])
            if self._kept > BROUGHT:
                self._into.clear()
                self._kept = len(found[0])
            self._into[key] = found
        return found

    def _bring(self, classes: Classes, mask: Words) -> tuple[Ints, Ints, bool]:
        if self._bundles.sparse(mask, len(classes.people)):
            who = self._bundles.brought(mask)
            of = classes.of(who)
            return who[of >= 0], of[of >= 0], False
        flags = self._assumed(classes, mask)
        rest = 2 * int(np.count_nonzero(flags)) > len(flags)
        flags = ~flags if rest else flags
        return classes.sorted_people[flags], classes.sorted_class[flags], rest

    def _assumed(self, classes: Classes, mask: Words) -> Flags:
        """Who of a table is brought; aligned with `sorted_people`."""
        if len(classes.people) > MANY:
            return self._bundles.assumed(mask, classes.sorted_people)
        words = self._words.get(id(classes))
        if words is None:
            words = self._words[id(classes)] = self._bundles.assumes[:, classes.sorted_people]
        found: Flags = np.bitwise_or.reduce(words & mask[:, None], axis=0) != 0
        return found
