"""Accounts of AWS become rows: identities, what each may do within its limits, who may act as which role."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from armslength.intake.aws.account import Account, Documents, Identity, Policy
from armslength.intake.aws.center import give_center
from armslength.intake.aws.documents import read_aws
from armslength.intake.aws.identities import Identities
from armslength.intake.aws.limit import NONE, Limits, Permission, always, limits_of, organization_limits
from armslength.intake.aws.pattern import covers, wild
from armslength.intake.aws.policy import Statement, resolved
from armslength.intake.aws.powers import Powers, allowed
from armslength.intake.aws.remark import Remarks
from armslength.intake.aws.resource import Resources
from armslength.intake.aws.share import Owners, Share, share
from armslength.intake.aws.things import Names, Place, Things
from armslength.intake.aws.trust import Trust
from armslength.intake.aws.way import ASSUME
from armslength.intake.harvest import Harvest, Matter
from armslength.intake.problem import Problems

MOST_ROWS = 8
"""Things that a pattern fits, row by row for each holder; with more, a group of its holders has them."""


def map_aws(
    files: Mapping[str, bytes], harvest: Harvest, problems: Problems, tell: Callable[[str], None] = lambda _: None
) -> None:
    """`files`: documents by name. Raises `IntakeError` with all that is wrong; nothing is given then."""
    tell("reading documents")
    documents = read_aws(files, problems)
    tell("mapping accounts")
    _Mapping(documents, harvest).run()


class _Mapping:
    def __init__(self, documents: Documents, harvest: Harvest) -> None:
        self._documents, self._harvest = documents, harvest
        self._remarks = Remarks()
        self._owners = Owners()
        self._things = Things(harvest)
        self._identities = Identities(documents, harvest)
        self._trust = Trust(documents, self._identities, harvest, self._remarks)
        self._resources = Resources(documents, self._identities, harvest, self._remarks, self._owners)
        self._limits: dict[str, Limits] = {}
        self._shares: dict[tuple[Statement, str, Limits, str], Share] = {}
        self._delegated: dict[str, tuple[Names, dict[str, Identity]]] = {}
        self._by_name: dict[Limits, bool] = {}
        self._may: set[str] = set()
        self._said: set[Policy] = set()
        self._powers = Powers(
            documents=documents,
            identities=self._identities,
            harvest=harvest,
            remarks=self._remarks,
            held={account.id: _held(account) for account in documents.accounts.values()},
            bound={
                (account.id, kind): tuple(one.arn for one in known.values() if one.boundary)
                for account in documents.accounts.values()
                for kind, known in (("user", account.users), ("role", account.roles))
            },
            centered=tuple(
                role
                for account in documents.accounts.values()
                for role in account.roles.values()
                if role.name.startswith("AWSReservedSSO_")
            ),
        )

    def run(self) -> None:
        for item, reason, origin in self._documents.unread:
            self._harvest.review(Matter.UNMAPPED, item, reason, origin=origin)
        self._identities.give()
        told = give_center(self._documents, self._identities, self._harvest, self._remarks)
        for account in self._documents.accounts.values():
            self._limits[account.id], note = organization_limits(account, self._documents.organization)
            if note:
                self._remarks.say(Matter.WIDER, account.id, note, account.origin)
            for role in account.roles.values():
                self._trust.read(role, role.arn in told)
        self._places()
        for account in self._documents.accounts.values():
            asset = self._things.asset(Place(account.id, "", "", ""), account.origin)
            root = f"group:{self._harvest.id(account.id, 'root')}"
            self._harvest.grant(root, "operate", f"asset:{asset}", origin=account.origin)
            for one in (*account.groups.values(), *account.roles.values(), *account.users.values()):
                self._identity(one, account)
        for holder, verb, place, origin in self._resources.grants():
            self._harvest.grant(holder, verb, f"asset:{self._things.asset(place, origin)}", origin=origin)
        self._remarks.tell(self._harvest)

    # what there is

    def _places(self) -> None:
        """Everything that is named anywhere, before it is asked what a pattern fits."""
        self._resources.tell_owners()
        told = list(self._resource_patterns())
        for arn, account in told:
            if arn.startswith("arn:aws") and arn.split(":")[2:3] == ["s3"] and not wild(arn.split("/")[0]):
                self._owners.named(arn, account)
        for name in self._owners.settle():
            reason = "is named by several accounts: taken as open to whoever may use any bucket in one of them"
            self._remarks.say(Matter.WIDER, f"bucket {name}", reason, "")
        self._things.name(dict.fromkeys(self._owners.place(arn, account) for arn, account in told))
        self._things.name(self._resources.places())
        self._things.ready()

    def _resource_patterns(self) -> Iterator[tuple[str, str]]:
        organization = [s for policy in self._documents.organization.policies.values() for s in policy.statements]
        for account in self._documents.accounts.values():
            found: dict[str, None] = {}
            for statement in self._all(account, organization):
                if statement.allow and not statement.other_resources:
                    for resource in statement.resources:
                        if resource != "*":
                            found[resolved(resource, "")] = None
            for user in account.users.values():
                for statement in self._statements(user, account, own=False):
                    if statement.allow and statement.own_name:
                        found.update(dict.fromkeys(resolved(r, user.name) for r in statement.resources))
            yield from ((resource, account.id) for resource in found)

    def _all(self, account: Account, organization: Iterable[Statement]) -> Iterator[Statement]:
        for policy in account.policies.values():
            yield from policy.statements
        for one in (*account.users.values(), *account.groups.values(), *account.roles.values()):
            for policy in one.inline:
                yield from policy.statements
        yield from organization

    # what an identity has

    def _policies(self, one: Identity, account: Account) -> Iterator[Policy]:
        yield from one.inline
        for arn, origin in one.attached:
            policy = account.policies.get(arn)
            if policy is None:
                reason = "is attached, and what it says was not given: it may allow anything"
                self._remarks.say(Matter.UNKNOWN, arn, reason, origin)
                policy = _anything(arn, origin)
                account.policies[arn] = policy
            yield policy

    def _statements(self, one: Identity, account: Account, own: bool) -> list[Statement]:
        """`own`: without those that come through groups."""
        found = [s for policy in self._policies(one, account) for s in policy.statements]
        if not own:
            for name, _ in one.groups:
                if name in account.groups:
                    found += self._statements(account.groups[name], account, own=True)
        return found

    def _identity(self, one: Identity, account: Account) -> None:
        id = self._identities.id(one)
        holder = f"group:{id}"
        for policy in self._policies(one, account):
            self._conditions(policy)
        own = self._statements(one, account, own=True)
        whole = self._statements(one, account, own=False) if one.groups else own
        boundary = None
        if one.boundary:
            boundary = account.policies.get(one.boundary)
            if boundary is None:
                reason = "is a boundary, and what it says was not given: it limits nothing here"
                self._remarks.say(Matter.WIDER, one.boundary, reason, one.origin)
        limits = limits_of(one, whole, boundary, self._limits[account.id] if not one.linked else NONE)
        plain = one.kind == "user" and boundary is None and not always(whole)
        for name, origin in one.groups:
            if name not in account.groups:
                self._remarks.say(
                    Matter.UNKNOWN, f"{account.id}/group/{name}", "has a member and was not given", origin
                )
            elif plain:
                self._harvest.member(
                    self._identities.id(account.groups[name]), holder, origin=origin
                )  # fmt: skip
        # Where limits of its own apply, what comes through groups is told for the user, not through the group.
        through = [s for s in whole if s.own_name] if plain else whole
        given = {**dict.fromkeys(own), **dict.fromkeys(through)}
        name = one.name if one.kind == "user" else ""
        grants: dict[tuple[str, Place], str] = {}
        for statement in given:
            for verb, place in self._share(statement, account.id, limits, name).grants:
                grants.setdefault((verb, place), statement.origin)
        self._give(holder, account.id, grants)
        ways: dict[str, list[Permission]] = {}
        for statement in whole:
            for action, found in self._share(statement, account.id, limits, name).ways.items():
                ways.setdefault(action, []).extend(found)
        powers: dict[tuple[str, str], str] = {}
        for action, target, origin in self._powers.of(one, ways, limits):
            powers.setdefault((action, target), origin)
        for (action, target), origin in powers.items():
            if action == "operate":
                self._things.asset(Place(target.rpartition("/")[2], "", "", ""), origin)
            self._harvest.grant(holder, action, target, origin=origin)
        self._assumes(one, holder, ways.get(ASSUME, ()), limits)
        for policy in one.inline:  # nobody else asks for these
            for statement in policy.statements:
                self._shares.pop((statement, account.id, limits, ""), None)
                self._shares.pop((statement, account.id, limits, name), None)

    def _share(self, statement: Statement, account: str, limits: Limits, name: str) -> Share:
        key = (statement, account, limits, name if statement.own_name or self._personal(limits) else "")
        found = self._shares.get(key)
        if found is None:
            found = self._shares[key] = share(statement, account, limits, name, self._owners)
            if found.wider:
                reason = "NotAction or NotResource in an Allow: taken as all that it leaves"
                self._remarks.say(Matter.WIDER, statement.origin, reason, statement.origin)
        return found

    def _personal(self, limits: Limits) -> bool:
        """Whether the limits depend on who asks."""
        known = self._by_name.get(limits)
        if known is None:
            told = (s for layer in (*limits.layers, limits.denies) for s in layer)
            known = self._by_name[limits] = any("${" in resource for s in told for resource in s.resources)
        return known

    def _conditions(self, policy: Policy) -> None:
        if policy in self._said:
            return
        self._said.add(policy)
        conditional = [s for s in policy.statements if s.conditions]
        if any(s.allow for s in conditional):
            reason = "conditions of an Allow are not counted: it holds always"
            self._remarks.say(Matter.WIDER, f"policy {policy.name}", reason, policy.origin)
        if any(not s.allow for s in conditional):
            reason = "a Deny under conditions is not counted"
            self._remarks.say(Matter.WIDER, f"policy {policy.name}", reason, policy.origin)

    # rows

    def _give(self, holder: str, account: str, grants: Mapping[tuple[str, Place], str]) -> None:
        for (verb, one), origin in grants.items():
            around = (one, Place(one.account, one.service, "", ""), Place(one.account, "", "", ""))
            if any(("operate", other) in grants and (verb, one) != ("operate", other) for other in around):
                continue
            fitting = self._things.fitting(one)
            if len(fitting) > MOST_ROWS:
                self._harvest.member(self._may_do(verb, one, fitting, origin), holder, origin=origin)
                continue
            for thing in fitting:
                asset = self._things.asset(thing, origin)
                self._harvest.grant(holder, verb, f"asset:{asset}", origin=origin)

    def _may_do(self, verb: str, one: Place, fitting: Iterable[Place], origin: str) -> str:
        """The group of those who may do it to all that a pattern fits."""
        id = self._harvest.id(one.account, "may", verb, *one.parts[1:])
        if id not in self._may:
            self._may.add(id)
            self._harvest.group(id, origin=origin)
            for thing in fitting:
                asset = self._things.asset(thing, origin)
                self._harvest.grant(f"group:{id}", verb, f"asset:{asset}", origin=origin)
        return id

    def _assumes(self, one: Identity, holder: str, ways: Iterable[Permission], limits: Limits) -> None:
        name = one.name if one.kind == "user" else ""
        found: dict[str, str] = {}
        for role in self._trust.named.get((one.account, f"{one.kind}/{one.name}"), ()):
            if role.account == one.account:
                if not limits.refused(ASSUME, ASSUME, role.arn, name):
                    found.setdefault(self._identities.id(role), role.origin)
                continue
            for permission in ways:
                if covers(permission.resource, role.arn) and allowed(ASSUME, role.arn, permission, limits, one):
                    found.setdefault(self._identities.id(role), permission.origin)
        if one.account in self._trust.delegated and ways:
            names, roles = self._delegated_names(one.account)
            for permission in ways:
                apart = bool(permission.no_resources or limits.denies) and len(names) <= 200
                fitting = names.fitting(permission.resource)
                if len(fitting) == len(names) > 1 and not apart:
                    every = self._identities.every(one.account, "may-assume", roles.values(), permission.origin)
                    self._harvest.member(every, holder, origin=permission.origin)
                    continue
                for arn in fitting:
                    if allowed(ASSUME, arn, permission, limits, one):
                        found.setdefault(self._identities.id(roles[arn]), permission.origin)
        for role_id, origin in found.items():
            if f"group:{role_id}" != holder:
                self._harvest.member(role_id, holder, origin=origin)

    def _delegated_names(self, account: str) -> tuple[Names, dict[str, Identity]]:
        known = self._delegated.get(account)
        if known is None:
            roles = {role.arn: role for role in self._trust.delegated[account]}
            known = self._delegated[account] = (Names(roles, "*"), roles)
        return known


def _held(account: Account) -> frozenset[str]:
    """Policies of the customer that somebody has, or is limited by."""
    found = set()
    for one in (*account.users.values(), *account.groups.values(), *account.roles.values()):
        found |= {arn for arn, _ in one.attached} | {one.boundary}
    return frozenset(arn for arn in found if arn and ":iam::aws:" not in arn)


def _anything(arn: str, origin: str) -> Policy:
    """A policy of which no document was given."""
    allow = Statement(
        allow=True,
        actions=("*",),
        other_actions=False,
        resources=("*",),
        other_resources=False,
        principals=(),
        other_principals=False,
        conditions=(),
        own_name=False,
        origin=origin,
    )
    return Policy(arn=arn, name=arn.rpartition("/")[2], statements=(allow,), kept=False, origin=origin)
