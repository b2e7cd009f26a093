"""The gate against reach: it never grants what reach does not derive, and on plain estates the two are equal.

Reach is asked twice over: its engine for lengths, and the oracle for what exactly these people could do together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import Kind
from armslength.gate import Decider, PersonId, Question, Quorum, Refused, Standing, Target, Why, judge
from armslength.reach import Exact, Length, reach
from armslength.reach import Question as ReachQuestion
from tests.gate.estates import decider, request, with_policy
from tests.gate.test_decision import questions
from tests.gate.test_judge import NOBODY
from tests.oracle.case import Case
from tests.oracle.derivation import Derivation
from tests.oracle.estates import AT, random_case
from tests.oracle.length import Asked
from tests.oracle.world import POWERS, Ref

NOWHERE = "AQ"
"""A state that reaches nobody and hosts nothing: what is derived for it, its accomplices do by themselves."""

seeds = st.integers(0, 1_000_000)


def granted(made: Decider, q: Question, approvers: list[PersonId]) -> frozenset[str] | None:
    """Whom the gate lets do it, with the approval of all of these: who asks and the quorum; None if it does not."""
    if isinstance(made.look(q), Standing):
        return frozenset({q.executor})
    found = judge(made, request(q), approvers, NOBODY)
    return frozenset({q.executor, *found.people()}) if isinstance(found, Quorum) else None


def derived(asked: Asked, together: frozenset[str], q: Question) -> bool:
    """Whether these people could have it by rules 1 to 7."""
    facts = Derivation(asked.world, asked.permits, NOWHERE, together, {*asked.actions, q.action})
    target: Ref = (q.resource.type, q.resource.id)
    match q.action, target:
        case "enroll", (_, name):
            return name in facts.enrolled
        case "amend", (_, name):
            return name in facts.waived
        case "assume", ("person", name):
            return name in facts.acting
        case "assume", (_, name):
            return facts._held_by(name) <= facts.acting
        case action, (_, name):
            return (action, name) in facts.can


def all_questions(made: Decider) -> Iterator[Question]:
    """Everybody's about every action that is no power, on every asset."""
    for person in made.estate.people.ids:
        for action in sorted({*made.estate.actions} - POWERS):
            for asset in made.estate.assets.ids:
                yield Question(
                    executor=PersonId(person),
                    asker=PersonId(person),
                    author=None,
                    action=action,
                    resource=Target(type="asset", id=asset),
                )


def gated(case: Case, random: Random) -> Case:
    """With keys that are the gate's only, here and there."""
    bodies = {
        name: {
            **body,
            **({"line": "apart"} if random.random() < 0.3 else {}),
            **({"uses": 1, "customer": "approve"} if random.random() < 0.3 else {}),
        }
        for name, body in case.settings.get("terms", {}).items()
    }
    managers = [row["id"] for row in case.rows("people")]
    rows = [{**row, "manager": random.choice(["", *managers[:place]])} for place, row in enumerate(case.rows("people"))]
    settings = {**case.settings, **({"terms": bodies} if bodies else {})}
    return replace(case, tables={**case.tables, "people": rows}, settings=settings)


@given(seeds)
def test_what_the_gate_grants_these_people_could_have_done(seed: int) -> None:
    """The gate would open a way that no report shows, and that no floor is held against."""
    random = Random(seed)
    case = gated(with_policy(seed), random)
    made, asked = decider(case), Asked(case, AT)
    everyone = [PersonId(name) for name in made.estate.people.ids]
    for q in questions(asked.world, random, 12):
        some = random.sample(everyone, random.randint(len(everyone) // 2, len(everyone)))
        together = granted(made, q, some)
        if together is not None:
            # Who asks for another adds themselves to those who act, never anything else.
            assert derived(asked, together, q) or (q.action == "assume" and q.resource.id == q.executor), (q, together)


@given(seeds)
def test_no_grant_takes_fewer_outsiders_than_the_length(seed: int) -> None:
    """A length of three would be printed, and two persuaded people be let through the gate."""
    random = Random(seed)
    case = gated(with_policy(seed), random)
    made = decider(case)
    everyone = [PersonId(name) for name in made.estate.people.ids]
    lengths = reach(made.estate, ReachQuestion(at=AT, cap=len(everyone), everything=True))
    known: dict[tuple[str, str], list[tuple[str, Length]]] = {}
    for one in lengths:
        key = made.estate.actions[one.action], made.estate.assets.ids[one.asset]
        known.setdefault(key, []).append((made.estate.states[one.state], one.length))
    for q in all_questions(made):
        together = granted(made, q, everyone) if (q.action, q.resource.id) in known else None
        if together is None:
            continue
        for state, length in known[q.action, q.resource.id]:
            outside = [p for p in together if state not in made.roster.states(made.roster.places[PersonId(p)])]
            assert isinstance(length, Exact) and length.length <= len(outside), (q, together, state, length)


def plain(seed: int) -> Case | None:
    """An estate on which the two must be equal: no powers, no condition on the context, nobody assumed or enrolled."""
    case = with_policy(seed) if seed % 3 else random_case(seed)
    powers = re.search("operate|enroll|assume|amend", case.policy)
    if powers or re.search(r"permit \([^;]*, action,", case.policy) or "context" in case.policy:
        return None
    grants = [row for row in case.rows("grants") if row["action"] not in POWERS]
    return replace(case, tables={**case.tables, "grants": grants})


@given(seeds)
def test_on_plain_estates_the_gate_grants_whatever_reach_derives(seed: int) -> None:
    """Reach would report a way that the gate closes, and the firm mend what is sound instead of what is not."""
    case = plain(seed)
    if case is None:
        return
    random = Random(seed)
    made, asked = decider(case), Asked(case, AT)
    everyone = [PersonId(name) for name in made.estate.people.ids]
    coalition = random.sample(everyone, random.randint(1, len(everyone)))
    by: dict[tuple[str, str], bool] = {}
    for q in all_questions(made):
        if q.executor not in coalition:
            continue
        look = made.look(q)
        if isinstance(look, Refused) and look.why is Why.ERROR:
            return
        key = q.action, q.resource.id
        # A standing grant is no lease, and reach counts it.
        place, target = made.roster.places[q.executor], made.entities.find(Kind.ASSET, q.resource.id)
        outside = target is not None and made.grants.standing(place, q.action, Kind.ASSET, target)
        by[key] = by.get(key, False) or outside or granted(made, q, coalition) is not None
    facts = Derivation(asked.world, asked.permits, NOWHERE, coalition, {*made.estate.actions} - POWERS)
    for (action, asset), granted_here in by.items():
        assert granted_here == ((action, asset) in facts.can), (action, asset, coalition)
