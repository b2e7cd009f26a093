"""The users and groups of a Google Workspace become people and groups."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from armslength.intake.google.administrators import map_administrators
from armslength.intake.google.documents import HOW, Lists, read_lists
from armslength.intake.harvest import Harvest, Matter
from armslength.intake.node import Node
from armslength.intake.problem import Problems

MAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
MANAGING = ("OWNER", "MANAGER")


def map_google(documents: Mapping[str, bytes], harvest: Harvest, problems: Problems) -> None:
    """`documents`: answers of the Directory API and prints of GAM, by file name.

    Raises `IntakeError` with everything that is wrong.
    """
    lists = read_lists(documents, problems)
    directory = Directory(lists, harvest, problems)
    if not lists.users and not problems:
        problems.add(next(iter(documents), "google"), f"no document has users: {HOW}")
    problems.stop()
    directory.map_people()
    directory.map_groups()
    map_administrators(directory)
    problems.stop()


class Directory:
    """Users and groups by address, and what else leads to them."""

    def __init__(self, lists: Lists, harvest: Harvest, problems: Problems) -> None:
        self.lists, self.harvest = lists, harvest
        self.users: dict[str, Node] = {}
        self.gone: set[str] = set()
        """Addresses and ids of users that are suspended or archived."""
        self.groups: dict[str, Node] = {}
        self.user_of: dict[str, str] = {}
        self.group_of: dict[str, str] = {}
        for node in lists.users:
            address = node.at("primaryEmail").text().casefold()
            names = [address, *_names(node)]
            if node.at("suspended").flag() or node.at("archived").flag():
                self.gone.update(names)
            elif address in self.users:
                node.at("primaryEmail").wrong("is another user's as well: expected each user once")
            else:
                self.users[address] = node
                self.user_of |= dict.fromkeys(names, address)
        for node in lists.groups:
            address = node.at("email").text().casefold()
            self.groups.setdefault(address, node)
            self.group_of |= dict.fromkeys((address, *_names(node)), address)
        self.members = dict(lists.members)
        for file, parts in lists.member_files.items():
            found = [self.group_of[word] for word in _addresses(file) if word in self.group_of]
            if found:
                self.members.setdefault(found[0], []).extend(parts)
            elif parts:
                told = (
                    "has members: expected a group's address in the file's name, such as members-ops@example.com.json"
                )
                problems.add(file, f"{told}, and that group in groups.list")

    @property
    def everybody(self) -> str:
        return self.harvest.id("users")

    def person(self, address: str) -> str:
        return f"person:{self.harvest.id(address)}"

    def group(self, address: str) -> str:
        return self.harvest.id("group", address)

    # people

    def map_people(self) -> None:
        h = self.harvest
        first = self.lists.users[0]
        h.group(self.everybody, origin=first.file)
        for address, node in self.users.items():
            self._person(address, node)
            h.member(self.everybody, self.person(address), origin=node.origin)
        count = len(self.lists.users) - len(self.users)
        if count:
            reason = f"{count:,} users that are suspended or archived are left out, in groups and roles too"
            h.review(Matter.UNMAPPED, "suspended users", reason, origin=first.file)

    def _person(self, address: str, node: Node) -> None:
        h = self.harvest
        job = _best(node, "organizations")
        work, home = _of_type(node, "addresses", "work"), _of_type(node, "addresses", "home")
        desk = next(iter(node.at("locations").items()), None)
        boss = _cell(_of_type(node, "relations", "manager"), "value").casefold()
        if boss and boss not in self.user_of:
            h.review(Matter.UNMAPPED, boss, "is somebody's manager and no user: left out", origin=node.origin)
        more = {"department": _cell(job, "department"), "cost_center": _cell(job, "costCenter")}
        more = {key: said for key, said in more.items() if said}
        h.person(
            h.id(address),
            origin=node.origin,
            unit=_cell(node, "orgUnitPath"),
            role=_cell(job, "title"),
            entity=_cell(job, "name"),
            workplace=_country(work) or _cell(job, "location") or _cell(desk, "buildingId"),
            residence=_country(home),
            manager=h.id(self.user_of[boss]) if boss in self.user_of else "",
            name=_cell(node.at("name"), "fullName") if node.has("name") else "",
            more=json.dumps(more, ensure_ascii=False) if more else "",
        )
        who = self.person(address)
        h.identifier(who, "employee", _cell(_of_type(node, "externalIds", "organization"), "value"), origin=node.origin)
        h.identifier(who, "subject", _cell(node, "id"), origin=node.origin)
        others = [_cell(part, "address") for part in node.at("emails").items() if _cell(part, "type") != "home"]
        for mail in (_cell(node, "primaryEmail"), *node.at("aliases").texts(), *others):
            if MAIL.fullmatch(mail):
                h.identifier(who, "mail", mail, origin=node.origin)
        h.identifier(who, "login", f"{h.name}:{address}", origin=node.origin)

    # groups

    def map_groups(self) -> None:
        h = self.harvest
        for address, parts in self.members.items():
            if address not in self.groups and parts:  # known by its members only
                self.groups[address] = Node({"email": address}, parts[0].file, "$", parts[0].problems)
        for address, node in self.groups.items():
            self._group(address, node)
        joined = {self.group_of.get(_cell(node, "email").casefold(), ""): node for node in self.lists.settings}
        for address, node in joined.items():
            if address:
                self._joining(address, node)
        first = next(iter(self.groups.values()), None)
        if first is not None and (untold := len([address for address in self.groups if address not in joined])):
            reason = f"who may join {untold:,} groups was not given (Groups Settings API, gam print groups settings)"
            h.review(Matter.UNMAPPED, "joining groups", reason, origin=first.file)

    def _group(self, address: str, node: Node) -> None:
        h, name = self.harvest, self.group(address)
        h.group(name, origin=node.origin)
        if address not in self.members:
            told = f"the members of {address} were not given: export members.list, or gam print group-members"
            if _cell(node, "directMembersCount") != "0":
                h.unknown(name, told, origin=node.origin)
            return
        manage: dict[str, str] = {}
        outside = {False: 0, True: 0}
        for part in self.members[address]:
            ref = self._member(part)
            managing = _cell(part, "role").upper() in MANAGING
            if ref is None:
                continue
            if not ref:
                outside[managing] += 1
                continue
            h.member(name, ref, origin=part.origin)
            if managing:
                manage[ref] = part.origin
        if outside[False] or outside[True]:
            note = f"{outside[False] + outside[True]:,} members of {address} from outside, or in no export of users"
            h.unknown(name, note, origin=node.origin)
        if manage or outside[True]:
            managers = h.id("group", address, "managers")
            h.group(managers, origin=node.origin)
            for ref, origin in manage.items():
                h.member(managers, ref, origin=origin)
            if outside[True]:
                h.unknown(managers, f"owners or managers of {address} from outside", origin=node.origin)
            h.grant(f"group:{managers}", "enroll", f"group:{name}", origin=node.origin)

    def _member(self, part: Node) -> str | None:
        """The person or group; "" for one from outside; None for somebody who is suspended."""
        if _cell(part, "type").upper() == "CUSTOMER":
            return f"group:{self.everybody}"
        for key in ("email", "id"):
            said = _cell(part, key).casefold()
            if said in self.user_of:
                return self.person(self.user_of[said])
            if said in self.group_of:
                return f"group:{self.group(self.group_of[said])}"
            if said and said in self.members:
                return f"group:{self.group(said)}"
            if said and said in self.gone:
                return None
        return None if _cell(part, "status").upper() in ("SUSPENDED", "ARCHIVED") else ""

    def _joining(self, address: str, node: Node) -> None:
        h, name = self.harvest, self.group(address)
        joins = _cell(node, "whoCanJoin").upper()
        if joins in ("ANYONE_CAN_JOIN", "ALL_IN_DOMAIN_CAN_JOIN"):
            h.grant(f"group:{self.everybody}", "enroll", f"group:{name}", origin=node.origin)
        if joins == "ANYONE_CAN_JOIN":
            h.unknown(name, f"anybody may join {address}, from outside too", origin=node.origin)
        if "ALL_MEMBERS" in {
            _cell(node, key).upper() for key in ("whoCanModerateMembers", "whoCanAdd", "whoCanInvite")
        }:
            h.grant(f"group:{name}", "enroll", f"group:{name}", origin=node.origin)


def _addresses(file: str) -> list[str]:
    """What in a file's name may be a group's address or id."""
    stem = file.rsplit("/", 1)[-1].removesuffix(".json")
    return [stem, *(stem[place + 1 :] for place, char in enumerate(stem) if char in "-_ ")]


def _names(node: Node) -> Iterator[str]:
    yield from (said for said in (_cell(node, "id").casefold(),) if said)
    for key in ("aliases", "nonEditableAliases"):
        yield from (alias.casefold() for alias in node.at(key).texts())


def _cell(node: Node | None, key: str) -> str:
    """A text, or a number or flag as one; "" for what is not there."""
    if node is None:
        return ""
    part = node.at(key)
    return str(part.value) if isinstance(part.value, int) else part.text_or()


def _best(node: Node, key: str) -> Node | None:
    """The primary entry of a list, or its first."""
    parts = [part for part in node.at(key).items() if isinstance(part.value, dict)]
    return next((part for part in parts if part.at("primary").value is True), parts[0] if parts else None)


def _of_type(node: Node, key: str, type_: str) -> Node | None:
    return next((part for part in node.at(key).items() if _cell(part, "type").casefold() == type_), None)


def _country(address: Node | None) -> str:
    return _cell(address, "countryCode") or _cell(address, "country") or _cell(address, "locality")
