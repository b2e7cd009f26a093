"""An approval: somebody's own key, over exactly this request, with the evidence before them."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.gate import (
    Approval,
    ApprovalId,
    Approved,
    Assertion,
    PersonId,
    Rejected,
    Request,
    check_approval,
    check_assertion,
    moment,
    new_id,
    parse_approval,
    parse_assertion,
)
from armslength.tlog import Json
from tests.gate.passkeys import PARTY, PRESENT, VERIFIED, Passkey
from tests.gate.stories import CY, DEE, DOCUMENT, EXPIRES, MADE, a_request, chance, request_id


def approval(of: Request, passkey: Passkey = CY, **changed: Any) -> Approval:
    members: dict[str, Any] = {
        "id": ApprovalId(new_id("appr", chance("a"))),
        "request": of.id,
        "approver": PersonId("cy"),
        "assertion": passkey.sign(of.challenge()),
        "opened": (DOCUMENT.digest,),
        "at": moment(MADE + 10),
    }
    return Approval(**{**members, **changed})


def test_an_approval_of_exactly_this_request_is_taken() -> None:
    """Nobody could approve anything."""
    check_approval(approval(a_request()), a_request(), CY.key(), PARTY)


def test_a_changed_byte_voids_the_approval() -> None:
    """Approvers would have signed something else."""
    given = approval(a_request())
    with pytest.raises(Rejected, match="passkey's signature does not hold"):
        check_approval(given, a_request(purpose="a court asks for them!"), CY.key(), PARTY)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"request": request_id("other")}, "is for req_"),
        ({"approver": PersonId("dee")}, "names another person"),
        ({"at": moment(MADE - 1)}, "not made while the request was open"),
        ({"at": moment(EXPIRES)}, "not made while the request was open"),
        ({"opened": ()}, "evidence was not opened: 1 of 1"),
        ({"opened": (bytes(32),)}, "evidence was not opened: 1 of 1"),
    ],
)
def test_an_approval_that_is_not_of_this_request_is_refused(changed: dict[str, Any], problem: str) -> None:
    """A yes to something else would be counted here."""
    with pytest.raises(Rejected, match=problem):
        check_approval(approval(a_request(), **changed), a_request(), CY.key(), PARTY)


@pytest.mark.parametrize(
    "signed",
    [
        CY.sign(bytes(32)),
        CY.sign(a_request().challenge(), flags=PRESENT),
        CY.sign(a_request().challenge(), flags=VERIFIED),
        CY.sign(a_request().challenge(), flags=0),
        CY.sign(a_request().challenge(), rp_id="other.example"),
        CY.sign(a_request().challenge(), origin="https://evil.example"),
        CY.sign(a_request().challenge(), kind="webauthn.create"),
        dataclasses.replace(DEE.sign(a_request().challenge()), credential=CY.credential),
        DEE.sign(a_request().challenge()),
        dataclasses.replace(CY.sign(a_request().challenge()), signature=b""),
        dataclasses.replace(CY.sign(a_request().challenge()), client_data=b"{}"),
        dataclasses.replace(CY.sign(a_request().challenge()), client_data=b"\xff"),
        dataclasses.replace(CY.sign(a_request().challenge()), authenticator_data=b""),
    ],
)
def test_a_signature_that_the_person_did_not_give_here_is_refused(signed: Assertion) -> None:
    """A signature for another page, without a finger on the key, or of another key would approve."""
    with pytest.raises(Rejected):
        check_assertion(signed, CY.key(), a_request().challenge(), PARTY)


def test_a_key_that_is_none_refuses() -> None:
    """A spoilt row would crash the gate, or let everybody in."""
    for public_key in (b"", b"\xa0", b"\xff" * 40, CY.public_key[:-1]):
        key = dataclasses.replace(CY.key(), public_key=public_key)
        with pytest.raises(Rejected):
            check_assertion(CY.sign(bytes(32)), key, bytes(32), PARTY)


@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80))
def test_no_bytes_make_an_error_other_than_a_refusal(key: bytes, data: bytes, client: bytes, signature: bytes) -> None:
    """An error in the middle would leave an approval half taken."""
    genuine = CY.sign(bytes(32))
    for spoilt_key in (key, CY.public_key[: len(key)] + key, CY.public_key):
        person_key = dataclasses.replace(CY.key(), public_key=spoilt_key)
        for spoilt in (
            dataclasses.replace(genuine, authenticator_data=data),
            dataclasses.replace(genuine, client_data=client),
            dataclasses.replace(genuine, signature=signature),
        ):
            with pytest.raises(Rejected):
                check_assertion(spoilt, person_key, bytes(32), PARTY)


def test_every_problem_is_told_at_once() -> None:
    """People would press the button again for each of them."""
    given = approval(a_request(), opened=(), at=moment(EXPIRES), assertion=CY.sign(bytes(32)))
    with pytest.raises(Rejected) as refused:
        check_approval(given, a_request(), DEE.key(), PARTY)
    assert len(refused.value.problems) == 4


def test_an_approval_is_recorded_whole() -> None:
    """Who doubts it later could not check the signature again."""
    given = approval(a_request())
    event = given.event()
    assert parse_approval(event) == given and parse_assertion(given.assertion.form()) == given.assertion
    check_approval(parse_approval(event), a_request(), CY.key(), PARTY)


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "appr_"},
        {"request": "req_"},
        {"approver": ""},
        {"opened": ("00",)},
        {"opened": ("AB" * 32,)},
        {"assertion": {}},
        {"assertion": {"credential": "AA", "authenticator_data": "AA", "client_data": "AA", "signature": "A"}},
        {"assertion": {"credential": "AA", "authenticator_data": "AA", "client_data": "AA", "signature": "AB"}},
    ],
)
def test_a_recorded_approval_that_is_none_is_refused(changed: dict[str, Json]) -> None:
    """Half an approval would be counted whole."""
    event: Approved = msgspec.structs.replace(approval(a_request()).event(), **changed)
    with pytest.raises(Rejected):
        parse_approval(event)
