"""Landmarks: sets of people of whom any coalition must have one.

Where nobody who acts may ask, somebody must who can, or who brings one who can; and so for those who approve, and for
those who fill a place. A few people who would serve several rules at once have to be found in the landmarks of all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from armslength.reach.bundles import Bundles
from armslength.reach.columns import Words
from armslength.reach.crowd import Crowd
from armslength.reach.ground import Ground
from armslength.reach.quorum import Quorums
from armslength.reach.rules import STANDING, Rule
from armslength.reach.spread import Ints
from armslength.reach.stakes import Stakes, Staking


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Party:
    """The `people` of a crowd (indexes, ascending), and the sources that make any of them act [Wh]."""

    people: Ints
    acts: Words


class Landmarks:
    """Those of rules in the columns of one ground."""

    def __init__(self, ground: Ground, quorums: Quorums, bundles: Bundles, staking: Staking) -> None:
        self._ground, self._quorums, self._bundles, self._staking = ground, quorums, bundles, staking
        self._known: dict[tuple[Party, bytes, Stakes], Ints] = {}
        self._parties: dict[tuple[Crowd, frozenset[int]], Party | None] = {}

    def of(self, rule: Rule, column: int, given: Words) -> tuple[Ints, ...]:
        """Sets of people indexes, ascending: of each, one must be in a coalition that fires the rule once the sources
        of `given` are held."""
        ground, bundles = self._ground, self._bundles
        if ground.filled(column) is not None:
            return ()
        opened = ground.opened(rule, column) | bundles.opened(given, self._quorums.mentioned(rule))
        stakes = self._staking.stakes(rule, opened, chained=False)
        found = []
        crowds = [(rule.holders, 1, STANDING)]
        if rule.terms != STANDING and not (ground.waived(rule, column) or bundles.waived(given, rule.terms)):
            _, approving, *placing = self._quorums.crowds(rule)
            crowds.append((approving, self._quorums.size(rule) - 1, rule.terms))
            asked = self._quorums.ballot(rule, opened).bill.places
            crowds += [(crowd, asked.count(i), rule.terms) for i, crowd in enumerate(placing)]
        for crowd, wanted, terms in crowds:
            party = self._party(crowd, opened)
            if party is None:
                continue
            acting = ground.acting(party.people, column)
            if (party.acts & given).any():
                acting |= bundles.assumed(given, party.people)
            if acting.sum() < wanted:
                who = self._who(crowd, party, opened, stakes, terms)
                found.append(who[~ground.acting(who, column)])
        return tuple(found)

    def _party(self, crowd: Crowd, opened: frozenset[int]) -> Party | None:
        """Who belongs to a crowd; None for everyone."""
        key = (crowd, opened & crowd.mentioned)
        if key not in self._parties:
            people, assumes = crowd.people(opened), self._bundles.assumes
            self._parties[key] = (
                None if people is None else Party(people=people, acts=np.bitwise_or.reduce(assumes[:, people], axis=1))
            )
        return self._parties[key]

    def _who(self, crowd: Crowd, party: Party, opened: frozenset[int], stakes: Stakes, terms: int) -> Ints:
        """The crowd, and those who by themselves bring some of it, open it or waive the `terms`."""
        bundles = self._bundles
        closed = np.array(sorted(crowd.mentioned - opened), dtype=np.int64)
        bringing = party.acts | np.bitwise_or.reduce(bundles.opens[:, closed], axis=1)
        if terms != STANDING:
            bringing = bringing | bundles.waives[:, terms]
        key = (party, bringing.tobytes(), stakes)
        found = self._known.get(key)
        if found is None:
            more = [c.people for c in stakes.controllers if (c.mask & bringing).any()]
            found = self._known[key] = np.unique(np.concatenate([party.people, *more])).astype(np.int32)
        return found
