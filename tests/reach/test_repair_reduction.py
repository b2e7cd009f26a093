"""The covering problem of a repair, thinned out and cut into parts, against every choice that there is."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import product
from typing import cast

import pytest

from armslength.reach.repair_clause import Clause
from armslength.reach.repair_master import Infeasible, Master
from armslength.reach.repair_menu import Menu
from armslength.reach.repair_reduction import merged, reduced


@dataclass(slots=True)
class Choices:
    """What the solver asks of a menu: the row of each option, and its weight."""

    key: list[int] = field(default_factory=list)
    weight: list[int] = field(default_factory=list)


def drawn(seed: int) -> tuple[Choices, list[Clause]]:
    """A few rows with up to three options each, and clauses over them; some ask for something not to be done."""
    pick, menu = random.Random(seed), Choices()
    for row in range(pick.randint(1, 6)):
        for _ in range(pick.randint(1, 3)):
            menu.key.append(row)
            menu.weight.append(pick.choice((0, 1, 1, 2, 3)))
    every = range(len(menu.key))
    clauses = []
    for _ in range(pick.randint(1, 12)):
        any_of = frozenset(pick.sample(every, pick.randint(0, min(4, len(every)))))
        # The options of one such set are always of one row.
        rows = pick.sample(range(menu.key[-1] + 1), min(pick.choice((0, 0, 0, 1, 2)), menu.key[-1] + 1))
        same = [[o for o in every if menu.key[o] == row] for row in rows]
        unless = frozenset(frozenset(pick.sample(some, pick.randint(1, len(some)))) for some in same)
        if any_of or unless:
            clauses.append(Clause(any_of=any_of, unless=unless))
    return menu, clauses


def least(menu: Choices, clauses: list[Clause]) -> int | None:
    """The least weight over every choice of at most one option a row; None where none meets all clauses."""
    rows = [[None, *(o for o, k in enumerate(menu.key) if k == row)] for row in range(max(menu.key) + 1)]
    chosen = (frozenset(o for o in some if o is not None) for some in product(*rows))
    return min(
        (sum(menu.weight[o] for o in some) for some in chosen if all(c.met(some) for c in clauses)), default=None
    )


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_what_is_left_out_makes_no_choice_dearer(first: int) -> None:
    """A plan would be called least that is not, or somebody told that nothing mends what something does."""
    for seed in range(first, first + 100):
        choices, clauses = drawn(seed)
        solved = Master(cast(Menu, choices)).solve(clauses, lambda: False)
        best = least(choices, clauses)
        if best is None:
            assert isinstance(solved, Infeasible), f"seed {seed}"
            continue
        assert not isinstance(solved, Infeasible) and solved.chosen is not None and solved.least, f"seed {seed}"
        assert all(c.met(solved.chosen) for c in clauses), f"seed {seed}"
        assert len({choices.key[o] for o in solved.chosen}) == len(solved.chosen), f"seed {seed}"
        assert solved.bound == sum(choices.weight[o] for o in solved.chosen) == best, f"seed {seed}"


def test_parts_share_no_option_and_no_row() -> None:
    """Two parts solved apart could else put two terms on one grant."""
    several = 0
    for seed in range(200):
        choices, clauses = drawn(seed)
        parts = reduced(cast(Menu, choices), clauses).parts
        keys = [{choices.key[o] for o in part.options} for part in parts]
        assert sum(map(len, keys)) == len(set().union(*keys)), f"seed {seed}"
        several += len(parts) > 1
    assert several


def test_a_choice_carries_over_to_the_options_that_are_left() -> None:
    """The plan known to be valid is where the solver starts: lost, it would look for what it has."""
    for seed in range(200):
        choices, clauses = drawn(seed)
        whole = reduced(cast(Menu, choices), clauses)
        rows = [[None, *(o for o, k in enumerate(choices.key) if k == row)] for row in range(max(choices.key) + 1)]
        for some in product(*rows):
            chosen = frozenset(o for o in some if o is not None)
            if all(c.met(chosen) for c in clauses):
                then = whole.translated(chosen)
                assert all(row.met(then) for part in whole.parts for row in part.rows), f"seed {seed}"
                assert sum(choices.weight[o] for o in then) <= sum(choices.weight[o] for o in chosen), f"seed {seed}"


def test_merging_keeps_which_pairs_must_be_given_up() -> None:
    """More would be left broken than need be."""
    for seed in range(200):
        choices, clauses = drawn(seed)
        fewer = merged(cast(Menu, choices), clauses)
        left = [Clause(any_of=row.any_of, unless=row.unless) for row in fewer if row is not None]
        assert (least(choices, left) is None) == (least(choices, clauses) is None), f"seed {seed}"


@pytest.mark.parametrize("gone", [0, 3, 1000])
def test_a_glance_at_the_clauses_proves_no_more_than_the_least_choice_weighs(gone: int) -> None:
    """A bound would be printed that a cheaper plan refutes; also where the time is over in the middle."""
    close = 0
    for seed in range(400):
        choices, clauses = drawn(seed)
        looks, master = iter(range(10**6)), Master(cast(Menu, choices))
        bound = master.relaxed(clauses, lambda looks=looks: next(looks) >= gone)
        best = least(choices, clauses)
        assert best is None or (bound is not None and bound <= best), f"seed {seed}"
        close += bound == best
    assert close > 100 or gone < 1000
