"""Okta's administrators, and what they can do to others (Okta: "Standard administrator roles and permissions")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from armslength.intake.harvest import Matter
from armslength.intake.node import Node

if TYPE_CHECKING:
    from armslength.intake.okta.directory import Directory


class Power(StrEnum):
    RESET_ALL = "reset-anyone"
    RESET = "reset-all-but-super-admins"
    GROUPS = "edit-groups"
    APPS = "run-applications"


SUPER = "SUPER_ADMIN"
ROLES: Mapping[str, tuple[Power, ...]] = {
    SUPER: (Power.RESET_ALL, Power.GROUPS, Power.APPS),
    "ORG_ADMIN": (Power.RESET, Power.GROUPS),
    "USER_ADMIN": (Power.RESET, Power.GROUPS),
    "HELP_DESK_ADMIN": (Power.RESET,),
    "GROUP_MEMBERSHIP_ADMIN": (Power.GROUPS,),
    "APP_ADMIN": (Power.APPS,),
    "API_ACCESS_MANAGEMENT_ADMIN": (),
    "MOBILE_ADMIN": (),
    "REPORT_ADMIN": (),
    "READ_ONLY_ADMIN": (),
    "ACCESS_CERTIFICATIONS_ADMIN": (),
    "ACCESS_REQUESTS_ADMIN": (),
}
WIDEST = (Power.RESET, Power.GROUPS, Power.APPS)
"""Of a custom role, which cannot be made to reach super administrators."""
BY_GROUP = ("USER_ADMIN", "HELP_DESK_ADMIN", "GROUP_MEMBERSHIP_ADMIN")
"""Roles that can be limited to groups."""


def map_administrators(directory: Directory) -> None:
    """Groups of those who have a role, and what the roles can do."""
    h, answers = directory.harvest, directory.answers
    first = answers.users[0]
    if not answers.roles:
        reason = "no roles of administrators were given: who may reset sign-ins and edit groups is not known"
        h.review(Matter.UNMAPPED, "administrators", reason, origin=first.file)
        return
    made = _Administrators(directory)
    for id, parts in answers.roles.items():
        for node in parts:
            made.add(id, node)
    made.grant(first.origin)


class _Administrators:
    def __init__(self, directory: Directory) -> None:
        self._directory, self._harvest = directory, directory.harvest
        self._can: dict[Power, str] = {}
        self._given: set[tuple[str, str]] = set()
        self._super: set[str] = set()
        """Persons and groups that are super administrators."""

    def add(self, id: str, node: Node) -> None:
        h, directory = self._harvest, self._directory
        if node.at("status").text_or("ACTIVE").upper() == "INACTIVE" or id in directory.gone:
            return
        type_ = node.at("type").text().upper()
        if id.startswith("00g"):
            holder = f"group:{directory.group(id)}"
            if id not in directory.named:
                h.unknown(directory.group(id), "a group that no export of groups has", origin=node.origin)
        elif id in directory.users:
            holder = directory.person(id)
        else:
            holder = f"group:{h.id('user', id)}"
            note = f"an administrator ({type_}) whom the export of users does not have"
            h.account(h.id("user", id), note=note, origin=node.origin)
        powers = ROLES.get(type_)
        label = node.at("label").text_or(type_)
        if powers is None:
            powers = WIDEST
            reason = f"has the role {label!r}, which is taken for all but what a super administrator can"
            h.review(Matter.WIDER, holder, reason, origin=node.origin)
        elif not powers:
            reason = f"{label}: what this role does is not modelled"
            h.review(Matter.UNMAPPED, f"role {type_}", reason, origin=node.origin)
        if type_ == SUPER:
            self._super.add(holder)
        targets = self._targets(type_, holder, node)
        if targets:
            self._over(holder, powers, targets, node)
        else:
            role = h.id("role", type_.casefold() if type_ in ROLES else "custom")
            h.group(role, origin=node.origin)
            h.member(role, holder, origin=node.origin)
            self._give(role, powers, node)

    def _targets(self, type_: str, holder: str, node: Node) -> list[str]:
        """Groups that the role is limited to; none if it is not, or if that was not told."""
        if type_ not in BY_GROUP:
            return []
        embedded = node.at("_embedded") if node.has("_embedded") else Node({}, node.file, node.path, node.problems)
        targets = embedded.at("targets") if embedded.has("targets") else None
        if targets is not None and targets.has("groups"):
            return [part.at("id").text() for part in targets.at("groups").items()]
        reason = f"{type_}: the groups it may be limited to were not given (?expand=targets/groups): taken for all"
        self._harvest.review(Matter.WIDER, holder, reason, origin=node.origin)
        return []

    def _over(self, holder: str, powers: Iterable[Power], targets: Iterable[str], node: Node) -> None:
        h, directory = self._harvest, self._directory
        for target in targets:
            name = directory.group(target)
            if target not in directory.named:
                h.unknown(name, "a group that no export of groups has", origin=node.origin)
            if Power.RESET in powers:
                h.grant(holder, "assume", f"group:{name}", origin=node.origin)
            if Power.GROUPS in powers:
                h.grant(holder, "enroll", f"group:{name}", origin=node.origin)

    def _give(self, role: str, powers: Iterable[Power], node: Node) -> None:
        for power in powers:
            if power not in self._can:
                self._can[power] = self._harvest.id("can", power.value)
                self._harvest.group(self._can[power], origin=node.origin)
            pair = (self._can[power], f"group:{role}")
            if pair not in self._given:
                self._given.add(pair)
                self._harvest.member(*pair, origin=node.origin)

    def grant(self, origin: str) -> None:
        """What the powers are over."""
        h, directory, can = self._harvest, self._directory, self._can
        if Power.RESET_ALL in can:
            h.grant(f"group:{can[Power.RESET_ALL]}", "assume", f"group:{directory.everybody}", origin=origin)
        if Power.RESET in can:
            others = h.id("users-but-super-admins")
            h.group(others, origin=origin)
            above = self._protected()
            for id, node in directory.users.items():
                if directory.person(id) not in above:
                    h.member(others, directory.person(id), origin=node.origin)
            h.grant(f"group:{can[Power.RESET]}", "assume", f"group:{others}", origin=origin)
        if Power.GROUPS in can:
            for id, node in directory.groups.items():
                h.grant(f"group:{can[Power.GROUPS]}", "enroll", f"group:{directory.group(id)}", origin=node.origin)
        if Power.APPS in can:
            for id, where in directory.apps().items():
                h.grant(f"group:{can[Power.APPS]}", "operate", f"asset:{h.id('app', id)}", origin=where)
        if directory.groups and Power.GROUPS in can and any(ref.startswith("group:") for ref in self._super):
            reason = "groups that have an administrator's role: taken for as open to editing as others"
            h.review(Matter.WIDER, "groups of administrators", reason, origin=origin)

    def _protected(self) -> set[str]:
        directory = self._directory
        found = {ref for ref in self._super if ref.startswith("person:")}
        for id, parts in directory.answers.members.items():
            if f"group:{directory.group(id)}" in self._super:
                found.update(directory.person(part.at("id").text()) for part in parts)
        return found
