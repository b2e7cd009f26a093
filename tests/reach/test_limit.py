"""Where the time is over, what was found by then is still explained, and nothing is told that is not so."""

from __future__ import annotations

from itertools import count
from random import Random

import pytest

from armslength.estate import parse
from armslength.reach import NOBODY, Question, Reach, check, reach
from armslength.reach.ascent import LARGE
from armslength.reach.clock import Clock, Expired
from tests.oracle.estates import AT, random_case
from tests.oracle.sketch import sketch

SEEDS = 80
UNKNOWN = (44, 45, 59, 93, 95, 136, 359)
"""Estates in which an unknown group makes a length shorter and not 0, of two groups in 59, 136 and 359."""


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


@pytest.mark.parametrize("large", [LARGE, 0])
def test_bounds_hold_and_are_explained_wherever_the_time_ends(large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a run with a limit would end with an error in place of an answer, or with a bound that is none."""
    monkeypatch.setattr("armslength.reach.solution.Clock", Hasty)
    monkeypatch.setattr("armslength.reach.levels.STEPS", 5)
    monkeypatch.setattr("armslength.reach.ascent.LARGE", large)
    between = 0
    for seed in range(SEEDS):
        whole = reach(parse(random_case(seed).files()).estate, Question(at=AT, cap=3, everything=True))
        found = hurried(seed, Random(seed).choice((0, 3, 30, 100, 300)))
        for i in range(len(found)):
            exact = [4 if n == NOBODY else int(n) for n in (whole.at_least[i], found.at_least[i], found.at_most[i])]
            assert exact[1] <= exact[0] <= exact[2]
            between += exact[1] < exact[2]
            if found.at_most[i] != NOBODY:
                assert not faults(found, i)
    assert between, "nothing was cut short: these limits show nothing"


def test_a_gap_is_told_as_a_bound_where_its_search_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a state would be told to need nobody if only an unknown group held its people, as long as nobody had
    looked."""
    monkeypatch.setattr("armslength.reach.solution.Clock", Hasty)
    monkeypatch.setattr("armslength.reach.levels.STEPS", 5)
    exact = stopped = 0
    for seed in UNKNOWN:
        estate = parse(random_case(seed).files()).estate
        assert estate.groups.unknown
        whole = reach(estate, Question(at=AT, cap=3, everything=True))
        for steps in (0, 10, 30, 100, 300):
            found = hurried(seed, steps)
            for i in range(len(found)):
                true = whole.gaps(i)
                known = 4 if whole.at_least[i] == NOBODY else int(whole.at_least[i])
                filled = min([known, *(gap.length for gap in true)])
                for gap in found.gaps(i):
                    if not gap.stopped:
                        exact += 1
                        assert (gap,) == true
                        continue
                    stopped += 1
                    assert found.unfinished()[i]
                    assert gap.length <= filled
                    named = set(true[0].groups) if true else set()
                    assert named <= set(gap.groups) or named == set(estate.groups.unknown)
                if not found.gaps(i):
                    assert filled >= (4 if found.at_least[i] == NOBODY else found.at_least[i])
    assert exact and stopped, "nothing was cut short, or all: these limits show nothing"


def faults(found: Reach, i: int) -> tuple[str, ...]:
    """What `verify` would say of the people named and of the steps."""
    told = found.result(i)
    if len(told.accomplices) != found.at_most[i]:
        return (f"{found.at_most[i]} outsiders are claimed and {told.accomplices} named",)
    return check(found.estate, AT, told.state, told.action, told.asset, told.accomplices, found.steps(i))


@pytest.mark.parametrize(
    "alone",
    [
        ("person:a amend terms:two",),
        ("person:a assume person:b",),
        ("person:a enroll group:board", "person:r read asset:u two"),
        # Another quorum leads there too, for which one of the two is enough.
        ("person:r read asset:t one", "person:a amend terms:one"),
    ],
)
def test_all_who_are_named_for_a_bound_take_part(alone: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Else `verify` would refuse what was printed: two approvers are named, as there was no time to find that one of
    them does it alone."""
    monkeypatch.setattr("armslength.reach.solution.Clock", Hasty)
    case = sketch(
        {"r": "CN", "a": "US", "b": "IE", "c": "SG"},
        {"board": "a b"},
        ["person:r read asset:t two", *alone],
        assets={"t": {}, "u": {}},
        settings={"terms": {name: {"approvals": 2, "approvers": "group:board"} for name in ("one", "two")}},
    )
    estate = parse(case.files()).estate
    bounds = set()
    for steps in range(40):
        looks = count()
        found = reach(estate, Question(at=AT, cap=3, everything=True), lambda: next(looks) >= steps)  # noqa: B023
        for i in range(len(found)):
            bounds.add((int(found.at_least[i]), int(found.at_most[i])))
            assert found.at_most[i] == NOBODY or not faults(found, i)
    assert (1, 2) in bounds, "nothing was cut short: these limits show nothing"
