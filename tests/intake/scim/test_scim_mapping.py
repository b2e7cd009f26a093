"""What becomes of the users and groups of a SCIM directory."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.intake import Harvest, IntakeError, Problems
from armslength.intake.scim import map_scim

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def user(id: str, **more: Any) -> dict[str, Any]:
    return {"schemas": [USER], "id": id, "userName": f"{id}.name", **more}


def group(id: str, *members: Any, **more: Any) -> dict[str, Any]:
    parts = [member if isinstance(member, dict) else {"value": member} for member in members]
    return {"schemas": [GROUP], "id": id, "displayName": f"Group {id}", "members": parts, **more}


def taken(*documents: Any) -> Harvest:
    harvest = Harvest(name="scim", kind="scim")
    files = {f"{n}.json": d if isinstance(d, bytes) else json.dumps(d).encode() for n, d in enumerate(documents)}
    map_scim(files, harvest, Problems())
    return harvest


def wrong(*documents: Any) -> list[str]:
    with pytest.raises(IntakeError) as caught:
        taken(*documents)
    return [str(problem) for problem in caught.value.problems]


ANA = user(
    "a1",
    externalId="ext-1",
    userName="ana@x.com",
    displayName="Ana A",
    title="SRE",
    active=True,
    emails=[{"value": "ana@corp.local", "type": "work"}, {"value": "me@home.example", "type": "home"}, {"value": "?"}],
    addresses=[{"type": "home", "country": "ie"}, {"type": "work", "country": "CN", "formatted": "1 Road"}],
    photos=[{"value": "not an address", "junk": 1}],
    **{
        ENTERPRISE: {
            "employeeNumber": "E1",
            "department": "Ops",
            "division": "West",
            "costCenter": "7",
            "organization": "X GmbH",
            "manager": {"value": "b1", "$ref": "?"},
        },
        "urn:example:unknown:1.0": {"anything": [1]},
    },
)


def test_a_user_is_a_person_with_what_others_know_them_by() -> None:
    harvest = taken([ANA, user("b1")])
    more = '{"division": "West", "cost_center": "7"}'
    assert next(harvest.rows("people")) == (
        "scim/a1", "Ops", "SRE", "X GmbH", "CN", "IE", "scim/b1", "Ana A", more, "0.json $[0]",
    )  # fmt: skip
    assert [row[:3] for row in harvest.rows("identifiers")] == [
        ("person:scim/a1", "employee", "E1"),
        ("person:scim/a1", "scim", "a1"),
        ("person:scim/a1", "scim", "ext-1"),
        ("person:scim/a1", "mail", "ana@corp.local"),
        ("person:scim/a1", "login", "scim:ana@x.com"),
        ("person:scim/a1", "mail", "ana@x.com"),
        ("person:scim/b1", "scim", "b1"),
        ("person:scim/b1", "login", "scim:b1.name"),
    ]
    assert [row[:2] for row in harvest.rows("review")] == [("unmapped", "administrators")]


def test_names_of_attributes_may_have_any_letter_case() -> None:
    """RFC 7643 section 2.1; a place that was overlooked would put somebody out of a state's reach."""
    lower = json.loads(json.dumps(ANA), object_pairs_hook=lambda pairs: {k.lower(): v for k, v in pairs})
    one, other = taken([ANA, user("b1")]), taken([lower, user("b1")])
    assert list(one.rows("people")) == list(other.rows("people"))
    assert list(one.rows("identifiers")) == list(other.rows("identifiers"))
    assert "stands twice" in wrong([{**user("a"), "ACTIVE": False, "active": True}])[0]


def test_addresses_in_two_places_are_taken_for_none() -> None:
    """To choose one would leave out a state that can compel them."""
    harvest = taken([user("a", addresses=[{"type": "work", "country": "CN"}, {"type": "work", "country": "US"}])])
    assert harvest.columns("people")["workplace"] == ["CN and US"]
    assert ("ambiguous", "person:scim/a") in [row[:2] for row in harvest.rows("review")]


@pytest.mark.parametrize(
    ("addresses", "workplace"),
    [
        ([{"country": "FR"}], "FR"),
        ([{"type": "Work", "locality": "Dublin"}], "Dublin"),
        ([{"country": "FR"}, {"type": "work", "country": "cn"}], "CN"),
        ([{"type": "other", "country": "FR"}], ""),
        ([], ""),
    ],
)
def test_the_workplace_is_the_work_address(addresses: list[Any], workplace: str) -> None:
    assert taken([user("a", addresses=addresses)]).columns("people")["workplace"] == [workplace]


def test_inactive_users_are_left_out_and_counted() -> None:
    harvest = taken([user("a"), user("b", active=False), user("c", active="False")], [group("g", "a", "b", "c")])
    assert harvest.columns("people")["id"] == ["scim/a"]
    assert [row[:2] for row in harvest.rows("groups")] == [("scim/group/g", "person:scim/a")]
    assert harvest.count("unknown") == 0
    assert harvest.columns("review")["reason"][0].startswith("2 users that are not active")


def test_groups_nest_and_may_be_empty() -> None:
    parts = [group("g", {"value": "h", "type": "Group"}, "a"), group("h", "g", "a"), group("i")]
    harvest = taken([user("a"), *parts])
    assert [row[:2] for row in harvest.rows("groups")] == [
        ("scim/group/g", "group:scim/group/h"),
        ("scim/group/g", "person:scim/a"),
        ("scim/group/h", "group:scim/group/g"),
        ("scim/group/h", "person:scim/a"),
    ]
    assert harvest.columns("known")["group"] == ["scim/group/g", "scim/group/h", "scim/group/i"]
    assert harvest.count("unknown") == 0


def test_members_that_no_list_has_are_unknown() -> None:
    """They are somebody: taken for nobody, a way of a state's would be missing."""
    harvest = taken([user("a"), group("g", "a", "gone", {"value": "far", "type": "Group"})])
    assert [(row[0], row[1][:9]) for row in harvest.rows("unknown")] == [("scim/group/g", "2 members")]


def test_a_directory_that_tells_no_members_leaves_them_unknown() -> None:
    """Some services never list members: that is not a firm of empty groups."""
    bare = {"schemas": [GROUP], "id": "g", "displayName": "Admins"}
    assert [row[0] for row in taken([user("a"), bare]).rows("unknown")] == ["scim/group/g"]
    told = taken([user("a", groups=[{"value": "g"}, {"value": "elsewhere"}]), bare, group("h")])
    assert [row[:2] for row in told.rows("groups")] == [
        ("scim/group/g", "person:scim/a"),
        ("scim/group/elsewhere", "person:scim/a"),
    ]
    assert [row[0] for row in told.rows("unknown")] == ["scim/group/elsewhere"]


def test_roles_and_other_resources_are_listed() -> None:
    device = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Device"], "id": "d"}
    roles = [{"value": "Owner"}]
    harvest = taken([user("a", roles=roles), user("b", roles=roles, entitlements=[{"value": "x"}]), device])
    items = [row[1] for row in harvest.rows("review")]
    assert items == [
        "urn:ietf:params:scim:schemas:core:2.0:Device",
        "administrators",
        "roles: Owner",
        "entitlements: x",
    ]


def listed(total: int, *resources: Any) -> dict[str, Any]:
    schemas = ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
    return {"schemas": schemas, "totalResults": total, "Resources": list(resources)}


def test_pages_of_a_list_are_one_list() -> None:
    pages = [listed(3, user("a"), user("b")), listed(3, user("c")), listed(3), listed(1, group("g", "a"))]
    assert taken(*pages).columns("people")["id"] == ["scim/a", "scim/b", "scim/c"]


@pytest.mark.parametrize(
    "documents",
    [[listed(3, user("a"))], [listed(1, user("a")), listed(2, group("g"))], [listed(1, user("a")), listed(9)]],
)
def test_half_a_directory_is_refused(documents: list[Any]) -> None:
    assert any("expected all, the further pages" in line for line in wrong(*documents))


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"value": [{"displayName": "x"}]}, "has no users"),
        ([], "has no users"),
        ([group("g")], "has no users"),
        ([user("a"), user("a")], "each resource once"),
        ([{"schemas": [USER], "userName": "x"}], 'id: "": expected a text'),
        ([user("a", addresses=3)], "addresses"),
        ([user("a", title=3)], "title"),
        ([3], "expected an object"),
        (b"\xff", "is not UTF-8"),
        (b'{"id": 1, "id": 2}', "comes twice"),
    ],
)
def test_what_is_no_directory_is_refused(document: Any, told: str) -> None:
    assert any(told in line for line in wrong(document))


WORDS = ["id", "userName", "schemas", "Resources", "totalResults", "members", "value", "emails", "addresses", "active"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from([USER, GROUP, "a", "a@b", "\n", "", "é/:"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*WORDS, ENTERPRISE]), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_a_harvest_or_problems(document: Any) -> None:
    try:
        taken(document)
    except IntakeError as error:
        assert error.problems


@given(st.sampled_from(sorted(set(ANA) | {"groups", "roles", "entitlements", "name"})), JSON, JSON)
def test_any_change_of_a_user_is_a_harvest_or_problems(key: str, value: Any, members: Any) -> None:
    try:
        harvest = taken([{**ANA, key: value}, user("b1"), group("g", "a1", members=members)])
    except IntakeError as error:
        assert error.problems
    else:
        for row in harvest.rows("people"):
            assert all(cell.isprintable() for cell in row)


def test_without_the_reader_the_way_to_get_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scim2_models", None)
    assert "pip install 'armslength[intake]'" in wrong([user("a")])[0]


def test_the_reader_is_loaded_only_when_it_is_used() -> None:
    """Every command would else wait for pydantic."""
    code = "import sys, armslength.cli.intake_scim, armslength.intake.scim; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
