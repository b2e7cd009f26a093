"""Which answer of the Directory API, or print of GAM, a document is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from armslength.intake.csv_document import Sheet, csv_sheet
from armslength.intake.json_document import json_node
from armslength.intake.node import Node
from armslength.intake.problem import Problems

HOW = (
    "expected answers of users.list, groups.list, members.list (the group's address in the file's name), roles.list, "
    "roleAssignments.list, or CSV of gam print users, groups, group-members, admins"
)
DEEPEST, LONGEST = 6, 200
"""Of GAM's columns, such as organizations.0.title: parts of a name, and entries of a list."""

COUNTED = (
    "aliases",
    "nonEditableAliases",
    "emails",
    "externalIds",
    "organizations",
    "addresses",
    "relations",
    "locations",
)
"""Lists of which GAM writes how many there are in a column of that name."""


@dataclass(slots=True)
class Lists:
    """`members` are by what names the group: its address in lower case, or a file's name that has it."""

    users: list[Node] = field(default_factory=list)
    groups: list[Node] = field(default_factory=list)
    members: dict[str, list[Node]] = field(default_factory=lambda: defaultdict(list))
    member_files: dict[str, list[Node]] = field(default_factory=lambda: defaultdict(list))
    settings: list[Node] = field(default_factory=list)
    roles: list[Node] = field(default_factory=list)
    assignments: list[Node] = field(default_factory=list)
    assigned: bool = False
    """Whether any list of assignments was given, even an empty one."""


def read_lists(documents: Mapping[str, bytes], problems: Problems) -> Lists:
    lists = Lists()
    for file, data in documents.items():
        if file.casefold().endswith(".csv"):
            sheet = csv_sheet(file, data, problems)
            if sheet is not None:
                _sheet(sheet, lists, problems)
        elif (root := json_node(file, data, problems)) is not None:
            _root(root, lists)
    return lists


def _root(root: Node, lists: Lists) -> None:
    value = root.value
    if isinstance(value, list):
        _take([*root.items()], root, lists)
        return
    root.object()
    if root.has("nextPageToken"):
        root.wrong("has a nextPageToken: expected the further pages in it as well: see docs/intake/google.md")
    for key in ("users", "groups", "members", "items"):
        if root.has(key):
            _take([*root.at(key).items()], root, lists)
            return
    kind = root.at("kind").text_or() if isinstance(value, dict) else ""
    if kind == "groupsSettings#groups":
        lists.settings.append(root)
    elif kind.startswith("admin#directory#") and kind.endswith("s"):
        _empty(kind.rsplit("#", 1)[-1], root, lists)
    elif isinstance(value, dict):
        _take([root], root, lists)


def _empty(kind: str, root: Node, lists: Lists) -> None:
    """A list of nothing has no key for it."""
    if kind == "members":
        lists.member_files[root.file.casefold()].extend(())
    lists.assigned |= kind == "roleAssignments"


def _take(parts: list[Node], root: Node, lists: Lists) -> None:
    about = root.value.get("kind") if isinstance(root.value, dict) else None
    lists.assigned |= about == "admin#directory#roleAssignments"
    if about == "admin#directory#members":
        lists.member_files[root.file.casefold()].extend(())
    for part in parts:
        value = part.object()
        if "primaryEmail" in value:
            lists.users.append(part)
        elif "whoCanJoin" in value and "email" in value:
            lists.settings.append(part)
        elif "assignedTo" in value or "assignedToUser" in value or "assignedToGroup" in value:
            lists.assignments.append(part)
            lists.assigned = True
        elif "roleName" in value:
            lists.roles.append(part)
        elif "role" in value and ("type" in value or "status" in value):
            lists.member_files[root.file.casefold()].append(part)
        elif "email" in value:
            lists.groups.append(part)
        elif isinstance(part.value, dict):
            part.wrong(f"is nothing of Google Workspace that is known: {HOW}")


def _sheet(sheet: Sheet, lists: Lists, problems: Problems) -> None:
    """Rows as the API would give them: GAM writes what lies within others with dots between."""
    names = {name.casefold(): name for name in sheet.header}
    group = names.get("group")
    rows = []
    for line, cells in sheet.cells(problems, *sheet.header):
        rows.append(Node(_nested(cells), sheet.origin(line), "$", problems))
    if "primaryemail" in names:
        lists.users.extend(rows)
    elif group is not None and ("role" in names or "type" in names):
        for row in rows:
            lists.members[row.at(group).text().casefold()].append(row)
    elif "roleid" in names and ("assignedto" in names or "assignedtouser" in names or "assignedtogroup" in names):
        lists.assignments.extend(rows)
        lists.assigned = True
    elif "rolename" in names:
        lists.roles.extend(rows)
    elif "email" in names:
        lists.groups.extend(rows)
        if "whoCanJoin" in sheet.header:
            lists.settings.extend(rows)
    else:
        problems.add(sheet.file, f"is nothing of Google Workspace that is known: {HOW}", line=1)


def _nested(cells: Mapping[str, str]) -> dict[str, object]:
    made: dict[str, object] = {}
    for name, cell in cells.items():
        if cell and not (name in COUNTED and cell.isdecimal()):
            parts = name.split(".")
            value: object = {"true": True, "false": False}.get(cell.casefold(), cell)
            if len(parts) <= DEEPEST:
                _put(made, parts, value)
    return {key: _listed(value) for key, value in made.items()}


def _put(into: dict[str, object], parts: list[str], value: object) -> None:
    for part in parts[:-1]:
        below = into.get(part)
        if not isinstance(below, dict):
            below = into[part] = {}
        into = below
    into.setdefault(parts[-1], value)


def _listed(value: object) -> object:
    """What has numbers as keys is a list; a number alone, as GAM writes how many there are, is none."""
    if not isinstance(value, dict):
        return value
    made = {key: _listed(part) for key, part in value.items()}
    if made and all(re.fullmatch(r"[0-9]{1,3}", key) and int(key) < LONGEST for key in made):
        return [made[key] for key in sorted(made, key=int)]
    return made
