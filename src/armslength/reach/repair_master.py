"""The master: the cheapest choice of options that meets every clause, by HiGHS, with a proven bound.

Minimise the sum of weight × x over options x ∈ {0, 1}, where for each row the options chosen are one at most, and for
each clause: the sum over `any_of` of x, plus for each set of `unless` one minus the sum over it, is at least one.
Weights are whole numbers, so the solver's bound may be rounded up.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from armslength.reach.repair_clause import Clause
from armslength.reach.repair_menu import Menu
from armslength.reach.repair_reduction import Part, Reduced, Row, merged, reduced

SLACK = 1e-6
"""What the solver takes for whole may be off by so much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """`chosen` meets all clauses, None where the time was over before one was found; nothing that does weighs less than
    `bound`. `least`: that is what it weighs."""

    chosen: frozenset[int] | None
    bound: int
    least: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Infeasible:
    """No choice meets all clauses."""


@dataclass(slots=True)
class _Rows:
    """Linear rows: at least `lower`, at most `upper`."""

    index: list[npt.NDArray[np.int32]]
    value: list[npt.NDArray[np.float64]]
    lower: list[float]
    upper: list[float]

    def add(self, terms: dict[int, float], lower: float, upper: float) -> None:
        self.index.append(np.fromiter(terms.keys(), dtype=np.int32, count=len(terms)))
        self.value.append(np.fromiter(terms.values(), dtype=np.float64, count=len(terms)))
        self.lower.append(lower)
        self.upper.append(upper)


class Master:
    """Solves one problem after another; parts that stay the same are solved once."""

    def __init__(self, menu: Menu) -> None:
        self._menu = menu
        self._known: dict[Part, Solved | Infeasible] = {}
        self._gap: dict[Part, float] = {}
        self._relaxed: dict[Part, int] = {}
        self._last: tuple[Sequence[Clause], Reduced] | None = None

    def solve(
        self,
        clauses: Sequence[Clause],
        expired: Callable[[], bool],
        known: frozenset[int] | None = None,
        gap: float = 0.0,
    ) -> Solved | Infeasible:
        """The least choice, or one that may weigh more than the bound by this part of its weight. `known`: one that
        meets all clauses, to start from."""
        whole = self._reduced(clauses)
        start = None if known is None else whole.translated(known)
        found: list[Solved] = []
        for part in whole.parts:
            one = self._known.get(part)
            if one is None or gap < self._gap[part]:
                had, one = one, _part(self._menu, part, expired, start, gap)
                if isinstance(had, Solved) and isinstance(one, Solved):
                    one = replace(one, bound=max(one.bound, had.bound))
                self._known[part] = one
                # A solution cut short is to be sought again.
                done = isinstance(one, Infeasible) or one.least or (one.chosen is not None and not expired())
                self._gap[part] = (0.0 if isinstance(one, Infeasible) or one.least else gap) if done else math.inf
            if isinstance(one, Infeasible):
                return one
            found.append(one)
        bound = sum(one.bound for one in found)
        every = [one.chosen for one in found if one.chosen is not None]
        chosen = frozenset[int]().union(*every) if len(every) == len(found) else None
        if chosen is not None and not all(c.met(chosen) for c in clauses):
            # Rounding to whole numbers must not pass for a solution.
            chosen = None
        return Solved(chosen=chosen, bound=bound, least=chosen is not None and all(one.least for one in found))

    def _reduced(self, clauses: Sequence[Clause]) -> Reduced:
        """The same list of clauses is reduced once."""
        if self._last is None or self._last[0] is not clauses:
            self._last = clauses, reduced(self._menu, clauses)
        return self._last[1]

    def relaxed(self, clauses: Sequence[Clause], expired: Callable[[], bool]) -> int | None:
        """What the clauses prove at a glance, much quicker than `solve` and often nearly as much: what they would cost
        if options could be taken in part. None where they cannot all be met."""
        total = 0
        for part in self._reduced(clauses).parts:
            known = self._known.get(part)
            if isinstance(known, Infeasible):
                return None
            bound = 0 if known is None else known.bound
            if known is None or not known.least:
                if part not in self._relaxed:
                    at_least = _relaxed(self._menu, part, expired)
                    if at_least is None:
                        return None
                    if expired():
                        # Cut short, it proves less than it could.
                        total += max(bound, at_least)
                        continue
                    self._relaxed[part] = at_least
                bound = max(bound, self._relaxed[part])
            total += bound
        return total


def _relaxed(menu: Menu, part: Part, expired: Callable[[], bool]) -> int | None:
    """At least what a part costs; None where it cannot be met even by options taken in part."""
    if not part.options:
        return None
    weights, rows = _problem(menu, part)
    solver = _solver(weights, rows, whole=False)
    solver.cbSimplexInterrupt += lambda event: event.interrupt() if expired() else None
    solver.run()
    if solver.getModelStatus() == _highs().HighsModelStatus.kInfeasible:
        return None
    price = np.array(solver.getSolution().row_dual)
    if not len(price):
        return 0
    # INVARIANT: whatever the prices of rows are, nothing that keeps the rows costs less than this (weak duality); the
    # solver need not be believed.
    price[(price > 0) & np.isneginf(rows.lower)] = 0
    price[(price < 0) & np.isposinf(rows.upper)] = 0
    left = weights.copy()
    for index, value, one in zip(rows.index, rows.value, price.tolist(), strict=True):
        if one:
            left[index] -= value * one
    owed = np.where(price > 0, np.array(rows.lower), np.where(price < 0, np.array(rows.upper), 0.0))
    return max(0, math.ceil(float(owed @ price + np.minimum(left, 0).sum()) - SLACK))


def _problem(menu: Menu, part: Part) -> tuple[npt.NDArray[np.float64], _Rows]:
    """A part as weights, one an option, and linear rows."""
    column = {o: i for i, o in enumerate(part.options)}
    rows = _Rows(index=[], value=[], lower=[], upper=[])
    for row in part.rows:
        rows.add(*_row(row, column))
    _one_each(menu, part.options, column, rows)
    return np.array([menu.weight[o] for o in part.options], dtype=np.float64), rows


def _part(
    menu: Menu,
    part: Part,
    expired: Callable[[], bool],
    start: frozenset[int] | None,
    gap: float,
) -> Solved | Infeasible:
    """The least choice for one part."""
    if not part.options:
        return Infeasible()
    if len(part.rows) == 1 and not part.rows[0].unless:
        best = min(part.rows[0].any_of, key=lambda o: (menu.weight[o], o))
        return Solved(chosen=frozenset({best}), bound=menu.weight[best], least=True)
    weights, rows = _problem(menu, part)
    begin = None if start is None else np.array([float(o in start) for o in part.options])
    return _run(part.options, weights, rows, expired, begin, gap)


def fewest_given_up(
    menu: Menu,
    clauses: Sequence[tuple[Clause, frozenset[int]]],
    counts: Sequence[int],
    expired: Callable[[], bool],
) -> frozenset[int]:
    """Which groups of pairs to give up so that the rest can be mended, as few pairs as possible. Each clause comes with
    the groups that it is for (none: it must be met); `counts[g]` pairs are in group g."""
    thin = merged(menu, [c for c, _ in clauses])
    wanted: dict[tuple[Row, int | None], None] = {}
    for (_, groups), row in zip(clauses, thin, strict=True):
        wanted |= dict.fromkeys((row, group) for group in groups or (None,)) if row is not None else {}
    options = sorted({o for row, _ in wanted for o in row.any_of.union(*row.unless)})
    column = {o: i for i, o in enumerate(options)}
    rows = _Rows(index=[], value=[], lower=[], upper=[])
    first = len(options)
    for row, group in wanted:
        terms, lower, upper = _row(row, column)
        rows.add(terms if group is None else {**terms, first + group: 1.0}, lower, upper)
    _one_each(menu, options, column, rows)
    weights = np.concatenate([np.zeros(len(options)), np.array(counts, dtype=np.float64)])
    solver = _solver(weights, rows)
    solver.cbMipInterrupt += lambda event: event.interrupt() if expired() else None
    solver.run()
    value = np.array(solver.getSolution().col_value)
    if not len(value):
        return frozenset(range(len(counts)))
    return frozenset(np.flatnonzero(value[first:] > 0.5).tolist())


def _row(c: Row, column: dict[int, int]) -> tuple[dict[int, float], float, float]:
    terms = {column[o]: 1.0 for o in sorted(c.any_of)}
    for some in c.unless:
        for o in sorted(some):
            terms[column[o]] = terms.get(column[o], 0.0) - 1.0
    return terms, 1.0 - len(c.unless), math.inf


def _one_each(menu: Menu, options: Sequence[int], column: dict[int, int], rows: _Rows) -> None:
    by_key: dict[int, list[int]] = {}
    for o in options:
        by_key.setdefault(menu.key[o], []).append(column[o])
    for same in by_key.values():
        if len(same) > 1:
            rows.add(dict.fromkeys(same, 1.0), -math.inf, 1.0)


def _highs() -> ModuleType:
    """HiGHS, loaded when it is needed: its library and that of OR-Tools do not bear each other in one process."""
    return importlib.import_module("highspy")


def _solver(weights: npt.NDArray[np.float64], rows: _Rows, *, whole: bool = True) -> Any:
    highspy = _highs()
    solver = highspy.Highs()
    solver.silent()
    for name, value in (
        ("mip_rel_gap", 0.0),
        # Weights are whole: a gap below one is none.
        ("mip_abs_gap", 0.9),
        ("mip_feasibility_tolerance", 1e-9),
        ("parallel", "off"),
        ("random_seed", 0),
        # Half to three quarters of the time went into smaller problems that seek a better choice, and into beginning
        # anew; the branches find one anyway.
        ("mip_heuristic_run_rins", False),
        ("mip_heuristic_run_rens", False),
        ("mip_heuristic_run_root_reduced_cost", False),
        ("mip_allow_restart", False),
    ):
        solver.setOptionValue(name, value)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(weights), len(rows.lower)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = weights, np.zeros(len(weights)), np.ones(len(weights))
    lp.row_lower_, lp.row_upper_ = np.array(rows.lower), np.array(rows.upper)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum([len(i) for i in rows.index])]).astype(np.int32)
    lp.a_matrix_.index_ = np.concatenate([np.zeros(0, np.int32), *rows.index])
    lp.a_matrix_.value_ = np.concatenate([np.zeros(0), *rows.value])
    if whole:
        lp.integrality_ = [highspy.HighsVarType.kInteger] * len(weights)
    solver.passModel(lp)
    return solver


def _run(
    options: Sequence[int],
    weights: npt.NDArray[np.float64],
    rows: _Rows,
    expired: Callable[[], bool],
    start: npt.NDArray[np.float64] | None,
    gap: float,
) -> Solved | Infeasible:
    solver = _solver(weights, rows)
    solver.cbMipInterrupt += lambda event: event.interrupt() if expired() else None
    solver.setOptionValue("mip_rel_gap", gap)
    if start is not None:
        solution = _highs().HighsSolution()
        solution.col_value = start.tolist()
        solver.setSolution(solution)
    solver.run()
    if solver.getModelStatus() == _highs().HighsModelStatus.kInfeasible:
        return Infeasible()
    info = solver.getInfo()
    bound = max(0, math.ceil(info.mip_dual_bound - SLACK)) if math.isfinite(info.mip_dual_bound) else 0
    value = np.array(solver.getSolution().col_value)
    if not len(value):
        return Solved(chosen=None, bound=bound, least=False)
    some = np.flatnonzero(value > 0.5).tolist()
    return Solved(chosen=frozenset(options[i] for i in some), bound=bound, least=weights[some].sum() <= bound)
