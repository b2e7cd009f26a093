"""Required reviews as terms, and who goes past them, against a brute-force model of what GitHub lets people do."""

from __future__ import annotations

import re
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.intake import Harvest
from armslength.intake.github.codeowners import owners_of_all
from armslength.intake.github.rules import _perhaps, _surely
from tests.intake.github.exports import (
    DEVS,
    FILES,
    MAIN,
    OTHER,
    PUSHERS,
    REPO,
    WRITERS,
    account,
    grants,
    reviews,
    rows,
    ruleset,
    taken,
    terms,
)

TERMS = f"{REPO}/branch/main/reviews"
READERS = "group:github/acme/members"


def protected(*rules: Any, apart: bool = False, **files: Any) -> Harvest:
    changes = {path.replace("__", "/").replace("_", ".", 1): value for path, value in files.items()}
    return taken({"repos/App/protection.json": list(rules)} | changes, apart=apart)


def test_a_review_that_holds_becomes_terms() -> None:
    harvest = protected(reviews())
    assert terms(harvest) == {TERMS: {"approvals": 1, "approvers": WRITERS}}
    assert grants(harvest, MAIN) == {
        (PUSHERS, "push", MAIN, TERMS),
        (READERS, "push", MAIN, TERMS),
        (DEVS, "push", MAIN, TERMS),
    }
    assert grants(harvest, OTHER) == {(DEVS, "push", OTHER, "")}
    assert rows(harvest, "groups", 2) >= {
        (f"{REPO}/writers", DEVS),
        (f"{REPO}/writers", "group:github/acme/owners"),
        (f"{REPO}/pushers", WRITERS),
    }


NOT_HELD: list[tuple[Any, str]] = [
    (reviews(0), "no approval is required"),
    (reviews(1, last=False), "none that one person cannot give"),
    ({"branch": "main", "protection": {}}, "no review is required"),
    ({**reviews(), "protection": {**reviews()["protection"], "allow_force_pushes": {"enabled": True}}}, "forced"),
    (
        {**reviews(), "branch": "rel", "protection": {**reviews()["protection"], "allow_deletions": {"enabled": True}}},
        "deleted",
    ),
]


@pytest.mark.parametrize(("rule", "why"), NOT_HELD)
def test_a_review_that_does_not_hold_is_standing(rule: Any, why: str) -> None:
    harvest = protected(rule)
    assert not terms(harvest)
    assert (DEVS, "push", f"asset:{REPO}", "") in grants(harvest)
    assert any(row[0] == "wider" and why in row[2] for row in harvest.rows("review"))


def test_without_any_rule_pushes_stand() -> None:
    assert (DEVS, "push", f"asset:{REPO}", "") in grants(protected())


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        ({}, True),
        ({"enforcement": "evaluate"}, False),
        ({"enforcement": "disabled"}, False),
        ({"target": "tag"}, False),
        ({"bypass_actors": None}, False),
        ({"conditions": {"ref_name": {"include": ["refs/heads/main"], "exclude": []}}}, True),
        ({"conditions": {"ref_name": {"include": ["~ALL"], "exclude": []}}}, True),
        ({"conditions": {"ref_name": {"include": ["refs/heads/m*"], "exclude": []}}}, True),
        ({"conditions": {"ref_name": {"include": ["refs/heads/ma[i]n"], "exclude": []}}}, False),
        ({"conditions": {"ref_name": {"include": ["~ALL"], "exclude": ["refs/heads/M*"]}}}, False),
        ({"conditions": {"ref_name": {"include": ["~ALL"], "exclude": ["~DEFAULT_BRANCH"]}}}, False),
        ({"conditions": {"ref_name": {"include": []}}}, False),
        ({"conditions": {"repository_name": {"include": ["A*"], "exclude": []}}}, True),
        ({"conditions": {"repository_name": {"include": ["~ALL"], "exclude": ["*pp"]}}}, False),
        ({"conditions": {"repository_property": {"include": []}}}, False),
    ],
)
def test_rulesets_count_where_they_surely_hold(change: dict[str, Any], holds: bool) -> None:
    for file in ("rulesets.json", "repos/App/rulesets.json"):
        assert bool(terms(taken({file: [ruleset(**change)]}))) is holds


@pytest.mark.parametrize(
    ("actor", "who"),
    [
        ({"actor_type": "OrganizationAdmin", "actor_id": 1}, None),
        ({"actor_type": "RepositoryRole", "actor_id": 5}, None),
        ({"actor_type": "RepositoryRole", "actor_id": 2}, account("mia")),
        ({"actor_type": "RepositoryRole", "actor_id": 4}, "all"),
        ({"actor_type": "RepositoryRole", "actor_id": 99}, "all"),
        ({"actor_type": "RepositoryRole", "actor_id": 31}, account("cus")),
        ({"actor_type": "Team", "actor_id": 7, "bypass_mode": "pull_request"}, DEVS),
        ({"actor_type": "Team", "actor_id": 70}, "group:github/acme/team/id-70"),
        ({"actor_type": "Integration", "actor_id": 3}, "group:github/acme/other/app-3"),
        ({"actor_type": "DeployKey", "actor_id": None}, f"group:{REPO}/deploy-key/1"),
        ({"actor_type": "Something", "actor_id": 3}, "group:github/acme/other/something-3"),
    ],
)
def test_who_bypasses_a_ruleset_pushes_alone(actor: dict[str, Any], who: str | None) -> None:
    changes = {
        "repos/App/rulesets.json": [ruleset(bypass_actors=[actor])],
        "repos/App/keys.json": [{"id": 1, "title": "k", "read_only": False}],
        "repos/App/collaborators.json": [
            {"login": "mia", "role_name": "maintain"},
            {"login": "cus", "role_name": "custom"},
        ],
        "custom-roles.json": {"custom_roles": [{"id": 31, "name": "custom", "base_role": "write", "permissions": []}]},
    }
    harvest = taken(changes)
    if who == "all":
        assert not terms(harvest) and (DEVS, "push", f"asset:{REPO}", "") in grants(harvest)
    else:
        assert {row[0] for row in grants(harvest, MAIN) if not row[3]} == ({who} if who else set())


def test_who_bypasses_protection_pushes_alone() -> None:
    allowed = {"users": [{"login": "Cy"}], "teams": [{"slug": "devs"}], "apps": [{"slug": "bot"}]}
    harvest = protected(reviews(bypass_pull_request_allowances=allowed))
    assert {row[0] for row in grants(harvest, MAIN) if not row[3]} == {account("cy"), DEVS, "group:github/acme/app/bot"}


@pytest.mark.parametrize("permission", ["bypass_branch_protection", "push_protected_branch", "edit_repo_protections"])
def test_a_custom_role_can_lead_past(permission: str) -> None:
    role = {"id": 3, "name": "ship", "base_role": "write", "permissions": [permission]}
    files = {"custom-roles.json": [role], "repos/App/collaborators.json": [{"login": "s", "role_name": "ship"}]}
    harvest = taken({"repos/App/protection.json": [reviews()], **files})
    assert (account("s"), "push", MAIN, "") in grants(harvest)


def test_of_several_rules_the_strongest_counts() -> None:
    harvest = taken({"repos/App/protection.json": [reviews(1)], "rulesets.json": [ruleset(4)]})
    assert terms(harvest)[TERMS]["approvals"] == 3


def test_a_workflow_that_approves_is_one_of_those_who_do() -> None:
    for told in (None, {"can_approve_pull_request_reviews": True}):
        assert not terms(taken({"repos/App/protection.json": [reviews()], "workflow.json": told}))
    no = {"can_approve_pull_request_reviews": False}
    assert terms(
        taken({"repos/App/protection.json": [reviews()], "workflow.json": None, "repos/App/workflow.json": no})
    )


@pytest.mark.parametrize(
    ("text", "owners"),
    [
        (b"* @Ana @acme/Devs\n", ("@ana", "@acme/devs")),
        (b"# all\n/old @x\n*  @ana # why\n/docs @bo\n", ("@ana", "@bo")),
        (b"* @ana\n/docs\n", None),
        (b"*.py @ana\n", None),
        (b"/docs @ana\n", None),
        (b"* ana@x.com\n", None),
        (b"* @\n", None),
        (b"", None),
        (b"\xff", None),
        (b"* @ana\n" + b"#" * 3_000_000, None),
    ],
)
def test_owners_of_all_code(text: bytes, owners: tuple[str, ...] | None) -> None:
    assert owners_of_all(text) == owners


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        (b"* @acme/devs", True),
        (b"* @dee", True),
        (b"* @cy", False),  # cannot write
        (b"* @other/devs", False),
        (b"* @acme/none", False),
        (b"* @acme/devs\n/x @cy", False),
    ],
)
def test_owners_count_if_all_of_them_can_write(text: bytes, counts: bool) -> None:
    changes = {
        "repos/App/rulesets.json": [ruleset(owners=True)],
        "repos/App/CODEOWNERS": text,
        "repos/App/collaborators.json": [{"login": "Dee", "role_name": "write"}],
    }
    harvest = taken(changes, apart=True)
    assert [found.get("from") for found in terms(harvest).values()] == (
        [[{"of": f"group:{REPO}/branch/main/owners", "count": 1}]] if counts else [None]
    )


# against a model of GitHub

PEOPLE = ("ana", "bo", "dee", "cy", "out")
"""Two of devs and one collaborator write; Cy reads; the last is nobody of the organisation."""
WRITE = {"ana", "bo", "dee"}


def closed(harvest: Harvest, ref: str, among: frozenset[str]) -> set[str]:
    """Who of these people is in a group."""
    inside: dict[str, set[str]] = {}
    for group, member, _ in harvest.rows("groups"):
        inside.setdefault(f"group:{group}", set()).add(member)
    found, waiting = set(), [ref]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += inside.get(one, ())
    return {who for who in among if ref == "everyone" or account(who) in found}


def mapped_allows(harvest: Harvest, coalition: frozenset[str]) -> bool:
    known = terms(harvest)
    for holder, action, target, needs in grants(harvest):
        if action not in ("push", "operate") or target not in (MAIN, f"asset:{REPO}", "asset:github/acme"):
            continue
        for asker in closed(harvest, holder, coalition):
            if not needs:
                return True
            able = closed(harvest, known[needs]["approvers"], coalition) - {asker}
            special = known[needs].get("from")
            if len(able) >= known[needs]["approvals"] and (
                not special or closed(harvest, special[0]["of"], coalition) - {asker}
            ):
                return True
    return False


def github_allows(
    coalition: frozenset[str], count: int, last: bool, public: bool, robot: bool, owners: frozenset[str], apart: bool
) -> bool:
    """Tries every author, pusher and set of approvals. An author may be one of them, the robot, a stranger whose
    request is open, or the second account of one (public repositories)."""
    writers = coalition & WRITE
    if not writers:
        return False
    readers = coalition - {"out"} if not public else coalition
    authors = {("person", who) for who in readers} | ({("robot", "")} if robot else set())
    if not apart:
        authors |= {("stranger", "")} | ({("second", "")} if public else set())
    for kind, author in authors:
        pushers = {("person", who) for who in writers} | ({("robot", "")} if robot else set())
        pushers |= {(kind, author)} if kind in ("person", "second") else set()
        if apart:
            pushers = {(kind, author)}
        for pusher in pushers:
            approvals = {("person", who) for who in writers} | ({("robot", "")} if robot else set())
            approvals -= {(kind, author)}
            if len(approvals) < count:
                continue
            if owners and not any(k == "person" and who in owners for k, who in approvals):
                continue
            if last and count and not approvals - {pusher}:
                continue
            return True
    return False


COALITIONS = [frozenset(c) for n in range(1, 6) for c in combinations(PEOPLE, n)]


@pytest.mark.parametrize(("public", "robot", "owned", "apart"), list(product((False, True), repeat=4)))
def test_nobody_gets_in_whom_the_estate_does_not_know(public: bool, robot: bool, owned: bool, apart: bool) -> None:
    for count, last in product((1, 2, 3), (False, True)):
        changes = {
            "repos/App/rulesets.json": [ruleset(count, last=last, owners=owned)],
            "repos/App/CODEOWNERS": b"* @dee",
            "repos/App/collaborators.json": [{"login": "dee", "role_name": "write"}],
            "workflow.json": {"can_approve_pull_request_reviews": robot},
            "repos.json": [{"name": "App", "visibility": "public" if public else "private", "default_branch": "main"}],
        }
        harvest = taken(changes, apart=apart)
        owners = frozenset({"dee"}) if owned else frozenset()
        for coalition in COALITIONS:
            real = github_allows(coalition, count, last, public, robot, owners, apart)
            said = mapped_allows(harvest, coalition)
            assert said or not real, (sorted(coalition), count, last)
            # Nor is it much wider: whoever is said to get in does so if one more who can write helps.
            if said and not real and not apart:
                assert any(
                    github_allows(coalition | {who}, count, last, public, robot, owners, apart) for who in WRITE
                ), (sorted(coalition), count, last)


# patterns

PATTERN = st.text("ab/*", max_size=8)


@given(PATTERN, st.text("ab/", max_size=8))
def test_patterns_match_as_a_regular_expression_says(pattern: str, name: str) -> None:
    within = re.compile("".join("[^/]*" if c == "*" else re.escape(c) for c in pattern))
    across = re.compile("".join(".*" if c == "*" else re.escape(c) for c in pattern))
    assert _surely(pattern, name) is bool(within.fullmatch(name))
    assert _perhaps(pattern, name) is bool(across.fullmatch(name))


def test_a_pattern_of_many_stars_is_quick() -> None:
    assert not _perhaps("*a" * 5_000 + "b", "a" * 50_000)


# monotone

PERMISSIONS = st.sampled_from(["read", "triage", "write", "maintain", "admin"])
MORE = st.sampled_from(["key", "member", "team", "bypass", "app", "collaborator", "robot"])


def reached(harvest: Harvest) -> set[frozenset[str]]:
    return {coalition for coalition in COALITIONS if mapped_allows(harvest, coalition)}


@given(st.integers(0, 2), st.booleans(), PERMISSIONS, st.lists(MORE, max_size=3), MORE)
def test_more_permissions_never_take_a_way_in_from_anybody(
    count: int, last: bool, role: str, before: list[str], more: str
) -> None:
    def made(steps: list[str]) -> Harvest:
        actors = [{"actor_type": "Team", "actor_id": 7}] if "bypass" in steps else []
        people = [{"login": "dee", "role_name": role}] if "collaborator" in steps else []
        members = [{"login": "Bo"}, *([{"login": "cy"}] if "team" in steps else [])]
        apps = [{"app_slug": "bot", "permissions": {"contents": "write"}}] if "app" in steps else []
        return taken(
            {
                "repos/App/rulesets.json": [ruleset(count, last=last, bypass_actors=actors)],
                "repos/App/collaborators.json": people,
                "teams/devs/members.json": members,
                "members.json": [*FILES["members.json"], *([{"login": "out"}] if "member" in steps else [])],
                "repos/App/keys.json": [{"id": 1, "title": "k", "read_only": False}] if "key" in steps else [],
                "installations.json": apps,
                "workflow.json": {"can_approve_pull_request_reviews": "robot" in steps},
            }
        )

    assert reached(made(before)) <= reached(made([*before, more]))
