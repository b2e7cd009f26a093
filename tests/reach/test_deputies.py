"""Who holds what brings enough others may be anybody: one of those brought sits wherever the holder could."""

from __future__ import annotations

from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import parse
from armslength.reach import NOBODY, Question, reach
from armslength.reach.bundles import Bundles
from armslength.reach.columns import Words
from armslength.reach.deputies import Deputies
from armslength.reach.spread import Ints
from tests.oracle.case import Case, Row
from tests.oracle.comparison import differences
from tests.oracle.estates import AT
from tests.oracle.sketch import sketch
from tests.reach.test_chains import firm, length, quorum
from tests.reach.test_pool import Values

SEEDS = range(60)
STATES = ("CN", "DE", "IE", "SG")


class Brings(Bundles):
    """Whom each mask brings, without an estate."""

    def __init__(self, people: dict[bytes, Ints]) -> None:
        self._people = people

    def brought(self, mask: Words) -> Ints:
        return self._people[mask.tobytes()]


@given(st.integers(0, 2**32))
def test_one_of_those_brought_is_free_whoever_else_sits(seed: int) -> None:
    """Else a holder would be taken for another who cannot do the same, and a length told that is too small or great."""
    rng = np.random.default_rng(seed)
    count, wide = int(rng.integers(1, 10)), int(rng.integers(1, 3))
    exposed = np.unique(rng.integers(0, 4, size=(4, wide)), axis=0).astype(np.uint64)
    exposure = rng.integers(len(exposed), size=count).astype(np.int32)
    values = {name: rng.integers(-1, 1 + rng.integers(10), size=count).astype(np.int32) for name in ("a", "b")}
    masks = [np.array([number], dtype=np.uint64) for number in range(2)]
    brought = {mask.tobytes(): np.flatnonzero(rng.random(count) < 0.8).astype(np.int32) for mask in masks}
    deputies = Deputies(Values(values), Brings(brought), exposure, exposed)

    for _ in range(6):
        mask, holder = masks[int(rng.integers(2))], int(rng.integers(len(exposed)))
        names, size = [(), ("a",), ("b",), ("a", "b")][int(rng.integers(4))], int(rng.integers(1, 4))
        if not deputies.enough(mask, holder, names, size):
            continue
        able = [
            p
            for p in brought[mask.tobytes()].tolist()
            if not (exposed[exposure[p]] & ~exposed[holder]).any() and all(values[name][p] >= 0 for name in names)
        ]
        for others in combinations(range(count), min(size - 1, count)):
            assert any(
                p not in others and all(values[name][p] != values[name][o] for name in names for o in others)
                for p in able
            )


@pytest.mark.parametrize(("columns", "size", "people"), [((), 3, 3), (("a",), 3, 3), (("a", "b"), 3, 5)])
def test_so_many_are_enough_and_one_fewer_is_not(columns: tuple[str, ...], size: int, people: int) -> None:
    """Else nobody would ever be taken for another, or somebody too early."""
    everyone = np.arange(people, dtype=np.int32)
    masks = [np.array([number], dtype=np.uint64) for number in range(2)]
    brought = {masks[0].tobytes(): everyone, masks[1].tobytes(): everyone[1:]}
    exposure, exposed = np.zeros(people, dtype=np.int32), np.zeros((1, 1), dtype=np.uint64)
    deputies = Deputies(Values({"a": everyone, "b": everyone}), Brings(brought), exposure, exposed)
    assert deputies.enough(masks[0], 0, columns, size)
    assert not deputies.enough(masks[1], 0, columns, size)


def desks(rng: Random) -> Case:
    """An estate where desks, held by people of several exposures, reset crowds of few exposures, and most quorums are
    open to all."""
    groups = [f"g{n}" for n in range(rng.randint(3, 4))]
    units, roles, largest = rng.choice((3, 8, 40)), rng.choice((2, 4, 40)), rng.choice((1, 2, 2, 3))
    terms = {}
    for n in range(rng.randint(1, 4)):
        approvals = rng.choice((largest, rng.randint(1, largest)))
        terms[f"t{n}"] = {
            "approvals": approvals,
            "approvers": "everyone" if rng.random() < 0.65 else f"group:{rng.choice(groups)}",
            "apart": rng.choice((0, approvals, approvals, approvals + 1)),
            "distinct": rng.choice(([], [], ["unit"], ["unit"], ["role"], ["unit", "role"])),
        }
        if rng.random() < 0.25:
            terms[f"t{n}"]["from"] = [{"of": rng.choice(("everyone", f"group:{rng.choice(groups)}")), "count": 1}]
    people: list[Row] = []
    members: list[Row] = []

    def person(state: str, *inside: str) -> str:
        n = len(people)
        unit = rng.choice(("", *(f"u{rng.randrange(units)}" for _ in range(6)), *(f"own {n}" for _ in range(4))))
        people.append({"id": f"p{n}", "workplace": state, "unit": unit, "role": f"r{rng.randrange(roles)}"})
        members.extend({"group": g, "member": f"person:p{n}"} for g in inside)
        return f"p{n}"

    places = [rng.choice(("", *STATES[:2])) for _ in range(rng.choice((1, 2, 3)))]
    crowd = [
        person(rng.choice(places), *([rng.choice(groups)] if rng.random() < 0.15 else []))
        for _ in range(rng.randint(4, 12))
    ]
    holders = [
        person(rng.choice(("", *places, *STATES)), *([] if rng.random() < 0.6 else [rng.choice(groups)]))
        for _ in range(rng.randint(2, 6))
    ]
    for _ in range(rng.randint(1, 4)):
        person(rng.choice(STATES), *rng.sample(groups, rng.randint(1, 2)))
    grants: list[tuple[str, str, str, str]] = []
    for n in range(rng.randint(1, 2)):
        base = crowd + (holders if rng.random() < 0.5 else [])
        some = rng.sample(base, min(len(base), rng.choice((2, 3, 4, 6, 8, 12))))
        members += [{"group": f"scope{n}", "member": f"person:{p}"} for p in some]
        desk = rng.sample(holders, min(len(holders), rng.choice((1, 2, 3))))
        members += [{"group": f"desk{n}", "member": f"person:{p}"} for p in desk]
        grants.append(
            (f"group:desk{n}", "assume", f"group:scope{n}", "" if rng.random() < 0.75 else rng.choice([*terms]))
        )
    filled = {row["group"] for row in members}
    members += [{"group": g, "member": f"person:{rng.choice(people)['id']}"} for g in groups if g not in filled]

    def holder() -> str:
        return rng.choice(("everyone", *(f"group:{rng.choice(groups)}" for _ in range(5))))

    last = holder()
    for _ in range(rng.randint(0, 3)):
        # Each quorum leads to the next.
        following = rng.choice((*(f"group:{rng.choice(groups)}" for _ in range(3)), "group:desk0"))
        grants.append((last, "enroll", following, rng.choice([*terms])))
        last = following
    for asset in ("x", "y"):
        grants.append((rng.choice((last, holder())), "read", f"asset:{asset}", rng.choice([*terms])))
    for _ in range(rng.randint(1, 4)):
        wanted = [body["approvers"] for body in terms.values()] + [grant[0] for grant in grants]
        entered = [w for w in wanted if w.startswith("group:")]
        action = rng.choice(("enroll", "enroll", "enroll", "assume", "amend"))
        target = {
            "enroll": rng.choice(entered),
            "assume": rng.choice((f"person:{rng.choice(people)['id']}", "group:scope0")),
            "amend": f"terms:{rng.choice([*terms])}",
        }[action]
        grants.append((holder(), action, target, rng.choice([*terms])))
    settings = {"name": "Desks", "terms": terms}
    tables = {
        "people": people,
        "groups": members,
        "assets": [{"id": "x"}, {"id": "y"}],
        "grants": [dict(zip(("holder", "action", "target", "terms"), grant, strict=True)) for grant in grants],
    }
    if rng.random() < 0.15:
        settings["states"] = {"CN": ["DE"]}
    return Case(tables=tables, settings=settings)


def lengths(case: Case) -> list[int]:
    found = reach(parse(case.files()).estate, Question(at=AT, cap=3, everything=True))
    assert (found.at_least == found.at_most).all()
    return [int(n) for n in found.at_least]


def test_who_has_deputies_is_told_apart_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a coalition that needs one holder and not another would be missed, and a length told that is too great."""
    mine = {seed: lengths(desks(Random(seed))) for seed in SEEDS}
    took_part = 0
    enough = Deputies.enough

    def never(self: Deputies, mask: Words, exposure: int, columns: tuple[str, ...], size: int) -> bool:
        nonlocal took_part
        took_part += enough(self, mask, exposure, columns, size)
        return False

    monkeypatch.setattr(Deputies, "enough", never)
    assert mine == {seed: lengths(desks(Random(seed))) for seed in SEEDS}
    assert took_part, "nobody had deputies: these desks show nothing"
    assert {1, 2, 3, NOBODY} <= {n for some in mine.values() for n in some}


@pytest.mark.parametrize("seed", SEEDS)
def test_where_desks_reset_crowds_the_engine_says_what_the_definition_says(seed: int) -> None:
    """Else a length would be wrong where whoever holds a desk seems as good as another."""
    assert not differences(desks(Random(seed)))


def test_who_resets_the_approver_may_ask_where_everyone_may() -> None:
    """Else one would pass for two: whoever holds the desk has no deputies, and sits in the quorum themselves."""
    case = firm(
        "desk a",
        {"board": "a"},
        ["everyone read asset:t terms", "person:desk assume person:a"],
        {"terms": quorum(1, "board", apart=2)},
        r="CN",
    )
    assert length(case) == 1


def test_who_resets_the_one_who_asks_may_approve_where_everyone_may() -> None:
    """The same the other way round."""
    case = firm(
        "desk a",
        {},
        ["person:a read asset:t terms", "person:desk assume person:a"],
        {"terms": {"approvals": 1, "approvers": "everyone", "apart": 2}},
        r="CN",
    )
    assert length(case) == 1


def test_of_two_who_open_a_group_the_one_who_fits_is_tried() -> None:
    """Else one would pass for two: of the two only one is exposed to no state of whoever asks."""
    case = sketch(
        {"r": {"workplace": "CN", "residence": "DE"}, "first": "DE", "second": "", "m": "DE"},
        {"board": "m", "openers": "first second"},
        ["person:r read asset:t terms", "group:openers enroll group:board"],
        settings={"terms": {"terms": quorum(1, "board", apart=1)}},
    )
    assert length(case) == 1
