"""What is taken over, by hand: changes after which something that was settled before means another thing."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from random import Random

import pytest

from armslength.estate import parse, travel
from armslength.reach import NOBODY, Question, Reach, reach
from tests.oracle.case import Case
from tests.oracle.estates import AT
from tests.oracle.sketch import sketch
from tests.oracle.weaves import woven_case
from tests.reach.takeovers import differ
from tests.reach.test_limit import Hasty


def after(old: Case, new: Case) -> Reach:
    """The answer for the new estate, taken over from the old one; it is that from scratch."""
    question = Question(at=AT, everything=True)
    estates = [parse(case.files()).estate for case in (old, new)]
    taken = reach(estates[1], question, before=reach(estates[0], question))
    assert list(differ(taken, reach(estates[1], question), Random(0), 9)) == []
    return taken


def length(found: Reach, state: str) -> int:
    return int(found.at_least[found.state.tolist().index(found.estate.states.index(state))])


CLASSED = {"t": {"class": "c"}, "u": {"class": "c"}}


def pair(people: dict[str, str | dict[str, str]], **terms: object) -> Case:
    return sketch(
        people,
        {},
        ["person:ann read asset:t two"],
        settings={"terms": {"two": {"approvals": 1, "approvers": "everyone", **terms}}},
    )


def test_somebody_new_counts_where_anyone_may_approve() -> None:
    """Else a firm would be told that nobody can, as there was nobody before."""
    old = pair({"ann": "CN"})
    assert length(after(old, old), "CN") == NOBODY
    assert length(after(old, pair({"ann": "CN", "bo": ""})), "CN") == 1


def test_the_last_of_a_firm_may_leave() -> None:
    """Else a what-if about the only one left would end in an error."""

    def case(**people: str) -> Case:
        return sketch(
            people,
            {},
            ["everyone read asset:t two"],
            settings={"terms": {"two": {"approvals": 1, "approvers": "everyone"}}},
            assets={"t": {}, "z": {"hosted_in": "CN"}},
        )

    assert length(after(case(ann="CN"), case()), "CN") == NOBODY


def test_who_had_no_unit_before_counts_with_one() -> None:
    """The same for somebody who could sit nowhere as long as no unit was told."""
    ann: dict[str, str] = {"workplace": "CN", "unit": "u0"}
    old = pair({"ann": ann, "bo": {"workplace": "US"}}, distinct=["unit"])
    assert length(after(old, old), "CN") == NOBODY
    assert length(after(old, pair({"ann": ann, "bo": {"workplace": "US", "unit": "u1"}}, distinct=["unit"])), "CN") == 1


def test_a_state_that_was_not_asked_about_is_looked_at() -> None:
    """Else a state would be told to have nothing, as nothing was known of it."""
    estate = parse(pair({"ann": "CN", "bo": "CN", "kim": "US"}).files()).estate
    question = Question(at=AT, everything=True)
    some = replace(question, states=frozenset({estate.states.index("US")}))
    found = reach(estate, question, before=reach(estate, some))
    assert (length(found, "CN"), length(found, "US")) == (0, 1)


def test_a_new_state_changes_nobody_s_exposure() -> None:
    """Else people of an unknown group would be taken for those of another state, and a gap be wrong."""
    case = sketch(
        {"b1": "CN", "b2": "DE", "z": "US"},
        {"board": "b1 b2"},
        ["group:ops read asset:t two"],
        settings={"terms": {"two": {"approvals": 1, "approvers": "group:board", "apart": 1}}},
        unknown=[{"group": "ops"}],
    )
    estate, question = parse(case.files()).estate, Question(at=AT, everything=True)
    moved = travel(estate, "person:z", "AT", AT)
    assert moved.states.index("AT") == 0
    taken, whole = reach(moved, question, before=reach(estate, question)), reach(moved, question)
    assert list(differ(taken, whole, Random(0), 9)) == []
    gaps = {moved.states[taken.state[i]]: taken.gaps(i)[0].length for i in range(len(taken)) if taken.gaps(i)}
    assert (gaps["CN"], gaps["DE"]) == (1, 1)


def test_who_brings_one_fewer_brings_one_fewer() -> None:
    """Else one would pass for two: what somebody could bring before is not what they bring."""

    def case(*brought: str) -> Case:
        return sketch(
            {"r": "CN", "c": "", "a": "", "b": ""},
            {"board": "a b"},
            ["person:r read asset:t two", *(f"person:c assume person:{p}" for p in brought)],
            settings={"terms": {"two": {"approvals": 2, "approvers": "group:board"}}},
        )

    assert length(after(case("a", "b"), case("a", "b")), "CN") == 1
    assert length(after(case("a", "b"), case("a")), "CN") == 2
    assert length(after(case("a"), case("a", "b")), "CN") == 1


def test_what_nobody_could_do_is_looked_at_once_somebody_may() -> None:
    """Else a floor would seem to hold for ever, as it held when too few could approve."""

    def case(board: str) -> Case:
        return sketch(
            {"r": "CN", "a": "", "b": ""},
            {"board": board},
            ["person:r read asset:t two"],
            settings={"terms": {"two": {"approvals": 2, "approvers": "group:board"}}},
        )

    assert length(after(case("a"), case("a")), "CN") == NOBODY
    assert length(after(case("a"), case("a b")), "CN") == 2


def test_nothing_is_taken_over_from_a_search_that_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what nobody had looked for yet would be told as what nobody can do."""
    monkeypatch.setattr("armslength.reach.solution.Clock", Hasty)
    stopped = 0
    for seed in range(12):
        estate = parse(woven_case(seed).files()).estate
        question = Question(at=AT, everything=True)
        whole = reach(estate, question)
        for steps in (1, 5, 20):
            looks = count()
            before = reach(estate, question, lambda: next(looks) >= steps)  # noqa: B023
            stopped += bool(before.unfinished().any())
            assert list(differ(reach(estate, question, before=before), whole, Random(0), 3)) == []
    assert stopped > 9, "nothing was cut short: these limits show nothing"


def test_what_only_somebody_who_left_brought_about_is_no_help_any_more() -> None:
    """Who leaves takes along what they were in: else Ann would have an approver for nothing."""
    grants = ["person:ann read asset:t two", "person:ann assume person:dan", "group:ops assume person:bob"]
    settings = {"terms": {"two": {"approvals": 1, "approvers": "person:bob"}}}
    others: dict[str, str | dict[str, str]] = {"ann": "CN", "bob": "", "dan": "", "eve": ""}
    by_ana = [*grants, "person:ann assume person:ana"]
    old = sketch({"ana": "", **others}, {"ops": "ana eve"}, by_ana, settings=settings)
    new = sketch(others, {"ops": "eve"}, grants, settings=settings)
    assert length(after(old, old), "CN") == 0
    assert length(after(old, new), "CN") == 1


def test_another_question_may_be_asked_about_other_assets() -> None:
    """Of assets that nobody asked about before, the graph knows nothing."""
    estate = parse(sketch({"ann": "CN"}, {}, ["person:ann read class:c"], assets=CLASSED).files()).estate
    before = reach(estate, Question(at=AT, everything=True, assets=frozenset({0})))
    question = Question(at=AT, everything=True, assets=frozenset({1}))
    taken, whole = reach(estate, question, before=before), reach(estate, question)
    assert list(differ(taken, whole, Random(0), 9)) == []
    assert length(taken, "CN") == 0
