"""States that only seem alike, by hand: each pair differs in one thing on which the length hangs."""

from __future__ import annotations

from tests.oracle.case import Case
from tests.reach.test_chains import firm, length, quorum
from tests.reach.test_shared import units


def of_both(case: Case, *people: str) -> Case:
    """The people are compelled by US as well."""
    for row in case.tables["people"]:
        if row["id"] in people:
            row["residence"] = "US"
    return case


def test_of_another_unit_is_not_of_the_same() -> None:
    """Else a state would get the length of one whose only other person has the unit of whoever asks."""
    case = firm(
        "without with h",
        {"first": "without with"},
        ["person:r assume person:h one", "person:h read asset:t two"],
        {"one": quorum(1, "first"), "two": {"approvals": 2, "approvers": "everyone", "distinct": ["unit"]}},
        r="CN",
        j="CN",
        k="US",
        z="DE",
    )
    units(of_both(case, "r"), "with", "h", "k", "z", "j=h")
    case.settings["home"] = ["CN", "US"]
    assert (length(case, "CN"), length(case, "US")) == (2, 1)


def test_two_columns_that_must_differ_are_both_looked_at() -> None:
    """Else a state would get the length of one whose people differ in the one column and not in the other."""
    few = "r without with h z " + " ".join(f"o{n}" for n in range(9))
    compelled = {f"{p}{n}": state for p, state in (("i", "CN"), ("k", "US")) for n in range(6)}
    for many, one in (("unit", "role"), ("role", "unit")):
        case = firm(
            few.removeprefix("r "),
            {"first": "without with"},
            ["person:r assume person:h one", "person:h read asset:t two"],
            {
                "one": quorum(1, "first"),
                "two": {"approvals": 2, "approvers": "everyone", "distinct": ["unit", "role"]},
            },
            r="CN",
            **compelled,
        )
        case.settings["home"] = ["CN", "US"]
        for row in of_both(case, "r").tables["people"]:
            if row["id"] not in ("r", "without"):
                row[many] = row["id"]
                row[one] = row["id"] if row["id"] in ("with", "z", "k0") else "h"
        assert (length(case, "CN"), length(case, "US")) == (2, 1)


def test_where_the_terms_of_a_first_quorum_are_waived_more_may_ask() -> None:
    """Else a state would get the length of one in which the terms have to be met, and who serves both quorums has the
    unit of the only approver."""
    case = firm(
        "x y s a b",
        {"one": "x s", "asking": "y s", "two": "e", "last": "a b"},
        [
            "person:r assume person:a first",
            "group:asking assume person:b second",
            "person:r read asset:t third",
            "person:k amend terms:second opening",
        ],
        {
            "first": quorum(1, "one"),
            "second": quorum(1, "two", distinct=["unit"]),
            "third": quorum(2, "last"),
            "opening": {"approvals": 1, "approvers": "person:l"},
        },
        r="CN",
        e="CN",
        k="US",
        l="US",
    )
    units(of_both(case, "r", "e"), "e", "y", "s=e")
    assert (length(case, "CN"), length(case, "US")) == (2, 1)


def crowd(more: str, **terms: object) -> Case:
    """A last quorum for everyone, of whom one may answer to DE; only US has `more` beside one other. There are two
    first quorums, and who serves the second cannot sit in the last."""
    case = firm(
        "de both n h",
        {"first": "de both", "other": "n"},
        ["person:r assume person:h one", "person:r assume person:h either", "person:h read asset:t two"],
        {
            "one": quorum(1, "first"),
            "either": quorum(1, "other"),
            "two": {"approvals": 4, "approvers": "everyone", "apart": 4},
        },
        r="CN",
        j="CN",
        k="US",
        l="US",
    )
    rows = {row["id"]: row for row in of_both(case, "r").tables["people"]}
    rows["de"]["workplace"], rows["both"]["workplace"], rows["n"]["workplace"] = "DE", "IE", "DE"
    case.tables["declared"] = [{"person": more, "state": "DE"}]
    case.settings["home"] = ["CN", "US"]
    return case


def test_that_one_quorum_is_closed_says_nothing_of_the_next() -> None:
    """Else a state would get the length of another in which fewer could sit, as nobody else can in the first quorum."""
    for more in ("r", "l"):
        case = crowd(more)
        assert (length(case, "CN"), length(case, "US")) == (2, 1)
