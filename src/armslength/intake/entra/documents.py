"""Which export of Entra ID a document is, told by its context, its columns, or by what its parts look like."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from armslength.intake.csv_document import Sheet, csv_sheet
from armslength.intake.json_document import json_node
from armslength.intake.node import Node
from armslength.intake.problem import Problems

HOW = (
    "expected answers of Microsoft Graph (users, groups, groups/ID/members, groups/ID/owners, directoryRoles, "
    "roleManagement/directory/…), or the portal's CSV of users, groups or members"
)
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
EXPANDED = 20
"""Of a list that was asked for with $expand Graph gives no more than so many, and does not say so."""


class Kind(StrEnum):
    USERS = "users"
    GROUPS = "groups"
    MEMBERS = "members"
    OWNERS = "owners"
    ROLES = "directory roles"
    ASSIGNED = "role assignments"
    ELIGIBLE = "eligible roles"
    DEFINITIONS = "role definitions"
    GROUP_ELIGIBLE = "eligible members"
    APPS = "service principals"
    OTHER = "other"


@dataclass(slots=True)
class Exports:
    """Parts by kind; `members` and `owners` by the group that their file's name tells."""

    parts: dict[Kind, list[Node]] = field(default_factory=lambda: defaultdict(list))
    members: dict[str, list[Node]] = field(default_factory=lambda: defaultdict(list))
    owners: dict[str, list[Node]] = field(default_factory=lambda: defaultdict(list))
    given: set[Kind] = field(default_factory=set)
    """Kinds of which there was a document, even an empty one."""


def read_exports(documents: Mapping[str, bytes], problems: Problems) -> Exports:
    """The documents' parts. Half a list and what is no such export is reported."""
    exports = Exports()
    for file, data in documents.items():
        if file.casefold().endswith(".csv"):
            sheet = csv_sheet(file, data, problems)
            if sheet is not None:
                _sheet(sheet, exports, problems)
        elif (root := json_node(file, data, problems)) is not None:
            _root(root, exports)
    return exports


def _root(root: Node, exports: Exports) -> None:
    if isinstance(root.value, dict):
        if root.has("@odata.nextLink"):
            root.wrong("has an @odata.nextLink: expected the further pages in it as well: see docs/intake/entra.md")
        if not root.has("value") and "value" not in root.value:
            root.wrong(f"is no list of Entra ID: {HOW}")
            return
        parts = root.at("value")
    else:
        parts = root
    items = list(parts.items())
    kind = _kind(root, items)
    if kind is Kind.OTHER:
        root.wrong(f"is no export of Entra ID that is known: {HOW}")
    elif kind in (Kind.MEMBERS, Kind.OWNERS):
        group = _named(root.file)
        if group is None:
            root.wrong("has members of a group: expected the group's id in the file's name: members-ID.json")
        else:
            into = exports.members if kind is Kind.MEMBERS else exports.owners
            into[group].extend(items)
    else:
        exports.parts[kind].extend(items)
    exports.given.add(kind)


def _named(file: str) -> str | None:
    found = GUID.search(file.casefold())
    return found[0] if found is not None else None


_CONTEXTS = (
    ("rolemanagement/directory/roleassignment", Kind.ASSIGNED),
    ("rolemanagement/directory/roleeligibility", Kind.ELIGIBLE),
    ("rolemanagement/directory/roledefinitions", Kind.DEFINITIONS),
    ("identitygovernance/privilegedaccess/group/", Kind.GROUP_ELIGIBLE),
    ("directoryroles", Kind.ROLES),
    ("serviceprincipals", Kind.APPS),
    ("users", Kind.USERS),
)


def _kind(root: Node, items: list[Node]) -> Kind:
    context = root.value.get("@odata.context") if isinstance(root.value, dict) else None
    about = context.casefold().partition("#")[2] if isinstance(context, str) else ""
    name = root.file.casefold()
    listed = Kind.OWNERS if "owner" in name else Kind.MEMBERS
    if about.startswith("directoryobjects") or (
        about.startswith("groups") and ("/members" in about or "/own" in about)
    ):
        return Kind.OWNERS if "/own" in about else listed
    for begin, kind in _CONTEXTS:
        if about.startswith(begin):
            return kind
    if about.startswith("groups"):
        return Kind.GROUPS
    if _named(name) is not None and ("member" in name or "owner" in name):
        return listed
    keys = {key for item in items[:50] if isinstance(item.value, dict) for key in item.value}
    for key, kind in (
        ("userPrincipalName", Kind.USERS),
        ("roleTemplateId", Kind.ROLES),
        ("accessId", Kind.GROUP_ELIGIBLE),
        ("rolePermissions", Kind.DEFINITIONS),
        ("roleDefinitionId", Kind.ELIGIBLE if "eligib" in name else Kind.ASSIGNED),
        ("groupTypes", Kind.GROUPS),
        ("securityEnabled", Kind.GROUPS),
        ("appId", Kind.APPS),
    ):
        if key in keys:
            return kind
    return Kind.OTHER


_COLUMNS = {
    "id": "id", "objectid": "id", "userprincipalname": "userPrincipalName", "displayname": "displayName",
    "mail": "mail", "usertype": "userType", "jobtitle": "jobTitle", "department": "department",
    "accountenabled": "accountEnabled", "country": "country", "officelocation": "officeLocation",
    "physicaldeliveryofficename": "officeLocation", "companyname": "companyName", "employeeid": "employeeId",
    "alternateemailaddress": "otherMails", "onpremisessamaccountname": "onPremisesSamAccountName",
    "objecttype": "objectType", "isassignabletorole": "isAssignableToRole", "membershiptype": "membershipType",
    "grouptype": "groupType", "visibility": "visibility",
}  # fmt: skip
"""Columns of the portal's downloads, letter case and spaces aside, as Graph names the same."""


def _sheet(sheet: Sheet, exports: Exports, problems: Problems) -> None:
    """Rows as Graph would give them."""
    known = {column: _COLUMNS[plain] for column in sheet.header if (plain := _plain(column)) in _COLUMNS}
    names = set(known.values())
    if "id" not in names:
        problems.add(sheet.file, f"has no column id: {HOW}", line=1)
        return
    parts = []
    for line, cells in sheet.cells(problems, *known):
        value: dict[str, object] = {known[column]: cell for column, cell in cells.items() if cell}
        for flag in ("accountEnabled", "isAssignableToRole"):
            if isinstance(said := value.get(flag), str):
                value[flag] = {"true": True, "yes": True, "false": False, "no": False}.get(said.casefold(), said)
        if isinstance(mail := value.pop("otherMails", None), str):
            value["otherMails"] = [mail]
        parts.append(Node(value, f"{sheet.file}:{line}", "$", problems))
    group = _named(sheet.file)
    if group is not None and "userPrincipalName" in names:
        for part in parts:
            assert isinstance(part.value, dict)
            said = str(part.value.get("objectType", "")).casefold()
            kind = "group" if said == "group" or (not said and "userPrincipalName" not in part.value) else "user"
            part.value["@odata.type"] = f"#microsoft.graph.{'serviceprincipal' if 'service' in said else kind}"
        (exports.owners if "owner" in sheet.file.casefold() else exports.members)[group].extend(parts)
        exports.given.add(Kind.MEMBERS)
    elif "userPrincipalName" in names and "accountEnabled" in names:
        exports.parts[Kind.USERS].extend(parts)
        exports.given.add(Kind.USERS)
    elif "userPrincipalName" in names:
        told = "has members of a group, or users without accountEnabled: expected the group's id in the file's name"
        problems.add(sheet.file, told, line=1)
    else:
        exports.parts[Kind.GROUPS].extend(parts)
        exports.given.add(Kind.GROUPS)


def _plain(column: str) -> str:
    return re.sub(r"[\W_]", "", column.casefold())
