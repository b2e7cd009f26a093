"""Traces: what a fact rests on, read backwards off the graph: rows with the statuses in which they carry it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from armslength.estate import Kind, Ref
from armslength.reach.columns import Column
from armslength.reach.graph import Why
from armslength.reach.ground import Firing
from armslength.reach.paths import GATED, NEVER, Paths, Trail
from armslength.reach.quorum import FILLED
from armslength.reach.repair_clause import Statuses
from armslength.reach.repair_menu import GONE, KEPT, Key, Menu
from armslength.reach.repair_sight import Sight, Sights
from armslength.reach.rules import STANDING, Rule
from armslength.reach.solution import Model
from armslength.reach.spread import Ints

LAST = NEVER - 1


@dataclass(slots=True)
class Support:
    """`standing` as a clause takes it; `policies` are the @ids of permits, `assets` those held by custody."""

    standing: dict[Key, Statuses] = field(default_factory=dict)
    policies: set[str] = field(default_factory=set)
    assets: set[int] = field(default_factory=set)

    def rest(self, key: Key, statuses: Statuses) -> None:
        """It rests on a row in one of these statuses."""
        had = self.standing.get(key)
        self.standing[key] = statuses if had is None else had & statuses

    def take(self, other: Support) -> None:
        """It rests on all that another does."""
        for key, statuses in other.standing.items():
            self.rest(key, statuses)
        self.policies |= other.policies
        self.assets |= other.assets


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """An estate with a plan applied, made ready: what traces of any column share. `dropped` are the membership rows
    that the plan drops, by number in the tables as read.
    """

    model: Model
    paths: Paths
    menu: Menu
    sights: Sights
    dropped: tuple[int, ...]
    rule_at: Mapping[int, Rule]
    in_groups: dict[int, frozenset[int]] = field(default_factory=dict)

    def grant(self, number: int) -> Key:
        """The key of a grant of the model's estate."""
        return int(self.model.estate.grants.row[number])

    def membership(self, number: int) -> Key:
        return self.menu.grants + int(self.model.estate.groups.row[number])

    def seen(self, person: int, sight: Sight, support: Support) -> None:
        """It rests on a person, and those whom the policies name, being in the groups that help to pass a permit, by
        one way, and in none of those that hinder."""
        for one in sorted({person, *sight.named}):
            mine = self._groups(one)
            for group in sorted(sight.helps & mine):
                for row in self.paths.climb(one, group) or ():
                    support.rest(self.membership(row), KEPT_NOW)
            self._kept_out(one, mine, sight.hinders - mine, support)

    def seen_group(self, group: int, sight: Sight, support: Support) -> None:
        """The same for whoever is in a group."""
        at, mine = self.model.graph.layout, self.model.membership.upward(group)
        for other in sorted(sight.helps & mine):
            for row in self.paths.climb(at.available + group, other) or ():
                support.rest(self.membership(row), KEPT_NOW)
        self._kept_out(-1, mine, sight.hinders - mine, support)

    def _kept_out(self, person: int, mine: frozenset[int], out: frozenset[int], support: Support) -> None:
        """It rests on the memberships being gone that would lead a person, or one of the groups `mine`, into `out`."""
        if not out or not self.dropped:
            return
        groups = self.menu.estate.groups
        for row in self.dropped:
            nested = groups.member_kind[row] == Kind.GROUP
            begins = int(groups.member[row]) in mine if nested else int(groups.member[row]) == person
            if begins and not self.sights.upward(int(groups.group[row])).isdisjoint(out):
                support.rest(self.menu.grants + row, GONE_NOW)

    def _groups(self, person: int) -> frozenset[int]:
        found = self.in_groups.get(person)
        if found is None:
            found = self.in_groups[person] = self.model.membership.groups(person)
        return found


KEPT_NOW: Statuses = frozenset({KEPT})
GONE_NOW: Statuses = frozenset({GONE})
STANDING_NOW: Statuses = frozenset({STANDING})


class Trace:
    """One column. `active` [N]: what is true in it; `order` [N]: below `NEVER` for what a trail may start from: people
    who act from the beginning, what the state holds, and rules at the number of their firing."""

    def __init__(
        self,
        scene: Scene,
        column: Column,
        active: npt.NDArray[np.bool_],
        order: Ints,
        firings: Mapping[int, Firing],
    ) -> None:
        self._scene, self._column, self._active, self._order, self._firings = scene, column, active, order, firings
        self._model = scene.model
        self._graph, self._rule_at = scene.model.graph, scene.rule_at
        self._whole: dict[tuple[int, int], Support] = {}
        self._fired: dict[tuple[int, Ref | str], Support] = {}

    def trail(self, targets: tuple[int, ...], limit: int = LAST) -> Trail:
        """The shortest way to any of `targets` from what was true before `limit`."""
        return self._scene.paths.back(targets, self._active, self._order, limit, self._column.state)

    def support(self, trail: Trail, limit: int = LAST) -> Support:
        """What the last fact of a trail rests on, all of it true before `limit`."""
        found = Support()
        graph, at = self._graph, self._graph.layout
        node, gated, asker = trail.nodes[0], False, None
        if at.custody <= node < at.unlocks:
            found.assets.add(node - at.custody)
        for link, after in zip(trail.links, trail.nodes[1:], strict=True):
            if link < 0:
                gated = link == GATED
                if at.custody <= after < at.unlocks:
                    found.assets.add(after - at.custody)
                node = after
                continue
            why, row = Why(int(graph.why[link])), int(graph.row[link])
            match why:
                case Why.MEMBER | Why.OPENED | Why.ASSUMED:
                    found.rest(self._scene.membership(row), KEPT_NOW)
                case Why.GRANT:
                    self._grant(found, node, row, gated)
                case Why.PERMIT:
                    self._permit(found, node, after, row, gated)
                    if asker is not None:
                        self._scene.seen(asker, self._scene.sights.asking(self._policy(row)), found)
                case Why.OPEN_TO:
                    # Of which permit, the next link says: those open to the same people share the node between.
                    asker = node
                case Why.ENTERED:
                    found.take(self._one(at.somebody, limit))
                case Why.CLASS | Why.WITHIN | Why.KEY | Why.GATE:
                    pass
            node, gated = after, False
        return found

    def _grant(self, found: Support, node: int, number: int, gated: bool) -> None:
        """A grant, standing or made usable by its rule or by the gate."""
        rule, grants = self._rule_at.get(node), self._model.estate.grants
        menu, key = self._scene.menu, self._scene.grant(number)
        if rule is None:
            found.rest(key, STANDING_NOW)
        elif gated or rule.number not in self._firings:
            every = {rule.terms, menu.original(key), *(menu.status[o] for o in menu.options(key))}
            found.rest(key, frozenset(every - {GONE, STANDING}))
        else:
            found.rest(key, frozenset({rule.terms} | ({STANDING} if menu.original(key) == STANDING else set())))
            holder = Ref(kind=Kind(int(grants.holder_kind[number])), index=int(grants.holder[number]))
            found.take(self._fire(rule, holder))

    def _policy(self, number: int) -> str:
        """The @id of a permit."""
        permits = self._model.permits
        return (permits[number] if number < len(permits) else self._model.gate_permits[number - len(permits)]).policy

    def _permit(self, found: Support, node: int, after: int, number: int, gated: bool) -> None:
        policy = self._policy(number)
        found.policies.add(policy)
        if after < self._graph.layout.people:
            self._scene.seen(after, self._scene.sights.aimed(policy), found)
        rule = self._rule_at.get(node)
        if rule is not None and not gated and rule.number in self._firings:
            found.take(self._fire(rule, policy))

    def _fire(self, rule: Rule, holder: Ref | str) -> Support:
        """What the quorum of a rule rests on: that its people act, belong and hold. `holder`: of a permit, its @id."""
        known = self._fired.get((rule.number, holder))
        if known is not None:
            return known
        found = self._fired[rule.number, holder] = Support()
        firing, limit, at = self._firings[rule.number], int(self._order[rule.node]), self._graph.layout
        asker = firing.quorum.requester
        if asker != FILLED:
            found.take(self._one(asker, limit))
        if isinstance(holder, Ref):
            self._belong(found, asker, holder, firing, limit)
        else:
            self._permitted(found, rule, holder, asker, firing, limit)
        if firing.waived:
            found.take(self._one(at.waived + rule.terms, limit))
        elif rule.terms != STANDING:
            terms = self._model.estate.settings.terms[rule.terms]
            for approver in firing.quorum.approvers:
                if approver != FILLED:
                    found.take(self._one(approver, limit))
                self._belong(found, approver, terms.approvers, firing, limit)
                for place in terms.places:
                    if self._fits(approver, place.of, firing):
                        self._belong(found, approver, place.of, firing, limit)
        return found

    def _one(self, node: int, limit: int) -> Support:
        """What one fact true before `limit` rests on."""
        known = self._whole.get((node, limit))
        if known is None:
            known = self._whole[node, limit] = Support()
            known.take(self.support(self.trail((node,), limit)))
        return known

    def _belong(self, found: Support, person: int, to: Ref, firing: Firing, limit: int) -> None:
        """That a person, or somebody of an unknown group, is in a group."""
        if to.kind is not Kind.GROUP:
            return
        rows = self._climb(person, to.index)
        if rows is not None:
            for row in rows:
                found.rest(self._scene.membership(row), KEPT_NOW)
        else:
            found.take(self._one(self._graph.layout.opened + to.index, limit))

    def _climb(self, person: int, group: int) -> tuple[int, ...] | None:
        """The memberships that lead up to a group by the tables."""
        if person != FILLED:
            return self._scene.paths.climb(person, group)
        at = self._graph.layout
        ways = (self._scene.paths.climb(at.available + g, group) for g in sorted(self._column.filled))
        return min((way for way in ways if way is not None), key=len, default=None)

    def _fits(self, person: int, to: Ref, firing: Firing) -> bool:
        return to.kind is not Kind.GROUP or to.index in firing.opened or self._climb(person, to.index) is not None

    def _permitted(self, found: Support, rule: Rule, policy: str, asker: int, firing: Firing, limit: int) -> None:
        """That a permit is open to the one who asks, with the groups entered by enrolment that it takes."""
        ways = [way for way in rule.holders.ways if way.opened <= firing.opened]
        sight = self._scene.sights.asking(policy)
        if asker == FILLED:
            # The engine takes a permit that is open to anybody to be open to those of unknown groups.
            for group in sorted(self._column.filled):
                self._scene.seen_group(group, sight, found)
            way = next(iter(ways or rule.holders.ways))
            if way.people is not None and len(way.people):
                self._scene.seen(int(way.people[0]), sight, found)
            return
        mine = [way for way in ways if way.people is None or bool((way.people == asker).any())]
        self._scene.seen(asker, sight, found)
        for group in sorted(min(mine, key=lambda way: (len(way.opened), sorted(way.opened))).opened):
            found.take(self._one(self._graph.layout.opened + group, limit))
