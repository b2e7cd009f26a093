"""Who serves several quorums at once, by hand: each estate is one in which somebody shared could be missed."""

from __future__ import annotations

from tests.reach.test_chains import firm, length, quorum


def test_beside_somebody_shared_there_may_be_one_who_is_not() -> None:
    """Else two would pass for three: one person serves both first quorums, and another sits in the last only."""
    case = firm(
        "x y s a b z",
        {"one": "x s", "two": "y s", "last": "a b z"},
        ["person:r assume person:a first", "person:r assume person:b second", "person:r read asset:t third"],
        {"first": quorum(1, "one"), "second": quorum(1, "two"), "third": quorum(3, "last")},
        r="CN",
    )
    assert length(case) == 2


def test_two_of_a_kind_may_both_be_shared() -> None:
    """Else two would pass for three: nothing tells the two apart who sit in both quorums."""
    case = firm(
        "x1 x2 y1 y2 s1 s2 h",
        {"one": "x1 x2 s1 s2", "two": "y1 y2 s1 s2"},
        ["person:r assume person:h first", "person:h read asset:t second"],
        {"first": quorum(2, "one"), "second": quorum(3, "two")},
        r="CN",
    )
    case.tables["groups"].append({"group": "two", "member": "person:r"})
    assert length(case) == 2
