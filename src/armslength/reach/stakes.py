"""Stakes: the sources whose bundle could matter to a rule, and the people who hold them, those alike together.

A controller whom another kind covers in full, or who brings no more than itself, is not worth trying as one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from armslength.reach.ballot import Ballot
from armslength.reach.bundles import Bundles
from armslength.reach.columns import Words
from armslength.reach.ground import Ground
from armslength.reach.quorum import Quorums
from armslength.reach.rules import STANDING, Rule
from armslength.reach.spread import Flags, Ints, within
from armslength.reach.traits import Traits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Controllers:
    """People with the same bundle, as far as a rule goes. `mask` [Wh]; `people` ascending; the rest as in `Lead`."""

    mask: Words
    people: Ints
    brings: int = 0
    asks: bool = False
    eases: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stakes:
    """What matters to a rule with certain groups open: `mask` [Wh] of all relevant sources, `held` the part that people
    hold, and the controllers. `opens`: some source would open a further group."""

    mask: Words
    held: Words
    controllers: tuple[Controllers, ...]
    opens: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lead:
    """A controller tried. `brings`: how many identities of the quorum, its own among them; `asks`: one of them may ask;
    `eases`: it opens a group or waives the terms, so that counting identities says little."""

    mask: Words
    person: int
    brings: int
    asks: bool
    eases: bool


class Staking:
    """Stakes and leads for one ground; equal questions are answered once."""

    def __init__(self, ground: Ground, quorums: Quorums, bundles: Bundles, traits: Traits) -> None:
        self._ground, self._quorums, self._bundles, self._traits = ground, quorums, bundles, traits
        self._stakes: dict[tuple[int, frozenset[int], bool], Stakes] = {}
        self._kinds: dict[tuple[int, frozenset[int]], list[Controllers]] = {}
        self._feeding: dict[tuple[int, frozenset[int]], tuple[Rule, ...]] = {}
        self._holding: dict[bytes, tuple[Controllers, ...]] = {}
        self._approving: dict[int, Words] = {}
        self._assumed: dict[tuple[int, frozenset[int]], Words] = {}
        self._all_mask: Words | None = None

    def stakes(self, rule: Rule, opened: frozenset[int], chained: bool) -> Stakes:
        """The sources whose bundle could matter to `rule` with `opened` groups open: those that people hold, and when
        `chained` also the rules with powers."""
        mentioned = self._quorums.mentioned(rule)
        key = (rule.number, opened & mentioned, chained)
        found = self._stakes.get(key)
        if found is None:
            found = self._stakes[key] = self._make(rule, key[1], mentioned, chained)
        return found

    def _make(self, rule: Rule, opened: frozenset[int], mentioned: frozenset[int], chained: bool) -> Stakes:
        bundles, ballot = self._bundles, self._quorums.ballot(rule, opened)
        groups = np.array(sorted(mentioned - opened), dtype=np.int64)
        opening = np.bitwise_or.reduce(bundles.opens[:, groups], axis=1)
        if not chained:
            opening = bundles.standing(opening)
        mask = self._assuming(rule, ballot, opened) | opening
        if rule.terms != STANDING:
            mask = mask | bundles.waives[:, rule.terms]
        if opening.any():
            # Once a group opens, whoever acts may ask or approve: then every identity counts.
            mask = mask | self._assuming_anyone()
        held, opens = bundles.standing(mask), bool(opening.any())
        if not chained:
            mask = held
        return Stakes(mask=mask, held=held, controllers=self._controllers(held), opens=opens)

    def _controllers(self, held: Words) -> tuple[Controllers, ...]:
        """Those who hold some of the sources, people who hold the same of them together."""
        key = held.tobytes()
        found = self._holding.get(key)
        if found is None:
            found = self._holding[key] = self._find_controllers(held)
        return found

    def _find_controllers(self, held: Words) -> tuple[Controllers, ...]:
        bundles, some = self._bundles, np.flatnonzero(held)
        people = bundles.holders(held)
        if not people.size:
            return ()
        rows = bundles.holds[np.ix_(some, people)] & held[some, None]
        order = np.lexsort(rows[::-1])
        ordered = rows[:, order]
        first = np.flatnonzero(np.r_[True, (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)])
        found = []
        for i, part in zip(order[first].tolist(), np.split(people[order], first[1:]), strict=True):
            mask = np.zeros_like(held)
            mask[some] = rows[:, i]
            found.append(Controllers(mask=mask, people=part))
        return tuple(found)

    def _assuming(self, rule: Rule, ballot: Ballot, opened: frozenset[int]) -> Words:
        """The sources that make anybody act who may ask or approve."""
        holding = rule.holders.people(opened)
        if holding is None:
            return self._assuming_anyone()
        of_rule = (rule.number, opened)
        known = self._assumed.get(of_rule)
        if known is not None:
            return known
        assumes, key = self._bundles.assumes, id(ballot.approvers)
        if key not in self._approving:
            self._approving[key] = np.bitwise_or.reduce(assumes[:, ballot.approvers.people], axis=1)
        found: Words = np.bitwise_or.reduce(assumes[:, holding], axis=1) | self._approving[key]
        self._assumed[of_rule] = found
        return found

    def _assuming_anyone(self) -> Words:
        if self._all_mask is None:
            self._all_mask = np.bitwise_or.reduce(self._bundles.assumes, axis=1)
        return self._all_mask

    def feeders(self, rule: Rule, column: int) -> tuple[Rule, ...]:
        """The rules with powers whose bundle could matter to `rule` in this column."""
        opened = self._ground.opened(rule, column)
        key = (rule.number, opened)
        found = self._feeding.get(key)
        if found is None:
            rules = self._ground.board.graph.rules
            numbers = self._bundles.rules(self.stakes(rule, opened, chained=True).mask)
            found = self._feeding[key] = tuple(rules[n] for n in numbers)
        return found

    def leads(self, rule: Rule, opened: frozenset[int], column: int) -> list[Lead]:
        """One outsider of each kind of controller that could help in this column."""
        leads: list[Lead] = []
        for kind in self._kinds_of(rule, opened):
            outside = kind.people[~self._ground.acting(kind.people, column)]
            if outside.size:
                first = int(outside[0])
                leads.append(Lead(mask=kind.mask, person=first, brings=kind.brings, asks=kind.asks, eases=kind.eases))
        return leads

    def _kinds_of(self, rule: Rule, opened: frozenset[int]) -> list[Controllers]:
        """Controllers by bundle and by the role that they have in the quorum themselves."""
        key = (rule.number, opened & self._quorums.mentioned(rule))
        found = self._kinds.get(key)
        if found is None:
            stakes = self.stakes(rule, key[1], chained=False)
            found = self._kinds[key] = self._all_kinds(rule, stakes, opened)
        return found

    def _all_kinds(self, rule: Rule, stakes: Stakes, opened: frozenset[int]) -> list[Controllers]:
        """Controllers by bundle and by the role that they have in the quorum themselves. Those that bring no more than
        one identity are plain, and those that another kind covers in full are left out."""
        ballot = self._quorums.ballot(rule, opened)
        mentioned = self._quorums.mentioned(rule)
        holding = rule.holders.people(opened)
        kinds: list[tuple[Controllers, bool]] = []
        for controllers in stakes.controllers:
            mask = controllers.mask
            eases = bool(self._bundles.opened(mask, mentioned - opened)) or self._bundles.waived(mask, rule.terms)
            useful = self._useful(ballot, rule, opened, mask, stakes.opens)
            asks = holding is None or bool(within(useful, holding).any())
            if not eases and not useful.size:
                continue
            for people, own, own_asks in self._by_role(controllers.people, ballot, rule, opened, stakes):
                brings = len(useful) + (own and not (useful == people[0]).any())
                if eases or brings >= 2:
                    kind = Controllers(
                        mask=mask, people=people, brings=brings, asks=asks or own_asks, eases=eases or stakes.opens
                    )
                    kinds.append((kind, own))
        kinds.sort(key=lambda kind: (-int(np.bitwise_count(kind[0].mask).sum()), int(kind[0].people[0])))
        kept: list[Controllers] = []
        for i, (kind, own) in enumerate(kinds):
            # Where all of the other kind act already, so does everything of this bundle.
            covered = any(
                not (kind.mask & ~other.mask).any() and (not own or self._assumes(other.mask, int(kind.people[0])))
                for other, _ in kinds[:i]
            )
            if not covered:
                kept.append(kind)
        return kept

    def _assumes(self, mask: Words, person: int) -> bool:
        return bool((self._bundles.assumes[:, person] & mask).any())

    def _useful(self, ballot: Ballot, rule: Rule, opened: frozenset[int], mask: Words, opens: bool) -> Ints:
        """The identities that a mask brings to the quorum."""
        some = self._bundles.brought(mask)
        if not opens and some.size:
            holding = rule.holders.people(opened)
            if holding is not None:
                some = some[within(some, ballot.approvers.sorted_people) | within(some, holding)]
        return some

    def _by_role(
        self, controllers: Ints, ballot: Ballot, rule: Rule, opened: frozenset[int], stakes: Stakes
    ) -> Iterator[tuple[Ints, bool, bool]]:
        """Controllers by the role that they have in the quorum: (people, whether it is one, whether they may ask).
        People whom different sources bring differ too: one who is brought anyway adds nothing."""
        ways = [b""] * len(controllers)
        if stakes.opens:
            # With groups about to open everyone has a role. The ballot of everyone tells them apart where all of them
            # open; where only some do, it also matters who is in the others by the tables.
            ballot = self._quorums.ballot(rule, self._quorums.mentioned(rule))
            ways = self._quorums.ways_in(rule, controllers)
        roles: dict[tuple[int, int, bool, bytes, bytes] | None, list[int]] = {}
        brought = np.ascontiguousarray((self._bundles.assumes[:, controllers] & stakes.mask[:, None]).T)
        asks, approves = ballot.requesters.of(controllers), ballot.approvers.of(controllers)
        holds = among(controllers, rule.holders.people(opened))
        anyone = stakes.opens or rule.holders.people(opened) is None or self._quorums.approved_by_all(rule, opened)
        proxied = self._traits.proxied(controllers, stakes.held, [rule], [rule] if anyone else [])
        columns = (c.tolist() for c in (controllers, asks, approves, holds, proxied))
        for person, ask, approve, hold, other, by, way in zip(*columns, brought, ways, strict=True):
            # Of whom it makes no difference who they are, one is as good as the other.
            roles.setdefault(None if other else (ask, approve, hold, by.tobytes(), way), []).append(person)
        for role, people in roles.items():
            ask, approve, hold = role[:3] if role is not None else (-1, -1, False)
            yield np.array(people, dtype=np.int32), ask >= 0 or approve >= 0 or hold, hold


def among(people: Ints, crowd: Ints | None) -> Flags:
    """Which of `people` are in a crowd, None for everyone."""
    return np.ones(len(people), dtype=np.bool_) if crowd is None else within(people, crowd)
