"""Google Workspace: what becomes of its users and groups, and who can do what to whom."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.intake import Harvest, IntakeError, Problems
from armslength.intake.google import map_google
from tests.intake.directories import able, rows


def user(letter: str, **more: Any) -> dict[str, Any]:
    return {
        "primaryEmail": f"{letter}@x.com",
        "id": f"10{ord(letter)}",
        "isAdmin": False,
        "isDelegatedAdmin": False,
    } | more


def users(*more: dict[str, Any]) -> dict[str, Any]:
    replaced = {part["primaryEmail"] for part in more}
    others = [user(letter) for letter in "abcd" if f"{letter}@x.com" not in replaced]
    return {"kind": "admin#directory#users", "users": [*more, *others]}


def groups(*addresses: str, **more: Any) -> dict[str, Any]:
    parts = [{"id": f"g-{address}", "email": address, "name": address, **more} for address in addresses]
    return {"kind": "admin#directory#groups", "groups": parts}


def members(*parts: tuple[str, str]) -> dict[str, Any]:
    found = [
        {"id": f"m{n}", "email": m, "role": role, "type": "USER", "status": "ACTIVE"}
        for n, (m, role) in enumerate(parts)
    ]
    return {"kind": "admin#directory#members"} | ({"members": found} if found else {})


def assigned(*pairs: tuple[str, str], **more: Any) -> dict[str, Any]:
    parts = [
        {"roleAssignmentId": str(n), "roleId": r, "assignedTo": to, "scopeType": "CUSTOMER"} | more
        for n, (to, r) in enumerate(pairs)
    ]
    return {"kind": "admin#directory#roleAssignments", "items": parts}


def roles(**privileges: list[str]) -> dict[str, Any]:
    parts = [
        {
            "roleId": id,
            "roleName": f"Role {id}",
            "rolePrivileges": [{"privilegeName": p, "serviceId": "s"} for p in names],
        }
        for id, names in privileges.items()
    ]
    return {"kind": "admin#directory#roles", "items": parts}


def taken(**documents: Any) -> Harvest:
    harvest = Harvest(name="google", kind="google")
    files = {
        name.replace("_", "-") + (".csv" if isinstance(d, str) else ".json"): (
            d if isinstance(d, str) else json.dumps(d)
        ).encode()
        for name, d in documents.items()
    }
    map_google(files, harvest, Problems())
    return harvest


def wrong(**documents: Any) -> list[str]:
    with pytest.raises(IntakeError) as caught:
        taken(**documents)
    return [str(problem) for problem in caught.value.problems]


def can(harvest: Harvest) -> set[tuple[str, str, str]]:
    return able(harvest, 14)


def assumes(harvest: Harvest) -> set[tuple[str, str]]:
    return {(one, other) for one, action, other in can(harvest) if action == "assume"}


def enrolls(harvest: Harvest) -> set[tuple[str, str]]:
    mark = "group:google/group/"
    return {(one, to.removeprefix(mark)) for one, action, to in can(harvest) if action == "enroll" and mark in to}


ANA = user(
    "a",
    primaryEmail="A@x.com",
    name={"fullName": "Ana A"},
    aliases=["ana@x.com"],
    emails=[{"address": "a@x.com", "primary": True}, {"address": "me@home.example", "type": "home"}],
    orgUnitPath="/Ops/West",
    externalIds=[{"value": "E1", "type": "organization"}],
    organizations=[
        {"title": "Old"},
        {"title": "SRE", "department": "Ops", "name": "X GmbH", "location": "Dublin", "primary": True},
    ],
    addresses=[{"type": "work", "countryCode": "IE"}, {"type": "home", "country": "France"}],
    relations=[{"type": "manager", "value": "B@x.com"}],
)


def test_a_user_is_a_person_with_what_others_know_them_by() -> None:
    harvest = taken(users={"users": [ANA, user("b"), user("c", suspended=True), user("d", archived=True)]})
    assert list(harvest.rows("people")) == [
        (
            "google/a@x.com",
            "/Ops/West",
            "SRE",
            "X GmbH",
            "IE",
            "France",
            "google/b@x.com",
            "Ana A",
            '{"department": "Ops"}',
            "users.json $.users[0]",
        ),
        ("google/b@x.com", "", "", "", "", "", "", "", "", "users.json $.users[1]"),
    ]
    assert [row[1:] for row in rows(harvest, "identifiers") if row[0] == "person:google/a@x.com"] == [
        ("employee", "E1"),
        ("subject", "1097"),
        ("mail", "A@x.com"),
        ("mail", "ana@x.com"),
        ("mail", "a@x.com"),
        ("login", "google:a@x.com"),
    ]
    assert [row[1] for row in harvest.rows("review")] == ["suspended users"]


def test_owners_and_managers_can_add_members() -> None:
    documents = {
        "groups": groups("ops@x.com", "all@x.com", "void@x.com"),
        "members_ops@x.com": members(("a@x.com", "OWNER"), ("b@x.com", "MEMBER"), ("all@x.com", "MANAGER")),
        "members_all@x.com": {"members": [{"type": "CUSTOMER", "id": "C0", "role": "MEMBER"}]},
        "members_void@x.com": members(),
    }
    harvest = taken(users=users(), **documents)
    assert rows(harvest, "grants") == [
        ("group:google/group/ops@x.com/managers", "enroll", "group:google/group/ops@x.com"),
    ]
    assert [row for row in rows(harvest, "groups", 2) if row[0] != "google/users"] == [
        ("google/group/ops@x.com", "person:google/a@x.com"),
        ("google/group/ops@x.com", "person:google/b@x.com"),
        ("google/group/ops@x.com", "group:google/group/all@x.com"),
        ("google/group/ops@x.com/managers", "person:google/a@x.com"),
        ("google/group/ops@x.com/managers", "group:google/group/all@x.com"),
        ("google/group/all@x.com", "group:google/users"),
    ]
    assert harvest.count("unknown") == 0 and harvest.count("review") == 1


def test_members_from_outside_are_unknown() -> None:
    documents = {
        "groups": groups("ops@x.com", "more@x.com"),
        "members_ops@x.com": members(("a@x.com", "MEMBER"), ("eve@y.com", "MANAGER"), ("gone@x.com", "MEMBER")),
    }
    harvest = taken(users=users(user("g", primaryEmail="gone@x.com", suspended=True)), **documents)
    assert rows(harvest, "unknown", 2) == [
        ("google/group/ops@x.com", "1 members of ops@x.com from outside, or in no export of users"),
        ("google/group/ops@x.com/managers", "owners or managers of ops@x.com from outside"),
        (
            "google/group/more@x.com",
            "the members of more@x.com were not given: export members.list, or gam print group-members",
        ),
    ]


def test_whoever_may_join_can_enroll() -> None:
    def settings(joins: str, **more: str) -> dict[str, str]:
        return {"kind": "groupsSettings#groups", "email": "ops@x.com", "whoCanJoin": joins, **more}

    documents = {"groups": groups("ops@x.com"), "members_ops@x.com": members(("a@x.com", "MEMBER"))}
    found = {
        joins: taken(users=users(), s=settings(joins), **documents)
        for joins in ("INVITED_CAN_JOIN", "ALL_IN_DOMAIN_CAN_JOIN", "ANYONE_CAN_JOIN")
    }
    assert [sorted(one for one, _ in enrolls(harvest)) for harvest in found.values()] == [
        [],
        list("abcd"),
        list("abcd"),
    ]
    assert [harvest.count("unknown") for harvest in found.values()] == [0, 0, 1]
    adding = taken(users=users(), s=settings("INVITED_CAN_JOIN", whoCanModerateMembers="ALL_MEMBERS"), **documents)
    assert enrolls(adding) == {("a", "ops@x.com")}


def test_a_super_administrator_can_all_and_others_nothing_to_administrators() -> None:
    harvest = taken(
        users=users(user("a", isAdmin=True), user("b", isDelegatedAdmin=True), user("c", isDelegatedAdmin=True)),
        groups=groups("ops@x.com"),
        roles=roles(r1=["USERS_RESET_PASSWORD"], r2=["GROUPS_ALL", "USERS_RETRIEVE"]),
        assigned=assigned(("1098", "r1"), ("1099", "r2")),
    )
    assert assumes(harvest) == {("a", "b"), ("a", "c"), ("a", "d"), ("b", "d")}
    assert enrolls(harvest) == {("a", "ops@x.com"), ("c", "ops@x.com")}
    assert ("a", "operate", "asset:google/workspace") in can(harvest)
    assert ("a", "enroll", "group:google/role/r1") in can(harvest)


def test_a_delegated_administrator_without_roles_is_taken_for_all_that_one_can_be() -> None:
    harvest = taken(users=users(user("b", isDelegatedAdmin=True), user("a", isAdmin=True)), groups=groups("ops@x.com"))
    assert {("b", "c"), ("b", "d")} <= assumes(harvest) and ("b", "a") not in assumes(harvest)
    assert ("b", "ops@x.com") in enrolls(harvest)
    assert [row[:2] for row in harvest.rows("review") if row[0] == "wider"] == [("wider", "person:google/b@x.com")]


@pytest.mark.parametrize(
    ("document", "matter"),
    [(assigned(("1098", "r1"), scopeType="ORG_UNIT"), "wider"), (assigned(("1098", "r9")), "wider")],
)
def test_what_is_not_known_of_a_role_is_taken_wider(document: Any, matter: str) -> None:
    harvest = taken(users=users(), roles=roles(r1=["USERS_ALL"]), assigned=document)
    assert {("b", "a"), ("b", "c"), ("b", "d")} <= assumes(harvest)
    assert matter in [row[0] for row in harvest.rows("review")]


def test_a_role_of_somebody_whom_nobody_has_is_an_account() -> None:
    harvest = taken(users=users(), roles=roles(r1=["USERS_ALL"]), assigned=assigned(("777", "r1")))
    assert rows(harvest, "accounts", 1) == [("google/assignee/777",)]
    of_group = taken(
        users=users(),
        groups=groups("ops@x.com"),
        roles=roles(r1=["USERS_ALL"]),
        assigned=assigned(("g-ops@x.com", "r1")),
    )
    assert ("google/role/r1", "group:google/group/ops@x.com") in rows(of_group, "groups", 2)


def test_prints_of_gam_are_the_same_as_the_api() -> None:
    people = (
        "primaryEmail,id,name.fullName,orgUnitPath,isAdmin,isDelegatedAdmin,suspended,"
        "aliases,aliases.0,externalIds,externalIds.0.value,"
        "externalIds.0.type,organizations.0.title,addresses.0.type,addresses.0.countryCode,relations.0.type,relations.0.value\n"
        "a@x.com,1097,Ana A,/Ops,True,False,False,1,ana@x.com,1,E1,organization,SRE,work,IE,manager,b@x.com\n"
        "b@x.com,1098,Bo,/,False,True,False,,,,,,,,,,\nc@x.com,1099,Cy,/,False,False,True,,,,,,,,,,\n"
    )
    documents = {
        "users": people,
        "groups": "email,id,name,whoCanJoin\nops@x.com,g1,Ops,ALL_IN_DOMAIN_CAN_JOIN\n",
        "group_members": "group,type,role,id,status,email\nops@x.com,USER,OWNER,1097,ACTIVE,a@x.com\n"
        "new@x.com,USER,MEMBER,1098,ACTIVE,b@x.com\n",
        "admins": "roleAssignmentId,roleId,role,assignedTo,assignedToUser,scopeType\n"
        "1,r5,_HELP_DESK_ADMIN_ROLE,1098,b@x.com,CUSTOMER\n",
    }
    harvest = taken(**documents)
    assert rows(harvest, "people", 8) == [
        ("google/a@x.com", "/Ops", "SRE", "", "IE", "", "google/b@x.com", "Ana A"),
        ("google/b@x.com", "/", "", "", "", "", "", "Bo"),
    ]
    assert ("person:google/a@x.com", "employee", "E1") in rows(harvest, "identifiers")
    assert enrolls(harvest) == {("a", "ops@x.com"), ("b", "ops@x.com"), ("a", "new@x.com")}
    assert ("google/role/r5", "person:google/b@x.com") in rows(harvest, "groups", 2)


@pytest.mark.parametrize(
    ("documents", "told"),
    [
        ({"users": users() | {"nextPageToken": "x"}}, "nextPageToken"),
        ({"users": groups("ops@x.com")}, "no document has users"),
        ({"users": {"error": {"code": 403}}}, "is nothing of Google Workspace"),
        ({"users": users(), "m": members(("a@x.com", "OWNER"))}, "a group's address in the file's name"),
        ({"users": {"users": [user("a"), user("a")]}}, "each user once"),
        ({"users": {"users": [user("a", suspended="x")]}}, "expected true or false"),
        ({"users": "mail\nx\n"}, "is nothing of Google Workspace"),
        ({"users": users(user("a", orgUnitPath="a\u001bb"))}, "control characters"),
        ({"users": 3}, "expected an object"),
    ],
)
def test_what_is_no_such_list_is_refused(documents: dict[str, Any], told: str) -> None:
    assert any(told in line for line in wrong(**documents))


WORDS = ["users", "groups", "members", "items", "kind", "primaryEmail", "email", "role", "type", "roleId", "assignedTo"]
WORDS += [
    "roleName",
    "rolePrivileges",
    "privilegeName",
    "aliases",
    "emails",
    "organizations",
    "isAdmin",
    "name",
    "addresses",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["a@x.com", "USERS_ALL", "\n", "", "é/:", "OWNER"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=10,
)


@given(JSON, st.sampled_from(sorted(ANA)), JSON)
def test_any_json_is_a_harvest_or_problems(document: Any, key: str, value: Any) -> None:
    for documents in (
        {"x": document},
        {"users": users(), "m_ops@x.com": document},
        {"users": {"users": [{**ANA, key: value}]}},
    ):
        try:
            taken(**documents)
        except IntakeError as error:
            assert error.problems


@given(
    st.lists(
        st.sampled_from(["a.0", "a", "a.0.b", "a.b", "a.999.c", ".", "a..b", "primaryEmail", "aliases.0"]), unique=True
    ),
    st.text("ab1@.", max_size=3),
)
def test_any_columns_are_a_harvest_or_problems(names: list[str], cell: str) -> None:
    try:
        taken(users=",".join(names) + "\n" + ",".join(f'"{cell}"' for _ in names) + "\n")
    except IntakeError as error:
        assert error.problems


@given(
    st.lists(st.tuples(st.sampled_from(["1097", "1098"]), st.sampled_from(["r1", "r2", "r9"])), max_size=3),
    st.sampled_from(["r1", "r2", "r9"]),
)
def test_another_role_takes_no_power_away(before: list[tuple[str, str]], more: str) -> None:
    """Only that the one who gets it is then protected from other administrators."""
    fixed: dict[str, Any] = {
        "users": users(),
        "groups": groups("ops@x.com"),
        "roles": roles(r1=["USERS_ALL"], r2=["GROUPS_ALL"]),
    }
    base = [("1097", "r1"), ("1098", "r1"), *before]
    assert can(taken(**fixed, assigned=assigned(*base))) <= can(
        taken(**fixed, assigned=assigned(*base, ("1097", more)))
    )
