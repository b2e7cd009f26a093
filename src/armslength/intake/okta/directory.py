"""The users and groups of an Okta organisation become people and groups."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping

from armslength.intake.harvest import Harvest, Matter
from armslength.intake.node import Node
from armslength.intake.okta.administrators import map_administrators
from armslength.intake.okta.documents import HOW, Answers, read_answers
from armslength.intake.problem import Problems

MAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
GONE = "DEPROVISIONED"
MORE = ("division", "costCenter", "userType")
PLACE = ("countryCode", "country", "office", "location", "city")
"""Attributes of a profile that may say where somebody works, the surest first."""


def map_okta(documents: Mapping[str, bytes], harvest: Harvest, problems: Problems) -> None:
    """`documents`: answers of Okta's API, by file name.

    Raises `IntakeError` with everything that is wrong.
    """
    answers = read_answers(documents, problems)
    directory = Directory(answers, harvest)
    if not answers.users and not problems:
        problems.add(next(iter(documents), "okta"), f"no document has users: {HOW}")
    problems.stop()
    directory.map_people()
    directory.map_groups()
    map_administrators(directory)
    directory.map_apps()
    problems.stop()


class Directory:
    def __init__(self, answers: Answers, harvest: Harvest) -> None:
        self.answers, self.harvest = answers, harvest
        self.users: dict[str, Node] = {}
        self.gone: set[str] = set()
        self.groups: dict[str, Node] = {}
        for node in answers.users:
            id = node.at("id").text()
            if node.at("status").text_or().upper() == GONE:
                self.gone.add(id)
            elif id in self.users:
                node.at("id").wrong("is the id of another user as well: expected each user once")
            else:
                self.users[id] = node
        for node in answers.groups:
            self.groups.setdefault(node.at("id").text(), node)
        self.named = {*self.groups, *(id for id, parts in answers.members.items() if parts)}
        """Groups of which something is told."""

    @property
    def everybody(self) -> str:
        return self.harvest.id("users")

    def person(self, id: str) -> str:
        return f"person:{self.harvest.id(id)}"

    def group(self, id: str) -> str:
        return self.harvest.id("group", id)

    def title(self, id: str) -> str:
        node = self.groups.get(id)
        return node.at("profile").at("name").text_or(id) if node is not None else id

    def map_people(self) -> None:
        h = self.harvest
        first = self.answers.users[0]
        h.group(self.everybody, origin=first.file)
        managers = _Managers(self)
        for id, node in self.users.items():
            self._person(id, node, managers)
            h.member(self.everybody, self.person(id), origin=node.origin)
        for file in self.answers.full:
            reason = "has just as many things as a page: unless every page was asked for, some are missing"
            h.review(Matter.UNKNOWN, file, reason, origin=file)
        if self.gone:
            reason = f"{len(self.gone):,} users that are deprovisioned are left out, in groups and roles too"
            h.review(Matter.UNMAPPED, "deprovisioned users", reason, origin=first.file)

    def _person(self, id: str, node: Node, managers: _Managers) -> None:
        h, profile = self.harvest, node.at("profile")

        def cell(key: str) -> str:
            value = profile.at(key)
            return str(value.value) if isinstance(value.value, int) else value.text_or()

        more = {key: said for key in MORE if (said := cell(key))}
        boss = managers.of(cell("managerId") or cell("manager"), node)
        h.person(
            h.id(id),
            origin=node.origin,
            unit=cell("department"),
            role=cell("title"),
            entity=cell("organization"),
            workplace=next((said for key in PLACE if (said := cell(key))), ""),
            manager=boss,
            name=cell("displayName") or " ".join(filter(None, (cell("firstName"), cell("lastName")))),
            more=json.dumps(more, ensure_ascii=False) if more else "",
        )
        who, login = self.person(id), cell("login")
        h.identifier(who, "employee", cell("employeeNumber"), origin=node.origin)
        h.identifier(who, "subject", id, origin=node.origin)
        for mail in (cell("email"), login):
            if MAIL.fullmatch(mail):
                h.identifier(who, "mail", mail, origin=node.origin)
        h.identifier(who, "login", f"{h.name}:{login}" if login else "", origin=node.origin)
        sam = cell("samAccountName")
        h.identifier(who, "login", f"ad:{sam}" if sam else "", origin=node.origin)

    def map_groups(self) -> None:
        h = self.harvest
        imported = 0
        for id, parts in self.answers.members.items():
            if id not in self.groups and parts:  # known by its members only
                self.groups[id] = Node({"id": id, "profile": {}}, parts[0].file, "$", parts[0].problems)
        for id, node in self.groups.items():
            name, title = self.group(id), self.title(id)
            h.group(name, origin=node.origin)
            kind = node.at("type").text_or()
            imported += kind == "APP_GROUP"
            if id in self.answers.members:
                for part in self.answers.members[id]:
                    ref = self.principal(part.at("id").text(), part, name, title)
                    if ref is not None:
                        h.member(name, ref, origin=part.origin)
            elif kind == "BUILT_IN" and title == "Everyone":
                h.member(name, f"group:{self.everybody}", origin=node.origin)
            else:
                h.unknown(
                    name, f"the members of {title!r} were not given: export groups/{id}/users", origin=node.origin
                )
        if imported:
            reason = f"{imported:,} groups come from another system: who edits them there is not told here"
            h.review(Matter.UNMAPPED, "imported groups", reason, origin=self.answers.users[0].file)

    def principal(self, id: str, part: Node, of: str, title: str) -> str | None:
        """The person; None for somebody who left. Who is in no export is unknown in the group."""
        if id in self.users:
            return self.person(id)
        if id not in self.gone and part.at("status").text_or().upper() != GONE:
            note = f"members of {title!r} that the export of users does not have"
            self.harvest.unknown(of, note, origin=part.origin)
        return None

    def apps(self) -> dict[str, str]:
        """Where each application stands first: in the list of them, or as what somebody is assigned to."""
        found = {node.at("id").text(): node.origin for node in self.answers.apps}
        for below in (self.answers.app_users, self.answers.app_groups):
            for id, parts in below.items():
                if parts:
                    found.setdefault(id, parts[0].origin)
        return found

    def map_apps(self) -> None:
        """Applications, and who is assigned to them, as far as they were given."""
        h, parts = self.harvest, self.answers
        named = {node.at("id").text(): node for node in parts.apps}
        for id, origin in self.apps().items():
            node = named.get(id)
            label = node.at("label").text_or() if node is not None else ""
            asset = h.id("app", id)
            h.asset(asset, kind="application", traits=[f"label:{label}"] if label else (), origin=origin)
            for part in parts.app_users.get(id, ()):
                user = part.at("id").text()
                if user in self.users:
                    h.grant(self.person(user), "use", f"asset:{asset}", origin=part.origin)
                elif user not in self.gone and part.at("status").text_or().upper() != GONE:
                    account = h.id("user", user)
                    h.account(account, note="a user whom the export of users does not have", origin=part.origin)
                    h.grant(f"group:{account}", "use", f"asset:{asset}", origin=part.origin)
            for part in parts.app_groups.get(id, ()):
                group = part.at("id").text()
                if group not in self.named:
                    h.unknown(self.group(group), "a group that no export of groups has", origin=part.origin)
                h.grant(f"group:{self.group(group)}", "use", f"asset:{asset}", origin=part.origin)


class _Managers:
    """A manager is told in whatever way the firm chose: by id, number, login or mail address."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._known: dict[str, set[str]] = defaultdict(set)
        for id, node in directory.users.items():
            profile = node.at("profile")
            self._known[id.casefold()].add(id)
            for key in ("employeeNumber", "login", "email"):
                value = profile.at(key)
                if isinstance(value.value, str | int) and not isinstance(value.value, bool):
                    self._known[str(value.value).strip().casefold()].add(id)

    def of(self, told: str, node: Node) -> str:
        h = self._directory.harvest
        found = self._known.get(told.casefold(), set()) if told else set()
        if len(found) == 1:
            return h.id(next(iter(found)))
        if told:
            reason = "is somebody's manager and leads to no one user: left out"
            h.review(Matter.UNMAPPED, told, reason, origin=node.origin)
        return ""
