"""A lease as a token: what the gate did not sign, as it signs it, is no lease."""

from __future__ import annotations

import base64
import json
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from armslength.gate import (
    LEASE_TYPE,
    REVOCATIONS_TYPE,
    Lease,
    Rejected,
    UnknownKey,
    jwks,
    moment,
    parse_jwks,
    sign_lease,
    sign_revocations,
    thumbprint,
    verify_lease,
    verify_revocations,
    within,
)
from armslength.tlog import Json, canonical, format_base64url
from tests.gate.stories import MADE
from tests.gate.tokens import KEY, KEYS, OTHER_KEY, a_lease, a_list, forged

TOKEN = sign_lease(a_lease(), KEY)
HEADER: dict[str, Json] = {"alg": "Ed25519", "kid": KEY.kid, "typ": LEASE_TYPE}


def part(number: int, token: str = TOKEN) -> dict[str, Json]:
    text = token.split(".")[number]
    read: dict[str, Json] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return read


CLAIMS = part(1)


@pytest.mark.parametrize(
    "lease", [a_lease(), a_lease(customers=(), uses=3, most_customers=2), a_lease(customers=("z", "Ł a"))]
)
def test_a_token_reads_back_as_its_lease(lease: Lease) -> None:
    """A point would let something else happen than what was approved."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert verify_lease(sign_lease(lease, KEY), KEYS) == lease


def test_a_token_is_the_same_whenever_it_is_written() -> None:
    """Two tokens would pass for two leases."""
    assert sign_lease(a_lease(), KEY) == TOKEN
    assert part(0) == HEADER and set(CLAIMS) == set(
        "action approvers aud customers estate exp index iss jti most_customers nbf request resource rule sub terms "
        "uses".split()
    )
    assert (CLAIMS["sub"], CLAIMS["nbf"], CLAIMS["exp"], CLAIMS["index"]) == ("ana", MADE + 60, MADE + 3660, 41)


@given(st.data())
def test_a_changed_character_voids_a_token(data: st.DataObject) -> None:
    """Somebody would lengthen their lease."""
    place = data.draw(st.integers(0, len(TOKEN) - 1))
    other = data.draw(st.characters(categories=("L", "N", "P")).filter(lambda c: c != TOKEN[place]))
    for changed in (TOKEN[:place] + other + TOKEN[place + 1 :], TOKEN[:place], TOKEN[:place] + TOKEN[place + 1 :]):
        with pytest.raises(Rejected):
            verify_lease(changed, KEYS)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        TOKEN + ".",
        TOKEN + "=",
        " " + TOKEN,
        TOKEN + "\n",
        TOKEN.replace(".", ".."),
        "x" * 9_000_000,
        forged({**HEADER, "alg": "EdDSA"}, CLAIMS),
        forged({**HEADER, "alg": "none"}, CLAIMS),
        forged({**HEADER, "alg": "HS256"}, CLAIMS),
        forged({**HEADER, "typ": "JWT"}, CLAIMS),
        forged({**HEADER, "typ": REVOCATIONS_TYPE}, CLAIMS),
        forged({**HEADER, "typ": LEASE_TYPE.upper()}, CLAIMS),
        forged({**HEADER, "crit": []}, CLAIMS),
        forged({**HEADER, "jwk": jwks([OTHER_KEY.public])["keys"]}, CLAIMS, OTHER_KEY),
        forged({"alg": "Ed25519", "typ": LEASE_TYPE}, CLAIMS),
        forged({"alg": "Ed25519", "kid": KEY.kid}, CLAIMS),
        forged({**HEADER, "kid": 5}, CLAIMS),
        forged([], CLAIMS),
        forged(HEADER, CLAIMS, OTHER_KEY),
        forged(HEADER, b"{}"),
        forged(HEADER, b""),
        forged(HEADER, []),
        forged(HEADER, canonical(CLAIMS, label="claims").replace(b",", b", ")),
        forged(HEADER, canonical(CLAIMS, label="claims")[:-1] + b',"sub":"eve"}'),
        forged(HEADER, json.dumps(dict(reversed(CLAIMS.items()))).encode()),
        forged(HEADER, {**CLAIMS, "more": 1}),
        forged(HEADER, {**CLAIMS, "aud": "https://other.example"}),
        forged(HEADER, {**CLAIMS, "iss": "other.example/acts"}),
        forged(HEADER, {**CLAIMS, "exp": CLAIMS["nbf"]}),
        forged(HEADER, {**CLAIMS, "exp": 10**15}),
        forged(HEADER, {**CLAIMS, "exp": "2099"}),
        forged(HEADER, {**CLAIMS, "uses": -1}),
        forged(HEADER, {**CLAIMS, "approvers": []}),
        forged(HEADER, {**CLAIMS, "approvers": [CLAIMS["sub"]]}),
        *(forged(HEADER, {n: v for n, v in CLAIMS.items() if n != dropped}) for dropped in CLAIMS),
        sign_revocations(a_list(), KEY),
    ],
)
def test_what_the_gate_would_not_have_written_is_no_lease(token: str) -> None:
    """Each of these has opened a door elsewhere: another algorithm, another type, a key that it brings itself."""
    with pytest.raises(Rejected):
        verify_lease(token, KEYS)


def test_signed_by_hand_as_the_gate_does_it_is_taken() -> None:
    """The refusals above would be of what the test writes, not of what is wrong with it."""
    assert forged(HEADER, CLAIMS) == TOKEN and verify_lease(forged(HEADER, CLAIMS), KEYS) == a_lease()


def test_a_lease_cannot_pass_for_a_list() -> None:
    """Whoever is given a lease could serve it as the list of revoked ones."""
    with pytest.raises(Rejected):
        verify_revocations(TOKEN, KEYS)


def test_an_unknown_key_is_told_apart() -> None:
    """A point would refuse everybody after the gate changed its key, or fetch keys for every forgery."""
    with pytest.raises(UnknownKey) as unknown:
        verify_lease(sign_lease(a_lease(), OTHER_KEY), KEYS)
    assert unknown.value.kid == OTHER_KEY.kid
    with pytest.raises(UnknownKey):
        verify_lease(TOKEN, {})


def test_a_key_is_known_by_its_thumbprint() -> None:
    """Other software would find no key for our tokens. The key is that of RFC 8037, appendix A."""
    public = base64.urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    assert thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": format_base64url(KEY.public)}
    assert OKPKey.import_key(jwk).thumbprint() == KEY.kid == thumbprint(KEY.public)


def test_a_key_set_reads_back_and_holds_no_private_key() -> None:
    """The gate would publish what it signs with."""
    written = jwks([KEY.public, OTHER_KEY.public])
    assert parse_jwks(json.loads(json.dumps(written))) == {
        KEY.kid: KEY.public,
        OTHER_KEY.kid: OTHER_KEY.public,
    }
    assert format_base64url(KEY.private.private_bytes_raw()) not in str(written)
    assert "private" not in repr(KEY) and format_base64url(KEY.private.private_bytes_raw()) not in repr(KEY)


def test_keys_of_other_sorts_are_left_out_and_wrong_ones_refused() -> None:
    """A gate that adds a key of another sort would stop every point; a swapped one would pass."""
    ours = jwks([KEY.public])["keys"][0]  # type: ignore[index, call-overload]
    assert parse_jwks({"keys": [{"kty": "RSA", "n": "x"}, 5, ours]}) == KEYS
    for wrong in ({**ours, "kid": "x"}, {**ours, "x": "AAAA"}, {**ours, "d": "AAAA"}, {"kty": "OKP", "crv": "Ed25519"}):
        with pytest.raises(Rejected):
            parse_jwks({"keys": [wrong]})
    for wrong in (None, [], {}, {"keys": {}}):
        with pytest.raises(Rejected):
            parse_jwks(wrong)


def test_a_lease_runs_from_its_start_until_before_its_end() -> None:
    """A lease would open a second early or stay open a second late."""
    lease = a_lease()
    times = {MADE + 59: False, MADE + 60: True, MADE + 3659: True, MADE + 3660: False}
    assert {at: within(lease, moment(at)) for at in times} == times
