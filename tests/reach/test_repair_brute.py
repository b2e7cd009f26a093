"""Repair on random small estates, against every plan that there is.

Floors, states, quorums, nesting, unknown groups, policies and costs are drawn; some rows may change, the user refuses
the others. `repairs.py` reads the definition of a repair once more; the oracle judges each plan.
"""

from __future__ import annotations

from itertools import count

import pytest

from armslength.estate import parse
from armslength.reach import Question, repair
from tests.oracle.estates import AT
from tests.reach.repairs import broken, differences, small

FAST = 60
SLOW = 4_000
AT_ONCE = 20
PLANS = 200
"""An estate with more plans is left to the long run, one with ten times as many to nobody."""
APART = frozenset({180})
"""Seeds after whose plan the engine and the oracle tell different gaps of an unknown group under a policy (semantics,
choice 9): no matter of repair."""


def compare(first: int, past: int, plans: int) -> int:
    """How many estates of these seeds had a broken floor and few enough plans to try."""
    compared = 0
    for seed in range(first, past):
        drawn = small(seed)
        if seed in APART or drawn.size() > plans or not broken(drawn.case):
            continue
        compared += 1
        if told := differences(drawn):
            said = "\n".join(told)
            pytest.fail(f"seed {seed}, {drawn.size()} plans:\n{said}\n{drawn.case.show()}", pytrace=False)
    return compared


@pytest.mark.parametrize("first", range(0, FAST, AT_ONCE))
def test_no_plan_does_better_than_the_repair(first: int) -> None:
    """Somebody would give up access that they need not, be told that nothing helps, or carry out what leaves a floor
    broken or was refused."""
    assert compare(first, first + AT_ONCE, PLANS) >= AT_ONCE // 10


@pytest.mark.parametrize("seed", [597, 822])
def test_a_pair_given_up_for_another_counts_again_once_it_need_not_be(seed: int) -> None:
    """A plan would be called the answer that left open what had been given up on the way to it."""
    assert compare(seed, seed + 1, PLANS) == 1


@pytest.mark.slow
@pytest.mark.parametrize("first", range(FAST, FAST + SLOW, 2 * AT_ONCE))
def test_no_plan_does_better_than_the_repair_at_length(first: int) -> None:
    """As above; pairs that exclude each other and terms without people to spare are rare."""
    assert compare(first, first + 2 * AT_ONCE, 10 * PLANS)


@pytest.mark.parametrize("looks", [0, 1, 2, 3, 4, 5, 12])
def test_a_repair_cut_short_proves_no_more_than_holds(looks: int) -> None:
    """A bound above the least cost would make somebody believe that a cheaper plan cannot exist."""
    for seed in range(FAST, FAST + 15):
        drawn = small(seed)
        estate, asked = parse(drawn.case.files()).estate, Question(at=AT)
        whole, calls = repair(estate, asked, drawn.refused()), count()
        part = repair(estate, asked, drawn.refused(), lambda calls=calls: next(calls) >= looks)
        if not whole.remaining:
            assert part.bound <= whole.cost, f"seed {seed}"
            # What leaves pairs is compared with what mends as much, which costs no more than to mend them all.
            least = part.cost == whole.cost or (part.remaining and part.cost < whole.cost)
            assert not part.proven or least, f"seed {seed}"
        assert part.verified or len(part.remaining) > 0, f"seed {seed}"


def test_the_drawn_repairs_are_of_every_kind() -> None:
    """If every drawn estate could be mended by the same change, agreeing on them would say little."""
    drawn = [small(seed) for seed in range(FAST)]
    assert any(one.besides for one in drawn) and any(one.case.settings["costs"] for one in drawn)
    assert any(one.case.policy for one in drawn) and any("unknown" in one.case.tables for one in drawn)
    assert any(row["member"].startswith("group:") for one in drawn for row in one.case.rows("groups"))
