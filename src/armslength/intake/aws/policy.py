"""Policy documents: statements as they stand, with what a limit or an allowance has to know of each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from armslength.intake.json_document import json_node
from armslength.intake.node import Node

LONGEST = 2048
"""Characters of a pattern; AWS has policies of some 6,000 in all."""
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Statement:
    """`other_actions`: the patterns are those it does not speak of (NotAction); so for `other_resources`.
    `principals`: (AWS, Service, Federated, CanonicalUser or *, value); `conditions`: (operator, key, values)."""

    allow: bool
    actions: tuple[str, ...]
    other_actions: bool
    resources: tuple[str, ...]
    other_resources: bool
    principals: tuple[tuple[str, str], ...]
    other_principals: bool
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]
    own_name: bool
    """Whether it depends on the name of the user who asks."""
    origin: str

    @property
    def everything(self) -> bool:
        return self.allow and not self.other_actions and not self.other_resources and "*" in self.resources and (
            "*" in self.actions or "*:*" in self.actions
        )  # fmt: skip


def document(node: Node) -> Node | None:
    """A policy as an object, or as the text that the API has, plain or with percent signs."""
    if not isinstance(node.value, str):
        return node
    text = node.value if node.value.lstrip().startswith("{") else unquote(node.value)
    found = json_node(node.file, text.encode("utf-8", "surrogatepass"), node.problems)
    return None if found is None else Node(found.value, node.file, node.path, node.problems)


def statements(node: Node) -> tuple[Statement, ...]:
    found = document(node)
    if found is None:
        return ()
    return tuple(_statement(part) for part in found.at("Statement").one_or_more())


def _statement(node: Node) -> Statement:
    effect = node.at("Effect").text()
    if effect not in ("Allow", "Deny", ""):
        node.at("Effect").wrong(f"{effect[:60]!r}: expected Allow or Deny")
    other_actions = not node.has("Action") and node.has("NotAction")
    other_resources = not node.has("Resource") and node.has("NotResource")
    other_principals = not node.has("Principal") and node.has("NotPrincipal")
    actions = _patterns(node.at("NotAction" if other_actions else "Action"))
    if not actions and isinstance(node.value, dict):
        node.wrong("has no Action: expected one")
    resources = _patterns(node.at("NotResource" if other_resources else "Resource"))
    return Statement(
        allow=effect == "Allow",
        actions=tuple("*" if a in ("*:*", "**") else a for a in map(str.casefold, actions)),
        other_actions=other_actions,
        resources=resources,
        other_resources=other_resources,
        principals=tuple(_principals(node.at("NotPrincipal" if other_principals else "Principal"))),
        other_principals=other_principals,
        conditions=tuple(_conditions(node.at("Condition"))),
        own_name=any("${aws:username" in resource.casefold() for resource in resources),
        origin=node.origin,
    )


def _patterns(node: Node) -> tuple[str, ...]:
    found = node.texts()
    for text in found:
        if len(text) > LONGEST:
            node.wrong(f"has {len(text):,} characters: expected at most {LONGEST:,}")
    return tuple(dict.fromkeys(found))


def _principals(node: Node) -> Iterator[tuple[str, str]]:
    if node.value is None:
        return
    if isinstance(node.value, str):
        yield "*", node.text()
        return
    for kind, part in node.members():
        for value in part.texts():
            yield ("*", value) if kind == "AWS" and value == "*" else (kind, value)


def _conditions(node: Node) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    if node.value is None:
        return
    for operator, keys in node.members():
        for key, values in keys.members():
            told = tuple(
                part.value if isinstance(part.value, str) else json.dumps(part.value, default=str)
                for part in values.one_or_more()
            )
            yield operator, key.casefold(), told


def resolved(pattern: str, name: str) -> str:
    """The pattern with variables replaced: the user's name where it is told, else whatever may stand there."""
    if "${" not in pattern:
        return pattern

    def value(found: re.Match[str]) -> str:
        # A name of IAM has no star in it, so that it stays a plain text within the pattern.
        return name if name and found[1].strip().casefold() == "aws:username" else "*"

    return _VARIABLE.sub(value, pattern)
