"""Users and groups of SCIM become people and groups."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from armslength.intake.harvest import Harvest
from armslength.intake.json_document import json_node
from armslength.intake.node import Node
from armslength.intake.problem import Problems
from armslength.intake.scim.people import Members, map_people
from armslength.intake.scim.resource import Account, Reader, any_case, kind_of

if TYPE_CHECKING:
    from scim2_models import Group

LIST = "urn:ietf:params:scim:api:messages:2.0:listresponse"
HOW = "expected the answer of GET /Users and GET /Groups, or an array of users and groups"


def map_scim(documents: Mapping[str, bytes], harvest: Harvest, problems: Problems) -> None:
    """`documents`: lists (pages of one list too), arrays or single resources, by name.

    Raises `IntakeError` with everything that is wrong.
    """
    reading = _Reading(Reader(next(iter(documents), "scim")))
    for file, data in documents.items():
        root = json_node(file, data, problems)
        if root is not None:
            reading.add(root)
    reading.check(next(iter(documents), "scim"), problems)
    problems.stop()
    map_people(reading.users, reading.groups, reading.others, harvest)


class _Reading:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.users: dict[str, Account] = {}
        self.groups: dict[str, Members] = {}
        self.others: dict[str, list[str]] = defaultdict(list)
        """Where resources of other kinds stand."""
        self._totals: dict[str, int] = {}
        self._counts: Counter[str] = Counter()

    def add(self, root: Node) -> None:
        if isinstance(root.value, list):
            for part in root.items():
                self._resource(part)
        elif isinstance(root.value, dict) and _is_list(root):
            total = any_case(root, "totalresults").whole(0)
            parts = list(any_case(root, "resources").items())
            kinds = {self._resource(part) for part in parts}
            kind = kinds.pop() if len(kinds) == 1 else "" if kinds else "none"
            self._totals[kind] = max(total, self._totals.get(kind, 0))
            self._counts[kind] += len(parts)
        else:
            self._resource(root)

    def _resource(self, node: Node) -> str:
        kind = kind_of(node)
        if kind == "user":
            if (user := self.reader.user(node)) is not None and (id := _id(node, user.id, self.users)):
                self.users[id] = user
        elif kind == "group":
            if (group := self.reader.group(node)) is not None and (id := _id(node, group.id, self.groups)):
                self.groups[id] = _members(group, node)
        elif kind:
            self.others[kind].append(node.origin)
        return kind

    def check(self, file: str, problems: Problems) -> None:
        """Whether these are all: half a directory looks like a small firm."""
        most = max(self._counts.values(), default=0)
        for kind, total in self._totals.items():
            # An empty list may be the page behind the last.
            count = most if kind == "none" else self._counts[kind]
            if count < total:
                told = f"has {count:,} of {total:,} resources: expected all, the further pages (startIndex) as well"
                problems.add(file, told, path="$.totalResults")
        if not self.users and not problems:
            problems.add(file, f"has no users of SCIM 2.0: {HOW}")


def _is_list(root: Node) -> bool:
    schemas = any_case(root, "schemas").value
    names = [str(name).casefold() for name in schemas] if isinstance(schemas, list) else []
    return LIST in names or any_case(root, "resources").value is not None


def _id(node: Node, id: str | None, known: Mapping[str, object]) -> str:
    part = Node(id, node.file, f"{node.path}.id", node.problems)
    found = part.text()
    if found in known:
        part.wrong("is the id of another resource as well: expected each resource once")
        return ""
    return found


def _members(group: Group, node: Node) -> Members:
    told = [
        (member.value, (member.type or "").casefold(), f"{node.origin}.members[{place}]")
        for place, member in enumerate(group.members or ())
        if member.value
    ]
    return Members(name=group.display_name or "", told=group.members is not None, members=tuple(told), node=node)
