"""Cedar permits by partial evaluation, one permit with all forbids at a time (semantics, "Cedar policies")."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

import cedarpy

from .world import POWERS, Ref, World, subsets

KINDS = {"person": "Person", "group": "Group", "asset": "Asset", "class": "Class", "terms": "Terms"}
Entity = dict[str, Any]


class Permits:
    """The permits of a policy text and whether they are open. Answers are kept: Cedar is the slow part.

    `ids` are Cedar's own policy ids in the order of the file, `terms[i]` the terms a permit carries, "" for standing
    access, `actions` every action that some permit names.
    """

    def __init__(self, policy: str) -> None:
        policies = json.loads(cedarpy.policies_to_json_str(policy))["staticPolicies"] if policy else {}
        forbids = {i: p for i, p in policies.items() if p["effect"] == "forbid"}
        permits = {i: p for i, p in policies.items() if p["effect"] == "permit"}
        self.ids = tuple(permits)
        self.terms = {i: p.get("annotations", {}).get("terms") or "" for i, p in permits.items()}
        self.actions = frozenset(a for p in permits.values() for a in _actions(p))
        self._sets = {i: _policies({i: p, **forbids}) for i, p in permits.items()}
        # With the gate in hand the holder does not matter: the same permit for any principal, and no forbid.
        self._bare = {i: {**p, "principal": {"op": "All"}} for i, p in permits.items()}
        self._settled: dict[str, cedarpy.PolicySet] = {}
        self._plain: list[Entity] = []
        self._entities: dict[object, cedarpy.Entities] = {}
        self._known: dict[object, bool] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def open(self, permit: str, world: World, person: str, entered: frozenset[str], action: str, target: Ref) -> bool:
        """Whether partial evaluation is not a definite refusal for some group set between the person's own groups and
        those with the groups `entered` by enrolment."""
        if person in world.phantoms:
            return self.held(permit, action, target)
        own = world.member[person]
        key = permit, person, own, world.exposure[person], entered, action, target
        if key not in self._known:
            self._known[key] = any(
                self._ask(permit, world, person, world.exposure[person], own | more, action, target)
                for more in subsets(entered - own)
            )
        return self._known[key]

    def _ask(
        self, permit: str, world: World, name: str, states: frozenset[str], groups: frozenset[str], action: str, on: Ref
    ) -> bool:
        key = name, states, groups
        if key not in self._entities:
            cells = world.cells[name]
            mine = _person(name, states, cells.get("unit", ""), cells.get("entity", ""), groups)
            self._entities[key] = self._others(world, name).with_added_json_str(json.dumps([mine]))
        asked = {"principal": uid(("person", name)), "action": _uid("Action", action), "resource": uid(on)}
        return _open(asked, self._sets[permit], self._entities[key])

    def held(self, permit: str, action: str, target: Ref) -> bool:
        """Whether the permit, without forbids, is not a definite refusal to everybody (rule 7).

        Every part of its conditions that looks at the person is settled each way that Cedar leaves open to it by
        itself, in every combination: with the principal merely unknown, Cedar would not let what comes after close.
        """
        key = permit, action, target
        if key not in self._known:
            asked = {"action": _uid("Action", action), "resource": uid(target)}
            bare = self._bare[permit]
            ways = [self._ways(part, asked) for part in _personal(bare["conditions"])]
            self._known[key] = any(
                self._passes(asked, {**bare, "conditions": _with(bare["conditions"], iter(way))})
                for way in product(*ways)
            )
        return self._known[key]

    def _ways(self, part: Any, asked: dict[str, str]) -> list[Any]:
        """What may stand in place of a part that looks at the person: a part that fails for everybody stays."""
        values = [
            {"Value": value}
            for value, form in ((True, part), (False, {"!": {"arg": part}}))
            if self._passes(asked, _alone(form))
        ]
        return values + ([part] if not values or _looks_at("context", part) else [])

    def _passes(self, asked: dict[str, str], permit: Any) -> bool:
        text = json.dumps(permit)
        if text not in self._settled:
            self._settled[text] = _policies({"policy0": permit})
        return _open(asked, self._settled[text], self._entities["all"])

    def prepare(self, world: World, actions: Iterable[str]) -> None:
        """Make the entities of everything that does not depend on a coalition. Whatever is not among the entities is
        unknown to partial evaluation, so actions, groups, classes and terms are entities as well."""
        plain: list[Entity] = [_entity("Action", a) for a in {*actions, *POWERS, "use", *self.actions}]
        plain += [_entity("Group", g) for g in world.above]
        plain += [_entity("Terms", r) for r in world.terms]
        plain += [_entity("Class", c) for c in {*world.of_class.values()} - {""}]
        plain += [
            _entity(
                "Asset",
                t,
                {"hosted_in": sorted(world.hosted_in[t]), "shielded_from": sorted(world.shielded_from[t])},
                [*([("class", c)] if c else []), *([("asset", world.parent[t])] if world.parent[t] else [])],
            )
            for t, c in world.of_class.items()
        ]
        self._plain = plain
        self._entities["all"] = cedarpy.Entities.from_json_str(json.dumps(plain + _people(world)))

    def _others(self, world: World, but: str) -> cedarpy.Entities:
        if ("but", but) not in self._entities:
            text = json.dumps(self._plain + _people(world, but))
            self._entities["but", but] = cedarpy.Entities.from_json_str(text)
        return self._entities["but", but]


def uid(ref: Ref) -> str:
    kind, name = ref
    return _uid(KINDS[kind], name)


def _uid(kind: str, name: str) -> str:
    """In Cedar's own spelling: a request in any other is refused unread."""
    return f"{kind}::" + json.dumps(name, ensure_ascii=False).replace("'", "\\'").replace("\\u0000", "\\0")


def _open(asked: dict[str, str], policies: cedarpy.PolicySet, entities: cedarpy.Entities) -> bool:
    answer = cedarpy.is_authorized_partial(asked, policies, entities)
    if any("Failed to parse" in error for error in answer.diagnostics.errors):
        raise ValueError(f"Cedar did not read {asked}: {answer.diagnostics.errors}")
    return answer.decision is not cedarpy.Decision.Deny


def _policies(policies: dict[str, Any]) -> cedarpy.PolicySet:
    whole = {"templates": {}, "staticPolicies": policies, "templateLinks": []}
    return cedarpy.PolicySet.from_json_str(json.dumps(whole))


def _alone(condition: Any) -> dict[str, Any]:
    """A permit to all for everything, on this condition."""
    scope = {part: {"op": "All"} for part in ("principal", "action", "resource")}
    return {"effect": "permit", **scope, "conditions": [{"kind": "when", "body": condition}]}


def _looks_at(name: str, part: object) -> bool:
    """Whether the variable, such as `principal`, occurs."""
    match part:
        case {"Var": str(var)}:
            return var == name
        case dict():
            return any(_looks_at(name, value) for value in part.values())
        case list():
            return any(_looks_at(name, value) for value in part)
        case _:
            return False


_LOGIC = frozenset({"&&", "||", "!", "if-then-else"})


def _personal(form: Any) -> list[Any]:
    """The smallest parts that are true or false and look at the person, in the order of the text."""
    match form:
        case list():
            return [part for condition in form for part in _personal(condition["body"])]
        case _ if not _looks_at("principal", form):
            return []
        case dict() if form.keys() <= _LOGIC:
            return [part for inner in form.values() for each in inner.values() for part in _personal(each)]
        case _:
            return [form]


def _with(form: Any, parts: Iterator[Any]) -> Any:
    """The same with these in their places."""
    match form:
        case list():
            return [{**condition, "body": _with(condition["body"], parts)} for condition in form]
        case _ if not _looks_at("principal", form):
            return form
        case dict() if form.keys() <= _LOGIC:
            return {name: {place: _with(each, parts) for place, each in inner.items()} for name, inner in form.items()}
        case _:
            return next(parts)


def _actions(part: object) -> Iterator[str]:
    """Every `Action::"…"` that a policy's JSON form mentions, in its scope or in a condition."""
    match part:
        case {"type": "Action", "id": str(name)}:
            yield name
        case dict():
            for value in part.values():
                yield from _actions(value)
        case list():
            for value in part:
                yield from _actions(value)
        case _:
            return


def _entity(kind: str, name: str, attrs: dict[str, Any] | None = None, parents: Iterable[Ref] = ()) -> Entity:
    return {
        "uid": {"type": kind, "id": name},
        "attrs": attrs or {},
        "parents": [{"type": KINDS[k], "id": n} for k, n in parents],
    }


def _person(name: str, states: frozenset[str], unit: object, entity: object, groups: frozenset[str]) -> Entity:
    attrs = {"states": sorted(states), "unit": unit, "entity": entity}
    return _entity("Person", name, attrs, [("group", g) for g in sorted(groups)])


def _people(world: World, but: str = "") -> list[Entity]:
    return [
        _person(p, world.exposure[p], cells.get("unit", ""), cells.get("entity", ""), world.member[p])
        for p, cells in world.cells.items()
        if p != but and p not in world.phantoms
    ]
