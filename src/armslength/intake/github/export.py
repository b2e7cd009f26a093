"""The folder of REST answers becomes an organisation. What was not given is unknown, never nothing."""

from __future__ import annotations

import re

from armslength.intake.github.documents import HOW, Folder, parts
from armslength.intake.github.organisation import (
    NAME,
    ROLES,
    Actor,
    App,
    Environment,
    Held,
    Key,
    Organisation,
    Repository,
    Team,
    Told,
)
from armslength.intake.github.rules import protection, ruleset
from armslength.intake.node import Node, spelled

_MORE_THAN_BASE = re.compile(r"bypass|push_protected|edit_repo_protections|manage_deploy_keys|ruleset", re.IGNORECASE)
"""Permissions of custom roles that may lead past reviews."""
_HARMLESS = re.compile(r"issue|label|discussion|milestone|assignee|pull_request|reviewer|duplicate|tag_protection")


def read_export(folder: Folder) -> Organisation:
    root = folder.node("org.json")
    if root is None:
        return Organisation(login="", origin="")
    return _Reading(folder, root).organisation()


def _id(node: Node) -> str:
    value = node.value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else node.text_or()


def _name(node: Node, key: str) -> str:
    return node.at(key).text()


def _plain(node: Node, key: str) -> str:
    """The name of an organisation, a team or a repository."""
    said = node.at(key).text()
    if said and NAME.fullmatch(said) is None:
        node.at(key).wrong(f"{spelled(said)}: expected a name of letters, digits, '.', '_' and '-'")
    return said


def _people(nodes: list[Node]) -> list[Told]:
    return [Told(_name(n, "login"), n.origin, n.at("email").text_or()) for n in nodes]


def _role(node: Node) -> str:
    if node.has("role_name"):
        return node.at("role_name").text()
    if node.has("permissions"):
        held = node.at("permissions").object()
        return next((role for role in ("admin", "maintain", "push", "triage", "pull") if held.get(role) is True), "")
    return node.at("permission").text()


class _Reading:
    def __init__(self, folder: Folder, root: Node) -> None:
        self.folder, self.root = folder, root
        self.org = Organisation(login=_plain(root, "login").lower(), origin=root.origin)
        self.team_ids: dict[str, str] = {}
        self.role_ids: dict[str, str] = {}

    def note(self, matter: str, item: str, reason: str) -> None:
        self.org.notes.append((matter, item, reason, self.org.origin))

    def organisation(self) -> Organisation:
        org, folder, root = self.org, self.folder, self.root
        base = root.at("default_repository_permission")
        if not root.has("default_repository_permission"):
            base.wrong(f"is missing, as for whoever is no owner: export as an owner; {HOW}")
        elif (said := base.text()) != "none":
            org.base = said
            if said not in ROLES:
                base.wrong(f"{said!r}: expected none, read, write or admin")
        else:
            org.base = ""
        plan = root.at("plan").at("name").text_or() if root.has("plan") else ""
        org.enterprise = plan in ("", "enterprise", "business_plus")
        if root.has("two_factor_requirement_enabled") and not root.at("two_factor_requirement_enabled").flag():
            self.note("unmapped", f"organisation {org.login}", "two-factor authentication is not required")
        org.owners = _people(folder.needed("owners.json", "who operates the organisation: members?role=admin"))
        members = folder.parts("members.json")
        org.members = None if members is None else _people(members)
        self.roles()
        self.teams()
        self.apps()
        org.secrets = self.secrets("secrets.json")
        self.identities()
        self.repositories()
        self.noted()
        for file in folder.full:
            reason = "has just as many things as a page: unless every page was asked for (--paginate), some are missing"
            self.note("unknown", file, reason)
        for file in folder.left():
            self.note("unmapped", file, "is none of the files that this reads")
        return org

    def roles(self) -> None:
        for node in self.folder.parts("custom-roles.json", "custom_roles") or []:
            name, base = _name(node, "name"), node.at("base_role").text()
            wanted = node.at("permissions").texts()
            past = any(_MORE_THAN_BASE.search(word) for word in wanted)
            if base not in ROLES:
                node.at("base_role").wrong(f"{base!r}: expected read, triage, write or maintain")
                continue
            self.org.roles[name.lower()] = (ROLES[base], past)
            self.role_ids[_id(node.at("id"))] = name.lower()
            if past:
                self.note(
                    "wider", f"role {name}", "has permissions that may lead past reviews: pushes count as unreviewed"
                )
            rest = [word for word in wanted if not _MORE_THAN_BASE.search(word) and not _HARMLESS.search(word)]
            if rest:
                self.note("unmapped", f"role {name}", f"permissions beyond {base}: {', '.join(sorted(rest))}")

    def teams(self) -> None:
        org, folder = self.org, self.folder
        for node in folder.needed("teams.json", "orgs/ORG/teams"):
            slug = _plain(node, "slug").lower()
            parent = node.at("parent").at("slug").text().lower() if node.has("parent") else ""
            secret = node.at("privacy").text_or("secret") == "secret"
            team = Team(slug=slug, origin=node.origin, parent=parent, secret=secret)
            if slug in org.teams:
                node.wrong(f"team {slug} comes twice: expected each once")
            org.teams[slug] = team
            self.team_ids[_id(node.at("id"))] = slug
            members = folder.parts(f"teams/{slug}/members.json")
            maintainers = folder.parts(f"teams/{slug}/maintainers.json")
            team.maintainers = _people(maintainers or [])
            team.whole = maintainers is not None
            team.members = None if members is None else [*team.maintainers, *_people(members)]
            for repo in folder.needed(f"teams/{slug}/repos.json", "what the team may do would be missing"):
                name = _plain(repo, "name")
                team.repositories.append((name, _role(repo), repo.origin))
                org.repository(name, repo.origin)

    def apps(self) -> None:
        found = self.folder.parts("installations.json", "installations")
        if found is None:
            self.org.apps.append(App(slug="not-told", origin=self.org.origin, permissions={"contents": "write"}))
            self.note("wider", "apps", "installations.json was not given: as if some app could push everywhere")
        for node in found or []:
            held = {key: part.text_or() for key, part in node.at("permissions").members()}
            slug = _name(node, "app_slug")
            self.org.apps.append(App(slug=slug, origin=node.origin, permissions=held))
            if node.at("repository_selection").text_or("all") != "all":
                self.note("wider", f"app {slug}", "is installed on some repositories: taken for all of them")

    def secrets(self, path: str) -> list[Told]:
        return [Told(_name(node, "name"), node.origin) for node in self.folder.parts(path, "secrets") or []]

    def identities(self) -> None:
        root = self.folder.node("identities.json")
        pages = list(parts(root)) if root is not None else []
        for page in pages:
            provider = page.at("data").at("organization").at("samlIdentityProvider")
            if provider.value is None:
                continue
            info = provider.at("externalIdentities").at("pageInfo")
            if page is pages[-1] and info.value is not None and info.at("hasNextPage").flag():
                info.wrong("says that there are more: expected every page, which gh api graphql --paginate gives")
            for node in provider.at("externalIdentities").at("nodes").items():
                if not node.has("user"):
                    continue
                login = node.at("user").at("login").text()
                for key, fields in (("samlIdentity", ("nameId", "username")), ("scimIdentity", ("username",))):
                    for field in fields if node.has(key) else ():
                        if said := node.at(key).at(field).text_or():
                            self.org.identities.append((login, said, node.origin))

    def noted(self) -> None:
        for path, what in (
            ("invitations.json", "invitations are pending: who accepts becomes a member"),
            ("members-2fa-disabled.json", "members sign in without a second factor"),
        ):
            found = self.folder.parts(path)
            if found:
                self.note("unmapped", path.removesuffix(".json"), f"{len(found):,} {what}")

    def repositories(self) -> None:
        org, folder = self.org, self.folder
        shared = folder.parts("rulesets.json")
        approve = _robots(folder.node("workflow.json"))
        listed: set[str] = set()
        for node in folder.needed("repos.json", "orgs/ORG/repos"):
            name = _plain(node, "name")
            repo = org.repository(name, node.origin)
            repo.origin, repo.default = node.origin, node.at("default_branch").text_or()
            private = node.at("private").flag()
            repo.visibility = node.at("visibility").text_or("private" if private else "public")
            repo.forks = node.at("allow_forking").flag(True)
            flags = [word for word in ("archived", "fork", "is_template") if node.at(word).flag()]
            topics = [f"topic:{topic}" for topic in node.at("topics").texts()]
            repo.traits = (f"visibility:{repo.visibility}", *flags, *topics)
            listed.add(name.lower())
            self.repository(repo, f"repos/{name}", shared or [], approve)
        for key, repo in org.repositories.items():
            if key not in listed:
                repo.people = repo.keys = None
                self.note("unknown", f"repository {repo.name}", "a team's list has it, and repos.json has not")

    def repository(self, repo: Repository, at: str, shared: list[Node], approve: bool | None) -> None:
        folder = self.folder
        people = folder.parts(f"{at}/collaborators.json")
        repo.people = None if people is None else [Held(_name(n, "login"), _role(n), n.origin) for n in people]
        keys = folder.parts(f"{at}/keys.json")
        repo.keys = None if keys is None else [_key(node) for node in keys]
        own = _robots(folder.node(f"{at}/workflow.json"))
        # A repository may be stricter than its organisation, never laxer; where neither is told, it may be so.
        repo.robots_approve = False if own is False or approve is False else True
        for node in folder.parts(f"{at}/protection.json") or []:
            repo.rules += protection(node, repo)
        for node in [*(folder.parts(f"{at}/rulesets.json") or []), *shared]:
            repo.rules += ruleset(node, repo, self.team_ids, self.role_ids)
        repo.environments = [_environment(n) for n in folder.parts(f"{at}/environments.json", "environments") or []]
        repo.secrets = self.secrets(f"{at}/secrets.json")
        repo.owners = folder.text(f"{at}/CODEOWNERS")


def _robots(node: Node | None) -> bool | None:
    if node is None or not node.has("can_approve_pull_request_reviews"):
        return None
    return node.at("can_approve_pull_request_reviews").flag()


def _key(node: Node) -> Key:
    id, title = _id(node.at("id")) or node.path, node.at("title").text_or()
    return Key(id=id, title=title, origin=node.origin, writes=not node.at("read_only").flag())


def _environment(node: Node) -> Environment:
    reviewers: list[Actor] = []
    self_review = True
    for rule in node.at("protection_rules").items():
        if rule.at("type").text() != "required_reviewers":
            continue
        self_review = not rule.at("prevent_self_review").flag()
        for item in rule.at("reviewers").items():
            user = item.at("type").text() == "User"
            who = item.at("reviewer")
            name = who.at("login" if user else "slug").text()
            reviewers.append(Actor(kind="user" if user else "team", name=name))
    return Environment(
        name=_name(node, "name"),
        origin=node.origin,
        reviewers=tuple(reviewers),
        self_review=self_review,
        limited=node.has("deployment_branch_policy"),
    )
