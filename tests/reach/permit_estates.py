"""Small invented estates with policies over the whole of Cedar's grammar, drawn at random, and Cedar asked about each
of their people, targets and sets of groups one by one, nothing merged and nothing remembered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import Any

import cedarpy
import numpy as np
import numpy.typing as npt

from armslength.estate import Estate, Kind, parse
from armslength.reach.exposure import Exposure
from armslength.reach.membership import Membership

Uid = tuple[str, str]
ACTIONS = ("read", "erase", "operate", "enroll", "assume", "amend")
POWERS = {"enroll": (Kind.GROUP,), "assume": (Kind.PERSON, Kind.GROUP), "amend": (Kind.TERMS,)}
WORDS = {Kind.PERSON: "Person", Kind.GROUP: "Group", Kind.ASSET: "Asset", Kind.CLASS: "Class", Kind.TERMS: "Terms"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An estate, who is exposed to what, and the groups that could be entered by enrolment."""

    estate: Estate
    exposure: Exposure
    enrollable: frozenset[int]
    membership: Membership

    def ids(self, kind: Kind) -> tuple[str, ...]:
        match kind:
            case Kind.PERSON:
                return self.estate.people.ids
            case Kind.GROUP:
                return self.estate.groups.ids
            case Kind.ASSET:
                return self.estate.assets.ids
            case _:
                return tuple(terms.id for terms in self.estate.settings.terms)

    def own(self, person: int) -> frozenset[int]:
        """The groups that a person is in by the tables."""
        return frozenset(g for g in range(len(self.estate.groups.ids)) if self.membership.is_member(g)[person])

    def aims(self) -> Iterator[tuple[int, Kind]]:
        """Every action with each kind of target that it can have."""
        for number, action in enumerate(self.estate.actions):
            for kind in POWERS.get(action, (Kind.ASSET,)):
                yield number, kind


def case(text: str, enrollable: frozenset[str] = frozenset(), **tables: str) -> Case:
    """The estate of these tables and this policy text; `enrollable` is closed upward here."""
    files = {f"{name}.csv": table.encode() for name, table in tables.items() if name != "settings"}
    files["estate.toml"] = tables.get("settings", 'name = "Small"\n').encode()
    files["policy.cedar"] = text.encode()
    estate = parse(files).estate
    membership = Membership(estate)
    opened = (membership.upward(estate.groups.ids.index(name)) for name in enrollable)
    sets: dict[frozenset[int], int] = {}
    of = [sets.setdefault(frozenset({int(s)} - {-1}), len(sets)) for s in estate.people.workplace]
    return Case(
        estate=estate,
        exposure=Exposure(sets=tuple(sets), of=np.array(of, dtype=np.int32)),
        enrollable=frozenset[int]().union(*opened),
        membership=membership,
    )


def drawn(rng: Random, *, context: bool = True) -> Case:
    """A random case; with `context` the policies may look at it."""
    groups = [f"g{n}" for n in range(rng.randint(1, 3))]
    assets = [f"a{n}" for n in range(rng.randint(2, 3))]
    people = [f"p{n}" for n in range(rng.randint(2, 3))]
    rows = {f"{g},person:{rng.choice(people)}" for g in groups for _ in range(rng.randint(1, 2))}
    if len(groups) > 1 and rng.random() < 0.6:
        pairs = [(a, b) for a in groups for b in groups if a < b or (a != b and rng.random() < 0.2)]
        rows |= {f"{a},group:{b}" for a, b in rng.sample(pairs, 1)}
    person = [f"{p},{_pick(rng, 'xy ')},{_pick(rng, 'ef ')},{_pick(rng, ['CN', 'US', 'IE', ''])}" for p in people]
    asset = [
        f"{a},{_pick(rng, 'cd ')},{rng.choice(assets[:n]) if n and rng.random() < 0.5 else ''},"
        f"{_states(rng)},{_states(rng)}"
        for n, a in enumerate(assets)
    ]
    writer = Writer(rng=rng, people=people, groups=groups, assets=assets, context=context)
    return case(
        writer.policies(),
        frozenset(g for g in groups if rng.random() < 0.5),
        people="id,unit,entity,workplace\n" + "\n".join(person),
        entities="id,state\ne,US\nf,CN\n",
        groups="group,member\n" + "\n".join(sorted(rows)),
        assets="id,class,within,hosted_in,shielded_from\n" + "\n".join(asset) + "\nzc,c,,,\nzd,d,,,",
        grants="holder,action,target\n"
        + "\n".join(f"person:p0,{action},asset:a0" for action in ACTIONS[:3])
        + f"\nperson:p0,enroll,group:{groups[0]}\nperson:p0,assume,person:p1\nperson:p0,amend,terms:two",
        settings='name = "Small"\n[terms.two]\napprovals = 1\napprovers = "everyone"\n',
    )


def _pick(rng: Random, among: Any) -> str:
    return str(rng.choice(among)).strip()


def _states(rng: Random) -> str:
    return " ".join(rng.sample(["CN", "US", "IE"], rng.randint(0, 2)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes policies about these people, groups and assets."""

    rng: Random
    people: list[str]
    groups: list[str]
    assets: list[str]
    context: bool

    def policies(self) -> str:
        made: list[str] = []
        for number in range(self.rng.randint(1, 5)):
            effect = "forbid" if number and self.rng.random() < 0.45 else "permit"
            terms = '@terms("two") ' if effect == "permit" and self.rng.random() < 0.3 else ""
            conditions = "".join(
                f" {self.rng.choice(['when', 'when', 'unless'])} {{ {self.truth(2)} }}"
                for _ in range(self.rng.randint(0, 2))
            )
            made.append(f'@id("n{number}") {terms}{effect} ({self.scope()}){conditions};')
        return "\n".join(made)

    def scope(self) -> str:
        person, group = self.literal("Person"), self.literal("Group")
        asset, kind = self.literal("Asset"), self.literal("Class")
        action, other = self.literal("Action"), self.literal("Action")
        who = ["principal"] * 3 + [f"principal in {group}"] * 3
        who += [f"principal == {person}", "principal is Person", f"principal is Person in {group}"]
        what = ["action"] * 3 + [f"action == {action}", f"action in [{action}, {other}]", f"action in {action}"]
        where = ["resource"] * 3 + [f"resource in {kind}", f"resource in {asset}", f"resource == {asset}"]
        where += ["resource is Asset", f"resource is Asset in {kind}", f"resource in {group}", f"resource == {group}"]
        return ", ".join(self.rng.choice(part) for part in (who, what, where))

    def literal(self, kind: str) -> str:
        names = {
            "Person": self.people,
            "Group": self.groups,
            "Asset": self.assets,
            "Class": ["c", "d"],
            "Terms": ["two"],
            "Action": list(ACTIONS),
        }
        return f'{kind}::"{self.rng.choice(names[kind])}"'

    def truth(self, depth: int) -> str:
        rng = self.rng
        if depth and rng.random() < 0.55:
            left, right = self.truth(depth - 1), self.truth(depth - 1)
            whole = [f"({left} && {right})", f"({left} || {right})", f"!({left})"]
            return rng.choice([*whole, f"(if {left} then {right} else {self.truth(depth - 1)})"])
        state = rng.choice(["CN", "US", "IE"])
        group, person, asset = self.literal("Group"), self.literal("Person"), self.literal("Asset")
        leaves = [
            "principal.states.containsAny(resource.shielded_from)",
            "resource.shielded_from.containsAny(principal.states)",
            "principal.states == resource.hosted_in",
            f'principal.states.contains("{state}")',
            f'resource.hosted_in.containsAll(["{state}", "US"])',
            f'["{state}", "US"].containsAny(resource.shielded_from)',
            "resource.hosted_in.isEmpty()",
            'principal.unit == "x"',
            'principal.unit like "*y*"',
            "principal.unit == resource.unit",
            "principal.unit != principal.entity",
            '["x", principal.entity].contains(principal.unit)',
            f"principal in {group}",
            f"principal in [{group}, {self.literal('Group')}]",
            f"principal == {person}",
            f"{person} == principal",
            f"principal in {person}",
            f"resource in {asset}",
            f"resource in [{asset}, {self.literal('Class')}]",
            f"resource == {self.literal(rng.choice(['Asset', 'Group', 'Person', 'Terms']))}",
            f"resource is {rng.choice(['Asset', 'Group', 'Person', 'Terms'])}",
            f"action == {self.literal('Action')}",
            "principal in resource",
            "principal == resource",
            "resource in principal",
            f"{asset} in resource",
            f'{asset}.hosted_in.contains("{state}")',
            "principal has unit",
            "resource has hosted_in",
            "principal.nothing == 1",
            "resource.shielded_from == principal.unit",
            '1 + 1 == "a"',
            'ip("10.0.0.1").isInRange(ip("10.0.0.0/8"))',
            'decimal("0.1").lessThan(decimal("0.2"))',
            'datetime("2026-01-01") < datetime("2026-02-01")',
            '(if principal.unit == "x" then principal else resource).unit == "x"',
            "{u: principal.unit, n: 1}.u == principal.entity",
            "true",
            "false",
        ]
        other = self.literal("Group")
        leaves += [f"(principal in {group} && principal in {other})", f"!(principal in {group})"] * 3
        leaves += [f"[principal, resource].contains({group})", f"{other} in resource"]
        if self.context:
            leaves += [
                'context.ticket == "t"',
                "context has ticket",
                "context has ticket && context.ticket == principal.unit",
                "context.risk < 3",
                "context.who == principal",
                "principal in context.who",
                f"context.who in {group}",
                "principal.states.containsAny(context.places)",
                'context.where.inner.deep like "a*"',
                'context.now > datetime("2026-01-01")',
            ]
        return rng.choice(leaves)


class Direct:
    """Cedar asked about one person, target, action and set of groups at a time, all entities given."""

    def __init__(self, about: Case) -> None:
        self.case = about
        self._estate = about.estate
        assert about.estate.policy is not None
        every: dict[str, Any] = json.loads(cedarpy.policies_to_json_str(about.estate.policy.text))["staticPolicies"]
        self._forbids = {number: body for number, body in every.items() if body["effect"] == "forbid"}
        self.permits = {
            body["annotations"]["id"]: (number, body) for number, body in every.items() if body["effect"] == "permit"
        }
        self._sets = {
            name: cedarpy.PolicySet.from_json_str(
                json.dumps({"templates": {}, "templateLinks": [], "staticPolicies": {number: body, **self._forbids}})
            )
            for name, (number, body) in self.permits.items()
        }

    def open(self, policy: str, person: int, groups: frozenset[int], action: int, kind: Kind, target: int) -> bool:
        """Whether partial evaluation, the context left out, is no definite refusal."""
        asked, entities = self.question(person, groups, action, kind, target)
        answer = cedarpy.is_authorized_partial(asked, self._sets[policy], json.dumps(entities))
        return self.permits[policy][0] in answer.diagnostics.may_be_determining

    def allowed(
        self,
        policy: str,
        person: int,
        groups: frozenset[int],
        action: int,
        kind: Kind,
        target: int,
        contexts: list[dict[str, Any]],
    ) -> list[cedarpy.AuthzResult]:
        """What Cedar decides in each context, with everything known."""
        asked, entities = self.question(person, groups, action, kind, target)
        questions = [asked | {"context": context} for context in contexts]
        return cedarpy.is_authorized_batch(questions, self._sets[policy], json.dumps(entities))

    def question(
        self, person: int, groups: frozenset[int], action: int, kind: Kind, target: int
    ) -> tuple[dict[str, str], list[dict[str, Any]]]:
        estate, principal = self._estate, ("Person", self._estate.people.ids[person])
        aim = (WORDS[kind], self.case.ids(kind)[target])
        entities = {principal: self._person(person, groups)}
        entities |= {("Action", name): _entity(("Action", name), {}, []) for name in estate.actions}
        entities |= {("Terms", terms.id): _entity(("Terms", terms.id), {}, []) for terms in estate.settings.terms}
        for n in range(len(estate.assets.ids)):
            entities["Asset", estate.assets.ids[n]] = self._asset(n)
        entities |= {("Group", name): _entity(("Group", name), {}, []) for name in estate.groups.ids}
        for p in range(len(estate.people.ids)):
            # Another person's groups can change as well, so that nothing certain is known of them.
            if p != person and (not self.case.enrollable or (kind is Kind.PERSON and p == target)):
                entities["Person", estate.people.ids[p]] = self._person(p, self.case.own(p))
        asked = {"principal": _spelled(principal), "resource": _spelled(aim)}
        return asked | {"action": _spelled(("Action", estate.actions[action]))}, list(entities.values())

    def _person(self, person: int, groups: frozenset[int]) -> dict[str, Any]:
        estate, exposure = self._estate, self.case.exposure
        people = estate.people
        attributes: dict[str, object] = {
            "states": [estate.states[s] for s in exposure.sets[int(exposure.of[person])]],
            "unit": people.columns["unit"][person] if "unit" in people.columns else "",
            "entity": estate.entities.ids[people.entity[person]] if people.entity[person] >= 0 else "",
        }
        return _entity(("Person", people.ids[person]), attributes, [("Group", estate.groups.ids[g]) for g in groups])

    def _asset(self, asset: int) -> dict[str, Any]:
        estate, assets = self._estate, self._estate.assets
        attributes = {
            "hosted_in": [estate.states[s] for s in assets.hosts[asset]],
            "shielded_from": [estate.states[s] for s in assets.shielded_from[asset]],
        }
        parents = [("Class", estate.classes[assets.of_class[asset]])] if assets.of_class[asset] >= 0 else []
        parents += [("Asset", assets.ids[assets.within[asset]])] if assets.within[asset] >= 0 else []
        return _entity(("Asset", assets.ids[asset]), attributes, parents)


def _entity(uid: Uid, attributes: dict[str, object] | dict[str, list[str]], parents: list[Uid]) -> dict[str, Any]:
    above = [{"type": kind, "id": name} for kind, name in parents]
    return {"uid": {"type": uid[0], "id": uid[1]}, "attrs": attributes, "parents": above}


def _spelled(uid: Uid) -> str:
    return f'{uid[0]}::"{uid[1]}"'


def between(own: frozenset[int], opened: frozenset[int]) -> Iterator[frozenset[int]]:
    """Every set of groups between a person's own and those with the opened ones, smaller ones first."""
    more = sorted(opened - own)
    for size in range(len(more) + 1):
        for chosen in combinations(more, size):
            yield own | frozenset(chosen)


Bools = npt.NDArray[np.bool_]
