"""Headcount: how many people of each class act once certain sources are held, and how far from a quorum that leaves."""

from __future__ import annotations

import numpy as np

from armslength.reach.ballot import Ballot
from armslength.reach.bundles import Bundles
from armslength.reach.classes import Classes, Counts
from armslength.reach.columns import Words, as_int
from armslength.reach.ground import Ground
from armslength.reach.inflow import MANY, Inflow
from armslength.reach.shortage import Tally, joined, plenty, shortage

COUNTS = 100
"""So many counts of what brings many are kept at a time."""
SHORT = 50_000
"""So many answers of `short` are kept at a time."""


class Headcount:
    """Answers for one ground; equal questions are answered once."""

    def __init__(self, ground: Ground, bundles: Bundles) -> None:
        self._ground, self._bundles = ground, bundles
        self._inflows: dict[int, Inflow] = {}
        self._column = -1
        self._counts: dict[tuple[int, bytes], Counts] = {}
        self._tallies: dict[tuple[int, bytes], Tally] = {}
        self._short: dict[tuple[int, int, int], bytes] = {}

    def counts(self, classes: Classes, column: int, mask: Words, people: tuple[int, ...]) -> Counts:
        """How many of each class act: on the ground, brought by `mask`, or among `people`."""
        counts: Counts = self._ground.counts(classes)[column]
        into = mask & self._inflow(classes).bringing
        if into.any():
            counts = self._brought(classes, column, into)
        if people:
            more = np.array(people, dtype=np.int32)
            more = more[~self._ground.acting(more, column)]
            if mask.any():
                more = more[~self._bundles.assumed(mask, more)]
            counts = classes.added(counts, more)
        return counts

    def _inflow(self, classes: Classes) -> Inflow:
        found = self._inflows.get(id(classes))
        if found is None:
            found = self._inflows[id(classes)] = self._bundles.inflows.of(classes)
        return found

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
        who, of, rest = self._bundles.inflows.people(classes, into)
        outside = np.bincount(of[~self._ground.acting(who, column)], minlength=len(classes.start) - 1)
        if rest:
            found = np.diff(classes.start) - outside
        else:
            found = self._ground.counts(classes)[column] + outside
        if len(classes.people) > MANY and len(self._counts) < COUNTS:
            self._counts[key] = found
        return found

    def short(self, ballot: Ballot, mask: Words) -> bytes:
        """Shape [columns]: how many outsiders the ballot takes at the least once the sources of `mask` are held."""
        held, asks, approves = as_int(mask), self._inflow(ballot.requesters), self._inflow(ballot.approvers)
        key = (id(ballot), asks.counted(held), approves.counted(held))
        found = self._short.get(key)
        if found is None:
            if len(self._short) > SHORT:
                self._short.clear()
            asking = self._tally(ballot.requesters, mask & asks.bringing, True)
            approving = self._tally(ballot.approvers, mask & approves.bringing, False)
            lacking = shortage(ballot, asking, approving)
            lacking[self._ground.uncounted] = 0
            found = self._short[key] = np.clip(lacking, 0, 255).astype(np.uint8).tobytes()
        return found

    def _tally(self, classes: Classes, mask: Words, asking: bool) -> Tally:
        before = self._ground.tally(classes, asking)
        if not mask.any():
            return before
        inflow = self._inflow(classes)
        if inflow.counted(as_int(mask)) < 0:
            return plenty(before)
        who, of, rest = self._bundles.inflows.people(classes, mask)
        if not who.size and not rest:
            return before
        if (len(classes.people) - who.size if rest else who.size) > MANY:
            return plenty(before)
        if rest:
            flags = inflow.flags(classes, mask)
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
