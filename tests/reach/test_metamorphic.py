"""What must hold of the engine whatever the right lengths are, and the cases worked out by hand."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armslength.estate import parse
from armslength.reach import Exact, Question, reach
from tests.oracle.case import Case, Row
from tests.oracle.estates import AT, cases
from tests.oracle.sketch import example_one, example_two, shared_helper

Pair = tuple[str, str, str]
Found = dict[Pair, tuple[int, tuple[tuple[frozenset[str], int], ...], int | None]]
BEYOND = 99

relation = settings(suppress_health_check=list(HealthCheck))
shuffles = st.randoms(use_true_random=False)


def found(case: Case, cap: int = 3) -> Found:
    """Length (`BEYOND` for null), gaps and floor of every pair."""
    estate = parse(case.files()).estate
    answer = reach(estate, Question(at=AT, cap=cap, everything=True))
    out: Found = {}
    for i in range(len(answer)):
        r = answer.result(i)
        gaps = tuple((frozenset(estate.groups.ids[g] for g in gap.groups), gap.length) for gap in r.gaps)
        length = r.length.length if isinstance(r.length, Exact) else BEYOND
        out[estate.states[r.state], estate.actions[r.action], estate.assets.ids[r.asset]] = length, gaps, r.floor
    return out


def lengths(case: Case, cap: int = 3) -> dict[Pair, int]:
    return {pair: length for pair, (length, _, _) in found(case, cap).items()}


def plain(case: Case) -> Case:
    """Without Cedar, and without floors, which raise caps."""
    return replace(case, policy="", settings={k: v for k, v in case.settings.items() if k != "floor"})


def with_rows(case: Case, table: str, rows: list[Row]) -> Case:
    return replace(case, tables={**case.tables, table: [*case.rows(table), *rows]})


def no_longer(less: Case, more: Case) -> None:
    before, after = lengths(less), lengths(more)
    assert all(after[pair] <= n for pair, n in before.items())


@relation
@given(cases(), shuffles)
def test_one_grant_less_never_shortens(case: Case, chance: random.Random) -> None:
    """Taking a grant away would seem to hand a state something; giving one would seem to protect."""
    more = plain(case)
    grants = more.rows("grants")
    n = chance.randrange(len(grants))
    # The actions and groups asked about must stay known.
    less = replace(more, tables={**more.tables, "grants": grants[:n] + grants[n + 1 :]})
    before, after = lengths(less), lengths(more)
    assert all(after[pair] <= length for pair, length in before.items())


@relation
@given(cases(), shuffles)
def test_one_standing_grant_more_never_lengthens(case: Case, chance: random.Random) -> None:
    """As above, with a grant that needs nobody else."""
    less = plain(case)
    people, assets = less.rows("people"), less.rows("assets")
    given_now = {
        "holder": f"person:{chance.choice(people)['id']}",
        "action": chance.choice(("read", "operate")),
        "target": f"asset:{chance.choice(assets)['id']}",
    }
    no_longer(less, with_rows(less, "grants", [given_now]))


@relation
@given(cases(), shuffles)
def test_one_membership_more_never_lengthens(case: Case, chance: random.Random) -> None:
    """Putting somebody into a group would seem to protect what the group holds."""
    less = plain(case)
    groups = sorted({row["group"] for row in less.rows("groups")})
    if not groups:
        return
    member = chance.choice([f"person:{row['id']}" for row in less.rows("people")] + [f"group:{g}" for g in groups])
    no_longer(less, with_rows(less, "groups", [{"group": chance.choice(groups), "member": member}]))


@relation
@given(cases(), shuffles)
def test_one_person_more_never_lengthens(case: Case, chance: random.Random) -> None:
    """Hiring somebody, compelled or not, would seem to protect."""
    less = plain(case)
    twin = {**chance.choice(less.rows("people")), "id": "newcomer"}
    no_longer(less, with_rows(less, "people", [twin]))


def renamed(case: Case, names: dict[str, str], refs: dict[str, str]) -> Case:
    """Every bare id and typed reference replaced, in tables, settings and nothing else."""

    def cell(column: str, text: str) -> str:
        if column in ("holder", "target", "member", "approvers", "of"):
            kind, _, name = text.partition(":")
            return f"{kind}:{refs.get(text, name)}" if name else text
        return names.get(f"{column} {text}", text)

    def value(key: str, inside: Any) -> Any:
        match inside:
            case dict():
                return {names.get(f"terms {k}", k) if key == "terms" else k: value(k, v) for k, v in inside.items()}
            case list():
                return [value(key, item) for item in inside]
            case str():
                return cell(key, inside)
            case _:
                return inside

    tables = {
        table: [{c: cell({"id": f"{table}.id"}.get(c, c), v) for c, v in row.items()} for row in rows]
        for table, rows in case.tables.items()
    }
    return replace(case, tables=tables, settings={k: value(k, v) for k, v in case.settings.items()})


@relation
@given(cases(), shuffles)
def test_renaming_everything_changes_nothing(case: Case, chance: random.Random) -> None:
    """An id would decide who counts."""
    case = replace(case, policy="")
    kinds = {
        "person": ("people", {r["id"] for r in case.rows("people")}, ("people.id", "person")),
        "group": ("groups", {r["group"] for r in case.rows("groups") + case.rows("unknown")}, ("group",)),
        "asset": ("assets", {r["id"] for r in case.rows("assets")}, ("assets.id", "within", "key", "gate")),
        "class": ("classes", {r.get("class", "") for r in case.rows("assets")} - {""}, ("class",)),
        "terms": ("terms", set(case.settings.get("terms", {})), ("terms",)),
        "entity": ("entities", {r["id"] for r in case.rows("entities")}, ("entities.id", "entity", "parent")),
        "unit": ("units", {r.get("unit", "") for r in case.rows("people")} - {""}, ("unit",)),
    }
    names: dict[str, str] = {}
    refs: dict[str, str] = {}
    back: dict[tuple[str, str], str] = {}
    for kind, (_, old, columns) in kinds.items():
        new = [f"n{n}" for n in range(len(old))]
        chance.shuffle(new)
        for was, now in zip(sorted(old), new, strict=True):
            names |= {f"{column} {was}": now for column in columns}
            refs[f"{kind}:{was}"] = now
            back[kind, now] = was
    after = {
        (s, a, back["asset", t]): (n, tuple((frozenset(back["group", g] for g in gs), m) for gs, m in gaps), floor)
        for (s, a, t), (n, gaps, floor) in found(renamed(case, names, refs)).items()
    }
    assert after == found(case)


@relation
@given(cases(), shuffles)
def test_the_order_of_rows_changes_nothing(case: Case, chance: random.Random) -> None:
    """The same export, sorted differently, would be another answer."""
    tables = {name: chance.sample(rows, len(rows)) for name, rows in case.tables.items()}
    assert found(replace(case, tables=tables)) == found(case)


@relation
@given(cases(), shuffles)
def test_gate_only_keys_change_nothing(case: Case, chance: random.Random) -> None:
    """Reach would rest on limits that only the gate can keep."""
    extra = {"line": "apart", "uses": 1, "customers": 2, "customer": chance.choice(("approve", "veto")), "minutes": 5}
    terms = {
        r: {**body, **{k: v for k, v in extra.items() if chance.random() < 0.6}}
        for r, body in case.settings.get("terms", {}).items()
    }
    assert found(replace(case, settings={**case.settings, "terms": terms})) == found(case)


@relation
@given(cases(), st.integers(1, 3))
def test_what_only_quorums_apart_can_do_needs_as_many_outsiders(case: Case, apart: int) -> None:
    """The guarantee that the whole gate rests on would not hold."""
    names = sorted(case.settings.get("terms", {}))
    if not names:
        return
    terms = {r: {**body, "apart": apart} for r, body in case.settings["terms"].items()}
    grants = [
        {**row, "terms": row.get("terms") or names[0]}
        for row in case.rows("grants")
        if row["action"] not in ("operate", "enroll", "assume", "amend")
    ]
    assets = [{c: v for c, v in row.items() if c != "hosted_in"} for row in case.rows("assets")]
    quorums = replace(
        plain(case),
        tables={**case.tables, "grants": grants, "assets": assets},
        settings={k: v for k, v in {**case.settings, "terms": terms}.items() if k not in ("floor", "gate")},
    )
    estate = parse(quorums.files()).estate
    home = {estate.states[s] for s in estate.settings.home}
    for pair, (length, gaps, _) in found(quorums).items():
        if pair[0] not in home:
            assert length >= apart, pair
            assert all(n >= apart for _, n in gaps), pair


def of(case: Callable[[], Case] | Case, state: str, action: str, asset: str) -> int:
    return lengths(case() if callable(case) else case)[state, action, asset]


@pytest.mark.parametrize(
    ("case", "state", "expected"),
    [
        (example_one(terms=False), "CN", 1),
        (example_one(terms=False), "US", 0),
        (example_one(terms=True), "CN", 3),
        (example_one(terms=True), "US", 2),
        (example_two(apart=1), "CN", 1),
        (example_two(apart=2), "CN", 2),
    ],
)
def test_the_worked_examples_of_the_definition(case: Case, state: str, expected: int) -> None:
    """Whoever learns the definition by its examples would get other numbers from the tool."""
    assert of(case, state, "terminate", "meetings-us") == expected


def test_a_person_who_serves_twice_is_counted_once() -> None:
    """Adding up what each approver costs says two; one deceived help desk is enough."""
    assert of(shared_helper, "CN", "read", "t") == 1
