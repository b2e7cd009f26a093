"""A lease that is spent: nothing more is opened by it, and what its last use opened can be taken away."""

from __future__ import annotations

from pathlib import Path

import pytest

from armslength.gate import Conflict, LeaseState, Over, PersonId, Rejected, Taken, Why
from armslength.service import Gate, Redeemed, Unavailable
from tests.service.gates import MEETINGS, leased, small_gate, use


def spent(gate: Gate, *names: str) -> LeaseState:
    lease = leased(gate, "export", MEETINGS, by="di")
    for name in names or ("one", "two"):
        assert isinstance(use(gate, name, "export"), Redeemed)
    found = gate.lease(lease.terms.id)
    assert isinstance(found.status, Over) and found.spent
    return found


def test_a_spent_lease_can_be_revoked_while_its_time_runs(tmp_path: Path) -> None:
    """What its last use opened would go on to the end, whatever comes out."""
    made = small_gate(tmp_path / "gate")
    with made.running() as gate:
        lease = spent(gate)
        id = lease.terms.id
        assert gate.stands(id) is None
        with pytest.raises(Rejected, match="revoked by those"):
            gate.revoke(id, PersonId("hal"), "a doubt")
        gate.revoke(id, PersonId("di"), "a doubt")
        assert isinstance(gate.lease(id).status, Taken)
        stands = gate.stands(id)
        assert stands is not None and stands.why is Why.REVOKED
        with pytest.raises(Conflict, match="over"):
            gate.revoke(id, PersonId("di"), "again")
        with pytest.raises(Conflict, match="over"):
            gate.give_back(id, PersonId("bo"))
        later = spent(gate, "three", "four")
        made.clock.now += 3600
        stands = gate.stands(later.terms.id)
        assert stands is not None and stands.why is Why.EXPIRED
        with pytest.raises(Conflict, match="over"):
            gate.revoke(later.terms.id, PersonId("di"), "too late")
    with made.running() as gate:  # read again from the ledger
        assert isinstance(gate.lease(id).status, Taken)


def test_what_a_spent_lease_opened_ends_when_the_lease_would_not_be_given_any_more(tmp_path: Path) -> None:
    """Whoever approved it would lose their passkey to a thief, and what the thief opened would go on."""
    made = small_gate(tmp_path / "gate")
    with made.running() as gate:
        lease = spent(gate)
        (key,) = gate.state.keys_of(PersonId("di"))
        gate.revoke_key(key.key.credential, PersonId("di"), "lost")
        stands = gate.stands(lease.terms.id)
        assert stands is not None and stands.why is Why.REVOKED


def test_a_revocation_that_cannot_be_recorded_holds_at_once_and_is_recorded_later(tmp_path: Path) -> None:
    """A full disk would keep what was taken away open."""
    made = small_gate(tmp_path / "gate")
    with made.running() as gate:
        lease = spent(gate)
        id = lease.terms.id
        record, failing = gate._office.record, True

        def full(*given: object, **more: object) -> object:
            if failing:
                raise Unavailable(Why.LEDGER, "the disk is full")
            return record(*given, **more)  # type: ignore[arg-type]

        gate._office.record = full  # type: ignore[method-assign,assignment]
        with pytest.raises(Unavailable):
            gate.revoke(id, PersonId("di"), "a doubt")
        stands = gate.stands(id)
        assert stands is not None and stands.why is Why.REVOKED
        failing = False
        gate.tick()
        assert isinstance(gate.lease(id).status, Taken)
