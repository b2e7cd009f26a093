"""Where the time is over while columns are climbed in two halves: neither half costs the other what it reached."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np
import pytest

from armslength.estate import parse
from armslength.reach import Half, Part, Question, Reach, reach
from armslength.reach.ascent import Beside
from armslength.reach.columns import Column
from tests.oracle.estates import AT, random_case
from tests.reach.test_limit import Hasty

SEEDS = range(60)
STEPS = (0, 1, 3, 6, 10, 20, 40)


@pytest.fixture(autouse=True)
def halves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armslength.reach.solution.Clock", Hasty)
    monkeypatch.setattr("armslength.reach.levels.STEPS", 5)
    monkeypatch.setattr("armslength.reach.ascent.LARGE", 0)


def hurried(seed: int, steps: int, beside: Beside | None = None) -> Reach:
    looks = count()
    question = Question(at=AT, cap=3, everything=True)
    return reach(parse(random_case(seed).files()).estate, question, lambda: next(looks) >= steps, beside=beside)


@pytest.mark.parametrize("steps", STEPS)
def test_whoever_was_asked_for_a_half_is_waited_for_wherever_the_time_ends(steps: int) -> None:
    """Else what this process has by then would be lost, and the answer taken for that to the next question."""

    class Asked:
        asked = waited = 0

        def ready(self) -> None: ...

        def climb(self, half: Half) -> Callable[[], Part | None]:
            self.asked += 1
            return self.wait

        def wait(self) -> Part | None:
            self.waited += 1
            return None

    beside = Asked()
    for seed in SEEDS:
        hurried(seed, steps, beside)
        assert beside.waited == beside.asked
    assert beside.asked or steps < 10


def test_the_half_climbed_elsewhere_is_told_though_no_time_is_left_here() -> None:
    """With all the time there, its columns are exact."""

    class Elsewhere:
        def __init__(self) -> None:
            self.parts, self.columns = list[Part](), list[tuple[Column, ...]]()

        def ready(self) -> None: ...

        def climb(self, half: Half) -> Callable[[], Part | None]:
            clock, before = half._ascent.clock, half._ascent.clock._expired
            self.parts.append(half.climb(lambda: False))
            self.columns.append(half._ascent._ground.board.columns.each)
            clock.ask(before)
            return lambda: self.parts[-1]

    late = 0
    for seed in SEEDS:
        beside = Elsewhere()
        found = hurried(seed, 6, beside)
        if beside.parts and found.solutions is not None:
            known, theirs = found.solutions.known, beside.parts[0]
            assert theirs.complete
            mine = [known.columns.each.index(column) for column in beside.columns[0]]
            assert np.array_equal(known.at_most[mine], theirs.at_most)
            assert np.array_equal(known.at_least[mine], theirs.at_least)
            late += not known.complete
    assert late
