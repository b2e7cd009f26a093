"""What a permit's being open rests on: the groups that it and the forbids can see, and no others."""

from __future__ import annotations

import datetime as dt

from armslength.estate import Estate, parse
from armslength.reach import Question, repair
from armslength.reach.membership import Membership
from armslength.reach.repair_sight import Sights

QUESTION = Question(at=dt.date(2026, 11, 22))
OTHERS = tuple(f"g{number}" for number in range(8))

POLICY = """
@id("kept") permit (principal in Group::"ops", action == Action::"read", resource in Class::"content");
@id("shut") forbid (principal in Group::"leavers", action, resource) when { principal in Group::"trial" };
"""


def estate(policy: str = POLICY, groups: str = "") -> Estate:
    """Ana of CN is in ops and in eight groups that only other permits name; dropping her from ops is dear."""
    members = "ops,person:ana\nops,person:bo\nleavers,person:bo\ntrial,person:bo\n" + groups
    policies = policy
    for name in OTHERS:
        members += f"{name},person:ana\n{name},person:bo\n"
        policies += f'@id("{name}") permit (principal in Group::"{name}", action, resource in Class::"plain");\n'
    files = {
        "people.csv": "id,workplace\nana,CN\nbo,US\n",
        "groups.csv": f"group,member\n{members}",
        "assets.csv": "id,class\nx,content\ny,plain\n",
        "policy.cedar": policies,
        "estate.toml": """
name = "Sight"
[costs]
"drop_membership group:ops" = 7
[[floor]]
action = "read"
target = "class:content"
length = 1
against = ["CN"]
""",
    }
    return parse({name: text.encode() for name, text in files.items()}).estate


def test_a_permit_is_seen_apart_from_other_permits() -> None:
    """A condition that any group could meet says next to nothing: a repair of a firm with many policies never ends."""
    made = estate()
    sights = Sights(made, Membership(made))
    number = {name: g for g, name in enumerate(made.groups.ids)}
    seen = sights.asking("kept")
    assert seen.helps == {number["ops"], number["trial"]}
    assert seen.hinders == {number["leavers"], number["trial"]}
    assert number["g0"] in sights.asking("g0").helps


def test_a_repair_does_not_try_every_group_of_a_person() -> None:
    """As above: each set of groups that may be dropped instead would be a round of its own."""
    plan = repair(estate(), QUESTION)
    assert plan.proven and plan.verified and plan.cost == 7
    assert plan.rounds <= 3


def test_a_forbid_by_group_counts_as_long_as_somebody_is_in_it() -> None:
    """A membership dropped elsewhere would open what a forbid had closed, and nobody would look."""
    forbidden = POLICY + '@id("no") forbid (principal in Group::"barred", action, resource);\n'
    for members, cost in (("barred,person:ana\nbarred,person:bo\n", 0), ("barred,person:bo\n", 7)):
        plan = repair(estate(forbidden, members), QUESTION)
        assert plan.proven and plan.verified and plan.cost == cost
