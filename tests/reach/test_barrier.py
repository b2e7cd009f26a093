"""Barriers: what keeps a state from what it does not have by itself."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from armslength.estate import Estate, parse
from armslength.reach import (
    Barrier,
    Binding,
    KeyElsewhere,
    NobodyHolds,
    NobodyIn,
    OutOfReach,
    Question,
    Reach,
    Row,
    ThroughTerms,
    barriers,
    reach,
)
from armslength.report import holds
from tests.oracle.case import Case
from tests.oracle.estates import AT, cases

FIRM = Case(
    tables={
        "people": [
            {"id": "ana", "unit": "liaison", "workplace": "CN"},
            {"id": "bo", "unit": "ops", "workplace": "US"},
            {"id": "cy", "unit": "ops", "workplace": "CN"},
            {"id": "di", "unit": "ops", "workplace": "CN"},
        ],
        "groups": [
            {"group": "ops", "member": "person:bo"},
            {"group": "office", "member": "person:ana"},
            {"group": "office", "member": "person:cy"},
            {"group": "office", "member": "person:di"},
            {"group": "lawyers", "member": "person:bo"},
        ],
        "assets": [{"id": "t"}, {"id": "vault", "hosted_in": "CN", "key": "k"}, {"id": "k"}],
        "unknown": [{"group": "ghosts"}],
        "grants": [],
    },
    settings={
        "terms": {
            "apart": {"approvals": 1, "approvers": "group:office", "apart": 2},
            "many": {"approvals": 3, "approvers": "group:office"},
            "outside": {"approvals": 1, "approvers": "group:ops"},
            "units": {"approvals": 2, "approvers": "group:office", "distinct": ["unit"]},
            "legal": {
                "approvals": 1,
                "approvers": "everyone",
                "from": [{"of": "group:lawyers", "count": 1}],
            },
        }
    },
)


def asked(case: Case, state: str, asset: str = "t") -> tuple[Estate, Reach]:
    estate = parse(case.files()).estate
    one = Question(
        at=AT,
        everything=True,
        states=frozenset({estate.states.index(state)}),
        actions=frozenset({estate.actions.index("read")}),
        assets=frozenset({estate.assets.ids.index(asset)}),
    )
    return estate, reach(estate, one)


def stopped(*grants: tuple[str, str], state: str = "CN", asset: str = "t") -> tuple[Barrier, ...]:
    """What stops `state` where the firm has these grants (holder, terms) of `read` on the asset, and one on the key."""
    rows = [{"holder": h, "action": "read", "target": f"asset:{asset}", "terms": r} for h, r in grants]
    rows.append({"holder": "person:bo", "action": "read", "target": "asset:k"})
    _, found = asked(Case(tables={**FIRM.tables, "grants": rows}, settings=FIRM.settings), state, asset)
    return barriers(found, 0)


ROW = (Row(file="grants.csv", row=0),)


@pytest.mark.parametrize(
    ("grants", "stops"),
    [
        ([], [NobodyHolds(action="read", asset="t")]),
        ([("group:ops", "")], [OutOfReach(holder="group:ops", people=1, rows=ROW)]),
        ([("person:bo", "")], [OutOfReach(holder="person:bo", people=1, rows=ROW)]),
        ([("group:ghosts", "")], [NobodyIn(holder="group:ghosts", rows=ROW)]),
        ([("group:office", "apart")], [ThroughTerms(terms="apart", why=Binding.APART, outsiders=4, rows=ROW)]),
        ([("group:ops", "many")], [ThroughTerms(terms="many", why=Binding.REQUESTER, outsiders=1, rows=ROW)]),
        (
            [("group:office", "many")],
            [ThroughTerms(terms="many", why=Binding.APPROVALS, outsiders=4, able=3, rows=ROW)],
        ),
        (
            [("group:office", "outside")],
            [ThroughTerms(terms="outside", why=Binding.APPROVALS, outsiders=1, able=1, rows=ROW)],
        ),
        (
            [("group:office", "units")],
            [ThroughTerms(terms="units", why=Binding.DISTINCT, outsiders=4, able=2, rows=ROW)],
        ),
        ([("group:office", "legal")], [ThroughTerms(terms="legal", why=Binding.PLACES, outsiders=1, able=1, rows=ROW)]),
    ],
)
def test_the_condition_that_fails_is_named(grants: list[tuple[str, str]], stops: list[Barrier]) -> None:
    """Whoever is told the wrong reason strengthens the wrong thing, or takes the right one away."""
    assert list(stopped(*grants)) == stops


def test_a_key_elsewhere_is_told() -> None:
    """The host looks harmless until somebody moves the key."""
    assert stopped(asset="vault") == (KeyElsewhere(asset="vault", key="k"),)


def test_grants_that_stop_it_alike_stand_together() -> None:
    """A hundred rows with the same terms are one reason."""
    rows = (Row(file="grants.csv", row=0), Row(file="grants.csv", row=1))
    assert stopped(("group:office", "apart"), ("group:office", "apart")) == (
        ThroughTerms(terms="apart", why=Binding.APART, outsiders=4, rows=rows),
    )


def test_nothing_stops_what_a_state_has_by_itself() -> None:
    """A barrier that is told and is none would be relied upon."""
    assert stopped(("group:office", "")) == ()


@settings(suppress_health_check=list(HealthCheck))
@given(cases())
def test_every_length_above_zero_has_its_barriers_and_they_agree_with_it(case: Case) -> None:
    """A reason that does not fit the number makes both worthless."""
    estate = parse(case.files()).estate
    found = reach(estate, Question(at=AT, everything=True))
    for i in range(len(found)):
        stops = barriers(found, i)
        least = int(found.at_least[i])
        assert bool(stops) == (least != 0)
        if stops:
            assert len(holds(estate, int(found.state[i]), stops)) == len(stops)
        if any(isinstance(stop, OutOfReach) for stop in stops):
            # One of the holders is enough: all of them stand outside.
            assert least == 1
