"""The checker where a permit is asked: it accepts what the oracle finds open, by whatever groups were entered, and
nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

import cedarpy
import pytest

from armslength.estate import parse
from armslength.reach import Step
from armslength.reach.checker import Checker
from tests.oracle import AT, Case
from tests.oracle.permits import Permits
from tests.oracle.world import Ref, world
from tests.reach.derivations import fact, step
from tests.reach.permit_estates import Writer
from tests.reach.test_checker_gate import AT_ONCE, FAST, held, targets, through

PEOPLE = ("p0", "p1", "p2")
ENTERED = (
    step("grant", "enrolled group:g0", "acts person:p0", at="grants.csv:5", by="standing"),
    *(step("enrolled", f"in person:{p} group:g0", f"acts person:{p}", "enrolled group:g0") for p in PEOPLE),
    *(
        step("enrolled", f"in person:{p} group:g1", f"acts person:{p}", "enrolled group:g0", at="groups.csv:4")
        for p in PEOPLE
    ),
)
"""Everybody enters both groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A permit claimed to be open to a person who has entered these groups."""

    policy: str
    person: str
    entered: tuple[str, ...]
    action: str
    aim: Ref

    def step(self, terms: bool) -> Step:
        needs = [
            ("acts", f"person:{self.person}"),
            *(("in", f"person:{self.person}", f"group:{g}") for g in self.entered),
        ]
        claim = replace(through(self.policy, self.action, self.aim), by="standing", requester=f"person:{self.person}")
        if terms:
            other = next(f"person:{p}" for p in PEOPLE if p != self.person)
            claim, needs = replace(claim, by="quorum", approvers=(other,)), [*needs, ("acts", other)]
        return replace(claim, needs=tuple(needs))


def questions(case: Case, policies: dict[str, str]) -> Iterator[Asked]:
    for policy in policies:
        for action, aim in targets(case):
            for person in PEOPLE:
                for entered in ((), ("g0",), ("g1",), ("g0", "g1")):
                    if aim != ("person", person):  # nobody gains by assuming themselves
                        yield Asked(policy=policy, person=person, entered=entered, action=action, aim=aim)


@pytest.mark.parametrize("first", range(0, FAST // 2, AT_ONCE))
def test_a_permit_is_accepted_where_it_is_open_and_nowhere_else(first: int) -> None:
    """A permit that the gate always refuses would be told as a way in, or one that it gives as none."""
    for seed in range(first, min(first + AT_ONCE, FAST // 2)):
        names = {"people": list(PEOPLE), "groups": ["g0", "g1"], "assets": ["a0", "a1", "a2"]}
        case = held(Writer(rng=Random(seed), context=seed % 3 > 0, **names).policies())
        about, permits = world(case, AT), Permits(case.policy)
        permits.prepare(about, {"read", "erase"})
        every = json.loads(cedarpy.policies_to_json_str(case.policy))["staticPolicies"]
        policies = {every[number]["annotations"]["id"]: number for number in permits.ids}
        estate = parse(case.files()).estate
        state = [str(s) for s in estate.states].index("NZ")
        accomplices = tuple(estate.people.ids.index(p) for p in PEOPLE)
        asked = list(questions(case, policies))
        opening = (*(step("accomplice", f"acts person:{p}") for p in PEOPLE), *ENTERED)
        claims = tuple(each.step(bool(permits.terms[policies[each.policy]])) for each in asked)
        found = Checker(estate, AT).faults(state, 0, 0, accomplices, (*opening, *claims))
        refused = {int(fault.split()[1]) for fault in found if fault.startswith("step ")}
        assert min(refused, default=len(opening) + 1) > len(opening), found
        for number, each in enumerate(asked, start=len(opening) + 1):
            groups = frozenset(each.entered)
            is_open = permits.open(policies[each.policy], about, each.person, groups, each.action, each.aim)
            assert (number not in refused) is is_open, f"seed {seed}: {each}\n{case.policy}"


def test_the_groups_that_were_entered_are_those_that_the_step_names() -> None:
    """A person would be taken to be in a group that nobody showed them to be in."""
    case = held('@id("p") permit (principal in Group::"g0", action == Action::"read", resource == Asset::"a2");')
    estate = parse(case.files()).estate
    asked = [str(s) for s in estate.states].index("NZ"), estate.actions.index("read"), estate.assets.ids.index("a2")
    accomplices = tuple(estate.people.ids.index(p) for p in ("p0", "p2"))
    opening = (step("accomplice", "acts person:p0"), step("accomplice", "acts person:p2"))
    claim = Asked(policy="p", person="p2", entered=("g0",), action="read", aim=("asset", "a2")).step(terms=False)
    checker = Checker(estate, AT)
    assert checker.faults(*asked, accomplices, (*opening, ENTERED[0], ENTERED[3], claim)) == ()
    assert checker.faults(*asked, accomplices, (*opening, ENTERED[0], claim))
    others = replace(claim, needs=(claim.needs[0], fact("in person:p0 group:g0")))
    assert checker.faults(*asked, accomplices, (*opening, ENTERED[0], ENTERED[1], ENTERED[3], others))
