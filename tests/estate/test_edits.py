"""An edited estate is the one that the edited tables would make."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import (
    Estate,
    EstateError,
    digest,
    drop_grants,
    drop_memberships,
    grant,
    join,
    leaver,
    parse,
    set_terms,
    travel,
)
from tests.estate.samples import Sample, samples, told

AT = dt.date(2026, 11, 22)


def outcome(make: Callable[[], Estate]) -> Estate | None:
    """The estate, or None if it was refused."""
    try:
        return make()
    except EstateError as error:
        assert error.problems and all(problem.message for problem in error.problems)
        return None


def agree(edited: Estate | None, sample: Sample, also_unknown: frozenset[str] = frozenset()) -> None:
    """The edit gives what reading the edited sample gives; groups in `also_unknown` are told there, not by the edit."""
    for group in sorted(also_unknown):
        sample.tables["unknown"].append({"group": group})
    read = outcome(lambda: parse(sample.files()).estate)
    assert (edited is None) == (read is None)
    if edited is None or read is None:
        return
    one, other = told(edited), told(read)
    for state in other["settings"]["upward"]:  # states that nothing names any more may stay
        assert one["settings"]["upward"][state] == other["settings"]["upward"][state]
    for whole in (one, other):
        del whole["settings"]["upward"]
        if also_unknown:
            whole["unknown"] = sorted(set(whole["unknown"]) - also_unknown)
            del whole["tables"]["unknown"]
    assert one == other
    if not also_unknown:
        assert digest(edited) == digest(read)


def rows_of(sample: Sample, table: str) -> list[dict[str, str]]:
    return sample.tables.setdefault(table, [])


@given(samples(), st.data())
def test_travel(sample: Sample, data: st.DataObject) -> None:
    """A what-if would be answered for other places than the user asked about."""
    people = [row["id"] for row in rows_of(sample, "people")] + ["nobody at all"]
    person, state = data.draw(st.sampled_from(people)), data.draw(st.sampled_from(["CN", "US", "TV", "XK", "ZZ", ""]))
    before = parse(sample.files()).estate
    edited = outcome(lambda: travel(before, f"person:{person}", state, AT))
    row = {"person": person, "state": state, "from": AT.isoformat(), "until": AT.isoformat()}
    rows_of(sample, "travel").append(row)
    agree(edited, sample)


@given(samples(), st.data())
def test_grant(sample: Sample, data: st.DataObject) -> None:
    """A what-if could say that a grant is harmless which the tables then refuse, or read otherwise."""
    cells = {
        "holder": data.draw(
            st.sampled_from(["everyone", "group:nope", "person:", *_references(sample, "person", "group")])
        ),
        "action": data.draw(st.sampled_from(["read", "operate", "enroll", "assume", "amend", "newly named", "*", ""])),
        "target": data.draw(st.sampled_from(["class:none", *_references(sample, "person", "group", "asset", "terms")])),
        "terms": data.draw(st.sampled_from(["", "none", *sample.settings["terms"]])),
    }
    before = parse(sample.files()).estate
    edited = outcome(lambda: grant(before, cells["holder"], cells["action"], cells["target"], cells["terms"]))
    rows_of(sample, "grants").append(cells)
    agree(edited, sample)


@given(samples(), st.data())
def test_join(sample: Sample, data: st.DataObject) -> None:
    """A repair that moves someone could be judged on a membership that the tables do not have."""
    member = data.draw(st.sampled_from(["group:nope", "asset:x", *_references(sample, "person", "group")]))
    groups = _references(sample, "group")
    if not groups:
        return
    group = data.draw(st.sampled_from(groups))
    before = parse(sample.files()).estate
    edited = outcome(lambda: join(before, member, group))
    rows_of(sample, "groups").append({"group": group.removeprefix("group:"), "member": member})
    agree(edited, sample)


@given(samples(), st.data())
def test_drop_grants_and_set_terms(sample: Sample, data: st.DataObject) -> None:
    """Repair would prove its plan on an estate that its patch does not make."""
    grants = rows_of(sample, "grants")
    if not grants:
        return
    row = data.draw(st.integers(0, len(grants) - 1))
    terms = data.draw(st.sampled_from(["", "none", *sample.settings["terms"]]))
    before = parse(sample.files()).estate
    changed = copy.deepcopy(sample)
    changed.tables["grants"][row]["terms"] = terms
    agree(outcome(lambda: set_terms(before, row, terms)), changed)
    dropped = data.draw(st.sets(st.integers(0, len(grants) - 1)))
    edited = outcome(lambda: drop_grants(before, dropped))
    sample.tables["grants"] = [cells for place, cells in enumerate(grants) if place not in dropped]
    agree(edited, sample)


@given(samples(), st.data())
def test_drop_memberships(sample: Sample, data: st.DataObject) -> None:
    """As above; and a group left empty would make the patched tables unreadable."""
    members = rows_of(sample, "groups")
    if not members:
        return
    dropped = data.draw(st.sets(st.integers(0, len(members) - 1)))
    before = parse(sample.files()).estate
    edited = outcome(lambda: drop_memberships(before, dropped))
    sample.tables["groups"] = [cells for place, cells in enumerate(members) if place not in dropped]
    agree(edited, sample)


@given(samples(), st.data())
def test_leaver(sample: Sample, data: st.DataObject) -> None:
    """Someone who is gone would still be counted as one who can be compelled, or who could help."""
    people = rows_of(sample, "people")
    if not people:
        return
    name = data.draw(st.sampled_from([row["id"] for row in people]))
    if data.draw(st.booleans()):
        sample.settings.setdefault("costs", {})[f"drop_membership person:{name}"] = 4
    before = parse(sample.files()).estate
    edited = outcome(lambda: leaver(before, f"person:{name}"))
    gone = f"person:{name}"
    tables = sample.tables
    filled = {row["group"] for row in tables["groups"]}
    tables["people"] = [
        row | {"manager": row["manager"] * (row["manager"] != name)} for row in people if row["id"] != name
    ]
    tables["groups"] = [row for row in tables["groups"] if row["member"] != gone]
    tables["grants"] = [row for row in tables["grants"] if gone not in (row["holder"], row["target"])]
    for table in ("travel", "declared"):
        tables[table] = [row for row in tables.get(table, []) if row["person"] != name]
    sample.settings.get("costs", {}).pop(f"drop_membership person:{name}", None)
    emptied = filled - {row["group"] for row in tables["groups"]} - {row["group"] for row in tables["unknown"]}
    agree(edited, sample, frozenset(emptied))


def _references(sample: Sample, *kinds: str) -> list[str]:
    tables = {"person": "people", "group": "unknown", "asset": "assets"}
    found = [f"terms:{name}" for name in sample.settings["terms"]] if "terms" in kinds else []
    for kind in kinds:
        if kind in tables:
            column = "group" if kind == "group" else "id"
            found += [f"{kind}:{row[column]}" for row in rows_of(sample, tables[kind])]
    if "group" in kinds:
        found += [f"group:{row['group']}" for row in rows_of(sample, "groups")]
    return sorted(set(found))


def estate(**files: str) -> Estate:
    return parse({name.replace("_", ".", 1): text.encode() for name, text in files.items()}).estate


SMALL = {
    "people_csv": "id,manager\nana,\nbo,ana\n",
    "groups_csv": "group,member\n\nops,person:ana\nops,person:bo\nrota,person:bo\n",
    "assets_csv": "id\nbox\n",
    "grants_csv": "holder,action,target,terms\ngroup:ops,read,asset:box,two\n\nperson:bo,operate,asset:box,\n",
    "estate_toml": '[terms.two]\napprovals = 1\napprovers = "group:ops"\n',
}


def test_an_edit_leaves_the_old_estate_as_it_was() -> None:
    """A what-if would change the answers that were given before it."""
    before = estate(**SMALL)
    first = told(before)
    leaver(before, "person:bo")
    grant(before, "everyone", "zap", "asset:box")
    travel(before, "person:ana", "CN", AT)
    set_terms(before, 0, "")
    assert told(before) == first


def test_lines_stay_those_of_the_file() -> None:
    """A report of a what-if would send its reader to the wrong row of the table."""
    left = leaver(estate(**SMALL), "person:ana")
    assert [left.tables["groups"].line(row) for row in range(2)] == [4, 5]
    longer = grant(left, "person:bo", "read", "asset:box")
    table = longer.tables["grants"]
    assert [table.line(row) for row in range(len(table))] == [2, 4, 5]


def test_a_group_emptied_by_a_leaver_is_known_to_be_empty() -> None:
    """The next what-if, or the report, would fail on a group that has nobody."""
    left = leaver(leaver(estate(**SMALL | {"estate_toml": ""} | _no_terms()), "person:bo"), "person:ana")
    assert left.people.ids == () and not len(left.groups.row) and not left.groups.unknown


def _no_terms() -> dict[str, Any]:
    return {"grants_csv": "holder,action,target\ngroup:ops,read,asset:box\n"}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda e: leaver(e, "ana"), "people.csv: id: 'ana': expected person:…"),
        (lambda e: leaver(e, "person:zed"), "people.csv: id: person 'zed' is not in the people table"),
        (lambda e: travel(e, "person:ana", "UK", AT), "travel.csv:2: state: 'UK' is not a state"),
        (
            lambda e: grant(e, "group:ops", "enroll", "asset:box"),
            "grants.csv:5: target: 'asset:box': the power 'enroll'",
        ),
        (lambda e: grant(e, "group:ops", "*", "asset:box"), "grants.csv:5: action: '*' is no action"),
        (lambda e: set_terms(e, 0, "three"), "grants.csv:2: terms: terms 'three' are not in estate.toml"),
        (lambda e: set_terms(e, 9, "two"), "grants.csv: has no row 9: expected 0 to 1"),
        (lambda e: drop_grants(e, [-1]), "grants.csv: has no row -1"),
        (lambda e: drop_memberships(e, [0, 1]), "groups.csv: member: group 'ops' would have no members left"),
        (lambda e: join(e, "person:ana", "group:opps"), "groups.csv: group: group 'opps' has no members"),
        (lambda e: join(e, "ana", "group:ops"), "groups.csv:6: member: 'ana': expected person:… or group:…"),
    ],
)
def test_an_edit_that_does_not_fit_says_so(edit: Callable[[Estate], Estate], words: str) -> None:
    """The user of a what-if would get a traceback, or an answer about someone else."""
    with pytest.raises(EstateError) as caught:
        edit(estate(**SMALL))
    assert str(caught.value).startswith(words)


def test_who_is_named_by_terms_or_policy_cannot_just_leave() -> None:
    """Terms would ask for the approval of somebody else: the next person in the table."""
    named = estate(**SMALL | {"estate_toml": '[terms.two]\napprovals = 1\napprovers = "person:ana"\n'})
    with pytest.raises(EstateError, match="who leaves: name someone else first"):
        leaver(named, "person:ana")
    assert told(leaver(named, "person:bo"))["settings"]["terms"][0][2] == ("PERSON", "ana")
    policy = '@id("a")\npermit(principal == Person::"ana", action, resource);\n'
    with pytest.raises(EstateError, match=r"policy\.cedar:2: names Person 'ana'"):
        leaver(estate(**SMALL | {"policy_cedar": policy}), "person:ana")
