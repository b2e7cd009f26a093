"""What the kinds of somebody's own graph mean, as they write it once: `--map-file graph.toml`.

[nodes]
GHUser = "account"                # account, group or asset
[edges]
GHMemberOf = "member"             # member, control, enroll, operate, assume, grant ACTION, nothing
GHPush = "grant push"
GHOwnedBy = { means = "control", from = "end" }
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from armslength.estate import POWERS
from armslength.intake.node import Node
from armslength.intake.opengraph.edge_kinds import EDGE_KINDS
from armslength.intake.opengraph.meaning import Effect, Meaning, Role
from armslength.intake.opengraph.node_kinds import NODE_KINDS
from armslength.intake.problem import Problems
from armslength.intake.toml_document import toml_node

FILE = "graph.toml"
"""The name under which the file is kept in the source's folder."""
_ROLES = {"account": Role.ACCOUNT, "group": Role.GROUP, "asset": Role.THING}
_EFFECTS = {
    "member": Effect.MEMBER,
    "control": Effect.CONTROL,
    "enroll": Effect.ENROLL,
    "operate": Effect.OPERATE,
    "assume": Effect.ASSUME,
    "nothing": Effect.NOTHING,
}
_ACTION = re.compile(r"\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """What every kind means: BloodHound's own, and those that were asked for."""

    nodes: Mapping[str, Role] = field(default_factory=lambda: NODE_KINDS)
    edges: Mapping[str, Meaning] = field(default_factory=lambda: EDGE_KINDS)


def read_kinds(file: str, data: bytes, problems: Problems) -> Kinds:
    """Raises nothing: what is wrong is in `problems`. What the file says of a kind that is known anyway counts."""
    root = toml_node(file, data, problems)
    if root is None:
        return Kinds()
    for key, part in root.members():
        if key not in ("nodes", "edges"):
            part.wrong("is no table of this file: expected [nodes] and [edges]")
    nodes = {kind: _role(part) for kind, part in _members(root, "nodes")}
    edges = {kind: _meaning(part) for kind, part in _members(root, "edges")}
    return Kinds(nodes={**NODE_KINDS, **nodes}, edges={**EDGE_KINDS, **edges})


def _members(root: Node, key: str) -> list[tuple[str, Node]]:
    return list(root.at(key).members()) if root.has(key) else []


def _role(part: Node) -> Role:
    word = part.text()
    if word and word not in _ROLES:
        part.wrong(f"{word!r}: expected one of {', '.join(_ROLES)}")
    return _ROLES.get(word, Role.THING)


def _meaning(part: Node) -> Meaning:
    backward = False
    if isinstance(part.value, dict):
        for key, inner in part.members():
            if key not in ("means", "from"):
                inner.wrong("is not known here: expected means and from")
        start = part.at("from").text_or("start")
        if start not in ("start", "end"):
            part.at("from").wrong(f"{start!r}: expected start or end, whichever is able to do something")
        part, backward = part.at("means"), start == "end"
    word, _, action = part.text().partition(" ")
    if word == "grant" and _ACTION.fullmatch(action) and action not in POWERS | {"*"}:
        return Meaning(effect=Effect.GRANT, action=action, backward=backward)
    if action or word not in _EFFECTS:
        if word:
            part.wrong(f"{word!r}: expected one of {', '.join(_EFFECTS)}, or grant and one action that is no power")
        return Meaning(effect=Effect.NOTHING)
    return Meaning(effect=_EFFECTS[word], backward=backward)
