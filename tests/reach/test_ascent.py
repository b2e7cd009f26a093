"""Columns climbed in two halves, each by itself, and what the two say together."""

from __future__ import annotations

import numpy as np
import pytest

from armslength.estate import parse
from armslength.reach import Half, Part, Question, reach
from armslength.reach.columns import Column, Columns, has, moved
from tests.oracle.comparison import differences
from tests.oracle.estates import AT, random_case

SEEDS = range(150)


class Meanwhile:
    """Climbs at once what it is given, if it `can`."""

    def __init__(self, can: bool = True) -> None:
        self.can, self.asked = can, list[str]()

    def ready(self) -> None:
        self.asked.append("ready")

    def climb(self, half: Half) -> Meanwhile.Waiting:
        self.asked.append("climb")
        return Meanwhile.Waiting(half.climb(lambda: False) if self.can else None)

    class Waiting:
        def __init__(self, part: Part | None) -> None:
            self.part = part

        def __call__(self) -> Part | None:
            return self.part


@pytest.fixture
def halves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armslength.reach.ascent.LARGE", 0)


@pytest.mark.usefixtures("halves")
def test_lengths_climbed_in_halves_are_those_of_the_definition() -> None:
    assert not [(seed, found) for seed in SEEDS if (found := differences(random_case(seed)))]


@pytest.mark.usefixtures("halves")
@pytest.mark.parametrize("can", [True, False])
def test_with_another_process_the_whole_answer_is_the_same_as_without(can: bool) -> None:
    """With the same accomplices too, whether it did its share or failed."""
    for seed in SEEDS[:60]:
        estate = parse(random_case(seed).files()).estate
        question = Question(at=AT, cap=3, everything=True)
        beside = Meanwhile(can)
        alone, together = reach(estate, question), reach(estate, question, beside=beside)
        assert list(alone) == list(together)
        several = len(set(alone.state.tolist())) > 1
        assert beside.asked[:2] == (["ready", "climb"] if several else [])


@pytest.mark.usefixtures("halves")
def test_what_was_climbed_in_halves_is_explained_and_taken_over() -> None:
    for seed in SEEDS[:60]:
        estate = parse(random_case(seed).files()).estate
        question = Question(at=AT, cap=3, everything=True)
        found = reach(estate, question)
        again = reach(parse(random_case(seed).files()).estate, question, before=found)
        assert np.array_equal(found.at_most, again.at_most) and np.array_equal(found.at_least, again.at_least)


@pytest.mark.parametrize("count", [2, 63, 64, 65, 130])
def test_columns_that_are_taken_apart_and_put_together_are_as_they_were(count: int) -> None:
    """Also where they are more than a word."""
    words = np.random.default_rng(count).integers(0, 1 << 63, (-(-count // 64), 50), dtype=np.uint64)
    words &= Columns(tuple(Column(state=s) for s in range(count))).full()[:, None]
    again = np.zeros_like(words)
    for half in (range(0, count, 2), range(1, count, 2)):
        part = moved(words, zip(half, range(len(half)), strict=True), -(-len(half) // 64))
        for i, c in enumerate(half):
            assert np.array_equal(has(part, i), has(words, c))
        again |= moved(part, enumerate(half), len(words))
    assert np.array_equal(again, words)


def test_a_small_estate_wakes_nobody() -> None:
    beside = Meanwhile()
    reach(parse(random_case(1).files()).estate, Question(at=AT, cap=3, everything=True), beside=beside)
    assert not beside.asked
