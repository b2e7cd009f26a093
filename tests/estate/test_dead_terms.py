"""Terms that nobody could meet: warned of only where no quorum exists, tried one by one here."""

from __future__ import annotations

import datetime as dt
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import parse
from tests.estate.samples import Sample, samples

PEOPLE = """id,unit,workplace
ana,a,CN
bo,b,US
cy,b,IE
di,,IE
"""
GROUPS = "group,member\ng,person:ana\ng,person:bo\nnest,group:g\nnest,person:cy\n"


def said(terms: str, **files: str) -> list[str]:
    """The warnings about the terms `t`, without the place."""
    texts = {
        "people.csv": PEOPLE,
        "groups.csv": GROUPS,
        "estate.toml": f"[terms.t]\n{terms}",
        **{name.replace("_", "."): text for name, text in files.items()},
    }
    found = parse({name: text.encode() for name, text in texts.items()}).warnings
    return [w.message.split(": ", 1)[1] for w in found if w.file == "estate.toml" and w.line == 1]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ('approvals = 2\napprovers = "group:g"', []),
        (
            'approvals = 3\napprovers = "group:g"',
            ["3 approvals are needed and 2 could approve: add 1 to the approvers or lower approvals to 2"],
        ),
        ('approvals = 3\napprovers = "group:nest"', []),
        ('approvals = 3\napprovers = "everyone"', []),
        ('approvals = 4\napprovers = "everyone"', ["a quorum has 5 people and the estate 4: lower approvals"]),
        (
            'approvals = 1\napprovers = "everyone"\napart = 3',
            ["apart = 3 asks for that many people and a quorum here has 2: raise approvals to 2 or lower apart to 2"],
        ),
        (
            'approvals = 1\napprovers = "everyone"\nfrom = [{of = "everyone", count = 2}]',
            ["'from' asks for 2 approvals and there are 1: raise approvals to 2"],
        ),
        (
            'approvals = 2\napprovers = "everyone"\nfrom = [{of = "person:bo", count = 2}]',
            ["'from' asks for 2 out of people of whom 1 may approve: lower count or add approvers"],
        ),
        (
            'approvals = 2\napprovers = "everyone"\ndistinct = ["unit"]',
            ["3 values of 'unit' are needed and all people have 2: drop it from distinct"],
        ),
        ('approvals = 1\napprovers = "everyone"\ndistinct = ["unit"]', []),
        ('approvals = 2\napprovers = "group:g"\napart = 2', []),
        (
            'approvals = 2\napprovers = "group:g"\napart = 3',
            [
                "apart = 3, and no quorum has more than 2 not exposed to CN, IE, US:"
                " add approvers elsewhere or lower apart",
            ],
        ),
    ],
)
def test_what_is_missing_is_said(terms: str, expected: list[str]) -> None:
    """A rule that stops everyone would be found out in the night it is needed."""
    assert said(terms) == expected


def test_values_of_people_not_looked_at_first_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first few often have values enough; where they have not, the others do, and a warning would be wrong."""
    monkeypatch.setattr("armslength.estate.dead_terms.ENOUGH", 1)
    assert said('approvals = 1\napprovers = "everyone"\ndistinct = ["unit"]') == []
    few = "3 values of 'unit' are needed and all people have 2: drop it from distinct"
    assert said('approvals = 2\napprovers = "everyone"\ndistinct = ["unit"]') == [few]


@pytest.mark.parametrize(
    "files",
    [
        {"unknown_csv": "group\ng\n"},
        {"grants_csv": "holder,action,target\neveryone,enroll,group:g\n"},
        {"policy_cedar": '@id("a") permit(principal, action, resource);'},
        {"policy_cedar": '@id("a") permit(principal, action in [Action::"enroll"], resource);'},
    ],
)
def test_a_group_that_may_grow_is_left_alone(files: dict[str, str]) -> None:
    """A warning about a rule that works teaches people to skip warnings."""
    assert said('approvals = 3\napprovers = "group:g"', **files) == []


def test_home_states_do_not_make_terms_dead() -> None:
    """Every rule of a firm with one office would be called dead."""
    people = "id,workplace\na,US\nb,US\nc,US\n"
    terms = 'approvals = 2\napprovers = "everyone"\napart = 1'
    assert said(terms, people_csv=people, groups_csv="group,member\n") != []
    settings = f'home = ["US"]\n[terms.t]\n{terms}'
    assert said(terms, people_csv=people, groups_csv="group,member\n", estate_toml=settings) == []


def quorum_exists(sample: Sample, terms: dict[str, Any], at: dt.date) -> bool:
    """Whether anyone at all could meet the terms on that day if everyone acted, tried one quorum after the other."""
    tables = sample.tables
    ids = [row["id"] for row in tables["people"]]
    above = {"HK": {"CN"}, "IE": {"EU"}}
    entities = {row["id"]: row for row in tables["entities"]}

    def up(state: str) -> set[str]:
        return {state, *above.get(state, ())} - {""}

    def exposed(row: dict[str, str]) -> set[str]:
        states = up(row["workplace"]) | up(row["residence"])
        entity = row["entity"]
        while entity:
            states |= up(entities[entity]["state"])
            entity = entities[entity]["parent"]
        for journey in tables.get("travel", []):
            if journey["person"] == row["id"] and journey["from"] <= at.isoformat() <= journey["until"]:
                states |= up(journey["state"])
        for tie in tables.get("declared", []):
            states |= up(tie["state"]) if tie["person"] == row["id"] else set()
        return states

    rows = {row["id"]: row for row in tables["people"]}
    exposure = {p: exposed(row) for p, row in rows.items()}
    open_groups = {row["target"] for row in tables["grants"] if row["action"] == "enroll"}
    if sample.policy:
        open_groups |= {f"group:{row['group']}" for row in tables["groups"] + tables["unknown"]}
    open_groups |= {f"group:{row['group']}" for row in tables["unknown"]}

    def inside(reference: str) -> set[str]:
        if reference == "everyone":
            return set(ids)
        if reference.startswith("person:"):
            return {reference.removeprefix("person:")}
        seen, waiting, found = {reference}, [reference], set()
        while waiting:
            group = waiting.pop()
            if group in open_groups:
                return set(ids)
            for row in tables["groups"]:
                if f"group:{row['group']}" == group:
                    if row["member"].startswith("person:"):
                        found.add(row["member"].removeprefix("person:"))
                    elif row["member"] not in seen:
                        seen.add(row["member"])
                        waiting.append(row["member"])
        return found

    home = {s for code in sample.settings["home"] for s in up(code)}
    states = {s for states in exposure.values() for s in states} - home
    approvers = inside(terms["approvers"])
    places = [inside(place["of"]) for place in terms["from"]]  # each of count 1, at most one of them
    for requester in ids:
        for chosen in combinations(sorted(approvers - {requester}), terms["approvals"]):
            quorum = [requester, *chosen]
            values = [[rows[p][column] for p in quorum] for column in terms["distinct"]]
            if any("" in column or len(set(column)) < len(column) for column in values):
                continue
            if any(place.isdisjoint(chosen) for place in places) or len(quorum) < terms["apart"]:
                continue
            if all(sum(s not in exposure[p] for p in quorum) >= terms["apart"] for s in states):
                return True
    return False


@given(samples(), st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1)))
def test_terms_called_dead_have_no_quorum(sample: Sample, at: dt.date) -> None:
    """A firm would weaken a rule that works, on our word."""
    dead = {
        warning.column.removeprefix("terms.")
        for warning in parse(sample.files()).warnings
        if warning.column and warning.column.startswith("terms.") and "nobody could ever" in warning.message
    }
    for name in dead:
        terms = sample.settings["terms"][name]
        if not any(row["group"] for row in sample.tables["unknown"]):
            assert not quorum_exists(sample, terms, at)
