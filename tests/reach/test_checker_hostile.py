"""The checker given what nobody would print or write: each is refused in words that can be shown, or judged."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from armslength.reach import NotSteps, Question, Step, check_document, reach
from armslength.reach.checker import Checker
from armslength.reach.result import Exact, Result
from armslength.report.document import document
from armslength.service import Refusal, verification
from tests.oracle import AT
from tests.reach.derivations import ENROLLED_PERMIT, FIRST_EXAMPLE, WORKED, Worked, case, fact, rows, step

DEEP: Any = []
for _ in range(5_000):
    DEEP = [DEEP]
HOSTILE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1,
    10**30,
    10**5_000,
    2.0,
    math.nan,
    math.inf,
    "",
    " ",
    "\ud800",
    "\x1b[2J\nevery derivation follows",
    "person:",
    ":",
    "asset:\x00",
    "group:\ud800",
    "x" * 100_000,
    [],
    {},
    [None],
    {"": None},
    DEEP,
)


def printed(worked: Worked) -> dict[str, Any]:
    state, action, asset, accomplices = worked.asked()
    result = Result(
        state=state,
        action=action,
        asset=asset,
        length=Exact(length=len(accomplices)),
        accomplices=accomplices,
        floor=None,
        gaps=(),
    )
    found: dict[str, Any] = json.loads("".join(document(worked.estate, Question(at=AT), [(result, worked.steps)])))
    return found


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every list or object in it, with each key."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def said(found: Any, worked: Worked) -> tuple[str, ...]:
    """What the checker says, which must be fit to be shown."""
    try:
        faults = check_document(found, worked.estate)
    except NotSteps as refusal:
        faults = (str(refusal),)
    assert all(fault and fault.isprintable() and fault.encode() for fault in faults), faults
    return faults


@pytest.mark.parametrize("worked", WORKED, ids=lambda worked: worked.name)
def test_a_hostile_value_in_any_place_is_refused_in_words(worked: Worked) -> None:
    """A hostile report would end in a traceback, write over the screen, or pass."""
    whole = printed(worked)
    assert said(whole, worked) == ()
    for number, (_, key) in enumerate(places(whole)):
        for value in HOSTILE:
            # Lists and objects are shared with no copy, so each has its own.
            changed = copy.deepcopy(whole)
            where, _ = list(places(changed))[number]
            if where[key] == value and type(where[key]) is type(value):
                continue
            where[key] = value
            means_nothing = (key == "cap" and type(value) is int and value in (0, 1)) or (key, value) == ("results", [])
            assert bool(said(changed, worked)) is not means_nothing, (number, key, value)


@pytest.mark.parametrize("worked", WORKED, ids=lambda worked: worked.name)
def test_a_key_more_or_less_is_refused(worked: Worked) -> None:
    """A report could say more than was checked, or leave out what a reader counts on."""
    whole = printed(worked)
    for number, (where, key) in enumerate(places(whole)):
        if isinstance(where, dict):
            less, more = copy.deepcopy(whole), copy.deepcopy(whole)
            list(places(less))[number][0].pop(key)
            list(places(more))[number][0]["note"] = "checked by all"
            optional = key in ("tie", "rows", "needs", "requester", "approvers", "policy", "by")
            assert optional or said(less, worked), (number, key)
            assert said(more, worked), (number, key)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"estate": "Another firm"}, "is about 'Another firm'"),
        ({"at": "20261122"}, "a date such as"),
        ({"at": "2026-W47-7"}, "a date such as"),
        ({"results": {}}, "a list is expected"),
    ],
)
def test_an_answer_is_read_only_as_it_is_printed(changes: dict[str, Any], says: str) -> None:
    """The one that was checked need not be the one that was read."""
    assert any(says in fault for fault in said(printed(FIRST_EXAMPLE) | changes, FIRST_EXAMPLE))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"floor": "2"}, "floor: a number"),
        ({"gaps": [{"groups": ["ops"]}]}, "'length' is missing"),
        ({"gaps": [{"groups": ["ops"], "length": 1, "at_least": 1}]}, "'length' means nothing"),
        ({"gaps": [{"groups": ["ops"], "at_least": "1"}]}, "at_least: a number"),
        ({"gaps": [{"groups": [1], "length": 1}]}, "groups.0.: a text"),
        ({"at_least": 0}, "'at_least' means nothing"),
        ({"length": 2}, "2 outsiders are claimed"),
        ({"length": None}, "nobody is claimed to be enough"),
    ],
)
def test_a_result_is_read_only_as_it_is_printed(changes: dict[str, Any], says: str) -> None:
    """As above."""
    whole = printed(FIRST_EXAMPLE)
    whole["results"][0] |= changes
    assert any(says.replace(".0.", "[0]") in fault for fault in said(whole, FIRST_EXAMPLE))


def test_a_search_that_was_stopped_says_what_is_known() -> None:
    """A length that may still fall would be read as exact, or bounds that cross as bounds."""
    whole = printed(FIRST_EXAMPLE)
    result = whole["results"][0]
    del result["length"]
    result |= {"at_least": 1, "at_most": 1}
    assert said(whole, FIRST_EXAMPLE) == ()
    result["at_least"] = 2
    assert any("above 'at_most'" in fault for fault in said(whole, FIRST_EXAMPLE))
    result |= {"at_least": 1, "at_most": None, "accomplices": [], "steps": []}
    assert said(whole, FIRST_EXAMPLE) == ()


def test_one_question_has_one_answer() -> None:
    """The false of two answers would hide behind the true one."""
    whole = printed(FIRST_EXAMPLE)
    whole["results"] *= 2
    assert any("stand there already" in fault for fault in said(whole, FIRST_EXAMPLE))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"results":' * 50_000,
        b'{"at": NaN}',
        b'{"results": [' + b"9" * 10_000 + b"]}",
        b'{"estate": "\\ud800", "at": "\\ud800", "cap": 1, "results": []}',
        b'{"at": "2026-11-22", "at": "2026-11-23"}',
        b"null",
        b'"results"',
        json.dumps(printed(FIRST_EXAMPLE)).encode()[:-1],
    ],
    ids=range(11),
)
def test_a_hostile_text_is_refused_in_words(text: bytes) -> None:
    """A hostile file would end in a traceback."""
    with pytest.raises(Refusal) as refused:
        verification(FIRST_EXAMPLE.estate, text)
    assert str(refused.value).encode()


# --- policies that are odd, and true


READ = 'permit (principal, action == Action::"read", resource == Asset::"t")'


def odd(policy: str, **tables: str) -> Worked:
    """One compelled person whom the permit lets read."""
    whole = {"people": "id,workplace\nana,CN", "assets": "id\nt", **tables}
    return Worked(
        name="odd",
        case=case({}, policy, **whole),
        state="CN",
        action="read",
        asset="t",
        accomplices=(),
        steps=(
            step("compelled", "acts person:ana", at="people.csv:2", tie="workplace"),
            step("permit", "can read asset:t", "acts person:ana", policy="p", by="standing"),
        ),
    )


def faults(worked: Worked) -> tuple[str, ...]:
    return Checker(worked.estate, AT).faults(*worked.asked(), worked.steps)


@pytest.mark.parametrize("operator", ["&&", "||"])
@pytest.mark.parametrize("length", [50, 200, 600, 990])
def test_conditions_too_deep_to_be_read_are_open(operator: str, length: int) -> None:
    """A long policy would end in a traceback, or hide what it gives."""
    long = f" {operator} ".join(["context.ok"] * length)
    assert faults(odd(f'@id("p") {READ} when {{ {long} }};')) == ()
    assert faults(odd(f'@id("p") {READ}; @id("f") forbid (principal, action, resource) when {{ {long} }};')) == ()


@pytest.mark.parametrize(
    "policy",
    [
        f'@id("p") @when("always") {READ};',
        f'@when("always") @permit("or") @id("p") {READ} when {{ {" && ".join(["context.ok"] * 600)} }};',
        f'@id("p") // when; permit(\r{READ};',
        f'// when {";"} "\n@id("p") {READ} when {{ "when;" == "when;" }};',
        f'@id(" p ") {READ};',
    ],
    ids=range(5),
)
def test_a_policy_is_found_however_it_is_written(policy: str) -> None:
    """A true report would be called a forgery for how the policy is laid out, or end in a traceback."""
    worked = odd(policy)
    assert faults(worked) == ()
    assert derived(worked) and all(faults(claim) == () for claim in derived(worked))


@pytest.mark.parametrize(
    "name", ["é", "x\u0301", "\u0301x", "a\u202eb", "\u200c", "\uff9e", "o'neill", 'a"b', "a\\b", "\U0001fae9"]
)
def test_names_are_asked_about_as_cedar_spells_them(name: str) -> None:
    """Whoever has an odd name would have no permits."""
    quoted = '"' + name.replace('"', '""') + '"'
    worked = odd(f'@id("p") {READ} when {{ principal has unit }};', people=f"id,workplace\n{quoted},CN")
    first, second = worked.steps
    acts = ("acts", f"person:{name}")
    steps = (replace(first, fact=acts), replace(second, needs=(acts,)))
    assert faults(replace(worked, steps=steps)) == ()


def test_a_permit_may_ask_for_many_groups_entered_by_enrolment() -> None:
    """What takes eleven enrolments would be called a forgery."""
    names = [f"g{n}" for n in range(11)]
    every = " && ".join(f'principal in Group::"{name}"' for name in names)
    worked = odd(
        f'@id("p") {READ} when {{ {every} }};',
        people="id,workplace\nana,CN\nbo,US",
        groups="group,member\n" + "\n".join(f"{name},person:bo" for name in names),
        grants="holder,action,target\n" + "\n".join(f"person:ana,enroll,group:{name}" for name in names),
    )
    acts = fact("acts person:ana")
    entered = [fact(f"in person:ana group:{name}") for name in names]
    steps: list[Step] = [worked.steps[0]]
    for n, name in enumerate(names):
        enrols = {"by": "standing", "requester": "person:ana", "at": f"grants.csv:{n + 2}"}
        steps.append(step("grant", f"enrolled group:{name}", "acts person:ana", **enrols))
        steps.append(Step(rule="enrolled", fact=entered[n], needs=(acts, fact(f"enrolled group:{name}"))))
    claim = replace(worked, steps=(*steps, replace(worked.steps[1], needs=(acts, *entered))))
    assert faults(claim) == ()
    assert faults(replace(claim, steps=(*steps, replace(worked.steps[1], needs=(acts, *entered[1:])))))


def test_people_whom_a_policy_names_for_themselves_are_unknown_while_somebody_can_be_enrolled() -> None:
    """What the engine derives, since their groups may change, would be called a forgery."""
    policy = f'@id("p") {READ} when {{ Person::"bo" in Group::"g" }};'
    people = {"people": "id,workplace\nana,CN\nbo,US", "groups": "group,member\ng,person:ana\nh,person:bo"}
    assert faults(odd(policy, **people))
    enrolling = odd(policy, **people, grants="holder,action,target\nperson:bo,enroll,group:g")
    assert faults(enrolling) == ()
    assert derived(enrolling) and all(faults(claim) == () for claim in derived(enrolling))


@pytest.mark.parametrize(
    "policy",
    [
        f'@id("p") {READ} when {{ Person::"ana" in Group::"g" }};',
        f'@id("p") {READ} when {{ Person::"ana".unit == "x" && principal.unit == "" }};',
        f'@id("p") {READ} when {{ principal == Person::"ana" && Person::"bo" in Group::"g" }};',
        '@id("p") permit (principal, action == Action::"assume", resource is Person)'
        ' when { Person::"bo" in Group::"g" && resource in Group::"h" };',
    ],
    ids=range(4),
)
def test_whoever_asks_or_is_aimed_at_is_not_taken_for_whom_the_policy_names_for_themselves(policy: str) -> None:
    """As above, where it is the same person."""
    worked = odd(
        policy,
        people="id,workplace\nana,CN\nbo,US",
        groups="group,member\ng,person:cy\nh,person:bo".replace("cy", "bo" if "ana" in policy else "ana"),
        grants="holder,action,target\nperson:bo,enroll,group:g\nperson:bo,read,asset:t",
    )
    (claim,) = [claim for claim in derived(worked) if claim.state == "CN"]
    assert claim.accomplices == ()
    assert faults(claim) == ()


def test_whoever_may_be_compared_with_a_person_of_the_policy_is_known_for_themselves() -> None:
    """Ana's unit stands in the tables, and it is she who asks: a permit for another unit would pass for a way in."""
    policy = f'@id("p") {READ} when {{ Person::"ana".unit == "x" && !(principal == resource) }};'
    worked = odd(
        policy,
        people="id,workplace,unit\nana,CN,y",
        groups="group,member\ng,person:ana",
        grants="holder,action,target\nperson:ana,enroll,group:g",
    )
    assert faults(worked) and not derived(worked)
    right = policy.replace('"x"', '"y"')
    assert faults(replace(worked, case=replace(worked.case, policy=right))) == ()


def derived(worked: Worked) -> list[Worked]:
    """What the engine prints for the estate."""
    found = reach(worked.estate, Question(at=AT, everything=True))
    ids = worked.estate.people.ids
    return [
        replace(
            worked,
            state=str(worked.estate.states[result.state]),
            action=worked.estate.actions[result.action],
            asset=worked.estate.assets.ids[result.asset],
            accomplices=tuple(ids[p] for p in result.accomplices),
            steps=found.steps(i),
        )
        for i, result in enumerate(found)
        if found.steps(i)
    ]


def test_an_action_that_the_estate_does_not_know_is_refused() -> None:
    """A permit for every action would be told to give what nobody ever heard of."""
    worked = odd(
        '@id("p") permit (principal, action, resource);', grants="holder,action,target\nperson:ana,read,asset:t"
    )
    assert faults(worked) == ()
    for action in ("melt", "\ud800"):
        steps = (worked.steps[0], replace(worked.steps[1], fact=("can", action, "asset:t")), worked.steps[1])
        assert any("is no action of the estate" in fault for fault in faults(replace(worked, steps=steps)))


def test_steps_of_any_shape_are_judged() -> None:
    """A library that hands over its own steps would meet a traceback."""
    texts = (
        "",
        "acts",
        "person:x1",
        "person:",
        "group:cleared",
        "asset:",
        "asset:archive-1",
        "enroll",
        "operate",
        "\ud800",
    )
    rules = (
        "compelled",
        "member",
        "enrolled",
        "assumed",
        "grant",
        "permit",
        "class",
        "within",
        "has",
        "custody",
        "gate",
    )
    random = Random(1)
    checker = Checker(ENROLLED_PERMIT.estate, AT)
    for _ in range(3_000):
        made = tuple(random.choice(texts) for _ in range(random.randint(0, 4)))
        shape = ("can", "over", "in", "acts", "enrolled", "assumed", "waived", "gate")
        given = Step(
            rule=random.choice(rules),
            fact=(random.choice(shape), *made),
            needs=(fact("acts person:x1"),) if random.random() < 0.7 else (made,),
            rows=random.choice(((), rows("assets.csv:2"), rows("groups.csv:9 people.csv:1"))),
            policy=random.choice((None, "analysts-enrol", "cleared-read", "\ud800")),
            by=random.choice((None, "standing", "quorum", "gate")),
            requester=random.choice((None, "person:x1", "\ud800")),
        )
        found = checker.faults(*ENROLLED_PERMIT.asked(), (ENROLLED_PERMIT.steps[0], given))
        assert found and all(fault.isprintable() and fault.encode() for fault in found)
