"""Small exports of an organisation `acme`, changed file by file."""

from __future__ import annotations

import json
from typing import Any

from armslength.intake import Harvest, Problems
from armslength.intake.github import map_github

ORG = {"login": "Acme", "default_repository_permission": "read", "plan": {"name": "team"}}
FILES: dict[str, Any] = {
    "org.json": ORG,
    "owners.json": [{"login": "Olga"}],
    "members.json": [{"login": "Ana"}, {"login": "Bo"}, {"login": "Cy"}],
    "teams.json": [{"id": 7, "slug": "devs", "privacy": "closed"}],
    "teams/devs/members.json": [{"login": "Bo"}],
    "teams/devs/maintainers.json": [{"login": "Ana"}],
    "teams/devs/repos.json": [{"name": "App", "role_name": "write"}],
    "installations.json": {"installations": []},
    "workflow.json": {"can_approve_pull_request_reviews": False},
    "repos.json": [{"name": "App", "visibility": "private", "default_branch": "main", "topics": ["pay"]}],
    "repos/App/collaborators.json": [],
    "repos/App/keys.json": [],
}
REPO = "github/acme/repo/App"
MAIN = f"asset:{REPO}/branch/main"
OTHER = f"asset:{REPO}/branch/*"
DEVS = "group:github/acme/team/devs"
PUSHERS, WRITERS = f"group:{REPO}/pushers", f"group:{REPO}/writers"


def account(login: str) -> str:
    return f"group:github/@{login}"


def encoded(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def taken(changes: dict[str, Any] | None = None, *, apart: bool = False, **whole: Any) -> Harvest:
    """`changes`: files by path, None for one that is not there."""
    files = {**FILES, **(changes or {})}
    documents = {f"acme/{path}": encoded(value) for path, value in files.items() if value is not None}
    return mapped(documents, apart=apart)


def mapped(documents: dict[str, bytes], *, apart: bool = False) -> Harvest:
    harvest = Harvest(name="github", kind="github")
    map_github(documents, harvest, Problems(), authors_apart=apart)
    return harvest


def rows(harvest: Harvest, table: str, cells: int) -> set[tuple[str, ...]]:
    return {row[:cells] for row in harvest.rows(table)}


def grants(harvest: Harvest, *targets: str) -> set[tuple[str, ...]]:
    """Holder, action, target, terms, of these targets or all."""
    return {row for row in rows(harvest, "grants", 4) if not targets or row[2] in targets}


def terms(harvest: Harvest) -> dict[str, Any]:
    return {row[0]: json.loads(row[1]) for row in harvest.rows("terms")}


def reviews(count: int = 1, *, last: bool = True, **more: Any) -> dict[str, Any]:
    """Classic protection of main that holds for a private repository."""
    asked = {"required_approving_review_count": count, "require_last_push_approval": last, **more}
    return {"branch": "main", "protection": {"required_pull_request_reviews": asked}}


def ruleset(count: int = 1, *, last: bool = True, owners: bool = False, **more: Any) -> dict[str, Any]:
    asked = {
        "required_approving_review_count": count,
        "require_last_push_approval": last,
        "require_code_owner_review": owners,
    }
    return {
        "id": 1,
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "bypass_actors": [],
        "rules": [{"type": "pull_request", "parameters": asked}],
        **more,
    }
