"""Who could approve, and what becomes impossible, against every set of people tried."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import combinations
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import Kind, Ref
from armslength.gate import (
    Candidates,
    Decider,
    Open,
    PersonId,
    Question,
    Quorum,
    Request,
    impossible,
    judge,
    shortfalls,
    who_could,
)
from tests.gate.estates import TRUST, decider, firm, question, request, with_policy
from tests.gate.test_decision import END, OLD, dated, questions
from tests.gate.test_judge import NOBODY, people
from tests.oracle.case import Case, Row
from tests.oracle.estates import AT
from tests.oracle.world import world


def everyone(made: Decider) -> frozenset[PersonId]:
    return frozenset(PersonId(name) for name in made.estate.people.ids)


def brute(
    made: Decider, asked: Request, there: Iterable[PersonId], available: Iterable[PersonId], barred: frozenset[str]
) -> tuple[int | None, set[PersonId]]:
    """How many approvals are missing at least, and everyone who is in some quorum without having approved."""
    look = made.look(question_of(asked))
    least: int | None = None
    useful: set[PersonId] = set()
    for passage in look.passages if isinstance(look, Open) else ():
        terms = passage.terms or ""
        rule = replace(made.roster.rule(terms), barred=barred)
        seat = [
            made.roster.member(name, terms)
            for name in dict.fromkeys((asked.executor, asked.asker, asked.author or asked.executor))
        ]
        for some in combinations(sorted({*there, *available}), rule.approvals):
            if not shortfalls(rule, seat, [made.roster.member(name, terms) for name in some]):
                missing = set(some) - set(there)
                least = len(missing) if least is None else min(least, len(missing))
                useful |= missing
    return least, useful


def question_of(asked: Request) -> Question:
    return question(
        asked.executor,
        asked.action,
        str(asked.resource),
        asker=asked.asker,
        author=asked.author,
        context=asked.context,
    )


def agrees(
    made: Decider, asked: Request, there: list[PersonId], available: frozenset[PersonId], barred: frozenset[str]
) -> Candidates:
    found = who_could(made, asked, there, available, barred=barred)
    least, useful = brute(made, asked, there, available, barred)
    assert found.complete
    assert set(found.people) == useful
    assert [*found.people] == sorted(found.people, key=lambda name: made.roster.places[name])
    assert bool(found.sets) == (least is not None)
    for some in found.sets:
        assert len(some) == least and set(some) <= available - set(there)
        assert isinstance(judge(made, asked, [*there, *some], NOBODY, barred=barred), Quorum)
    assert len(set(map(frozenset, found.sets))) == len(found.sets) <= 5
    return found


def small(seed: int) -> Case:
    """A firm of alike people, in few places, with every key that terms can have."""
    random = Random(seed)
    states = random.sample(("US", "IE", "SG", "CN", ""), 3)
    names = "abcdefghijkl"[: random.randint(5, 12)]
    cells = {
        name: {
            "workplace": random.choice(states),
            "unit": random.choice(("u1", "u2", "u3", "u4", "")),
            "shift": random.choice(("day", "night")),
            "manager": random.choice(["", *names[:place][-3:]]),
        }
        for place, name in enumerate(names)
    }
    approvals = random.randint(1, 4)
    body: dict[str, Any] = {
        "approvals": approvals,
        "approvers": random.choice(("everyone", "group:board")),
        "apart": random.randint(0, approvals + 1),
        "distinct": random.choice(([], [], ["unit"], ["shift"], ["unit", "shift"])),
    }
    if random.random() < 0.4:
        body["line"] = "apart"
    if random.random() < 0.4:
        body["from"] = [
            {"of": random.choice(("group:legal", f"person:{names[0]}")), "count": random.randint(1, 2)}
            for _ in range(random.randint(1, 2))
        ]
    board = random.sample(names, random.randint(3, len(names)))
    groups = {"board": " ".join(board), "legal": " ".join(random.sample(names, 3))}
    settings = {"home": [next(filter(None, states))]} if random.random() < 0.3 else {}
    return firm(
        grants=["everyone end asset:meetings-us r"], people=cells, groups=groups, terms={"r": body}, settings=settings
    )


@given(st.integers(0, 1_000_000))
def test_candidates_are_those_of_every_set_tried(seed: int) -> None:
    """Somebody would be sent to people who cannot help, or a request refused that could be approved."""
    made, random = decider(small(seed)), Random(seed)
    every = sorted(everyone(made))
    for _ in range(3):
        q = question(random.choice(every), asker=random.choice(every), author=random.choice([None, *every]))
        there = random.sample(every, random.choice((0, 0, 1, 2, 3)))
        available = frozenset(random.sample(every, random.randint(0, len(every))))
        barred = frozenset(random.sample(["CN", "US", "IE"], random.choice((0, 0, 0, 1))))
        agrees(made, request(q), there, available, barred)


@given(st.integers(0, 1_000_000))
def test_candidates_hold_on_estates_of_the_oracle(seed: int) -> None:
    """As above, with several ways in, travel, blocs and nested groups."""
    case, random = with_policy(seed), Random(seed)
    made = decider(case)
    every = sorted(everyone(made))
    for q in questions(world(case, AT), random, 4):
        there = random.sample(every, random.choice((0, 0, 1, 2)))
        agrees(made, request(q), there, frozenset(every), frozenset())


def test_the_manager_of_who_asks_is_told_apart_from_people_like_them() -> None:
    """An approver would be named whose approval does not count, since somebody like them could give it."""
    terms = {"line": {"approvals": 1, "approvers": "group:trust", "line": "apart"}}
    cells = {"workplace": "IE", "unit": "safety"}
    people_ = {"bo": {"workplace": "US", "manager": "gus"}, "di": cells, "gus": cells}
    made = decider(firm(grants=["group:ops end asset:meetings-us line"], people=people_, terms=terms))
    found = agrees(made, request(question("bo")), [], everyone(made), frozenset())
    assert set(found.people) == set(people("cy di ed fay"))


def test_a_barred_home_state_tells_people_apart() -> None:
    """As above, for those whom the home state reaches and a change would give more."""
    cells = {"cy": {"unit": "us"}, "fay": {"workplace": "US", "unit": "us"}}
    made = decider(firm(END.replace("ops", "liaison"), people=cells, settings={"home": ["US"]}))
    found = agrees(made, request(question("ana")), [], everyone(made), frozenset({"US"}))
    assert set(found.people) == set(people("cy di ed gus"))


def test_the_smallest_sets_are_named() -> None:
    """People who cannot get an approval learn at once who could give it."""
    made = decider(firm(END))
    found = agrees(made, request(question("bo")), people("cy"), everyone(made), frozenset())
    # Cy and Bo are both in the reach of the US, so Cy's approval helps nobody here.
    assert set(map(frozenset, found.sets)) == {frozenset(people("di ed")), frozenset(people("ed gus"))}
    assert set(found.people) >= set(people("di ed gus"))


def test_nobody_could_is_told_apart_from_not_found_in_time() -> None:
    """A request would be refused for ever because a search was cut."""
    made = decider(firm(END))
    nobody = who_could(made, request(question("bo")), [], frozenset(people("cy fay")))
    assert (nobody.sets, nobody.people, nobody.complete) == ((), (), True)
    cut = who_could(made, request(question("bo")), [], everyone(made), steps=1)
    assert (cut.sets, cut.people, cut.complete) == ((), (), False)


def test_a_quorum_that_is_there_needs_nobody() -> None:
    """People would be asked for approvals that change nothing."""
    made = decider(firm(END))
    assert who_could(made, request(question("bo")), people("di ed"), everyone(made)).sets == ((),)


def test_who_is_known_from_long_ago_is_not_named() -> None:
    """Somebody would be sent to a person whose approval does not count."""
    made = decider(dated(firm(END), "people", {"di": OLD}), limit=30)
    found = who_could(made, request(question("bo")), [], everyone(made))
    assert set(found.people) == set(people("ed gus"))


def test_customers_who_must_be_named_leave_nobody_to_approve() -> None:
    """Approvers would be asked for something that no approval can make a lease of."""
    made = decider(firm(END, terms={"two-apart": {**TRUST, "customer": "approve", "customers": 5}}))
    assert who_could(made, request(question("bo")), [], everyone(made)).sets == ()
    assert who_could(made, request(question("bo"), ["acme"]), [], everyone(made)).sets


@pytest.mark.parametrize(
    ("body", "useful"),
    [
        # With one seat for each state, nobody whom the US reaches can sit beside Bo.
        ({"approvals": 3, "apart": 3, "distinct": ["unit"]}, lambda cells: "US" not in cells.values()),
        ({"approvals": 4, "apart": 5}, lambda cells: False),
        ({"approvals": 3, "apart": 3, "line": "apart"}, lambda cells: "US" not in cells.values()),
        ({"approvals": 4, "apart": 3, "distinct": ["unit", "desk"]}, lambda cells: True),
        (
            {"approvals": 3, "apart": 2, "distinct": ["unit"], "from": [{"of": "group:legal", "count": 2}]},
            lambda cells: True,
        ),
    ],
)
def test_five_thousand_approvers_are_searched_whole(body: dict[str, Any], useful: Callable[[Row], bool]) -> None:
    """In a large firm the search would be cut, and who could approve be left out."""
    random = Random(5)
    names = [f"p{n}" for n in range(5000)]
    cells = {
        name: {
            "workplace": random.choice(("US", "IE", "SG", "CN", "DE", "FR", "IN", "BR", "JP", "GB")),
            "residence": random.choice(("", "", "US", "IE", "CA", "MX", "PL")),
            "unit": f"u{random.randrange(400)}",
            "desk": f"d{n % 977}",
            "manager": names[n // 9] if n else "",
        }
        for n, name in enumerate(names)
    }
    groups = {"board": " ".join(names), "legal": " ".join(random.sample(names, 40))}
    made = decider(
        firm(
            grants=["person:bo end asset:meetings-us r"],
            people={**cells, "bo": {"workplace": "US", "unit": "ops", "desk": "ops"}},
            groups=groups,
            terms={"r": {"approvers": "group:board", **body}},
        )
    )
    made.roster.bench("r")
    start = time.process_time()
    found = who_could(made, request(question("bo")), [], everyone(made))
    spent = time.process_time() - start
    assert found.complete
    assert [*found.people] == [name for name in names if useful(cells[name])]
    assert bool(found.sets) is bool(found.people)
    assert spent < 20


# --- with some people away ----------------------------------------------------------------------------------------


def possible(made: Decider, terms: str, holders: Iterable[PersonId], present: frozenset[PersonId]) -> bool:
    rule = made.roster.rule(terms)
    members = {name: made.roster.member(name, terms) for name in present}
    return any(
        not shortfalls(rule, [members[who]], some)
        for who in holders
        if who in present
        for some in combinations(members.values(), rule.approvals)
    )


@given(st.integers(0, 1_000_000))
def test_what_becomes_impossible_is_named(seed: int) -> None:
    """Keys that are lost with their owners would lock everybody out, after a change that nobody stopped."""
    random, case = Random(seed), small(seed)
    grants = [
        {"holder": holder, "action": action, "target": "asset:meetings-us", "terms": random.choice(("r", "two-apart"))}
        for holder, action in (
            ("group:legal", "one"),
            ("group:board", "two"),
            ("person:b", "three"),
            ("everyone", "four"),
        )
    ]
    made = decider(replace(case, tables={**case.tables, "grants": grants}))
    every = sorted(everyone(made))
    away = frozenset(random.sample(every, random.randint(0, 6)))
    here = frozenset(every) - away
    holders = {
        "one": [n for n in every if made.roster.belongs(made.roster.places[n], _group(made, "legal"))],
        "two": [n for n in every if made.roster.belongs(made.roster.places[n], _group(made, "board"))],
        "three": people("b"),
        "four": every,
    }
    expected = {
        (row["action"], "asset:meetings-us", row["terms"])
        for row in grants
        if not possible(made, row["terms"], holders[row["action"]], here)
        and possible(made, row["terms"], holders[row["action"]], frozenset(every))
    }
    assert {(one.action, one.target, one.terms) for one in impossible(made, here, away)} == expected


def _group(made: Decider, name: str) -> Ref:
    return Ref(kind=Kind.GROUP, index=made.estate.groups.ids.index(name))


def test_requesters_are_told_apart_by_their_values() -> None:
    """The one person who could still ask would be taken for another who could not."""
    cells = {"x": {"workplace": "US", "unit": "trust ie"}, "y": {"workplace": "US", "unit": "field"}}
    made = decider(
        firm(
            grants=["group:field end asset:meetings-us two"],
            people=cells,
            groups={"field": "x y"},
            terms={"two": {"approvals": 3, "approvers": "group:trust", "distinct": ["unit"], "apart": 2}},
            settings={"home": ["US"]},
        )
    )
    here = everyone(made) - set(people("cy gus"))
    assert impossible(made, here, frozenset()) == ()
    assert [one.action for one in impossible(made, here, frozenset(people("y")))] == ["end"]
    assert impossible(made, here, frozenset(people("x"))) == ()


def test_a_permit_becomes_impossible_too() -> None:
    """Policy is where most of the terms stand."""
    made = decider(firm(END))
    all_ = everyone(made)
    away = frozenset(people("di ed gus"))
    assert impossible(made, all_ - away, away)[0].action == "end"
    assert impossible(made, all_ - away, away)[0].target == "asset:meetings-us"
    assert impossible(made, all_ - frozenset(people("bo")), frozenset(people("bo")))
    assert impossible(made, all_ - frozenset(people("ana cy")), frozenset(people("ana cy"))) == ()
    assert impossible(made, all_, frozenset()) == ()
