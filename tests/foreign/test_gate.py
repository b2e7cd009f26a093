"""What the gate and its approvers sign, judged by Go's standard library; and Go's tokens, judged by us."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armslength.gate import jwks, sign_lease, thumbprint, verify_lease
from armslength.tlog import format_base64url
from tests.foreign.checker import Verdict, run_go_checker
from tests.gate.stories import CY, a_request
from tests.gate.tokens import KEY, KEYS, a_lease
from tests.gate.vectors import TYPES, golden

GOLDEN = golden()
PARTY = (GOLDEN["party"]["rp_id"], GOLDEN["party"]["origin"])


def go_canonical(value: object) -> list[str]:
    """Canonical form and SHA-256, of a spelling that is not it."""
    verdict = run_go_checker("canonical", stdin=json.dumps(value, indent=3).encode())
    assert verdict.accepted, verdict.reason
    return verdict.lines


def go_assertion(challenge: str, signed: dict[str, Any]) -> Verdict:
    given = signed["assertion"]
    data = (given["authenticator_data"], given["client_data"], given["signature"])
    return run_go_checker("assertion", *PARTY, challenge, signed["public_key"], *data)


def go_token(typ: str, token: str, keys: Any = None) -> Verdict:
    written = json.dumps(GOLDEN["key"]["jwks"] if keys is None else keys)
    return run_go_checker("token", typ, stdin=f"{written}\n{token}".encode())


@pytest.mark.parametrize("name", ["request", "enrolment"])
def test_go_writes_the_same_canonical_form_and_challenge(name: str) -> None:
    """Who checks an approval with other software would call it forged."""
    assert go_canonical(GOLDEN[name]["form"]) == [GOLDEN[name]["canonical"], GOLDEN[name]["challenge"]]


@given(
    st.dictionaries(
        st.text(st.characters(max_codepoint=0xD7FF), max_size=4),
        st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), st.integers(-(2**53) + 1, 2**53 - 1)),
        max_size=4,
    )
)
@settings(max_examples=25, deadline=None)
def test_go_writes_the_same_canonical_form_of_any_context(context: dict[str, Any]) -> None:
    """Some text would be spelt in two ways, and the approval hold in one of them only."""
    request = a_request(context=context)
    spelt = request.canonical().decode().replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    # Go escapes two characters that RFC 8785 leaves, always; the hash is of its own spelling then.
    written, hashed = go_canonical(request.form())
    assert written == spelt
    assert hashed == format_base64url(request.challenge()) or spelt != request.canonical().decode()


def test_go_takes_what_passkeys_signed_and_nothing_else() -> None:
    """An approval that anyone can check again would be one that only we can check."""
    for name, signed in (("approval", "request"), ("vouching", "enrolment")):
        assert go_assertion(GOLDEN[signed]["challenge"], GOLDEN[name]).accepted
        assert not go_assertion(format_base64url(bytes(32)), GOLDEN[name]).accepted
    fresh = {"public_key": format_base64url(CY.public_key), "assertion": CY.sign(a_request().challenge()).form()}
    assert go_assertion(format_base64url(a_request().challenge()), fresh).accepted
    swapped = {**fresh, "public_key": GOLDEN["vouching"]["public_key"]}
    assert "does not hold" in go_assertion(format_base64url(a_request().challenge()), swapped).reason


@pytest.mark.parametrize("name", list(TYPES))
def test_go_takes_our_tokens_and_makes_them_to_the_byte(name: str) -> None:
    """Points in other languages could not check a lease, or would take what we refuse."""
    known = GOLDEN["tokens"][name]
    verdict = go_token(known["typ"], known["token"])
    assert verdict.accepted, verdict.reason
    assert json.loads(verdict.output) == known["claims"]
    made = run_go_checker("sign-token", known["typ"], GOLDEN["key"]["seed"], stdin=json.dumps(known["claims"]).encode())
    assert made.lines == [known["token"]]


def test_we_take_a_lease_that_go_signed() -> None:
    """A gate in another language could not stand in for ours."""
    claims = {**GOLDEN["tokens"]["lease"]["claims"], "uses": 2, "customers": ["zoë", "Ł a"]}
    made = run_go_checker("sign-token", TYPES["lease"], GOLDEN["key"]["seed"], stdin=json.dumps(claims).encode())
    lease = verify_lease(made.output.strip(), KEYS)
    assert lease == a_lease(uses=2, customers=("zoë", "Ł a")) and sign_lease(lease, KEY) == made.output.strip()


@pytest.mark.parametrize("why", list(GOLDEN["refused"]))
def test_go_refuses_what_we_refuse(why: str) -> None:
    """The vectors that must fail would be ones that only we find fault with."""
    assert not go_token(TYPES["lease"], GOLDEN["refused"][why]).accepted


def test_go_finds_the_same_thumbprint() -> None:
    """A key would be known by two names."""
    assert go_token(TYPES["lease"], sign_lease(a_lease(), KEY), jwks([KEY.public])).accepted
    renamed = jwks([KEY.public])
    renamed["keys"][0]["x"] = format_base64url(bytes(32))  # type: ignore[index, call-overload]
    assert thumbprint(KEY.public) != thumbprint(bytes(32))
    assert "thumbprint" in go_token(TYPES["lease"], sign_lease(a_lease(), KEY), renamed).reason
