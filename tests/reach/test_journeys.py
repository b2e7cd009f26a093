"""What journeys make shorter, and what else may change beside them."""

from __future__ import annotations

from dataclasses import replace

from tests.oracle.case import Case
from tests.oracle.estates import AT
from tests.oracle.sketch import sketch
from tests.reach.test_missed import without
from tests.reach.test_takeover_hand import after, length


def gone(case: Case, state: str, *people: str) -> Case:
    """The case while these people are in a state."""
    rows = [{"person": p, "state": state, "from": AT.isoformat(), "until": AT.isoformat()} for p in people]
    return replace(case, tables={**case.tables, "travel": [*case.rows("travel"), *rows]})


def lengths(old: Case, new: Case) -> tuple[int, int]:
    return length(after(old, old), "CN"), length(after(old, new), "CN")


def test_two_who_travel_at_once_may_spare_two() -> None:
    """Else a delegation would be told to matter as much as one of them."""
    terms = {"three": {"approvals": 3, "approvers": "group:board"}}
    case = sketch(
        {"r": "CN", "p": "", "q": "", "s": ""},
        {"board": "p q s"},
        ["person:r read asset:t three"],
        settings={"terms": terms},
    )
    assert lengths(case, gone(case, "CN", "p", "q")) == (3, 1)


def test_a_journey_counts_for_who_is_named_and_in_no_group() -> None:
    """Else a firm without groups would be told that a journey of its one approver changes nothing."""
    case = sketch(
        {"r": "CN", "h": "", "p": ""},
        {},
        ["person:h read asset:t solo"],
        settings={"terms": {"solo": {"approvals": 1, "approvers": "person:p"}}},
    )
    assert lengths(case, gone(case, "CN", "p")) == (2, 1)


HELD = {"solo": {"approvals": 1, "approvers": "group:board"}}
BOARD: dict[str, dict[str, object]] = {"two": {"approvals": 2, "approvers": "group:board"}}


def test_those_who_come_home_as_another_leaves_count() -> None:
    """Else it would seem that a quorum is as dear as one who travelled leaves it, though two may sit in it again."""
    case = sketch(
        {"r": "CN", "h": "", "q1": "CN", "q2": "CN", "c": "", "d": "", "p": "", "z": "DE"},
        {"board": "q1 q2 c d"},
        ["person:h read asset:t two"],
        settings={"home": ["CN"], "terms": {"two": {**BOARD["two"], "apart": 3}}},
    )
    assert lengths(gone(case, "DE", "q1", "q2"), gone(case, "CN", "p")) == (3, 1)


def test_those_with_other_units_count_though_another_travels() -> None:
    """The same where values must differ."""

    def case(*units: str) -> Case:
        inside: dict[str, str | dict[str, str]] = {
            f"q{n}": {"workplace": "CN", "unit": unit} for n, unit in enumerate(units)
        }
        return sketch(
            {"r": "CN", "h": {"unit": "u0"}, **inside, "c": {"unit": "u3"}, "d": {"unit": "u4"}, "p": ""},
            {"board": "q0 q1 c d"},
            ["person:h read asset:t two"],
            settings={"terms": {"two": {**BOARD["two"], "distinct": ["unit"]}}},
        )

    assert lengths(case("u0", "u0"), gone(case("u1", "u2"), "CN", "p")) == (3, 1)


def test_whom_somebody_brings_who_travels_counts_where_all_may_approve() -> None:
    """Else whoever has others like them in a state would be told to bring it nothing, though they act as one who has
    not."""
    crowd: dict[str, str | dict[str, str]] = {f"q{n}": {"workplace": "CN", "unit": "u1"} for n in range(12)}
    case = sketch(
        {
            "r": {"workplace": "CN", "unit": "u0"},
            **crowd,
            **{p: {"unit": u} for p, u in zip("pxy", ("u1", "u2", "u3"), strict=True)},
        },
        {},
        ["person:r read asset:t three", "person:p assume person:x"],
        settings={"terms": {"three": {"approvals": 3, "approvers": "everyone", "distinct": ["unit"]}}},
    )
    assert lengths(case, gone(case, "CN", "p")) == (2, 1)


def test_who_takes_the_place_of_somebody_who_left_is_found_though_another_travels() -> None:
    """Else a journey without a part in it would hide the next one who is enough."""
    case = sketch(
        {"r": "CN", "x": "", "y": "", "z": ""},
        {"board": "x y"},
        ["person:r read asset:t solo"],
        settings={"terms": HELD},
    )
    assert lengths(case, gone(without(case, "x"), "CN", "z")) == (1, 1)
