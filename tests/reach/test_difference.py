"""Differences between two estates, and what made them differ."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from armslength.estate import Estate, EstateError, parse
from armslength.reach import (
    Causes,
    Compared,
    Difference,
    Exact,
    LengthChange,
    PolicyCause,
    Question,
    RowCause,
    SealedCause,
    SettingCause,
    Side,
    Turn,
    difference,
    reach,
)
from tests.oracle.case import Case
from tests.oracle.estates import AT, cases

relation = settings(suppress_health_check=list(HealthCheck))
Pair = tuple[str, str, str]
BEYOND = 99

TOUR = Case(
    tables={
        "people": [
            {"id": "ana", "unit": "liaison", "workplace": "CN"},
            {"id": "bo", "unit": "ops", "workplace": "US"},
            {"id": "cy", "unit": "legal", "workplace": "US"},
            {"id": "di", "unit": "trust", "workplace": "IE"},
            {"id": "ed", "unit": "safety", "workplace": "SG"},
        ],
        "groups": [
            {"group": "ops", "member": "person:bo"},
            {"group": "trust", "member": "person:cy"},
            {"group": "trust", "member": "person:di"},
            {"group": "trust", "member": "person:ed"},
        ],
        "assets": [
            {"id": "meetings-us", "class": "meetings"},
            {"id": "archive", "hosted_in": "SG", "key": "vault-key"},
            {"id": "vault-key", "hosted_in": "US"},
        ],
        "grants": [
            {"holder": "group:ops", "action": "terminate", "target": "asset:meetings-us", "terms": "two-apart"},
            {"holder": "group:trust", "action": "read", "target": "asset:archive", "terms": "two-apart"},
        ],
    },
    settings={
        "terms": {"two-apart": {"approvals": 2, "approvers": "group:trust", "apart": 2, "distinct": ["unit"]}},
        "floor": [
            {"action": "terminate", "target": "class:meetings", "length": 2},
            {"action": "read", "target": "asset:archive", "length": 1},
        ],
    },
)
"""CN needs three outsiders for either, the others two."""


def changed(change: Callable[[Case], None], case: Case = TOUR) -> Case:
    """The case with a change made to a copy of it."""
    new = copy.deepcopy(case)
    change(new)
    return new


def estate(case: Case) -> Estate:
    return parse(case.files()).estate


def between(old: Case, new: Case, **asked: Any) -> Difference:
    return difference(estate(old), estate(new), Compared(at=AT, **asked))


def seen(found: Difference) -> dict[Pair, LengthChange]:
    return {(change.state, change.action, change.asset): change for change in found.changes}


def value(side: Side) -> int:
    return side.length.length if isinstance(side.length, Exact) else BEYOND


def lengths(case: Case) -> dict[Pair, tuple[int, int, int]]:
    """Length, the length by gaps, and the floor of every pair that the case itself names."""
    read = estate(case)
    answer = reach(read, Question(at=AT, cap=9, everything=True))
    out = {}
    for i in range(len(answer)):
        r = answer.result(i)
        length = r.length.length if isinstance(r.length, Exact) else BEYOND
        gap = min((gap.length for gap in r.gaps), default=BEYOND)
        pair = (read.states[r.state], read.actions[r.action], read.assets.ids[r.asset])
        out[pair] = (length, gap, -1 if r.floor is None else r.floor)
    return out


def shaken(case: Case, random: Random) -> Case:
    """The case with a row or two gone or repeated from another place."""
    new = copy.deepcopy(case)
    for _ in range(random.randint(1, 3)):
        table = random.choice(["grants", "groups", "travel", "declared", "people", "assets", "unknown"])
        rows = new.tables.get(table, [])
        if not rows:
            continue
        row = random.choice(rows)
        match table:
            case "people" | "assets":
                column = random.choice(["workplace", "unit"] if table == "people" else ["class", "hosted_in", "key"])
                other = random.choice(rows).get(column, "")
                row |= {column: other if (column, other) != ("key", row["id"]) else ""}
            case "grants" if random.random() < 0.5:
                row["terms"] = random.choice(rows).get("terms", "")
            case _:
                rows.remove(row)
    return new


@relation
@given(cases(), st.randoms(use_true_random=False))
def test_a_difference_is_what_two_answers_differ_by(case: Case, random: Random) -> None:
    """A change that review does not show is approved unseen."""
    other = shaken(case, random)
    try:
        old, new = lengths(case), lengths(other)
    except EstateError:
        assume(False)
    found = between(case, other, everything=True)
    changes = seen(found)
    for pair in old.keys() & new.keys():
        floor = max(old[pair][2], new[pair][2])
        cap = max(3, floor - 1)
        before, after = (tuple(n if n <= cap else BEYOND for n in side[pair][:2]) for side in (old, new))
        broken = [least < own for least, own in ((min(before), old[pair][2]), (min(after), new[pair][2]))]
        if before == after and broken[0] >= broken[1]:
            assert pair not in changes
            continue
        change = changes[pair]
        assert (value(change.old), value(change.new)) == (before[0], after[0])
        assert (change.broken, change.broke) == (broken[1], broken[1] and not broken[0])
        assert change.fell == (min(after) < min(before) or after[0] < before[0])
        assert change.floor == (floor if floor >= 0 else None)


@relation
@given(cases(), st.randoms(use_true_random=False))
def test_there_and_back_are_the_same_changes(case: Case, random: Random) -> None:
    """A pair that only one direction shows would pass in the other."""
    other = shaken(case, random)
    try:
        estate(other)
    except EstateError:
        assume(False)
    there, back = between(case, other), between(other, case)
    assert there.pairs == back.pairs
    mirrored = {pair: (c.old.least, c.new.least) for pair, c in seen(there).items() if c.old != c.new}
    assert mirrored == {pair: (c.new.least, c.old.least) for pair, c in seen(back).items() if c.old != c.new}


@relation
@given(cases())
def test_an_estate_does_not_differ_from_itself(case: Case) -> None:
    """Noise in review teaches people to look away."""
    assert between(case, case).changes == ()
    assert between(case, case, everything=True).changes == ()


@relation
@given(cases(), st.randoms(use_true_random=False))
def test_causes_are_rows_that_one_side_lacks(case: Case, random: Random) -> None:
    """A finding that points at an innocent row sends people to the wrong place."""
    other = shaken(case, random)
    try:
        estate(other)
    except EstateError:
        assume(False)
    found = between(case, other, everything=True)
    finder = Causes(found)
    for change in found.changes:
        for cause in finder.of(change):
            if isinstance(cause, RowCause):
                here = found.old if cause.turn is Turn.REMOVED else found.new
                there = found.new if cause.turn is Turn.REMOVED else found.old
                cells = here.tables[cause.table].cells(cause.row)
                rows = there.tables[cause.table]
                assert all(rows.cells(row) != cells for row in range(len(rows)))
            else:
                # Nothing but rows was shaken: no setting and no policy can be to blame.
                assert isinstance(cause, SealedCause)


# what only one side names


def test_hiring_in_a_new_state_changes_nothing_by_itself() -> None:
    """A review that stops every new office is switched off."""
    new = changed(lambda c: c.tables["people"].append({"id": "flo", "unit": "sales", "workplace": "FR"}))
    assert between(TOUR, new).changes == ()


def test_hiring_into_a_group_in_a_new_state_is_a_fall() -> None:
    """The new state has what nobody could compel before: it must not pass for a first length."""
    new = changed(lambda c: c.tables["people"].append({"id": "flo", "unit": "sales", "workplace": "FR"}))
    new.tables["groups"].append({"group": "ops", "member": "person:flo"})
    change = seen(between(TOUR, new))["FR", "terminate", "meetings-us"]
    assert (value(change.old), value(change.new), change.fell, change.fails()) == (3, 2, True, True)


def test_a_bloc_that_is_new_is_asked_of_both_sides() -> None:
    """The bloc can compel what its members can; that is a fall like any other."""
    new = changed(lambda c: c.settings.update(states={"IE": ["EU"]}))
    change = seen(between(TOUR, new))["EU", "read", "archive"]
    assert (value(change.old), value(change.new), change.fell) == (3, 2, True)


def test_a_new_action_is_asked_of_both_sides() -> None:
    """Whoever operates an asset had the action before it had a name."""
    operate = {"holder": "person:bo", "action": "operate", "target": "asset:meetings-us"}
    old = changed(lambda c: c.tables["grants"].append(operate))
    new = changed(
        lambda c: c.settings["floor"].append({"action": "wipe", "target": "class:meetings", "length": 1}), old
    )
    found = between(old, new)
    assert found.pairs == 12
    assert {(c.state, c.action, value(c.old), value(c.new), c.broke) for c in found.changes} == {
        ("US", "wipe", 0, 0, True)
    }


def test_an_asset_that_is_new_falls_from_nothing() -> None:
    """Every release brings assets; only one that is open is a reason to stop."""
    guarded = changed(lambda c: c.tables["assets"].append({"id": "meetings-eu", "class": "meetings"}))
    assert between(TOUR, guarded).changes == ()
    open_ = {"holder": "person:bo", "action": "terminate", "target": "asset:meetings-eu"}
    found = seen(between(TOUR, changed(lambda c: c.tables["grants"].append(open_), guarded)))
    change = found["US", "terminate", "meetings-eu"]
    assert change.old.length is None
    assert (value(change.new), change.fell, change.broke, change.fails(), change.fails(1), change.fails(0)) == (
        0,
        False,
        True,
        True,
        True,
        False,
    )


def test_an_asset_that_goes_takes_its_lengths_along() -> None:
    """What is no longer there cannot be had."""
    new = changed(lambda c: c.tables["assets"].pop(1))
    new.tables["grants"].pop(1)
    new.settings["floor"].pop(1)
    found = between(TOUR, new).changes
    assert {(change.asset, change.new.length, change.fails()) for change in found} == {("archive", None, False)}


def test_a_power_under_a_floor_is_compared() -> None:
    """Floors may name powers, which --all does not list."""
    floor = {"action": "operate", "target": "asset:archive", "length": 1}
    new = changed(lambda c: c.settings["floor"].append(floor))
    new.tables["grants"].append({"holder": "person:ana", "action": "operate", "target": "asset:archive"})
    change = seen(between(TOUR, new))["CN", "operate", "archive"]
    assert (value(change.old), value(change.new), change.broke) == (BEYOND, 0, True)


def test_a_floor_that_is_raised_breaks_without_any_length_changing() -> None:
    """Otherwise the review of the settings says that all is well, and the next reach does not."""
    new = changed(lambda c: c.settings["floor"][0].update(length=3))
    found = between(TOUR, new)
    assert {(c.state, c.broke, c.fell) for c in found.changes} == {(s, True, False) for s in ("IE", "SG", "US")}
    assert {Causes(found).of(c) for c in found.changes} == {
        (SettingCause(path=("floor",), turn=Turn.CHANGED, old=None, new=3),)
    }


def test_a_floor_that_is_lowered_still_protects_what_the_old_one_did() -> None:
    """Lowering the floor and opening the grant in one change must not pass."""
    new = changed(lambda c: c.settings["floor"].pop(0))
    new.tables["grants"][0].pop("terms")
    found = between(TOUR, new)
    assert found.changes
    assert all(change.fails() and change.floor == 2 for change in found.changes)


def test_a_group_that_becomes_unknown_breaks_what_it_leads_to() -> None:
    """Members that nobody told are never taken for nobody."""
    new = changed(lambda c: c.tables.update(unknown=[{"group": "agency"}]))
    new.tables["grants"].append({"holder": "group:agency", "action": "terminate", "target": "asset:meetings-us"})
    found = between(TOUR, new)
    assert {(c.asset, c.old.length == c.new.length, c.broke, c.fell) for c in found.changes} == {
        ("meetings-us", True, True, True)
    }


def test_fail_below_lets_pass_what_falls_to_it() -> None:
    """A firm may choose what stops a merge; it must get exactly that."""
    new = changed(lambda c: c.tables["grants"][0].pop("terms"))
    change = seen(between(TOUR, new))["CN", "terminate", "meetings-us"]
    assert value(change.new) == 1
    assert (change.fails(1), change.fails(2)) == (False, True)


# causes


def _grant_opened(c: Case) -> None:
    c.tables["grants"][0].pop("terms")


def _member_added(c: Case) -> None:
    c.tables["groups"].append({"group": "ops", "member": "person:ana"})


def _moved_inside(c: Case) -> None:
    c.tables["people"][3]["workplace"] = "CN"


def _travels(c: Case) -> None:
    c.tables["travel"] = [{"person": "bo", "state": "CN", "from": "2026-11-01", "until": "2026-11-30"}]


def _declares(c: Case) -> None:
    c.tables["declared"] = [{"person": "bo", "state": "CN"}]


def _employed(c: Case) -> None:
    c.tables["entities"] = [{"id": "inc", "state": "US", "parent": "top"}, {"id": "top", "state": "CN"}]
    c.tables["people"][1]["entity"] = "inc"


def _key_gone(c: Case) -> None:
    c.tables["assets"][1].pop("key")


def _host_moved(c: Case) -> None:
    c.tables["assets"][1]["hosted_in"] = "US"


def _weaker_terms(c: Case) -> None:
    c.settings["terms"]["two-apart"] |= {"approvals": 1, "apart": 0}


def _bloc(c: Case) -> None:
    c.settings["states"] = {"US": ["CN"]}


def _row(table: str, row: int, turn: Turn, before: int | None = None) -> RowCause:
    return RowCause(table=table, row=row, turn=turn, before=before)


def _setting(path: str, turn: Turn, old: object, new: object) -> SettingCause:
    return SettingCause(path=tuple(path.split(".")), turn=turn, old=old, new=new)


@pytest.mark.parametrize(
    ("change", "pair", "causes"),
    [
        (_grant_opened, ("CN", "terminate", "meetings-us"), {_row("grants", 0, Turn.CHANGED, 0)}),
        (_member_added, ("CN", "terminate", "meetings-us"), {_row("groups", 4, Turn.ADDED)}),
        (_moved_inside, ("CN", "terminate", "meetings-us"), {_row("people", 3, Turn.CHANGED, 3)}),
        (_travels, ("CN", "terminate", "meetings-us"), {_row("travel", 0, Turn.ADDED)}),
        (_declares, ("CN", "terminate", "meetings-us"), {SealedCause(turn=Turn.ADDED)}),
        (
            _employed,
            ("CN", "terminate", "meetings-us"),
            {_row("people", 1, Turn.CHANGED, 1), _row("entities", 0, Turn.ADDED), _row("entities", 1, Turn.ADDED)},
        ),
        (_key_gone, ("SG", "read", "archive"), {_row("assets", 1, Turn.CHANGED, 1)}),
        (_host_moved, ("US", "read", "archive"), {_row("assets", 1, Turn.CHANGED, 1)}),
        (
            _weaker_terms,
            ("CN", "terminate", "meetings-us"),
            {
                _setting("terms.two-apart.approvals", Turn.CHANGED, 2, 1),
                _setting("terms.two-apart.apart", Turn.CHANGED, 2, 0),
            },
        ),
        (_bloc, ("CN", "terminate", "meetings-us"), {_setting("states.US", Turn.ADDED, None, ["CN"])}),
    ],
    ids=lambda item: getattr(item, "__name__", ""),
)
def test_what_made_a_length_fall_is_named(change: Callable[[Case], None], pair: Pair, causes: set[object]) -> None:
    """A finding without its row is answered with a shrug."""
    found = between(TOUR, changed(change))
    one = seen(found)[pair]
    assert one.fell
    assert set(Causes(found).of(one)) == causes
    back = between(changed(change), TOUR)
    assert Causes(back).of(seen(back)[pair])


POLICY = """
@id("ops-read") @terms("two-apart")
permit (principal in Group::"ops", action == Action::"read", resource == Asset::"meetings-us");
@id("not-abroad")
forbid (principal, action == Action::"read", resource) unless { principal.states.contains("US") };
"""


def test_a_policy_that_gives_or_no_longer_forbids_is_named() -> None:
    """Access by policy is the easiest to overlook in a review of tables."""
    floor = {"action": "read", "target": "asset:meetings-us", "length": 2}
    bare = changed(lambda c: c.settings["floor"].append(floor))
    ana = changed(lambda c: c.tables["groups"].append({"group": "ops", "member": "person:ana"}), bare)
    guarded, open_ = replace(ana, policy=POLICY), replace(ana, policy=POLICY.replace(' @terms("two-apart")', ""))
    found = between(guarded, open_)
    assert Causes(found).of(seen(found)["US", "read", "meetings-us"]) == (
        PolicyCause(id="ops-read", turn=Turn.CHANGED),
    )
    found = between(open_, replace(open_, policy=open_.policy.split('@id("not-abroad")')[0]))
    assert Causes(found).of(seen(found)["CN", "read", "meetings-us"]) == (
        PolicyCause(id="not-abroad", turn=Turn.REMOVED),
    )


def test_rows_that_only_moved_are_no_cause() -> None:
    """Sorting a table changes every line and nothing else."""

    def sort(c: Case) -> None:
        for rows in c.tables.values():
            rows.reverse()

    new = changed(sort, changed(_grant_opened))
    found = between(TOUR, new)
    assert {Causes(found).of(change) for change in found.changes} == {(_row("grants", 1, Turn.CHANGED, 0),)}
