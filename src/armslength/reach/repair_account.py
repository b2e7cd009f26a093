"""The account that a plan gives of itself: why some pairs remain, and the covering problem that proves its bound."""

from __future__ import annotations

from itertools import count

from armslength.reach.answer import Reach
from armslength.reach.floors import Pair
from armslength.reach.pairs import Pairs
from armslength.reach.repair_clause import Clause
from armslength.reach.repair_cuts import Cuts
from armslength.reach.repair_menu import Key, Menu
from armslength.reach.repair_plan import Certificate, Cut, Literal, Option, Reason, Remaining
from armslength.reach.repair_trace import Support

GRACE = 2048
"""So often may the solver ask for the time, a second's work, once it is over."""


class Account:
    """Of the plan that the clauses of `cuts` which count were met for."""

    def __init__(self, menu: Menu, asked: Pairs, cuts: Cuts) -> None:
        self._menu, self._asked, self._cuts = menu, asked, cuts

    def remaining(self, found: Reach, i: int, pair: Pair, support: Support | None) -> Remaining:
        """Why a pair stays broken, which is number i of what reach found. `support`: what it rests on, if it is known
        that nothing changes that."""
        rests = sorted(support.standing) if support is not None else self._rests(pair)
        reason, at_least = self._reason(pair, rests, support), 0
        if reason is Reason.ASIDE:
            looks = count()
            at_least = self._cuts.alone(pair, lambda: next(looks) >= GRACE)
        return Remaining(
            state=int(found.state[i]),
            action=int(found.action[i]),
            asset=int(found.asset[i]),
            floor=int(found.floor[i]),
            length=found.length(i),
            reason=reason,
            at_least=at_least / self._menu.unit,
            policies=tuple(sorted(support.policies)) if support is not None else (),
            rows=tuple(self._menu.row_of(key) for key in rests),
            assets=tuple(sorted(support.assets)) if support is not None else (),
        )

    def certificate(self) -> Certificate:
        """All clauses that count."""
        menu, clauses = self._menu, [self._cuts.told(c) for c in self._cuts.active()]
        used = sorted({o for c in clauses for o in c.any_of.union(*c.unless)})
        place = {o: i for i, o in enumerate(used)}
        return Certificate(
            options=tuple(Option(row=menu.row(o), terms=menu.terms(o) or None, cost=menu.cost(o)) for o in used),
            cuts=tuple(self._cut(c, place) for c in clauses),
        )

    def _rests(self, pair: Pair) -> list[Key]:
        return sorted({key for c in self._cuts.of(pair) for key in c.keys})

    def _reason(self, pair: Pair, rests: list[Key], support: Support | None) -> Reason:
        if pair not in self._cuts.given_up:
            return Reason.ASIDE if pair in self._cuts.aside else Reason.UNFINISHED
        if any(self._menu.refused(key) for key in rests):
            return Reason.REFUSED
        if support is None:
            return Reason.TOGETHER
        return Reason.PERMIT if support.policies else Reason.CUSTODY

    def _cut(self, c: Clause, place: dict[int, int]) -> Cut:
        literals = [Literal(any_of=tuple(sorted(place[o] for o in c.any_of)))] if c.any_of else []
        literals += [Literal(any_of=tuple(sorted(place[o] for o in some)), unless=True) for some in c.unless]
        pair, asked = None, self._asked
        if c.pair is not None:
            column, number = c.pair
            pair = asked.states[column], int(asked.action[number]), int(asked.asset[number])
        rows = tuple(self._menu.row_of(key) for key in c.keys)
        return Cut(literals=tuple(literals), rows=rows, pair=pair, outsiders=c.outsiders)
