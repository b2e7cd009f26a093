"""Permits by class say what Cedar says of each person, target, action and set of groups."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import Kind
from armslength.reach.permit_atoms import Told
from armslength.reach.permits import Permit, permits
from tests.reach.permit_estates import Case, Direct, between, case, drawn

Key = tuple[str, int, Kind, int, int]


def found(case: Case) -> tuple[Permit, ...]:
    return permits(case.estate, case.enrollable, case.exposure, case.membership.is_member)


def least(made: tuple[Permit, ...]) -> dict[Key, set[frozenset[int]]]:
    """For each permit, action, target and person: the least sets of groups to enter."""
    sets: dict[Key, set[frozenset[int]]] = {}
    for permit in made:
        for opening in permit.openings:
            for person in opening.people.nonzero()[0].tolist():
                for target in permit.targets.tolist():
                    key = permit.policy, permit.action, permit.target_kind, target, person
                    sets.setdefault(key, set()).add(opening.groups)
    return sets


def asked(case: Case) -> dict[Key, set[frozenset[int]]]:
    """The same by asking Cedar about every single one."""
    direct, sets = Direct(case), dict[Key, set[frozenset[int]]]()
    for policy in direct.permits:
        for action, kind in case.aims():
            for target in range(len(case.ids(kind))):
                for person in range(len(case.estate.people.ids)):
                    if kind is Kind.PERSON and person == target:
                        continue  # who may assume themselves gains nothing by it
                    own, least_sets = case.own(person), set[frozenset[int]]()
                    for groups in between(own, case.enrollable):
                        entered = groups - own
                        if not any(fewer <= entered for fewer in least_sets):
                            if direct.open(policy, person, groups, action, kind, target):
                                least_sets.add(entered)
                    if least_sets:
                        sets[policy, action, kind, target, person] = least_sets
    return sets


@given(st.integers(0, 2**40))
def test_classes_say_what_cedar_says_of_each_person_target_action_and_set_of_groups(seed: int) -> None:
    """If not, a person passes the gate where reach says that nobody of theirs can, or the other way round."""
    case = drawn(Random(seed))
    assert case.estate.policy is not None
    mine = {key: sets for key, sets in least(found(case)).items() if not (key[2] is Kind.PERSON and key[3] == key[4])}
    assert mine == asked(case), case.estate.policy.text


def test_what_cedar_said_of_other_estates_is_what_it_says_of_this_one() -> None:
    """A what-if asks again of a few people only; what the others get must not be that of somebody else."""
    told: Told = {}
    again = 0
    for seed in range(150):
        one = drawn(Random(seed))
        before = len(told)
        shared = permits(one.estate, one.enrollable, one.exposure, one.membership.is_member, told)
        assert least(shared) == least(found(one)), seed
        known = len(told)
        permits(one.estate, one.enrollable, one.exposure, one.membership.is_member, told)
        assert len(told) == known
        again += known > before
    assert again > 50, "these policies read no attributes: they show nothing"


@given(st.integers(0, 2**40))
def test_one_permit_stands_for_each_policy_action_kind_and_way_of_being_open(seed: int) -> None:
    """If not, the engine counts a permit twice, or takes someone who needs an enrolment for someone who does not."""
    case = drawn(Random(seed))
    seen: set[tuple[object, ...]] = set()
    order: list[tuple[object, ...]] = []
    assert case.estate.policy is not None
    for permit in found(case):
        ways = tuple((tuple(sorted(one.groups)), one.people.tobytes()) for one in permit.openings)
        key = permit.policy, permit.action, permit.target_kind, ways
        assert key not in seen
        seen.add(key)
        assert permit.targets.tolist() == sorted(set(permit.targets.tolist())) and permit.openings
        order.append((case.estate.policy.ids.index(permit.policy), permit.action, permit.target_kind))
        assert [one.groups for one in permit.openings] == sorted(
            {one.groups for one in permit.openings}, key=lambda groups: (len(groups), sorted(groups))
        )
        for opening in permit.openings:
            assert opening.people.any() and not opening.people.flags.writeable
            for fewer in permit.openings:
                assert not (fewer.groups < opening.groups and (fewer.people & opening.people).any())
    assert order == sorted(order)


PEOPLE = "id,unit,entity,workplace\nana,ops,,CN\nbo,ops,,US\ncy,hr,,US\n"
GROUPS = "group,member\nops,person:ana\nops,person:bo\nall,group:ops\nhr,person:cy\n"
ASSETS = (
    "id,class,within,hosted_in,shielded_from\nvault,secret,,US,CN\nshelf,,vault,,\nbook,,shelf,IE,\nyard,open,,US,\n"
)
GRANTS = "holder,action,target\n" + "\n".join(
    ("group:ops,read,asset:yard", "group:ops,enroll,group:hr", "group:ops,assume,person:cy", "group:hr,amend,terms:two")
)
TERMS = 'name = "Small"\n[terms.two]\napprovals = 1\napprovers = "everyone"\n'


def small(text: str, *enrollable: str) -> Case:
    return case(
        text,
        frozenset(enrollable),
        people=PEOPLE,
        groups=GROUPS,
        assets=ASSETS,
        grants=GRANTS,
        settings=TERMS,
    )


def given_by(case: Case) -> set[tuple[str, str, str, frozenset[str]]]:
    """Action, target, person and groups to enter, by name."""
    estate = case.estate
    return {
        (
            estate.actions[action],
            case.ids(kind)[target],
            estate.people.ids[person],
            frozenset(estate.groups.ids[group] for group in groups),
        )
        for (_, action, kind, target, person), sets in least(found(case)).items()
        for groups in sets
    }


def test_a_forbid_on_shielded_states_counts_in_full() -> None:
    """Else the one rule that keeps compelled people from customers' data would seem to keep out nobody."""
    case = small(
        '@id("p") permit (principal in Group::"all", action == Action::"read", resource in Asset::"vault");\n'
        '@id("f") forbid (principal, action, resource) when { principal.states.containsAny(resource.shielded_from) };'
    )
    reads = {(target, person) for action, target, person, _ in given_by(case)}
    assert reads == {("vault", "bo"), *((t, p) for t in ("shelf", "book") for p in ("ana", "bo"))}


def test_a_condition_on_the_context_counts_for_nothing() -> None:
    """Else a ticket that anyone can write would seem to keep a state out."""
    case = small(
        '@id("p") permit (principal == Person::"ana", action == Action::"read", resource == Asset::"yard")'
        ' when { context has ticket && context.ticket == "open" };\n'
        '@id("f") forbid (principal, action, resource) when { context.risk > 3 };'
    )
    assert given_by(case) == {("read", "yard", "ana", frozenset())}


def test_a_permit_gives_the_asset_asked_and_not_what_lies_within() -> None:
    """Else a permit for the building would be taken for every drawer in it."""
    case = small('@id("p") permit (principal == Person::"bo", action == Action::"read", resource == Asset::"shelf");')
    assert given_by(case) == {("read", "shelf", "bo", frozenset())}


def test_a_permit_without_an_action_covers_powers_on_their_targets() -> None:
    """Else whoever may do everything would seem unable to enroll a stranger or reset a password."""
    case = small('@id("p") permit (principal == Person::"bo", action, resource);')
    aims = {(action, target) for action, target, _, _ in given_by(case)}
    assert {("enroll", "ops"), ("assume", "ana"), ("assume", "hr"), ("amend", "two"), ("operate", "vault")} <= aims
    assert ("enroll", "vault") not in aims and ("read", "ops") not in aims and ("amend", "ops") not in aims


def test_a_group_that_can_be_entered_opens_a_permit_and_takes_a_forbid_away() -> None:
    """Else a help desk that can enroll people would seem harmless, or an exemption out of reach."""
    case = small(
        '@id("p") permit (principal in Group::"hr", action == Action::"read", resource == Asset::"yard");\n'
        '@id("f") forbid (principal, action, resource) unless { principal in Group::"all" };',
        "hr",
        "all",
    )
    assert given_by(case) == {
        ("read", "yard", "ana", frozenset({"hr"})),
        ("read", "yard", "bo", frozenset({"hr"})),
        ("read", "yard", "cy", frozenset({"all"})),
    }


def test_a_person_whom_a_policy_names_is_unknown_to_it_in_what_others_ask() -> None:
    """Else bo, who asks too and is in no such group, would close the permit for ana, though he could be enrolled."""
    case = small(
        '@id("p") permit (principal, action == Action::"read", resource == Asset::"yard")'
        ' when { Person::"bo" in Group::"hr" } unless { principal == Person::"bo" };',
        "hr",
    )
    assert ("read", "yard", "ana", frozenset()) in given_by(case)


def test_a_forbid_on_a_group_is_not_escaped_by_entering_others() -> None:
    """Else the engine would report an opening that no gate gives."""
    case = small(
        '@id("p") permit (principal, action == Action::"read", resource == Asset::"yard");\n'
        '@id("f") forbid (principal in Group::"ops", action, resource);',
        "hr",
        "all",
    )
    assert given_by(case) == {("read", "yard", "cy", frozenset())}


def test_groups_that_contain_each_other_hold_the_same_people() -> None:
    """Else a cycle, which the tables allow and Cedar does not, would lose members or end in an error."""
    case_ = case(
        '@id("p") permit (principal in Group::"a", action == Action::"read", resource);',
        people="id\nx\ny\n",
        groups="group,member\na,group:b\nb,group:a\nb,person:x\n",
        assets="id\nt\n",
    )
    assert given_by(case_) == {("read", "t", "x", frozenset())}


def test_a_permit_that_cannot_be_evaluated_is_closed_and_such_a_forbid_refuses_nobody() -> None:
    """Else an error in one policy would open everything, or hide what another permit gives."""
    case = small(
        '@id("p") permit (principal, action == Action::"read", resource) when { principal.name == "x" };\n'
        '@id("q") permit (principal == Person::"bo", action == Action::"read", resource == Asset::"yard");\n'
        '@id("f") forbid (principal, action, resource) when { resource.name == "x" };'
    )
    assert given_by(case) == {("read", "yard", "bo", frozenset())}


def test_who_may_enroll_into_their_own_groups_is_told_group_by_group() -> None:
    """Else "members may add members" would be read as everyone may add anyone, or as nobody may."""
    case = small(
        '@id("p") permit (principal, action == Action::"enroll", resource) when { principal in resource };', "hr"
    )
    assert given_by(case) == {
        *(("enroll", group, person, frozenset()) for group in ("ops", "all") for person in ("ana", "bo")),
        ("enroll", "hr", "cy", frozenset()),
        *(("enroll", "hr", person, frozenset({"hr"})) for person in ("ana", "bo")),
    }


def test_terms_stand_with_the_permit() -> None:
    """Else a permit that needs a quorum would be taken for standing access."""
    case = small('@id("p") @terms("two") permit (principal, action == Action::"read", resource);')
    assert {permit.terms for permit in found(case)} == {0}
    assert {permit.terms for permit in found(small('@id("p") permit (principal, action, resource);'))} == {-1}


def test_without_policies_or_people_nothing_is_permitted() -> None:
    """Else an estate with tables alone would end in an error."""
    assert found(case("", people="id\nx\n")) == ()
    assert found(case('@id("p") permit (principal, action, resource);', assets="id\nt\n")) == ()
