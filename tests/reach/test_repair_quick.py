"""What makes a repair quick: each short cut against the long way."""

from __future__ import annotations

import pytest

from armslength.estate import Kind, Ref, parse
from armslength.reach import Question, exposure, reach, unheld
from armslength.reach.repair_able import Ability, Able
from armslength.reach.repair_teams import Teams
from tests.oracle.estates import AT
from tests.reach.repairs import small

NOTHING: frozenset[int] = frozenset()


@pytest.mark.parametrize("first", range(0, 200, 100))
def test_floors_asked_by_themselves_are_those_that_reach_finds_broken(first: int) -> None:
    """A patched estate would be called safe that is not, or not safe that is."""
    some = 0
    for seed in range(first, first + 100):
        estate, question = parse(small(seed).case.files()).estate, Question(at=AT, cap=0)
        found = reach(estate, question)
        broken = {(int(found.state[i]), int(found.action[i]), int(found.asset[i])) for i in found.broken()}
        assert unheld(estate, question) == broken, f"seed {seed}"
        some += bool(broken)
    assert some > 10


def test_floors_not_looked_at_to_the_end_are_not_said_to_hold() -> None:
    """Silence after a time limit is not safety."""
    for seed in range(60):
        estate, question = parse(small(seed).case.files()).estate, Question(at=AT, cap=0)
        assert unheld(estate, question, lambda: True) in (None, unheld(estate, question)), f"seed {seed}"


def test_teams_spare_nobody_whom_the_long_way_does_not() -> None:
    """Terms would be put where one person on leave locks everybody out."""
    ample = 0
    for seed in range(40):
        estate = parse(small(seed).case.files()).estate
        ability = Ability(estate, exposure(estate, AT), lambda: None)
        holders = [Ref(kind=Kind.EVERYONE)]
        holders += [Ref(kind=Kind.GROUP, index=g) for g in range(len(estate.groups.ids))]
        holders += [Ref(kind=Kind.PERSON, index=p) for p in range(len(estate.people.ids))]
        rows = range(len(estate.groups.row))
        for terms in range(len(estate.settings.terms)):
            for dropped in (NOTHING, *(frozenset({row}) for row in rows)):
                for holder in holders:
                    if _teams(ability).spare(holder, terms, dropped):
                        assert ability._find(holder, terms, dropped) is Able.SPARE, f"seed {seed}: {holder} {terms}"
                        ample += 1
    assert ample > 100


def _teams(ability: Ability) -> Teams:
    return ability._teams
