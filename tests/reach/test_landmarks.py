"""Landmarks: of each, any coalition has one, or it would serve nobody to ask for them."""

from __future__ import annotations

from itertools import combinations
from random import Random
from typing import Any

import numpy as np
import pytest

from armslength.estate import parse
from armslength.reach import NOBODY
from armslength.reach.coalition import Coalitions
from armslength.reach.columns import Words
from armslength.reach.landmarks import Landmarks
from tests.oracle.case import Case
from tests.oracle.crowds import crowded_case
from tests.reach.test_chains import firm, length, quorum
from tests.reach.test_deputies import desks, lengths

PEOPLE = 12
RULES = 8
SEEDS = range(40)
"""Estates whose landmarks are looked at one by one."""
CROWDS = range(16)
"""Estates answered twice."""


class Recorded(Coalitions):
    """Those of the last question, to ask more of them."""

    last: Coalitions

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        Recorded.last = self


def asked(case: Case, monkeypatch: pytest.MonkeyPatch) -> Coalitions:
    with monkeypatch.context() as patch:
        patch.setattr("armslength.reach.levels.Coalitions", Recorded)
        lengths(case)
    return Recorded.last


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_fires_a_rule_has_one_in_each_of_its_landmarks(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a coalition would be taken for impossible, and a length told that is too great."""
    random = Random(seed)
    coalitions = asked(desks(random) if seed % 3 == 0 else crowded_case(seed, PEOPLE), monkeypatch)
    ground, bundles = coalitions.ground, coalitions.bundles
    rules = ground.board.graph.rules
    powers = [rule.number for rule in rules if rule.power]
    for rule in random.sample(rules, min(len(rules), RULES)):
        for column in random.sample(range(len(ground.board.columns)), min(2, len(ground.board.columns))):
            outside = np.flatnonzero(coalitions.outside(column)).tolist()
            for fired in ([], powers, random.sample(powers, len(powers) // 2)):
                given = bundles.mask_of_rules([n for n in fired if n != rule.number])
                landmarks = [set(one.tolist()) for one in coalitions.landmarks(rule, column, given)]
                assert all(one <= set(outside) for one in landmarks)
                for people in combinations(outside, min(len(outside), 2)) if landmarks else ():
                    held = coalitions.held(people)
                    with_them = given if held is None else given | held
                    if not all(one & set(people) for one in landmarks):
                        assert not coalitions.suffices(rule, column, with_them, people, 0), (seed, rule.number, people)


def test_landmarks_are_asked_for_and_not_of_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what holds for all of them would hold for nothing."""
    found = []
    for seed in SEEDS:
        coalitions = asked(crowded_case(seed, PEOPLE), monkeypatch)
        for rule in coalitions.ground.board.graph.rules:
            some = coalitions.landmarks(rule, 0, coalitions.none)
            found += [len(one) / coalitions.outside(0).sum() for one in some if coalitions.outside(0).any()]
    assert sum(share < 0.5 for share in found) > len(found) // 2 > SEEDS.stop


def test_who_waives_the_terms_need_not_bring_approvers() -> None:
    """Else one would pass for two: of two who may waive the last terms, one also approves in the first quorum."""
    case = firm(
        "x w both a b holder",
        {"one": "x both", "waivers": "w both", "two": "a b"},
        ["person:r assume person:holder first", "group:waivers amend terms:last", "person:holder read asset:t last"],
        {"first": quorum(1, "one"), "last": quorum(2, "two")},
        r="CN",
    )
    assert length(case) == 1


def test_where_a_state_waives_the_terms_nobody_need_approve() -> None:
    """Else one would pass for two: the second rule asks for somebody who holds it, and for no approver."""
    case = firm(
        "x p both a h1 h2",
        {"one": "x both", "holders": "p both", "nobody": "a", "end": "h1"},
        [
            "person:r amend terms:second",
            "person:r assume person:h1 first",
            "group:holders assume person:h2 second",
            "person:h2 read asset:t last",
        ],
        {"first": quorum(1, "one"), "second": quorum(1, "nobody"), "last": quorum(1, "end")},
        r="CN",
    )
    assert length(case) == 1


def test_who_may_ask_and_approve_is_looked_for_in_both_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else, where the same people ask and approve, who waives the terms would be left out once one of them asks."""
    case = firm(
        "x w a b c",
        {"one": "x", "two": "a b c"},
        ["person:r assume person:a first", "person:w amend terms:last", "group:two read asset:t last"],
        {"first": quorum(1, "one"), "last": quorum(2, "two")},
        r="CN",
    )
    coalitions = asked(case, monkeypatch)
    (first,) = (rule for rule in coalitions.ground.board.graph.rules if rule.power)
    (last,) = (rule for rule in coalitions.ground.board.graph.rules if not rule.power)
    names = parse(case.files()).estate.people.ids

    def landmarks(given: Words) -> list[set[str]]:
        return [{names[p] for p in one.tolist()} for one in coalitions.landmarks(last, 0, given)]

    assert landmarks(coalitions.none) == [set("abc"), set("abcw")]
    assert landmarks(coalitions.bundles.mask_of_rules([first.number])) == [set("abcw")]


def test_those_who_approve_are_not_those_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else, where nobody can bring either, one state's landmark would be told for another's."""
    case = firm(
        "a b",
        {"one": "h", "two": "a b"},
        ["group:one read asset:t last"],
        {"last": quorum(1, "two")},
        h="CN",
        other="DE",
    )
    coalitions = asked(case, monkeypatch)
    (last,) = coalitions.ground.board.graph.rules
    names = parse(case.files()).estate.people.ids
    found = [
        [{names[p] for p in one.tolist()} for one in coalitions.landmarks(last, column, coalitions.none)]
        for column in (1, 0)
    ]
    assert found == [[{"h"}, {"a", "b"}], [{"a", "b"}]]


def test_who_fills_a_place_is_looked_for_until_enough_act(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else, where nobody compelled fills a place, pairs would be tried of whom neither does; and where one of two
    does, the other would not be asked for."""
    place = {"of": "group:legal", "count": 2}
    case = firm(
        "a b desk l1 l2",
        {"board": "a b c l1 l2 l3", "legal": "l1 l2 l3", "lawyer": "l2"},
        ["person:r read asset:t last", "person:desk assume group:lawyer"],
        {"last": {"approvals": 3, "approvers": "group:board", "from": [place]}},
        r="CN",
        c="CN",
        l3="DE",
    )
    coalitions = asked(case, monkeypatch)
    (last,) = coalitions.ground.board.graph.rules
    names = parse(case.files()).estate.people.ids
    found = [
        [{names[p] for p in one.tolist()} for one in coalitions.landmarks(last, column, coalitions.none)]
        for column in range(2)
    ]
    board = {"a", "b", "desk", "l1", "l2"}
    assert found == [
        [board | {"l3"}, {"desk", "l1", "l2", "l3"}],
        [{"r"}, board | {"c"}, {"desk", "l1", "l2"}],
    ]
    assert length(case, "CN") == 2


def test_who_waives_the_terms_need_not_fill_a_place() -> None:
    """Else one would pass for two: w approves in the first quorum and waives the last terms, whose place w cannot
    fill."""
    place = {"of": "group:place", "count": 1}
    case = firm(
        "x w p holder",
        {"one": "x w", "board": "k p", "place": "p"},
        ["person:r assume person:holder first", "person:w amend terms:last", "person:holder read asset:t last"],
        {"first": quorum(1, "one"), "last": quorum(1, "board", **{"from": [place]})},
        r="CN",
        k="CN",
    )
    assert length(case) == 1


def test_each_place_is_looked_for_as_often_as_it_is_asked_for_itself() -> None:
    """Else one would pass for two: of the place that is asked for once, one who is compelled is enough."""
    places = [{"of": "group:twice", "count": 2}, {"of": "group:once", "count": 1}]
    case = firm(
        "x a b holder",
        {"one": "x a", "twice": "a i", "once": "b j", "board": "a b i j"},
        ["person:r assume person:holder first", "person:holder read asset:t last"],
        {"first": quorum(1, "one"), "last": quorum(3, "board", **{"from": places})},
        r="CN",
        i="CN",
        j="CN",
    )
    assert length(case) == 1


def test_landmarks_change_no_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a few would be given up who serve all that must fire."""
    mine = {seed: lengths(crowded_case(seed, 2 * PEOPLE)) for seed in CROWDS}
    monkeypatch.setattr(Landmarks, "of", lambda *_: ())
    assert mine == {seed: lengths(crowded_case(seed, 2 * PEOPLE)) for seed in CROWDS}
    assert {1, 2, 3, NOBODY} <= {n for some in mine.values() for n in some}
