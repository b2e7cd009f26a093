"""An answer that takes over what stands of the one before is the answer from scratch."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import EstateError, leaver, parse
from armslength.reach import NOBODY, Question, reach
from armslength.reach.admission import Admission
from armslength.reach.matching import matching
from armslength.reach.seeds import seeds
from armslength.store import read
from benchmarks.firm import DAY
from benchmarks.generator import Size, generate, write
from tests.oracle.case import Case
from tests.oracle.estates import AT, random_case
from tests.oracle.tangles import tangled_case
from tests.oracle.weaves import woven_case
from tests.reach.takeovers import KINDS, crowded, differences, edited, faults, moves, other

SEEDS = 60
TANGLES = int(os.environ.get("ARMSLENGTH_RANDOM_TANGLES", "240"))
CAPS = (3, 3, 2, 3, 1, 3, 4)


def asked(seed: int, random: Random) -> Question:
    return Question(at=AT, cap=CAPS[seed % len(CAPS)], everything=random.random() < 0.8)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_is_taken_over_is_what_would_be_found(seed: int) -> None:
    """Else a what-if tells somebody that a change is harmless, and it is not."""
    random = Random(seed)
    estate = parse(random_case(seed).files()).estate
    assert list(faults(estate, asked(seed, random), random, edits=3)) == []


# In the last one, who left was named in a quorum that others complete.
@pytest.mark.parametrize("seed", [*range(SEEDS), 5080])
def test_so_it_is_where_others_stand_in_for_who_changes(seed: int) -> None:
    """Where all may approve, nobody is missed; but somebody who does two things at once is."""
    random = Random(seed)
    estate = parse(crowded(random_case(seed), random).files()).estate
    assert list(faults(estate, asked(seed, random), random, edits=3)) == []


QUORUM = {"approvals": 1, "approvers": "everyone", "apart": 1}


def firm(ana: dict[str, str], others: list[dict[str, str]], grants: list[dict[str, str]], **terms: Any) -> Case:
    """Ann of FR holds, anybody approves, Ana is in CN, and of the others there are as many as stand there."""
    people = [{"id": "ann", "workplace": "FR", "unit": "u0"}, {"id": "ana", "workplace": "CN", "unit": "u1", **ana}]
    people += [{"id": f"q{n}", **other} for n, other in enumerate(others)]
    rows = [{"holder": "person:ann", "action": "read", "target": "asset:x", "terms": "r"}, *grants]
    tables = {"people": people, "assets": [{"id": "x"}, {"id": "y", "hosted_in": "CN"}], "grants": rows}
    settings = {"name": "F", "states": {"HK": []}, "terms": {"r": {**QUORUM, **terms}}}
    return Case(tables=tables, settings=settings)


ALIKE = {"workplace": "CN", "unit": "u1"}
ASSUME = [{"holder": "person:ann", "action": "assume", "target": "person:ana"}]


@pytest.mark.parametrize(
    ("case", "before", "after"),
    [
        (firm({}, [ALIKE] * 12, []), 1, 1),
        # The others are in FR too, with Ann.
        (firm({}, [{**ALIKE, "residence": "FR"}] * 12, []), 1, None),
        # The others are not in CN: one more has to be won.
        (firm({}, [{"unit": "u1"}] * 12, []), 1, 2),
        # Too few are left for three approvers.
        (firm({}, [ALIKE, ALIKE], [], approvals=3), 1, None),
        # The others are of Ann's unit.
        (firm({}, [{**ALIKE, "unit": "u0"}] * 12, [], distinct=["unit"]), 1, None),
        # Ana was there because Ann may act as her.
        (firm({"workplace": ""}, [{"unit": "u1"}] * 12, ASSUME), 1, 2),
    ],
)
def test_somebody_who_leaves_is_missed_where_no_other_does_for_them(case: Case, before: int, after: int | None) -> None:
    """In a crowd nobody is missed who has enough others like them, and only then."""
    estate = parse(case.files()).estate
    question = Question(at=AT, everything=True, states=frozenset({estate.states.index("CN")}), assets=frozenset({0}))
    old = reach(estate, question)
    assert old.at_least.tolist() == [before]
    new = reach(leaver(estate, "person:ana"), question, before=old)
    assert new.at_least.tolist() == [NOBODY if after is None else after]


@pytest.mark.parametrize("first", range(0, SEEDS, 20))
def test_so_it_is_where_a_few_serve_several_quorums(first: int) -> None:
    """Where quorums lead to quorums, a change of the first is one of the last."""
    for seed in range(first, first + 20):
        random = Random(seed)
        estate = parse(woven_case(seed).files()).estate
        assert list(faults(estate, asked(seed, random), random, edits=4, witnesses=4)) == [], seed


@pytest.mark.parametrize("first", range(0, TANGLES, 40))
def test_so_it_is_where_answers_rest_on_people_who_are_no_accomplices(first: int) -> None:
    """Where somebody travels or leaves whom accomplices brought, it is not seen in who the accomplices are."""
    for seed in range(first, first + 40):
        random = Random(seed)
        estate = parse(tangled_case(seed).files()).estate
        assert list(moves(estate, asked(seed, random), random, steps=3)) == [], seed


@pytest.mark.parametrize("seed", range(SEEDS))
def test_so_it_is_between_any_two_estates(seed: int) -> None:
    """A diff compares what nobody edited row by row: settings, policies and assets differ too."""
    random = Random(seed)
    old = random_case(seed)
    new = other(old, random)
    try:
        estates = [parse(case.files()).estate for case in (old, new)]
    except EstateError:
        return
    question = asked(seed, random)
    assert list(differences(*estates, question, random)) == []


@pytest.mark.parametrize("make", [random_case, tangled_case])
def test_so_it_is_where_people_stand_in_another_order(make: Callable[[int], Case]) -> None:
    """Another export of the same people changes nothing, but each has another place in the table."""
    for seed in (*range(30), 68, 89):
        random = Random(seed)
        case = make(seed)
        rows = case.rows("people")
        later = replace(case, tables={**case.tables, "people": random.sample(rows, len(rows))})
        old, new = (parse(one.files()).estate for one in (case, later))
        assert list(differences(old, new, asked(seed, random), random)) == [], seed


@given(st.integers(0, 2**32), st.booleans())
def test_so_it_is_for_any_estate(seed: int, crowd: bool) -> None:
    """The same for estates that nobody has chosen."""
    random = Random(seed)
    case = random_case(seed)
    estate = parse((crowded(case, random) if crowd else case).files()).estate
    assert list(faults(estate, asked(seed, random), random, edits=1, witnesses=4)) == []


@pytest.mark.parametrize(("people", "cedar", "unknown", "seed"), [(300, False, False, 1), (300, True, True, 2)])
def test_so_it_is_for_a_firm(tmp_path: Path, people: int, cedar: bool, unknown: bool, seed: int) -> None:
    """The same with help desks, vaults and policies, where most of what there is stays as it was."""
    write(generate(Size.of_people(people), seed, cedar=cedar, unknown=unknown), tmp_path)
    random = Random(seed)
    estate = read(str(tmp_path)).estate
    assert list(faults(estate, Question(at=DAY), random, edits=3)) == []


@pytest.mark.slow
@pytest.mark.parametrize(("cedar", "unknown", "seed"), [(False, False, 3), (False, True, 4), (True, False, 5)])
def test_so_it_is_for_a_larger_firm(tmp_path: Path, cedar: bool, unknown: bool, seed: int) -> None:
    """The same with 1,000 people, where one change of who matters to the vaults follows another."""
    write(generate(Size.of_people(1000), seed, cedar=cedar, unknown=unknown), tmp_path)
    random = Random(seed)
    estate = read(str(tmp_path)).estate
    assert list(faults(estate, Question(at=DAY), random, edits=8, narrow=True)) == []


def test_edges_that_went_with_people_are_those_that_are_found_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing but people left, edges are compared all at once: what is missed there is a change unseen."""
    quick = 0
    for seed in range(SEEDS):
        random = Random(seed)
        old = parse(tangled_case(seed).files()).estate
        new = edited(old, "leaver" if seed % 3 else random.choice(KINDS), random, asked(seed, random)) or old
        solutions = [reach(estate, Question(at=AT, cap=1, everything=True)).solutions for estate in (old, new)]
        if None in solutions:
            continue
        one, two = (found.known for found in solutions if found is not None)
        match = matching(one.model, two.model, one.columns, two.columns)
        assert match is not None
        found = seeds(one.model, two.model, match)
        with monkeypatch.context() as patch:
            patch.setattr("armslength.reach.seeds.FEW", -1)
            listed = seeds(one.model, two.model, match)
        for mine, theirs in zip((*found.added, *found.removed), (*listed.added, *listed.removed), strict=True):
            assert mine.tolist() == theirs.tolist(), seed
        quick += bool(found.removed[0].size and not found.added[0].size)
    assert quick > SEEDS / 3


def test_a_few_who_are_touched_touch_the_rules_of_all_their_crowds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where few are touched, only their crowds are looked at: of one left out a what-if would keep what is gone."""
    for seed in range(SEEDS):
        random = np.random.default_rng(seed)
        found = reach(parse(tangled_case(seed).files()).estate, Question(at=AT, cap=1, everything=True)).solutions
        if found is None:
            continue
        admission, graph = Admission(found.model), found.model.graph
        words = random.integers(0, 2**63, size=(2, graph.nodes), dtype=np.uint64)
        words[:, random.random(graph.nodes) < 0.7] = 0
        carried = []
        for sparse in (0, 10**9):
            monkeypatch.setattr("armslength.reach.admission.SPARSE", sparse)
            carried.append(admission.carried(words).tolist())
        assert carried[0] == carried[1], seed
