"""Permits of an estate in which a few people changed are those that a reading of the whole gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from armslength.estate import Estate, grant
from armslength.reach import Question, reach
from armslength.reach.permit_again import change, permits_again
from armslength.reach.permit_spent import Spent
from armslength.reach.permits import Permit, permits
from tests.oracle.estates import AT
from tests.reach.permit_estates import ACTIONS, Case, Writer, case

SEEDS = range(400)
SETTINGS = 'name = "Small"\n[terms.two]\napprovals = 1\napprovers = "everyone"\n'
ROWS = (
    *(f"person:p0,{action},asset:a0" for action in ACTIONS[:3]),
    "person:p0,enroll,group:g0",
    "person:p0,assume,person:p1",
    "person:p0,amend,terms:two",
)


class OfAssets(Writer):
    """Writes policies that name no person and are about assets, groups or terms."""

    def literal(self, kind: str) -> str:
        return Writer.literal(self, "Group" if kind == "Person" else kind)

    def scope(self) -> str:
        who = ["principal", f"principal in {self.literal('Group')}", f"principal in {self.literal('Group')}"]
        action, other = self.literal("Action"), self.literal("Action")
        where = ["resource is Asset", "resource is Asset", f"resource in {self.literal('Class')}"]
        where += [f"resource == {self.literal('Asset')}", "resource is Group", "resource is Terms"]
        what = ["action", f"action == {action}", f"action in [{action}, {other}]"]
        return ", ".join(self.rng.choice(part) for part in (who, what, where))


def person(name: str, random: Random) -> str:
    return f"{name},{random.choice('xy')},{random.choice('ef')},{random.choice(('CN', 'US'))}"


def firm(random: Random) -> tuple[str, dict[str, str], list[str], list[str]]:
    """The policies, the other tables, and rows of people and of memberships."""
    groups, assets = [f"g{n}" for n in range(random.randint(1, 3))], ["a0", "a1", "a2"]
    names = [f"p{n}" for n in range(random.randint(4, 9))]
    members = [f"{g},person:{p}" for g in groups for p in names if p == "p0" or random.random() < 0.4]
    members += ["g0,group:g1"] if len(groups) > 1 and random.random() < 0.5 else []
    text = OfAssets(rng=random, people=names, groups=groups, assets=assets, context=random.random() < 0.5).policies()
    tables = {
        "entities": "id,state\ne,US\nf,CN\n",
        "assets": "id,class,within,hosted_in,shielded_from\na0,c,,US,CN\na1,d,a0,,CN US\na2,,,CN,\nzc,c,,,\nzd,d,,,\n",
        "grants": "holder,action,target\n" + "\n".join(ROWS),
        "settings": SETTINGS,
    }
    return text, tables, [person(name, random) for name in names], members


def changed(people: list[str], members: list[str], random: Random) -> tuple[list[str], list[str]]:
    """Some of them leave, look otherwise or come; now and then a membership goes too."""
    people = list(people)
    for _ in range(random.randint(1, 3)):
        n = random.randrange(2, len(people))
        match random.choice(("leaves", "leaves", "changes", "changes", "comes")):
            case "leaves" if len(people) > 3:
                people.pop(n)
            case "changes":
                people[n] = person(people[n].split(",")[0], random)
            case _:
                people.insert(n, person(f"n{random.randrange(1000)}", random))
    there = {row.split(",")[0] for row in people}
    kept = [row for row in members if ":p" not in row or row.split(":")[1] in there]
    if random.random() < 0.1:
        kept = [row for row in kept if row.endswith("p0") or random.random() < 0.5]
    return people, kept


def made(text: str, tables: dict[str, str], people: list[str], members: list[str], opened: frozenset[str]) -> Case:
    rows = {"people": "id,unit,entity,workplace\n" + "\n".join(people), "groups": "group,member\n" + "\n".join(members)}
    return case(text, opened, **tables, **rows)


def told(some: tuple[Permit, ...]) -> list[object]:
    return [
        (one.policy, one.action, one.terms, one.target_kind, one.targets.tolist(), one.targets.dtype)
        + tuple((sorted(opening.groups), opening.people.tolist()) for opening in one.openings)
        for one in some
    ]


def pairs() -> Iterator[tuple[int, Case, Case]]:
    for seed in SEEDS:
        random = Random(seed)
        text, tables, people, members = firm(random)
        later = changed(people, members, random)
        opened = frozenset({"g0"} if random.random() < 0.5 else set())
        one, two = made(text, tables, people, members, opened), made(text, tables, *later, opened)
        yield seed, one, replace(two, estate=shared(one.estate, two.estate))


def shared(one: Estate, two: Estate) -> Estate:
    """The second with all of the first that is the same, as a what-if has it."""
    return replace(two, policy=one.policy, assets=one.assets, entities=one.entities)


def read(case: Case, spent: Spent | None = None) -> tuple[Permit, ...]:
    return permits(case.estate, case.enrollable, case.exposure, case.membership.is_member, spent=spent)


def test_permits_of_people_who_changed_are_those_that_a_reading_of_all_gives() -> None:
    """A what-if would tell that somebody who leaves or travels may still do what they could, or that others may."""
    again = some = 0
    for seed, one, two in pairs():
        found = change(one.estate, two.estate, one.exposure, two.exposure)
        if found is None or one.enrollable != two.enrollable:
            continue
        is_member, whole = two.membership.is_member, read(two)
        taken = permits_again(read(one), found, two.estate, two.enrollable, two.exposure, is_member, {}, Spent())
        assert told(taken) == told(whole), seed
        again += 1
        some += bool(whole and found.fresh.size)
    assert again > 200 and some > 60, (again, some)


def test_what_a_reading_takes_is_bounded_by_what_it_took_before_and_what_the_others_take() -> None:
    """Else what counts as open for want of asking would hang on what was asked before."""
    bounded = 0
    for seed, one, two in pairs():
        found = change(one.estate, two.estate, one.exposure, two.exposure)
        if found is None or one.enrollable != two.enrollable:
            continue
        before, after, more, is_member = Spent(), Spent(), Spent(), two.membership.is_member
        old = read(one, before)
        read(two, after)
        permits_again(old, found, two.estate, two.enrollable, two.exposure, is_member, {}, more)
        most = before + more
        assert after.pairs <= most.pairs and after.questions <= most.questions and after.sets <= most.sets, seed
        bounded += after.questions > before.questions
    assert bounded > 5


NAMED = (
    '@id("p") permit (principal == Person::"p1", action, resource is Asset);',
    '@id("p") permit (principal, action, resource is Asset) when { Person::"p1" in Group::"g0" };',
    '@id("p") permit (principal, action, resource);',
    '@id("p") permit (principal, action, resource is Asset);\n'
    '@id("f") forbid (principal, action, resource in Group::"g0");',
)


@pytest.mark.parametrize("policy", NAMED)
def test_where_a_policy_names_somebody_or_is_about_people_all_is_read_again(policy: str) -> None:
    """Whoever it names may be who changed."""
    _, tables, people, members = firm(Random(1))
    name = people[-1].split(",")[0]
    one = made(policy, tables, people, members, frozenset())
    two = made(policy, tables, people[:-1], [row for row in members if not row.endswith(name)], frozenset())
    assert change(one.estate, shared(one.estate, two.estate), one.exposure, two.exposure) is None


def test_permits_are_those_of_the_same_people_where_they_stand_in_another_order() -> None:
    """Else somebody would be told to have what the person has who stood at that place before."""
    text = '@id("p") permit (principal in Group::"g0", action == Action::"read", resource is Asset);'
    tables = {"assets": "id,hosted_in\na0,\n", "grants": "holder,action,target\nperson:p0,read,asset:a0\n"}
    people, members = ["p0,x,,", "p1,x,,CN", "p2,x,,"], ["g0,person:p1"]
    one = made(text, tables, people, members, frozenset()).estate
    two = shared(one, made(text, tables, [*people[1:], people[0]], members, frozenset()).estate)
    question = Question(at=AT, everything=True)
    taken, whole = reach(two, question, before=reach(one, question)), reach(two, question)
    assert taken.at_least.tolist() == whole.at_least.tolist()


@pytest.mark.parametrize("policy", NAMED)
def test_where_people_are_the_same_nothing_is_read_again_whomever_a_policy_names(
    policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grant changes nothing that a policy looks at, and would take as long as all of them."""
    _, tables, people, members = firm(Random(1))
    estate = made(policy, tables, people, members, frozenset()).estate
    question = Question(at=AT, everything=True)
    before = reach(estate, question)
    new = grant(estate, "person:p1", "read", "asset:a2")
    whole = reach(new, question)
    monkeypatch.setattr("armslength.reach.solution.permits", None)
    assert reach(new, question, before=before).at_least.tolist() == whole.at_least.tolist()
