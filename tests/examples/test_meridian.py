"""The sample estate retells case K1: one deceived colleague suffices before, no fewer than two people apart after."""

from __future__ import annotations

import datetime as dt
import difflib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from armslength.estate import Estate, Parsed, parse
from armslength.reach import Beyond, Exact, Question, Reach, Result, reach
from tests.examples.quorums import Bodies

ROOT = Path(__file__).resolve().parent.parent.parent
MERIDIAN = ROOT / "examples" / "meridian"
DAY = dt.date(2026, 11, 22)
ABROAD = ("us", "eu", "in", "sg", "jp", "br", "au")
REGIONS = (*ABROAD, "cn")

Key = tuple[str, str, str]


def folder(which: str) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((MERIDIAN / which).iterdir())}


@cache
def read(which: str) -> Parsed:
    return parse(folder(which))


@cache
def found(which: str, day: dt.date) -> Reach:
    return reach(read(which).estate, Question(at=day))


@cache
def answer(which: str, day: dt.date) -> Mapping[Key, Result]:
    """What reach says of every pair under a floor, by (state, action, asset)."""
    estate, told = read(which).estate, found(which, day)
    return {
        (estate.states[one.state], estate.actions[one.action], estate.assets.ids[one.asset]): one
        for one in (told.result(i) for i in range(len(told)))
    }


def length(which: str, state: str, action: str, asset: str, day: dt.date = DAY) -> int | None:
    """None: nobody up to the cap."""
    match answer(which, day)[state, action, asset].length:
        case Exact(length=exact):
            return exact
        case Beyond():
            return None
        case unfinished:
            raise AssertionError(f"no time limit was set, but {(state, action, asset)} is {unfinished}")


def test_the_committed_files_are_what_the_script_writes(tmp_path: Path) -> None:
    """Someone who changes the sample by hand would see the next run of the script undo it."""
    subprocess.run([sys.executable, ROOT / "scripts" / "sample", tmp_path], check=True)
    for which in ("before", "after"):
        written = {file.name: file.read_bytes() for file in (tmp_path / which).iterdir()}
        assert written == folder(which), which


def test_only_the_oddities_that_the_sample_shows_are_warned_of() -> None:
    """A newcomer whose first run starts with unexplained warnings doubts everything after them."""
    shown = [(warning.file, warning.message) for warning in read("before").warnings]
    assert len(shown) == 2
    assert any(file == "grants.csv" and "repeats line" in message for file, message in shown)
    assert any(file == "groups.csv" and "project-lantern" in message for file, message in shown)
    assert read("after").warnings == ()


@pytest.mark.parametrize("which", ["before", "after"])
def test_the_firm_is_some_six_hundred_people_at_work_in_fourteen_states(which: str) -> None:
    """The README says so, and the demo's time is told for this size."""
    estate = read(which).estate
    workplaces = {estate.states[state] for state in estate.people.workplace}
    assert 590 <= len(estate.people.ids) <= 610
    assert len(workplaces) == 14
    assert 120 <= len(estate.assets.ids) <= 200
    assert 500 <= len(estate.grants) <= 600
    assert 80 <= len(estate.groups.ids) <= 110
    assert estate.policy is not None and 8 <= len(estate.policy.ids) <= 15


def test_people_are_roles_and_nobody_has_a_name() -> None:
    """A name in an example would hint at ancestry, which exposure never comes from."""
    people = read("before").estate.people
    assert "name" not in people.columns
    assert all(people.columns["role"])


@pytest.mark.parametrize("region", ABROAD)
@pytest.mark.parametrize(
    ("action", "stem"),
    [("terminate", "meetings"), ("suspend", "accounts"), ("read", "account-data"), ("read", "recordings")],
)
def test_before_the_liaison_needs_exactly_one_deceived_colleague_abroad(region: str, action: str, stem: str) -> None:
    """Case K1 would not be told: he had no access himself, and one colleague who had it was enough."""
    assert length("before", "CN", action, f"{stem}-{region}") == 1


@pytest.mark.parametrize(
    ("action", "asset"),
    [
        ("read", "recordings-cn"),
        ("terminate", "meetings-cn"),
        ("suspend", "accounts-cn"),
        ("read", "account-data-cn"),
        ("use", "key-cn"),
        ("list", "directory-us"),
        ("list", "directory-eu"),
        *(("reclass", f"accounts-{region}") for region in REGIONS),
        *(("export", f"metadata-{region}") for region in REGIONS),
    ],
)
def test_before_some_actions_need_nobody_outside(action: str, asset: str) -> None:
    """Local servers and keys, the grant "for compliance test", the shared tool and the secret plan would go unseen."""
    assert length("before", "CN", action, asset) == 0


def test_before_a_trip_puts_a_standing_grant_within_reach() -> None:
    """Whoever travels with standing rights would not learn that the trip matters."""
    during, after = dt.date(2026, 9, 9), dt.date(2026, 9, 12)
    assert length("before", "CN", "terminate", "meetings-us", during) == 0
    assert length("before", "CN", "terminate", "meetings-us", after) == 1


@pytest.mark.parametrize(
    ("state", "action", "asset"),
    [
        ("IE", "read", "recordings-eu"),  # hosts the servers and keeps the key
        ("EU", "use", "key-eu"),
        ("IN", "terminate", "meetings-us"),  # whoever deploys can do everything
        ("PH", "read", "account-data-us"),  # the contractor's help desk resets anyone
        ("AU", "read", "account-data-us"),  # owns that contractor
        ("GB", "suspend", "accounts-us"),  # administers groups and sign-in
        ("JP", "terminate", "meetings-us"),  # owns the joint venture's companies
        ("RU", "terminate", "meetings-us"),  # a group nested where it gives too much
        ("BR", "suspend", "accounts-us"),  # a declared tie
        ("MY", "terminate", "meetings-us"),  # lives across the border
        ("PL", "suspend", "accounts-us"),  # reviewers with a standing permit
    ],
)
def test_before_other_states_need_nobody_either(state: str, action: str, asset: str) -> None:
    """A sample that showed one state only would make the product look like a tool against it."""
    assert length("before", state, action, asset) == 0


def test_before_the_unknown_group_is_a_gap() -> None:
    """Unknown members would be taken for nobody."""
    estate = read("before").estate
    gaps = answer("before", DAY)["HK", "read", "account-data-us"].gaps
    assert [([estate.groups.ids[g] for g in gap.groups], gap.length) for gap in gaps] == [(["vendor-callcentre"], 0)]
    assert not read("after").estate.groups.unknown


@pytest.mark.parametrize("day", [DAY, dt.date(2026, 9, 9), dt.date(2026, 10, 14), dt.date(2027, 6, 1)], ids=str)
def test_after_every_floor_holds_against_every_state_but_home(day: dt.date) -> None:
    """The repair that the sample teaches would not be one."""
    told, answers = found("after", day), answer("after", day)
    assert not [key for key, one in answers.items() if one.broken]
    assert not len(told.broken())
    states = {state for state, _, _ in answers}
    assert states >= set("CN HK IN IE DE PL EU GB RU SG JP BR AU PH".split())
    assert "US" not in states
    for at_least, one in zip(told.at_least, answers.values(), strict=True):
        assert one.floor in (1, 2)
        assert at_least == -1 or at_least >= one.floor


def test_after_a_liaison_may_still_ask_and_two_people_apart_decide() -> None:
    """A repair that forbids the work would be undone within a month."""
    for region in REGIONS:
        assert length("after", "CN", "suspend", f"accounts-{region}") == 2
        assert length("after", "IN", "terminate", f"meetings-{region}") == 2


def test_after_the_forbid_keeps_shielded_customers_from_those_it_names() -> None:
    """Customers told that they are shielded would not be: the liaison may ask about others, and not about them."""
    assert length("after", "CN", "suspend", "accounts-us") == 2
    assert length("after", "CN", "suspend", "accounts-shielded") == 3


def test_after_every_request_can_be_approved_in_many_ways() -> None:
    """On-call engineers and support agents would stand before a gate that nobody can open."""
    estate = read("after").estate
    bodies = Bodies(estate, DAY)
    unit = estate.people.columns["unit"]
    ways: dict[tuple[str, frozenset[str], str, int], int] = {}
    for terms, where, holders in bodies.requests():
        approvers = bodies.of(terms.approvers)
        assert holders, where
        for person in sorted(holders):
            like = (terms.id, bodies.exposure[person], unit[person], person if person in approvers else -1)
            if like not in ways:
                ways[like] = sum(1 for _ in bodies.approvals(terms, person))
            assert ways[like] >= 20, f"{where}: {estate.people.ids[person]} has {ways[like]} ways under {terms.id}"


def test_after_the_work_hangs_on_no_single_office() -> None:
    """A holiday, a storm or an order in one state, home included, would stop the firm's work."""
    estate = read("after").estate
    bodies = Bodies(estate, DAY)
    workplace = [estate.states[state] for state in estate.people.workplace]
    asking: dict[str, set[int]] = {}
    for terms, _, holders in bodies.requests():
        asking.setdefault(terms.id, set()).update(holders)
    for terms in estate.settings.terms:
        offices = {workplace[person] for person in bodies.of(terms.approvers)}
        units = {estate.people.columns["unit"][person] for person in bodies.of(terms.approvers)}
        assert len(offices) >= 4 and len(units) >= 3, terms.id
        for office in offices:
            left = (
                approvers
                for person in sorted(asking[terms.id])
                for approvers in bodies.approvals(terms, person)
                if office not in {workplace[approver] for approver in approvers}
            )
            assert next(left, None), f"{terms.id} cannot be met without {office}"


def test_the_repair_reads_as_a_small_change() -> None:
    """A reviewer could not see in the diff what the repair does."""
    before, after = folder("before"), folder("after")
    assert before.keys() == after.keys()
    changed = list(_changes(before, after))
    assert {name for name, _ in changed} == {
        "assets.csv", "estate.toml", "grants.csv", "groups.csv", "policy.cedar", "unknown.csv",
    }  # fmt: skip
    assert len(changed) <= 240


def _changes(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    for name in before:
        old, new = before[name].decode().splitlines(), after[name].decode().splitlines()
        for line in difflib.unified_diff(old, new, n=0, lineterm=""):
            if line[0] in "+-" and line[:3] not in ("+++", "---"):
                yield name, line


def test_an_estate_of_the_sample_is_home_in_us_only() -> None:
    """The sample would promise distance from the state that the whole firm answers to."""
    estate: Estate = read("after").estate
    assert {estate.states[state] for state in estate.settings.home} == {"US"}
