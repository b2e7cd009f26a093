"""Questions to Cedar: one policy, one person, one action, one target, the context left out.

Partial evaluation takes an entity that it is not given for unknown, so whatever the policy names is given, the action
included. Cedar reads the uids of a question in its own spelling only; those that a policy names are spelled by Cedar.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cedarpy

from armslength.reach.permit_form import Form, Uid
from armslength.reach.permit_policy import set_of

_RECURSION = "recursion limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One entity of a question; `parents` may name entities that are not given."""

    uid: Uid
    attributes: Mapping[str, object]
    parents: frozenset[Uid] = frozenset()

    def form(self) -> Form:
        """As Cedar's JSON has it."""
        return {
            "uid": _form(self.uid),
            "attrs": dict(self.attributes),
            "parents": [_form(parent) for parent in self.parents if parent != self.uid],
        }


def may_hold(
    policies: cedarpy.PolicySet, entities: cedarpy.Entities, principal: Uid, action: Uid, resource: Uid
) -> bool:
    """Whether the one permit of `policies` may let this pass, whatever is unknown (semantics, "Cedar policies").

    What Cedar could not evaluate for its depth may: it might at another time.
    """
    answer = _answer(policies, entities, principal, action, resource)
    if answer is None or any(_RECURSION in error for error in answer.diagnostics.errors):
        return True
    return bool(answer.diagnostics.may_be_determining)


def must_hold(
    policies: cedarpy.PolicySet, entities: cedarpy.Entities, principal: Uid, action: Uid, resource: Uid
) -> bool:
    """Whether the one forbid of `policies` refuses this, whatever is unknown; one that errors does not."""
    answer = _answer(policies, entities, principal, action, resource)
    return answer is not None and bool(answer.diagnostics.reasons)


def residual(policies: cedarpy.PolicySet, entities: cedarpy.Entities, action: Uid, resource: Uid) -> list[Form] | None:
    """What is left of the one policy's conditions, scope included, with the principal unknown too; None for too
    deep."""
    answer = _answer(policies, entities, None, action, resource)
    if answer is None:
        return None
    return [condition["body"] for condition in answer.residuals["policy0"]["conditions"]]


def _answer(
    policies: cedarpy.PolicySet, entities: cedarpy.Entities, principal: Uid | None, action: Uid, resource: Uid
) -> cedarpy.PartialAuthzResult | None:
    question = {"action": spelled(action), "resource": spelled(resource)}
    if principal is not None:
        question["principal"] = spelled(principal)
    try:
        answer = cedarpy.is_authorized_partial(question, policies, entities)
    except RecursionError:
        return None
    if "policy0" not in answer.residuals:
        raise ValueError(f"cedar did not take the question {question}: {answer.diagnostics.errors}")
    return answer


def given(entities: Iterable[Entity]) -> cedarpy.Entities:
    """The entities of some questions; one uid, one entity."""
    return cedarpy.Entities.from_json_str(json.dumps([entity.form() for entity in entities]))


@functools.lru_cache(maxsize=4096)
def spelled(uid: Uid) -> str:
    """The uid as Cedar prints it."""
    kind, name = uid
    if name.isascii() and name.replace("-", "").replace("_", "").isalnum():
        return f'{kind}::"{name}"'
    scope = {"principal": {"op": "==", "entity": _form(uid)}, "action": {"op": "All"}, "resource": {"op": "All"}}
    printed = str(set_of({"policy0": {"effect": "permit", **scope, "conditions": []}}))
    start = printed.index(f"{kind}::")
    return printed[start : _closing(printed, start + len(kind) + 2)]


def _closing(text: str, quote: int) -> int:
    at = quote + 1
    while text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return at + 1


def _form(uid: Uid) -> Form:
    return {"type": uid[0], "id": uid[1]}
