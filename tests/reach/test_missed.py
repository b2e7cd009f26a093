"""Who is missed by hand, by each way in which accomplices may have counted on somebody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from armslength.reach import NOBODY
from tests.oracle.case import Case
from tests.oracle.sketch import sketch
from tests.reach.test_takeover_hand import after, length

TERMS: dict[str, dict[str, object]] = {
    "one": {"approvals": 1, "approvers": "group:board"},
    "two": {"approvals": 2, "approvers": "group:board"},
    "key": {"approvals": 1, "approvers": "group:keys"},
}
READ = "person:r read asset:t two"
ASSUME = "person:r assume group:twins key"


def without(case: Case, *people: str) -> Case:
    """The case once these people have left."""
    gone = {*people, *(f"person:{p}" for p in people)}
    tables = {name: [row for row in rows if not gone & set(row.values())] for name, rows in case.tables.items()}
    return replace(case, tables={name: rows for name, rows in tables.items() if rows})


@pytest.mark.parametrize(
    "more",
    [
        # Who waives the terms on which a is brought.
        ["person:w amend terms:key"],
        # Who opens the group that has to approve.
        ["person:w enroll group:keys"],
        # Who approves, as anybody may since the group is open to those of CN.
        ["person:r enroll group:keys"],
    ],
)
def test_who_left_is_missed_by_whoever_made_way_for_them(more: list[str]) -> None:
    """Else one would still pass for two: w brings a, who sits beside w."""
    case = sketch(
        {"r": "CN", "w": "", "k": "", "a": "", "b": "", "d": ""},
        {"board": "a w d", "keys": "k", "twins": "a b"},
        [READ, ASSUME, *more],
        settings={"terms": {name: TERMS[name] for name in ("two", "key")}},
    )
    assert (length(after(case, case), "CN"), length(after(case, without(case, "a")), "CN")) == (1, 2)


def test_who_left_is_missed_where_whoever_acts_may_act_as_them() -> None:
    """Else one would pass for two, where anybody at all brings a and a state has nobody of its own."""
    case = sketch(
        {"h": "", "a": "", "d": ""},
        {"board": "a d"},
        ["person:h read asset:t one", "everyone assume person:a"],
        assets={"t": {}, "z": {"hosted_in": "CN"}},
        settings={"terms": {"one": TERMS["one"]}},
    )
    assert (length(after(case, case), "CN"), length(after(case, without(case, "a")), "CN")) == (1, 2)


def test_who_left_is_missed_where_a_state_could_compel_them() -> None:
    """Else an outsider would be told to be enough who had somebody inside beside them."""
    case = sketch(
        {"r": "CN", "a": "CN", "x": "", "d": ""},
        {"board": "a x d"},
        [READ],
        settings={"terms": {"two": TERMS["two"]}},
    )
    assert (length(after(case, case), "CN"), length(after(case, without(case, "a")), "CN")) == (1, 2)


def test_who_is_not_missed_hides_nothing_else_that_is_gone() -> None:
    """Else a quorum would seem to stand as nobody misses z, though x approves no more."""

    def case(board: str) -> Case:
        terms = {"two": TERMS["two"]}
        return sketch({"r": "CN", "x": "", "y": "", "z": ""}, {"board": board}, [READ], settings={"terms": terms})

    old, new = case("x y"), without(case("y"), "z")
    assert (length(after(old, old), "CN"), length(after(old, new), "CN")) == (2, NOBODY)
