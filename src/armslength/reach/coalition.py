"""Coalitions: the least number of accomplices with whom a rule fires at once, without another rule in between.

An accomplice is plain (an identity of its own) or a controller (its bundle brings more). Every set of controllers
that could help is tried, smallest first; the rest of the quorum is filled by the exact seating.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np

from armslength.reach.bundles import Bundles
from armslength.reach.closure import Closures
from armslength.reach.columns import Words, bits
from armslength.reach.demands import Roster
from armslength.reach.ground import Ground
from armslength.reach.headcount import Headcount
from armslength.reach.landmarks import Landmarks
from armslength.reach.quorum import Quorums
from armslength.reach.rules import Rule
from armslength.reach.scene import Scenes
from armslength.reach.spread import Flags, Ints
from armslength.reach.stakes import Stakes, Staking
from armslength.reach.traits import Traits

MANY = 4096
"""So many people are compared; where more come into question, they are not."""


class Coalitions:
    """Answers for one ground; equal situations are answered once."""

    def __init__(self, ground: Ground, quorums: Quorums, bundles: Bundles, tick: Callable[[], None]) -> None:
        self.ground, self.quorums, self.bundles = ground, quorums, bundles
        self._tick = tick
        self.none: Words = np.zeros(bundles.words, dtype=np.uint64)
        self._everyone = np.arange(ground.board.graph.layout.people, dtype=np.int32)
        self._outside: tuple[int, Flags] | None = None
        self._opened: dict[tuple[int, int], frozenset[int]] = {}
        self._able: dict[tuple[int, frozenset[int], frozenset[int]], Ints | None] = {}
        self._people: dict[tuple[int, frozenset[int]], Ints | None] = {}
        self.powers = tuple(rule for rule in ground.board.graph.rules if rule.power)
        self.roster = Roster(ground.board.graph.layout.people)
        self.traits = Traits(ground.board.graph.rules, quorums, bundles)
        self._staking = Staking(ground, quorums, bundles, self.traits)
        self._headcount = Headcount(ground, bundles)
        self._scenes = Scenes(ground, quorums, bundles, self._staking, self._headcount)
        self._closures = Closures(ground, quorums, bundles, self._scenes, self.traits)
        # A search asks all of it here.
        self.landmarks = Landmarks(ground, quorums, bundles, self._staking).of
        self.stakes, self.feeders = self._staking.stakes, self._staking.feeders
        self.outsiders, self.enough, self.role = self._scenes.outsiders, self._scenes.enough, self._scenes.role
        self.closure, self.settled, self.held = self._closures.closure, self._closures.settled, self._closures.held

    def outside(self, column: int) -> Flags:
        """Shape [P]: who does not act on the ground."""
        if self._outside is None or self._outside[0] != column:
            self._outside = (column, ~self.ground.acting(self._everyone, column))
        return self._outside[1]

    def opened(self, rule: Rule, column: int) -> frozenset[int]:
        """Of the groups that matter to the rule, those opened by enrolment on the ground."""
        key = (rule.number, column)
        found = self._opened.get(key)
        if found is None:
            found = self._opened[key] = self.ground.opened(rule, column)
        return found

    def able(self, rule: Rule, column: int, given: Words) -> Ints | None:
        """Everyone who could have a part in firing the rule once the sources of `given` are held; None for all."""
        before = self.opened(rule, column)
        stakes = self.stakes(rule, before, chained=True)
        opened = before | self.bundles.opened(given | stakes.held, self.quorums.mentioned(rule))
        key = (rule.number, before & self.quorums.mentioned(rule), opened)
        if key not in self._able:
            holding = rule.holders.people(opened)
            if holding is None or self.quorums.approved_by_all(rule, opened):
                self._able[key] = None
            else:
                controllers = [c.people for c in stakes.controllers]
                parts = [holding, self.quorums.ballot(rule, opened).approvers.people, *controllers]
                self._able[key] = np.unique(np.concatenate(parts)).astype(np.int32)
        return self._able[key]

    def direct(self, rule: Rule, column: int, most: int) -> tuple[int, ...] | None:
        """At most `most` accomplices with whom the rule fires directly, or None when no such set exists."""
        return self.further(rule, column, self.none, (), most)

    def further(
        self, rule: Rule, column: int, given: Words, with_people: tuple[int, ...], most: int
    ) -> tuple[int, ...] | None:
        """At most `most` more accomplices with whom the rule fires, once the sources of `given` are held and
        `with_people` act; or None when no such set exists."""
        for mask, people in self._ways(rule, column, given, with_people, most):
            more = self.outsiders(rule, column, mask, with_people + people, most - len(people))
            if more is not None:
                return people + more
        return None

    def suffices(self, rule: Rule, column: int, given: Words, with_people: tuple[int, ...], most: int) -> bool:
        """Whether `further` would find anybody."""
        return any(
            self.enough(rule, column, mask, with_people + people, most - len(people))
            for mask, people in self._ways(rule, column, given, with_people, most)
        )

    def _ways(
        self, rule: Rule, column: int, given: Words, with_people: tuple[int, ...], most: int
    ) -> Iterator[tuple[Words, tuple[int, ...]]]:
        """The sets of controllers worth trying, with the sources then held; none of them first."""
        yield given, ()
        if not most:
            return
        opened = self.opened(rule, column) | self.bundles.opened(given, self.quorums.mentioned(rule))
        stakes = self.stakes(rule, opened, chained=False)
        if not stakes.controllers:
            return
        if not self.enough(rule, column, given | stakes.held, with_people, most):
            return
        # Who brings nothing that is not held already is plain, and may be one of `with_people`: nobody counts twice.
        leads = [lead for lead in self._staking.leads(rule, opened, column) if (lead.mask & ~given).any()]
        need, silent = self.need(rule, column, given, with_people)
        for size in range(1, most + 1):
            for chosen in combinations(leads, size):
                # Too few identities, or nobody to ask: such a set cannot fill the quorum.
                few = sum(lead.brings for lead in chosen) + most - size < need
                mute = silent and size == most and not any(lead.asks for lead in chosen)
                if (few or mute) and not any(lead.eases for lead in chosen):
                    continue
                self._tick()
                mask = np.bitwise_or.reduce(np.array([given, *(lead.mask for lead in chosen)]), axis=0)
                yield mask, tuple(lead.person for lead in chosen)

    def need(self, rule: Rule, column: int, given: Words, people: tuple[int, ...]) -> tuple[int, bool]:
        """How many more identities a quorum wants at the least, and whether nobody who acts so far can ask."""
        opened = self.opened(rule, column) | self.bundles.opened(given, self.quorums.mentioned(rule))
        ballot = self.quorums.ballot(rule, opened)
        members = ballot.bill.approvals + 1
        silent = (
            self.ground.filled(column) is None
            and not self._headcount.counts(ballot.requesters, column, given, people).any()
        )
        seating = self._scenes.seating(rule, column, given, people, members)
        # Where even outsiders in any number cannot make a quorum, only a bundle that opens a group could.
        return (members + 1 if seating is None else seating.outsiders), silent

    def scant(self, rule: Rule, columns: Words, most: int) -> Words:
        """Of the columns of a mask [W], some in which `direct` finds nobody, as counting tells already."""
        found: Words = np.zeros_like(columns)
        for opened, some in self.ground.openings(rule, columns & ~self.ground.waiving(rule)):
            stakes = self.stakes(rule, opened, chained=False)
            short = self._headcount.short(self.quorums.ballot(rule, opened), self.none)
            few = np.frombuffer(short, dtype=np.uint8) > most
            if stakes.controllers and few.any():
                if self.bundles.waived(stakes.held, rule.terms):
                    continue
                # All that people hold would have to be enough.
                more = opened | self.bundles.opened(stakes.held, self.quorums.mentioned(rule))
                short = self._headcount.short(self.quorums.ballot(rule, more), stakes.held)
                few &= np.frombuffer(short, dtype=np.uint8) > most
            found |= some & self.ground.board.columns.mask(np.flatnonzero(few).tolist())
        return found

    def fewest(self, rule: Rule, column: int, given: Words) -> int:
        """How many outsiders it takes at the least, once the sources of `given` are held, as counting tells already."""
        bundles, mentioned = self.bundles, self.quorums.mentioned(rule)
        opened = self.opened(rule, column) | bundles.opened(given, mentioned)
        held = given | self.stakes(rule, opened, chained=False).held
        if self.ground.waived(rule, column) or bundles.waived(held, rule.terms):
            return 0
        held = held & self.stakes(rule, self.opened(rule, column), chained=True).mask
        ballot = self.quorums.ballot(rule, opened | bundles.opened(held, mentioned))
        return self._headcount.short(ballot, held)[column]

    def alike(self, rule: Rule, columns: Words) -> list[list[int]]:
        """The columns of a mask [W], those together in which `direct` has the same answer with the same people."""
        groups: dict[object, list[int]] = {}
        for opened, some in self._by_opening(rule, columns).items():
            stakes = self.stakes(rule, opened, chained=False)
            people = self._concerned(rule, opened, stakes)
            if people is None:
                groups |= {c: [c] for c in some}
                continue
            words = self.ground.board.words
            acting = np.unpackbits(words[:, people].T.copy().view(np.uint8), axis=1, bitorder="little")
            keys = np.packbits(acting.T, axis=1)
            for c in some:
                key = c if self.ground.filled(c) else (opened, self.ground.waived(rule, c), keys[c].tobytes())
                groups.setdefault(key, []).append(c)
        return list(groups.values())

    def _by_opening(self, rule: Rule, columns: Words) -> dict[frozenset[int], list[int]]:
        found: dict[frozenset[int], list[int]] = {}
        for c in bits(columns):
            found.setdefault(self.opened(rule, c), []).append(c)
        return found

    def _concerned(self, rule: Rule, opened: frozenset[int], stakes: Stakes) -> Ints | None:
        """Everyone whose acting can matter to `direct`; None when that is too many to compare."""
        key = (rule.number, opened)
        if key not in self._people:
            ballot, holding = self.quorums.ballot(rule, opened), rule.holders.people(opened)
            parts = [ballot.requesters.people, ballot.approvers.people]
            parts += [controllers.people for controllers in stakes.controllers]
            total = sum(len(part) for part in parts)
            few = holding is not None and not stakes.opens and total < MANY
            self._people[key] = np.unique(np.concatenate([*parts, holding])) if few and holding is not None else None
        return self._people[key]
