"""Sketches: what they leave out is what nobody could fire, or a length would be told that is too great."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from random import Random

import numpy as np
import pytest

from armslength.reach import NOBODY
from armslength.reach.coalition import Coalitions
from armslength.reach.demands import Demand
from armslength.reach.links import Links, demands
from armslength.reach.rules import Rule
from armslength.reach.situation import Situations
from armslength.reach.sketches import Sketches
from tests.oracle.case import Case
from tests.oracle.crowds import crowded_case
from tests.oracle.weaves import woven_case
from tests.reach.test_chains import firm, length, quorum
from tests.reach.test_deputies import lengths
from tests.reach.test_landmarks import PEOPLE, asked

SEEDS = range(30)
CROWDS = range(16)
"""Estates answered twice."""
MOST = 2

People = tuple[int, ...]


def fires(coalitions: Coalitions, rule: Rule, people: People, fired: int) -> bool:
    """Whether these outsiders fire a rule of column 0 once the rules `fired` have."""
    given, held = coalitions.bundles.mask_of_rules(_numbers(fired)), coalitions.held(people)
    return coalitions.suffices(rule, 0, given if held is None else given | held, people, 0)


def chain(coalitions: Coalitions, people: People, usable: int) -> int:
    """All of the rules `usable` that they fire, one upon the other."""
    rules, fired = coalitions.ground.board.graph.rules, 0
    while True:
        fresh = [n for n in _numbers(usable & ~fired) if fires(coalitions, rules[n], people, fired)]
        if not fresh:
            return fired
        fired |= sum(1 << n for n in fresh)


def few(coalitions: Coalitions) -> Iterator[People]:
    outside = np.flatnonzero(coalitions.outside(0)).tolist()
    for size in range(MOST + 1):
        yield from combinations(outside, size)


def _numbers(rules: int) -> list[int]:
    return [n for n in range(rules.bit_length()) if rules >> n & 1]


@pytest.mark.parametrize("exact", [False, True])
def test_beside_a_rule_only_those_are_left_out_that_whoever_fires_it_does_not_fire(
    exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a rule that has to fire first would be missed."""
    kept = dropped = 0
    for seed in SEEDS:
        coalitions = asked(crowded_case(seed, PEOPLE), monkeypatch)
        rules, random = coalitions.ground.board.graph.rules, Random(seed)
        links = Links(coalitions, Situations(coalitions), {}, 0, MOST, lambda: None)
        powers = sum(1 << rule.number for rule in rules if rule.power)
        some = list(few(coalitions))
        for rule in random.sample(rules, min(4, len(rules))):
            usable = powers & ~(1 << rule.number)
            link = links.link(rule, links.sketches.sources(usable))
            reached = links.sketches.reached(demands((link,)), usable, exact) if link is not None else 0
            kept += reached.bit_count()
            dropped += (usable & ~reached).bit_count()
            for people in some:
                if fires(coalitions, rule, people, usable):
                    assert not chain(coalitions, people, usable) & ~reached, (seed, rule.number, people)
    assert min(kept, dropped) > len(SEEDS)


def test_a_sketch_demands_no_more_than_the_rule_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else people who fire it would be taken for too few, by counting or exactly."""
    told = 0
    for seed in SEEDS:
        coalitions = asked(crowded_case(seed, PEOPLE), monkeypatch)
        rules, sketches = coalitions.ground.board.graph.rules, Sketches(coalitions, 0, MOST)
        powers = sum(1 << rule.number for rule in rules if rule.power)
        for rule in Random(seed).sample(rules, min(4, len(rules))):
            for fired in (0, powers & ~(1 << rule.number)):
                given = sketches.sources(fired)
                both = sketches.counted(rule, given), sketches.exact(rule, given)
                for people in few(coalitions):
                    if not fires(coalitions, rule, people, fired):
                        continue
                    for sketch in both:
                        assert sketch is not None and sketch.fewest <= len(people)
                        short = coalitions.roster.short(sketch.demands, people)
                        assert short <= 0, (seed, rule.number, people)
                        told += len(sketch.demands)
                counted, exact = both
                assert exact is None or counted is not None and counted.fewest <= exact.fewest
    assert told > len(SEEDS)


def test_what_a_rule_demands_depends_on_what_is_held_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a rule that comes true would not help those asked about before."""

    def told(sketches: Sketches, rule: Rule, given: int) -> tuple[int, list[list[int]]] | None:
        sketch = sketches.counted(rule, given)
        if sketch is None:
            return None
        return sketch.fewest, [d.people.tolist() if d.people is not None else [] for d in sketch.demands]

    changed = 0
    for seed in SEEDS:
        coalitions = asked(crowded_case(seed, PEOPLE), monkeypatch)
        rules, sketches = coalitions.ground.board.graph.rules, Sketches(coalitions, 0, 3)
        powers = sum(1 << rule.number for rule in rules if rule.power)
        for rule in rules:
            masks = [sketches.sources(some & ~(1 << rule.number)) for some in (0, powers)]
            both = [told(sketches, rule, mask) for mask in masks]
            assert both == [told(Sketches(coalitions, 0, 3), rule, mask) for mask in masks]
            changed += both[0] != both[1]
    assert changed > len(SEEDS)


def ring(first: str) -> Case:
    """Two quorums each of which needs somebody whom the other brings, and a last one that needs both."""
    return firm(
        "x y h k",
        {"one": "h", "two": f"k {first}", "last": "h k"},
        ["person:r assume person:k a", "person:r assume person:h b", "person:r read asset:t c"],
        {"a": quorum(1, "one"), "b": quorum(1, "two"), "c": quorum(2, "last")},
        r="CN",
    )


@pytest.mark.parametrize(("first", "helps"), [("", 0), ("x", 2)])
def test_rules_that_only_help_each_other_help_nobody_until_one_can_be_the_first(
    first: str, helps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else searches would go on among them; or with x, who fires the one, the other would be missed."""
    case = ring(first)
    coalitions = asked(case, monkeypatch)
    column = next(c for c, one in enumerate(coalitions.ground.board.columns.each) if one.state >= 0)
    rules = coalitions.ground.board.graph.rules
    powers = sum(1 << rule.number for rule in rules if rule.power)
    sketches = Sketches(coalitions, column, 1)
    ids = coalitions.ground.board.graph.estate.people.ids
    outsiders = [i for i, person in enumerate(ids) if person not in ("h", "k") and coalitions.outside(column)[i]]
    neither = coalitions.roster.demand(np.array(outsiders, dtype=np.int32), 1)
    assert sketches.reached([neither], powers, exact=False).bit_count() == helps
    assert length(case) == 1


def test_what_nobody_could_fire_is_left_out_and_changes_no_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a search would be given up that finds somebody."""
    cases = [case for seed in CROWDS for case in (crowded_case(seed, 24), woven_case(seed))]
    mine = [lengths(case) for case in cases]
    left = 0
    reached = Sketches.reached

    def all_of_them(self: Sketches, some: Sequence[Demand], usable: int, exact: bool) -> int:
        nonlocal left
        left += usable != reached(self, some, usable, exact)
        return usable

    monkeypatch.setattr(Sketches, "reached", all_of_them)
    assert mine == [lengths(case) for case in cases]
    assert left > len(cases), "all could be fired: these crowds show nothing"
    assert {1, 2, 3, NOBODY} <= {n for some in mine for n in some}
