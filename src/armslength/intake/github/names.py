"""References of one organisation's accounts, teams and apps; whoever is named and not told becomes an unknown group."""

from __future__ import annotations

from armslength.intake.github.organisation import Actor, Organisation, Repository
from armslength.intake.harvest import Harvest


class Names:
    def __init__(self, org: Organisation, harvest: Harvest) -> None:
        self.org, self.harvest = org, harvest
        self._accounts: dict[str, str] = {}
        self.held: dict[str, list[tuple[str, str, str]]] | None = None
        """Roles of teams (reference, role, origin) by repository, once somebody asked."""

    def id(self, *parts: str) -> str:
        return self.harvest.id(self.org.login, *parts)

    def asset(self, *parts: str) -> str:
        return f"asset:{self.id(*parts)}"

    def repository(self, repo: Repository, *parts: str) -> str:
        return self.id("repo", repo.name, *parts)

    @property
    def owners(self) -> str:
        return f"group:{self.id('owners')}"

    @property
    def members(self) -> str:
        return f"group:{self.id('members')}"

    def account(self, login: str, origin: str) -> str:
        """Logins are the same in any letter case, and across organisations."""
        ref = self._accounts.get(login)
        if ref is None:
            id = self.harvest.id(f"@{login.lower()}")  # an organisation's name has no such sign
            ref = self._accounts[login] = f"group:{id}"
            self.harvest.account(id, origin=origin)
            self.harvest.identifier(ref, "login", f"github:{login.lower()}", origin=origin)
        return ref

    def team(self, slug: str, origin: str) -> str:
        id = self.id("team", slug.lower())
        if slug.lower() not in self.org.teams:
            self.harvest.unknown(id, f"team {slug} of {self.org.login}, which the export does not have", origin=origin)
        return f"group:{id}"

    def app(self, slug: str, origin: str) -> str:
        id = self.id("app", slug.lower())
        note = f"who runs the app {slug} or has its key, which the organisation {self.org.login} lets in"
        self.harvest.unknown(id, note, origin=origin)
        return f"group:{id}"

    def other(self, name: str, origin: str) -> str:
        id = self.id("other", name)
        self.harvest.unknown(id, f"goes past a ruleset of {self.org.login}, and who it is was not told", origin=origin)
        return f"group:{id}"

    def actor(self, actor: Actor, origin: str) -> str:
        match actor.kind:
            case "user":
                return self.account(actor.name, origin)
            case "team":
                return self.team(actor.name, origin)
            case "app":
                return self.app(actor.name, origin)
            case _:
                return self.other(actor.name, origin)
