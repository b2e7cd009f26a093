"""Repair against brute force: of every set of changes, none that mends as much is cheaper."""

from __future__ import annotations

import datetime as dt
from itertools import combinations, product
from pathlib import Path

import pytest

from armslength.estate import Estate, Kind, drop_grants, drop_memberships, parse, set_terms
from armslength.reach import Question, Refusal, Verb, reach, repair
from armslength.store import read

AT = dt.date(2026, 11, 22)
QUESTION = Question(at=AT)

PEOPLE = "id,unit,workplace\nana,u1,CN\nbo,u2,US\ncy,u3,IE\ndi,u4,SG\ned,u5,US\nfy,u6,IE\ngo,u7,SG\n"
GROUPS = "group,member\nops,person:bo\nops,person:ana\ntrust,person:cy\ntrust,person:di\ntrust,person:ed\n"
GROUPS += "trust,person:fy\ntrust,person:go\n"
SETTINGS = """name = "Tiny"
home = ["US"]
[terms.two-apart]
approvals = 2
approvers = "group:trust"
apart = 2
[terms.weak]
approvals = 1
approvers = "everyone"
[[floor]]
action = "read"
target = "class:content"
length = {length}
"""


def tiny(grants: str, length: int = 2) -> Estate:
    """Two assets of a class under a floor."""
    files = {
        "people.csv": PEOPLE,
        "groups.csv": GROUPS,
        "assets.csv": "id,class\nx,content\ny,content\n",
        "grants.csv": f"holder,action,target,terms\n{grants}",
        "estate.toml": SETTINGS.format(length=length),
    }
    return parse({name: text.encode() for name, text in files.items()}).estate


GRANTS = [
    "group:ops,read,class:content,\n",
    "group:ops,read,asset:x,\nperson:cy,read,asset:y,weak\n",
    "group:ops,operate,asset:x,two-apart\nperson:ana,amend,terms:two-apart,\n",
    "person:bo,read,asset:x,\nperson:ana,enroll,group:trust,\ngroup:trust,read,asset:y,\n",
    "person:bo,assume,group:trust,\ngroup:ops,read,asset:x,two-apart\n",
]


PLACES = {line.split(",")[0]: line.split(",")[2] for line in PEOPLE.splitlines()[1:]}
TRUST = ("cy", "di", "ed", "fy", "go")


def spared(estate: Estate, row: int, terms: str) -> bool:
    """Whether a quorum can still be found for the grant with any one approver away."""
    grants = estate.grants
    if int(grants.holder_kind[row]) == int(Kind.PERSON):
        holders: tuple[str, ...] = (estate.people.ids[int(grants.holder[row])],)
    else:
        holders = TRUST if estate.groups.ids[int(grants.holder[row])] == "trust" else ("bo", "ana")
    approving, count = (TRUST, 2) if terms == "two-apart" else (tuple(PLACES), 1)
    return all(
        any(
            fits({q, *others}, 2 if terms == "two-apart" else 0)
            for q in holders
            for others in combinations([p for p in approving if p not in (q, away)], count)
            if q != away or len(holders) == 1
        )
        for away in PLACES
    )


def fits(quorum: set[str], apart: int) -> bool:
    """Of a quorum of different people: for every state but home, so many are not exposed to it."""
    return all(sum(PLACES[p] != state for p in quorum) >= apart for state in ("CN", "IE", "SG"))


def cheapest(estate: Estate) -> float:
    """The least cost over every way to change or leave each row, judged by the engine; terms keep one to spare."""
    grants, members = len(estate.grants), len(estate.groups.row)
    best = float("inf")
    options = [("", 0.0), ("drop", 3.0), ("two-apart", 1.0), ("weak", 1.0)]
    for chosen in product(options, repeat=grants):
        cost = sum(c for _, c in chosen)
        if cost >= best:
            continue
        if any(what not in ("", "drop") and not spared(estate, row, what) for row, (what, _) in enumerate(chosen)):
            continue
        changed = estate
        for row, (what, _) in enumerate(chosen):
            if what not in ("", "drop"):
                changed = set_terms(changed, row, what)
        changed = drop_grants(changed, [row for row, (what, _) in enumerate(chosen) if what == "drop"])
        for row in (None, *range(members)):
            extra = 0.0 if row is None else 2.0
            if cost + extra < best:
                try:
                    after = changed if row is None else drop_memberships(changed, [row])
                except Exception:  # a group that something names would be left empty
                    continue
                if not len(reach(after, QUESTION).broken()):
                    best = cost + extra
    return best


@pytest.mark.parametrize("grants", GRANTS)
def test_no_set_of_changes_is_cheaper_than_the_plan(grants: str) -> None:
    """A firm that changes more than it must loses the will to change at all."""
    estate = tiny(grants)
    plan = repair(estate, QUESTION)
    assert plan.proven and plan.verified and not plan.remaining
    assert plan.cost == plan.bound <= cheapest(estate) + 1e-9


@pytest.mark.parametrize("grants", GRANTS)
def test_every_floor_holds_once_the_plan_is_carried_out(grants: str) -> None:
    """A plan that leaves a way open is worse than none: it is believed."""
    estate = tiny(grants)
    changed, drops, leaves = estate, [], []
    for change in repair(estate, QUESTION).changes:
        if change.verb is Verb.TERMS:
            changed = set_terms(changed, change.row.row, change.terms)
        elif change.verb is Verb.DROP_GRANT:
            drops.append(change.row.row)
        else:
            leaves.append(change.row.row)
    changed = drop_memberships(drop_grants(changed, drops), leaves)
    assert not len(reach(changed, QUESTION).broken())


def test_a_refused_change_is_not_made() -> None:
    """Whoever cannot give up a right must be offered the next best, not the same again."""
    estate = tiny(GRANTS[0])
    first = repair(estate, QUESTION)
    assert [c.verb for c in first.changes] == [Verb.TERMS]
    second = repair(estate, QUESTION, [Refusal(verb=Verb.TERMS)])
    assert second.proven and all(c.verb is not Verb.TERMS for c in second.changes)
    assert second.cost > first.cost


def test_what_no_row_gives_remains_with_its_reason() -> None:
    """Machines in a state's hands are no matter of access rights; a plan that hid that would lie."""
    files = {
        "people.csv": PEOPLE.encode(),
        "groups.csv": GROUPS.encode(),
        "assets.csv": b"id,class,hosted_in\nx,content,CN\n",
        "estate.toml": SETTINGS.format(length=1).encode(),
    }
    plan = repair(parse(files).estate, QUESTION)
    assert not plan.changes and [p.reason.value for p in plan.remaining] == ["custody"]


def test_a_real_organisation_gets_a_plan(shared: Path) -> None:
    """4,345 broken pairs in one go; its only terms can be met by nobody, and the plan says so."""
    estate = read(str(shared / "estates" / "community")).estate
    plan = repair(estate, QUESTION)
    assert plan.proven and plan.verified and not plan.remaining and plan.changes
    assert [idle.terms for idle in plan.idle] == ["two-apart"]
