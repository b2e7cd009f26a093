"""The solution: the lengths of all pairs for a set of columns, with what is needed to explain each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from armslength.estate import ENROLL, Estate
from armslength.reach.ascent import Ascent, Beside, Reached, large
from armslength.reach.board import Board
from armslength.reach.clock import Clock, Expired
from armslength.reach.columns import Column, Columns
from armslength.reach.construction import Construction
from armslength.reach.exposure import Exposure
from armslength.reach.graph import Graph
from armslength.reach.ground import Ground
from armslength.reach.lengths import Lengths, goals
from armslength.reach.membership import Membership
from armslength.reach.pairs import Pairs
from armslength.reach.permit_again import change, permits_again
from armslength.reach.permit_atoms import Told
from armslength.reach.permit_spent import Spent
from armslength.reach.permits import Permit, gate_permits, permits
from armslength.reach.quorum import Quorums
from armslength.reach.takeover import takeover

Permits = tuple[tuple[Permit, ...], tuple[Permit, ...]]
"""What policies permit people, and what they give to whoever holds the gate."""


class Model:
    """An estate made ready for one question: exposures, graph and quorums. Columns come later. `before`: the model of
    another estate, of which parts serve that must be the same here."""

    def __init__(
        self,
        estate: Estate,
        exposure: Exposure,
        asked: Pairs,
        at: dt.date,
        expired: Callable[[], bool],
        before: Model | None = None,
    ) -> None:
        self.estate, self.exposure, self.asked, self.at = estate, exposure, asked, at
        self.membership = _membership(estate, before)
        self._told: Told = before._told if before is not None else {}
        self._spent = Spent()
        self.clock = Clock(expired)
        self.permits, self.gate_permits = self._read_again(before) if before is not None else self._read()
        self.graph: Graph = self._graph(before)
        self.quorums = Quorums(estate, exposure, self.membership, self.clock.tick)

    def _read(self) -> Permits:
        """What the policies say."""
        by_gate = gate_permits(self.estate, self.exposure, self.membership.is_member, self._told)
        enrollable, is_member = self._enrollable(by_gate), self.membership.is_member
        self._spent = Spent()
        return permits(self.estate, enrollable, self.exposure, is_member, self._told, self._spent), by_gate

    def _read_again(self, before: Model) -> Permits:
        """The same, as it was read before but for people who changed, where nothing else that policies look at did."""
        one, two = before.estate, self.estate
        if one.policy is None and two.policy is None:
            return before.permits, before.gate_permits
        found = change(one, two, before.exposure, self.exposure)
        enrollable = self._enrollable(before.gate_permits)
        if found is None or enrollable != before._enrollable(before.gate_permits):
            return self._read()
        if np.array_equal(found.moved, np.arange(len(two.people.ids))):
            self._spent = before._spent
            return before.permits, before.gate_permits
        spent, is_member = Spent(), self.membership.is_member
        made = permits_again(before.permits, found, two, enrollable, self.exposure, is_member, self._told, spent)
        self._spent = before._spent + spent
        return (made, before.gate_permits) if not self._spent.limited else self._read()

    def _graph(self, before: Model | None) -> Graph:
        """That of before, where all that it is made of is the same."""
        if before is not None and before.membership is self.membership and before.permits is self.permits:
            one, two, asked = before.estate, self.estate, before.asked
            same = one.grants is two.grants and one.assets is two.assets and one.settings is two.settings
            same = same and (one.states, one.actions, one.classes) == (two.states, two.actions, two.classes)
            same = same and before.gate_permits is self.gate_permits
            same = same and np.array_equal(asked.action, self.asked.action)
            if same and np.array_equal(asked.asset, self.asked.asset):
                return replace(before.graph, estate=self.estate)
        return Construction(self.estate, self.membership, self.asked).graph(self.permits, self.gate_permits)

    def _enrollable(self, by_gate: tuple[Permit, ...]) -> frozenset[int]:
        """Groups that some enrolment could open; what a permit gives to whoever holds the gate is all that it gives."""
        grants, enroll = self.estate.grants, self.estate.actions.index(ENROLL)
        named = set(np.unique(grants.target[grants.action == enroll]).tolist())
        for permit in by_gate:
            if permit.action == enroll:
                named |= set(permit.targets.tolist())
        return frozenset[int]().union(*(self.membership.upward(g) for g in named))


def _membership(estate: Estate, before: Model | None) -> Membership:
    if before is not None and before.estate.groups is estate.groups and before.estate.people is estate.people:
        return before.membership
    return Membership(estate)


class Solution:
    """`at_least`, `at_most`: shape [columns, K]; the same where exact, `NOBODY` in both beyond the cap. `before`: the
    solution of another model, of which all is taken over that must be the same here. `beside`: see `Ascent`."""

    def __init__(
        self,
        model: Model,
        columns: Sequence[Column],
        cap: int,
        before: Solution | None = None,
        beside: Beside | None = None,
    ) -> None:
        self.model, self.columns = model, Columns(tuple(columns))
        self.board = Board(model.graph, self.columns)
        taken = takeover(before, model, self.columns) if before is not None else None
        if taken is None:
            self.ground = Ground(self.board, model.quorums)
        else:
            self.ground = Ground(self.board, model.quorums, firings=taken.firings, left=taken.left)
        self.reached: Reached | None = None
        if beside is not None and taken is None and large(self.board):
            beside.ready()
        asked = goals(model.graph.layout, model.asked)
        lengths = Lengths(asked, len(self.columns))
        try:
            self.ground.run(self.board.seed(model.exposure))
            lengths.note(self.board.words, 0)
            standing = taken.standing(self.ground) if taken is not None else None
            ascent = Ascent(self.ground, model.quorums, model.membership, asked, model.clock, cap, standing)
            self.reached = ascent.whole(beside)
        except Expired:
            lengths.note(self.board.words, 0)
            lengths.stop(0)
        found = lengths if self.reached is None else self.reached
        self.at_least, self.at_most = found.at_least, found.at_most
        self.complete = self.reached is not None and self.reached.complete


class Solutions:
    """All solutions of a question: `known` has one column a state, with nothing filled; the others have some unknown
    groups filled. `before`: those of another model. `beside`: see `Ascent`."""

    def __init__(
        self, model: Model, asked: Pairs, before: Solutions | None = None, beside: Beside | None = None
    ) -> None:
        self.model, self._cap, self._before, self._beside = model, asked.highest_cap, before, beside
        self._found: dict[frozenset[str], Solution] = {}
        self.known = self.filled(asked.states, frozenset())

    def filled(self, states: Sequence[int], groups: frozenset[int]) -> Solution:
        """The solution for these states with these unknown groups filled."""
        before = self._before._found.get(self._names(groups)) if self._before is not None else None
        columns = [Column(state=s, filled=groups) for s in states]
        found = self._found[self._names(groups)] = Solution(self.model, columns, self._cap, before, self._beside)
        return found

    def _names(self, groups: frozenset[int]) -> frozenset[str]:
        return frozenset(self.model.estate.groups.ids[g] for g in groups)

    def forget(self) -> None:
        """What was before is not needed any more, nor anybody beside."""
        self._before = self._beside = None
        self.model.quorums.let_go()
