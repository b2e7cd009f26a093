"""Permits by class say what Cedar says of each person, target, action and set of groups."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import Kind
from armslength.reach.permits import Permit, permits
from tests.reach.permit_estates import Case, Direct, between, drawn

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
