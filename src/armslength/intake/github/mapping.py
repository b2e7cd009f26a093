"""Documents of GitHub organisations become accounts, teams, repositories and who may do what to them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from armslength.intake.github.documents import HOW, Folder
from armslength.intake.github.export import read_export
from armslength.intake.github.names import Names
from armslength.intake.github.organisation import App, Organisation
from armslength.intake.github.peribolos import read_configs
from armslength.intake.github.repositories import map_repository
from armslength.intake.harvest import Harvest, Matter
from armslength.intake.problem import Problems

MAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
_POWER = ("administration", "organization_administration")
_HARMLESS = ("metadata", "contents", "members", *_POWER)
"""What apps may do and this maps."""


def map_github(
    documents: Mapping[str, bytes], harvest: Harvest, problems: Problems, *, authors_apart: bool = False
) -> None:
    """`documents`: the files of an export or a config, by their path in it. `authors_apart`: take the author of a pull
    request for another person than those who approve it, as GitHub means it and does not make sure.

    Raises `IntakeError` with everything that is wrong.
    """
    roots = [name.removesuffix("org.json") for name in documents if f"/{name}".endswith("/org.json")]
    found = []
    rest = dict(documents)
    for root in roots:
        folder = Folder(root, documents, problems)
        found.append(read_export(folder))
        rest = {name: data for name, data in rest.items() if not name.startswith(root)}
    configs = {name: data for name, data in rest.items() if name.lower().endswith((".yaml", ".yml"))}
    written, strange = read_configs(configs, problems)
    for org in written:
        if any(org.login == other.login for other in found):
            problems.add(org.origin.split(" ")[0], f"{org.login} is in an export as well: expected one of the two")
    found += written
    if not found and not problems:
        problems.add(next(iter(documents), "github"), f"no document tells an organisation: {HOW}")
    logins = [org.login for org in found]
    for org in found:
        if logins.count(org.login) > 1 and org not in written:
            problems.add(org.origin.split(" ")[0], f"{org.login} comes twice: expected each organisation once")
    problems.stop()
    others = list(dict.fromkeys((*strange, *(name for name in rest if name not in configs))))
    if others:
        reason = f"{len(others):,} files are no part of a config or an export, such as {others[0]}"
        harvest.review(Matter.UNMAPPED, "other files", reason, origin=others[0])
    for org in found:
        _Mapping(org, harvest).map(authors_apart)


class _Mapping:
    def __init__(self, org: Organisation, harvest: Harvest) -> None:
        self.org, self.harvest = org, harvest
        self.names = Names(org, harvest)

    def map(self, authors_apart: bool) -> None:
        org, h, names = self.org, self.harvest, self.names
        h.asset(names.id(), kind="organisation", origin=org.origin)
        self.people()
        self.teams()
        for app in org.apps:
            self.app(app)
        pushers: dict[str, str] = {}
        for repo in org.repositories.values():
            map_repository(repo, names, pushers, authors_apart)
        if org.secrets:
            self.secrets(pushers)
        for matter, item, reason, origin in org.notes:
            h.review(Matter(matter), item, reason, origin=origin)

    def people(self) -> None:
        org, h, names = self.org, self.harvest, self.names
        owners, members = names.id("owners"), names.id("members")
        h.group(owners, origin=org.origin)
        for told in org.owners:
            h.member(owners, names.account(told.name, told.origin), origin=told.origin)
        h.grant(names.owners, "operate", names.asset(), origin=org.origin)
        for group in (owners, members):
            h.grant(names.owners, "enroll", f"group:{group}", origin=org.origin)
        if org.members is None:
            h.unknown(members, f"the members of {org.login} were not given", origin=org.origin)
        else:
            h.group(members, origin=org.origin)
        h.member(members, names.owners, origin=org.origin)
        for told in org.members or ():
            h.member(members, names.account(told.name, told.origin), origin=told.origin)
        if org.base:
            h.grant(names.members, "read", names.asset(), origin=org.origin)
        if org.enterprise:
            id = names.id("enterprise-owners")
            note = f"owners of the enterprise that {org.login} may belong to, who can make themselves owners of it"
            h.unknown(id, note, origin=org.origin)
            h.grant(f"group:{id}", "operate", names.asset(), origin=org.origin)
            h.grant(f"group:{id}", "enroll", names.owners, origin=org.origin)
        teams = (told for team in org.teams.values() for told in (*(team.members or ()), *team.maintainers))
        for told in (*org.owners, *(org.members or ()), *teams):
            if told.mail and MAIL.fullmatch(told.mail):
                h.identifier(names.account(told.name, told.origin), "mail", told.mail, origin=told.origin)
        for login, said, origin in org.identities:
            who = names.account(login, origin)
            if MAIL.fullmatch(said):
                h.identifier(who, "mail", said, origin=origin)
            else:
                h.identifier(who, "subject", said, origin=origin)

    def teams(self) -> None:
        org, h, names = self.org, self.harvest, self.names
        for team in org.teams.values():
            id = names.id("team", team.slug)
            if team.members is None:
                h.unknown(id, f"the members of team {team.slug} were not given", origin=team.origin)
            elif not team.whole:
                h.unknown(id, f"the maintainers of team {team.slug} were not given", origin=team.origin)
            else:
                h.group(id, origin=team.origin)
            for told in {told.name.lower(): told for told in team.members or team.maintainers}.values():
                h.member(id, names.account(told.name, told.origin), origin=told.origin)
            for told in team.maintainers:
                h.grant(names.account(told.name, told.origin), "enroll", f"group:{id}", origin=told.origin)
            h.grant(names.owners, "enroll", f"group:{id}", origin=team.origin)
            if team.parent:
                # What a parent may do its children may: their members count for it.
                parent = names.team(team.parent, team.origin)
                h.member(parent.removeprefix("group:"), f"group:{id}", origin=team.origin)

    def app(self, app: App) -> None:
        h, names, may = self.harvest, self.names, app.permissions
        who = names.app(app.slug, app.origin)
        if any(may.get(key) in ("write", "admin") for key in _POWER):
            h.grant(who, "operate", names.asset(), origin=app.origin)
        if may.get("contents"):
            h.grant(who, "read", names.asset(), origin=app.origin)
        if may.get("members") in ("write", "admin"):
            for group in ("owners", "members"):
                h.grant(who, "enroll", f"group:{names.id(group)}", origin=app.origin)
            for team in self.org.teams.values():
                h.grant(who, "enroll", f"group:{names.id('team', team.slug)}", origin=app.origin)
        rest = sorted(key for key, level in may.items() if level in ("write", "admin") and key not in _HARMLESS)
        if rest:
            reason = f"may also write {', '.join(rest)}: what that leads to is not told here"
            h.review(Matter.UNMAPPED, f"app {app.slug}", reason, origin=app.origin)

    def secrets(self, pushers: Mapping[str, str]) -> None:
        """Whoever pushes to some repository can run a workflow there that tells the organisation's secrets."""
        org, h, names = self.org, self.harvest, self.names
        group, asset = names.id("pushers"), names.id("secrets")
        first = org.secrets[0].origin
        h.group(group, origin=first)
        for ref, origin in pushers.items():
            h.member(group, ref, origin=origin)
        traits = [f"secret:{told.name}" for told in org.secrets]
        h.asset(asset, kind="secrets", within=names.id(), traits=traits, origin=first)
        h.grant(f"group:{group}", "use", f"asset:{asset}", origin=first)
        reason = "secrets of the organisation are taken for open to whoever pushes to any repository"
        h.review(Matter.WIDER, asset, reason, origin=first)
