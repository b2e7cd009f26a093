"""What one statement gives within limits: verbs on places, and the permissions that are ways to more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from armslength.intake.aws.action import NAMED, parts, service_of
from armslength.intake.aws.limit import Limits, Permission, permissions
from armslength.intake.aws.pattern import covers, overlap, wild
from armslength.intake.aws.policy import Statement
from armslength.intake.aws.things import Place, place
from armslength.intake.aws.way import ALL, BY_SERVICE

ANY_RESOURCE = frozenset(["ssm"])
"""Services whose actions are on things of others as well."""
TOKENS = frozenset(["sts"])
"""Services that keep nothing: what they let one do is told by roles."""


@dataclass(frozen=True, slots=True)
class Share:
    """`ways`: by action. `wider`: whether NotAction or NotResource was taken for everything."""

    grants: tuple[tuple[str, Place], ...]
    ways: Mapping[str, tuple[Permission, ...]]
    wider: bool


class Owners:
    """Whose the things are whose ARNs do not say: of the account that says so, or else of those that name them."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}
        self._by: dict[str, set[str]] = {}
        self._also: dict[str, list[tuple[str, Place]]] = {}
        self._places: dict[tuple[str, str], Place] = {}

    def tell(self, arn: str, account: str) -> None:
        if account:
            self._told[place(arn, "").name] = account

    def named(self, arn: str, account: str) -> None:
        """The account's policies speak of it."""
        self._by.setdefault(place(arn, "").name, set()).add(account)

    def settle(self) -> list[str]:
        """To be called when all was told; names of things that several accounts speak of."""
        several = []
        for name, accounts in sorted(self._by.items()):
            owner = self._told.get(name)
            if owner is None:
                owner = self._told[name] = min(accounts)
                if len(accounts) > 1:
                    several.append(name)
            for account in accounts:
                if account != owner:
                    self.reachable(f"arn:aws:s3:::{name}", Place(owner, "s3", "", name), account)
        return several

    def reachable(self, arn: str, one: Place, account: str) -> None:
        """A thing of another account that this one's permissions count for."""
        self._also.setdefault(account, []).append((arn, one))

    def place(self, arn: str, account: str) -> Place:
        """To be asked once all is settled."""
        known = self._places.get((arn, account))
        if known is None:
            known = self._places[arn, account] = self._place(arn, account)
        return known

    def _place(self, arn: str, account: str) -> Place:
        found = place(arn, account)
        if found.service == "s3" and found.name and not arn.split(":", 5)[4]:
            return Place(self._told.get(found.name, account), "s3", found.region, found.name)
        return found

    def others(self, action: str, resource: str, account: str) -> Iterator[Place]:
        """Things of other accounts that the pattern may fit."""
        service = service_of(action)
        for arn, one in self._also.get(account, ()):
            fits = overlap(resource, arn) or overlap(resource, f"{arn}/*")
            if fits and (service in ("*", one.service) or service not in NAMED):
                yield one


def share(statement: Statement, account: str, limits: Limits, name: str, owners: Owners) -> Share:
    grants: dict[tuple[str, Place], None] = {}
    ways: dict[str, list[Permission]] = {}
    wider = False
    for permission in permissions(statement, limits, name):
        wider = wider or bool(permission.no_actions or permission.no_resources)
        for verb, one in _grants(permission, account, limits, name, owners):
            grants[verb, one] = None
        for way in _ways(permission.action):
            if any(covers(pattern, way) for pattern in permission.no_actions):
                continue
            if not limits.refused(way, way, permission.resource, name):
                ways.setdefault(way, []).append(permission)
    return Share(tuple(grants), {way: tuple(found) for way, found in ways.items()}, wider)


def _ways(action: str) -> Iterator[str]:
    if not wild(action):
        if action in ALL:
            yield action
        return
    service = action.partition(":")[0]
    for way in ALL if wild(service) else BY_SERVICE.get(service, ()):
        if covers(action, way):
            yield way


def _grants(
    permission: Permission, account: str, limits: Limits, name: str, owners: Owners
) -> Iterator[tuple[str, Place]]:
    action, resource = permission.action, permission.resource
    service = service_of(action)
    if service in TOKENS or ":" not in action and not wild(action):
        return
    if resource == "*":
        one = Place(account, "" if service == "*" else service, "", "")
    else:
        one = owners.place(resource, account)
        if not one.service:
            one = Place(one.account, "" if service == "*" else service, "", "")
        elif not _on(service, one.service):
            return
    found = [
        verb
        for part, verb in parts(action)
        if not any(covers(pattern, part) for pattern in permission.no_actions)
        and not (limits.denies and limits.refused(part, action, resource, name))
    ]
    verbs = ("operate",) if "operate" in found else tuple(dict.fromkeys(found))
    if verbs and (wild(resource)):
        for other in owners.others(action, resource, account):
            for verb in verbs:
                yield verb, other
    for verb in verbs:
        yield verb, one


def _on(service: str, kept: str) -> bool:
    """Whether a service's actions may be on what another keeps."""
    return service == kept or service not in NAMED or kept not in NAMED or service in ANY_RESOURCE
