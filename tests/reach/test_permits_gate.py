"""Rule 7: whoever holds the gate holds every permit, for what that permit alone could give to anybody."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import Kind
from armslength.reach.permits import gate_permits, permits
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
    ],
)
def test_the_gate_gives_what_some_person_could_pass(policy: str, expected: str) -> None:
    """If more, one seat at the gate would be reported as the whole firm; if less, as harmless."""
    about = small(f'@id("p") {policy}')
    given_here = {
        (about.estate.actions[action], kind, about.ids(kind)[target]) for _, action, kind, target in held(about)
    }
    assert given_here == {("read", Kind.ASSET, name) for name in expected}


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
