"""The engine against the oracle, on random small estates with every feature in play.

`ARMSLENGTH_RANDOM_ESTATES` says how many (400 if unset); `--slow` adds 20,000 others. For longer runs, with each
difference shrunk to a few rows: `python -m tests.oracle.compare --from SEED --count N`.
"""

from __future__ import annotations

import os

import pytest

from tests.oracle.comparison import problem

FAST = int(os.environ.get("ARMSLENGTH_RANDOM_ESTATES", "400"))
SLOW = 20_000
AT_ONCE = 50


def agree(first: int, past: int) -> None:
    for seed in range(first, past):
        if said := problem(seed):
            pytest.fail(said, pytrace=False)


@pytest.mark.parametrize("first", range(0, FAST, AT_ONCE))
def test_the_engine_says_what_the_definition_says(first: int) -> None:
    """A firm would rest on a length, a gap, a floor or a set of accomplices that the definition does not give."""
    agree(first, min(first + AT_ONCE, FAST))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(FAST, FAST + SLOW, 4 * AT_ONCE))
def test_the_engine_says_what_the_definition_says_at_length(first: int) -> None:
    """As above; rare meetings of features show only in a large number."""
    agree(first, min(first + 4 * AT_ONCE, FAST + SLOW))
