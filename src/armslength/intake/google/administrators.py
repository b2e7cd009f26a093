"""Administrators of a Google Workspace, and what they can do to others (Google: "Prebuilt administrator roles")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from armslength.intake.harvest import Matter
from armslength.intake.node import Node

if TYPE_CHECKING:
    from armslength.intake.google.directory import Directory


class Power(StrEnum):
    ALL = "operate-workspace"
    RESET_ALL = "reset-anyone"
    RESET = "reset-all-but-administrators"
    GROUPS = "edit-groups"


EVERY = (Power.ALL, Power.RESET_ALL, Power.GROUPS)
DELEGATED = (Power.RESET, Power.GROUPS)
"""What a role can give that is not the super administrator's."""
SYSTEM: Mapping[str, tuple[Power, ...]] = {
    "_SEED_ADMIN_ROLE": EVERY,
    "_GROUPS_ADMIN_ROLE": (Power.GROUPS,),
    "_GROUPS_EDITOR_ROLE": (Power.GROUPS,),
    "_GROUPS_READER_ROLE": (),
    "_USER_MANAGEMENT_ADMIN_ROLE": (Power.RESET, Power.GROUPS),
    "_HELP_DESK_ADMIN_ROLE": (Power.RESET,),
    "_MOBILE_ADMIN_ROLE": (),
    "_STORAGE_ADMIN_ROLE": (),
    "_GCDS_DIRECTORY_MANAGEMENT_ROLE": (Power.RESET, Power.GROUPS),
}
"""Prebuilt roles, where their privileges are not given."""


def map_administrators(directory: Directory) -> None:
    made = _Administrators(directory)
    for address, node in directory.users.items():
        if node.at("isAdmin").flag():
            made.give(directory.person(address), "super-admin", EVERY, node)
            made.protected.add(directory.person(address))
        elif node.at("isDelegatedAdmin").flag():
            made.protected.add(directory.person(address))
            if not directory.lists.assigned:
                made.give(directory.person(address), "delegated-admin", DELEGATED, node)
                made.wider(directory.person(address), "a delegated administrator whose roles were not given", node)
    made.read_roles()
    told = any(node.has("isAdmin") for node in directory.users.values()) or directory.lists.assigned
    if not told:
        reason = "who is an administrator was not given: who may reset sign-ins and edit groups is not known"
        directory.harvest.review(Matter.UNMAPPED, "administrators", reason, origin=directory.lists.users[0].file)
    made.grant(directory.lists.users[0].origin)


class _Administrators:
    def __init__(self, directory: Directory) -> None:
        self._directory, self._harvest = directory, directory.harvest
        self.protected: set[str] = set()
        """Persons who are administrators: nobody but a super administrator changes how they sign in."""
        self._can: dict[Power, str] = {}
        self._roles: set[str] = set()
        self._given: set[tuple[str, str]] = set()

    def wider(self, item: str, reason: str, node: Node) -> None:
        told = f"{reason}: taken for all users and groups"
        self._harvest.review(Matter.WIDER, item, told, origin=node.origin)

    def read_roles(self) -> None:
        directory, h = self._directory, self._harvest
        roles = {_cell(node, "roleId"): node for node in directory.lists.roles}
        for node in directory.lists.assignments:
            id = _cell(node, "roleId")
            role = roles.get(id)
            name = (_cell(role, "roleName") if role is not None else "") or _cell(node, "role") or id
            holder = self._holder(node)
            if holder is None:
                continue
            powers = _powers(name, role)
            if powers is None:
                self.wider(holder, f"a role whose definition was not given ({name!r})", node)
                powers = EVERY
            elif not powers:
                reason = f"{name}: what this role does is not modelled"
                h.review(Matter.UNMAPPED, f"role {name}", reason, origin=node.origin)
            scope = _cell(node, "scopeType").upper()
            if scope == "ORG_UNIT" and powers:
                self.wider(holder, f"the role {name!r} for one organisational unit", node)
            self.give(holder, "super-admin" if name == "_SEED_ADMIN_ROLE" else id or name, powers, node)
            if holder.startswith("person:"):
                self.protected.add(holder)

    def _holder(self, node: Node) -> str | None:
        directory, h = self._directory, self._harvest
        told = [said for key in ("assignedToUser", "assignedToGroup", "assignedTo") if (said := _cell(node, key))]
        for said in (word.casefold() for word in told):
            if said in directory.user_of:
                return directory.person(directory.user_of[said])
            if said in directory.group_of:
                return f"group:{directory.group(directory.group_of[said])}"
            if said in directory.gone:
                return None
        if not told:
            node.wrong("is assigned to nobody: expected assignedTo")
            return None
        account = h.id("assignee", told[0])
        h.account(account, note="an administrator in no export of users and groups", origin=node.origin)
        return f"group:{account}"

    def give(self, holder: str, role: str, powers: Iterable[Power], node: Node) -> None:
        h = self._harvest
        name = h.id("role", role)
        if name not in self._roles:
            self._roles.add(name)
            h.group(name, origin=node.origin)
        self._member(name, holder, node)
        for power in powers:
            if power not in self._can:
                self._can[power] = h.id("can", power.value)
                h.group(self._can[power], origin=node.origin)
            self._member(self._can[power], f"group:{name}", node)

    def _member(self, group: str, member: str, node: Node) -> None:
        if (group, member) not in self._given:
            self._given.add((group, member))
            self._harvest.member(group, member, origin=node.origin)

    def grant(self, origin: str) -> None:
        """What the powers are over."""
        h, directory, can = self._harvest, self._directory, self._can
        if Power.ALL in can:
            h.asset(h.id("workspace"), kind="directory", origin=origin)
            h.grant(f"group:{can[Power.ALL]}", "operate", f"asset:{h.id('workspace')}", origin=origin)
            for role in sorted(self._roles):
                h.grant(f"group:{can[Power.ALL]}", "enroll", f"group:{role}", origin=origin)
        if Power.RESET_ALL in can:
            h.grant(f"group:{can[Power.RESET_ALL]}", "assume", f"group:{directory.everybody}", origin=origin)
        if Power.RESET in can:
            others = h.id("users-without-a-role")
            h.group(others, origin=origin)
            for address, node in directory.users.items():
                if directory.person(address) not in self.protected:
                    h.member(others, directory.person(address), origin=node.origin)
            h.grant(f"group:{can[Power.RESET]}", "assume", f"group:{others}", origin=origin)
        if Power.GROUPS in can:
            for address, node in directory.groups.items():
                h.grant(f"group:{can[Power.GROUPS]}", "enroll", f"group:{directory.group(address)}", origin=node.origin)


def _powers(name: str, role: Node | None) -> tuple[Power, ...] | None:
    """What a role can do: by its privileges, else by its name; None where neither was given."""
    if role is not None and role.at("isSuperAdminRole").flag():
        return EVERY
    if role is not None and role.has("rolePrivileges"):
        found: dict[Power, None] = {}
        for part in role.at("rolePrivileges").items():
            privilege = _cell(part, "privilegeName").upper()
            reads = "RETRIEVE" in privilege or "READ" in privilege or "VIEW" in privilege
            if privilege.startswith(("USERS", "USER_")) and not reads:
                found[Power.RESET] = None
            elif privilege.startswith("GROUPS") and not reads:
                found[Power.GROUPS] = None
            elif "DIRECTORY_SYNC" in privilege and not reads:
                found |= dict.fromkeys(DELEGATED)
            elif "SUPER_ADMIN" in privilege or "ROOT_APP" in privilege:
                found |= dict.fromkeys(EVERY)
        return tuple(found)
    return SYSTEM.get(name)


def _cell(node: Node, key: str) -> str:
    part = node.at(key)
    return str(part.value) if isinstance(part.value, int) else part.text_or()
