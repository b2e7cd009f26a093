"""Good exports of directories with a few parts replaced: problems are told, or what is made is whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.intake import Harvest, IntakeError, Problems
from armslength.intake.entra import map_entra
from armslength.intake.google import map_google
from armslength.intake.okta import map_okta
from armslength.intake.scim import map_scim
from tests.intake.entra import test_entra as entra
from tests.intake.google import test_google as google
from tests.intake.okta import test_okta as okta
from tests.intake.scim import test_scim_mapping as scim

PIM = "identityGovernance/privilegedAccess/group/eligibilityScheduleInstances"
APP = entra.guid("8")
ENTRA = {
    "users": entra.users(entra.user(entra.ANA, manager={"id": entra.BO}, otherMails=["q@x"]), entra.user(entra.BO)),
    "groups": entra.graph(
        "groups",
        entra.group(entra.STAFF, members=[{"id": entra.ANA}], owners=[{"id": entra.BO}]),
        entra.group(entra.ADMINS, isAssignableToRole=True, groupTypes=["Unified"], visibility="Public"),
    ),
    f"members-{entra.ADMINS}": entra.graph(
        "directoryObjects", {"id": entra.BO, "@odata.type": "#microsoft.graph.user"}
    ),
    "assigned": entra.assigned((entra.ANA, entra.GLOBAL), (entra.BO, entra.HELPDESK), (APP, entra.APP_ADMIN)),
    "roles": entra.graph(
        "directoryRoles",
        {"id": "7", "displayName": "X", "roleTemplateId": entra.READER, "members": [{"id": entra.ANA}]},
    ),
    "pim": entra.graph(PIM, {"groupId": entra.STAFF, "principalId": entra.ANA, "accessId": "owner"}),
    "apps": entra.graph("servicePrincipals", {"id": APP, "appId": "x", "displayName": "B"}),
}
OKTA = {
    "users": okta.USERS,
    "groups": [okta.group(okta.STAFF), okta.group(okta.ADMINS, "APP_GROUP")],
    f"group-{okta.STAFF}-users": okta.USERS[:2],
    f"user-{okta.ANA}-roles": [okta.role("SUPER_ADMIN"), okta.role("USER_ADMIN", okta.STAFF), okta.role("CUSTOM")],
    f"group-{okta.STAFF}-roles": [okta.role("ORG_ADMIN")],
    "apps": [{"id": okta.APP, "label": "P", "signOnMode": "x"}],
    f"app-{okta.APP}-groups": [{"id": okta.STAFF}],
    f"app-{okta.APP}-users": [{"id": okta.BO}],
}
GOOGLE = {
    "users": google.users(google.ANA, google.user("b", isAdmin=True)),
    "groups": google.groups("ops@x.com", "more@x.com"),
    "members-ops@x.com": google.members(("a@x.com", "OWNER"), ("y@y.com", "MEMBER"), ("more@x.com", "MANAGER")),
    "roles": google.roles(r1=["USERS_ALL"], r2=["GROUPS_ALL"]),
    "assigned": google.assigned(("1097", "r1"), ("g-ops@x.com", "r2"), ("z", "r9")),
    "settings": {"kind": "groupsSettings#groups", "email": "ops@x.com", "whoCanJoin": "ANYONE_CAN_JOIN"},
}
SCIM = {
    "users": scim.listed(2, scim.ANA, scim.user("b1", groups=[{"value": "g"}], roles=[{"value": "r"}])),
    "groups": [scim.group("g", "a1", {"value": "h", "type": "Group"}), scim.group("h")],
}
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**30,
    "",
    "x",
    "=cmd",
    "a\nb",
    "a\tb",
    "\u202e",
    "é/:'\" ",
    "x" * 5000,
]
ODD += [{}, [], [[]], {"id": {}}, {"value": [None]}, [1, "a", None], okta.STAFF, entra.STAFF, "a@x.com"]


def damaged(value: Any, chance: Random) -> Any:
    """The same with one part replaced, or taken out."""
    if isinstance(value, dict | list) and value and chance.random() < 0.85:
        copy = dict(value) if isinstance(value, dict) else dict(enumerate(value))
        place = chance.choice(list(copy))
        copy[place] = damaged(copy[place], chance)
        if chance.random() < 0.05:
            del copy[place]
        return copy if isinstance(value, dict) else list(copy.values())
    return chance.choice(ODD)


@pytest.mark.parametrize(
    ("name", "good", "map_"),
    [("entra", ENTRA, map_entra), ("okta", OKTA, map_okta), ("google", GOOGLE, map_google), ("scim", SCIM, map_scim)],
)
@given(seed=st.integers(0, 2**32))
def test_a_damaged_export_is_refused_or_makes_whole_rows(
    name: str, good: dict[str, Any], map_: Callable[[dict[str, bytes], Harvest, Problems], None], seed: int
) -> None:
    chance = Random(seed)
    documents = dict(good)
    for _ in range(chance.choice([1, 1, 2, 3])):
        place = chance.choice(list(documents))
        documents[place] = damaged(documents[place], chance)
    if chance.random() < 0.1:
        del documents[chance.choice(list(documents))]
    harvest = Harvest(name=name, kind=name)
    try:
        map_({f"{file}.json": json.dumps(part).encode() for file, part in documents.items()}, harvest, Problems())
    except IntakeError as error:
        assert error.problems
        return
    known = {f"group:{row[0]}" for table in ("groups", "known", "unknown", "accounts") for row in harvest.rows(table)}
    known |= {f"person:{row[0]}" for row in harvest.rows("people")} | {
        f"asset:{row[0]}" for row in harvest.rows("assets")
    }
    named = {row[1] for row in harvest.rows("groups")}
    named |= {cell for row in harvest.rows("grants") for cell in (row[0], row[2])}
    assert named <= known
    for table in ("people", "groups", "grants", "identifiers", "assets"):
        assert all(cell.isprintable() for row in harvest.rows(table) for cell in row[:-1])
