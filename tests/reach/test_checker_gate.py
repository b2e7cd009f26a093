"""The checker where the gate itself is held (semantics, rule 7): it accepts what a permit alone could give to somebody,
all that the engine prints, and nothing that no coalition could get."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import cedarpy
import pytest

from armslength.estate import Estate, parse
from armslength.reach import Question, Step, check_document, reach
from armslength.reach.checker import Checker
from armslength.report.document import document
from tests.oracle import AT, Case, random_case
from tests.oracle.permits import Permits
from tests.oracle.policies import Names, random_policy
from tests.oracle.world import POWERS, Ref, world
from tests.reach.derivations import case as case_of
from tests.reach.derivations import rows, step
from tests.reach.permit_estates import Writer

FAST = int(os.environ.get("ARMSLENGTH_RANDOM_ESTATES", "400")) // 10
SLOW = 1_000
AT_ONCE = 10


def gated(seed: int) -> Case:
    """A random estate with policies and a gate that somebody operates."""
    case, random = random_case(seed), Random(seed)
    tables = {name: [dict(row) for row in found] for name, found in case.tables.items()}
    terms = sorted(case.settings.get("terms", {}))
    names = Names(
        people=[row["id"] for row in case.rows("people")],
        groups=sorted({row["group"] for row in case.rows("groups") + case.rows("unknown")}),
        assets=[row["id"] for row in case.rows("assets")],
        classes=sorted({row["class"] for row in case.rows("assets") if row.get("class")}),
        terms=terms,
        countries=["CN", "HK", "US", "IE", "SG"],
        entities=[row["id"] for row in case.rows("entities")],
    )
    gate = random.choice(names.assets)
    holder = random.choice([f"person:{random.choice(names.people)}", f"group:{random.choice(names.groups)}"])
    operates = {"holder": holder, "action": "operate", "target": f"asset:{gate}"}
    if terms and random.random() < 0.3:
        operates["terms"] = random.choice(terms)
    tables["grants"] = [*tables.get("grants", []), operates]
    policy = case.policy if case.policy and random.random() < 0.5 else random_policy(random, names)
    return replace(case, tables=tables, settings={**case.settings, "gate": gate}, policy=policy)


def follow(first: int, past: int) -> None:
    """All that the engine derives, through its printed form."""
    for seed in range(first, past):
        case = gated(seed)
        estate = parse(case.files()).estate
        question = Question(at=AT, everything=True)
        found = reach(estate, question)
        answers = ((found.result(i), found.steps(i)) for i in range(len(found)))
        printed = json.loads("".join(document(estate, question, answers)))
        assert check_document(printed, estate) == (), f"seed {seed}\n{case.show()}"


@pytest.mark.parametrize("first", range(0, FAST, AT_ONCE))
def test_all_that_the_engine_derives_is_accepted(first: int) -> None:
    """A true report of who holds the gate would be called a forgery."""
    follow(first, min(first + AT_ONCE, FAST))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(FAST, FAST + SLOW, 5 * AT_ONCE))
def test_all_that_the_engine_derives_is_accepted_at_length(first: int) -> None:
    """As above; rare meetings of features show only in a large number."""
    follow(first, min(first + 5 * AT_ONCE, FAST + SLOW))


# --- what no coalition could get


TABLES = {
    "people": "id,unit,entity,workplace\np0,x,e,CN\np1,y,,US\np2,,f,\nholder,,,NZ",
    "entities": "id,state\ne,US\nf,CN",
    "groups": "group,member\ng0,person:p0\ng1,person:p1\ng1,group:g0",
    "assets": """
id,class,within,hosted_in,shielded_from
a0,c,,US,
a1,,a0,,CN
a2,d,,CN IE,US IE
gate,,,,
zc,c,,,
zd,d,,,
""",
    "grants": """
holder,action,target
person:holder,operate,asset:gate
person:p0,read,asset:a0
person:p0,erase,asset:a0
person:p0,enroll,group:g0
person:p0,assume,person:p1
person:p0,amend,terms:two
""",
}
SETTINGS = {"gate": "gate", "terms": {"two": {"approvals": 1, "approvers": "everyone"}}}
HELD = (
    step("compelled", "acts person:holder", at="people.csv:5", tie="workplace"),
    step("grant", "over operate asset:gate", "acts person:holder", at="grants.csv:2", by="standing"),
    step("has", "can operate asset:gate", "over operate asset:gate"),
    step("gate", "gate", "can operate asset:gate"),
)


def held(policy: str) -> Case:
    """A state holds the gate by one person, and little else."""
    return case_of(SETTINGS, policy, **TABLES)


def given(case: Case) -> set[tuple[str, str, Ref]]:
    """By the oracle: policy, action and target of all that some permit could give to anybody."""
    about, permits = world(case, AT), Permits(case.policy)
    permits.prepare(about, {"read", "erase"})
    every = json.loads(cedarpy.policies_to_json_str(case.policy))["staticPolicies"]
    names = {number: every[number]["annotations"]["id"] for number in permits.ids}
    aims = list(targets(case))
    return {(names[n], action, aim) for n in permits.ids for action, aim in aims if permits.held(n, action, aim)}


def targets(case: Case) -> Iterator[tuple[str, Ref]]:
    about = world(case, AT)
    for action in ("read", "erase", "operate"):
        yield from ((action, ("asset", t)) for t in about.of_class)
    yield from (("enroll", ("group", g)) for g in about.above)
    yield from (("assume", ("group", g)) for g in about.above)
    yield from (("assume", ("person", p)) for p in about.people)
    yield from (("amend", ("terms", r)) for r in about.terms)


def through(policy: str, action: str, aim: Ref) -> Step:
    """A step that claims the permit by the gate."""
    target = f"{aim[0]}:{aim[1]}"
    effect = {"enroll": "enrolled", "assume": "assumed", "amend": "waived"}
    fact = (effect[action], target) if action in POWERS - {"operate"} else ("can", action, target)
    if action == "operate":
        fact = ("over", action, target)
    return Step(rule="permit", fact=fact, needs=(("gate",),), policy=policy, by="gate")


def accepted(case: Case) -> set[tuple[str, str, Ref]]:
    """By the checker: all that a permit by the gate may be claimed to give."""
    estate = parse(case.files()).estate
    checker, state = Checker(estate, AT), [str(s) for s in estate.states].index("NZ")
    every = json.loads(cedarpy.policies_to_json_str(case.policy))["staticPolicies"].values()
    claims = [
        (body["annotations"]["id"], action, aim)
        for body in every
        if body["effect"] == "permit"
        for action, aim in targets(case)
    ]
    steps = (*HELD, *(through(*claim) for claim in claims))
    found = checker.faults(state, 0, 0, (), steps)
    refused = {int(fault.split()[1]) for fault in found if fault.startswith("step ")}
    assert min(refused, default=len(HELD) + 1) > len(HELD), found
    return {claim for number, claim in enumerate(claims, start=len(HELD) + 1) if number not in refused}


@pytest.mark.parametrize("first", range(0, FAST, AT_ONCE))
def test_a_permit_by_the_gate_is_accepted_where_it_could_let_somebody_pass_and_nowhere_else(first: int) -> None:
    """One seat at the gate would be told as access that no policy gives to anybody, or the other way about."""
    for seed in range(first, min(first + AT_ONCE, FAST)):
        names = {"people": ["p0", "p1", "p2"], "groups": ["g0", "g1"], "assets": ["a0", "a1", "a2"]}
        case = held(Writer(rng=Random(seed), context=seed % 3 > 0, **names).policies())
        assert accepted(case) == given(case), f"seed {seed}\n{case.policy}"


READ = 'permit (principal, action == Action::"read", resource is Asset)'
ALL = "a0 a1 a2 gate zc zd"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (f"{READ};", ALL),
        ('permit (principal in Group::"g1", action == Action::"read", resource == Asset::"a2");', "a2"),
        ('permit (principal == Person::"p0", action == Action::"read", resource in Class::"c");', "a0 a1 zc"),
        ('permit (principal, action == Action::"erase", resource is Asset) when { action == Action::"read" };', ""),
        (f'{READ} when {{ principal.unit == "?" && false }};', ""),
        (f'{READ} when {{ principal.unit == "?" && resource == Asset::"a2" }};', "a2"),
        (
            f'{READ} when {{ principal.unit == "?" }} unless {{ resource.hosted_in.contains("CN") }};',
            "a0 a1 gate zc zd",
        ),
        (
            f'{READ} when {{ principal.unit == "?" || principal.unit == "!" }} when {{ resource in Class::"d" }};',
            "a2 zd",
        ),
        (f'{READ} when {{ if principal.unit == "?" then false else resource.shielded_from == ["CN"] }};', "a1"),
        (f'{READ} unless {{ principal has unit || resource == Asset::"a0" }};', "a1 a2 gate zc zd"),
        (f'{READ} when {{ principal.unit == "?" && resource.nothing == 1 }};', ""),
        (f'{READ} when {{ !(principal.unit == "?" && 1 + 1 == 3) && resource == Asset::"a1" }};', "a1"),
        (f"{READ} when {{ context.ok && false }};", ALL),
        (f"{READ} when {{ false && context.ok }};", ""),
        (f'{READ} when {{ resource == Asset::"a1" }} when {{ context.ok }};', "a1"),
        (f'{READ} when {{ Person::"p1".unit == "?" }};', ALL),
    ],
)
def test_whoever_may_ask_the_conditions_on_the_target_count(policy: str, expected: str) -> None:
    """A permit that is shut to everybody would pass for a way in."""
    case = held(f'@id("p") @terms("two") {policy}')
    assert {aim[1] for _, action, aim in accepted(case) if action == "read"} == set(expected.split())


def test_forbids_do_not_bind_whoever_holds_the_gate() -> None:
    """The gate's own administrators would be counted as kept out by the gate."""
    case = held(f'@id("p") {READ};\n@id("f") forbid (principal, action, resource);')
    assert {aim[1] for _, action, aim in accepted(case) if action == "read"} == set(ALL.split())


def test_the_gate_has_to_be_held_first() -> None:
    """Anybody's permit would be everybody's."""
    case = held(f'@id("p") {READ};')
    estate: Estate = parse(case.files()).estate
    asked = [str(s) for s in estate.states].index("NZ"), estate.actions.index("read"), estate.assets.ids.index("a2")
    claim = through("p", "read", ("asset", "a2"))
    checker = Checker(estate, AT)
    assert checker.faults(*asked, (), (*HELD, claim)) == ()
    assert checker.faults(*asked, (), (*HELD[:3], claim))
    assert checker.faults(*asked, (), (*HELD[:2], HELD[3], claim))
    assert checker.faults(*asked, (), (*HELD, replace(claim, needs=())))
    other = step("has", "can operate asset:gate", "over operate asset:a0")
    assert checker.faults(*asked, (), (*HELD[:2], other, HELD[3], claim))
    assert rows("grants.csv:2") == HELD[1].rows
