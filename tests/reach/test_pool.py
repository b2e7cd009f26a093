"""In crowds, only some need trying: the answers are those of a search that tries everybody."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import parse
from armslength.reach import NOBODY, Question, reach
from armslength.reach.pool import Pool
from armslength.reach.quorum import Quorums
from armslength.reach.spread import Flags, Ints
from tests.oracle.case import Case
from tests.oracle.estates import AT

SEEDS = 24
STATES = ("CN", "DE", "IE", "SG")


class Values(Quorums):
    """The values of people, without an estate."""

    def __init__(self, values: dict[str, Ints]) -> None:
        self._values = values

    def codes(self, name: str) -> Ints:
        return self._values[name]


@given(st.integers(0, 2**32), st.integers(0, 2), st.integers(1, 3), st.integers(1, 8))
def test_who_is_left_out_of_a_pool_has_enough_others_to_stand_in(
    seed: int, columns: int, most: int, others: int
) -> None:
    """Else a coalition could need somebody who was never tried: each of the others may take away one who stands in, by
    sitting themselves or with a value that must differ. Who is bare and not in the coalition sits nowhere."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 80))
    exposed = np.unique(rng.integers(0, 16, size=(4, 2)), axis=0).astype(np.uint64)
    exposure = rng.integers(len(exposed), size=count).astype(np.int32)
    names = ("a", "b")[:columns]
    values = {name: rng.integers(-1, 1 + rng.integers(20), size=count).astype(np.int32) for name in names}
    some, bare = rng.random(count) < 0.9, rng.random(count) < 0.5
    kept = set(Pool(Values(values), exposure, exposed).kept(some, bare, names, most, others).tolist())
    assert kept <= set(np.flatnonzero(some).tolist())

    def stand_in(person: int, but: str) -> list[int]:
        """Those kept who are exposed to nothing more and alike in all values but one."""
        return [
            p
            for p in kept
            if not (exposed[exposure[p]] & ~exposed[exposure[person]]).any()
            and all(values[name][p] == values[name][person] for name in names if name != but)
        ]

    for person in set(np.flatnonzero(some).tolist()) - kept:
        if not columns:
            able = stand_in(person, "")
            assert sum(1 for p in able if bare[p]) >= most or len(able) > others
            continue
        free = [{int(values[name][p]) for p in stand_in(person, name)} - {-1} for name in names]
        assert max(map(len, free)) > others


def crowd(rng: Random) -> Case:
    """An estate of a few dozen people where quorums open groups to all, so that anyone may come to have a part, and a
    help desk can reset many."""
    count, units, roles = rng.randint(20, 90), rng.randint(3, 40), rng.randint(1, 3)
    ids = [f"p{i}" for i in range(count)]
    people = [
        {
            "id": person,
            "unit": f"u{rng.randrange(units)}" if rng.random() < 0.95 else "",
            "role": f"r{rng.randrange(roles)}",
            "workplace": rng.choice(("", "", *STATES)),
            "residence": rng.choice(("", "", "", "", "", *STATES)),
        }
        for person in ids
    ]
    groups = [{"group": g, "member": f"person:{p}"} for g in ("a", "b", "c", "h") for p in rng.sample(ids, 3)]
    groups += [{"group": "desk", "member": f"person:{p}"} for p in rng.sample(ids, rng.randint(1, 2))]
    groups += [{"group": "scope", "member": f"person:{p}"} for p in rng.sample(ids, count // rng.randint(1, 3))]
    terms = {
        name: {
            "approvals": rng.randint(1, 2),
            "approvers": rng.choice(("group:a", "group:b", "group:c", "everyone")),
            "apart": rng.randint(0, 2),
            "distinct": rng.choice(([], ["unit"], ["unit"], ["unit", "role"])),
        }
        for name in ("t0", "t1", "t2", "t3")
    }
    grants = [
        ("group:h", "enroll", "group:a", rng.choice(tuple(terms))),
        (rng.choice(("group:a", "group:h")), "enroll", "group:b", rng.choice(tuple(terms))),
        ("group:b", "amend", "terms:t3", rng.choice(tuple(terms))),
        ("group:desk", "assume", "group:scope", rng.choice(("", *terms))),
        ("group:a", "read", "asset:x", rng.choice(tuple(terms))),
        ("group:b", "read", "asset:y", rng.choice(tuple(terms))),
        (rng.choice(("everyone", "group:c")), "read", "asset:z", rng.choice(tuple(terms))),
    ]
    return Case(
        tables={
            "people": people,
            "groups": groups,
            "assets": [{"id": name} for name in ("x", "y", "z")],
            "grants": [
                dict(zip(("holder", "action", "target", "terms"), grant, strict=True)) for grant in grants
            ],
        },
        settings={"name": "Crowd", "bases": ["workplace", "residence"], "terms": terms},
    )


def lengths(case: Case) -> list[int]:
    found = reach(parse(case.files()).estate, Question(at=AT, cap=3, everything=True))
    assert (found.at_least == found.at_most).all()
    return [int(n) for n in found.at_least]


def test_what_is_left_out_of_a_crowd_changes_no_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a coalition of people nobody thought of would be missed, and a length told that is too great."""
    mine = {seed: lengths(crowd(Random(seed))) for seed in range(SEEDS)}
    fewer = 0
    kept = Pool.kept

    def everybody(self: Pool, some: Flags, bare: Flags, columns: tuple[str, ...], most: int, others: int) -> Ints:
        nonlocal fewer
        everyone = np.flatnonzero(some).astype(np.int32)
        fewer += len(kept(self, some, bare, columns, most, others)) < len(everyone)
        return everyone

    monkeypatch.setattr(Pool, "kept", everybody)
    assert mine == {seed: lengths(crowd(Random(seed))) for seed in range(SEEDS)}
    assert fewer, "nobody was left out: these crowds show nothing"
    assert {1, 2, 3, NOBODY} <= {n for some in mine.values() for n in some}


def test_people_who_may_act_already_stand_in_only_if_more_than_the_others() -> None:
    """Else all who stand in could sit already, and the one who was left out be needed."""
    exposure, exposed = np.array([0, 0, 1], dtype=np.int32), np.array([[0], [1]], dtype=np.uint64)
    pool = Pool(Values({}), exposure, exposed)
    some, bare = np.ones(3, dtype=np.bool_), np.zeros(3, dtype=np.bool_)
    assert pool.kept(some, bare, (), 1, 2).tolist() == [0, 1, 2]
    assert pool.kept(some, bare, (), 1, 1).tolist() == [0, 1]
    assert pool.kept(some, ~bare, (), 1, 2).tolist() == [0]
