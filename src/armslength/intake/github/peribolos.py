"""Configs of peribolos: `orgs:` in one file, or ORG/org.yaml with ORG/GROUP/teams.yaml, put together as kubernetes/org
does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from armslength.intake.github.organisation import NAME, ROLES, Held, Organisation, Team, Told
from armslength.intake.node import Node, spelled
from armslength.intake.problem import Problems
from armslength.intake.yaml_document import yaml_nodes

NOT_TOLD = (
    "a config does not tell branch protection, rulesets, deploy keys, apps, environments, secrets, collaborators or "
    "enterprise owners: pushes count as unreviewed, the rest is missing; the REST export has it"
)


def slug(name: str) -> str:
    """A team's name as GitHub's addresses, and its REST API, have it."""
    return re.sub(r"[^\w.-]+", "-", name.strip().lower())


def read_configs(files: Mapping[str, bytes], problems: Problems) -> tuple[list[Organisation], list[str]]:
    """The organisations, and the files that are no part of a config."""
    found: dict[str, Organisation] = {}
    folders: dict[str, Organisation] = {}
    parts: list[tuple[str, Node]] = []
    strange = []
    for file, data in files.items():
        folder, _, name = file.rpartition("/")
        stem = name.rpartition(".")[0]
        for root in yaml_nodes(file, data, problems):
            if isinstance(root.value, dict) and "orgs" in root.value:
                for login, node in root.at("orgs").members():
                    _organisation(login, node, found)
            elif stem == "org":
                login = folder.rpartition("/")[2]
                if login:
                    folders[folder] = _organisation(login, root, found)
                else:
                    root.wrong("tells no organisation's name: expected it in a folder of that name; give the folder")
            elif stem == "teams":
                parts.append((folder, root))
            else:
                strange.append(file)
    for folder, root in parts:
        into = folders.get(folder.rpartition("/")[0])
        if into is None:
            root.wrong("belongs to no org.yaml: expected one in the folder above")
        else:
            _teams(root.at("teams"), into, "")
    return list(found.values()), strange


def _organisation(login: str, node: Node, found: dict[str, Organisation]) -> Organisation:
    _plain(login, node)
    org = Organisation(login=login.lower(), origin=node.origin)
    if org.login in found:
        node.wrong(f"{login}: comes twice: expected each organisation once")
    found[org.login] = org
    org.notes.append(("unmapped", f"organisation {org.login}", NOT_TOLD, node.origin))
    base = node.at("default_repository_permission")
    if not node.has("default_repository_permission"):
        reason = "default_repository_permission is not set: taken for read, as GitHub does unless somebody changed it"
        org.notes.append(("unknown", f"organisation {org.login}", reason, node.origin))
    org.base = _base(base)
    org.owners = list(_logins(node.at("admins")))
    org.members = list(_logins(node.at("members")))
    _teams(node.at("teams"), org, "")
    if node.has("repos"):
        for name, repo in node.at("repos").members():
            _repository(name, repo, org)
    return org


def _base(node: Node) -> str:
    said = node.text_or("read")
    if said == "none":
        return ""
    if said not in ROLES:
        node.wrong(f"{said!r}: expected none, read, write or admin")
    return said


def _logins(node: Node) -> Iterator[Told]:
    for item in node.items():
        # An unquoted login of digits is a number to YAML.
        value = item.value
        whole = isinstance(value, int) and not isinstance(value, bool)
        if name := str(value) if whole else item.text():
            yield Told(name, item.origin)


def _teams(node: Node, org: Organisation, parent: str) -> None:
    waiting = [(name, part, parent) for name, part in node.members()] if node.value is not None else []
    for name, part, above in waiting:  # grows by the teams within
        key = slug(name)
        if not key or not name.isprintable():
            part.wrong("has no name: expected a team's")
            continue
        if key in org.teams:
            part.wrong(f"team {name} comes twice in {org.login}, here and in {org.teams[key].origin}: expected it once")
            continue
        team = Team(slug=key, origin=part.origin, parent=above, members=[])
        org.teams[key] = team
        if part.value is None:
            continue
        team.maintainers = list(_logins(part.at("maintainers")))
        team.members = [*team.maintainers, *_logins(part.at("members"))]
        for repo, role in _pairs(part.at("repos")):
            _plain(repo, role)
            team.repositories.append((repo, role.text(), role.origin))
            org.repository(repo, role.origin)
        waiting += [(inner, below, key) for inner, below in _pairs(part.at("teams"))]


def _plain(name: str, node: Node) -> None:
    if NAME.fullmatch(name) is None:
        node.wrong(f"{spelled(name)}: expected a name of letters, digits, '.', '_' and '-'")


def _pairs(node: Node) -> Iterator[tuple[str, Node]]:
    if node.value is not None:
        for name, part in node.members():
            if name.strip() and name.isprintable():
                yield name, part
            else:
                part.wrong("has no name: expected one without control characters")


def _repository(name: str, node: Node, org: Organisation) -> None:
    _plain(name, node)
    repo = org.repository(name, node.origin)
    if node.value is None:
        return
    repo.origin = node.origin
    repo.default = node.at("default_branch").text_or()
    if node.has("private"):
        repo.visibility = "private" if node.at("private").flag() else "public"
    traits = [f"visibility:{repo.visibility}"] if repo.visibility else []
    repo.traits = (*traits, *(["archived"] if node.at("archived").flag() else []))
    for login, role in _pairs(node.at("collaborators")):
        assert repo.people is not None
        repo.people.append(Held(login, role.text(), role.origin))
