"""Where policies are asked about people who changed only, an answer that takes over is the answer from scratch."""

from __future__ import annotations

from random import Random

import pytest

from armslength.estate import parse
from armslength.reach import reach, solution
from tests.oracle.case import Case
from tests.oracle.estates import random_case
from tests.oracle.tangles import tangled_case
from tests.reach.asset_policies import with_policies
from tests.reach.takeovers import differ, edited, faults, moves
from tests.reach.test_takeover import asked


def firm(seed: int, random: Random) -> Case:
    return with_policies((random_case if seed % 2 else tangled_case)(seed), random)


@pytest.mark.parametrize("first", range(0, 120, 30))
def test_what_a_policy_gives_is_what_a_reading_of_all_gives(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most random policies name somebody, so that all is read again."""
    again = []

    def counted(*told: object) -> object:
        again.append(1)
        return permits_again(*told)  # type: ignore[arg-type]

    permits_again = solution.permits_again
    monkeypatch.setattr(solution, "permits_again", counted)
    for seed in range(first, first + 30):
        random = Random(seed)
        estate = parse(firm(seed, random).files()).estate
        question = asked(seed, random)
        assert list(moves(estate, question, random, steps=3)) == [], seed
        assert list(faults(estate, question, random, edits=3, witnesses=3)) == [], seed
    assert len(again) > 10


def test_where_too_much_was_asked_all_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts as open for want of asking would else hang on what was asked before."""
    monkeypatch.setattr("armslength.reach.permit_view.QUESTIONS", 3)
    monkeypatch.setattr("armslength.reach.permit_spent.QUESTIONS", 3)
    for seed in range(1, 100, 2):
        random = Random(seed)
        estate, question = parse(firm(seed, random).files()).estate, asked(seed, random)
        before = reach(estate, question)
        for kind in ("leaver", "travel", "leaver"):
            estate = edited(estate, kind, random, question) or estate
            taken, whole = reach(estate, question, before=before), reach(estate, question)
            # The checker asks everything.
            assert list(differ(taken, whole, random, 0)) == [], seed
            before = taken
