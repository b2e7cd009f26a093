"""Exports of Entra ID: what becomes of them, and who can do what to whom."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.intake import Harvest, IntakeError, Problems
from armslength.intake.entra import map_entra
from tests.intake.directories import able, rows

GLOBAL = "62e90394-69f5-4237-9190-012177145e10"
USER_ADMIN = "fe930be7-5e62-47db-91af-98c3a49a38b1"
HELPDESK = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
APP_ADMIN = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
PRIVILEGED_ROLE = "e8611ab8-c189-46e8-94e1-60213ab1f814"
READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"


def guid(letter: str) -> str:
    return f"{letter * 8}-0000-0000-0000-000000000000"


ANA, BO, CY, DEE = map(guid, "abcd")
STAFF, ADMINS, TEAM = map(guid, "123")


def user(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "userPrincipalName": f"{id[0]}@x.com", "accountEnabled": True, **more}


def graph(context: str, *value: Any, **more: Any) -> dict[str, Any]:
    return {"@odata.context": f"https://graph.microsoft.com/v1.0/$metadata#{context}", "value": list(value), **more}


def users(*more: Any) -> dict[str, Any]:
    return graph("users(id,displayName)", *(more or [user(id) for id in (ANA, BO, CY, DEE)]))


def assigned(*pairs: tuple[str, str], **more: Any) -> dict[str, Any]:
    parts = [
        {"id": f"{n}", "principalId": p, "roleDefinitionId": r, "directoryScopeId": "/", **more}
        for n, (p, r) in enumerate(pairs)
    ]
    return graph("roleManagement/directory/roleAssignments", *parts)


def taken(**documents: Any) -> Harvest:
    harvest = Harvest(name="entra", kind="entra")
    files = {
        name.replace("_", "-") + (".csv" if isinstance(d, str) else ".json"): d.encode()
        if isinstance(d, str)
        else json.dumps(d).encode()
        for name, d in documents.items()
    }
    map_entra(files, harvest, Problems())
    return harvest


def wrong(**documents: Any) -> list[str]:
    with pytest.raises(IntakeError) as caught:
        taken(**documents)
    return [str(problem) for problem in caught.value.problems]


def can(harvest: Harvest) -> set[tuple[str, str, str]]:
    return able(harvest, 13)


def test_a_user_is_a_person_with_what_others_know_them_by() -> None:
    ana = user(
        ANA,
        userPrincipalName="ana@x.com",
        displayName="Ana A",
        mail="Ana.A@x.com",
        otherMails=["me@home.example"],
        employeeId="E1",
        department="Ops",
        jobTitle="SRE",
        companyName="X GmbH",
        officeLocation="Dublin HQ",
        country="Ireland",
        usageLocation="US",
        userType="Member",
        onPremisesSamAccountName="aa",
        manager={"@odata.type": "#microsoft.graph.user", "id": BO},
    )
    harvest = taken(users=users(ana, user(BO, officeLocation="Fab 3"), user(CY, accountEnabled=False)))
    more = '{"office": "Dublin HQ", "user_type": "Member"}'
    assert list(harvest.rows("people")) == [
        (f"entra/{ANA}", "Ops", "SRE", "X GmbH", "Ireland", "", f"entra/{BO}", "Ana A", more, "users.json $.value[0]"),
        (f"entra/{BO}", "", "", "", "Fab 3", "", "", "", "", "users.json $.value[1]"),
    ]
    assert [row[1:] for row in rows(harvest, "identifiers") if row[0] == f"person:entra/{ANA}"] == [
        ("employee", "E1"),
        ("subject", ANA),
        ("mail", "Ana.A@x.com"),
        ("mail", "ana@x.com"),
        ("mail", "me@home.example"),
        ("login", "entra:ana@x.com"),
        ("login", "ad:aa"),
    ]
    assert [row[1] for row in harvest.rows("review")] == [
        "disabled users",
        "administrators",
        "permissions of applications",
    ]


def test_where_a_licence_may_be_used_is_no_workplace() -> None:
    """It is the firm's seat for everybody: whoever works elsewhere would be out of that state's reach."""
    assert taken(users=users(user(ANA, usageLocation="US"))).columns("people")["workplace"] == [""]


def group(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "displayName": f"Group {id[0]}", "groupTypes": [], "securityEnabled": True, **more}


def test_groups_have_members_and_owners_of_the_files_that_name_them() -> None:
    documents = {
        "users": users(),
        "groups": graph("groups", group(STAFF), group(ADMINS)),
        f"members_{STAFF}": graph(
            "directoryObjects", {"@odata.type": "#microsoft.graph.user", "id": ANA}, {"id": ADMINS}
        ),
        f"members_{ADMINS}": graph("directoryObjects", {"@odata.type": "#microsoft.graph.device", "id": guid("9")}),
        f"owners_{STAFF}": graph("directoryObjects", {"id": BO}),
    }
    harvest = taken(**documents)
    assert [row for row in rows(harvest, "groups", 2) if row[0] != "entra/users"] == [
        (f"entra/group/{STAFF}", f"person:entra/{ANA}"),
        (f"entra/group/{STAFF}", f"group:entra/group/{ADMINS}"),
        (f"entra/group/{STAFF}/owners", f"person:entra/{BO}"),
    ]
    assert rows(harvest, "grants") == [
        (f"group:entra/group/{STAFF}/owners", "enroll", f"group:entra/group/{STAFF}"),
    ]
    assert harvest.count("unknown") == 0
    assert "owners" in [row[1] for row in harvest.rows("review")]


def test_members_that_were_not_given_are_unknown() -> None:
    some = {"id": guid("9")}
    documents: dict[str, Any] = {
        "groups": graph("groups", group(STAFF), group(ADMINS, members=[{"id": ANA}] * 20), group(TEAM, members=[])),
        f"members_{TEAM}": graph("directoryObjects", some),
    }
    harvest = taken(users=users(), **documents)
    assert [row[0] for row in harvest.rows("unknown")] == [f"entra/group/{id}" for id in (STAFF, ADMINS, TEAM)]


def test_whoever_may_join_a_group_can_enroll() -> None:
    open_ = group(STAFF, groupTypes=["Unified"], visibility="Public", members=[])
    closed = group(ADMINS, groupTypes=["Unified"], visibility="Private", members=[])
    harvest = taken(users=users(), groups=graph("groups", open_, closed))
    assert rows(harvest, "grants") == [("group:entra/users", "enroll", f"group:entra/group/{STAFF}")]


def test_a_user_administrator_resets_those_below_and_no_global_administrator() -> None:
    """The limit holds whatever is configured; without it every helper would count as a Global Administrator."""
    harvest = taken(users=users(), roles=assigned((ANA, GLOBAL), (BO, USER_ADMIN), (CY, HELPDESK)))
    assumes = {(one, other) for one, action, other in can(harvest) if action == "assume"}
    assert assumes == {("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")}
    assert ("group:entra/can/operate-tenant", "operate", "asset:entra/tenant") in rows(harvest, "grants")


def test_members_of_groups_that_roles_can_be_given_to_are_protected_too() -> None:
    harvest = taken(
        users=users(),
        groups=graph("groups", group(ADMINS, isAssignableToRole=True, members=[{"id": ANA}], owners=[{"id": DEE}])),
        roles=assigned((BO, HELPDESK), (ADMINS, GLOBAL)),
    )
    found = can(harvest)
    assert {(one, other) for one, action, other in found if action == "assume" and one == "b"} == {("b", "c")}
    assert ("a", "assume", "b") in found
    enrolls = {one for one, action, other in found if action == "enroll" and other == f"group:entra/group/{ADMINS}"}
    assert enrolls == {"a", "d"}


@pytest.mark.parametrize("more", [{"directoryScopeId": "/administrativeUnits/u"}, "eligible"])
def test_limited_and_eligible_roles_are_taken_wider(more: Any) -> None:
    """They count as held, and do not count as a protection."""
    roles = assigned((BO, USER_ADMIN), **(more if isinstance(more, dict) else {}))
    if more == "eligible":
        roles["@odata.context"] = roles["@odata.context"].replace("roleAssignments", "roleEligibilityScheduleInstances")
    harvest = taken(users=users(), roles=roles, others=assigned((CY, HELPDESK)))
    assert {("b", "assume", "c"), ("c", "assume", "b")} <= can(harvest)
    assert [row[1] for row in harvest.rows("review") if row[0] == "wider"] == [f"person:entra/{BO}"]


def test_who_edits_groups_depends_on_the_kind_of_group() -> None:
    kinds = {
        STAFF: group(STAFF, members=[]),
        TEAM: group(TEAM, groupTypes=["Unified"], members=[]),
        ADMINS: group(ADMINS, isAssignableToRole=True, members=[]),
    }
    teams, intune = "69091246-20e8-4a56-aa4d-066075b2a7a8", "3a2c62db-5318-420d-8d74-23affee5d9d5"
    harvest = taken(
        users=users(),
        groups=graph("groups", *kinds.values()),
        roles=assigned((ANA, USER_ADMIN), (BO, teams), (CY, intune), (DEE, PRIVILEGED_ROLE)),
    )
    over = {(one, target[-36]) for one, action, target in can(harvest) if action == "enroll" and "/group/" in target}
    assert over == {("a", "1"), ("a", "3"), ("b", "3"), ("c", "1"), ("d", "2")}
    assert ("group:entra/can/assign-roles", "enroll", "group:entra/role/user-administrator") in rows(harvest, "grants")


def test_applications_are_accounts_that_application_administrators_can_enter() -> None:
    app = guid("8")
    harvest = taken(
        users=users(),
        apps=graph("servicePrincipals", {"id": app, "appId": app, "displayName": "Backup"}),
        roles=assigned((app, GLOBAL), (BO, APP_ADMIN)),
    )
    assert rows(harvest, "accounts", 1) == [(f"entra/app/{app}",)]
    assert ("b", "enroll", f"group:entra/app/{app}") in can(harvest)
    assert ("entra/role/global-administrator", f"group:entra/app/{app}") in rows(harvest, "groups", 2)


def test_directory_roles_with_their_members_are_the_same_roles() -> None:
    role = {"id": guid("7"), "displayName": "Company Administrator", "roleTemplateId": GLOBAL}
    inline = taken(users=users(), roles=graph("directoryRoles", {**role, "members": [{"id": ANA}]}))
    apart: dict[str, Any] = {f"members_{guid('7')}": graph("directoryObjects", {"id": ANA})}
    apart_ = taken(users=users(), roles=graph("directoryRoles", role), **apart)
    assert rows(inline, "grants") == rows(apart_, "grants") != []
    assert can(inline) == can(apart_) and inline.count("unknown") == apart_.count("unknown") == 0
    alone = taken(users=users(), roles=graph("directoryRoles", role))
    assert [row[0] for row in alone.rows("unknown")] == ["entra/role/global-administrator"]


def definition(*actions: str) -> dict[str, Any]:
    parts = [{"allowedResourceActions": list(actions)}]
    return {"id": guid("6"), "displayName": "Ours", "isBuiltIn": False, "rolePermissions": parts}


@pytest.mark.parametrize(
    ("actions", "powers"),
    [
        (["microsoft.directory/users/password/update"], ["reset-anyone"]),
        (["microsoft.directory/groups.security/members/update"], ["edit-groups"]),
        (["microsoft.directory/applications/credentials/update"], ["add-secrets-to-applications"]),
        (["microsoft.directory/roleAssignments/allProperties/allTasks"], ["assign-roles"]),
        (["microsoft.directory/entitlementManagement/allProperties/allTasks"], ["edit-groups"]),
        (["microsoft.directory/users/authenticationMethods/standard/restrictedRead"], []),
        (["microsoft.directory/groups/standard/read", "microsoft.directory/roleAssignments/standard/read"], []),
    ],
)
def test_a_role_of_the_tenant_has_the_powers_that_its_actions_tell(actions: list[str], powers: list[str]) -> None:
    harvest = taken(
        users=users(),
        defs=graph("roleManagement/directory/roleDefinitions", definition(*actions)),
        roles=assigned((BO, guid("6"))),
    )
    held = [row[0].removeprefix("entra/can/") for row in harvest.rows("groups") if row[1] == "group:entra/role/ours"]
    assert held == powers
    matters = [row[0] for row in harvest.rows("review") if row[1] == "group:entra/role/ours"]
    assert matters == (["wider"] if powers else ["unmapped"])


def test_a_built_in_role_that_was_given_more_has_more() -> None:
    """Microsoft adds to its roles; what we know of one may be old."""
    more = {**definition("microsoft.directory/groups/members/update"), "id": READER, "displayName": "Global Reader"}
    harvest = taken(
        users=users(),
        groups=graph("groups", group(STAFF, members=[])),
        defs=graph("roleManagement/directory/roleDefinitions", {**more, "isBuiltIn": True}),
        roles=assigned((BO, READER)),
    )
    assert ("b", "enroll", f"group:entra/group/{STAFF}") in can(harvest)


def test_a_role_that_is_called_like_another_is_not_that_one() -> None:
    """Else whoever makes a role without powers and calls it so would take them from the real one."""
    own = {**definition("microsoft.directory/groups/standard/read"), "displayName": "Global Administrator"}
    harvest = taken(
        users=users(),
        defs=graph("roleManagement/directory/roleDefinitions", own),
        roles=assigned((BO, guid("6")), (ANA, GLOBAL)),
    )
    assert {one for one, action, _ in can(harvest) if action == "operate"} == {"a"}


def test_a_role_that_nothing_defines_is_taken_for_the_widest() -> None:
    harvest = taken(
        users=users(),
        roles=assigned((BO, guid("6")), (CY, READER), (DEE, guid("5"))),
        defs=graph(
            "roleManagement/directory/roleDefinitions",
            {**definition(), "id": READER, "displayName": "Global Reader", "isBuiltIn": True},
        ),
    )
    assert {one for one, action, _ in can(harvest) if action == "operate"} == {"b", "d"}


def test_whoever_may_ask_for_a_membership_counts_as_a_member() -> None:
    parts = [
        {"groupId": STAFF, "principalId": ANA, "accessId": "member"},
        {"groupId": STAFF, "principalId": BO, "accessId": "owner"},
    ]
    harvest = taken(
        users=users(),
        groups=graph("groups", group(STAFF, members=[])),
        pim=graph("identityGovernance/privilegedAccess/group/eligibilityScheduleInstances", *parts),
    )
    assert (f"entra/group/{STAFF}", f"person:entra/{ANA}") in rows(harvest, "groups", 2)
    assert ("b", "enroll", f"group:entra/group/{STAFF}") in can(harvest)
    assert [row[0] for row in harvest.rows("review")].count("wider") == 2


def test_the_portals_downloads_are_read_too() -> None:
    people = (
        "userPrincipalName,displayName,id,accountEnabled,country,usageLocation\n"
        f"a@x.com,Ana,{ANA},TRUE,IE,US\nb@x.com,Bo,{BO},false,,\n"
    )
    documents = {
        "users": people,
        "groups": f"id,displayName,groupType\n{STAFF},Staff,Security\n",
        f"members_{STAFF}": "id,userPrincipalName,displayName,objectType\n"
        f"{ANA},a@x.com,Ana,user\n{BO},b@x.com,Bo,user\n",
    }
    harvest = taken(**documents)
    assert rows(harvest, "people", 5) == [(f"entra/{ANA}", "", "", "", "IE")]
    assert [row for row in rows(harvest, "groups", 2) if "group" in row[0]] == [
        (f"entra/group/{STAFF}", f"person:entra/{ANA}")
    ]
    assert harvest.count("unknown") == 0


@pytest.mark.parametrize(
    ("documents", "told"),
    [
        ({"users": graph("users", user(ANA), **{"@odata.nextLink": "https://x"})}, "@odata.nextLink"),
        ({"users": graph("groups", group(STAFF))}, "no document has users"),
        ({"users": {"error": {"code": "x"}}}, "is no list of Entra ID"),
        ({"users": [{"x": 1}]}, "is no export of Entra ID"),
        ({"users": users(), "x": graph("directoryObjects", {"id": ANA})}, "the group's id in the file's name"),
        ({"users": users(user(ANA), user(ANA))}, "each user once"),
        ({"users": users({**user(ANA), "accountEnabled": "yes"})}, "expected true or false"),
        ({"users": "displayName,mail\nx,y\n"}, "has no column id"),
        ({"users": users({**user(ANA), "country": "a\u001bb"})}, "control characters"),
    ],
)
def test_what_is_no_such_export_is_refused(documents: dict[str, Any], told: str) -> None:
    assert any(told in line for line in wrong(**documents))


WORDS = ["id", "value", "members", "owners", "userPrincipalName", "accountEnabled", "principalId", "roleDefinitionId"]
WORDS += ["@odata.context", "roleTemplateId", "groupTypes", "rolePermissions", "manager", "displayName", "accessId"]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 2)
    | st.sampled_from([ANA, "x#users", "x#groups", "\n", "", "é/:", GLOBAL]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=10,
)
CONTEXTS = st.sampled_from(
    ["users", "groups", "directoryRoles", "roleManagement/directory/roleAssignments", "servicePrincipals"]
    + ["roleManagement/directory/roleDefinitions", "identityGovernance/privilegedAccess/group/x", "directoryObjects"]
)


@given(JSON, CONTEXTS, st.lists(st.dictionaries(st.sampled_from(WORDS), JSON, max_size=6), max_size=3))
def test_any_json_is_a_harvest_or_problems(document: Any, context: str, parts: list[Any]) -> None:
    for documents in ({"x": document}, {"users": users(), f"members_{STAFF}": graph(context, *parts)}):
        try:
            taken(**documents)
        except IntakeError as error:
            assert error.problems


PEOPLE = st.sampled_from([ANA, BO, CY, DEE])


@given(
    st.lists(st.tuples(PEOPLE, st.sampled_from([GLOBAL, PRIVILEGED_ROLE, APP_ADMIN])), max_size=3),
    st.tuples(PEOPLE, st.sampled_from([GLOBAL, USER_ADMIN, HELPDESK])),
)
def test_another_role_takes_no_power_away(before: list[tuple[str, str]], more: tuple[str, str]) -> None:
    """Only that the one who gets it is then protected from lesser administrators."""
    groups = graph("groups", group(STAFF, members=[{"id": ANA}]), group(ADMINS, isAssignableToRole=True, members=[]))
    fewer, all_ = (
        can(taken(users=users(), groups=groups, r=assigned(*before))),
        can(taken(users=users(), groups=groups, r=assigned(*before, more))),
    )
    assert fewer <= all_


def test_owners_that_were_expanded_may_be_more() -> None:
    """Graph gives twenty at most of what was asked for with $expand, and does not say so."""
    people = [user(f"{n:08}-0000-0000-0000-000000000000") for n in range(20)]
    group = {"id": TEAM, "displayName": "Team", "groupTypes": [], "members": []}

    def unknown(count: int) -> list[tuple[str, ...]]:
        owned = group | {"owners": [{"id": one["id"]} for one in people[:count]]}
        harvest = taken(users=users(*people), groups=graph("groups", owned))
        assert (("unmapped", "owners") in rows(harvest, "review", 2)) is (count == 20)
        return rows(harvest, "unknown", 1)

    assert unknown(19) == []
    assert unknown(20) == [(f"entra/group/{TEAM}/owners",)]


def test_whoever_assigns_roles_can_be_global_administrator_though_nobody_is() -> None:
    """As where the only ones are eligible, and that list was not given."""
    harvest = taken(users=users(), assignments=assigned((ANA, PRIVILEGED_ROLE)))
    grants = rows(harvest, "grants")
    assert ("group:entra/can/assign-roles", "enroll", "group:entra/role/global-administrator") in grants
    assert ("group:entra/can/reset-anyone", "assume", "group:entra/users") in grants
    assert ("entra/can/reset-anyone", "group:entra/role/global-administrator") in rows(harvest, "groups", 2)


@pytest.mark.parametrize(
    ("action", "power"),
    [
        ("microsoft.directory/allEntities/allTasks", "operate-tenant"),
        (
            "microsoft.directory/servicePrincipals/managePermissionGrantsForAll.microsoft-company-admin",
            "operate-tenant",
        ),
        ("microsoft.directory/identityProviders/allProperties/allTasks", "reset-anyone"),
        ("microsoft.directory/hybridAuthenticationPolicy/allProperties/allTasks", "reset-anyone"),
        ("microsoft.directory/passwordHashSync/allProperties/allTasks", "reset-anyone"),
    ],
)
def test_what_a_role_of_ones_own_allows(action: str, power: str) -> None:
    """Each of these is a way to everything, under a name that does not say so."""
    made = {
        "id": guid("9"),
        "displayName": "Own",
        "isBuiltIn": False,
        "rolePermissions": [{"allowedResourceActions": [action]}],
    }
    harvest = taken(
        users=users(),
        definitions=graph("roleManagement/directory/roleDefinitions", made),
        assignments=assigned((ANA, guid("9"))),
    )
    assert (f"entra/can/{power}", "group:entra/role/own") in rows(harvest, "groups", 2)
