"""A customer's records are erased: what nobody can read gives nothing back, and nobody else's work ends by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from armslength.gate import (
    Conflict,
    LeaseId,
    Live,
    PersonId,
    Refused,
    Rejected,
    Taken,
    Unreadable,
    Waiting,
    verify_revocations,
)
from armslength.ledger import Json, Kind
from armslength.service import Gate, Redeemed, check_gate, read_records
from armslength.store import read_ledger_folder
from tests.service.gates import MEETINGS, RECORDINGS, TestGate, approve, asked, enrol, leased, small_gate, use
from tests.service.ledgers import erasure, record


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


def erase(made: TestGate, customer: str, scope: Json = "everything") -> None:
    """As `armslength ledger erase` does, which needs the ledger to itself."""
    record(made.path / "ledger", erasure(f"{customer} {scope}", customer, scope))


def sequence(made: TestGate, kind: Kind, lease: LeaseId) -> int:
    """Of the record of this kind that names the lease, in the log of its customer."""
    for each in read_records(read_ledger_folder(made.path / "ledger")):
        if each.record.kind is kind and (each.fields or {}).get("lease") == lease:
            return each.record.sequence
    raise AssertionError(f"no {kind} of {lease}")


def without_snapshot(made: TestGate) -> None:
    with made.administrator() as db:
        db.execute("DELETE FROM snapshot")


def listed(gate: Gate) -> frozenset[LeaseId]:
    return verify_revocations(gate.revocations(), gate._leasing.publics()).revoked


@pytest.mark.parametrize("snapshot", [True, False])
def test_what_an_erased_customer_gave_ends_and_nothing_else(made: TestGate, snapshot: bool) -> None:
    """A lease that nobody can look up would go on opening their data; or everybody else's work would stop."""
    with made.running() as gate:
        theirs = leased(gate, "end", MEETINGS, "acme").terms.id
        others = leased(gate, "end", MEETINGS, "bolt").terms.id
        free = leased(gate, "restart", MEETINGS, by="di").terms.id
        counted = leased(gate, "read", RECORDINGS, by="gus").terms.id
        taken = leased(gate, "export", MEETINGS, "bolt", by="di").terms.id
        gate.revoke(taken, PersonId("di"), "a mistake")
        waits = asked(gate, "export", MEETINGS, "acme").request.id
        goes_on = asked(gate, "export", MEETINGS, "zed").request.id
    erase(made, "acme")
    if not snapshot:
        without_snapshot(made)
    for _ in range(2):
        with made.running() as gate:
            assert theirs in listed(gate) and isinstance(use(gate, "theirs", "end", MEETINGS, "acme"), Refused)
            with pytest.raises((Conflict, Rejected)):
                gate.token(theirs)
            for id in (others, free, counted):
                assert isinstance(gate.lease(id).status, Live), id
                assert isinstance(gate.token(id), str)
            assert isinstance(gate.lease(taken).status, Taken) and taken in listed(gate)
            request = gate.state.requests.get(waits)
            assert request is None if not snapshot else isinstance(request.status, Unreadable)  # type: ignore[union-attr]
            assert isinstance(gate.request(goes_on).status, Waiting)
            assert isinstance(use(gate, "others", "end", MEETINGS, "bolt"), Redeemed)


@pytest.mark.parametrize("kind", [Kind.REVOCATION, Kind.LEASE_END])
def test_an_end_that_was_erased_gives_nothing_back(made: TestGate, kind: Kind) -> None:
    """Whoever lost a lease would have its end erased, and the snapshot taken away."""
    with made.running() as gate:
        gone = leased(gate, "end", MEETINGS, "acme").terms.id
        alike = leased(gate, "export", MEETINGS, "acme", by="di").terms.id
        others = leased(gate, "end", MEETINGS, "bolt").terms.id
        named_at_use = leased(gate, "read", RECORDINGS, by="gus").terms.id
        if kind is Kind.REVOCATION:
            gate.revoke(gone, PersonId("di"), "a mistake")
        else:
            gate.give_back(gone, PersonId("bo"))
    erase(made, "acme", [{"sequence": sequence(made, kind, gone)}])
    without_snapshot(made)
    with made.running() as gate:
        for id in (gone, alike, named_at_use):  # any of them may have been meant
            assert isinstance(gate.lease(id).status, Unreadable) and id in listed(gate)
        assert gate.lease(others).live and isinstance(use(gate, "others", "end", MEETINGS, "bolt"), Redeemed)


def test_a_lease_of_which_nothing_is_left_is_told_of_until_it_is_over(made: TestGate) -> None:
    """Its token verifies as before."""
    with made.running() as gate:
        gone = leased(gate, "end", MEETINGS, "acme").terms.id
        others = leased(gate, "restart", MEETINGS, by="di").terms.id
    erase(made, "acme", [{"sequence": sequence(made, Kind.LEASE, gone)}])
    without_snapshot(made)
    for _ in range(2):  # the second time from the snapshot
        with made.running() as gate:
            assert gone not in gate.state.leases and gone in listed(gate)
            assert not isinstance(gate.lease(others).status, Unreadable)
            assert not [each for each in gate.requests() if each.waiting], "no second lease of the same approvals"
            made.clock.now += 90 * 86_400
            gate.tick()
    made.clock.now += 300 * 86_400
    with made.running() as gate:
        assert gone not in listed(gate)


def test_the_founding_stays_over_when_all_requests_are_erased(made: TestGate) -> None:
    """A passkey would count without a second person."""
    with made.running() as gate:
        approve(gate, asked(gate, "end", MEETINGS, "acme").request.id, "di")
    erase(made, "acme")
    without_snapshot(made)
    with made.running() as gate:
        assert gate.state.founded
        with pytest.raises(Conflict, match="needs a voucher"):
            gate.found(enrol(gate, "di", 9))
    assert check_gate(made.path).findings == ()


def test_erasing_a_field_that_only_customers_read_ends_nothing(made: TestGate) -> None:
    """Whoever may not read the purpose of a request any more would stop the work as well."""
    with made.running() as gate:
        id = leased(gate, "end", MEETINGS, "acme").terms.id
    at = sequence(made, Kind.LEASE, id)
    erase(made, "acme", [{"labels": ["approvers"], "sequence": at}])
    with made.running() as gate:
        assert gate.lease(id).live
    erase(made, "acme", [{"labels": ["firm_event"], "sequence": at}])
    with made.running() as gate:
        assert isinstance(gate.lease(id).status, Unreadable)
