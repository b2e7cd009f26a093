"""The solution: the lengths of all pairs for a set of columns, with what is needed to explain each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import numpy as np

from armslength.estate import ENROLL, Estate
from armslength.reach.board import Board
from armslength.reach.columns import Column, Columns, Words, has
from armslength.reach.construction import Construction
from armslength.reach.exposure import Exposure
from armslength.reach.graph import Graph
from armslength.reach.ground import Ground
from armslength.reach.levels import Clock, Expired, Levels
from armslength.reach.membership import Membership
from armslength.reach.pairs import Pairs
from armslength.reach.permits import Permit, gate_permits, permits
from armslength.reach.quorum import Quorums
from armslength.reach.result import NOBODY, Small

Permits = tuple[tuple[Permit, ...], tuple[Permit, ...]]
"""What policies permit people, and what they give to whoever holds the gate."""


class Model:
    """An estate made ready for one question: exposures, graph and quorums. Columns come later."""

    def __init__(
        self, estate: Estate, exposure: Exposure, asked: Pairs, at: dt.date, expired: Callable[[], bool]
    ) -> None:
        self.estate, self.exposure, self.asked, self.at = estate, exposure, asked, at
        self.membership = Membership(estate)
        self.clock = Clock(expired)
        self.permits, self.gate_permits = self._read()
        construction = Construction(estate, self.membership, asked)
        self.graph: Graph = construction.graph(self.permits, self.gate_permits)
        self.quorums = Quorums(estate, exposure, self.membership, self.clock.tick)

    def _read(self) -> Permits:
        """What the policies say."""
        by_gate = gate_permits(self.estate, self.exposure, self.membership.is_member)
        enrollable = self._enrollable(by_gate)
        return permits(self.estate, enrollable, self.exposure, self.membership.is_member), by_gate

    def _enrollable(self, by_gate: tuple[Permit, ...]) -> frozenset[int]:
        """Groups that some enrolment could open; what a permit gives to whoever holds the gate is all that it gives."""
        grants, enroll = self.estate.grants, self.estate.actions.index(ENROLL)
        named = set(np.unique(grants.target[grants.action == enroll]).tolist())
        for permit in by_gate:
            if permit.action == enroll:
                named |= set(permit.targets.tolist())
        return frozenset[int]().union(*(self.membership.upward(g) for g in named))


class Solution:
    """`at_least`, `at_most`: shape [columns, K]; the same where exact, `NOBODY` in both beyond the cap."""

    def __init__(self, model: Model, columns: Sequence[Column], cap: int) -> None:
        self.model, self.columns = model, Columns(tuple(columns))
        self.board = Board(model.graph, self.columns)
        self.ground = Ground(self.board, model.quorums)
        self.levels: Levels | None = None
        shape = (len(self.columns), len(model.asked.action))
        self.at_least: Small = np.full(shape, NOBODY, dtype=np.int8)
        self.at_most: Small = np.full(shape, NOBODY, dtype=np.int8)
        level = 0
        try:
            self.ground.run(self.board.seed(model.exposure))
            self._note(self.board.words, 0)
            self.levels = Levels(self.ground, model.quorums, model.membership, model.clock)
            for level in range(1, cap + 1):
                if not (self.at_most == NOBODY).any():
                    break
                self.levels.rise()
                self._note(self.levels.board.words, level)
        except Expired:
            words = self.board.words if self.levels is None else self.levels.board.words
            self._note(words, level)
            open_ended = self.at_most == NOBODY
            if self.levels is not None:
                for bound in range(level, cap + 1):
                    self.levels.bound(bound)
                    self._note(self.levels.board.words, bound)
            self.at_least[open_ended] = level

    def _note(self, words: Words, level: int) -> None:
        """Give `level` to the pairs that are true now and had no length yet."""
        asked, at = self.model.asked, self.model.graph.layout
        slots = np.array([at.slot[a] for a in asked.action.tolist()], dtype=np.int64)
        true = words[:, at.over + at.operate * at.assets + asked.asset] | words[:, at.custody + asked.asset]
        true |= words[:, at.over + slots * at.assets + asked.asset]
        true |= words[:, at.exact + slots * at.assets + asked.asset]
        for c in range(len(self.columns)):
            new = has(true, c) & (self.at_most[c] == NOBODY)
            self.at_least[c][new] = level
            self.at_most[c][new] = level
