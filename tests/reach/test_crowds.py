"""The engine against the definition where people are many and alike, so that its shortcuts take part.

`ARMSLENGTH_RANDOM_CROWDS` says how many crowds (120 if unset).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from random import Random

import pytest

from armslength.estate import parse
from armslength.reach import NOBODY, Question, reach
from tests.oracle.case import Case
from tests.oracle.crowds import crowded_case
from tests.oracle.estates import AT
from tests.oracle.kinds import CountedAsked
from tests.oracle.length import Answer, Pair, answers

SEEDS = int(os.environ.get("ARMSLENGTH_RANDOM_CROWDS", "120"))
AT_ONCE = 20
PEOPLE = 20
LIMITS = {
    "MANY": ("coalition", "headcount", "inflow", "situation", "sorting"),
    "WIDTH": ("demands", "links"),
    "LARGE": ("demands", "ascent"),
    "WIDE": ("traits",),
    "PAIRS": ("sorting",),
    "FEW": ("bundles", "ballot", "classes"),
    "UNDER": ("classes",),
    "SPARSE": ("bundles",),
    "SPARE": ("ballot", "scene"),
    "BROUGHT": ("inflow",),
    "COUNTS": ("headcount",),
    "SHORT": ("headcount",),
    "SCENES": ("scene",),
    "KEPT": ("traits", "demands"),
    "KEPT_PEOPLE": ("demands",),
    "BARES": ("traits",),
}
"""What the engine compares or keeps at the most, and the modules that look at it."""


def differences(case: Case, asked: CountedAsked, expected: dict[Pair, Answer]) -> Iterator[str]:
    """Where a length, a gap or the accomplices are not those of the definition."""
    estate = parse(case.files()).estate
    found = reach(estate, Question(at=AT, cap=3, everything=True))
    for i in range(len(found)):
        told = found.result(i)
        pair = estate.states[told.state], estate.actions[told.action], estate.assets.ids[told.asset]
        bounds = [None if n == NOBODY else int(n) for n in (found.at_least[i], found.at_most[i])]
        gaps = tuple((frozenset(estate.groups.ids[g] for g in gap.groups), gap.length) for gap in told.gaps)
        if bounds != [expected[pair].length] * 2 or gaps != expected[pair].gaps:
            yield f"{pair}: {bounds}, {gaps}, expected {expected[pair]}"
        elif told.accomplices:
            people = [estate.people.ids[p] for p in told.accomplices]
            if len(set(people)) != bounds[0] or pair[1:] not in asked.derive(asked.world, pair[0], people):
                yield f"{pair}: not by {people}"


def lower(patch: pytest.MonkeyPatch, random: Random) -> None:
    """Let some limits be so low that crowds of dozens are over them."""
    for name, modules in LIMITS.items():
        limit = random.choice((0, 1, 2, 5))
        if random.random() < 0.5:
            for module in modules:
                patch.setattr(sys.modules[f"armslength.reach.{module}"], name, limit)


def agrees(case: Case, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine says what the definition says, whatever is compared or kept at a time."""
    asked = CountedAsked(case, AT)
    expected = answers(asked, 3)
    assert not list(differences(case, asked, expected)), seed
    with monkeypatch.context() as patch:
        lower(patch, Random(seed))
        assert not list(differences(case, asked, expected)), seed


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_in_a_crowd_the_engine_says_what_the_definition_says(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a length would be wrong only where a firm is large, where nobody can work it out by hand; or it would hang
    on how much is compared or kept at a time."""
    for seed in range(first, min(first + AT_ONCE, SEEDS)):
        agrees(crowded_case(seed, PEOPLE), seed, monkeypatch)
