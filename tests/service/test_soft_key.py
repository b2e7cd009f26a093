"""A passkey in software makes what a relying party's library accepts, and what the gate does; and nothing else does."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.exceptions import InvalidRegistrationResponse

from armslength.gate import Party, PersonId, PersonKey, Rejected, check_assertion, moment
from armslength.service import SoftKey, assertion_document
from tests.service.logs import NOW, seed

ORIGIN, RP_ID = "https://gate.example.com", "example.com"
KEY = SoftKey(seed=seed("ana"), rp_id=RP_ID, origin=ORIGIN)
CHALLENGE = seed("challenge")
PARTY = Party(rp_id=RP_ID, origins=(ORIGIN,))


def enrolled(key: SoftKey = KEY) -> PersonKey:
    return PersonKey(
        credential=key.credential,
        public_key=key.public_key,
        person=PersonId("ana"),
        voucher=None,
        made=moment(NOW),
    )


def test_a_registration_is_one_of_web_authentication() -> None:
    """Nobody could try the demo, or the tests would prove nothing of real passkeys."""
    document = json.dumps(KEY.register(CHALLENGE).document())
    verified = verify_registration_response(
        credential=document,
        expected_challenge=CHALLENGE,
        expected_rp_id=RP_ID,
        expected_origin=ORIGIN,
        require_user_verification=True,
    )
    assert (verified.credential_id, verified.credential_public_key) == (KEY.credential, KEY.public_key)
    assert verified.user_verified
    assert verified.sign_count == 0


@pytest.mark.parametrize("wrong", ["challenge", "origin", "domain", "unverified"])
def test_a_registration_for_something_else_is_refused(wrong: str) -> None:
    """The check above would hold for anything."""
    made = KEY.register(CHALLENGE, verified=wrong != "unverified")
    with pytest.raises(InvalidRegistrationResponse):
        verify_registration_response(
            credential=json.dumps(made.document()),
            expected_challenge=seed("other") if wrong == "challenge" else CHALLENGE,
            expected_rp_id="gate.example.com" if wrong == "domain" else RP_ID,
            expected_origin="https://evil.example.com" if wrong == "origin" else ORIGIN,
            require_user_verification=True,
        )


def test_the_gate_takes_its_signature() -> None:
    """The demo's people could not approve."""
    check_assertion(KEY.sign(CHALLENGE), enrolled(), CHALLENGE, PARTY)


def test_a_browser_would_write_it_so() -> None:
    """The console reads what browsers send, and would not read the demo's."""
    verified = verify_authentication_response(
        credential=json.dumps(assertion_document(KEY.sign(CHALLENGE))),
        expected_challenge=CHALLENGE,
        expected_rp_id=RP_ID,
        expected_origin=ORIGIN,
        credential_public_key=KEY.public_key,
        credential_current_sign_count=0,
        require_user_verification=True,
    )
    assert verified.credential_id == KEY.credential


@pytest.mark.parametrize(
    "wrong", ["challenge", "origin", "domain", "unverified", "another's key", "one bit of the signature"]
)
def test_the_gate_takes_no_other_signature(wrong: str) -> None:
    """Tests with this key would pass whatever a gate checks."""
    key = {
        "origin": replace(KEY, origin="https://evil.example.com"),
        "domain": replace(KEY, rp_id="gate.example.com"),
    }.get(wrong, KEY)
    signed = key.sign(seed("other") if wrong == "challenge" else CHALLENGE, verified=wrong != "unverified")
    if wrong == "one bit of the signature":
        signed = replace(signed, signature=signed.signature[:-1] + bytes([signed.signature[-1] ^ 1]))
    known = enrolled()
    if wrong == "another's key":
        known = replace(known, public_key=replace(KEY, seed=seed("bo")).public_key)
    with pytest.raises(Rejected):
        check_assertion(signed, known, CHALLENGE, PARTY)


def test_each_seed_is_a_key_of_its_own_and_always_the_same() -> None:
    """Two people of the demo would be one, or lose their keys when it is started again."""
    keys = [SoftKey(seed=seed(str(number)), rp_id=RP_ID, origin=ORIGIN) for number in range(20)]
    assert len({key.credential for key in keys}) == len({key.public_key for key in keys}) == 20
    assert SoftKey(seed=seed("3"), rp_id=RP_ID, origin=ORIGIN).public_key == keys[3].public_key
    with pytest.raises(ValueError, match="a seed of 31 bytes, expected 32"):
        SoftKey(seed=bytes(31), rp_id=RP_ID, origin=ORIGIN)


def test_nothing_shows_the_private_key() -> None:
    """It would stand in a test's output, or in the demo's log."""
    assert seed("ana").hex() not in repr(KEY)
    assert repr(seed("ana")) not in repr(KEY)


def test_signatures_are_of_p_256() -> None:
    """Another curve is what fewer relying parties take."""
    point = ec.EllipticCurvePublicNumbers(
        x=int.from_bytes(KEY.public_key[10:42], "big"),
        y=int.from_bytes(KEY.public_key[45:77], "big"),
        curve=ec.SECP256R1(),
    )
    signed = KEY.sign(CHALLENGE)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(signed.client_data)
    point.public_key().verify(
        signed.signature, signed.authenticator_data + digest.finalize(), ec.ECDSA(hashes.SHA256())
    )
