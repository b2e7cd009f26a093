"""Links: which of them say all that others say."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from armslength.reach.links import Link, Links, together
from armslength.reach.situation import Situations
from tests.oracle.crowds import crowded_case
from tests.oracle.weaves import woven_case
from tests.reach.test_deputies import lengths
from tests.reach.test_landmarks import PEOPLE, asked

SEEDS = range(30)
WOVEN = (895, 1125, 1747, 1748)
"""Each of these asks for the same rule twice, once harder than before."""


def test_of_two_links_of_a_rule_the_harder_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a search would go on with those who serve the easier one, without an end or past the right ones."""
    kept = 0
    for seed in SEEDS:
        coalitions = asked(crowded_case(seed, PEOPLE), monkeypatch)
        rules = coalitions.ground.board.graph.rules
        powers = [rule.number for rule in rules if rule.power]
        links = Links(coalitions, Situations(coalitions), {}, 0, 3, lambda: None)
        outside = np.flatnonzero(coalitions.outside(0)).tolist()
        found: list[Link] = []
        for rule in rules:
            for fired in ([], powers[::2], powers):
                link = links.link(rule, links.sketches.sources(sum(1 << n for n in fired if n != rule.number)))
                if link is not None and link not in found:
                    found.append(link)
        for one, other in combinations(found, 2):
            harder, easier = (one, other) if one.implies(other) else (other, one)
            if not harder.implies(easier):
                assert together((one,), other) == (one, other)
                continue
            kept += 1
            assert not easier.implies(harder)
            assert harder.rule is easier.rule and harder.need >= easier.need
            assert together((easier,), harder) == together((harder,), easier) == (harder,)
            for people in combinations(outside, min(2, len(outside))):
                held = coalitions.held(people)
                serves = [
                    coalitions.suffices(link.rule, 0, link.given if held is None else link.given | held, people, 0)
                    for link in (harder, easier)
                ]
                assert serves != [True, False]
    assert kept > len(SEEDS)


def test_a_link_says_all_that_it_says_itself_and_nothing_of_another_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a rule that has to fire would be forgotten."""
    coalitions = asked(crowded_case(0, PEOPLE), monkeypatch)
    links = Links(coalitions, Situations(coalitions), {}, 0, 3, lambda: None)
    some = [links.link(rule, 0) for rule in coalitions.ground.board.graph.rules]
    for one, other in combinations([link for link in some if link is not None], 2):
        assert one.implies(one) and not one.implies(other) and not other.implies(one)
        assert together((one,), one) == (one,)
        assert together((one,), other) == (one, other)


def test_links_that_say_more_than_others_change_no_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what was left out with the easier one was still needed."""
    cases = [*(crowded_case(seed, PEOPLE) for seed in SEEDS), *(woven_case(seed) for seed in WOVEN)]
    mine = [lengths(case) for case in cases]
    implied = 0
    implies = Link.implies

    def alone(self: Link, other: Link) -> bool:
        nonlocal implied
        implied += self is not other and implies(self, other)
        return self is other

    monkeypatch.setattr(Link, "implies", alone)
    assert mine == [lengths(case) for case in cases]
    assert implied, "no link said more than another: these estates show nothing"
