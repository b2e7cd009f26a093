"""Passkeys: from a link to a second person's signature, and the end of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from armslength.gate import Conflict, PersonId, Rejected, Taken, Target
from armslength.service import HOST, check_gate
from tests.service.gates import TestGate, approve, asked, enrol, key_of, leased, settings, sign, small_gate

DAY = 86_400


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


def test_a_second_person_vouches_for_a_passkey(made: TestGate) -> None:
    """Whoever can enrol a passkey for somebody acts as them."""
    with made.running() as gate:
        asked(gate)
        id = enrol(gate, "di", 1)
        assert [each.person for each in gate.pending_keys()] == ["di"]
        assert gate.vouchers(PersonId("di")) == ("pat", "pia")
        challenge = gate.enrolment(id).challenge()
        request = asked(gate, "export").request
        with pytest.raises(Rejected):  # with the passkey that waits
            gate.approve(request.id, PersonId("di"), sign(gate, request.id, "di", 1))
        for voucher, problem in {"ana": "may not vouch", "di": "their own key"}.items():
            with pytest.raises(Rejected, match=problem):
                gate.vouch(id, PersonId(voucher), key_of(voucher).sign(challenge))
        with pytest.raises(Rejected, match="does not hold"):
            gate.vouch(id, PersonId("pat"), key_of("pat").sign(request.challenge()))
        with pytest.raises(Rejected, match="not enrolled"):
            gate.vouch(id, PersonId("pat"), key_of("pia").sign(challenge))
        gate.vouch(id, PersonId("pat"), key_of("pat").sign(challenge))
        assert gate.pending_keys() == ()
        with pytest.raises((Rejected, Conflict)):
            gate.vouch(id, PersonId("pia"), key_of("pia").sign(challenge))
        gate.approve(request.id, PersonId("di"), sign(gate, request.id, "di", 1))
    assert check_gate(made.path).findings == ()


def test_a_help_desk_vouches_by_a_lease(made: TestGate) -> None:
    """A reset is a power, and asks for a quorum like any."""
    with made.running() as gate:
        person = Target(type="person", id="bo")
        assert not gate.may_vouch(PersonId("hal"), PersonId("bo"))
        id = enrol(gate, "bo", 1)
        state = asked(gate, "assume", person, who="hal")
        challenge = gate.enrolment(id).challenge()
        with pytest.raises(Rejected, match="may not vouch"):
            gate.vouch(id, PersonId("hal"), key_of("hal").sign(challenge))
        approve(gate, state.request.id, "di")
        assert gate.may_vouch(PersonId("hal"), PersonId("bo"))
        gate.vouch(id, PersonId("hal"), key_of("hal").sign(challenge))
        assert gate.leases()[0].uses == 1
        assert id in gate.state.keys
    assert check_gate(made.path).findings == ()


def test_a_founding_key_needs_no_voucher_only_before_the_first_request(made: TestGate) -> None:
    """Later it would be a way round the second person."""
    with made.running() as gate:
        first = enrol(gate, "ana", 1)
        gate.found(first)
        second = enrol(gate, "ana", 2)
        asked(gate)
        with pytest.raises(Conflict, match="needs a voucher"):
            gate.found(second)


def test_a_link_is_good_once_and_for_a_day(made: TestGate) -> None:
    """Found in a mailbox later, it would make a stranger's passkey."""
    with made.running() as gate:
        token = gate.invite(PersonId("di"))
        soft = key_of("di", 1)
        for forged in (token[:-2] + "AA", "x.y", "", token + "A"):
            with pytest.raises(Rejected):
                gate.begin_enrolment(forged)
        challenge = gate.begin_enrolment(token).challenge
        with pytest.raises(Rejected, match="does not hold"):
            gate.finish_enrolment(token, soft.register(b"0" * 32).document())  # type: ignore[arg-type]
        with pytest.raises(Rejected, match="does not hold"):
            unverified = soft.register(challenge, verified=False)
            gate.finish_enrolment(token, unverified.document())  # type: ignore[arg-type]
        gate.finish_enrolment(token, soft.register(challenge).document())  # type: ignore[arg-type]
        with pytest.raises(Rejected, match="was used"):
            gate.begin_enrolment(token)
        late = gate.invite(PersonId("di"))
        made.clock.now += DAY + 1
        with pytest.raises(Rejected, match="too old"):
            gate.begin_enrolment(late)
        with pytest.raises(Rejected, match="not in the people table"):
            gate.invite(PersonId("nobody"))


def test_a_revoked_passkey_takes_what_it_gave_with_it(made: TestGate) -> None:
    """Nobody knows from when on it was in other hands."""
    with made.running() as gate:
        lease = leased(gate)
        waiting = asked(gate, "export").request.id
        approve_one = gate.approve(waiting, PersonId("gus"), sign(gate, waiting, "gus"))
        lease_by_gus = gate.leases()[0]
        assert not approve_one.waiting and lease_by_gus.live
        other = asked(gate, "end", customers=("acme",)).request.id  # type: ignore[arg-type]
        approve(gate, other, "di")
        with pytest.raises(Rejected, match="revoked by its person"):
            gate.revoke_key(key_of("di").credential, PersonId("bo"), "a mistake")
        gate.revoke_key(key_of("di").credential, PersonId("di"), "lost")
        assert isinstance(gate.lease(lease.terms.id).status, Taken)
        assert gate.lease(lease_by_gus.terms.id).live
        assert gate.request(other).approvers() == ()
        with pytest.raises(Rejected, match="was revoked"):
            approve(gate, other, "di")
        with pytest.raises(Conflict):
            gate.revoke_key(key_of("di").credential, HOST, "again")
        assert "di" not in gate.who_could(other).people
    assert check_gate(made.path).findings == ()


def test_passkeys_are_for_one_gate(tmp_path: Path) -> None:
    """Another page that asks for a signature must not get one that counts here."""
    made = small_gate(tmp_path / "gate", url="https://gate.example.com")
    with made.running() as gate:
        assert gate.party.rp_id == "gate.example.com" == settings().domain
        id = asked(gate).request.id
        elsewhere = type(key_of("di"))(seed=key_of("di").seed, rp_id="gate.example.com", origin="https://evil.example")
        with pytest.raises(Rejected, match="does not hold"):
            gate.approve(id, PersonId("di"), elsewhere.sign(gate.request(id).request.challenge()))
