"""Pairs that resist are set aside: the others get their plan, and nothing is said of these that is not known."""

from __future__ import annotations

import datetime as dt
from itertools import count

import pytest

from armslength.estate import Estate, drop_grants, drop_memberships, parse, set_all_terms
from armslength.reach import Plan, Progress, Question, Reason, Refusal, Verb, reach, repair
from armslength.reach import repair_aside as aside
from tests.oracle.estates import AT
from tests.reach.repairs import broken, keeps, small
from tests.reach.test_repair_brute import PLANS, compare

DAY = dt.date(2026, 11, 22)
QUESTION = Question(at=DAY)
STATES = ("CN", "RU", "IN")
SETTINGS = """name = "Tiny"
[terms.strict]
approvals = 3
approvers = "group:trust"
apart = 2
[[floor]]
action = "read"
target = "asset:x"
length = 1
[[floor]]
action = "export"
target = "asset:y"
length = 3
"""
HELD = Refusal(table="grants", row=1)


def crowded(trust: int, holders: int) -> Estate:
    """Every quorum of four is of people of three states, so two of it are of one: no floor of 3 can hold against all
    three states while anybody can ask for y. To see that, one would have to try every quorum."""
    people, groups = ["id,workplace", "ana,CN"], ["group,member"]
    for group, size in (("trust", trust), ("holders", holders)):
        people += [f"{group}-{i},{STATES[i % 3]}" for i in range(size)]
        groups += [f"{group},person:{group}-{i}" for i in range(size)]
    files = {
        "people.csv": "\n".join(people),
        "groups.csv": "\n".join(groups),
        "assets.csv": "id\nx\ny",
        "grants.csv": "holder,action,target,terms\nperson:ana,read,asset:x,\ngroup:holders,export,asset:y,strict",
        "estate.toml": SETTINGS,
    }
    return parse({name: text.encode() for name, text in files.items()}).estate


def until(estate: Estate, rounds: int, refused: tuple[Refusal, ...] = ()) -> tuple[Plan, list[Progress]]:
    """A repair that is stopped once the engine was asked so often."""
    seen: list[Progress] = []
    plan = repair(estate, QUESTION, refused, lambda: bool(seen) and seen[-1].round >= rounds, seen.append)
    return plan, seen


def carried_out(estate: Estate, plan: Plan) -> Estate:
    rows = {verb: [c.row.row for c in plan.changes if c.verb is verb] for verb in Verb}
    estate = set_all_terms(estate, {c.row.row: c.terms for c in plan.changes if c.verb is Verb.TERMS})
    return drop_memberships(drop_grants(estate, rows[Verb.DROP_GRANT]), rows[Verb.DROP_MEMBERSHIP])


def test_a_pair_that_resists_keeps_no_plan_from_the_others() -> None:
    """One export that nobody knows how to mend would leave every other door open."""
    estate = crowded(18, 6)
    plan, seen = until(estate, 24, (HELD,))
    assert plan.verified and plan.changes
    names = {(estate.actions[p.action], estate.assets.ids[p.asset]) for p in plan.remaining}
    assert names == {("export", "y")}
    left = reach(carried_out(estate, plan), QUESTION)
    told = {(p.state, p.action, p.asset) for p in plan.remaining}
    assert {(int(left.state[i]), int(left.action[i]), int(left.asset[i])) for i in left.broken()} == told
    assert [one.aside for one in seen if one.cost is not None][-1] > 0


def test_a_pair_set_aside_is_not_said_to_be_beyond_mending() -> None:
    """Whoever reads that nothing mends it would stop looking; whoever reads a cost would plan with it."""
    plan, _ = until(crowded(18, 6), 24, (HELD,))
    assert plan.remaining and all(p.reason is Reason.ASIDE for p in plan.remaining)
    assert all(p.at_least > 0 and p.rows for p in plan.remaining)
    assert plan.bound <= plan.cost and plan.gap == (0 if plan.proven else (plan.cost - plan.bound) / plan.cost)


def test_the_certificate_of_a_plan_asks_nothing_for_what_is_set_aside() -> None:
    """Solved again, it would prove a bound for pairs that the plan does not mend."""
    plan, _ = until(crowded(18, 6), 24, (HELD,))
    out = {(p.state, p.action, p.asset) for p in plan.remaining if p.reason is Reason.ASIDE}
    assert out and not any(cut.pair in out for cut in plan.certificate.cuts)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pair resists as soon as a plan leaves it broken."""
    monkeypatch.setattr(aside, "RESISTS", 1)


@pytest.mark.usefixtures("soon")
def test_a_pair_found_beyond_mending_after_it_was_set_aside_is_told_so() -> None:
    """Somebody would wait for an answer that the search already has."""
    files = {
        "people.csv": "id,workplace\nana,CN",
        "groups.csv": "group,member\ntrust,person:ana",
        "assets.csv": "id\nx\ny",
        "grants.csv": "holder,action,target,terms\nperson:ana,read,asset:x,\ngroup:trust,read,asset:x,",
        "estate.toml": SETTINGS,
    }
    estate = parse({name: text.encode() for name, text in files.items()}).estate
    kept = (HELD, Refusal(table="groups"))
    # The first look finds the short way, and all is set aside; with that grant dropped, the third finds the long one.
    told = [[p.reason for p in until(estate, rounds, kept)[0].remaining] for rounds in (2, 3)]
    assert told == [[Reason.ASIDE], [Reason.REFUSED]]


@pytest.mark.usefixtures("soon")
def test_a_pair_beyond_mending_is_not_set_aside() -> None:
    """Who watches would be told to wait for what is known not to come."""
    files = {
        "people.csv": "id,workplace\nana,CN",
        "groups.csv": "group,member\ntrust,person:ana",
        "assets.csv": "id,hosted_in\nx,CN\ny,",
        "grants.csv": "holder,action,target,terms\ngroup:trust,read,asset:x,",
        "estate.toml": SETTINGS,
    }
    plan, seen = until(parse({name: text.encode() for name, text in files.items()}).estate, 9)
    assert [p.reason for p in plan.remaining] == [Reason.CUSTODY] and plan.proven
    assert not any(one.aside for one in seen)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("first", range(0, 60, 20))
def test_with_time_enough_nothing_stays_set_aside(first: int) -> None:
    """What is only put off would be lost: the answer must be the least for as many pairs as can be mended."""
    assert compare(first, first + 20, PLANS) >= 2


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("looks", [2, 8, 30])
def test_no_plan_that_mends_as_much_costs_less_than_the_bound_for_the_rest(looks: int) -> None:
    """A bound that held for all pairs would be told of a plan for some, or the other way round."""
    some = 0
    for seed in range(60):
        drawn = small(seed)
        if drawn.size() > 60 or not broken(drawn.case):
            continue
        estate, calls = parse(drawn.case.files()).estate, count()
        plan = repair(estate, Question(at=AT), drawn.refused(), lambda calls=calls: next(calls) >= looks)
        if not plan.verified:
            continue
        named = {(estate.states[p.state], estate.actions[p.action], estate.assets.ids[p.asset]) for p in plan.remaining}
        mending = (
            other
            for other in drawn.plans()
            if drawn.cost(other) < plan.bound - 1e-9
            and (left := broken(drawn.after(other))) is not None
            and left <= named
            and keeps(drawn, other)
        )
        assert next(mending, None) is None, f"seed {seed}"
        some += 1
    assert some > 3


@pytest.mark.usefixtures("soon")
def test_what_mending_one_pair_costs_at_the_least_is_never_told_too_high() -> None:
    """A pair would be left as too dear that one change mends."""
    estate, told = crowded(6, 2), 0
    whole = repair(estate, QUESTION)
    assert whole.proven and not whole.remaining
    for rounds in range(1, 12):
        plan, _ = until(estate, rounds)
        for p in plan.remaining:
            told += p.reason is Reason.ASIDE
            only = {"states": frozenset({p.state}), "actions": frozenset({p.action}), "assets": frozenset({p.asset})}
            assert p.at_least <= repair(estate, Question(at=DAY, **only)).cost, f"{rounds} rounds"
    assert told
