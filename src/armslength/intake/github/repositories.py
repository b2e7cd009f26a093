"""One repository: who reads, pushes, operates; protected branches, environments and secrets within it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from armslength.intake.github.codeowners import owners_of_all
from armslength.intake.github.names import Names
from armslength.intake.github.organisation import LEVELS, ROLES, Environment, Organisation, Repository, Rule
from armslength.intake.harvest import Matter


@dataclass(frozen=True, slots=True)
class _Holder:
    """`past`: the role may lead past reviews."""

    ref: str
    level: str
    role: str
    past: bool
    origin: str

    def least(self, level: str) -> bool:
        return LEVELS.index(self.level) >= LEVELS.index(level)


def map_repository(repo: Repository, names: Names, pushers: dict[str, str], authors_apart: bool) -> None:
    """`pushers`: gets whoever can push to it, and where that stood."""
    _Mapping(repo, names, authors_apart).map(pushers)


class _Mapping:
    def __init__(self, repo: Repository, names: Names, authors_apart: bool) -> None:
        self.repo, self.names, self.authors_apart = repo, names, authors_apart
        self.h = names.harvest
        self.id = names.repository(repo)
        self.holders = [_holder(ref, role, origin, names) for ref, role, origin in _held(repo, names)]
        self.keys = self._keys()

    def _keys(self) -> list[tuple[str, str]]:
        repo, found = self.repo, []
        for key in repo.keys or ():
            id = f"{self.id}/deploy-key/{key.id}"
            note = f"who has the private key of deploy key {key.title or key.id} of {repo.name}"
            if key.writes:
                self.h.unknown(id, note, origin=key.origin)
                found.append((f"group:{id}", key.origin))
            elif repo.visibility in ("", "private"):  # others are read by everyone anyway
                self.h.unknown(id, note, origin=key.origin)
                self.h.grant(f"group:{id}", "read", f"asset:{self.id}", origin=key.origin)
        if repo.keys is None:
            id = f"{self.id}/deploy-keys"
            self.h.unknown(id, f"keys.json of {repo.name} was not given: who has deploy keys", origin=repo.origin)
            found.append((f"group:{id}", repo.origin))
        return found

    def map(self, pushers: dict[str, str]) -> None:
        repo, h = self.repo, self.h
        h.asset(self.id, kind="repository", within=self.names.id(), traits=self._traits(), origin=repo.origin)
        if repo.visibility not in ("", "private"):  # an internal one is open to all of the enterprise
            h.grant("everyone", "read", f"asset:{self.id}", origin=repo.origin)
        branches = self._branches()
        target = f"asset:{self.id}"
        pushed = target
        if branches:
            other = f"{self.id}/branch/*"
            h.asset(other, kind="branches", within=self.id, origin=repo.origin)
            pushed = f"asset:{other}"
        for holder in self.holders:
            if holder.level == "admin":
                h.grant(holder.ref, "operate", target, origin=holder.origin)
                continue
            h.grant(holder.ref, "read", target, origin=holder.origin)
            if holder.least("write"):
                h.grant(holder.ref, "push", pushed, origin=holder.origin)
        for ref, origin in self.keys:
            h.grant(ref, "read", target, origin=origin)
            h.grant(ref, "push", pushed, origin=origin)
        may_push = [(x.ref, x.origin) for x in self.holders if x.least("write")] + self.keys
        for ref, origin in may_push:
            pushers.setdefault(ref, origin)
        if branches or repo.environments or repo.secrets:
            self._groups(may_push)
        for rule in branches:
            self._branch(rule)
        for environment in repo.environments:
            self._environment(environment)
        if repo.secrets:
            asset, origin = f"{self.id}/secrets", repo.secrets[0].origin
            traits = [f"secret:{told.name}" for told in repo.secrets]
            h.asset(asset, kind="secrets", within=self.id, traits=traits, origin=origin)
            h.grant(self.pushers, "use", f"asset:{asset}", origin=origin)

    def _traits(self) -> tuple[str, ...]:
        default = (f"default:{self.repo.default}",) if self.repo.default else ()
        return (*self.repo.traits, *default)

    @property
    def pushers(self) -> str:
        return f"group:{self.id}/pushers"

    @property
    def writers(self) -> str:
        return f"group:{self.id}/writers"

    def _groups(self, may_push: list[tuple[str, str]]) -> None:
        """`writers` can approve; `pushers` have deploy keys as well."""
        h, keys = self.h, {ref for ref, _ in self.keys}
        writers, pushers = f"{self.id}/writers", f"{self.id}/pushers"
        h.group(writers, origin=self.repo.origin)
        h.group(pushers, origin=self.repo.origin)
        h.member(writers, self.names.owners, origin=self.repo.origin)
        h.member(pushers, f"group:{writers}", origin=self.repo.origin)
        for ref, origin in may_push:
            h.member(pushers if ref in keys else writers, ref, origin=origin)

    # protected branches

    def _needed(self, rule: Rule) -> int:
        """Approvals besides whoever asks. GitHub asks that the author does not approve; but the author may be the same
        person by a second account, or somebody whose open request was pushed to. Then whoever pushed approves as well,
        and where the last push must be approved by another, one other is enough for that. A workflow that can approve
        stands for one, and is another."""
        repo, asked = self.repo, rule.approvals
        if self.authors_apart:
            return max(0, asked - repo.robots_approve)
        another = rule.last_push and repo.visibility == "private" and not repo.robots_approve
        return max(1 if another and asked else 0, asked - 1 - repo.robots_approve)

    def _branches(self) -> list[Rule]:
        """The strongest rule of each branch that holds for somebody who can push; the others are as if not there."""
        best: dict[str, tuple[int, bool, Rule]] = {}
        for rule in self.repo.rules:
            why = rule.open
            if any(a.kind == "level" and a.name in ("read", "write") for a in rule.past):
                why = "whoever can write bypasses it"
            needed, owned = self._needed(rule), rule.approvals > 0 and bool(self._owners(rule))
            if not why and not needed and not owned:
                why = (
                    "no approval is required"
                    if not rule.approvals
                    else f"{rule.approvals} required by GitHub, none that one person cannot give: the author of a pull "
                    "request may be the same person by another account, somebody's whose request was pushed to, or a "
                    "workflow approves"
                )
            item = f"{self.id}/branch/{rule.branch}"
            if why:
                self.h.review(Matter.WIDER, item, f"reviews do not count: {why}", origin=rule.origin)
                continue
            if rule.branch not in best or (needed, owned) > best[rule.branch][:2]:
                best[rule.branch] = (needed, owned, rule)
        return [rule for _, _, rule in best.values()]

    def _owners(self, rule: Rule) -> tuple[str, ...]:
        """Owners of code who all can write, where all files have some; else none, and anybody's approval does. GitHub
        asks the file in the branch that is to change, and the default branch's is the one that was given."""
        asked = rule.owners and rule.branch == self.repo.default
        found = owners_of_all(self.repo.owners) if asked and self.repo.owners is not None else None
        refs = [_owner(owner, self.names) for owner in found or ()]
        writers = {x.ref for x in self.holders if x.least("write")}
        able = all(ref is not None and _writes(ref, writers, self.names) for ref in refs)
        return tuple(ref for ref in refs if ref is not None) if able else ()

    def _branch(self, rule: Rule) -> None:
        h, repo = self.h, self.repo
        asset = f"{self.id}/branch/{rule.branch}"
        needed, target = self._needed(rule), f"asset:{asset}"
        traits = ["default"] if rule.branch == repo.default else []
        h.asset(asset, kind="branch", within=self.id, traits=traits, origin=rule.origin)
        owners = self._owners(rule)
        if owners:
            group = f"{asset}/owners"
            h.group(group, origin=rule.origin)
            for ref in owners:
                h.member(group, ref, origin=rule.origin)
        approved: dict[str, object] = {"approvals": needed, "approvers": self.writers}
        if not owners or repo.robots_approve or not self.authors_apart:
            # One of the owners must be among those who act, and approves though it may be their own change.
            terms = self._terms(f"{asset}/reviews", approved, rule) if needed else ""
            holder = f"group:{asset}/owners" if owners else self.pushers
            h.grant(holder, "push", target, terms=terms, origin=rule.origin)
        if needed and (self.authors_apart or needed == rule.approvals):
            terms = f"{asset}/reviews"
            if owners:
                approved |= {"from": [{"of": f"group:{asset}/owners", "count": 1}]}
                terms = self._terms(f"{asset}/owner-reviews", approved, rule)
                h.grant(self.pushers, "push", target, terms=terms, origin=rule.origin)
            self._authors(target, terms, rule)
        self._past(rule, target)

    def _terms(self, id: str, document: dict[str, object], rule: Rule) -> str:
        self.h.terms(id, json.dumps(document), origin=rule.origin)
        return id

    def _authors(self, target: str, terms: str, rule: Rule) -> None:
        """Who reads can ask for a pull by way of a fork."""
        h, repo, names = self.h, self.repo, self.names
        if repo.visibility != "private":
            h.grant("everyone", "push", target, terms=terms, origin=rule.origin)
        elif repo.forks:
            if names.org.base:
                h.grant(names.members, "push", target, terms=terms, origin=rule.origin)
            for holder in self.holders:
                h.grant(holder.ref, "push", target, terms=terms, origin=holder.origin)

    def _past(self, rule: Rule, target: str) -> None:
        """Those whom the rule does not hold; administrators operate anyway."""
        h, names = self.h, self.names
        past = {x.ref: x.origin for x in self.holders if x.past}
        for actor in rule.past:
            match actor.kind:
                case "level":
                    past |= {x.ref: x.origin for x in self.holders if x.least(actor.name)}
                case "role":
                    past |= {x.ref: x.origin for x in self.holders if x.role == actor.name}
                case "key":
                    past |= dict(self.keys)
                case _:
                    past[names.actor(actor, rule.origin)] = rule.origin
        for ref, origin in past.items():
            h.grant(ref, "push", target, origin=origin)

    def _environment(self, environment: Environment) -> None:
        """Whoever pushes can change what a workflow does with the environment's secrets."""
        h, origin = self.h, environment.origin
        asset = f"{self.id}/environment/{environment.name}"
        h.asset(asset, kind="environment", within=self.id, origin=origin)
        terms = ""
        if environment.reviewers:
            group, terms = f"{asset}/reviewers", f"{asset}/reviews"
            h.group(group, origin=origin)
            for actor in environment.reviewers:
                h.member(group, self.names.actor(actor, origin), origin=origin)
            h.terms(terms, json.dumps({"approvals": 1, "approvers": f"group:{group}"}), origin=origin)
            if environment.self_review or not self.authors_apart:
                # Their own run, or one that a workflow started for them.
                h.grant(f"group:{group}", "deploy", f"asset:{asset}", origin=origin)
        h.grant(self.pushers, "deploy", f"asset:{asset}", terms=terms, origin=origin)
        if environment.limited:
            reason = "only certain branches deploy to it: taken as open to whoever can push any"
            h.review(Matter.WIDER, asset, reason, origin=origin)


def _held(repo: Repository, names: Names) -> list[tuple[str, str, str]]:
    org = names.org
    found = list(_teams(org, names).get(repo.name.lower(), ()))
    if repo.people is None:
        id = names.repository(repo, "collaborators")
        note = f"collaborators.json of {repo.name} was not given: who else can do what there"
        names.harvest.unknown(id, note, origin=repo.origin)
        found.append((f"group:{id}", "admin", repo.origin))
    for held in repo.people or ():
        found.append((names.account(held.holder, held.origin), held.role, held.origin))
    if org.base and ROLES.get(org.base) != "read":
        found.append((names.members, org.base, org.origin))
    for app in org.apps:
        if app.permissions.get("contents") in ("write", "admin"):
            found.append((names.app(app.slug, app.origin), "write", app.origin))
    return found


def _teams(org: Organisation, names: Names) -> dict[str, list[tuple[str, str, str]]]:
    """Roles of teams by repository, found once for all."""
    if names.held is None:
        names.held = {}
        for team in org.teams.values():
            ref = f"group:{names.id('team', team.slug)}"
            for repo, role, origin in team.repositories:
                names.held.setdefault(repo.lower(), []).append((ref, role, origin))
    return names.held


def _holder(ref: str, role: str, origin: str, names: Names) -> _Holder:
    key = role.lower()
    if key in ROLES:
        return _Holder(ref, ROLES[key], key, False, origin)
    if key in names.org.roles:
        level, past = names.org.roles[key]
        return _Holder(ref, level, key, past, origin)
    reason = "a role that custom-roles.json does not describe: taken for admin"
    names.harvest.review(Matter.WIDER, f"role {role or 'without a name'}", reason, origin=origin)
    return _Holder(ref, "admin", key, True, origin)


def _owner(owner: str, names: Names) -> str | None:
    """An owner as a reference; None for another organisation's team and one that cannot own code."""
    login, slash, slug = owner.removeprefix("@").partition("/")
    if not slash:
        return f"group:{names.harvest.id(f'@{login}')}"
    team = names.org.teams.get(slug)
    if login != names.org.login or team is None or team.secret:
        return None
    return f"group:{names.id('team', slug)}"


def _writes(ref: str, writers: set[str], names: Names) -> bool:
    """Whether it can write by itself, or as the child of a team that can."""
    prefix = f"group:{names.id('team')}/"
    seen = set()
    while ref not in writers:
        team = names.org.teams.get(ref.removeprefix(prefix)) if ref.startswith(prefix) else None
        if team is None or not team.parent or ref in seen:
            return False
        seen.add(ref)
        ref = f"{prefix}{team.parent}"
    return True
