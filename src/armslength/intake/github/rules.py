"""Branch protection and rulesets: how many must approve what comes to a branch, and who goes past that."""

from __future__ import annotations

import re
from collections.abc import Iterator

from armslength.intake.github.organisation import Actor, Repository, Rule
from armslength.intake.node import Node

_STANDARD = {"1": "read", "2": "maintain", "3": "write", "4": "write", "5": "admin"}
"""Roles by the number that rulesets know them by."""
_ODD = re.compile(r"[\[\]{}?\\]")


def protection(node: Node, repo: Repository) -> Iterator[Rule]:
    """One branch of protection.json: `{"branch": …, "protection": …}`."""
    branch, inside = node.at("branch").text(), node.at("protection")
    inside.object()
    reviews = inside.at("required_pull_request_reviews")
    needed = reviews.value is not None
    past: list[Actor] = []
    why = "" if needed else "no review is required"
    if needed and reviews.has("bypass_pull_request_allowances"):
        past = list(_allowed(reviews.at("bypass_pull_request_allowances")))
    for key, said in (("allow_force_pushes", "pushes can be forced"), ("allow_deletions", "it can be deleted")):
        # The default branch cannot be deleted; another one can come back with any content.
        if inside.has(key) and inside.at(key).at("enabled").flag() and not (said[0] == "i" and branch == repo.default):
            why = why or said
    if branch:
        yield Rule(
            branch=branch,
            approvals=reviews.at("required_approving_review_count").whole(0) if needed else 0,
            owners=needed and reviews.at("require_code_owner_reviews").flag(),
            last_push=needed and reviews.at("require_last_push_approval").flag(),
            past=tuple(past),
            open=why,
            origin=node.origin,
        )


def _allowed(node: Node) -> Iterator[Actor]:
    for key, kind, field in (("users", "user", "login"), ("teams", "team", "slug"), ("apps", "app", "slug")):
        for item in node.at(key).items():
            yield Actor(kind=kind, name=item.at(field).text())


def ruleset(node: Node, repo: Repository, teams: dict[str, str], roles: dict[str, str]) -> list[Rule]:
    """What a ruleset asks of the branches of a repository that it surely covers."""
    if node.at("target").text_or("branch") != "branch" or node.at("enforcement").text_or("active") != "active":
        return []
    conditions = node.at("conditions")
    if conditions.value is not None and not _of_repository(conditions, repo):
        return []
    refs = conditions.at("ref_name") if conditions.has("ref_name") else None
    found = []
    kinds = {rule.at("type").text() for rule in node.at("rules").items()}
    for rule in node.at("rules").items():
        if rule.at("type").text() != "pull_request":
            continue
        asked = rule.at("parameters")
        for branch in _branches(refs, repo):
            safe = branch == repo.default or "deletion" in kinds
            told = node.has("bypass_actors")
            why = "" if safe else "it can be deleted and made again"
            yielded = Rule(
                branch=branch,
                approvals=asked.at("required_approving_review_count").whole(0),
                owners=asked.at("require_code_owner_review").flag(),
                last_push=asked.at("require_last_push_approval").flag(),
                past=tuple(_bypass(node.at("bypass_actors"), teams, roles)),
                open=why if told else "who bypasses the ruleset was not told",
                origin=rule.origin,
            )
            found.append(yielded)
    return found


def _bypass(node: Node, teams: dict[str, str], roles: dict[str, str]) -> Iterator[Actor]:
    for item in node.items():
        value = item.at("actor_id").value
        id, kind = str(value) if isinstance(value, int) else "", item.at("actor_type").text()
        match kind:
            case "OrganizationAdmin":
                pass  # owners operate on everything anyway
            case "RepositoryRole" if id in _STANDARD:
                yield Actor(kind="level", name=_STANDARD[id])
            case "RepositoryRole":
                yield Actor(kind="role", name=roles[id]) if id in roles else Actor(kind="level", name="write")
            case "Team":
                yield Actor(kind="team", name=teams.get(id, f"id-{id}"))
            case "DeployKey":
                yield Actor(kind="key", name="")
            case "Integration":
                yield Actor(kind="other", name=f"app-{id}")
            case _:
                yield Actor(kind="other", name=f"{kind.lower()}-{id}")


def _of_repository(node: Node, repo: Repository) -> bool:
    """Whether an organisation's ruleset surely covers it: conditions that cannot be told from here do not count."""
    if not node.has("repository_name"):
        return not (node.has("repository_id") or node.has("repository_property"))
    names = node.at("repository_name")
    return any(_surely(pattern, repo.name) for pattern in names.at("include").texts()) and not any(
        _perhaps(pattern, repo.name) for pattern in names.at("exclude").texts()
    )


def _branches(refs: Node | None, repo: Repository) -> list[str]:
    """The default branch, and those that are named in full, where they are surely covered."""
    if refs is None:
        return [repo.default] if repo.default else []
    wanted, unwanted = refs.at("include").texts(), refs.at("exclude").texts()
    names = dict.fromkeys([repo.default] if repo.default else [])
    names |= dict.fromkeys(
        p.removeprefix("refs/heads/") for p in wanted if p.startswith("refs/heads/") and not _wild(p) and p[11:]
    )

    def is_default(pattern: str, name: str) -> bool:
        return pattern == "~DEFAULT_BRANCH" and name == repo.default

    return [
        name
        for name in names
        if any(is_default(p, name) or _surely(p, f"refs/heads/{name}") for p in wanted)
        and not any(is_default(p, name) or _perhaps(p, f"refs/heads/{name}") for p in unwanted)
    ]


def _wild(pattern: str) -> bool:
    return "*" in pattern or _ODD.search(pattern) is not None


def _surely(pattern: str, name: str) -> bool:
    """Whether a pattern matches however GitHub reads it: a star stays within one part between slashes."""
    return pattern == "~ALL" or _ODD.search(pattern) is None and _stars(pattern, name, "/")


def _perhaps(pattern: str, name: str) -> bool:
    """Whether a pattern may match, letter case aside, a star standing for anything."""
    return pattern == "~ALL" or _ODD.search(pattern) is not None or _stars(pattern.lower(), name.lower(), "")


def _stars(pattern: str, name: str, stop: str) -> bool:
    """Each piece is found as early as it can be, so that no pattern takes long."""
    if stop:
        parts, names = pattern.split(stop), name.split(stop)
        return len(parts) == len(names) and all(_stars(p, n, "") for p, n in zip(parts, names, strict=True))
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == name
    *middle, last = rest
    if not name.startswith(first):
        return False
    at = len(first)
    for piece in middle:
        at = name.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return len(name) - at >= len(last) and name.endswith(last)
