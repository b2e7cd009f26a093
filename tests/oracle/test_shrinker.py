"""The shrinker keeps what a failure needs and little else."""

from __future__ import annotations

from armslength.estate import EstateError, parse
from tests.oracle.case import Case
from tests.oracle.estates import AT, random_case
from tests.oracle.length import lengths
from tests.oracle.shrinker import shrunk


def some_pair_needs_three(case: Case) -> bool:
    try:
        parse(case.files())
    except EstateError:
        return False
    return any(a.length == 3 for a in lengths(case, AT, gaps=False).values())


def test_a_shrunk_case_still_fails_and_is_small() -> None:
    """Whoever looks into a difference would read forty rows, or a case that no longer shows it."""
    seed = next(seed for seed in range(1000) if some_pair_needs_three(random_case(seed)))
    small = shrunk(random_case(seed), some_pair_needs_three)
    assert some_pair_needs_three(small)
    # Three outsiders and somebody compelled are the least that shows it; one grant is enough.
    assert sum(map(len, small.tables.values())) <= 14
    assert len(small.rows("grants")) <= 3
