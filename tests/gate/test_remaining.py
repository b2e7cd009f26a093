"""How many quorums are left, counted against every set of people that there is."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest

from armslength.gate import MOST_QUORUMS, Decider, PersonId, Remaining, Way, shortfalls, ways
from tests.gate.estates import decider, with_policy
from tests.oracle.estates import random_case

ASKERS = 8


def brute(given: Decider, way: Way, present: frozenset[PersonId]) -> tuple[int, frozenset[str], int]:
    """The most quorums of one asker, who is in all of them, and how many could ask."""
    roster, rule = given.roster, given.roster.rule(way.terms)
    approvers = [roster.member(each, way.terms) for each in roster.approvers(way.terms) if each in present]
    most, needed, askers = 0, None, 0
    for name in way.people(given.estate.people.ids):
        if PersonId(name) not in present:
            continue
        askers += 1
        one = roster.member(PersonId(name), way.terms)
        found = [some for some in combinations(approvers, rule.approvals) if not shortfalls(rule, (one,), some)]
        most = max(most, len(found))
        for some in found:
            these = frozenset({name, *(each.person for each in some)})
            needed = these if needed is None else needed & these
    return most, needed or frozenset(), askers


@pytest.mark.parametrize("seed", range(150))
def test_what_remains_is_what_there_is(seed: int) -> None:
    """A firm that is told of a quorum that is none finds out on the day."""
    given = decider((with_policy if seed % 3 == 0 else random_case)(seed))
    ids = [PersonId(each) for each in given.estate.people.ids]
    chance = Random(seed)
    for share in (1.0, 0.7, 0.4):
        present = frozenset(each for each in ids if chance.random() < share)
        remaining, again = Remaining(given, present), Remaining(given, present)
        for way in ways(given):
            most, needed, askers = brute(given, way, present)
            found = remaining.of(way)
            assert (found.quorums > 0) == (most > 0) == again.any(way), (way, found, most)
            if found.more:
                assert found.quorums <= most
            elif askers <= ASKERS:
                assert found.quorums == min(most, MOST_QUORUMS), (way, found, most)
                assert frozenset(found.needed) == needed, (way, found, needed)


def test_less_is_never_more() -> None:
    """Somebody else gone brings nothing back."""
    for seed in range(20):
        given = decider(random_case(seed))
        ids = [PersonId(each) for each in given.estate.people.ids]
        for number in range(len(ids) + 1):
            some, fewer = Remaining(given, frozenset(ids[number:])), Remaining(given, frozenset(ids[number + 1 :]))
            for way in ways(given):
                assert fewer.any(way) <= some.any(way)
