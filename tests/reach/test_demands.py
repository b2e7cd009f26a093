"""Demands: whether a few people could meet several at once is told exactly, and told so it changes no length."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.reach import NOBODY
from armslength.reach.demands import LARGE, WIDTH, Demand, Roster, meet, met, wanted
from tests.oracle.crowds import crowded_case
from tests.oracle.weaves import woven_case
from tests.reach.test_deputies import lengths

PEOPLE = 9
CROWDS = range(16)

Asked = list[tuple[set[int], int]]
ASKED = st.lists(st.tuples(st.sets(st.integers(0, PEOPLE - 1), max_size=6), st.integers(0, 4)), max_size=6)


def plainly(asked: Asked, most: int) -> bool:
    """By trying all."""
    few = (some for size in range(most + 1) for some in combinations(range(PEOPLE), size))
    return any(all(len(people & set(some)) >= count for people, count in asked) for some in few)


def made(asked: Asked, roster: Roster) -> list[Demand]:
    return [roster.demand(np.array(sorted(people), dtype=np.int32), count) for people, count in asked]


@given(ASKED, st.integers(0, 4))
def test_demands_are_met_by_a_few_or_by_none(asked: Asked, most: int) -> None:
    """Else a coalition would be taken for impossible, or one looked for that is."""
    roster = Roster(PEOPLE)
    assert met(made(asked, roster), most) == plainly(asked, most)
    # Whom a roster knows already has a number; it makes no difference which.
    assert met(made(asked[::-1], roster), most) == plainly(asked, most)


@given(ASKED, ASKED)
def test_a_roster_answers_for_each_set_of_demands_and_number_of_people_on_its_own(one: Asked, other: Asked) -> None:
    """Else what was found for some demands would be told for others."""
    roster = Roster(PEOPLE)
    for most in (1, 2, 1):
        for some in (one, other, one + other, one + one, other[1:]):
            assert roster.met(made(some, roster), most) == plainly(some, most)


@given(ASKED, st.sets(st.integers(0, PEOPLE - 1), max_size=4), st.integers(0, 4))
def test_those_found_leave_to_others_no_more_than_the_others_can_be(asked: Asked, some: set[int], others: int) -> None:
    """Else people who fire a rule would be passed over, though with a few others they are enough."""
    roster = Roster(PEOPLE)
    short = roster.short(made(asked, roster), sorted(some))
    left = [(people - some, count - len(people & some)) for people, count in asked]
    if plainly([(people, max(count, 0)) for people, count in left], others):
        assert short <= others
    assert short <= max((count for _, count in asked), default=0)


@given(ASKED, st.integers(0, 4))
def test_kinds_of_people_meet_what_the_people_meet(asked: Asked, most: int) -> None:
    """Else, with some of a coalition found, the others would be missed."""
    kinds: dict[int, int] = {}
    for person in range(PEOPLE):
        kind = sum(1 << i for i, (people, _) in enumerate(asked) if person in people)
        kinds[kind] = kinds.get(kind, 0) + 1
    if all(count <= most for _, count in asked):
        assert meet(kinds, wanted([count for _, count in asked], most), most) == plainly(asked, most)


def test_of_everyone_there_are_enough_but_not_more_than_a_coalition_has() -> None:
    """Else what anyone may do would be taken for impossible, or more would be looked for than there may be."""
    roster = Roster(PEOPLE)
    anyone = roster.demand(None, 2)
    one = roster.demand(np.array([3], dtype=np.int32), 1)
    assert met([anyone, one], 2)
    assert not met([anyone, one], 1)


def test_large_sets_and_those_past_the_width_ask_for_less_and_never_for_more() -> None:
    """Else of many demands, or of very large ones, one would be asked for that nobody looked at."""
    roster = Roster(3 * LARGE)
    many = np.arange(LARGE + 1, dtype=np.int32)
    first, last = (roster.demand(some, 1) for some in (many, many + LARGE + 1))
    assert first.bits is None
    assert met([first, last], 1)
    assert not met([first, roster.demand(many, 2)], 1)
    one, other = (roster.demand(np.array([p], dtype=np.int32), 1) for p in (5, 6))
    assert not met([*[one] * (WIDTH - 1), other], 1)
    assert met([*[one] * WIDTH, other], 1)
    assert met([*[one] * (WIDTH - 1), other], 2)


def test_demands_change_no_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a few would be given up who serve all that must fire."""
    cases = [case for seed in CROWDS for case in (crowded_case(seed, 24), woven_case(seed))]
    mine = [lengths(case) for case in cases]
    refused = 0

    def always(demands: Sequence[Demand], most: int) -> bool:
        nonlocal refused
        refused += not met(demands, most)
        return True

    def ever(kinds: dict[int, int], left: tuple[int, ...], room: int) -> bool:
        nonlocal refused
        refused += not meet(kinds, left, room)
        return True

    monkeypatch.setattr("armslength.reach.demands.met", always)
    monkeypatch.setattr("armslength.reach.links.meet", ever)
    assert mine == [lengths(case) for case in cases]
    assert refused > len(cases), "all that was looked for was possible: these crowds show nothing"
    assert {1, 2, 3, NOBODY} <= {n for some in mine for n in some}
