"""Passkeys: from a link to a second person's signature, and the end of one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from armslength.gate import Conflict, PersonId, Rejected, Taken, Target
from armslength.service import HOST, Gate, SoftKey, check_gate
from tests.service.gates import (
    URL,
    TestGate,
    approve,
    asked,
    crashed,
    enrol,
    key_of,
    leased,
    settings,
    sign,
    small_gate,
)
from tests.service.logs import seed

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


class Renamed(SoftKey):
    """The same authenticator, which says that its passkey has another id."""

    @property
    def credential(self) -> bytes:
        return b"other" * 6


def test_one_authenticator_is_not_two_people(made: TestGate, tmp_path: Path) -> None:
    """One person's key, enrolled for another as well, would be a quorum of two."""
    key = Renamed(seed=seed("di 0"), rp_id="gate.example.com", origin=URL)
    assert key.public_key == key_of("di").public_key and key.credential != key_of("di").credential
    with made.running() as gate:
        token = gate.invite(PersonId("ed"))
        registration = key.register(gate.begin_enrolment(token).challenge).document()
        with pytest.raises(Conflict, match="enrolled before"):
            gate.finish_enrolment(token, registration)
    # Two that wait at once: whoever comes second is too late, founding or vouched for.
    for founding in (True, False):
        other = small_gate(tmp_path / f"founding {founding}")
        with other.running() as gate:
            keys = (key_of("di", 5), Renamed(seed=seed("di 5"), rp_id="gate.example.com", origin=URL))
            ids = []
            for person, each in zip(("di", "ed"), keys, strict=True):
                token = gate.invite(PersonId(person))
                document = each.register(gate.begin_enrolment(token).challenge).document()
                ids.append(gate.finish_enrolment(token, document).id)
            if not founding:
                asked(gate)

            def count(id: str, gate: Gate = gate, founding: bool = founding) -> None:
                if founding:
                    gate.found(id)
                else:
                    gate.vouch(id, PersonId("pat"), key_of("pat").sign(gate.enrolment(id).challenge()))

            count(ids[0])
            position = gate.state.position
            with pytest.raises(Conflict, match="the same public key"):
                count(ids[1])
            assert gate.state.position == position and ids[1] not in gate.state.keys


def test_a_passkey_waits_no_longer_than_it_was_made_for(made: TestGate) -> None:
    """An administrator of the database would have one counted that its person gave up long ago."""
    with made.running() as gate:
        id = enrol(gate, "bo", 7)
        made.clock.now += 7 * DAY - 1
        assert [each.id for each in gate.pending_keys()] == [id] and gate.enrolment(id).person == "bo"
        with made.administrator() as db:
            db.execute("UPDATE rows SET due=? WHERE kind='pending-key'", (10**11,))
        made.clock.now += 1
        assert gate.pending_keys() == ()
        with pytest.raises(Rejected, match="no longer"):
            gate.enrolment(id)


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


def vouched(gate: Gate, person: str, number: int, by: str, with_key: int = 0) -> bytes:
    """A passkey of theirs that somebody vouched for; gives its id."""
    id = enrol(gate, person, number)
    gate.vouch(id, PersonId(by), key_of(by, with_key).sign(gate.enrolment(id).challenge()))
    return key_of(person, number).credential


def counts(gate: Gate, credential: bytes) -> bool:
    state = gate.state.key(credential)
    return state is not None and state.revoked is None


def alarms(gate: Gate) -> list[str]:
    """What everybody who looks after the gate is told."""
    with gate.database.reading() as tables:
        found = tables.outbox.newest(person=None, limit=1000)
    return [json.loads(each.body)["says"] for each in found if each.kind == "alarm"]


def test_what_a_stolen_passkey_vouched_for_goes_with_it(made: TestGate) -> None:
    """Its thief would have made passkeys with it, which are not stolen from anybody and would count for ever."""
    with made.running() as gate:
        asked(gate)
        old = vouched(gate, "ed", 1, "pat")
        made.clock.now += 30 * DAY
        mine = vouched(gate, "pat", 1, "pia")
        for_di = vouched(gate, "di", 1, "pat")
        for_pia = vouched(gate, "pia", 1, "pat")
        onwards = vouched(gate, "cy", 1, "pia", with_key=1)
        other = vouched(gate, "gus", 1, "pat", with_key=1)
        by_pia = vouched(gate, "fay", 1, "pia")
        waiting = asked(gate, "export").request.id
        gate.approve(waiting, PersonId("di"), sign(gate, waiting, "di", 1))
        lease = gate.leases()[0]
        assert lease.live
        answer = gate.revoke_key(key_of("pat").credential, PersonId("pat"), "stolen")
        assert {each.key.credential for each in answer.gone} == {for_di, for_pia, onwards}
        assert [each.key.credential for each in answer.doubtful] == [old]
        for credential in (for_di, for_pia, onwards):
            assert not counts(gate, credential)
        for credential in (old, mine, other, by_pia, key_of("di").credential):
            assert counts(gate, credential), "another passkey vouched for it, or long before"
        assert not gate.lease(lease.terms.id).live, "the thief's passkey approved it"
        (says,) = alarms(gate)
        assert "cy, di, pia" in says and says.endswith("whether they should: ed")
        again = enrol(gate, "di", 2)
        gate.vouch(again, PersonId("pia"), key_of("pia").sign(gate.enrolment(again).challenge()))
        assert counts(gate, key_of("di", 2).credential), "a new one, vouched for by somebody else"
    assert check_gate(made.path).findings == ()


def test_what_goes_with_a_passkey_goes_after_a_crash(made: TestGate) -> None:
    """The thief's own passkey would outlive the revocation because the machine failed in the middle of it."""

    def prepare(gate: Gate) -> None:
        asked(gate)
        vouched(gate, "di", 1, "pat")
        vouched(gate, "pia", 1, "pat")
        vouched(gate, "cy", 1, "pia", with_key=1)

    with made.running() as gate:
        prepare(gate)
    for at in range(40):
        copy = made.copied(made.path.parent / f"crash {at}")
        ended = crashed(copy, at, lambda gate: gate.revoke_key(key_of("pat").credential, PersonId("pat"), "stolen"))
        with copy.running() as gate:
            gate.tick()
            gone = not counts(gate, key_of("pat").credential)
            for person in ("di", "pia", "cy"):
                assert counts(gate, key_of(person, 1).credential) is not gone, (at, ended, person)
            if gone:
                assert any("cy, di, pia" in each for each in alarms(gate)), (
                    "all of it was told before any of it was done"
                )
        assert check_gate(copy.path).findings == ()
        if ended is None:
            break
    else:
        raise AssertionError("it has more steps than were tried")


def test_a_revoked_passkey_signs_its_person_out(made: TestGate) -> None:
    """Whoever holds the stolen device would stay signed in for as long as its person has another passkey."""
    with made.running() as gate:
        asked(gate)
        vouched(gate, "di", 1, "pat")
        now = int(made.clock.now)
        with gate.database.writing() as tables:
            for person in ("di", "ed"):
                tables.sessions.create(seed(person), person, now=now, idle=1800, ends=now + 9999)
        gate.revoke_key(key_of("di").credential, PersonId("di"), "stolen")
        with gate.database.reading() as tables:
            assert tables.sessions.of("di", now=now) == () and len(tables.sessions.of("ed", now=now)) == 1


def test_passkeys_are_for_one_gate(tmp_path: Path) -> None:
    """Another page that asks for a signature must not get one that counts here."""
    made = small_gate(tmp_path / "gate", url="https://gate.example.com")
    with made.running() as gate:
        assert gate.party.rp_id == "gate.example.com" == settings().domain
        id = asked(gate).request.id
        elsewhere = type(key_of("di"))(seed=key_of("di").seed, rp_id="gate.example.com", origin="https://evil.example")
        with pytest.raises(Rejected, match="does not hold"):
            gate.approve(id, PersonId("di"), elsewhere.sign(gate.request(id).request.challenge()))
