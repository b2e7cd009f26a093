"""What points beside a database bring: each batch is recorded once, in the records of whom it concerns, and nobody with
a point's secret writes into other people's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from armslength.gate import Ran
from armslength.service import check_gate
from armslength.tlog import format_base64url
from tests.service.gates import MEETINGS, leased
from tests.service.logs import NOW, seed
from tests.web.gated import Served, served

STATEMENTS = "/gate/v1/statements"


@pytest.fixture
def pdp(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as found:
        yield found


def batch(lease: str, name: str = "one", **changed: object) -> dict[str, Any]:
    form: dict[str, Any] = {
        "batch": format_base64url(seed(name)[:16]),
        "lease": lease,
        "customers": ["acme"],
        "source": "postgresql",
        "session": "6b07ba70.1900",
        "first": 1,
        "last": 7,
        "sha256": "ab" * 32,
        "statements": [{"text": "SELECT name FROM app.accounts WHERE id = ?", "times": 2, "failed": 1}],
        "done": NOW + 5,
    }
    return {**form, **changed}


def post(pdp: Served, body: object) -> tuple[int, Any]:
    answer = pdp.send(STATEMENTS, body)
    return answer.status, answer.json


def ran(pdp: Served) -> list[Ran]:
    return [event for event in pdp.recorded() if isinstance(event, Ran)]


def test_a_batch_is_recorded_once_however_often_it_is_sent(pdp: Served) -> None:
    """An answer that was lost would double what the customer reads."""
    lease = leased(pdp.gate, "end", MEETINGS, "acme").terms.id
    for _ in range(3):
        status, answer = post(pdp, {"batches": [batch(lease), batch(lease, "two", first=8, last=9)]})
        assert status == 200 and [set(each) for each in answer["taken"]] == [{"batch"}, {"batch"}]
    found = ran(pdp)
    assert [(each.first, each.last) for each in found] == [(1, 7), (8, 9)]
    assert (found[0].executor, found[0].action, found[0].resource) == ("bo", "end", "asset:meetings-us")
    assert pdp.gate.lease(lease).uses == 0  # the session was the use


def test_what_ran_before_a_revocation_is_recorded_after_it(pdp: Served) -> None:
    """A ledger that turns it away would be a way to hide it."""
    state = leased(pdp.gate, "end", MEETINGS, "acme")
    pdp.gate.revoke(state.terms.id, state.terms.approvers[0], "over")
    status, answer = post(pdp, {"batches": [batch(state.terms.id)]})
    assert status == 200 and answer["taken"] == [{"batch": batch("")["batch"]}] and len(ran(pdp)) == 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"customers": ["beta"]}, "not used for"),
        ({"done": NOW - 31 * 86_400}, "30 days"),
        ({"done": NOW - 3600}, "before the lease"),
        ({"lease": "lease_AAAAAAAAAAAAAAAAAAAAAA"}, "no such lease"),
    ],
)
def test_what_a_point_cannot_have_seen_is_not_recorded(pdp: Served, changed: dict[str, object], says: str) -> None:
    """Whoever has a point's secret would write into anybody's records."""
    lease = leased(pdp.gate, "end", MEETINGS, "acme").terms.id
    status, answer = post(pdp, {"batches": [{**batch(lease), **changed}]})
    assert status == 200 and says in answer["taken"][0]["problem"] and ran(pdp) == []


def test_a_batch_of_a_wrong_form_is_refused_with_every_problem(pdp: Served) -> None:
    lease = leased(pdp.gate, "end", MEETINGS, "acme").terms.id
    wrong = [
        {"first": 0},
        {"last": 0, "first": 3},
        {"sha256": "AB" * 32},
        {"statements": [{"text": "x" * 1001, "times": 1, "failed": 0}]},
        {"statements": [{"text": "x", "times": -1, "failed": 0}]},
        {"statements": [{"text": "x" * 900, "times": 1, "failed": 0}] * 30},
        {"customers": ["b", "a"]},
        {"session": ""},
        {"batch": "short"},
    ]
    for changed in wrong:
        status, _ = post(pdp, {"batches": [batch(lease, **changed)]})
        assert status == 400, changed
    assert ran(pdp) == []


def test_a_gate_with_statements_is_verified_and_starts_again(pdp: Served) -> None:
    """A record that no start can read would stop the gate for ever."""
    lease = leased(pdp.gate, "end", MEETINGS, "acme").terms.id
    post(pdp, {"batches": [batch(lease)]})
    pdp.gate.close()
    assert check_gate(pdp.made.path).findings == ()
    with pdp.made.running() as gate:
        assert len(gate.live()) == 1
