"""Derivations in words, against golden text (sentences.txt), and what no report may tell."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.reach import Between, Beyond, Exact, Gap, Length, Result, check
from armslength.report import explain, headline
from armslength.report.barriers import (
    Barrier,
    Binding,
    KeyElsewhere,
    NobodyHolds,
    OutOfReach,
    ThroughTerms,
    holds,
)
from armslength.report.roster import article
from tests.reach.derivations import (
    AT,
    FIRST_EXAMPLE,
    HELP_DESK,
    LEGAL_EXPORT,
    OPEN_RACK,
    SECOND_EXAMPLE,
    THREE_OUTSIDERS,
    WORKED,
    Worked,
    case,
    rows,
    step,
)

GOLDEN = Path(__file__).with_name("sentences.txt")


def told(worked: Worked, *, names: bool = False) -> list[str]:
    return explain(worked.estate, AT, worked.asked()[0], worked.steps, names=names)


def golden() -> dict[str, list[str]]:
    """The sentences under each heading of the golden text."""
    found: dict[str, list[str]] = {}
    for part in GOLDEN.read_text(encoding="utf-8").split("## ")[1:]:
        title, *lines = part.strip().splitlines()
        found[title] = [line.removeprefix("- ") for line in lines if line]
    return found


@pytest.mark.parametrize("worked", WORKED, ids=lambda worked: worked.name)
def test_a_derivation_reads_as_agreed(worked: Worked) -> None:
    """A reader would not understand what has to be changed, or be sent to the wrong row."""
    assert told(worked) == golden()[worked.name]


@pytest.mark.parametrize("worked", [SECOND_EXAMPLE, LEGAL_EXPORT], ids=lambda worked: worked.name)
def test_names_are_told_when_asked_for(worked: Worked) -> None:
    """Whoever has to act on the report could not find the people."""
    assert told(worked, names=True) == golden()[f"{worked.name}, with names"]


def test_the_golden_text_has_no_dead_sections() -> None:
    """A section that nothing prints any more would be taken for what the product says."""
    named = {f"{worked.name}, with names" for worked in (SECOND_EXAMPLE, LEGAL_EXPORT)}
    assert golden().keys() == {worked.name for worked in WORKED} | named


@pytest.mark.parametrize("worked", WORKED, ids=lambda worked: worked.name)
def test_people_are_told_by_role_only(worked: Worked) -> None:
    """A report that goes round the firm would point at people for where they live."""
    text = " ".join(told(worked))
    for p in worked.estate.people.ids:
        assert f"`{p}`" not in text and f"person:{p}" not in text


def test_a_sealed_tie_is_told_to_nobody() -> None:
    """A colleague who declared a tie in confidence would read it in the report."""
    made = THREE_OUTSIDERS.case
    tied = replace(made, tables={**made.tables, "declared": [{"person": "t2", "state": "RU"}]})
    for names in (False, True):
        assert told(replace(THREE_OUTSIDERS, case=tied), names=names) == told(THREE_OUTSIDERS, names=names)
        sealed = [s for s in told(LEGAL_EXPORT, names=names) if "IE" in s and "IE's reach" not in s]
        assert sealed == [s for s in sealed if s.startswith("Compelled by IE: ")] and "by a sealed tie" in sealed[0]


def test_many_of_one_role_are_counted() -> None:
    """A chain in which forty people are compelled would be forty lines long."""
    people = "id,role,workplace\n" + "\n".join(f"p{n},support agent,CN" for n in range(5))
    worked = Worked(
        name="many",
        case=case(people=people, assets="id\nt", grants="holder,action,target\neveryone,read,asset:t"),
        state="CN",
        action="read",
        asset="t",
        accomplices=(),
        steps=(
            *(step("compelled", f"acts person:p{n}", at=f"people.csv:{n + 2}", tie="workplace") for n in range(5)),
            step("grant", "over read asset:t", "acts person:p1", at="grants.csv:2", by="standing"),
            step("has", "can read asset:t", "over read asset:t"),
        ),
    )
    assert told(worked) == [
        "Compelled by CN: five people of the role support agent (workplace CN; people.csv:2,"
        " people.csv:3, people.csv:4,"
        " people.csv:5 and people.csv:6).",
        "Everyone may `read` on `asset:t` alone (grants.csv:2).",
    ]


def test_accounts_taken_over_through_one_group_are_told_together() -> None:
    """A help desk that can reset everybody would fill a page with the same sentence."""
    worked = Worked(
        name="taken over",
        case=case(
            people="id,role,workplace\nh,help-desk agent,CN\na,counsel,US\nb,counsel,IE",
            groups="group,member\nstaff,person:a\nstaff,person:b",
            assets="id\nt",
            grants="holder,action,target\nperson:h,assume,group:staff\nperson:a,read,asset:t",
        ),
        state="CN",
        action="read",
        asset="t",
        accomplices=(),
        steps=(
            step("compelled", "acts person:h", at="people.csv:2", tie="workplace"),
            step("grant", "assumed group:staff", "acts person:h", at="grants.csv:2", by="standing"),
            step("assumed", "acts person:b", "assumed group:staff", at="groups.csv:3"),
            step("assumed", "acts person:a", "assumed group:staff", at="groups.csv:2"),
            step("grant", "over read asset:t", "acts person:a", at="grants.csv:3", by="standing"),
            step("has", "can read asset:t", "over read asset:t"),
        ),
    )
    assert check(worked.estate, AT, *worked.asked(), worked.steps) == ()
    assert told(worked) == [
        "Compelled by CN: a help-desk agent (workplace CN; people.csv:2).",
        "The help-desk agent, by a grant of their own, can reset the credentials of everyone in `group:staff`"
        " (grants.csv:2).",
        "A counsel (groups.csv:3) and a second counsel (groups.csv:2) are in `group:staff`, so those accounts are taken"
        " over too.",
        "The second counsel, by a grant of their own, may `read` on `asset:t` alone (grants.csv:3).",
    ]


def test_an_id_cannot_dress_up_the_text() -> None:
    """One id could pass for another, or turn the line around."""
    odd = "t\u202egpj"
    worked = Worked(
        name="odd",
        case=case(
            assets=f"id,hosted_in\n{odd},CN", people="id\na", grants=f"holder,action,target\nperson:a,read,asset:{odd}"
        ),
        state="CN",
        action="read",
        asset=odd,
        accomplices=(),
        steps=(step("custody", f"can read asset:{odd}", at="assets.csv:2"),),
    )
    assert told(worked) == [
        "`asset:t\\u{202e}gpj` is hosted in CN without a key held elsewhere (assets.csv:2), so CN can have every action"
        " on it there."
    ]


def test_no_steps_are_no_sentences() -> None:
    """A pair that nobody can reach would come with half a story."""
    assert explain(FIRST_EXAMPLE.estate, AT, 0, ()) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("liaison officer", "a"),
        ("analyst", "an"),
        ("SRE", "an"),
        ("HR lead", "an"),
        ("DBA", "a"),
        ("user administrator", "a"),
        ("unit lead", "a"),
        ("urgent-care lead", "an"),
        ("European counsel", "a"),
        ("", "a"),
    ],
)
def test_an_article_fits_its_role(words: str, expected: str) -> None:
    """The sentences would read as if nobody had."""
    assert article(words) == expected


@given(st.text())
def test_any_role_has_an_article(words: str) -> None:
    """A strange role would end the report in a traceback."""
    assert article(words) in ("a", "an")


def _result(length: Length, floor: int | None = None, gaps: tuple[Gap, ...] = (), of: Worked = OPEN_RACK) -> Result:
    state, action, asset, _ = of.asked()
    return Result(state=state, action=action, asset=asset, length=length, accomplices=(), floor=floor, gaps=gaps)


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (_result(Exact(length=0)), "CN can have `read` on `asset:rack` today, with nobody but those it can compel."),
        (
            _result(Exact(length=1), floor=2),
            "CN can have `read` on `asset:rack` if one person outside its reach can be won over:"
            " the floor of 2 is broken.",
        ),
        (
            _result(Exact(length=2), floor=2),
            "CN can have `read` on `asset:rack` if two people outside its reach can be won over: the floor of 2 holds.",
        ),
        (
            _result(Beyond(cap=3), floor=2, gaps=(Gap(groups=(0, 1), length=1),), of=FIRST_EXAMPLE),
            "CN cannot have `terminate` on `asset:meetings-us` with up to three people outside its reach; were unknown"
            " members of `group:liaison` and `group:ops` within its reach, one person would do: the floor of 2 is"
            " broken.",
        ),
        (
            _result(Exact(length=2), floor=2, gaps=(Gap(groups=(0,), length=0, stopped=True),), of=FIRST_EXAMPLE),
            "CN can have `terminate` on `asset:meetings-us` if two people outside its reach can be won over; were"
            " unknown members of `group:liaison` within its reach, perhaps nobody else would be needed (the search was"
            " stopped): the floor of 2 is broken.",
        ),
        (
            _result(Between(at_least=1, at_most=3)),
            "CN needs at least one person outside its reach for `read` on `asset:rack`, and three"
            " would do (the search was"
            " stopped).",
        ),
        (
            _result(Between(at_least=2, at_most=None), floor=2),
            "CN needs at least two people outside its reach for `read` on `asset:rack` (the search"
            " was stopped): the floor"
            " of 2 holds.",
        ),
    ],
)
def test_a_headline_says_the_result(result: Result, says: str) -> None:
    """The one sentence that everybody reads would say something else than the number."""
    assert headline((FIRST_EXAMPLE if result.gaps else OPEN_RACK).estate, result) == says


_ROW = rows("grants.csv:2")


@pytest.mark.parametrize(
    ("worked", "barriers", "says"),
    [
        (
            THREE_OUTSIDERS,
            [NobodyHolds(action="read", asset="meetings-us")],
            ["Nobody holds `read` on `asset:meetings-us`: no grant, permit, power or custody gives it."],
        ),
        (
            THREE_OUTSIDERS,
            [ThroughTerms(terms="two-apart", why=Binding.APART, outsiders=2, rows=_ROW)],
            [
                "Every way goes through the terms `two-apart` (grants.csv:2): a quorum of three"
                " with at least two people"
                " not exposed to CN, so at least two outsiders are needed whoever is compelled."
            ],
        ),
        (
            THREE_OUTSIDERS,
            [
                ThroughTerms(terms="two-apart", why=Binding.APPROVALS, outsiders=3, able=0, rows=_ROW),
                ThroughTerms(terms="two-apart", why=Binding.DISTINCT, outsiders=2, able=1, rows=_ROW),
                OutOfReach(holder="group:ops", people=1, rows=_ROW),
                OutOfReach(holder="person:bo", people=1, rows=_ROW),
            ],
            [
                "One way goes through the terms `two-apart` (grants.csv:2): a quorum of three whose approvers come from"
                " `group:trust`; CN can fill no places of it with people it can compel, so at least three"
                " outsiders are needed whoever is compelled.",
                "Another way goes through the terms `two-apart` (grants.csv:2): a quorum of three"
                " in which no two have the"
                " same `unit`; CN can fill one place of it with people it can compel, so at least two"
                " outsiders are needed whoever"
                " is compelled.",
                "Another way goes through `group:ops` (grants.csv:2), whose 1 person is outside"
                " CN's reach, so one outsider"
                " is needed whoever is compelled.",
                "Another way goes through a grant to one person (grants.csv:2) outside CN's reach, so one outsider is"
                " needed whoever is compelled.",
            ],
        ),
        (
            LEGAL_EXPORT,
            [
                ThroughTerms(terms="legal", why=Binding.PLACES, outsiders=1, able=2),
                ThroughTerms(terms="legal", why=Binding.REQUESTER, outsiders=1),
                OutOfReach(holder="", policy="cleared-read", people=12),
                KeyElsewhere(asset="archive", key="vault-key"),
            ],
            [
                "One way goes through the terms `legal`: a quorum of three approved by one of `group:legal` and one"
                " person; IE can fill two places of it with people it can compel, so at least one outsider is needed"
                " whoever is compelled.",
                "Another way goes through the terms `legal`: a quorum of three, and nobody whom IE"
                " can compel may request"
                " it, so at least one outsider is needed whoever is compelled.",
                "Another way goes through the policy `cleared-read` (policy.cedar:4), open to 12 people outside IE's"
                " reach, so one outsider is needed whoever is compelled.",
                "`asset:archive` is hosted where IE reaches, but its key `asset:vault-key` can be neither used nor"
                " operated from there.",
            ],
        ),
    ],
)
def test_what_stops_a_state_is_told(worked: Worked, barriers: list[Barrier], says: list[str]) -> None:
    """A floor that holds could be taken away by somebody who does not know what it rests on."""
    assert holds(worked.estate, worked.asked()[0], barriers) == says


def test_a_tie_is_told_as_it_stands_on_the_day() -> None:
    """A journey that is over would be shown as a member's exposure."""
    later = explain(LEGAL_EXPORT.estate, AT + dt.timedelta(days=9), LEGAL_EXPORT.asked()[0], LEGAL_EXPORT.steps)
    assert "The analyst (CN) requests" in " ".join(later)
    assert "The analyst (CN, RU) requests" in " ".join(told(LEGAL_EXPORT))


def test_every_row_named_can_be_found() -> None:
    """The reader would look in vain for the row that has to change."""
    text = " ".join(told(HELP_DESK))
    for s in HELP_DESK.steps:
        for row in s.rows:
            assert f"{row.file}:{row.row + 2}" in text
