"""Counting like people together changes no answer."""

from __future__ import annotations

import pytest

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
