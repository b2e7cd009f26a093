"""How the checker asks Cedar: one policy, one question at a time, the context left out, and nothing kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cedarpy

from armslength.reach.checker_ground import wrong

Form = dict[str, Any]
"""A policy, or a part of one, as Cedar writes it in JSON."""

Uid = tuple[str, str]
"""Type and id of an entity."""

FIRST = "policy0"
"""What Cedar calls the first policy of a text."""

_ANY: Mapping[str, Form] = {part: {"op": "All"} for part in ("principal", "action", "resource")}
_PRINTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one policy says, whatever is unknown: it `may` hold, it `must`; and what is `unknown` in what is left."""

    may: bool
    must: bool
    unknown: frozenset[str] = frozenset()


DEEP = Said(may=True, must=False)
"""Of a policy that Cedar gave up for its depth: another time it might not."""


def ask(policies: cedarpy.PolicySet, asked: Mapping[str, Uid], entities: Iterable[Form]) -> Said:
    """Of the one policy of `policies`; a principal that is not asked for is unknown, as is an entity that is not
    given. Raises Fault where Cedar cannot read the question."""
    try:
        question = {part: _spelled(uid) for part, uid in asked.items()}
        answer = cedarpy.is_authorized_partial(question, policies, json.dumps(list(entities)))
    except RecursionError:
        return DEEP
    except ValueError as error:
        wrong(f"Cedar does not read the question: {error}")
    if any("recursion limit" in error for error in answer.diagnostics.errors):
        return DEEP
    if FIRST not in answer.residuals:
        wrong(f"Cedar does not read the question: {'; '.join(answer.diagnostics.errors)}")
    may, must = bool(answer.diagnostics.may_be_determining), bool(answer.diagnostics.reasons)
    return Said(may=may, must=must, unknown=frozenset(_unknown(answer.residuals[FIRST])))


def alone(condition: Form, kind: str = "when") -> cedarpy.PolicySet | None:
    """A permit to all for everything on one condition; None where it is too deep for Cedar to read back."""
    form = {"effect": "permit", **_ANY, "conditions": [{"kind": kind, "body": condition}]}
    try:
        return _set_of(form)
    except (RecursionError, ValueError):
        return None


def scope(form: Form) -> cedarpy.PolicySet:
    """A policy's scope alone, whoever asks."""
    return _set_of({**form, "principal": _ANY["principal"], "conditions": []})


def entity(uid: Uid, attributes: Mapping[str, object], parents: Iterable[Uid]) -> Form:
    return {"uid": _form(uid), "attrs": dict(attributes), "parents": [_form(parent) for parent in parents]}


def _form(uid: Uid) -> Form:
    return {"type": uid[0], "id": uid[1]}


def _set_of(form: Form) -> cedarpy.PolicySet:
    whole = {"templates": {}, "staticPolicies": {FIRST: form}, "templateLinks": []}
    return cedarpy.PolicySet.from_json_str(json.dumps(whole))


def _spelled(uid: Uid) -> str:
    """As Cedar itself prints it: it reads a question in no other spelling."""
    is_it = {"principal": {"op": "==", "entity": _form(uid)}}
    printed = str(_set_of({"effect": "permit", **_ANY, **is_it, "conditions": []}))
    found = _PRINTED.search(printed, printed.index(f"{uid[0]}::"))
    return f"{uid[0]}::{found.group()}" if found is not None else wrong(f"Cedar does not print {uid!r}")


def _unknown(form: object) -> Iterable[str]:
    """The names of what Cedar does not know in it."""
    todo = [form]
    while todo:
        match todo.pop():
            case {"unknown": [{"Value": str(name)}]}:
                yield name
            case dict() as part:
                todo.extend(part.values())
            case list() as part:
                todo.extend(part)
            case _:
                pass
