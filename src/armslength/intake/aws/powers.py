"""From the ways that an identity has to powers: who it can become, and what it can give itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from armslength.intake.aws.account import Documents, Identity
from armslength.intake.aws.identities import Identities, services
from armslength.intake.aws.limit import Limits, Permission
from armslength.intake.aws.pattern import covers, overlap
from armslength.intake.aws.remark import Remarks
from armslength.intake.aws.way import (
    BE_ROLE,
    BE_USER,
    CENTER,
    DIRECTORY,
    JOIN_GROUP,
    LEAVING,
    ORGANIZATION,
    PASS,
    PASSED,
    REWRITE,
    RUNNING,
    UNBOUND_ROLE,
    UNBOUND_USER,
    VERSION,
)
from armslength.intake.harvest import Harvest, Matter

MOST_APART = 200
"""Identities of a kind that are looked at one by one where a limit leaves some out; with more it is all of them."""

Ways = Mapping[str, Iterable[Permission]]
Power = tuple[str, str, str]
"""(operate or enroll, target, origin)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Powers:
    documents: Documents
    identities: Identities
    harvest: Harvest
    remarks: Remarks
    held: Mapping[str, frozenset[str]]
    """Managed policies that somebody has, or is limited by, by account."""
    bound: Mapping[tuple[str, str], tuple[str, ...]]
    """ARNs of users and roles that have a boundary, by account and kind."""
    centered: tuple[Identity, ...]
    """The roles that Identity Center made."""

    def of(self, who: Identity, ways: Ways, limits: Limits) -> Iterator[Power]:
        if not ways:
            return
        yield from self._anything(who, ways)
        for action in sorted(BE_USER & ways.keys()):
            yield from self._become(who, "user", action, ways[action], limits)
        for action in sorted(BE_ROLE & ways.keys()):
            yield from self._become(who, "role", action, ways[action], limits)
        for action in sorted(JOIN_GROUP & ways.keys()):
            yield from self._become(who, "group", action, ways[action], limits)
        for service, actions in RUNNING.items():
            if (who.account, service) in self.identities.services and (found := sorted(actions & ways.keys())):
                origin = _origin(ways[found[0]])
                yield "enroll", f"group:{self.identities.every_of(who.account, service, origin)}", origin
        if PASS in ways:
            yield from self._pass(who, ways, limits)
        yield from self._wide(who, ways)

    def _anything(self, who: Identity, ways: Ways) -> Iterator[Power]:
        """What an identity is given counts for whoever has that identity, so it does not matter to whom."""
        target = f"asset:{self.harvest.id(who.account)}"
        for action in sorted(REWRITE & ways.keys()):
            for permission in ways[action]:
                kind = action.removeprefix("iam:attach").removeprefix("iam:put").removesuffix("policy")
                if not self.identities.names[who.account, kind].possible(permission.resource):
                    continue
                if not covers(permission.resource, who.arn):
                    self._say(who, f"may change policies of others ({action}): taken as administering the account")
                yield "operate", target, permission.origin
        for action in sorted(VERSION & ways.keys()):
            for permission in ways[action]:
                if any(overlap(permission.resource, arn) for arn in self.held.get(who.account, ())):
                    self._say(who, f"may change policies in use ({action}): taken as administering the account")
                    yield "operate", target, permission.origin
        for actions, kind in ((UNBOUND_USER, "user"), (UNBOUND_ROLE, "role")):
            bound = self.bound.get((who.account, kind), ())
            for action in sorted(actions & ways.keys()):
                for permission in ways[action]:
                    if any(covers(permission.resource, arn) for arn in bound):
                        self._say(who, f"may lift boundaries ({action}): taken as administering the account")
                        yield "operate", target, permission.origin

    def _become(
        self, who: Identity, kind: str, action: str, permissions: Iterable[Permission], limits: Limits
    ) -> Iterator[Power]:
        for permission in permissions:
            if permission.own_name and who.kind == "group":
                continue  # each member for their own name, which they are already
            for target in self.targets(who, kind, action, permission, limits):
                yield "enroll", target, permission.origin

    def targets(self, who: Identity, kind: str, action: str, permission: Permission, limits: Limits) -> Iterator[str]:
        """The identities of the account that a permission is for, but the one itself; or the group of all."""
        names = self.identities.names[who.account, kind]
        whole = names.whole(permission.resource)
        apart = bool(permission.no_resources or limits.denies) and len(names) <= MOST_APART
        if whole and not apart:
            if len(names):
                yield f"group:{self.identities.every_kind(who.account, kind, permission.origin)}"
            return
        for arn in names.all() if whole else names.fitting(permission.resource):
            if arn != who.arn and allowed(action, arn, permission, limits, who):
                yield f"group:{self.identities.by_arn(arn)}"

    def _pass(self, who: Identity, ways: Ways, limits: Limits) -> Iterator[Power]:
        names = self.identities.names[who.account, "role"]
        for permission in ways[PASS]:
            whole = names.whole(permission.resource)
            apart = bool(permission.no_resources or limits.denies) and len(names) <= MOST_APART
            fitting = names.all() if whole else names.fitting(permission.resource)
            if not apart and whole:
                for account, service in self._services(who.account):
                    if service != "federated" and self._starts(who, service, ways):
                        every = self.identities.every_of(account, service, permission.origin)
                        yield "enroll", f"group:{every}", permission.origin
                continue
            for arn in fitting:
                if arn == who.arn or not allowed(PASS, arn, permission, limits, who):
                    continue
                role = self.documents.accounts[who.account].roles[arn.rpartition("/")[2]]
                if any(self._starts(who, service, ways) for service in sorted(services(role) - {"federated"})):
                    yield "enroll", f"group:{self.identities.by_arn(arn)}", permission.origin

    def _services(self, account: str) -> list[tuple[str, str]]:
        return [key for key in self.identities.services if key[0] == account]

    def _starts(self, who: Identity, service: str, ways: Ways) -> bool:
        needed = PASSED.get(service)
        if needed is None:
            self._say(who, f"may pass a role to {service}: taken as acting as that role")
            return True
        return not needed.isdisjoint(ways.keys())

    def _wide(self, who: Identity, ways: Ways) -> Iterator[Power]:
        """The organization and Identity Center, which are above accounts."""
        organization, center = self.documents.organization, self.documents.center
        if organization.targets and (not organization.management or who.account == organization.management):
            for action in sorted(ORGANIZATION & ways.keys())[:1]:
                self._say(who, "may lift what the organization forbids: taken as administering its accounts")
                for account in self.documents.accounts:
                    yield "operate", f"asset:{self.harvest.id(account)}", _origin(ways[action])
        if organization.targets:
            for action in sorted(LEAVING & ways.keys()):
                self._say(who, "may take the account out of the organization: taken as administering it")
                yield "operate", f"asset:{self.harvest.id(who.account)}", _origin(ways[action])
        owner = center.owner or organization.management
        if (not owner or who.account in (owner, organization.management)) and self.centered:
            for action in sorted(CENTER & ways.keys())[:1]:
                self._say(who, "may give access through Identity Center: taken as administering every account")
                for account in self.documents.accounts:
                    yield "operate", f"asset:{self.harvest.id(account)}", _origin(ways[action])
            for action in sorted(DIRECTORY & ways.keys())[:1]:
                origin = _origin(ways[action])
                every = self.identities.every("identity", "every-role", self.centered, origin)
                yield "enroll", f"group:{every}", origin

    def _say(self, who: Identity, reason: str) -> None:
        self.remarks.say(Matter.WIDER, f"{who.account}/{who.kind}/{who.name}", reason, who.origin)


def allowed(action: str, arn: str, permission: Permission, limits: Limits, who: Identity) -> bool:
    """Whether the permission is for this one, and nothing refuses it."""
    if any(covers(pattern, arn) for pattern in permission.no_resources):
        return False
    return not limits.refused(action, action, arn, who.name if who.kind == "user" else "")


def _origin(permissions: Iterable[Permission]) -> str:
    return next(iter(permissions)).origin
