"""Answers of Okta's API: what becomes of them, and who can do what to whom."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.intake import Harvest, IntakeError, Problems
from armslength.intake.okta import map_okta
from tests.intake.directories import able, rows


def okta_id(kind: str, letter: str) -> str:
    return kind + letter * 17


ANA, BO, CY, DEE = (okta_id("00u", letter) for letter in "abcd")
STAFF, ADMINS = (okta_id("00g", letter) for letter in "st")
APP = okta_id("0oa", "p")


def user(id: str, status: str = "ACTIVE", **profile: Any) -> dict[str, Any]:
    return {"id": id, "status": status, "profile": {"login": f"{id[3]}.name", "email": f"{id[3]}@x.com", **profile}}


def group(id: str, type_: str = "OKTA_GROUP", name: str = "") -> dict[str, Any]:
    return {"id": id, "type": type_, "objectClass": ["okta:user_group"], "profile": {"name": name or f"Group {id[3]}"}}


def role(type_: str, *targets: str, **more: Any) -> dict[str, Any]:
    found = {"id": "r", "label": type_, "type": type_, "status": "ACTIVE", **more}
    return found | ({"_embedded": {"targets": {"groups": [{"id": t} for t in targets]}}} if targets else {})


USERS = [user(id) for id in (ANA, BO, CY, DEE)]


def taken(**documents: Any) -> Harvest:
    harvest = Harvest(name="okta", kind="okta")
    files = {f"{name}.json": json.dumps(document).encode() for name, document in documents.items()}
    map_okta(files, harvest, Problems())
    return harvest


def wrong(**documents: Any) -> list[str]:
    with pytest.raises(IntakeError) as caught:
        taken(**documents)
    return [str(problem) for problem in caught.value.problems]


def can(harvest: Harvest) -> set[tuple[str, str, str]]:
    return able(harvest, 15)


def assumes(harvest: Harvest) -> set[tuple[str, str]]:
    return {(one, other) for one, action, other in can(harvest) if action == "assume"}


def test_a_user_is_a_person_with_what_others_know_them_by() -> None:
    ana = user(
        ANA,
        login="ana@x.com",
        firstName="Ana",
        lastName="A",
        employeeNumber=77,
        department="Ops",
        title="SRE",
        organization="X GmbH",
        division="West",
        countryCode="IE",
        city="Dublin",
        managerId="B@X.com",
        secondEmail="me@home.example",
    )
    people = [ana, user(BO, city="Fab 3", managerId="nobody"), user(CY, "DEPROVISIONED"), user(DEE, "SUSPENDED")]
    harvest = taken(users=people)
    assert list(harvest.rows("people"))[:2] == [
        (
            f"okta/{ANA}",
            "Ops",
            "SRE",
            "X GmbH",
            "IE",
            "",
            f"okta/{BO}",
            "Ana A",
            '{"division": "West"}',
            "users.json $[0]",
        ),
        (f"okta/{BO}", "", "", "", "Fab 3", "", "", "", "", "users.json $[1]"),
    ]
    assert harvest.columns("people")["id"][2:] == [f"okta/{DEE}"]
    assert [row[1:] for row in rows(harvest, "identifiers") if row[0] == f"person:okta/{ANA}"] == [
        ("employee", "77"),
        ("subject", ANA),
        ("mail", "a@x.com"),
        ("mail", "ana@x.com"),
        ("login", "okta:ana@x.com"),
    ]
    assert [row[1] for row in harvest.rows("review")] == ["nobody", "deprovisioned users", "administrators"]


def test_groups_have_the_members_of_the_files_that_name_them() -> None:
    documents = {
        "users": [*USERS[:3], user(DEE, "DEPROVISIONED")],
        "groups": [group(STAFF), group(ADMINS), group(okta_id("00g", "e"), "BUILT_IN", "Everyone")],
        f"group-{STAFF}-users": [USERS[0], user(DEE, "DEPROVISIONED")],
    }
    harvest = taken(**documents)
    everyone = okta_id("00g", "e")
    assert [row for row in rows(harvest, "groups", 2) if row[0] != "okta/users"] == [
        (f"okta/group/{STAFF}", f"person:okta/{ANA}"),
        (f"okta/group/{everyone}", "group:okta/users"),
    ]
    assert rows(harvest, "unknown", 1) == [(f"okta/group/{ADMINS}",)]
    strange = taken(**documents | {f"group-{ADMINS}-users": [user(okta_id("00u", "z"))]})
    assert rows(strange, "unknown", 1) == [(f"okta/group/{ADMINS}",)]


def test_only_a_super_administrator_resets_a_super_administrator() -> None:
    roles = {f"user-{id}-roles": [role(type_)] for id, type_ in ((ANA, "SUPER_ADMIN"), (BO, "HELP_DESK_ADMIN"))}
    harvest = taken(users=USERS, **roles)
    assert assumes(harvest) == {("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")}


def test_who_is_in_a_group_of_super_administrators_is_one() -> None:
    documents = {
        "groups": [group(STAFF), group(ADMINS)],
        f"group-{ADMINS}-users": USERS[:1],
        f"group-{STAFF}-users": [],
        f"group-{ADMINS}-roles": [role("SUPER_ADMIN")],
        f"user-{BO}-roles": [role("ORG_ADMIN")],
    }
    harvest = taken(users=USERS, **documents)
    assert assumes(harvest) == {("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")}
    assert {(one, target[-1]) for one, action, target in can(harvest) if action == "enroll"} == {
        ("a", "s"),
        ("a", "t"),
        ("b", "s"),
        ("b", "t"),
    }


@pytest.mark.parametrize("type_", ["USER_ADMIN", "HELP_DESK_ADMIN", "GROUP_MEMBERSHIP_ADMIN"])
def test_a_role_for_a_group_reaches_that_group_only(type_: str) -> None:
    documents = {
        "groups": [group(STAFF), group(ADMINS)],
        f"group-{STAFF}-users": USERS[2:3],
        f"group-{ADMINS}-users": USERS[3:],
    }
    limited = taken(users=USERS, **documents, **{f"user-{BO}-roles": [role(type_, STAFF)]})
    wide = taken(users=USERS, **documents, **{f"user-{BO}-roles": [role(type_)]})
    resets = type_ != "GROUP_MEMBERSHIP_ADMIN"
    assert assumes(limited) == ({("b", "c")} if resets else set())
    assert can(limited) < can(wide)
    assert [row[0] for row in wide.rows("review")] == ["wider"]


def test_a_custom_role_is_taken_for_all_but_super_administrators() -> None:
    roles = {f"user-{ANA}-roles": [role("SUPER_ADMIN")], f"user-{BO}-roles": [role("CUSTOM")]}
    harvest = taken(users=USERS, **roles)
    assert ("b", "c") in assumes(harvest) and ("b", "a") not in assumes(harvest)
    assert [row[:2] for row in harvest.rows("review")] == [("wider", f"person:okta/{BO}")]


@pytest.mark.parametrize("type_", ["SUPER_ADMIN", "ORG_ADMIN", "APP_ADMIN", "CUSTOM"])
def test_a_role_that_cannot_be_limited_to_groups_is_not(type_: str) -> None:
    """Targets of another kind would else take its powers away."""
    documents = {"groups": [group(STAFF)], f"group-{STAFF}-users": [], "apps": [{"id": APP, "signOnMode": "x"}]}
    limited = taken(users=USERS, **documents, **{f"user-{BO}-roles": [role(type_, STAFF)]})
    assert can(limited) == can(taken(users=USERS, **documents, **{f"user-{BO}-roles": [role(type_)]})) != set()


def test_roles_without_power_over_others_are_listed() -> None:
    roles = {f"user-{BO}-roles": [role("REPORT_ADMIN"), role("ORG_ADMIN", status="INACTIVE")]}
    harvest = taken(users=USERS, **roles)
    assert can(harvest) == set()
    assert [row[1] for row in harvest.rows("review")] == ["role REPORT_ADMIN"]


def test_an_administrator_whom_nobody_has_is_an_account() -> None:
    """Somebody holds it: taken for nobody, whoever resets everybody would be missing."""
    harvest = taken(users=USERS, **{f"user-{okta_id('00u', 'z')}-roles": [role("SUPER_ADMIN")]})
    assert rows(harvest, "accounts", 1) == [(f"okta/user/{okta_id('00u', 'z')}",)]
    assert ("okta/role/super_admin", f"group:okta/user/{okta_id('00u', 'z')}") in rows(harvest, "groups", 2)


def test_applications_can_be_used_by_those_assigned() -> None:
    documents = {
        "groups": [group(STAFF)],
        f"group-{STAFF}-users": USERS[:1],
        "apps": [{"id": APP, "label": "Pay roll", "signOnMode": "SAML_2_0"}],
        f"app-{APP}-users": [{"id": BO}, {"id": okta_id("00u", "z")}],
        f"app-{APP}-groups": [{"id": STAFF}],
        f"user-{DEE}-roles": [role("APP_ADMIN")],
    }
    harvest = taken(users=USERS, **documents)
    assert rows(harvest, "grants") == [
        ("group:okta/can/run-applications", "operate", f"asset:okta/app/{APP}"),
        (f"person:okta/{BO}", "use", f"asset:okta/app/{APP}"),
        (f"group:okta/user/{okta_id('00u', 'z')}", "use", f"asset:okta/app/{APP}"),
        (f"group:okta/group/{STAFF}", "use", f"asset:okta/app/{APP}"),
    ]
    assert rows(harvest, "accounts", 1) == [(f"okta/user/{okta_id('00u', 'z')}",)]
    assert rows(harvest, "assets", 2) == [(f"okta/app/{APP}", "application")]


@pytest.mark.parametrize(
    ("documents", "told"),
    [
        ({"users": []}, "no document has users"),
        ({"users": {"errorCode": "E0000011"}}, "is an error that Okta answered"),
        ({"users": [{"id": "x"}]}, "is no answer of Okta"),
        ({"users": [user(ANA), user(ANA)]}, "each user once"),
        ({"users": [user(ANA, title="a\u001bb")]}, "control characters"),
        ({"users": [user(ANA, title=["x"])]}, "expected a text"),
        ({"users": 3}, "expected an array"),
    ],
)
def test_what_is_no_such_answer_is_refused(documents: dict[str, Any], told: str) -> None:
    assert any(told in line for line in wrong(**documents))


WORDS = ["id", "profile", "login", "email", "status", "type", "objectClass", "name", "label", "signOnMode"]
WORDS += ["_embedded", "targets", "groups", "managerId", "department"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([ANA, STAFF, "SUPER_ADMIN", "\n", "", "é/:"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=10,
)
NAMES = st.sampled_from(["x", f"{STAFF}-users", f"{STAFF}-roles", f"{ANA}-roles", f"{APP}-users", f"{APP}-groups"])


@given(NAMES, JSON, JSON)
def test_any_json_is_a_harvest_or_problems(name: str, document: Any, profile: Any) -> None:
    for documents in (
        {name: document},
        {"users": USERS, name: document},
        {"users": [{**USERS[0], "profile": profile}]},
    ):
        try:
            taken(**documents)
        except IntakeError as error:
            assert error.problems


TYPES = st.sampled_from(["ORG_ADMIN", "USER_ADMIN", "HELP_DESK_ADMIN", "GROUP_MEMBERSHIP_ADMIN", "APP_ADMIN", "CUSTOM"])
GIVEN = st.tuples(st.sampled_from([ANA, BO, CY]), TYPES, st.sampled_from([(), (STAFF,)]))


@given(st.lists(GIVEN, max_size=4), GIVEN)
def test_another_role_takes_no_power_away(before: list[Any], more: Any) -> None:
    def found(roles: list[Any]) -> set[tuple[str, str, str]]:
        documents: dict[str, Any] = {}
        for id, type_, targets in roles:
            documents.setdefault(f"user-{id}-roles", []).append(role(type_, *targets))
        members = {f"group-{STAFF}-users": USERS[3:]}
        return can(taken(users=USERS, groups=[group(STAFF), group(ADMINS)], **members, **documents))

    assert found(before) <= found([*before, more])


def test_an_application_known_by_its_users_only_is_run_by_its_administrators_too() -> None:
    """The list of applications may be missing; who runs them runs these too."""
    documents = {f"app-{APP}-users": [{"id": BO}], f"user-{DEE}-roles": [role("APP_ADMIN")]}
    assert rows(taken(users=USERS, **documents), "grants") == [
        ("group:okta/can/run-applications", "operate", f"asset:okta/app/{APP}"),
        (f"person:okta/{BO}", "use", f"asset:okta/app/{APP}"),
    ]


def test_somebody_who_left_has_no_application() -> None:
    """A gap for each of them would hide the real ones."""
    users = [*USERS[1:], user(ANA, "DEPROVISIONED")]
    documents = {f"app-{APP}-users": [{"id": ANA}, {"id": okta_id("00u", "z"), "status": "DEPROVISIONED"}]}
    assert not rows(taken(users=users, **documents), "grants")


@pytest.mark.parametrize(("count", "told"), [(199, False), (200, True), (201, False)])
def test_a_list_as_long_as_a_page_is_told(count: int, told: bool) -> None:
    """Okta tells the next page in a header, which no file has."""
    harvest = taken(users=[user(f"00u{n:017}") for n in range(count)])
    assert (("unknown", "users.json") in rows(harvest, "review", 2)) is told
