"""Where the time is over, what was found by then is still explained, and nothing is told that is not so."""

from __future__ import annotations

from random import Random

import pytest

from armslength.estate import parse
from armslength.reach import NOBODY, Question, Reach, check, reach
from armslength.reach.levels import Clock, Expired
from tests.oracle.estates import AT, random_case

SEEDS = 80


class Hasty(Clock):
    """Looks at the time at each step: small estates take few."""

    def tick(self) -> None:
        if self._spare is None and not self._stopped and self._expired():
            raise Expired
        super().tick()


def hurried(seed: int, steps: int) -> Reach:
    looks = iter(range(10**9))
    estate = parse(random_case(seed).files()).estate
    return reach(estate, Question(at=AT, cap=3, everything=True), lambda: next(looks) >= steps)


def test_bounds_hold_and_are_explained_wherever_the_time_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a run with a limit would end with an error in place of an answer, or with a bound that is none."""
    monkeypatch.setattr("armslength.reach.solution.Clock", Hasty)
    monkeypatch.setattr("armslength.reach.levels.STEPS", 5)
    between = 0
    for seed in range(SEEDS):
        whole = reach(parse(random_case(seed).files()).estate, Question(at=AT, cap=3, everything=True))
        found = hurried(seed, Random(seed).choice((0, 3, 30, 100, 300)))
        for i in range(len(found)):
            told = found.result(i)
            exact = [4 if n == NOBODY else int(n) for n in (whole.at_least[i], found.at_least[i], found.at_most[i])]
            assert exact[1] <= exact[0] <= exact[2]
            between += exact[1] < exact[2]
            if found.at_most[i] != NOBODY:
                asked, steps = (told.state, told.action, told.asset), found.steps(i)
                # A bound may name more people than are needed.
                needed = {step.fact[1] for step in steps if step.rule == "accomplice"}
                some = tuple(p for p in told.accomplices if f"person:{found.estate.people.ids[p]}" in needed)
                assert not check(found.estate, AT, *asked, some, steps)
                assert len(needed) == len(some) <= len(told.accomplices) <= found.at_most[i]
    assert between, "nothing was cut short: these limits show nothing"
