"""Cedar permits in the oracle against cases that were worked out by hand from the text of the definition."""

from __future__ import annotations

import datetime as dt
import json

import cedarpy

from tests.oracle.case import Case
from tests.oracle.estates import random_case
from tests.oracle.length import Asked, lengths
from tests.oracle.sketch import sketch

AT = dt.date(2026, 11, 22)


def length(case: Case, state: str, action: str = "read", asset: str = "t") -> int | None:
    return lengths(case, AT)[state, action, asset].length


POLICY = """
@id("a") @terms("r") permit (principal in Group::"ops", action == Action::"read", resource in Class::"c");
@id("b") permit (principal == Person::"p", action == Action::"export", resource == Asset::"t") when { context.ticket };
@id("f") forbid (principal, action, resource) when { principal.states.containsAny(resource.shielded_from) };
"""


def test_permits_count_with_their_terms_and_forbids_but_context_counts_for_nothing() -> None:
    """Cedar access would be missed, or believed stopped by a ticket that anyone can write."""
    case = sketch(
        {"p": "CN", "q": "US", "a": "IE"},
        {"ops": "q"},
        ["person:p enroll group:ops"],
        assets={
            "t": {"class": "c"},
            "u": {"within": "t", "shielded_from": "CN"},
            "v": {"class": "c", "within": "t", "shielded_from": "CN"},
        },
        settings={"terms": {"r": {"approvals": 1, "approvers": "person:a"}}},
        policy=POLICY,
    )
    found = {(a, t): x.length for (s, a, t), x in lengths(case, AT).items() if s == "CN"}
    # p enrols itself and needs a; on v p is forbidden, so q is needed as well, whom no enrolment has to help.
    assert found[("read", "t")] == 1
    assert found[("read", "v")] == 2
    assert found[("export", "t")] == 0
    assert found[("export", "u")] is None


def test_a_permit_gives_exactly_the_asset_but_operate_reaches_within() -> None:
    """Cedar's own `in` says what a permit covers; root reaches within whoever gives it."""
    case = sketch(
        {"p": "CN"},
        assets={"t": {}, "u": {"within": "t"}},
        grants=["person:p export asset:t"],
        policy='@id("a") permit (principal, action in [Action::"read"], resource == Asset::"t");',
    )
    assert (length(case, "CN"), length(case, "CN", asset="u")) == (0, None)
    root = Case(tables=case.tables, settings=case.settings, policy=case.policy.replace("read", "operate"))
    assert length(root, "CN", "export", "u") == 0


def test_an_unconstrained_permit_covers_powers() -> None:
    """A permit for "anything" would be thought not to include becoming somebody else."""
    case = sketch(
        {"p": "CN", "q": "US"},
        grants=["person:q read asset:t r"],
        settings={"terms": {"r": {"approvals": 1, "approvers": "person:p", "apart": 2}}},
        policy='@id("a") permit (principal == Person::"p", action, resource) unless { resource is Asset };',
    )
    assert length(case, "CN") == 0


def test_some_group_set_between_is_enough() -> None:
    """A forbid on one group would be thought to stop somebody who need not enter that group."""
    policy = """
    @id("a") permit (principal in Group::"x", action == Action::"read", resource);
    @id("f") forbid (principal in Group::"y", action, resource);
    """
    grants = ["person:p enroll group:x", "person:p enroll group:y"]
    case = sketch({"p": "CN", "q": "US"}, {"x": "q", "y": "q"}, grants, policy=policy)
    assert (length(case, "CN"), length(case, "US")) == (0, 1)
    both = Case(
        tables=case.tables,
        settings=case.settings,
        policy=policy + '@id("z") forbid (principal, action, resource) unless { principal in Group::"y" };',
    )
    assert length(both, "CN") is None


def test_holding_the_gate_opens_every_permit_whoever_its_holder_and_past_forbids() -> None:
    """The gate's own administrators would be thought bound by its policy."""
    case = sketch(
        {"p": "CN", "q": "US"},
        {"none": "q"},
        ["person:p operate asset:gate"],
        assets={"t": {}, "gate": {}},
        settings={"gate": "gate"},
        policy='@id("a") permit (principal in Group::"none", action == Action::"read", resource == Asset::"t");'
        '@id("f") forbid (principal, action, resource);',
    )
    assert (length(case, "CN"), length(case, "US")) == (0, 1)


def test_an_unknown_member_may_be_in_any_unit_to_a_policy() -> None:
    """A policy on units would hide a gap."""
    case = sketch(
        {"q": "US"},
        grants=["person:q export asset:t"],
        settings={"floor": [{"action": "read", "target": "asset:t", "length": 1, "against": ["CN"]}]},
        unknown=[{"group": "dark"}],
        policy='@id("a") permit (principal in Group::"dark", action == Action::"read", resource)'
        ' when { principal.unit == "legal" };',
    )
    assert lengths(case, AT)["CN", "read", "t"].gaps == ((frozenset({"dark"}), 0),)


CONTEXTS: tuple[dict[str, object], ...] = (
    {},
    {"ticket": True, "urgent": True},
    {"ticket": "t1", "urgent": False},
    {"ticket": False},
)


def test_whatever_a_permit_allows_in_some_context_is_open() -> None:
    """Reach would call a permit shut that the gate opens."""
    allowed = 0
    for seed in range(1500):
        case = random_case(seed)
        if not case.policy:
            continue
        # Entities as the definition lists them, written out once more.
        asked = Asked(case, AT)
        world, permits = asked.world, asked.permits
        entities = [
            {
                "uid": {"type": "Person", "id": p},
                "attrs": {
                    "states": sorted(world.exposure[p]),
                    "unit": world.cells[p].get("unit", ""),
                    "entity": world.cells[p].get("entity", ""),
                },
                "parents": [{"type": "Group", "id": g} for g in world.member[p]],
            }
            for p in world.people
        ] + [
            {
                "uid": {"type": "Asset", "id": t},
                "attrs": {"hosted_in": sorted(world.hosted_in[t]), "shielded_from": sorted(world.shielded_from[t])},
                "parents": [{"type": "Class", "id": c}] * bool(c)
                + [{"type": "Asset", "id": up} for up in [world.parent[t]] if up],
            }
            for t, c in world.of_class.items()
        ]
        whole = json.loads(cedarpy.policies_to_json_str(case.policy))
        for i in permits.ids:
            mine = {n: p for n, p in whole["staticPolicies"].items() if n == i or p["effect"] == "forbid"}
            policies = cedarpy.PolicySet.from_json_str(json.dumps({**whole, "staticPolicies": mine}))
            cells = [
                (p, a, t, c) for p in world.people for a in asked.actions for t in world.of_class for c in CONTEXTS
            ]
            requests = [
                {
                    "principal": {"type": "Person", "id": p},
                    "action": {"type": "Action", "id": a},
                    "resource": {"type": "Asset", "id": t},
                    "context": c,
                }
                for p, a, t, c in cells
            ]
            answers = cedarpy.is_authorized_batch(requests, policies, json.dumps(entities))
            for (p, a, t, _), answer in zip(cells, answers, strict=True):
                if answer.allowed:
                    allowed += 1
                    assert permits.open(i, world, p, frozenset(), a, ("asset", t)), (seed, i, p, a, t)
    assert allowed > 500
