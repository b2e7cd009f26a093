"""The users and groups of a tenant become people and groups."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from armslength.intake.entra.documents import EXPANDED, HOW, Exports, Kind, read_exports
from armslength.intake.entra.roles import map_roles
from armslength.intake.harvest import Harvest, Matter
from armslength.intake.node import Node
from armslength.intake.problem import Problems

MAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")


def map_entra(documents: Mapping[str, bytes], harvest: Harvest, problems: Problems) -> None:
    """`documents`: answers of Microsoft Graph and downloads of the portal, by file name.

    Raises `IntakeError` with everything that is wrong.
    """
    exports = read_exports(documents, problems)
    tenant = Tenant(exports, harvest)
    if not exports.parts[Kind.USERS] and not problems:
        problems.add(next(iter(documents), "entra"), f"no document has users: {HOW}")
    problems.stop()
    tenant.map_people()
    tenant.map_groups()
    map_roles(tenant)
    problems.stop()


class Tenant:
    """Everything by its id, as far as the exports have it."""

    def __init__(self, exports: Exports, harvest: Harvest) -> None:
        self.exports, self.harvest = exports, harvest
        self.users: dict[str, Node] = {}
        self.disabled: set[str] = set()
        self.groups: dict[str, Node] = {}
        self.apps = {node.at("id").text(): node.at("displayName").text_or() for node in exports.parts[Kind.APPS]}
        self.protected: set[str] = set()
        """Members and owners of groups that roles can be given to: few can reset how they sign in."""
        self.app_accounts: dict[str, str] = {}
        for node in exports.parts[Kind.USERS]:
            id = node.at("id").text()
            if not node.at("accountEnabled").flag(True):
                self.disabled.add(id)
            elif id in self.users:
                node.at("id").wrong("is the id of another user as well: expected each user once")
            else:
                self.users[id] = node
        for node in exports.parts[Kind.GROUPS]:
            self.groups.setdefault(node.at("id").text(), node)

    def person(self, id: str) -> str:
        return f"person:{self.harvest.id(id)}"

    def group(self, id: str) -> str:
        return self.harvest.id("group", id)

    # people

    def map_people(self) -> None:
        h = self.harvest
        everybody = h.id("users")
        first = self.exports.parts[Kind.USERS][0]
        h.group(everybody, origin=first.file)
        managers: dict[str, None] = {}
        for id, node in self.users.items():
            self._person(id, node, managers)
            h.member(everybody, self.person(id), origin=node.origin)
        for boss in managers:
            h.review(Matter.UNMAPPED, boss, "is somebody's manager and no enabled user: left out", origin=first.file)
        if self.disabled:
            reason = f"{len(self.disabled):,} users whose account is disabled are left out, in groups and roles too"
            h.review(Matter.UNMAPPED, "disabled users", reason, origin=first.file)

    def _person(self, id: str, node: Node, managers: dict[str, None]) -> None:
        h = self.harvest

        def cell(key: str) -> str:
            return " ".join(_line(node.at(key)).split())

        country, office = cell("country"), cell("officeLocation")
        boss = _line(node.at("manager").at("id")) if node.has("manager") else ""
        if boss and boss not in self.users:
            managers[boss] = None
            boss = ""
        # usageLocation says where licences may be used, and is often the firm's seat for everybody: no workplace.
        more = {"office": office if country else "", "user_type": cell("userType")}
        more = {key: value for key, value in more.items() if value}
        h.person(
            h.id(id),
            origin=node.origin,
            unit=cell("department"),
            role=cell("jobTitle"),
            entity=cell("companyName"),
            workplace=country or office,
            manager=h.id(boss) if boss else "",
            name=cell("displayName"),
            more=json.dumps(more, ensure_ascii=False) if more else "",
        )
        who, upn = self.person(id), cell("userPrincipalName")
        h.identifier(who, "employee", cell("employeeId"), origin=node.origin)
        h.identifier(who, "subject", id, origin=node.origin)
        for mail in (cell("mail"), upn, *(_line(part) for part in node.at("otherMails").one_or_more())):
            if MAIL.fullmatch(mail) and "#EXT#" not in mail:
                h.identifier(who, "mail", mail, origin=node.origin)
        h.identifier(who, "login", f"{h.name}:{upn}" if upn else "", origin=node.origin)
        sam = cell("onPremisesSamAccountName")
        h.identifier(who, "login", f"ad:{sam}" if sam else "", origin=node.origin)

    # groups

    def map_groups(self) -> None:
        eligible: dict[str, list[Node]] = defaultdict(list)
        for node in self.exports.parts[Kind.GROUP_ELIGIBLE]:
            eligible[node.at("groupId").text()].append(node)
        roles = {node.at("id").text() for node in self.exports.parts[Kind.ROLES]}
        named = (*self.exports.members, *self.exports.owners, *eligible)
        strangers = dict.fromkeys(id for id in named if id not in self.groups and id not in roles)
        h, dynamic, ownerless = self.harvest, 0, 0
        for id in strangers:  # known by their members only
            parts = [*self.exports.members.get(id, ()), *self.exports.owners.get(id, ()), *eligible.get(id, ())]
            if parts:
                self.groups[id] = Node({"id": id}, parts[0].file, "$", parts[0].problems)
        for id, node in self.groups.items():
            self._group(id, node, eligible.get(id, ()))
            dynamic += "DynamicMembership" in _words(node, "groupTypes") or node.has("membershipRule")
            shown = list(node.at("owners").items())
            ownerless += id not in self.exports.owners and ("owners" not in node.object() or len(shown) >= EXPANDED)
        first = next(iter(self.groups.values()), None)
        if first is not None and ownerless:
            reason = f"the owners of {ownerless:,} groups were not given, and owners can add members: export them too"
            h.review(Matter.UNMAPPED, "owners", reason, origin=first.file)
        if first is not None and dynamic:
            reason = f"{dynamic:,} groups whose members a rule finds: who edits what it looks at can change them"
            h.review(Matter.UNMAPPED, "dynamic groups", reason, origin=first.file)

    def _group(self, id: str, node: Node, eligible: Iterable[Node]) -> None:
        h, name = self.harvest, self.group(id)
        origin = node.origin
        title = _line(node.at("displayName")) or id
        h.group(name, origin=origin)
        shown = list(node.at("members").items())
        members = [*self.exports.members.get(id, ()), *shown]
        owners = [*self.exports.owners.get(id, ()), *node.at("owners").items()]
        if id not in self.exports.members and ("members" not in node.object() or len(shown) >= EXPANDED):
            told = "not all given" if shown else "not given"
            h.unknown(name, f"the members of {title!r} were {told}: export groups/{id}/members", origin=origin)
        found = {ref: part.origin for part in members if (ref := self.reference(part, name, title)) is not None}
        held = {ref: part.origin for part in owners if (ref := self.reference(part, name, title)) is not None}
        for part in eligible:
            principal = _line(part.at("principalId"))
            into = held if _line(part.at("accessId")) == "owner" else found
            if (ref := self.principal(principal, "", part.origin, name, title)) is not None:
                into.setdefault(ref, part.origin)
                reason = "may become a member or an owner when they ask (PIM): taken for one"
                h.review(Matter.WIDER, ref, f"{reason} of {title!r}", origin=part.origin)
        for ref, where in found.items():
            h.member(name, ref, origin=where)
        if held:
            owned = h.id("group", id, "owners")
            if id not in self.exports.owners and len(list(node.at("owners").items())) >= EXPANDED:
                h.unknown(
                    owned, f"the owners of {title!r} were not all given: export groups/{id}/owners", origin=origin
                )
            h.group(owned, origin=origin)
            for ref, where in held.items():
                h.member(owned, ref, origin=where)
            h.grant(f"group:{owned}", "enroll", f"group:{name}", origin=origin)
        if node.at("isAssignableToRole").flag():
            self.protected.update((*found, *held))
        if self.is_office(node) and _line(node.at("visibility")).casefold() == "public":
            h.grant(f"group:{h.id('users')}", "enroll", f"group:{name}", origin=origin)

    @staticmethod
    def is_office(node: Node) -> bool:
        return "Unified" in _words(node, "groupTypes") or _line(node.at("groupType")).casefold() == "microsoft 365"

    def reference(self, part: Node, of: str, title: str) -> str | None:
        id = part.at("id").text()
        return self.principal(id, _line(part.at("@odata.type")).casefold(), part.origin, of, title)

    def principal(self, id: str, type_: str, origin: str, of: str, title: str) -> str | None:
        """The person, group or account; None for what cannot sign in. Who is in no export is unknown in the group."""
        if id in self.users:
            return self.person(id)
        if id in self.groups:
            return f"group:{self.group(id)}"
        if id in self.disabled or type_.endswith((".device", ".orgcontact")):
            return None
        if id in self.apps or type_.endswith("serviceprincipal"):
            return self.app(id, origin)
        note = f"members of {title!r} that no export of users, groups or service principals has"
        self.harvest.unknown(of, note, origin=origin)
        return None

    def app(self, id: str, origin: str) -> str:
        name = self.harvest.id("app", id)
        title = self.apps.get(id) or id
        self.harvest.account(name, note=f"the application {title!r}: whoever has its secret", origin=origin)
        self.app_accounts.setdefault(name, origin)
        return f"group:{name}"


def _line(node: Node) -> str:
    return node.text_or()


def _words(node: Node, key: str) -> list[str]:
    return node.at(key).texts()
