"""What `parse` makes of sound tables, read once more here row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from armslength.estate import Basis, parse
from tests.estate.samples import Sample, samples, told


def reference(text: str) -> tuple[str, str]:
    if text == "everyone":
        return ("EVERYONE", "everyone")
    word, _, name = text.partition(":")
    return (word.upper(), name)


@given(samples())
def test_every_row_is_read_as_it_stands(sample: Sample) -> None:
    """A reference resolved to its neighbour gives one person's access to another."""
    read = told(parse(sample.files()).estate)
    tables = sample.tables
    assert read["people"] == [
        (r["id"], r["workplace"] or None, r["residence"] or None, r["entity"] or None, r["manager"] or None)
        for r in tables["people"]
    ]
    assert read["entities"] == [(r["id"], r["state"] or None, r["parent"] or None) for r in tables["entities"]]
    assert read["groups"] == [
        (row["group"], reference(row["member"]), place) for place, row in enumerate(tables["groups"])
    ]
    assert read["unknown"] == sorted({row["group"] for row in tables["unknown"]})
    assert read["grants"] == [
        (reference(r["holder"]), r["action"], reference(r["target"]), r["terms"] or None, place)
        for place, r in enumerate(tables["grants"])
    ]
    assert [asset[:8] for asset in read["assets"]] == [
        (
            r["id"],
            r["kind"],
            r["class"] or None,
            r["within"] or None,
            sorted(set(r["hosted_in"].split())),
            sorted(set(r["shielded_from"].split())),
            r["key"] or None,
            int(r["subjects"] or 0),
        )
        for r in tables["assets"]
    ]


def hosts(rows: dict[str, dict[str, str]], asset: str) -> list[str]:
    own = rows[asset]["hosted_in"]
    if own or not rows[asset]["within"]:
        return sorted(set(own.split()))
    return hosts(rows, rows[asset]["within"])


def lock(rows: dict[str, dict[str, str]], asset: str) -> str | None:
    if rows[asset]["key"]:
        return rows[asset]["key"]
    above = lock(rows, rows[asset]["within"]) if rows[asset]["within"] else None
    return None if above == asset else above


@given(samples())
def test_host_and_key_pass_down_each_by_itself(sample: Sample) -> None:
    """A store would be taken for encrypted, or for hosted at home, because of a column that says nothing of it."""
    rows = {row["id"]: row for row in sample.tables["assets"]}
    read = told(parse(sample.files()).estate)
    assert [asset[8:] for asset in read["assets"]] == [(hosts(rows, a), lock(rows, a)) for a in rows]


@given(samples())
def test_states_are_closed_upward(sample: Sample) -> None:
    """A state would seem unable to compel people whom its client compels for it."""
    above = {state: set(right) for state, right in sample.settings["states"].items()}
    read = told(parse(sample.files()).estate)["settings"]
    for state, upward in read["upward"].items():
        reached = {state}
        while more := {t for s in reached for t in above.get(s, ())} - reached:
            reached |= more
        assert upward == sorted(reached)
    home = {s for code in sample.settings["home"] for s in read["upward"][code]}
    assert set(read["home"]) == home


@given(samples())
def test_nothing_in_an_estate_can_be_changed(sample: Sample) -> None:
    """Two questions to one estate could change each other's answers."""
    estate = parse(sample.files()).estate
    for part in (estate.people, estate.entities, estate.groups, estate.assets, estate.grants):
        for name in part.__slots__:  # type: ignore[attr-defined]
            value = getattr(part, name)
            assert not isinstance(value, np.ndarray) or not value.flags.writeable
    with pytest.raises(AttributeError):
        estate.grants = estate.grants  # type: ignore[misc]


def files(**texts: str) -> dict[str, bytes]:
    return {name.replace("_", ".", 1): text.encode() for name, text in texts.items()}


def warnings(**texts: str) -> list[str]:
    return [str(warning) for warning in parse(files(**{"estate_toml": ""} | texts)).warnings]


def test_defaults_are_filled_in() -> None:
    """The digest would change when somebody writes down what was the case already."""
    terms = '[terms.t]\napprovals = 1\napprovers = "everyone"\n'
    read = parse(files(estate_toml=terms)).estate.settings
    assert read.bases == frozenset(Basis) and read.name == "" and read.home == frozenset() and read.gate is None
    assert read.parsed == {
        "name": "",
        "bases": ["workplace", "residence", "employer", "owner", "travel", "declared"],
        "home": [],
        "states": {},
        "terms": {
            "t": {"approvals": 1, "approvers": "everyone", "apart": 0, "distinct": [], "minutes": 60, "from": []}
        },
        "floor": [],
        "costs": {"terms": 1.0, "drop_membership": 2.0, "drop_grant": 3.0},
    }


def test_settings_are_read_in_full() -> None:
    """A firm's terms would be weaker than what it wrote."""
    text = """
name = "Meridian"
bases = ["workplace"]
home = ["HK"]
gate = "gate"
[states]
HK = ["CN"]
[terms.t]
approvals = 2
approvers = "group:g"
apart = 2
distinct = ["unit"]
minutes = 5
from = [{ of = "person:ana", count = 1 }, { of = "everyone", count = 1 }]
line = "apart"
uses = 1
customers = 5
customer = "veto"

[[floor]]
action = "*"
target = "asset:gate"
length = 0
[[floor]]
action = "erase"
target = "class:core"
length = 7
except = ["IE", "CN"]
"""
    tables = {
        "people_csv": "id,unit\nana,a\n",
        "groups_csv": "group,member\ng,person:ana\n",
        "assets_csv": "id,class\ngate,core\n",
    }
    read = told(parse(files(estate_toml=text, **tables)).estate)
    settings: dict[str, Any] = read["settings"]
    assert settings["name"] == "Meridian" and settings["gate"] == "gate" and settings["home"] == ["CN", "HK"]
    assert settings["terms"] == [
        ("t", 2, ("GROUP", "g"), 2, ("unit",), [(("PERSON", "ana"), 1), (("EVERYONE", "everyone"), 1)])
        + (5, "apart", 1, 5, "veto")
    ]
    assert settings["floors"] == [
        (0, 20, None, ("ASSET", "gate"), 0, None, None),
        (1, 24, "erase", ("CLASS", "core"), 7, None, ["CN", "IE"]),
    ]
    assert settings["parsed"]["floor"][1]["except"] == ["IE", "CN"]
    assert "erase" in parse(files(estate_toml=text, **tables)).estate.actions


GRANT = "holder,action,target\ngroup:g,read,class:c\n"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (
            {"groups_csv": "group,member\ng,person:a\ng,person:a\n", "people_csv": "id\na\n", "grants_csv": GRANT},
            ["groups.csv:3: repeats line 2: one of the two can go"],
        ),
        (
            {"groups_csv": "group,member\nidle,person:a\n", "people_csv": "id\na\n"},
            ["groups.csv:2: group: group 'idle' is used by no grant, terms, policy or other group"],
        ),
        (
            {"unknown_csv": "group\nidle\n"},
            ["unknown.csv:2: group: group 'idle' is used by no grant, terms, policy or other group"],
        ),
        (
            {"people_csv": "id,workplaces\na,US\n"},
            ["people.csv:1: workplaces: is not a known column and is ignored: did you mean 'workplace'?"],
        ),
        (
            {"grants_csv": "holder,action,target\neveryone,Operate,class:c\n"},
            ["grants.csv:2: action: 'Operate' is a plain action: did you mean the power 'operate'?"],
        ),
        (
            {"assets_csv": "id,class,key\na,c,b\nb,,a\n"},
            [
                "assets.csv:2: key: keys lock each other in: 'a' → 'b' → 'a': by these rows alone no host could open"
                " any of them; tell where the first key really is"
            ],
        ),
    ],
)
def test_what_is_odd_is_told_and_changes_nothing(texts: dict[str, str], expected: list[str]) -> None:
    """A slip that no rule forbids would go unnoticed until it is used."""
    assert warnings(**{"assets_csv": "id,class\nt,c\n"} | texts) == expected


def test_an_estate_without_settings_is_told_of() -> None:
    """Without floors everything holds: whoever forgot the file would read that as good news."""
    assert str(parse({"people.csv": b"id\na\n"}).warnings[0]).startswith("estate.toml: is absent")
