"""Landmarks: sets of people of whom any coalition must have one.

Where nobody who acts may ask, somebody must who can, or who brings one who can; and so for those who approve, and for
those who fill a place. A few people who would serve several rules at once have to be found in the landmarks of all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from armslength.reach.bundles import Bundles
from armslength.reach.columns import Words, as_int
from armslength.reach.crowd import Crowd
from armslength.reach.ground import Ground
from armslength.reach.quorum import Quorums
from armslength.reach.rules import STANDING, Rule
from armslength.reach.spread import Flags, Ints
from armslength.reach.stakes import Stakes, Staking


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Party:
    """The `people` of a crowd (indexes, ascending), the sources that make any of them act, and those that besides open
    the crowd or waive the terms (`bringing`), both [Wh]; `acts` as a number."""

    people: Ints
    acts: int
    bringing: Words


class Landmarks:
    """Those of rules in the columns of one ground."""

    def __init__(self, ground: Ground, quorums: Quorums, bundles: Bundles, staking: Staking) -> None:
        self._ground, self._quorums, self._bundles, self._staking = ground, quorums, bundles, staking
        self._known: dict[tuple[Party, Stakes], Ints] = {}
        self._parties: dict[tuple[Crowd, int, frozenset[int]], Party | None] = {}
        self._mentioned: dict[Crowd, frozenset[int]] = {}
        # Whoever asks goes on from column to column.
        self._column = -1
        self._acting: dict[Party, Flags] = {}
        self._outside: dict[tuple[Party, Stakes], Ints] = {}

    def of(self, rule: Rule, column: int, given: Words) -> tuple[Ints, ...]:
        """Sets of people indexes, ascending: of each, one must be in a coalition that fires the rule once the sources
        of `given` are held."""
        ground, bundles = self._ground, self._bundles
        if ground.filled(column) is not None:
            return ()
        if column != self._column:
            self._column = column
            self._acting.clear()
            self._outside.clear()
        opened = ground.opened(rule, column) | bundles.opened(given, self._quorums.mentioned(rule))
        stakes = self._staking.stakes(rule, opened, chained=False)
        found, held = [], as_int(given)
        crowds = [(rule.holders, 1, STANDING)]
        if rule.terms != STANDING and not (ground.waived(rule, column) or bundles.waived(given, rule.terms)):
            _, approving, *placing = self._quorums.crowds(rule)
            crowds.append((approving, self._quorums.size(rule) - 1, rule.terms))
            asked = self._quorums.ballot(rule, opened).bill.places
            crowds += [(crowd, asked.count(i), rule.terms) for i, crowd in enumerate(placing)]
        for crowd, wanted, terms in crowds:
            party = self._party(crowd, terms, opened)
            if party is not None and self._count(party, column, given, held) < wanted:
                found.append(self._who(party, column, stakes))
        return tuple(found)

    def _party(self, crowd: Crowd, terms: int, opened: frozenset[int]) -> Party | None:
        """Who belongs to a crowd, as far as a rule with such terms goes; None for everyone."""
        mentioned = self._mentioned.get(crowd)
        if mentioned is None:
            mentioned = self._mentioned[crowd] = crowd.mentioned
        key = (crowd, terms, opened & mentioned)
        if key not in self._parties:
            people, bundles = crowd.people(opened), self._bundles
            self._parties[key] = None
            if people is not None:
                closed = np.array(sorted(mentioned - opened), dtype=np.int64)
                acts = np.bitwise_or.reduce(bundles.assumes[:, people], axis=1)
                bringing: Words = acts | np.bitwise_or.reduce(bundles.opens[:, closed], axis=1)
                if terms != STANDING:
                    bringing = bringing | bundles.waives[:, terms]
                self._parties[key] = Party(people=people, acts=as_int(acts), bringing=bringing)
        return self._parties[key]

    def _count(self, party: Party, column: int, given: Words, held: int) -> int:
        """How many of them act once the sources of `given` are held, as a number `held`."""
        acting = self._acting.get(party)
        if acting is None:
            acting = self._acting[party] = self._ground.acting(party.people, column)
        if party.acts & held:
            acting = acting | self._bundles.assumed(given, party.people)
        return int(np.count_nonzero(acting))

    def _who(self, party: Party, column: int, stakes: Stakes) -> Ints:
        """The outsiders among them, and those who by themselves bring some of them, open the crowd or waive the
        terms."""
        found = self._outside.get((party, stakes))
        if found is None:
            who = self._known.get((party, stakes))
            if who is None:
                more = [c.people for c in stakes.controllers if (c.mask & party.bringing).any()]
                who = self._known[party, stakes] = np.unique(np.concatenate([party.people, *more])).astype(np.int32)
            found = self._outside[party, stakes] = who[~self._ground.acting(who, column)]
        return found
