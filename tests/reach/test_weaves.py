"""The engine against the definition where a few people have to serve several quorums, for states that are nearly alike.

`ARMSLENGTH_RANDOM_WEAVES` says how many estates (240 if unset).
"""

from __future__ import annotations

import os

import pytest

from tests.oracle.weaves import woven_case
from tests.reach.test_crowds import agrees

SEEDS = int(os.environ.get("ARMSLENGTH_RANDOM_WEAVES", "240"))
AT_ONCE = 60


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_where_people_are_shared_the_engine_says_what_the_definition_says(
    first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one who serves two quorums would be counted twice, or a state would get the length of another; or it would
    hang on how much is compared or kept at a time."""
    for seed in range(first, min(first + AT_ONCE, SEEDS)):
        agrees(woven_case(seed), seed, monkeypatch)
