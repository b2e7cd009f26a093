"""Closures: only those rules are asked again to which something new matters."""

from __future__ import annotations

from functools import reduce
from operator import or_

import pytest

from armslength.reach.closure import Closures
from armslength.reach.coalition import Coalitions
from tests.oracle.crowds import crowded_case
from tests.reach.test_landmarks import PEOPLE, asked

SEEDS = range(60)


def made(coalitions: Coalitions) -> Closures:
    return Closures(coalitions.ground, coalitions.quorums, coalitions.bundles, coalitions._scenes, coalitions.traits)


def test_what_matters_to_a_rule_is_told_for_each_state_and_source_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a rule that comes true would not be seen, and a length be told that is too great: what a state has opened
    opens nothing more there."""
    differ = 0
    for seed in SEEDS:
        coalitions = asked(crowded_case(seed, PEOPLE), monkeypatch)
        powers = coalitions.powers
        every = reduce(or_, (1 << rule.number for rule in powers), 0)
        masks = [coalitions.bundles.mask_of_rules([rule.number]) for rule in powers]
        masks += [coalitions.held((person,)) for person in range(4)]
        columns, closures = range(len(coalitions.ground.board.columns)), made(coalitions)
        for mask in (mask for mask in masks if mask is not None):
            told = []
            # Some rules are asked about before the others.
            for column in columns:
                closures._touched(column, mask, every & 0x5555_5555_5555_5555)
                told.append(closures._touched(column, mask, every))
            assert told == [made(coalitions)._touched(column, mask, every) for column in columns]
            differ += len(set(told)) > 1
    assert differ, "in no state another rule was touched than elsewhere: these crowds show nothing"
