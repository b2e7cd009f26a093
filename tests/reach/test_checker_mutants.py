"""The checker against derivations of which one thing is false: what the engine prints for random estates, changed in
one place, and every step read once more by the oracle."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from armslength.estate import Estate, EstateError, parse
from armslength.reach import Question, Step, reach
from armslength.reach.checker import Checker
from tests.oracle import AT, Case, random_case, reached
from tests.reach.checker_mutants import CHANGES, Claimed, Names, mutant
from tests.reach.checker_reading import Reading
from tests.reach.test_checker_gate import gated

FAST = int(os.environ.get("ARMSLENGTH_RANDOM_ESTATES", "400")) // 10
SLOW = 4_000
AT_ONCE = 10
ANSWERS, MUTANTS = 6, 12
"""So many derivations of each estate, so many changes of each."""


def derivations(case: Case, estate: Estate) -> list[Claimed]:
    """What the engine prints, whatever its length."""
    found = reach(estate, Question(at=AT, everything=True))
    results = ((found.result(i), found.steps(i)) for i in range(len(found)))
    return [
        Claimed(
            case=case,
            at=AT,
            state=str(estate.states[result.state]),
            action=estate.actions[result.action],
            asset=estate.assets.ids[result.asset],
            accomplices=tuple(estate.people.ids[p] for p in result.accomplices),
            steps=steps,
        )
        for result, steps in results
        if steps
    ]


def mutants(seed: int) -> Iterator[Claimed]:
    """The derivations of one estate, each as it is and then changed."""
    random = Random(seed)
    case = gated(seed) if seed % 3 == 0 else random_case(seed)
    estate = parse(case.files()).estate
    every = derivations(case, estate)
    steps: tuple[Step, ...] = tuple(step for claimed in every for step in claimed.steps)
    names = Names(
        people=estate.people.ids,
        groups=estate.groups.ids,
        assets=estate.assets.ids,
        classes=estate.classes,
        terms=tuple(terms.id for terms in estate.settings.terms),
        actions=estate.actions,
        states=tuple(str(state) for state in estate.states),
        policies=estate.policy.ids if estate.policy is not None else (),
        facts=tuple({fact: None for step in steps for fact in (step.fact, *step.needs)}),
        steps=steps,
    )
    # The longest say the most.
    every.sort(key=lambda claimed: (-len({s.rule for s in claimed.steps}), -len(claimed.steps)))
    for claimed in every[: ANSWERS // 2] + random.sample(every, min(len(every), ANSWERS // 2)):
        yield claimed
        for _ in range(MUTANTS):
            if (changed := mutant(random, claimed, names)) is not None:
                yield changed
                # A second change may hide what the first one laid bare.
                if random.random() < 0.3 and (twice := mutant(random, changed, names)) is not None:
                    yield twice


class Judges:
    """The checker and the reading by the oracle, kept for one estate and day."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, object], tuple[Estate, Checker, Reading] | None] = {}

    def faults(self, claimed: Claimed) -> tuple[tuple[str, ...], bool] | None:
        """What the checker finds, and whether the derivation follows by the reading; None where it is no estate."""
        key = claimed.case.show(), claimed.at
        if key not in self._made:
            try:
                estate = parse(claimed.case.files()).estate
            except EstateError:
                self._made[key] = None
            else:
                reading = Reading(claimed.case, claimed.at, estate.actions)
                self._made[key] = estate, Checker(estate, claimed.at), reading
        if (made := self._made[key]) is None:
            return None
        estate, checker, reading = made
        try:
            asked = (
                [str(state) for state in estate.states].index(claimed.state),
                estate.actions.index(claimed.action),
                estate.assets.ids.index(claimed.asset),
                tuple(estate.people.ids.index(p) for p in claimed.accomplices),
            )
        except ValueError:  # the changed estate has no such state or action
            return None
        claim = claimed.state, claimed.action, claimed.asset
        return checker.faults(*asked, claimed.steps), reading.follows(claim, claimed.accomplices, claimed.steps)


def judge(first: int, past: int) -> Counter[str]:
    """How often each change left a derivation that is false, or true for a reason of its own."""
    seen: Counter[str] = Counter()
    for seed in range(first, past):
        judges = Judges()
        for claimed in mutants(seed):
            if (said := judges.faults(claimed)) is None:
                continue
            found, follows = said
            told = f"seed {seed}, {claimed.what}: {found}\n{claimed}\n{claimed.case.show()}"
            assert bool(found) is not follows, told
            assert not follows or _true(claimed), told
            seen[f"{claimed.what} {'true' if follows else 'false'}"] += 1
    return seen


def _true(claimed: Claimed) -> bool:
    can = reached(claimed.case, claimed.at, claimed.state, claimed.accomplices)
    return (claimed.action, claimed.asset) in can or claimed.action not in {action for action, _ in can}


@pytest.mark.parametrize("first", range(0, FAST, AT_ONCE))
def test_a_changed_derivation_is_accepted_only_where_every_step_of_it_is_true(first: int) -> None:
    """Somebody could change one name, row or number of a true report, and the check would wave it through."""
    judge(first, min(first + AT_ONCE, FAST))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(FAST, FAST + SLOW, 10 * AT_ONCE))
def test_a_changed_derivation_is_accepted_only_where_every_step_of_it_is_true_at_length(first: int) -> None:
    """As above; rare meetings of features show only in a large number."""
    judge(first, min(first + 10 * AT_ONCE, FAST + SLOW))


def test_every_change_makes_derivations_false() -> None:
    """A change that leaves everything true would try nothing."""
    seen = judge(0, 30)
    assert {name for name, count in seen.items() if count} >= {f"{change.__name__} false" for change in CHANGES} - {
        "told_twice false"
    }
    assert seen["nothing true"] and not seen["nothing false"]
