"""An enrolment: a second person's key over exactly this key of exactly this person."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import pytest
import rfc8785

from armslength.gate import (
    Enrolment,
    PersonId,
    Rejected,
    check_voucher,
    enrolment_of,
    moment,
    parse_assertion,
    parse_enrolment,
)
from armslength.tlog import Json
from tests.gate.passkeys import PARTY, Passkey
from tests.gate.stories import CY, EVE, MADE, ORIGIN, a_request, enrolled

NEW = Passkey("cy", 70)


def an_enrolment(**changed: Any) -> Enrolment:
    members: dict[str, Any] = {
        "gate": ORIGIN,
        "person": PersonId("cy"),
        "credential": NEW.credential,
        "public_key": NEW.public_key,
        "made": moment(MADE),
    }
    return Enrolment(**{**members, **changed})


def test_a_voucher_signs_exactly_this_enrolment() -> None:
    """A key that was swapped in the database would count as vouched for."""
    signed = EVE.sign(an_enrolment().challenge())
    check_voucher(an_enrolment(), signed, EVE.key(), PARTY)
    for changed in (
        {"gate": "other.example/acts"},
        {"person": PersonId("dee")},
        {"credential": b"other"},
        {"public_key": CY.public_key},
        {"made": moment(MADE + 1)},
    ):
        with pytest.raises(Rejected):
            check_voucher(an_enrolment(**changed), signed, EVE.key(), PARTY)


def test_nobody_vouches_for_themselves() -> None:
    """One person would be as many approvers as they like."""
    with pytest.raises(Rejected, match="their own key"):
        check_voucher(an_enrolment(), CY.sign(an_enrolment().challenge()), CY.key(), PARTY)


def test_a_signature_under_a_request_is_none_under_an_enrolment() -> None:
    """Whoever gets somebody to approve something would have them vouch for a key."""
    assert an_enrolment().form()["kind"] == "enrolment" and a_request().form()["kind"] == "request"
    with pytest.raises(Rejected):
        check_voucher(an_enrolment(), EVE.sign(a_request().challenge()), EVE.key(), PARTY)


def test_the_challenge_is_sha256_of_the_canonical_form() -> None:
    """A verifier that follows the documents would refuse every key."""
    assert an_enrolment().challenge() == hashlib.sha256(rfc8785.dumps(an_enrolment().form())).digest()


def test_an_enrolment_can_be_checked_from_its_record() -> None:
    """A key that an administrator slipped in could not be told from the others years later."""
    assert parse_enrolment(an_enrolment().form()) == an_enrolment()
    event = enrolled(NEW, voucher=EVE)
    assert event.assertion is not None
    check_voucher(enrolment_of(event, gate=ORIGIN), parse_assertion(event.assertion), EVE.key(), PARTY)
    assert enrolled(NEW).voucher is None and enrolled(NEW).assertion is None


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "request"},
        {"version": 2},
        {"person": ""},
        {"credential": ""},
        {"credential": "AB"},
        {"public_key": None},
        {"made": "now"},
        {"more": 1},
        {"credential": "A" * 1368},
    ],
)
def test_a_form_that_is_no_enrolment_is_refused(changed: dict[str, Json]) -> None:
    """A voucher would sign what can be read in two ways."""
    with pytest.raises(Rejected):
        parse_enrolment({**an_enrolment().form(), **changed})


def test_every_problem_is_told_at_once() -> None:
    """An operator would mend one at a time."""
    with pytest.raises(Rejected) as refused:
        dataclasses.replace(an_enrolment(), person=PersonId(""), gate="", credential=b"", public_key=b"")
    assert len(refused.value.problems) == 4
