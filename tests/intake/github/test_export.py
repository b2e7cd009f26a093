"""REST exports: who belongs where, roles, keys, apps, environments and secrets, in each form that gh prints."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.intake import IntakeError
from tests.intake.github.exports import (
    DEVS,
    FILES,
    MAIN,
    ORG,
    PUSHERS,
    REPO,
    account,
    encoded,
    grants,
    reviews,
    rows,
    ruleset,
    taken,
    terms,
)


def test_every_row_of_a_plain_export() -> None:
    harvest = taken()
    assert rows(harvest, "groups", 2) == {
        ("github/acme/owners", account("olga")),
        ("github/acme/members", "group:github/acme/owners"),
        *(("github/acme/members", account(login)) for login in ("ana", "bo", "cy")),
        ("github/acme/team/devs", account("ana")),
        ("github/acme/team/devs", account("bo")),
    }
    owners = "group:github/acme/owners"
    assert grants(harvest) == {
        (owners, "operate", "asset:github/acme", ""),
        *((owners, "enroll", f"group:github/acme/{group}", "") for group in ("owners", "members", "team/devs")),
        ("group:github/acme/members", "read", "asset:github/acme", ""),
        (account("ana"), "enroll", DEVS, ""),
        (DEVS, "read", f"asset:{REPO}", ""),
        (DEVS, "push", f"asset:{REPO}", ""),
    }
    assert not rows(harvest, "unknown", 1) and not terms(harvest)
    traits = next(row for row in harvest.rows("assets") if row[0] == REPO)[7]
    assert traits == "visibility:private topic:pay default:main"


def pages(items: list[Any], form: str) -> bytes:
    if form == "concatenated":
        return b"\n".join(json.dumps([item]).encode() for item in items)
    if form == "slurped":
        return json.dumps([[item] for item in items]).encode()
    return b"\n".join(json.dumps(item).encode() for item in items)


@pytest.mark.parametrize("form", ["concatenated", "slurped", "lines"])
def test_pages_in_any_form_are_the_same(form: str) -> None:
    changed = {path: pages(value, form) for path, value in FILES.items() if isinstance(value, list) and value}
    for table, cells in (("groups", 2), ("grants", 4), ("assets", 8), ("identifiers", 3)):
        assert rows(taken(changed), table, cells) == rows(taken(), table, cells)


@pytest.mark.parametrize("join", [lambda a, b: encoded(a) + encoded(b), lambda a, b: encoded([a, b])])
def test_pages_of_objects(join: Any) -> None:
    page = lambda name: {"total_count": 2, "environments": [{"name": name}]}  # noqa: E731
    harvest = taken({"repos/App/environments.json": join(page("prod"), page("test"))})
    assert {f"{REPO}/environment/prod", f"{REPO}/environment/test"} <= {row[0] for row in harvest.rows("assets")}


def test_what_was_not_given_is_unknown() -> None:
    harvest = taken(
        {
            "members.json": None,
            "teams/devs/members.json": None,
            "installations.json": None,
            "repos/App/collaborators.json": None,
            "repos/App/keys.json": None,
        }
    )
    assert rows(harvest, "unknown", 1) == {
        ("github/acme/members",),
        ("github/acme/team/devs",),
        ("github/acme/app/not-told",),
        (f"{REPO}/collaborators",),
        (f"{REPO}/deploy-keys",),
    }
    assert {
        (f"group:{REPO}/collaborators", "operate", f"asset:{REPO}", ""),
        (f"group:{REPO}/deploy-keys", "push", f"asset:{REPO}", ""),
        ("group:github/acme/app/not-told", "push", f"asset:{REPO}", ""),
    } <= grants(harvest)


@pytest.mark.parametrize("plan", [{}, {"plan": {"name": "enterprise"}}])
def test_owners_of_an_enterprise_are_unknown(plan: dict[str, Any]) -> None:
    org = {"login": "acme", "default_repository_permission": "none", **plan}
    harvest = taken({"org.json": org})
    above = "group:github/acme/enterprise-owners"
    assert (above, "operate", "asset:github/acme", "") in grants(harvest)
    assert not any(row[:2] == ("group:github/acme/members", "read") for row in grants(harvest))


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        ({"role_name": "read"}, {"read"}),
        ({"role_name": "triage"}, {"read"}),
        ({"role_name": "write"}, {"read", "push"}),
        ({"role_name": "maintain"}, {"read", "push"}),
        ({"role_name": "admin"}, {"operate"}),
        ({"permissions": {"admin": False, "push": True, "pull": True}}, {"read", "push"}),
        ({"permissions": {"admin": True, "push": True}}, {"operate"}),
        ({"permission": "pull"}, {"read"}),
        ({"role_name": "Deployer"}, {"read", "push"}),
        ({"role_name": "not described"}, {"operate"}),
    ],
)
def test_roles(role: dict[str, Any], actions: set[str]) -> None:
    custom = {
        "custom_roles": [{"id": 9, "name": "deployer", "base_role": "write", "permissions": ["read_code_scanning"]}]
    }
    given_ = {"custom-roles.json": custom, "repos/App/collaborators.json": [{"login": "Ext", **role}]}
    harvest = taken(given_)
    assert {row[1] for row in grants(harvest) if row[0] == account("ext")} == actions


def test_children_of_a_team_count_for_what_it_may_do() -> None:
    teams = [{"id": 7, "slug": "devs"}, {"id": 8, "slug": "kids", "parent": {"slug": "devs"}}]
    more = {"teams.json": teams, "teams/kids/members.json": [{"login": "cy"}], "teams/kids/repos.json": []}
    assert ("github/acme/team/devs", "group:github/acme/team/kids") in rows(taken(more), "groups", 2)


@pytest.mark.parametrize(("visibility", "open_"), [("public", True), ("internal", True), ("private", False)])
def test_whoever_can_see_a_repository_reads_it(visibility: str, open_: bool) -> None:
    harvest = taken({"repos.json": [{"name": "App", "visibility": visibility, "default_branch": "main"}]})
    assert (("everyone", "read", f"asset:{REPO}", "") in grants(harvest)) is open_


def test_whoever_has_a_deploy_key_is_unknown() -> None:
    """A key has no name on it; one that only reads reads what is private."""
    keys = [{"id": 1, "title": "ci=cmd", "read_only": False}, {"id": 2, "title": "r", "read_only": True}]
    harvest = taken({"repos/App/keys.json": keys})
    key, other = f"{REPO}/deploy-key/1", f"{REPO}/deploy-key/2"
    assert rows(harvest, "unknown", 1) == {(key,), (other,)}
    assert {row for row in grants(harvest) if "deploy-key" in row[0]} == {
        (f"group:{key}", "push", f"asset:{REPO}", ""),
        (f"group:{key}", "read", f"asset:{REPO}", ""),
        (f"group:{other}", "read", f"asset:{REPO}", ""),  # and no more, whatever a ruleset lets keys do
    }
    public = taken({"repos/App/keys.json": keys, "repos.json": [{"name": "App", "visibility": "public"}]})
    assert rows(public, "unknown", 1) == {(key,)}


def test_apps() -> None:
    def app(slug: str, **permissions: str) -> dict[str, Any]:
        return {"app_slug": slug, "permissions": permissions, "repository_selection": "selected"}

    found = [
        app("bot", contents="write"),
        app("root", administration="write"),
        app("crew", members="write", checks="write"),
    ]
    harvest = taken({"installations.json": [{"installations": found}]})
    bot, root, crew = (f"group:github/acme/app/{slug}" for slug in ("bot", "root", "crew"))
    assert {
        (bot, "push", f"asset:{REPO}", ""),
        (root, "operate", "asset:github/acme", ""),
        (crew, "enroll", DEVS, ""),
        (crew, "enroll", "group:github/acme/owners", ""),
    } <= grants(harvest)
    assert {row[0] for row in harvest.rows("unknown")} == {ref.removeprefix("group:") for ref in (bot, root, crew)}


def test_an_environment_waits_for_its_reviewers() -> None:
    who = [{"type": "Team", "reviewer": {"slug": "devs"}}, {"type": "User", "reviewer": {"login": "Cy"}}]
    rule = {"type": "required_reviewers", "reviewers": who, "prevent_self_review": True}
    found = {"environments": [{"name": "prod", "protection_rules": [{"type": "wait_timer"}, rule]}, {"name": "free"}]}
    prod = f"{REPO}/environment/prod"
    asset = f"asset:{prod}"
    for apart in (True, False):
        harvest = taken({"repos/App/environments.json": found}, apart=apart)
        waits = {(PUSHERS, "deploy", asset, f"{prod}/reviews")}
        alone = set() if apart else {(f"group:{prod}/reviewers", "deploy", asset, "")}
        assert grants(harvest, asset) == waits | alone
        assert grants(harvest, f"asset:{REPO}/environment/free") == {
            (PUSHERS, "deploy", f"asset:{REPO}/environment/free", "")
        }
        assert terms(harvest) == {f"{prod}/reviews": {"approvals": 1, "approvers": f"group:{prod}/reviewers"}}
        assert {(f"{prod}/reviewers", DEVS), (f"{prod}/reviewers", account("cy"))} <= rows(harvest, "groups", 2)


def test_who_pushes_can_use_secrets() -> None:
    harvest = taken({"repos/App/secrets.json": {"secrets": [{"name": "KEY"}]}, "secrets.json": [{"name": "ALL"}]})
    assert (PUSHERS, "use", f"asset:{REPO}/secrets", "") in grants(harvest)
    assert ("group:github/acme/pushers", "use", "asset:github/acme/secrets", "") in grants(harvest)
    assert ("github/acme/pushers", DEVS) in rows(harvest, "groups", 2)


def test_what_accounts_are_known_by() -> None:
    nodes = [
        {"samlIdentity": {"nameId": "Ana@x.com"}, "scimIdentity": {"username": "S-1"}, "user": {"login": "ANA"}},
        {"samlIdentity": {"nameId": "gone@x.com"}, "user": None},
    ]
    page = {"data": {"organization": {"samlIdentityProvider": {"externalIdentities": {"nodes": nodes}}}}}
    none = {"data": {"organization": {"samlIdentityProvider": None}}}
    harvest = taken(
        {"identities.json": encoded(page) + encoded(none), "owners.json": [{"login": "o", "email": "o@x.com"}]}
    )
    assert rows(harvest, "identifiers", 3) >= {
        (account("ana"), "mail", "Ana@x.com"),
        (account("ana"), "subject", "S-1"),
        (account("o"), "mail", "o@x.com"),
        (account("ana"), "login", "github:ana"),
    }


def test_matters_to_look_at() -> None:
    harvest = taken(
        {
            "org.json": {**ORG, "two_factor_requirement_enabled": False},
            "invitations.json": [{"login": "new"}],
            "members-2fa-disabled.json": [{"login": "bo"}],
            "strange.json": {},
        }
    )
    assert {row[1] for row in harvest.rows("review")} == {
        "organisation acme",
        "invitations",
        "members-2fa-disabled",
        "acme/strange.json",
    }


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"owners.json": None}, "acme/owners.json: is missing"),
        ({"repos.json": None}, "acme/repos.json: is missing"),
        ({"teams/devs/repos.json": None}, "what the team may do would be missing"),
        ({"org.json": {"login": "acme"}}, "export as an owner"),
        ({"org.json": {"message": "Not Found", "documentation_url": "x"}}, "an error that GitHub answered"),
        ({"org.json": b"[" * 100_000}, "nested too deeply"),
        ({"members.json": b'[{"login": "a"}] ['}, "is no JSON"),
        ({"members.json": b'[{"login": "a", "login": "b"}][]'}, "comes twice in one object"),
        ({"members.json": b"\xff"}, "is not UTF-8"),
        ({"members.json": [{"login": "a\nb"}]}, "control characters"),
        ({"members.json": [3]}, "$[0]"),
        ({"repos.json": [{"name": "App/branch/main"}]}, "expected a name of letters"),
        ({"teams/devs/repos.json": [{"name": "a b", "role_name": "read"}]}, "expected a name of letters"),
        ({"teams.json": [{"id": 1, "slug": "devs"}, {"id": 2, "slug": "DEVS"}]}, "comes twice"),
    ],
)
def test_what_is_no_export_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(IntakeError) as caught:
        taken(changes)
    assert told in str(caught.value)


GOOD = FILES | {
    "repos/App/protection.json": [reviews(2, bypass_pull_request_allowances={"teams": [{"slug": "devs"}]})],
    "repos/App/rulesets.json": [ruleset(2, owners=True, bypass_actors=[{"actor_id": 7, "actor_type": "Team"}])],
    "rulesets.json": [ruleset(1)],
    "repos/App/environments.json": {"environments": [{"name": "prod", "protection_rules": []}]},
    "custom-roles.json": {"custom_roles": [{"id": 1, "name": "x", "base_role": "read", "permissions": []}]},
    "identities.json": {"data": {"organization": {"samlIdentityProvider": None}}},
}
LEAF = (
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a/b:c", "=1+1", "\n", "é \"'", "main", "*"])
)
KEYS = st.sampled_from(
    ["login", "slug", "name", "id", "protection", "rules", "type", "parameters", "permissions", "data"]
)
JSON = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=8
)


def places(value: Any) -> list[tuple[Any, ...]]:
    """The path of everything in a value."""
    found: list[tuple[Any, ...]] = [()]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        found += [(key, *rest) for rest in places(part)]
    return found


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    made = dict(value) if isinstance(value, dict) else list(value)
    made[path[0]] = put(made[path[0]], path[1:], new)
    return made


@given(st.data(), JSON)
def test_anything_anywhere_is_a_harvest_or_problems(data: st.DataObject, strange: Any) -> None:
    file = data.draw(st.sampled_from(sorted(GOOD)))
    path = data.draw(st.sampled_from(places(GOOD[file])))
    try:
        harvest = taken(GOOD | {file: put(GOOD[file], path, strange)})
    except IntakeError as error:
        assert error.problems
    else:
        assert all(cell.isprintable() for row in harvest.rows("grants") for cell in row)


@given(st.sampled_from(sorted(GOOD)), st.binary(max_size=30))
def test_any_bytes_are_a_harvest_or_problems(file: str, strange: bytes) -> None:
    try:
        taken(GOOD | {file: strange})
    except IntakeError as error:
        assert error.problems


def test_ids_with_what_csv_and_shells_obey_stay_whole() -> None:
    names = ["=cmd|' /C calc'!A0", 'a"b', "x:y/z"]
    environments = {"environments": [{"name": name} for name in names]}
    assert {row[0] for row in taken({"repos/App/environments.json": environments}).rows("assets")} >= {
        f"{REPO}/environment/{name}" for name in names
    }


def test_main_is_not_covered_by_pushes_to_other_branches() -> None:
    harvest = taken({"repos/App/protection.json": [reviews()]})
    assert all(row[2] != f"asset:{REPO}" for row in grants(harvest) if row[1] == "push")
    assert {row[3] for row in grants(harvest, MAIN)} == {f"{REPO}/branch/main/reviews"}


def test_a_list_that_counts_more_than_it_has_is_cut_short() -> None:
    """The first page would pass for the whole firm."""
    found = [{"app_slug": "bot", "permissions": {}}]
    for pages in ({"total_count": 2, "installations": found}, [{"total_count": 2, "installations": found}]):
        with pytest.raises(IntakeError, match=r"installations.json: \$.total_count: has 1 of 2: expected all"):
            taken({"installations.json": pages})
    taken({"installations.json": [{"total_count": 2, "installations": found}] * 2})


def test_identities_that_have_a_further_page_are_cut_short() -> None:
    """As above: whoever stands on the next page would be nobody's."""

    def page(more: bool) -> dict[str, Any]:
        inside = {"pageInfo": {"hasNextPage": more}, "nodes": []}
        return {"data": {"organization": {"samlIdentityProvider": {"externalIdentities": inside}}}}

    taken({"identities.json": [page(True), page(False)]})
    with pytest.raises(IntakeError, match="says that there are more"):
        taken({"identities.json": [page(True)]})


@pytest.mark.parametrize(("count", "told"), [(29, False), (30, True), (100, True), (101, False)])
def test_a_list_as_long_as_a_page_is_told(count: int, told: bool) -> None:
    """Nothing in it tells whether there is another page."""
    harvest = taken({"members.json": [{"login": f"u{n}"} for n in range(count)]})
    assert (("unknown", "acme/members.json") in rows(harvest, "review", 2)) is told


def test_maintainers_that_were_not_given_are_not_nobody() -> None:
    """They add whom they like to the team."""
    harvest = taken({"teams/devs/maintainers.json": None})
    assert rows(harvest, "unknown", 2) == {
        ("github/acme/team/devs", "the maintainers of team devs were not given"),
    }


def test_a_repository_that_only_a_team_has_may_have_anybody() -> None:
    """Its collaborators and keys were never asked for."""
    harvest = taken({"teams/devs/repos.json": [{"name": "Lost", "role_name": "read"}]})
    lost = "github/acme/repo/Lost"
    assert rows(harvest, "unknown", 1) == {(f"{lost}/collaborators",), (f"{lost}/deploy-keys",)}
    assert (f"group:{lost}/collaborators", "operate", f"asset:{lost}", "") in grants(harvest)
    assert ("unknown", "repository Lost") in rows(harvest, "review", 2)


def test_owners_of_code_are_those_that_the_branch_itself_names() -> None:
    """The file of the default branch says nothing of another one, where the file may not be at all."""
    protection = reviews(1, require_code_owner_reviews=True) | {"branch": "release"}
    files = {"repos/App/protection.json": [protection], "repos/App/CODEOWNERS": b"* @acme/devs\n"}
    harvest = taken(files, apart=True)
    assert not [row for row in grants(harvest) if row[0].endswith("/owners") and "branch/release" in row[2]]
    assert not any("from" in document for document in terms(harvest).values())
