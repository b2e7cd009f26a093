"""Who has which directory role, and what that lets them do to others."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from armslength.intake.entra.documents import EXPANDED, Kind
from armslength.intake.entra.role import GLOBAL, Power, Role, built_in, by_actions, unknown_role
from armslength.intake.harvest import Matter
from armslength.intake.node import Node

if TYPE_CHECKING:
    from armslength.intake.entra.tenant import Tenant


def map_roles(tenant: Tenant) -> None:
    """Groups of those who have a role, and the grants of its powers."""
    given = tenant.exports.given
    first = tenant.exports.parts[Kind.USERS][0]
    if given.isdisjoint((Kind.ROLES, Kind.ASSIGNED)):
        reason = "no export of directory roles was given: who may reset sign-ins and edit groups is not known"
        tenant.harvest.review(Matter.UNMAPPED, "administrators", reason, origin=first.file)
    elif Kind.ELIGIBLE not in given:
        reason = "eligible roles (PIM) were not given: whoever can take one when they ask is not known"
        tenant.harvest.review(Matter.UNMAPPED, "eligible roles", reason, origin=first.file)
    reason = "what applications may do in the directory was not read: one that may write it is an administrator"
    tenant.harvest.review(Matter.UNMAPPED, "permissions of applications", reason, origin=first.file)
    roles = _Roles(tenant)
    roles.read()
    roles.grant(first.origin)


class _Roles:
    def __init__(self, tenant: Tenant) -> None:
        self._tenant, self._harvest = tenant, tenant.harvest
        self._roles: dict[str, Role] = {}
        """By the name of the group that has it."""
        self._held: dict[str, set[str]] = defaultdict(set)
        """Names of the roles that protect a person from being reset by others."""
        self._origin: dict[str, str] = {}
        self._definitions: dict[str, Node] = {}
        for node in tenant.exports.parts[Kind.DEFINITIONS]:
            for key in ("id", "templateId"):
                if node.has(key):
                    self._definitions.setdefault(node.at(key).text().casefold(), node)

    def read(self) -> None:
        for node in self._tenant.exports.parts[Kind.ROLES]:
            id = node.at("id").text()
            title = node.at("displayName").text_or()
            name = self._role(node.at("roleTemplateId").text_or(), title, node)
            shown = list(node.at("members").items())
            listed = self._tenant.exports.members.get(id)
            if listed is None and ("members" not in node.object() or len(shown) >= EXPANDED):
                note = f"who has the role {title!r} was not all given: export directoryRoles/{id}/members"
                self._harvest.unknown(name, note, origin=node.origin)
            for part in [*shown, *(listed or ())]:
                ref = self._tenant.reference(part, name, title)
                self._give(name, ref, part.origin, counts=True)
        for node, eligible in self._assignments():
            definition = node.at("roleDefinition")
            title = definition.at("displayName").text_or() if node.has("roleDefinition") else ""
            if node.has("roleDefinition") and definition.has("rolePermissions"):
                self._definitions.setdefault(node.at("roleDefinitionId").text().casefold(), definition)
            name = self._role(node.at("roleDefinitionId").text(), title, node)
            scope = node.at("directoryScopeId").text_or("/")
            title = self._roles[name].name
            kind = node.at("principal").at("@odata.type").text_or() if node.has("principal") else ""
            principal = node.at("principalId").text()
            ref = self._tenant.principal(principal, kind.casefold(), node.origin, name, title)
            if ref is not None and scope != "/":
                reason = f"has {title!r} for {scope} only: taken for the whole tenant"
                self._harvest.review(Matter.WIDER, ref, reason, origin=node.origin)
            if ref is not None and eligible:
                reason = f"can take the role {title!r} when they ask (PIM): taken for one who has it"
                self._harvest.review(Matter.WIDER, ref, reason, origin=node.origin)
            self._give(name, ref, node.origin, counts=scope == "/" and not eligible)

    def _assignments(self) -> Iterator[tuple[Node, bool]]:
        for node in self._tenant.exports.parts[Kind.ASSIGNED]:
            yield node, False
        for node in self._tenant.exports.parts[Kind.ELIGIBLE]:
            yield node, True

    def _role(self, id: str, title: str, node: Node) -> str:
        definition = self._definitions.get(id.casefold())
        if definition is not None:
            title = title or definition.at("displayName").text_or()
        role = built_in(id, title)
        made = definition is not None and definition.has("isBuiltIn") and not definition.at("isBuiltIn").flag(True)
        plain = role is None or not (role.powers or role.resets is not None)
        if definition is not None and (plain or made):  # what a definition allows counts more than what we know of it
            name = role.name if role is not None and not made else title or id
            role = by_actions(name, _actions(definition))
        role = role or unknown_role(title or id)
        name = self._harvest.id("role", re.sub(r"[^a-z0-9]+", "-", role.name.casefold()).strip("-") or id)
        if name in self._roles and self._roles[name] != role:  # a role of the tenant's own that is called the same
            name = self._harvest.id("role", id)
        if name not in self._roles:
            self._roles[name], self._origin[name] = role, node.origin
            self._harvest.group(name, origin=node.origin)
            if role.wider:
                self._harvest.review(Matter.WIDER, f"group:{name}", f"{role.name}: {role.wider}", origin=node.origin)
            if not role.powers and role.resets is None:
                reason = f"{role.name}: what this role does within a service is not modelled"
                self._harvest.review(Matter.UNMAPPED, f"group:{name}", reason, origin=node.origin)
        return name

    def _give(self, name: str, ref: str | None, origin: str, *, counts: bool) -> None:
        if ref is None:
            return
        self._harvest.member(name, ref, origin=origin)
        if counts:
            self._held[ref].add(self._roles[name].name)

    def _global(self, assigner: str) -> None:
        role = built_in(GLOBAL, "")
        if role is not None and role not in self._roles.values():
            name = self._harvest.id("role", "global-administrator")
            self._roles[name], self._origin[name] = role, self._origin[assigner]
            self._harvest.group(name, origin=self._origin[name])

    def grant(self, origin: str) -> None:
        """What the powers are over; `origin`: of what stands for all."""
        tenant, h = self._tenant, self._harvest
        can: dict[Power, str] = {}
        for name in [name for name, role in self._roles.items() if Power.ASSIGN in role.powers]:
            # Whoever assigns roles can be a Global Administrator, though the exports know of none.
            self._global(name)
        for name, role in self._roles.items():
            for power in role.powers:
                if power not in can:
                    can[power] = h.id("can", power.value)
                    h.group(can[power], origin=self._origin[name])
                h.member(can[power], f"group:{name}", origin=self._origin[name])
        if Power.ALL in can:
            h.asset(h.id("tenant"), kind="directory", origin=origin)
            h.grant(f"group:{can[Power.ALL]}", "operate", f"asset:{h.id('tenant')}", origin=origin)
        if Power.RESET_ALL in can:
            h.grant(f"group:{can[Power.RESET_ALL]}", "assume", f"group:{h.id('users')}", origin=origin)
        self._limited(origin)
        if Power.ASSIGN in can:
            for name in self._roles:
                h.grant(f"group:{can[Power.ASSIGN]}", "enroll", f"group:{name}", origin=self._origin[name])
        for id, node in tenant.groups.items():
            for power in _editors(tenant, node):
                if power in can:
                    h.grant(f"group:{can[power]}", "enroll", f"group:{tenant.group(id)}", origin=node.origin)
        for app, where in tenant.app_accounts.items() if Power.APPS in can else ():
            h.grant(f"group:{can[Power.APPS]}", "enroll", f"group:{app}", origin=where)

    def _limited(self, origin: str) -> None:
        """Resets that stop at certain administrators: whoever has no role, and those with the roles below."""
        tenant, h = self._tenant, self._harvest
        limited = {name: role for name, role in self._roles.items() if role.resets is not None}
        if not limited:
            return
        plain = h.id("users-without-a-role")
        h.group(plain, origin=origin)
        above = {}
        for id, node in tenant.users.items():
            ref = tenant.person(id)
            if ref in tenant.protected:
                continue
            if self._held.get(ref):
                above[ref] = node.origin
            else:
                h.member(plain, ref, origin=node.origin)
        for name, role in limited.items():
            h.grant(f"group:{name}", "assume", f"group:{plain}", origin=self._origin[name])
            for ref, where in above.items():
                if self._held[ref] <= (role.resets or frozenset()):
                    h.grant(f"group:{name}", "assume", ref, origin=where)


def _editors(tenant: Tenant, node: Node) -> tuple[Power, ...]:
    """Who can change its members: of a group that roles can be given to few can."""
    if node.at("isAssignableToRole").flag():
        return (Power.ASSIGN,)
    return (Power.GROUPS, Power.OFFICE_GROUPS if tenant.is_office(node) else Power.SECURITY_GROUPS)


def _actions(definition: Node) -> list[str]:
    return [
        action
        for permission in definition.at("rolePermissions").items()
        for action in permission.at("allowedResourceActions").texts()
    ]
