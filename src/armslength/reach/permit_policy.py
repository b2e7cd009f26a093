"""policy.cedar as single policies, each with the text that Cedar evaluates and the form in which Cedar tells its
parts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cedarpy

from armslength.estate import Estate

Form = dict[str, Any]
"""A policy, or a part of one, in Cedar's JSON form."""

DEEPEST = 90
"""Levels of a form that are read part by part. Cedar takes back at most 128, Python follows a thousand."""

STANDING = -1

_HOLDERS = {"Asset": ("Class",), "Person": ("Group",)}
"""What else than its own kind an entity can lie in."""

_TOKEN = re.compile(r'//[^\n\r]*|"(?:[^"\\]|\\.)*"|;|@?[A-Za-z_][A-Za-z0-9_]*', re.DOTALL)
_UID = re.compile(r'\{"type":("(?:[^"\\]|\\.)*"),"id":("(?:[^"\\]|\\.)*")\}')

Uid = tuple[str, str]
"""Type and id of an entity: `("Group", "ops")`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Policy:
    """One policy. `terms` is an index, -1 for standing access. `body` holds its conditions, None where they are
    nested too deeply to be read part by part; `uids` is every entity that it names, its scope's included."""

    id: str
    permits: bool
    terms: int
    text: str
    scope: Form
    body: tuple[Form, ...] | None
    uids: frozenset[Uid]

    def concerns(self, action: str, type_: str) -> bool:
        """Whether the scope can let `action` on a resource of this type pass. Actions lie in nothing, so that for
        them `in` is equality."""
        scope, resource = self.scope["action"], self.scope["resource"]
        named = scope["entities"] if "entities" in scope else [scope["entity"]] if "entity" in scope else None
        if named is not None and {"type": "Action", "id": action} not in named:
            return False
        if resource.get("entity_type", type_) != type_:
            return False
        whole = resource.get("entity") or resource.get("in", {}).get("entity")
        return whole is None or whole["type"] in _HOLDERS.get(type_, ()) or whole["type"] == type_


def policies(estate: Estate) -> tuple[Policy, ...]:
    """The estate's policies in the order of the file; none without policy.cedar."""
    if estate.policy is None:
        return ()
    numbers = {terms.id: i for i, terms in enumerate(estate.settings.terms)}
    return tuple(_policy(text, numbers) for text in split(estate.policy.text))


def split(text: str) -> Iterator[str]:
    """The text of each policy. A `;` outside strings and comments ends a policy and stands nowhere else."""
    start = 0
    for token in _TOKEN.finditer(text):
        if token.group() == ";":
            yield text[start : token.end()]
            start = token.end()


def set_of(forms: dict[str, Form]) -> cedarpy.PolicySet:
    """The policies that these forms make. Raises ValueError where Cedar cannot read one."""
    whole = {"templates": {}, "staticPolicies": forms, "templateLinks": []}
    return cedarpy.PolicySet.from_json_str(json.dumps(whole))


def _policy(text: str, numbers: dict[str, int]) -> Policy:
    written = cedarpy.policies_to_json_str(text)
    form = _form(written)
    body: tuple[Form, ...] | None = None
    if form is None:
        form = _form(cedarpy.policies_to_json_str(_head(text)))
    else:
        body = tuple(form["conditions"])
    if form is None:
        raise ValueError(f"the scope of a policy is too deep to be read: {text[:80]!r}")
    notes = form.get("annotations", {})
    uids = {(str(json.loads(kind)), str(json.loads(name))) for kind, name in _UID.findall(written)}
    return Policy(
        id=str(notes.get("id") or ""),
        permits=form["effect"] == "permit",
        terms=numbers[notes["terms"]] if notes.get("terms") else STANDING,
        text=text,
        scope={part: form[part] for part in ("principal", "action", "resource")},
        body=body,
        uids=frozenset(uids),
    )


def _form(written: str) -> Form | None:
    """The one policy of Cedar's JSON text; None where it is deeper than is safe to follow."""
    try:
        form: Form = json.loads(written)["staticPolicies"]["policy0"]
    except RecursionError:
        return None
    return form if written.count("{") < DEEPEST or _depth(form) < DEEPEST else None


def _depth(form: Form) -> int:
    level: list[object] = [form]
    depth = 0
    while level:
        depth += 1
        below: list[object] = []
        for part in level:
            if isinstance(part, dict):
                below.extend(part.values())
            elif isinstance(part, list):
                below.extend(part)
        level = below
    return depth


def _head(text: str) -> str:
    """The policy without its conditions."""
    for token in _TOKEN.finditer(text):
        if token.group() in ("when", "unless"):
            return text[: token.start()] + ";"
    return text
