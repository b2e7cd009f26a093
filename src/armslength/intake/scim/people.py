"""The rows of a directory's users and groups."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from armslength.intake.harvest import Harvest, Matter
from armslength.intake.node import Node
from armslength.intake.scim.resource import MAIL, Account, any_case, line, mails

Users = Mapping[str, Account]


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """A group; `told`: whether it has a list of members at all; `members`: id, kind in lower case if said, origin."""

    name: str
    told: bool
    members: tuple[tuple[str, str, str], ...]
    node: Node


def map_people(users: Users, groups: Mapping[str, Members], others: Mapping[str, list[str]], harvest: Harvest) -> None:
    active = {id: user for id, user in users.items() if user.active}
    first = next(iter(users.values())).node
    if gone := len(users) - len(active):
        reason = f"{gone:,} users that are not active are left out, in groups too"
        harvest.review(Matter.UNMAPPED, "inactive users", reason, origin=first.file)
    for kind, origins in others.items():
        reason = f"{len(origins):,} resources of a kind that is neither user nor group"
        harvest.review(Matter.UNMAPPED, kind, reason, origin=origins[0])
    reason = "SCIM does not tell who administers the directory, resets passwords or edits groups: write such grants"
    harvest.review(Matter.UNMAPPED, "administrators", reason, origin=first.file)
    for user in active.values():
        _person(user, active, harvest)
    _roles(active, harvest)
    _groups(users, active, groups, harvest)


def _person(user: Account, active: Users, harvest: Harvest) -> None:
    subject, origin = harvest.id(user.id), user.node.origin
    boss = user.manager
    if boss and boss not in active:
        reason = "is somebody's manager and no active user: left out"
        harvest.review(Matter.UNMAPPED, boss, reason, origin=origin)
        boss = ""
    more = {"division": user.division, "cost_center": user.cost_center, "user_type": user.user_type}
    more = {key: value for key, value in more.items() if value}
    harvest.person(
        subject,
        origin=origin,
        unit=user.unit,
        role=user.title,
        entity=user.organization,
        workplace=_place(user, ("work", ""), harvest),
        residence=_place(user, ("home",), harvest),
        manager=harvest.id(boss) if boss else "",
        name=user.name,
        more=json.dumps(more, ensure_ascii=False) if more else "",
    )
    who = f"person:{subject}"
    harvest.identifier(who, "employee", user.employee, origin=origin)
    harvest.identifier(who, "scim", user.id, origin=origin)
    harvest.identifier(who, "scim", user.external_id, origin=origin)
    for mail in mails(user.node):
        if mail.type != "home":
            harvest.identifier(who, "mail", mail.value, origin=mail.origin)
    if login := user.user_name:
        harvest.identifier(who, "login", f"{harvest.name}:{login}", origin=origin)
        harvest.identifier(who, "mail", login if MAIL.fullmatch(login) else "", origin=origin)


def _place(user: Account, types: Iterable[str], harvest: Harvest) -> str:
    """The country of the addresses of the first type that has any. Several are told together: no state has such words,
    so where this person is stays unknown until somebody says it."""
    for type_ in types:
        found = dict.fromkeys(words for kind, words in user.places if kind == type_)
        if len(found) > 1:
            reason = f"addresses in {len(found)} places, of which one column holds one: unknown until linking says it"
            harvest.review(Matter.AMBIGUOUS, f"person:{harvest.id(user.id)}", reason, origin=user.node.origin)
        if found:
            return " and ".join(found)
    return ""


def _roles(active: Users, harvest: Harvest) -> None:
    """Roles and entitlements, which are the service's own words."""
    seen: dict[str, list[str]] = defaultdict(list)
    for user in active.values():
        for name in ("roles", "entitlements"):
            part = any_case(user.node, name)
            for one in part.value if isinstance(part.value, list) else ():
                value = one.get("value") if isinstance(one, dict) else one
                if isinstance(value, str) and value:
                    seen[f"{name}: {line(value)[:100]}"].append(part.origin)
    for item, origins in seen.items():
        reason = f"{len(origins):,} users have it; what it lets them do SCIM does not tell"
        harvest.review(Matter.UNMAPPED, item, reason, origin=origins[0])


def _groups(users: Users, active: Users, groups: Mapping[str, Members], harvest: Harvest) -> None:
    """A directory that tells no group's members, as some do not, does not mean that all are empty."""
    of_users: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for id, user in users.items():
        for one in user.groups:
            of_users[one].append((id, f"{user.node.origin}.groups"))
    tells = any(group.told for group in groups.values()) or bool(of_users)
    for id, group in groups.items():
        name = harvest.id("group", id)
        listed: dict[str, str] = {}
        if tells:
            harvest.group(name, origin=group.node.origin)
        else:
            note = f"the members of {line(group.name) or id!r}, which the SCIM service does not tell"
            harvest.unknown(name, note, origin=group.node.origin)
        strange = 0
        for member, kind, origin in group.members:
            if kind != "group" and member in users:
                listed[f"person:{harvest.id(member)}" if member in active else ""] = origin
            elif kind != "user" and member in groups:
                listed[f"group:{harvest.id('group', member)}"] = origin
            else:
                strange += 1
        for member, origin in of_users.pop(id, ()):
            if member in active:
                listed.setdefault(f"person:{harvest.id(member)}", origin)
        for reference, origin in listed.items():
            if reference:
                harvest.member(name, reference, origin=origin)
        if strange:
            note = f"{strange:,} members of {line(group.name) or id!r} that the lists of users and groups do not have"
            harvest.unknown(name, note, origin=group.node.origin)
    for id, members in of_users.items():  # groups that no list has: their other members are not known
        name = harvest.id("group", id)
        there = [(member, origin) for member, origin in members if member in active]
        if there:
            note = "named by users only, and in no list of groups: who else is a member is not told"
            harvest.unknown(name, note, origin=there[0][1])
        for member, origin in there:
            harvest.member(name, f"person:{harvest.id(member)}", origin=origin)
