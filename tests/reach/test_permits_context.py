"""Partial evaluation against full evaluation over sampled contexts: it is experimental upstream, so it is watched."""

from __future__ import annotations

from random import Random
from typing import Any

from cedarpy import Decision
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import Kind
from armslength.reach.permits import permits
from tests.reach.permit_estates import Case, Direct, between, drawn

Key = tuple[str, int, Kind, int, int]


def contexts(rng: Random, case: Case) -> list[dict[str, Any]]:
    """What could be known at run time, of right and wrong types; the first is empty."""
    people = [{"__entity": {"type": "Person", "id": name}} for name in case.estate.people.ids]
    groups = [{"__entity": {"type": "Group", "id": name}} for name in case.estate.groups.ids]
    clock = {"__extn": {"fn": "datetime", "arg": rng.choice(["2025-06-01", "2026-06-01"])}}
    whole = {
        "ticket": rng.choice(["t", "x", "y"]),
        "risk": rng.randint(1, 5),
        "who": rng.choice([*people, *groups]),
        "places": rng.sample(["CN", "US", "IE"], 2),
        "where": {"inner": {"deep": rng.choice(["ab", "b"])}},
        "now": clock,
    }
    part = {key: value for key, value in whole.items() if rng.random() < 0.6}
    odd = {key: rng.choice([1, "a", True, []]) for key in whole}
    return [{}, whole, part, odd]


def is_open(found: dict[Key, list[frozenset[int]]], key: Key, entered: frozenset[int]) -> bool:
    return any(groups <= entered for groups in found.get(key, ()))


def opened(case: Case) -> dict[Key, list[frozenset[int]]]:
    found: dict[Key, list[frozenset[int]]] = {}
    for permit in permits(case.estate, case.enrollable, case.exposure, case.membership.is_member):
        for opening in permit.openings:
            for person in opening.people.nonzero()[0].tolist():
                for target in permit.targets.tolist():
                    key = permit.policy, permit.action, permit.target_kind, target, person
                    found.setdefault(key, []).append(opening.groups)
    return found


@given(st.integers(0, 2**40))
def test_whatever_the_gate_could_allow_is_open_here(seed: int) -> None:
    """If not, a state has something that reach says it has not: the one promise that may never break."""
    rng = Random(seed)
    case = drawn(rng)
    found, direct = opened(case), Direct(case)
    samples = contexts(rng, case)
    for policy in direct.permits:
        for action, kind in case.aims():
            for target in range(len(case.ids(kind))):
                for person in range(len(case.estate.people.ids)):
                    if kind is Kind.PERSON and person == target:
                        continue
                    own = case.own(person)
                    for groups in between(own, case.enrollable):
                        if is_open(found, (policy, action, kind, target, person), groups - own):
                            continue
                        for answer in direct.allowed(policy, person, groups, action, kind, target, samples):
                            assert answer.decision is not Decision.Allow or answer.diagnostics.errors


@given(st.integers(0, 2**40))
def test_without_conditions_on_the_context_whatever_is_open_is_allowed(seed: int) -> None:
    """If not, floors break on paper that hold at the gate, and people stop reading the report."""
    case = drawn(Random(seed), context=False)
    direct = Direct(case)
    for (policy, action, kind, target, person), sets in opened(case).items():
        if kind is Kind.PERSON and person == target:
            continue
        for groups in sets:
            [answer] = direct.allowed(policy, person, case.own(person) | groups, action, kind, target, [{}])
            assert answer.decision is Decision.Allow
