"""Construction of the graph: only what can matter for the pairs asked is taken in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from armslength.estate import AMEND, ASSUME, ENROLL, OPERATE, POWERS, Estate, Kind, Ref
from armslength.reach.crowd import Crowd, Way, crowd
from armslength.reach.graph import Graph, Layout, Why
from armslength.reach.membership import Membership
from armslength.reach.pairs import Pairs, spread_up
from armslength.reach.permits import Permit
from armslength.reach.rules import STANDING, Rule
from armslength.reach.spread import Ints, edges

USE = "use"


class Construction:
    """Collects edges and rules, then makes the graph once."""

    def __init__(self, estate: Estate, membership: Membership, asked: Pairs) -> None:
        self.estate, self.membership = estate, membership
        assets, actions = estate.assets, {name: i for i, name in enumerate(estate.actions)}
        locks = np.unique(assets.lock[assets.lock >= 0])
        operate = actions[OPERATE]
        numbers = sorted({*np.unique(asked.action).tolist(), operate, *([actions[USE]] if USE in actions else [])})
        slot = {a: i for i, a in enumerate(numbers)}
        self.layout = Layout(
            people=len(estate.people.ids),
            groups=len(estate.groups.ids),
            terms=len(estate.settings.terms),
            assets=len(assets.ids),
            classes=len(estate.classes),
            slot=slot,
            operate=slot[operate],
        )
        self.exact_needed = np.zeros((len(slot), len(assets.ids)), dtype=np.bool_)
        self.exact_needed[np.array([slot[a] for a in asked.action.tolist()], dtype=np.int64), asked.asset] = True
        self.use = slot.get(actions.get(USE, -1))
        if self.use is not None:
            self.exact_needed[self.use, locks] = True
        self.exact_needed[slot[operate], locks] = True
        self.exact_needed[slot[operate]] |= self.exact_needed.any(axis=0)
        if estate.settings.gate is not None:
            self.exact_needed[slot[operate], estate.settings.gate] = True
        self.needed = spread_up(self.exact_needed, assets.within)
        self.class_needed = np.zeros((len(slot), len(estate.classes)), dtype=np.bool_)
        classed = np.flatnonzero(assets.of_class >= 0)
        for row, known in zip(self.class_needed, self.needed, strict=True):
            np.logical_or.at(row, assets.of_class[classed], known[classed])
        self._source: list[Ints] = []
        self._target: list[Ints] = []
        self._why: list[npt.NDArray[np.int8]] = []
        self._row: list[Ints] = []
        self.rules: list[Rule] = []
        self.nodes = self.layout.rules

    def graph(self, permits: Sequence[Permit], gate_permits: Sequence[Permit]) -> Graph:
        self._groups()
        self._assets()
        self._grants()
        self._permits(permits, gate_permits)
        source, target = np.concatenate(self._source), np.concatenate(self._target)
        why, row = np.concatenate(self._why), np.concatenate(self._row)
        assets, upward = self.estate.assets, self.estate.settings.upward
        above = {hosts: frozenset().union(*(upward[s] for s in hosts)) for hosts in set(assets.hosts)}
        keyed, hosted = [], []
        for t, hosts in enumerate(assets.hosts):
            if hosts and assets.lock[t] < 0:
                hosted.append((self.layout.custody + t, above[hosts]))
            elif hosts:
                unlocks = self.layout.unlocks + int(assets.lock[t])
                keyed.append((unlocks, self.layout.custody + t, above[hosts]))
        at = self.layout
        into_power = (target >= at.opened) & (target < at.gate) | (target < at.people)
        standing = (why == Why.GRANT) | (why == Why.PERMIT)
        from_rule = np.zeros(self.nodes, dtype=np.bool_)
        from_rule[[rule.node for rule in self.rules]] = True
        power = standing & into_power & ~from_rule[source]
        return Graph(
            estate=self.estate,
            layout=at,
            nodes=self.nodes,
            source=source,
            edges=edges(self.nodes, source, target),
            why=why,
            row=row,
            rules=tuple(self.rules),
            keyed=tuple(keyed),
            hosted=tuple(hosted),
            power_sources=np.unique(source[power]).astype(np.int32),
        )

    def _add(
        self, source: npt.ArrayLike, target: npt.ArrayLike, why: Why, row: npt.ArrayLike | None = None
    ) -> None:
        src = np.asarray(source, dtype=np.int32)
        dst = np.asarray(target, dtype=np.int32)
        src, dst = (np.ascontiguousarray(a) for a in np.broadcast_arrays(src, dst))
        self._source.append(src)
        self._target.append(dst)
        self._why.append(np.full(src.shape, int(why), dtype=np.int8))
        rows = np.full(src.shape, -1, dtype=np.int32) if row is None else np.asarray(row, dtype=np.int32)
        self._row.append(np.ascontiguousarray(np.broadcast_to(rows, src.shape)))

    def _groups(self) -> None:
        groups, at = self.estate.groups, self.layout
        nested = groups.member_kind == int(Kind.GROUP)
        direct, nesting = np.flatnonzero(~nested), np.flatnonzero(nested)
        self._add(groups.member[direct], at.available + groups.group[direct], Why.MEMBER, direct)
        inner, outer, row = groups.member[nesting], groups.group[nesting], nesting
        self._add(at.available + inner, at.available + outer, Why.MEMBER, row)
        self._add(at.opened + inner, at.opened + outer, Why.OPENED, row)
        self._add(at.assumed + outer, at.assumed + inner, Why.ASSUMED, row)
        self._add(at.assumed + groups.group[direct], groups.member[direct], Why.ASSUMED, direct)
        every = np.arange(at.groups, dtype=np.int32)
        self._add(at.opened + every, at.available + every, Why.ENTERED)

    def _assets(self) -> None:
        assets, at = self.estate.assets, self.layout
        for slot in range(len(at.slot)):
            inside = np.flatnonzero(self.needed[slot] & (assets.within >= 0))
            base = at.over + slot * at.assets
            self._add(base + assets.within[inside], base + inside, Why.WITHIN, inside)
            classed = np.flatnonzero(self.needed[slot] & (assets.of_class >= 0))
            self._add(at.over_class + slot * at.classes + assets.of_class[classed], base + classed, Why.CLASS, classed)
        locks = np.unique(assets.lock[assets.lock >= 0])
        for chosen in (at.operate, self.use):
            if chosen is not None:
                self._add(at.over + chosen * at.assets + locks, at.unlocks + locks, Why.KEY)
        if self.use is not None:
            self._add(at.exact + self.use * at.assets + locks, at.unlocks + locks, Why.KEY)
        self._add(at.custody + locks, at.unlocks + locks, Why.KEY)
        gate = self.estate.settings.gate
        if gate is not None:
            self._add([at.over + at.operate * at.assets + gate, at.custody + gate], at.gate, Why.GATE)

    def _effects(self, action: Ints, kind: Ints, target: Ints) -> Ints:
        """The node that each (action, target) makes true, or -1 where it cannot matter. Arrays of equal length."""
        at, actions = self.layout, {name: i for i, name in enumerate(self.estate.actions)}
        slots = np.full(len(self.estate.actions) + 1, -1, dtype=np.int32)
        for a, number in at.slot.items():
            slots[a] = number
        slot = slots[action]
        out = np.full(action.shape, -1, dtype=np.int32)
        for name, target_kind, first in (
            (ENROLL, Kind.GROUP, at.opened),
            (ASSUME, Kind.GROUP, at.assumed),
            (ASSUME, Kind.PERSON, 0),
            (AMEND, Kind.TERMS, at.waived),
        ):
            chosen = (action == actions.get(name, -2)) & (kind == int(target_kind))
            out[chosen] = first + target[chosen]
        for target_kind, needed, first, size in (
            (Kind.ASSET, self.needed, at.over, at.assets),
            (Kind.CLASS, self.class_needed, at.over_class, at.classes),
        ):
            chosen = np.flatnonzero((kind == int(target_kind)) & (slot >= 0))
            chosen = chosen[needed[slot[chosen], target[chosen]]]
            out[chosen] = first + slot[chosen] * size + target[chosen]
        return out

    def _grants(self) -> None:
        grants, at = self.estate.grants, self.layout
        effect = self._effects(grants.action, grants.target_kind.astype(np.int32), grants.target)
        some = effect >= 0
        standing = np.flatnonzero(some & (grants.terms < 0))
        first = np.zeros(len(Kind), dtype=np.int32)
        first[Kind.GROUP], first[Kind.EVERYONE] = at.available, at.somebody
        holder = first[grants.holder_kind] + grants.holder
        self._add(holder[standing], effect[standing], Why.GRANT, standing)
        gated = np.flatnonzero(some & (grants.terms >= 0))
        enrolls = grants.action[gated] == self._number(ENROLL)
        keys = np.stack([grants.holder_kind[gated], grants.holder[gated], grants.terms[gated], enrolls], axis=1)
        order = np.lexsort(keys.T[::-1]) if gated.size else np.zeros(0, np.int64)
        keys, rows = keys[order], gated[order]
        bounds = [0, *(np.flatnonzero((keys[1:] != keys[:-1]).any(axis=1)) + 1).tolist(), gated.size]
        crowds: dict[tuple[int, int], Crowd] = {}
        for lo, hi in pairwise(bounds if gated.size else [0]):
            kind, index, terms, enroll = (int(x) for x in keys[lo])
            holders = crowds.get((kind, index))
            if holders is None:
                ref = Ref(kind=Kind(kind), index=index)
                holders = crowds[kind, index] = crowd(ref, self.membership, self.estate.groups.unknown)
            mine = rows[lo:hi]
            self._rule(holders, terms, effect[mine], bool(enroll), True, Why.GRANT, mine)

    def _number(self, action: str) -> int:
        return self.estate.actions.index(action) if action in self.estate.actions else -2

    def _rule(
        self, holders: Crowd, terms: int, effects: Ints, enrolls: bool, gated: bool, why: Why, row: npt.ArrayLike
    ) -> None:
        at = self.layout
        node, self.nodes = self.nodes, self.nodes + 1
        self._add(node, effects, why, row)
        power = bool(((effects < at.over) | (effects >= at.rules)).any())
        effects = np.unique(effects).astype(np.int32)
        self.rules.append(
            Rule(
                number=len(self.rules),
                node=node,
                holders=holders,
                terms=terms,
                effects=effects,
                enrolls=enrolls,
                gated=gated,
                power=power,
            )
        )

    def _permits(self, permits: Sequence[Permit], gate_permits: Sequence[Permit]) -> None:
        crowds: dict[bytes, int] = {}
        unknown = self.estate.groups.unknown
        for number, permit in enumerate(permits):
            effects = self._permit_effects(permit)
            if not effects.size:
                continue
            enrolls = self.estate.actions[permit.action] == ENROLL
            ways: list[Way] = []
            for opening in permit.openings:
                people = np.flatnonzero(opening.people).astype(np.int32)
                if permit.terms == STANDING and not opening.groups:
                    if people.size:
                        self._standing(crowds, people, effects, number)
                else:
                    ways.append(Way(opened=opening.groups, people=people))
            if ways:
                holders = Crowd(ways=tuple(ways), filled_by=frozenset())
                self._rule(holders, permit.terms, effects, enrolls, False, Why.PERMIT, number)
        # Of somebody in an unknown group nothing is known that a policy could look at: what a permit gives to whoever
        # holds the gate it may give to them, once its terms are met.
        someone = Way(opened=frozenset(), people=np.zeros(0, dtype=np.int32))
        nobody = Crowd(ways=(someone,), filled_by=None) if unknown else Crowd(ways=(), filled_by=frozenset())
        for number, permit in enumerate(gate_permits, start=len(permits)):
            effects = self._permit_effects(permit)
            if effects.size:
                enrolls = self.estate.actions[permit.action] == ENROLL
                self._rule(nobody, permit.terms, effects, enrolls, True, Why.PERMIT, number)

    def _standing(self, crowds: dict[bytes, int], people: Ints, effects: Ints, number: int) -> None:
        key = people.tobytes()
        node = crowds.get(key)
        if node is None:
            node, self.nodes = self.nodes, self.nodes + 1
            crowds[key] = node
            self._add(people, node, Why.OPEN_TO, number)
        self._add(node, effects, Why.PERMIT, number)

    def _permit_effects(self, permit: Permit) -> Ints:
        targets, at = permit.targets, self.layout
        action = self.estate.actions[permit.action]
        slot = at.slot.get(permit.action)
        if permit.target_kind is Kind.ASSET and action not in POWERS:
            if slot is None:
                return np.zeros(0, np.int32)
            kept = targets[self.exact_needed[slot, targets]]
            exact: Ints = (at.exact + slot * at.assets + kept).astype(np.int32)
            return exact
        action_column = np.full(targets.shape, permit.action, dtype=np.int32)
        kind_column = np.full(targets.shape, int(permit.target_kind), dtype=np.int32)
        effects = self._effects(action_column, kind_column, targets)
        return effects[effects >= 0]
