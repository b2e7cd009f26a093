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
from armslength.reach.permit_form import Form, Uid

STANDING = -1

_HOLDERS = {"Asset": ("Class",), "Person": ("Group",)}
"""What else than its own kind an entity can lie in."""

_TOKEN = re.compile(r'//[^\n\r]*|"(?:[^"\\]|\\.)*"|;', re.DOTALL)
_JSON = re.compile(r'[{}\[\]]|"(?:[^"\\]|\\.)*"|[^\s{}\[\],:"]+', re.DOTALL)
_UID = re.compile(r'\{"type":("(?:[^"\\]|\\.)*"),"id":("(?:[^"\\]|\\.)*")\}')


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Policy:
    """One policy. `terms` is an index, -1 for standing access; `body` holds its conditions, nested as deeply as they
    come; `uids` is every entity that it names, its scope's included."""

    id: str
    permits: bool
    terms: int
    text: str
    scope: Form
    body: tuple[Form, ...]
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
    try:
        form: Form = json.loads(written)
    except RecursionError:
        form = _deep(written)
    form = form["staticPolicies"]["policy0"]
    notes = form.get("annotations", {})
    uids = {(str(json.loads(kind)), str(json.loads(name))) for kind, name in _UID.findall(written)}
    return Policy(
        id=str(notes.get("id") or ""),
        permits=form["effect"] == "permit",
        terms=numbers[notes["terms"]] if notes.get("terms") else STANDING,
        text=text,
        scope={part: form[part] for part in ("principal", "action", "resource")},
        body=tuple(form["conditions"]),
        uids=frozenset(uids),
    )


def _deep(written: str) -> Any:
    """The value of a JSON text that is nested more deeply than the standard reader follows, as `a || b || c …` is."""
    stack: list[list[Any]] = [[]]
    kinds: list[str] = []
    for token in _JSON.findall(written):
        if token in ("{", "["):
            stack.append([])
            kinds.append(token)
        elif token in ("}", "]"):
            parts = stack.pop()
            whole = dict(zip(parts[::2], parts[1::2], strict=True)) if kinds.pop() == "{" else parts
            stack[-1].append(whole)
        else:
            stack[-1].append(json.loads(token))
    return stack[0][0]
