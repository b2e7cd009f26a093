"""The engine against the definition where quorums help each other in a circle.

`ARMSLENGTH_RANDOM_RINGS` says how many estates (240 if unset).
"""

from __future__ import annotations

import os

import pytest

from tests.oracle.rings import ring_case
from tests.reach.test_crowds import agrees

SEEDS = int(os.environ.get("ARMSLENGTH_RANDOM_RINGS", "240"))
AT_ONCE = 60


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_where_quorums_help_each_other_the_engine_says_what_the_definition_says(
    first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a quorum would be given up that another one makes possible, and a state be told to need more than it does;
    or it would hang on how much is compared or kept at a time."""
    for seed in range(first, min(first + AT_ONCE, SEEDS)):
        agrees(ring_case(seed), seed, monkeypatch)
