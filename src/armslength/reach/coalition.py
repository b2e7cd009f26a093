"""Coalitions: the least number of accomplices with whom a rule fires at once, without another rule in between.

An accomplice is plain (an identity of its own) or a controller (its bundle brings more). Every set of controllers
that could help is tried, smallest first; the rest of the quorum is filled by the exact seating.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from armslength.reach.bundles import Bundles
from armslength.reach.columns import Words
from armslength.reach.ground import Ground
from armslength.reach.quorum import Ballot, Classes, Counts, Flags, Quorums
from armslength.reach.rules import STANDING, Rule
from armslength.reach.spread import Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Controllers:
    """People with the same bundle, as far as a rule goes. `mask` [Wh]; `people` ascending."""

    mask: Words
    people: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stakes:
    """What matters to a rule with certain groups open: `mask` [Wh] of all relevant sources, `held` the part that people
    hold, and the controllers. `opens`: some source would open a further group."""

    mask: Words
    held: Words
    controllers: tuple[Controllers, ...]
    opens: bool


Lead = tuple[Words, int]
"""A controller tried: its mask and the person."""


class Coalitions:
    """Answers for one ground; equal situations are answered once."""

    def __init__(self, ground: Ground, quorums: Quorums, bundles: Bundles, tick: Callable[[], None]) -> None:
        self.ground, self.quorums, self.bundles = ground, quorums, bundles
        self._tick = tick
        self._stakes: dict[tuple[int, frozenset[int]], Stakes] = {}
        self._everyone = np.arange(ground.board.graph.layout.people, dtype=np.int32)
        self._scratch = np.zeros(len(self._everyone), dtype=np.bool_)
        self._all_mask: Words | None = None
        self._refused: set[tuple[object, ...]] = set()
        self._base: dict[tuple[int, int], Counts] = {}
        self.none: Words = np.zeros(bundles.words, dtype=np.uint64)

    def direct(self, rule: Rule, column: int, most: int) -> tuple[int, ...] | None:
        """At most `most` accomplices with whom the rule fires directly, or None when no such set exists."""
        plain = self.outsiders(rule, column, self.none, (), most)
        if plain is not None:
            return plain
        opened = self.ground.opened(rule, column)
        stakes = self.stakes(rule, opened)
        if not stakes.controllers or self.outsiders(rule, column, stakes.held, (), most) is None:
            return None
        leads = self._leads(rule, stakes, opened, column)
        key = self._key(rule, opened, column, most, stakes, leads)
        if key in self._refused:
            return None
        for size in range(1, most + 1):
            for chosen in combinations(leads, size):
                self._tick()
                mask = np.bitwise_or.reduce(np.array([m for m, _ in chosen]), axis=0)
                people = tuple(p for _, p in chosen)
                more = self.outsiders(rule, column, mask, people, most - size)
                if more is not None:
                    return people + more
        self._refused.add(key)
        return None

    def outsiders(
        self, rule: Rule, column: int, mask: Words, people: tuple[int, ...], most: int
    ) -> tuple[int, ...] | None:
        """The fewest further outsiders, up to `most`, once the sources of `mask` are held and `people` act too."""
        ground, bundles, terms = self.ground, self.bundles, rule.terms
        opened = ground.opened(rule, column) | bundles.opened(mask, self.quorums.mentioned(rule))
        if ground.waived(rule, column) or bundles.waived(mask, terms):
            return self._holder(rule, opened, column, mask, people, most)
        ballot = self.quorums.ballot(rule, opened)
        joining = self._joining(column, mask, people)
        asking = self._counts(ballot.requesters, column, joining)
        approving = self._counts(ballot.approvers, column, joining)
        seating = self.quorums.least(ballot, asking, approving, most, ground.filled(column))
        if seating is None:
            return None
        if not seating.outsiders:
            return ()
        flags = [self._flags(c.people, column, joining) for c in (ballot.requesters, ballot.approvers)]
        return self.quorums.name(ballot, seating, *flags).outsiders

    def _holder(
        self, rule: Rule, opened: frozenset[int], column: int, mask: Words, people: tuple[int, ...], most: int
    ) -> tuple[int, ...] | None:
        if self.ground.holder(rule, opened, column) is not None:
            return ()
        holding = rule.holders.people(opened)
        holding = self._everyone if holding is None else holding
        if not holding.size:
            return None
        if np.isin(self._joining(column, mask, people), holding).any():
            return ()
        return (int(holding[0]),) if most else None

    def _flags(self, who: Ints, column: int, joining: Ints) -> Flags:
        return self.ground.acting(who, column) | np.isin(who, joining)

    def _counts(self, classes: Classes, column: int, more: Ints) -> Counts:
        """How many of each class act on the ground or are in `more`, who do not act there."""
        key = (id(classes), column)
        found = self._base.get(key)
        if found is None:
            found = self._base[key] = classes.counts(self.ground.acting(classes.people, column))
        return classes.added(found, more) if more.size else found

    def _joining(self, column: int, mask: Words, people: tuple[int, ...]) -> Ints:
        """Those who act besides the ground: `people` and whom `mask` brings; people indexes, each once."""
        if len(people) == 1 and not mask.any():
            joining = np.array(people, dtype=np.int32)
        else:
            self._scratch[list(people)] = True
            self._scratch[self.bundles.brought(mask)] = True
            joining = np.flatnonzero(self._scratch).astype(np.int32)
            self._scratch[joining] = False
        return joining[~self.ground.acting(joining, column)]

    def stakes(self, rule: Rule, opened: frozenset[int]) -> Stakes:
        """The sources whose bundle could matter to `rule` with `opened` groups open."""
        mentioned = self.quorums.mentioned(rule)
        key = (rule.number, opened & mentioned)
        found = self._stakes.get(key)
        if found is None:
            found = self._stakes[key] = self._make(rule, key[1], mentioned)
        return found

    def _make(self, rule: Rule, opened: frozenset[int], mentioned: frozenset[int]) -> Stakes:
        bundles, ballot = self.bundles, self.quorums.ballot(rule, opened)
        groups = np.array(sorted(mentioned - opened), dtype=np.int64)
        opening = np.bitwise_or.reduce(bundles.opens[:, groups], axis=1)
        mask = self._assuming(rule, ballot, opened) | opening
        if rule.terms != STANDING:
            mask = mask | bundles.waives[:, rule.terms]
        if opening.any():
            # Once a group opens, whoever acts may ask or approve: then every identity counts.
            mask = mask | self._assuming_anyone()
        held, opens = bundles.standing(mask), bool(opening.any())
        people = np.flatnonzero((bundles.holds & held[:, None]).any(axis=0)).astype(np.int32)
        if not people.size:
            return Stakes(mask=mask, held=held, controllers=(), opens=opens)
        rows, inverse = np.unique((bundles.holds[:, people] & held[:, None]).T, axis=0, return_inverse=True)
        order = np.argsort(inverse.reshape(-1), kind="stable")
        parts = np.split(people[order], np.cumsum(np.bincount(inverse.reshape(-1)))[:-1])
        controllers = tuple(Controllers(mask=row, people=part) for row, part in zip(rows, parts, strict=True))
        return Stakes(mask=mask, held=held, controllers=controllers, opens=opens)

    def _assuming(self, rule: Rule, ballot: Ballot, opened: frozenset[int]) -> Words:
        holding = rule.holders.people(opened)
        if holding is None:
            return self._assuming_anyone()
        people = np.concatenate([holding, ballot.approvers.people])
        return np.bitwise_or.reduce(self.bundles.assumes[:, people], axis=1)

    def _assuming_anyone(self) -> Words:
        if self._all_mask is None:
            self._all_mask = np.bitwise_or.reduce(self.bundles.assumes, axis=1)
        return self._all_mask

    def _leads(self, rule: Rule, stakes: Stakes, opened: frozenset[int], column: int) -> list[Lead]:
        """One person for each kind of controller that could help in this column: an outsider, with the role that it has
        in the quorum itself. Kinds that bring no more than themselves are plain, and those that another kind covers
        in full are left out."""
        if not stakes.controllers:
            return []
        ballot = self.quorums.ballot(rule, opened)
        mentioned = self.quorums.mentioned(rule)
        kinds: list[tuple[Words, int, bool]] = []
        for controllers in stakes.controllers:
            outside = controllers.people[~self.ground.acting(controllers.people, column)]
            if not outside.size:
                continue
            mask = controllers.mask
            gives_more = bool(self.bundles.opened(mask, mentioned - opened)) or self.bundles.waived(mask, rule.terms)
            brought = self._brought(ballot, rule, opened, mask, column, stakes.opens)
            for person, own in self._by_role(outside, ballot, rule, opened, stakes):
                if gives_more or len(brought - {person}) + own >= 2:
                    kinds.append((mask, person, own))
        kept: list[Lead] = []
        kinds.sort(key=lambda kind: -int(np.bitwise_count(kind[0]).sum()))
        for i, (mask, person, own) in enumerate(kinds):
            covered = any(
                not (mask & ~other).any() and (not own or self._assumes(other, person))
                for j, (other, _, _) in enumerate(kinds)
                if j < i
            )
            if not covered:
                kept.append((mask, person))
        return kept

    def _assumes(self, mask: Words, person: int) -> bool:
        return bool((self.bundles.assumes[:, person] & mask).any())

    def _brought(
        self, ballot: Ballot, rule: Rule, opened: frozenset[int], mask: Words, column: int, opens: bool
    ) -> set[int]:
        """Up to a few of the identities that a mask brings to the quorum, not acting yet."""
        some = self.bundles.brought(mask)
        some = some[~self.ground.acting(some, column)]
        if not opens and some.size:
            holding = rule.holders.people(opened)
            if holding is not None:
                matters = (ballot.approvers.of[some] >= 0) | np.isin(some, holding)
                some = some[matters]
        return set(some[:4].tolist())

    def _by_role(
        self, outside: Ints, ballot: Ballot, rule: Rule, opened: frozenset[int], stakes: Stakes
    ) -> Iterator[tuple[int, bool]]:
        """One person for each role that outsiders have in the quorum: (person, whether it has one). People whom different
        sources bring differ too: one who is brought anyway adds nothing."""
        if stakes.opens:
            # With groups about to open everyone has a role; the ballot of everyone tells them apart.
            mentioned = self.quorums.mentioned(rule)
            ballot = self.quorums.ballot(rule, mentioned)
        roles: dict[tuple[int, int, bool, bytes], int] = {}
        brought = np.ascontiguousarray((self.bundles.assumes[:, outside] & stakes.mask[:, None]).T)
        asks, approves = ballot.requesters.of[outside], ballot.approvers.of[outside]
        holding = rule.holders.people(opened)
        holds = np.ones(len(outside), dtype=np.bool_) if holding is None else np.isin(outside, holding)
        for person, ask, approve, hold, by in zip(
            outside.tolist(), asks.tolist(), approves.tolist(), holds.tolist(), brought, strict=True
        ):
            roles.setdefault((ask, approve, hold, by.tobytes()), person)
        for (ask, approve, hold, _), person in roles.items():
            yield person, ask >= 0 or approve >= 0 or hold

    def _key(
        self, rule: Rule, opened: frozenset[int], column: int, most: int, stakes: Stakes, leads: list[Lead]
    ) -> tuple[object, ...]:
        """Two columns with the same key have the same answer; with groups that may open no two are taken as the same."""
        filled = self.ground.filled(column)
        if stakes.opens or filled is not None or self.ground.waived(rule, column):
            return (rule.number, most, column)
        ballot = self.quorums.ballot(rule, opened)
        digest = hashlib.blake2b(digest_size=16)
        for people in (ballot.requesters.people, ballot.approvers.people):
            digest.update(np.packbits(self.ground.acting(people, column)).tobytes())
        holding = rule.holders.people(opened)
        if stakes.controllers and holding is not None:
            digest.update(np.packbits(self.ground.acting(holding, column)).tobytes())
        for mask, person in leads:
            digest.update(mask.tobytes() + person.to_bytes(4, "little"))
        return (rule.number, most, opened, digest.digest())
