"""Counting like people together changes no answer."""

from __future__ import annotations

import pytest

from .crowds import crowded_case
from .estates import AT, random_case
from .kinds import CountedAsked
from .length import Asked, answers

SEEDS = 300


@pytest.mark.parametrize("first", range(0, SEEDS, 100))
def test_counted_by_kinds_the_answers_are_those_of_the_definition(first: int) -> None:
    """Else an engine that is wrong in a crowd could pass for right."""
    for seed in range(first, first + 100):
        case = random_case(seed)
        if not case.policy:
            assert answers(CountedAsked(case, AT)) == answers(Asked(case, AT)), seed


def test_so_are_policies_that_ask_for_several_groups() -> None:
    """Else a permit that is opened group by group could be read wrongly by the engine and in crowds alike."""
    compared = 0
    for seed in range(120):
        case = crowded_case(seed, 10)
        if case.policy and len(case.rows("people")) <= 10:
            compared += 1
            assert answers(CountedAsked(case, AT), 2) == answers(Asked(case, AT), 2), seed
    assert compared > 20
