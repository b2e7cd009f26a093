"""What an identity may do at most: boundary, policies of the organization, refusals. Only what always holds counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from armslength.intake.aws.account import Account, Identity, Organization, Policy
from armslength.intake.aws.pattern import covers, covers_arn, overlap
from armslength.intake.aws.policy import Statement, resolved

MOST = 64
"""Parts that an allowance is cut into by one limit; beyond, it stays whole."""


@dataclass(frozen=True, slots=True)
class Permission:
    """An action and a resource, as patterns, that may be had; less what `no_actions` and `no_resources` name."""

    action: str
    resource: str
    no_actions: tuple[str, ...]
    no_resources: tuple[str, ...]
    own_name: bool
    origin: str


@dataclass(frozen=True, slots=True)
class Limits:
    """`layers`: of each, one statement at least must allow. `denies`: none may refuse. Equal ones are one."""

    layers: tuple[tuple[Statement, ...], ...] = ()
    denies: tuple[Statement, ...] = ()

    def refused(self, action: str, of: str, resource: str, name: str) -> bool:
        """Whether some refusal covers all of `action` (or of what it is a part of) on the resource."""
        return any(_covers_action(deny, action, of) and _covers_resource(deny, resource, name) for deny in self.denies)


NONE = Limits()


def _covers_action(deny: Statement, action: str, of: str) -> bool:
    if deny.other_actions:
        return not any(overlap(pattern, action) for pattern in deny.actions) or not any(
            overlap(pattern, of) for pattern in deny.actions
        )
    return any(covers(pattern, action) or covers(pattern, of) for pattern in deny.actions)


def _covers_resource(deny: Statement, resource: str, name: str) -> bool:
    if deny.other_resources:
        # What stands for an unknown value leaves more out of the refusal, not less.
        return not any(overlap(resolved(pattern, name), resource) for pattern in deny.resources)
    told = (resolved(pattern, name) if name else pattern for pattern in deny.resources)
    return any("${" not in pattern and covers_arn(pattern, resource) for pattern in told if _exact(pattern, deny))


def _exact(pattern: str, deny: Statement) -> bool:
    """A variable that became a star would refuse more than is refused."""
    return "*" not in pattern or pattern in deny.resources


def permissions(statement: Statement, limits: Limits, name: str) -> list[Permission]:
    """What a statement gives within the limits; for a user by name."""
    if not statement.allow:
        return []
    found = [
        Permission(
            action,
            resource,
            statement.actions if statement.other_actions else (),
            statement.resources if statement.other_resources and "${" not in "".join(statement.resources) else (),
            statement.own_name,
            statement.origin,
        )
        for action in (("*",) if statement.other_actions else statement.actions)
        for resource in ("*",)
        if statement.other_resources or not statement.resources
    ]
    if not found:
        told = tuple(dict.fromkeys(resolved(pattern, name) for pattern in statement.resources))
        found = [
            Permission(
                action, resource, statement.actions if statement.other_actions else (), (), statement.own_name,
                statement.origin,
            )
            for action in (("*",) if statement.other_actions else statement.actions)
            for resource in told
        ]  # fmt: skip
    for layer in limits.layers:
        found = [part for permission in found for part in _within(permission, layer, name)]
    if limits.denies:
        found = [p for p in found if not limits.refused(p.action, p.action, p.resource, name)]
    return found


def _within(permission: Permission, layer: Iterable[Statement], name: str) -> list[Permission]:
    """The permission as far as the layer allows it."""
    parts: dict[Permission, None] = {}
    for statement in layer:
        for action, no_actions in _actions(permission, statement):
            for resource, no_resources in _resources(permission, statement, name):
                parts[
                    Permission(
                        action, resource, no_actions, no_resources, permission.own_name, permission.origin
                    )
                ] = None  # fmt: skip
                if len(parts) > MOST:
                    return [permission]
    return list(parts)


def _actions(permission: Permission, statement: Statement) -> Iterator[tuple[str, tuple[str, ...]]]:
    action, but = permission.action, permission.no_actions
    if statement.other_actions:
        if not any(covers(pattern, action) for pattern in statement.actions):
            yield action, (*but, *statement.actions)
        return
    for pattern in statement.actions:
        if overlap(pattern, action):
            yield (pattern if covers(action, pattern) else action), but


def _resources(permission: Permission, statement: Statement, name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    resource, but = permission.resource, permission.no_resources
    if statement.other_resources:
        told = tuple(pattern for pattern in statement.resources if "${" not in pattern)
        if not any(covers_arn(pattern, resource) for pattern in told):
            yield resource, (*but, *told)
        return
    for pattern in statement.resources or ("*",):
        within = resolved(pattern, name)
        if overlap(within, resource):
            # What a user's name makes of a pattern is nothing that others' patterns are compared with.
            yield (within if "${" not in pattern and covers(resource, within) else resource), but


def always(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """The refusals that hold unconditionally."""
    return tuple(s for s in statements if not s.allow and not s.conditions)


def boundary_layer(policy: Policy) -> tuple[Statement, ...]:
    return tuple(s for s in policy.statements if s.allow)


def organization_limits(account: Account, organization: Organization) -> tuple[Limits, str]:
    """What the organization lets the account do, and what of it could not be told, in words."""
    if not organization.targets:
        return NONE, ""
    if account.id == organization.management:
        return NONE, ""
    path, at = [account.id], account.id
    while at in organization.parents and organization.parents[at] not in path:
        at = organization.parents[at]
        path.append(at)
    if at not in organization.roots and not at.startswith("r-"):
        return NONE, f"the way from {at} to the root was not given: policies of the organization limit nothing here"
    by_target: dict[str, list[str]] = {}
    for id, targets in organization.targets.items():
        for target in targets:
            by_target.setdefault(target, []).append(id)
    layers: list[tuple[Statement, ...]] = []
    denies: list[Statement] = []
    note = ""
    for step in path:
        ids = sorted(by_target.get(step, ()))
        missing = [id for id in ids if id not in organization.policies]
        known = [s for id in ids if id in organization.policies for s in organization.policies[id].statements]
        denies += always(known)
        if missing and not (missing == ["p-FullAWSAccess"]):
            note = f"what {missing[0]} says was not given: taken as allowing everything"
        allows = tuple(s for s in known if s.allow)
        # Every level has a policy, or policies are switched off; one that is not told is taken as allowing all.
        if allows and not missing and not any(s.everything for s in allows):
            layers.append(allows)
    return Limits(tuple(layers), tuple(denies)), note


def limits_of(identity: Identity, of: Iterable[Statement], boundary: Policy | None, organization: Limits) -> Limits:
    """`of`: all statements that the identity has, through groups or not."""
    layers: tuple[tuple[Statement, ...], ...] = ()
    denies = always(of)
    if not identity.linked:
        layers, denies = organization.layers, denies + organization.denies
    if boundary is not None:
        allows = boundary_layer(boundary)
        denies += always(boundary.statements)
        if not any(s.everything for s in allows):
            layers = (*layers, allows)
    return Limits(layers, denies) if layers or denies else NONE
