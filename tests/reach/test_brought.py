"""Whom a quorum or one person brings counts wherever they could ask or sit, by hand."""

from __future__ import annotations

from tests.reach.test_chains import firm, length, quorum
from tests.reach.test_shared import units
from tests.reach.test_situations import of_both

TERMS = {"first": quorum(1, "one"), "second": quorum(1, "two")}


def test_who_is_brought_may_ask_where_the_terms_are_waived() -> None:
    """Else one would pass for two: of the two first quorums that one person serves, one brings whoever may ask in the
    next, where nobody needs to approve."""
    case = firm(
        "x y s h a b",
        {"one": "x s", "two": "y s", "last": "a b"},
        [
            "person:r assume person:h first",
            "person:r assume person:b second",
            "person:h assume person:a eased",
            "person:r amend terms:eased",
            "person:r read asset:t third",
        ],
        {**TERMS, "eased": quorum(1, "last"), "third": quorum(2, "last")},
        r="CN",
    )
    assert length(case) == 1


def test_whoever_acts_may_ask_where_the_holders_are_open_to_all_and_the_terms_waived() -> None:
    """The same, where the first quorum opens the holders."""
    case = firm(
        "x y s h a b",
        {"one": "x s", "two": "y s", "last": "a b", "holders": "h"},
        [
            "person:r enroll group:holders first",
            "person:r assume person:b second",
            "group:holders assume person:a eased",
            "person:r amend terms:eased",
            "person:r read asset:t third",
        ],
        {**TERMS, "eased": quorum(1, "last"), "third": quorum(2, "last")},
        r="CN",
    )
    assert length(case) == 1


def test_who_brings_everybody_needs_nobody_to_ask() -> None:
    """Else one would pass for two: the one who can reset the approvers can reset whoever may ask as well."""
    case = firm(
        "desk h a b",
        {"board": "a b", "scope": "h a b"},
        ["person:h read asset:t terms", "person:desk assume group:scope"],
        {"terms": quorum(2, "board")},
        r="CN",
    )
    assert length(case) == 1


def test_who_brings_people_of_no_group_is_tried_where_a_group_is_open() -> None:
    """Else a state would get the length of another: in one of them a quorum of its own opens the approvers to all."""
    case = firm(
        "c a b m",
        {"board": "m", "scope": "a b"},
        [
            "person:r read asset:t terms",
            "person:c assume group:scope",
            "person:k enroll group:board opening",
        ],
        {"terms": quorum(5, "board"), "opening": {"approvals": 1, "approvers": "person:l"}},
        r="CN",
        k="US",
        l="US",
    )
    of_both(case, "r")
    assert length(case, "CN") == 3
    assert length(case, "US") == 1


def test_who_brings_one_to_ask_and_one_to_approve_brings_two() -> None:
    """Else one would pass for two, as if the one who asks did not count."""
    case = firm(
        "desk h a",
        {"board": "a", "scope": "h a"},
        ["person:h read asset:t terms", "person:desk assume group:scope"],
        {"terms": quorum(1, "board")},
        r="CN",
    )
    assert length(case) == 1


def test_of_two_who_bring_the_same_the_one_who_fits_is_tried() -> None:
    """Else one would pass for two: they ask, or approve, or could once anybody may, and one has the unit of another
    member, or none."""
    terms = {"terms": quorum(2, "board", distinct=["unit"])}
    asks = firm(
        "c1 c2 a b",
        {"admins": "c1 c2", "board": "a b"},
        ["group:admins read asset:t terms", "group:admins assume group:board"],
        terms,
        r="CN",
    )
    assert length(units(asks, "c1=a", "c2", "a", "b")) == 1
    anyone = firm(
        "c1 c2 a b",
        {"admins": "c1 c2", "board": "a b"},
        ["everyone read asset:t terms", "group:admins assume group:board"],
        terms,
        r="CN",
    )
    assert length(units(anyone, "c2", "a", "b")) == 1
    approves = firm(
        "c1 c2 a b",
        {"admins": "c1 c2", "board": "a b c1 c2", "scope": "a b"},
        ["person:r read asset:t terms", "group:admins assume group:scope"],
        {"terms": quorum(3, "board", distinct=["unit"])},
        r="CN",
    )
    assert length(units(approves, "c1=r", "c2", "a", "b", "r")) == 1
    opened = firm(
        "c1 c2 o a b",
        {"admins": "c1 c2", "board": "r", "scope": "a b"},
        ["person:r read asset:t terms", "group:admins assume group:scope", "person:o enroll group:board"],
        {"terms": quorum(3, "board", distinct=["unit"])},
        r="CN",
    )
    assert length(units(opened, "c2", "a", "b", "r")) == 2


def test_who_brings_one_and_could_sit_once_anybody_may_brings_two() -> None:
    """Else two would pass for three: one opens the approvers to all, and the other brings one besides."""
    case = firm(
        "c o a",
        {"board": "r"},
        ["person:r read asset:t terms", "person:c assume person:a", "person:o enroll group:board"],
        {"terms": quorum(2, "board", distinct=["unit"])},
        r="CN",
    )
    assert length(units(case, "c", "a", "r")) == 2
