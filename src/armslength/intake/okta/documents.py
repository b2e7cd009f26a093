"""Which answer of Okta's API a document is: by the ids in its file's name, and by what its parts look like."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from armslength.intake.json_document import json_node
from armslength.intake.node import Node
from armslength.intake.problem import Problems

HOW = (
    "expected arrays as Okta's API answers: users, groups, apps, and groups/ID/users, users/ID/roles, groups/ID/roles, "
    "apps/ID/users, apps/ID/groups in files whose names have the ID"
)
PAGES = (20, 50, 100, 200, 500, 1000, 10_000)
"""Things of a page, as Okta's lists have them by themselves or at most."""
_ID = re.compile(r"(?:00[ug]|0oa)[0-9A-Za-z]{17}")


@dataclass(slots=True)
class Answers:
    """What lies below a user, a group or an application is by its id. `None` for what no document was given of."""

    users: list[Node] = field(default_factory=list)
    groups: list[Node] = field(default_factory=list)
    apps: list[Node] = field(default_factory=list)
    members: dict[str, list[Node]] = field(default_factory=lambda: defaultdict(list))
    roles: dict[str, list[Node]] = field(default_factory=lambda: defaultdict(list))
    app_users: dict[str, list[Node]] = field(default_factory=lambda: defaultdict(list))
    app_groups: dict[str, list[Node]] = field(default_factory=lambda: defaultdict(list))
    full: list[str] = field(default_factory=list)
    """Files with as many things as a page has: the next page is told in a header only, so some may be missing."""


def read_answers(documents: Mapping[str, bytes], problems: Problems) -> Answers:
    answers = Answers()
    for file, data in documents.items():
        root = json_node(file, data, problems)
        if root is not None:
            _take(root, answers)
    return answers


def _take(root: Node, answers: Answers) -> None:
    if isinstance(root.value, dict) and "errorCode" in root.value:
        root.wrong("is an error that Okta answered: expected what was asked for")
        return
    items = list(root.items())
    if len(items) in PAGES:
        answers.full.append(root.file)
    name = root.file.rsplit("/", 1)[-1]
    found = _ID.search(name)
    id = found[0] if found is not None else ""
    rest = name.replace(id, "").casefold() if id else name.casefold()
    if id and "role" in rest and not id.startswith("0oa"):
        answers.roles[id].extend(items)
    elif id.startswith("00g"):
        answers.members[id].extend(items)
    elif id.startswith("0oa") and "group" in rest:
        answers.app_groups[id].extend(items)
    elif id.startswith("0oa"):
        answers.app_users[id].extend(items)
    elif not items:
        pass
    else:
        for item in items:
            _one(item, answers)


def _one(node: Node, answers: Answers) -> None:
    value = node.object()
    profile = value.get("profile")
    inner = profile if isinstance(profile, dict) else {}
    if "login" in inner:
        answers.users.append(node)
    elif "name" in inner and ("objectClass" in value or "type" in value or "lastMembershipUpdated" in value):
        answers.groups.append(node)
    elif "signOnMode" in value or "label" in value and "accessibility" in value:
        answers.apps.append(node)
    elif isinstance(node.value, dict):
        node.wrong(f"is no answer of Okta that is known: {HOW}")
