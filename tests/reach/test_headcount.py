"""What whoever joins can open, waive or bring is no longer asked of others.

Counting tells how many outsiders a quorum takes at the least, once another has fired. Here each of these who joins
brings more than one seat, so that a count of seats alone would tell too many and nobody would be looked for.
"""

from __future__ import annotations

from random import Random

import pytest

from armslength.reach.headcount import Headcount
from tests.oracle.crowds import crowded_case
from tests.reach.test_chains import firm, length, quorum
from tests.reach.test_landmarks import PEOPLE, asked

SEEDS = range(30)


def test_who_approves_in_the_first_quorum_may_waive_the_terms_of_the_last() -> None:
    """Else two would pass for one: with the terms in force, three approvers are missing."""
    case = firm(
        "x w h a b c",
        {"one": "x w", "board": "a b c"},
        ["person:r assume person:h first", "person:w amend terms:last", "person:h read asset:t last"],
        {"first": quorum(1, "one"), "last": quorum(3, "board")},
        r="CN",
    )
    assert length(case) == 1


def test_who_approves_in_the_first_quorum_may_open_the_approvers_of_the_last() -> None:
    """The same, where the board of the last quorum is opened to all who act by then."""
    case = firm(
        "x w h a b",
        {"one": "x w", "board": "a b"},
        ["person:r assume person:h first", "person:w enroll group:board", "person:h read asset:t last"],
        {"first": quorum(1, "one"), "last": quorum(2, "board")},
        r="CN",
    )
    assert length(case) == 1


def test_terms_that_a_quorum_inside_has_waived_ask_for_no_quorum() -> None:
    """Else two would pass for one: of the two who may ask where nobody needs to approve, one sits in the last board."""
    case = firm(
        "early shared z a b c",
        {"holders": "early shared", "far": "a b c", "board": "shared z"},
        [
            "person:r amend terms:eased own",
            "group:holders assume person:z eased",
            "person:r read asset:t last",
        ],
        {"own": {"approvals": 1, "approvers": "person:k"}, "eased": quorum(3, "far"), "last": quorum(2, "board")},
        r="CN",
        k="CN",
    )
    assert length(case) == 1


def test_a_source_that_brings_enough_alone_is_counted_as_all_whom_it_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would hang on what is looked at first how many outsiders a quorum is told to take."""
    for module in ("headcount", "inflow"):
        monkeypatch.setattr(f"armslength.reach.{module}.MANY", 2)
    ample = 0
    for seed in SEEDS:
        coalitions = asked(crowded_case(seed, PEOPLE), monkeypatch)
        bundles, quorums, random = coalitions.bundles, coalitions.quorums, Random(seed)
        rules = coalitions.ground.board.graph.rules
        powers = [rule.number for rule in rules if rule.power]
        ballots = [quorums.ballot(rule, quorums.mentioned(rule) if seed % 2 else frozenset()) for rule in rules]
        masks = [bundles.mask_of_rules(some) for some in (powers, random.sample(powers, len(powers) // 2))]
        ample += sum(bool(bundles.inflows.of(ballot.approvers).plentiful) for ballot in ballots)
        one = Headcount(coalitions.ground, bundles)
        counted = [one.short(ballot, mask) for ballot in ballots for mask in masks]
        # The other looks at all whom the sources bring.
        for ballot in ballots:
            for classes in (ballot.requesters, ballot.approvers):
                bundles.inflows.of(classes).plentiful = 0
        other = Headcount(coalitions.ground, bundles)
        assert counted == [other.short(ballot, mask) for ballot in ballots for mask in masks]
    assert ample > len(SEEDS), "no source brings many: these crowds show nothing"
