"""Rule 7: whoever holds the gate holds every permit, for what that permit alone could give to anybody."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import Kind, parse
from armslength.reach import Exact, Question, Reach, Result, reach
from armslength.reach.permit_gate import could_pass
from armslength.reach.permits import gate_permits, permits
from tests.oracle.case import Case as Sketch
from tests.oracle.comparison import differences
from tests.oracle.estates import AT
from tests.oracle.sketch import sketch
from tests.reach.permit_estates import Case, case, drawn


def held(about: Case) -> set[tuple[str, int, Kind, int]]:
    """Policy, action, kind and index of target."""
    return {
        (permit.policy, permit.action, permit.target_kind, target)
        for permit in gate_permits(about.estate, about.exposure, about.membership.is_member)
        for target in permit.targets.tolist()
    }


@given(st.integers(0, 2**40))
def test_the_gate_gives_at_least_what_a_permit_gives_to_anyone(seed: int) -> None:
    """If not, holding the gate would seem to give less than asking it."""
    about = drawn(Random(seed))
    given_by_asking = {
        (permit.policy, permit.action, permit.target_kind, target)
        for permit in permits(about.estate, about.enrollable, about.exposure, about.membership.is_member)
        for target in permit.targets.tolist()
    }
    assert given_by_asking <= held(about)


def small(policy: str) -> Case:
    return case(
        policy,
        people="id,unit\nx,ops\n",
        groups="group,member\ng,person:x\n",
        assets="id,class,hosted_in\na,c,US\nb,d,CN\n",
        grants="holder,action,target\nperson:x,erase,asset:a\n",
    )


def answered(about: Sketch) -> Reach:
    return reach(parse(about.files()).estate, Question(at=AT, everything=True))


def length(about: Sketch, target: str) -> int | None:
    """Of CN to read the target."""
    found = answered(about)
    asset = found.estate.assets.ids.index(target)
    (one,) = [x for x in found if x.asset == asset and found.estate.states[x.state] == "CN" and is_read(found, x)]
    return one.length.length if isinstance(one.length, Exact) else None


def gaps(about: Sketch) -> set[str]:
    """The assets that CN would read sooner if the unknown groups were full of its people."""
    found = answered(about)
    return {found.estate.assets.ids[x.asset] for x in found if x.gaps and is_read(found, x)}


def is_read(found: Reach, one: Result) -> bool:
    return found.estate.actions[one.action] == "read"


READ = 'principal, action == Action::"read", resource'


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ('permit (principal in Group::"g", action == Action::"read", resource in Class::"c");', "a"),
        (f'permit ({READ}) when {{ principal == Person::"x" && resource.hosted_in == ["CN"] }};', "b"),
        (f'permit ({READ}) when {{ principal.unit == "?" && resource in Class::"d" }};', "b"),
        (f'permit ({READ}) when {{ principal in Group::"g" || resource in Class::"d" }};', "ab"),
        (f'permit ({READ}) unless {{ principal in Group::"g" || resource in Class::"d" }};', "a"),
        (f'permit ({READ}) when {{ if principal.unit == "?" then false else false }};', ""),
        (f'permit ({READ}) when {{ if principal.unit == "?" then false else resource in Class::"c" }};', "a"),
        (f"permit ({READ}) when {{ principal.states.containsAny(resource.hosted_in) }};", "ab"),
        (f'permit ({READ}) when {{ context.ok && resource in Class::"c" }};', "ab"),
        (f'permit ({READ}) when {{ resource in Class::"c" && context.ok }};', "a"),
        (f'permit ({READ}) when {{ resource.name == "x" }};', ""),
        (f'permit ({READ}) when {{ principal.unit == "?" }} when {{ resource.hosted_in.contains("US") }};', "a"),
        (f'permit ({READ}) when {{ principal.unit == "?" && resource.name == "x" }};', ""),
        (f'permit ({READ}) when {{ principal.unit == "?" }} unless {{ resource.name == "x" }};', ""),
        (f'permit ({READ}) when {{ principal.unit == "?" || resource.name == "x" }};', "ab"),
        (f'permit ({READ}) when {{ principal.unit == "?" && (resource is Asset && resource.name == "x") }};', ""),
        (f'permit ({READ}) when {{ if principal.unit == "?" then resource.name == "x" else false }};', ""),
        (f'permit ({READ}) when {{ principal.unit == "?" && [principal.unit, resource.name].contains("x") }};', ""),
        (f'permit ({READ}) when {{ principal.unit == "?" && Person::"x".unit == "y" }};', "ab"),
        (f'permit ({READ}) when {{ principal.unit == "?" && context.ok && resource.name == "x" }};', "ab"),
    ],
)
def test_the_gate_gives_what_some_person_could_pass(policy: str, expected: str) -> None:
    """If more, one seat at the gate would be reported as the whole firm; if less, as harmless."""
    about = small(f'@id("p") {policy}')
    given_here = {
        (about.estate.actions[action], kind, about.ids(kind)[target]) for _, action, kind, target in held(about)
    }
    assert given_here == {("read", Kind.ASSET, name) for name in expected}


@pytest.mark.parametrize(("target", "expected"), [("a", 0), ("b", None)])
def test_a_condition_on_the_target_binds_whoever_holds_the_gate(target: str, expected: int | None) -> None:
    """If not, a seat at the gate would be told as access to what no policy gives to anybody."""
    about = sketch(
        {"p": "CN"},
        {"ops": "p"},
        ["person:p operate asset:gate"],
        assets={"a": {"hosted_in": "IE"}, "b": {}, "gate": {}},
        settings={"gate": "gate"},
        policy='@id("p") permit (principal, action == Action::"read", resource)'
        ' unless { !(principal in Group::"ops") } when { resource.hosted_in.contains("IE") };',
    )
    assert length(about, target) == expected
    assert differences(about) == []


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('principal.unit == "u" && resource.shielded_from == []', {"open"}),
        ('resource.shielded_from == [] && principal.unit == "u"', {"open"}),
        ("principal == resource && resource.shielded_from == []", {"open"}),
        ('principal.unit == "u" || resource.shielded_from == []', {"open", "shut"}),
        ('principal.unit == "u" && resource.unit == "u"', set()),
    ],
)
def test_a_gap_is_told_where_some_unknown_member_could_pass_in_whatever_order_it_is_written(
    condition: str, expected: set[str]
) -> None:
    """If not, a firm would look for people who change nothing, or not look for those who do."""
    about = sketch(
        {"p": "CN"},
        assets={"open": {}, "shut": {"shielded_from": "SG"}},
        unknown=[{"group": "dark"}],
        policy='@id("p") permit (principal in Group::"dark", action == Action::"read", resource is Asset)'
        f" when {{ {condition} }};",
    )
    assert gaps(about) == expected
    assert differences(about) == []


@pytest.mark.parametrize("where", ['principal in Group::"dark"', 'principal == Person::"p"', "principal"])
def test_terms_are_not_amended_by_a_permit_that_fails_on_terms(where: str) -> None:
    """If they were, a gap would be told that no member can use: terms have no host."""
    about = sketch(
        {"p": {"workplace": "CN", "unit": ""}, "q": {"workplace": "CN", "unit": ""}},
        grants=["person:q read asset:t two"],
        settings={"terms": {"two": {"approvals": 1, "approvers": "everyone", "distinct": ["unit"]}}},
        unknown=[{"group": "dark"}],
        policy=f'@id("p") permit ({where}, action == Action::"amend", resource == Terms::"two")'
        ' when { resource.hosted_in.contains("CN") };',
    )
    assert gaps(about) == set()
    assert differences(about) == []


def test_a_condition_too_deep_for_cedar_is_not_taken_for_one_that_fails() -> None:
    """If it were, a longer policy would hide what it gives."""
    part: dict[str, object] = {"==": {"left": {"Var": "resource"}, "right": {"Var": "resource"}}}
    for _ in range(60):
        part = {"||": {"left": part, "right": {"Value": False}}}
    asks = {"==": {"left": {"unknown": [{"Value": "principal"}]}, "right": {"Value": "x"}}}
    assert could_pass([{"&&": {"left": asks, "right": part}}])


def test_forbids_do_not_bind_whoever_holds_the_gate() -> None:
    """If they did, the gate's own administrators would be counted as kept out by the gate."""
    about = small(
        '@id("p") permit (principal in Group::"g", action == Action::"read", resource in Class::"c");\n'
        '@id("f") forbid (principal, action, resource);'
    )
    assert permits(about.estate, frozenset(), about.exposure, about.membership.is_member) == ()
    assert len(held(about)) == 1


def test_the_gate_gives_its_permits_where_nobody_is_employed() -> None:
    """If not, an estate without people would end in an error instead of a length."""
    about = case('@id("p") permit (principal, action == Action::"read", resource);', assets="id\nt\n")
    assert len(held(about)) == 1
