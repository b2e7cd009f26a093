"""Telling: a derivation in steps that anyone can check, from trails through the graph (semantics, rules 1 to 7)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from armslength.estate import Kind, Ref
from armslength.reach.board import Board
from armslength.reach.columns import has
from armslength.reach.graph import Why
from armslength.reach.ground import Firing
from armslength.reach.paths import GATED, NEVER, Paths
from armslength.reach.result import Fact, Row, Step
from armslength.reach.rules import STANDING, Rule
from armslength.reach.solution import Model
from armslength.reach.ties import tie

LAST = NEVER - 1


class Walk:
    """Where a walk along a trail has come to: who acts there, and the memberships since the last group was entered."""

    def __init__(self) -> None:
        self.node = -1
        self.actor: int | None = None
        self.rows: tuple[int, ...] = ()
        self.entered = -1
        self.by_enrolment = False
        self.gated = False
        self.key: Fact | None = None

    def become(self, person: int) -> None:
        self.actor, self.rows, self.by_enrolment = person, (), False

    def reset(self, entered: int) -> None:
        self.actor, self.rows, self.entered = None, (), entered
        self.by_enrolment = self.gated = False


class Telling:
    """One column with its accomplices, ready to tell any of its facts. `firings`, `orders` by rule number."""

    def __init__(
        self,
        model: Model,
        board: Board,
        paths: Paths,
        state: int,
        accomplices: tuple[int, ...],
        firings: Mapping[int, Firing],
        orders: Mapping[int, int],
    ) -> None:
        self._model, self._estate, self._graph = model, model.estate, model.graph
        self._paths, self._state, self._firings = paths, state, firings
        self._accomplices = frozenset(accomplices)
        self._active = has(board.words, 0)
        at = self._graph.layout
        self._order = np.full(self._graph.nodes, NEVER, dtype=np.int32)
        self._order[: at.people][model.exposure.to(state)] = 0
        self._order[list(accomplices)] = 0
        self._order[[node for node, states in self._graph.hosted if state in states]] = 0
        self._rule_at = {rule.node: rule for rule in self._graph.rules}
        for number, order in orders.items():
            self._order[self._graph.rules[number].node] = order
        self._steps: list[Step] = []
        self._told: set[Fact] = set()

    def tell(self, action: int, asset: int) -> tuple[Step, ...]:
        """The steps to ("can", action, asset)."""
        self._steps, self._told = [], set()
        fact = ("can", self._estate.actions[action], self._asset(asset))
        walk = self._walk(self._graph.can(action, asset), LAST)
        at = self._graph.layout
        if at.over <= walk.node < at.over_class:
            self._has(walk.node, fact)
        elif at.custody <= walk.node < at.unlocks:
            self._custody(asset, fact, walk.key)
        return tuple(self._steps)

    # --- facts ---------------------------------------------------------------------------------------------------

    def _emit(self, step: Step) -> None:
        if step.fact not in self._told:
            self._told.add(step.fact)
            self._steps.append(step)

    def _acts(self, person: int, limit: int) -> Fact:
        fact = ("acts", self._person(person))
        if fact not in self._told:
            self._walk((person,), limit)
        return fact

    def _start(self, person: int) -> None:
        """A person who acts from the beginning."""
        fact = ("acts", self._person(person))
        if person in self._accomplices:
            self._emit(Step(rule="accomplice", fact=fact))
        else:
            found = tie(self._estate, self._model.at, person, self._state)
            self._emit(Step(rule="compelled", fact=fact, tie=found.name, rows=found.rows))

    def _is_in(self, person: int, group: int, limit: int) -> Fact:
        fact = ("in", self._person(person), self._group(group))
        if fact in self._told:
            return fact
        rows = self._paths.climb(person, group)
        if rows is not None:
            self._emit(Step(rule="member", fact=fact, needs=(), rows=self._memberships(rows)))
            return fact
        acts = self._acts(person, limit)
        walk = self._walk((self._graph.layout.opened + group,), limit)
        enrolled = ("enrolled", self._group(walk.entered))
        self._emit(Step(rule="enrolled", fact=fact, needs=(acts, enrolled), rows=self._memberships(walk.rows)))
        return fact

    def _has(self, node: int, fact: Fact) -> None:
        self._emit(Step(rule="has", fact=fact, needs=(self._over(node),)))

    def _custody(self, asset: int, fact: Fact, key: Fact | None) -> None:
        needs = () if key is None else (key,)
        self._emit(Step(rule="custody", fact=fact, needs=needs, rows=(self._row("assets", asset),)))

    # --- walking a trail -----------------------------------------------------------------------------------------

    def _walk(self, targets: tuple[int, ...], limit: int) -> Walk:
        """Tell everything on the way to the nearest of `targets` that follows before `limit`."""
        trail = self._paths.back(targets, self._active, self._order, limit, self._state)
        first = trail.nodes[0]
        walk = Walk()
        walk.node = first
        if first < self._graph.layout.people:
            self._start(first)
            walk.actor = first
        for link, node in zip(trail.links, trail.nodes[1:], strict=True):
            self._step(walk, link, node, limit)
            walk.node = node
        return walk

    def _step(self, walk: Walk, link: int, node: int, limit: int) -> None:
        at = self._graph.layout
        if link < 0:
            walk.gated = link == GATED
            return
        why, row = Why(int(self._graph.why[link])), int(self._graph.row[link])
        match why:
            case Why.MEMBER | Why.OPENED | Why.ASSUMED:
                walk.rows = (*walk.rows, row)
                if why is Why.ASSUMED and node < at.people:
                    fact = ("acts", self._person(node))
                    needs = (("assumed", self._group(walk.entered)),)
                    rows = self._memberships(tuple(reversed(walk.rows)))
                    self._emit(Step(rule="assumed", fact=fact, needs=needs, rows=rows))
                    walk.become(node)
            case Why.ENTERED:
                # Whoever acts may use the group; somebody does, or nobody could have enrolled.
                walk.by_enrolment = True
            case Why.GRANT:
                self._grant(walk, row, node, limit)
            case Why.PERMIT:
                self._permit(walk, row, node, limit)
            case Why.OPEN_TO:
                pass
            case Why.CLASS | Why.WITHIN:
                source = self._over(walk.node)
                over = ("over", source[1], self._asset(row))
                rule = "class" if why is Why.CLASS else "within"
                self._emit(Step(rule=rule, fact=over, needs=(source,), rows=(self._row("assets", row),)))
            case Why.KEY:
                walk.key = self._key(walk, node - at.unlocks)
            case Why.GATE:
                gate = self._estate.settings.gate
                assert gate is not None
                can = ("can", "operate", self._asset(gate))
                if walk.node >= at.custody:
                    self._custody(gate, can, walk.key)
                else:
                    self._has(walk.node, can)
                self._emit(Step(rule="gate", fact=("gate",), needs=(can,)))

    def _key(self, walk: Walk, key: int) -> Fact:
        """Tell that the key can be used or operated."""
        at = self._graph.layout
        if walk.node >= at.custody:
            fact = ("can", "use", self._asset(key))
            self._custody(key, fact, walk.key)
        elif walk.node >= at.exact:
            fact = ("can", "use", self._asset(key))
        else:
            fact = ("can", self._over(walk.node)[1], self._asset(key))
            self._has(walk.node, fact)
        return fact

    # --- grants and permits --------------------------------------------------------------------------------------

    def _grant(self, walk: Walk, number: int, node: int, limit: int) -> None:
        grants = self._estate.grants
        holder = Ref(kind=Kind(int(grants.holder_kind[number])), index=int(grants.holder[number]))
        kind, index = Kind(int(grants.target_kind[number])), int(grants.target[number])
        fact = self._effect(self._estate.actions[int(grants.action[number])], kind, index)
        base = Step(rule="grant", fact=fact, rows=(self._row("grants", int(grants.row[number])),))
        rule = self._rule_at.get(walk.node)
        if rule is None:
            actor, needs = self._standing(walk, holder, limit)
            self._emit(_with(base, "standing", needs, self._person(actor)))
        else:
            self._fired(walk, rule, base, holder)
        self._enter(walk, kind, index, node)

    def _permit(self, walk: Walk, number: int, node: int, limit: int) -> None:
        model = self._model
        permits = model.permits
        permit = permits[number] if number < len(permits) else model.gate_permits[number - len(permits)]
        action, at = self._estate.actions[permit.action], self._graph.layout
        if at.exact <= node < at.custody:
            kind, index = Kind.ASSET, (node - at.exact) % at.assets
            fact: Fact = ("can", action, self._asset(index))
        else:
            kind = permit.target_kind
            index = self._target_of(node)
            fact = self._effect(action, kind, index)
        base = Step(rule="permit", fact=fact, policy=permit.policy)
        rule = self._rule_at.get(walk.node)
        if rule is None:
            actor = self._someone(walk, limit)
            self._emit(_with(base, "standing", (self._acts(actor, limit),), self._person(actor)))
        else:
            self._fired(walk, rule, base, None)
        self._enter(walk, kind, index, node)

    def _standing(self, walk: Walk, holder: Ref, limit: int) -> tuple[int, tuple[Fact, ...]]:
        if walk.by_enrolment:
            actor = self._someone(walk, limit)
            acts = self._acts(actor, limit)
            fact = ("in", self._person(actor), self._group(holder.index))
            enrolled = ("enrolled", self._group(walk.entered))
            self._emit(Step(rule="enrolled", fact=fact, needs=(acts, enrolled), rows=self._memberships(walk.rows)))
            return actor, (acts, fact)
        actor = self._someone(walk, limit)
        acts = self._acts(actor, limit)
        if holder.kind is not Kind.GROUP:
            return actor, (acts,)
        fact = ("in", self._person(actor), self._group(holder.index))
        self._emit(Step(rule="member", fact=fact, rows=self._memberships(walk.rows)))
        return actor, (acts, fact)

    def _someone(self, walk: Walk, limit: int) -> int:
        """Whoever acts on the trail, or else anyone who acts before `limit`."""
        if walk.actor is not None:
            return walk.actor
        acting = np.flatnonzero(self._order[: self._graph.layout.people] == 0)
        if acting.size:
            return int(acting[0])
        somebody = self._paths.back(
            (self._graph.layout.somebody,), self._active, self._order, limit, self._state
        )
        return int(somebody.nodes[-2])

    def _fired(self, walk: Walk, rule: Rule, base: Step, holder: Ref | None) -> None:
        """A grant or permit that its rule makes usable."""
        if walk.gated or rule.number not in self._firings:
            self._emit(_with(base, "gate", (("gate",),), None))
            return
        firing = self._firings[rule.number]
        limit = int(self._order[rule.node])
        asker = firing.quorum.requester
        needs = [self._acts(asker, limit)]
        needs += self._holds(rule, firing, asker, holder, limit)
        if firing.waived:
            self._walk((self._graph.layout.waived + rule.terms,), limit)
            needs.append(("waived", self._terms(rule.terms)))
            self._emit(_with(base, "waived", tuple(needs), self._person(asker)))
        elif rule.terms == STANDING:
            self._emit(_with(base, "standing", tuple(needs), self._person(asker)))
        else:
            terms = self._estate.settings.terms[rule.terms]
            for approver in firing.quorum.approvers:
                needs.append(self._acts(approver, limit))
                for i, of in enumerate((terms.approvers, *(p.of for p in terms.places))):
                    if of.kind is Kind.GROUP and (i == 0 or self._belongs(approver, of.index, firing)):
                        needs.append(self._is_in(approver, of.index, limit))
            approvers = tuple(self._person(a) for a in firing.quorum.approvers)
            self._emit(_with(base, "quorum", tuple(dict.fromkeys(needs)), self._person(asker), approvers))

    def _belongs(self, person: int, group: int, firing: Firing) -> bool:
        return group in firing.opened or self._paths.climb(person, group) is not None

    def _holds(self, rule: Rule, firing: Firing, person: int, holder: Ref | None, limit: int) -> list[Fact]:
        """That the requester holds: of a permit, the groups entered by enrolment that open it."""
        if holder is not None:
            return [self._is_in(person, holder.index, limit)] if holder.kind is Kind.GROUP else []
        ways = [
            way
            for way in rule.holders.ways
            if way.opened <= firing.opened and (way.people is None or bool((way.people == person).any()))
        ]
        least = min(ways, key=lambda way: (len(way.opened), sorted(way.opened)))
        return [self._is_in(person, group, limit) for group in sorted(least.opened)]

    def _enter(self, walk: Walk, kind: Kind, index: int, node: int) -> None:
        """Go on from what a grant or permit has made true."""
        walk.reset(index)
        if kind is Kind.PERSON:
            fact = ("acts", self._person(node))
            self._emit(Step(rule="assumed", fact=fact, needs=(("assumed", self._person(node)),)))
            walk.become(node)

    def _effect(self, action: str, kind: Kind, index: int) -> Fact:
        match action, kind:
            case "enroll", Kind.GROUP:
                return ("enrolled", self._group(index))
            case "assume", Kind.GROUP:
                return ("assumed", self._group(index))
            case "assume", Kind.PERSON:
                return ("assumed", self._person(index))
            case "amend", Kind.TERMS:
                return ("waived", self._terms(index))
            case _, Kind.CLASS:
                return ("over", action, f"class:{self._estate.classes[index]}")
            case _:
                return ("over", action, self._asset(index))

    def _target_of(self, node: int) -> int:
        at = self._graph.layout
        for first in (at.over, at.waived, at.assumed, at.opened):
            if node >= first:
                return (node - first) % at.assets if first == at.over else node - first
        return node

    # --- names ---------------------------------------------------------------------------------------------------

    def _over(self, node: int) -> Fact:
        at, actions = self._graph.layout, {slot: a for a, slot in self._graph.layout.slot.items()}
        if node >= at.over_class:
            slot, index = divmod(node - at.over_class, at.classes)
            return ("over", self._estate.actions[actions[slot]], f"class:{self._estate.classes[index]}")
        slot, index = divmod(node - at.over, at.assets)
        return ("over", self._estate.actions[actions[slot]], self._asset(index))

    def _person(self, index: int) -> str:
        return f"person:{self._estate.people.ids[index]}"

    def _group(self, index: int) -> str:
        return f"group:{self._estate.groups.ids[index]}"

    def _asset(self, index: int) -> str:
        return f"asset:{self._estate.assets.ids[index]}"

    def _terms(self, index: int) -> str:
        return f"terms:{self._estate.settings.terms[index].id}"

    def _row(self, table: str, row: int) -> Row:
        return Row(file=self._estate.tables[table].file, row=row)

    def _memberships(self, numbers: tuple[int, ...]) -> tuple[Row, ...]:
        return tuple(self._row("groups", int(self._estate.groups.row[n])) for n in numbers)


def _with(
    step: Step, by: str, needs: tuple[Fact, ...], requester: str | None, approvers: tuple[str, ...] = ()
) -> Step:
    return Step(
        rule=step.rule,
        fact=step.fact,
        needs=needs,
        rows=step.rows,
        by=by,
        policy=step.policy,
        requester=requester,
        approvers=approvers,
    )
