"""Policies that are long, deep, wide or oddly named are read like any other, and end."""

from __future__ import annotations

from random import Random

import pytest

from armslength.estate import Kind
from armslength.reach.permit_policy import policies, split
from armslength.reach.permits import Permit, gate_permits, permits
from tests.reach.permit_estates import Case, case

ODD = [
    *(
        'a"b',
        "a\\b",
        "it's",
        "é",
        "e\u0301",
        "\u0301x",
        "\u202eabc",
        "\u200b",
        "日本",
        "\U0001f600",
        "\ufeffx",
        "\x7f",
        "a b",
    ),
    *("a;b", "a//b", "*", "?principal", "a::b", '"};', "asker-0", "target-0", "another"),
]


def found(about: Case) -> tuple[Permit, ...]:
    both = permits(about.estate, about.enrollable, about.exposure, about.membership.is_member)
    assert gate_permits(about.estate, about.exposure, about.membership.is_member)
    return both


def cell(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(name: str) -> str:
    return "".join(f"\\u{{{ord(letter):x}}}" for letter in name)


@pytest.mark.parametrize("name", ODD)
def test_odd_names_name_what_they_name(name: str) -> None:
    """If not, a policy about an oddly named vault would be about nothing, or stop the whole report."""
    said = literal(name)
    action = "erase" if name == "*" else name  # no action may be called so
    about = case(
        f'@id("p;") permit (principal == Person::"{said}", action == Action::"{literal(action)}",'
        f' resource == Asset::"{said}");\n'
        f'@id("q") permit (principal in Group::"{said}", action == Action::"read", resource in Class::"{said}"); // ;\n'
        f'@id("r") permit (principal, action, resource == Group::"{said}") when {{ principal.unit == "{said}" }};',
        people=f"id,unit\n{cell(name)},{cell(name)}\nplain,x\n",
        groups=f"group,member\n{cell(name)},{cell('person:' + name)}\n",
        assets=f"id,class\n{cell(name)},{cell(name)}\nplain,\n",
        grants=f"holder,action,target\nperson:plain,enroll,{cell('group:' + name)}\n",
    )
    got = {
        (permit.policy, about.estate.actions[permit.action], about.ids(permit.target_kind)[target], person)
        for permit in found(about)
        for target in permit.targets.tolist()
        for opening in permit.openings
        for person in opening.people.nonzero()[0].tolist()
    }
    assert got >= {("p;", action, name, 0), ("q", "read", name, 0), ("r", "enroll", name, 0)}
    assert {person for _, _, _, person in got} == {0}


def test_semicolons_in_strings_and_comments_end_no_policy() -> None:
    """If they did, the wrong policy would be evaluated under the right name."""
    text = (
        '// first ; one\n@id("a;\\";") permit (principal, action, resource) when { principal.unit == "x;//" }; // ;\n'
        '@when("unless") @id("b") // "\nforbid (principal, action, resource);\n// ; "trailing\n'
    )
    assert len(list(split(text))) == 2
    about = case(text, people="id\nx\n", assets="id\nt\n")
    assert about.estate.policy is not None
    assert tuple(policy.id for policy in policies(about.estate)) == about.estate.policy.ids == ('a;";', "b")


def crowd(policy: str, *, enrollable: frozenset[str] = frozenset(), groups: int = 40, size: int = 200) -> Case:
    rng = Random(7)
    people = "id,unit,entity\n" + "\n".join(f"p{n},u{n % 7},e{n % 3}" for n in range(size))
    members = {f"g{rng.randrange(groups)},person:p{rng.randrange(size)}" for _ in range(size * 3 // 2)}
    members |= {f"g{n},person:p{n % size}" for n in range(groups)}
    return case(
        policy,
        enrollable,
        people=people,
        entities="id\n" + "\n".join(f"e{n}" for n in range(3)),
        groups="group,member\n" + "\n".join(sorted(members)),
        assets="id,class\n" + "\n".join(f"t{n},c{n % 9}" for n in range(120)),
    )


def test_a_thousand_policies_are_read() -> None:
    """If not, an estate that grew its policies by machine could not be analysed."""
    text = "\n".join(
        f'@id("{n}") {"forbid" if n % 3 == 2 else "permit"} (principal in Group::"g{n % 40}", action == Action::"read",'
        f' resource == Asset::"t{n % 120}") when {{ principal.unit != "u{n % 7}" }};'
        for n in range(1000)
    )
    assert found(crowd(text))


@pytest.mark.parametrize("link", ["||", "&&"])
def test_a_chain_as_long_as_the_loader_takes_is_followed(link: str) -> None:
    """If not, one long list of people would be read as everyone, or stop the report."""
    sign = "==" if link == "||" else "!="
    chain = f" {link} ".join(f'principal {sign} Person::"p{n % 100}"' for n in range(900))
    [permit] = found(crowd(f'@id("p") permit (principal, action == Action::"read", resource) when {{ {chain} }};'))
    assert permit.openings[0].people.nonzero()[0].tolist() == list(range(100) if link == "||" else range(100, 200))


def test_nesting_as_deep_as_the_loader_takes_is_followed() -> None:
    """If not, a deep policy would be misread or end the process."""
    deep = "!(" * 90 + 'principal.unit == "u1"' + ")" * 90
    [permit] = found(crowd(f'@id("p") permit (principal, action == Action::"read", resource) when {{ {deep} }};'))
    assert permit.openings[0].people.nonzero()[0].tolist() == list(range(1, 200, 7))


def test_long_lists_are_one_thing_to_look_at() -> None:
    """If not, a list of all groups would take a question for every combination of them."""
    listed = ", ".join(f'Group::"g{n}"' for n in range(40))
    about = crowd(
        f'@id("p") permit (principal in Group::"g0", action == Action::"read", resource)'
        f' when {{ !(principal in [{listed}]) || principal.unit == "u0" }};'
    )
    members = {person for person in about.membership.members(0).tolist() if person % 7 == 0}
    assert {p for one in found(about) for p in one.openings[0].people.nonzero()[0].tolist()} == members


def test_every_group_of_a_long_list_that_can_be_entered_is_an_opening() -> None:
    """If not, one of many doors would be left out of the report."""
    listed = ", ".join(f'Group::"g{n}"' for n in range(40))
    about = crowd(
        f'@id("p") permit (principal, action == Action::"read", resource) when {{ principal in [{listed}] }};',
        enrollable=frozenset(f"g{n}" for n in range(40)),
    )
    [permit] = found(about)
    assert [sorted(one.groups) for one in permit.openings] == [[], *([n] for n in range(40))]


def test_where_there_are_too_many_ways_in_to_try_more_is_open_never_less() -> None:
    """If less, a policy could be written so that reach gives up and reports nothing."""
    pairs = " && ".join(f'(principal in Group::"g{2 * n}" || principal in Group::"g{2 * n + 1}")' for n in range(12))
    about = crowd(
        f'@id("p") permit (principal, action == Action::"read", resource == Asset::"t0") when {{ {pairs} }};',
        enrollable=frozenset(f"g{n}" for n in range(24)),
        size=5,
    )
    [permit] = found(about)
    rng = Random(1)
    for person in range(5):
        own = about.own(person)
        entered = frozenset(2 * n + rng.randrange(2) for n in range(12)) - own
        assert any(one.people[person] and one.groups <= entered for one in permit.openings)


def test_a_part_that_nobody_knows_opens_a_permit_and_closes_no_forbid() -> None:
    """If not, what Cedar calls unknown would be taken for a refusal."""
    about = crowd(
        '@id("p") permit (principal, action == Action::"read", resource == Asset::"t0") when { unknown("x") };\n'
        '@id("f") forbid (principal, action, resource) when { unknown("y") };'
    )
    [permit] = found(about)
    assert permit.openings[0].people.all() and permit.target_kind is Kind.ASSET
