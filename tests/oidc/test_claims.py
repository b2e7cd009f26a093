"""What is read of a provider's tokens, without a provider."""

from __future__ import annotations

import base64
import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.gate import (
    ClaimRules,
    PersonId,
    ProviderKeys,
    Rejected,
    StrangeKey,
    check_id_token,
    check_logout_token,
    check_user_info,
    parse_provider_keys,
    person_named,
)
from tests.oidc.liar import Key, new_key, plain, signed, signed_as

NOW = 1_800_000_000
RULES = ClaimRules(issuer="https://idp.example", client_id="gate")
EVENTS = {"http://schemas.openid.net/event/backchannel-logout": {}}
KEYS = {name: new_key(name, name) for name in ("RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")}
OFFERED = (*KEYS, "none", "HS256", "made-up")


def published(*keys: Key) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


ALL = parse_provider_keys(published(*KEYS.values()), OFFERED)


def claims(**said: object) -> dict[str, object]:
    honest = {"iss": RULES.issuer, "aud": "gate", "sub": "ana", "iat": NOW, "exp": NOW + 300, "nonce": "n"}
    return {name: value for name, value in {**honest, **said}.items() if value is not None}


def taken(text: str, *, keys: ProviderKeys = ALL, rules: ClaimRules = RULES, now: int = NOW, **said: Any) -> Any:
    return check_id_token(text, keys, rules=rules, nonce="n", begun=now - 10, now=now, **said)


@pytest.mark.parametrize("name", KEYS)
def test_each_signature_with_a_public_key_is_checked(name: str) -> None:
    text = signed(claims(), KEYS[name])
    assert taken(text).named == "ana"
    head, body, signature = text.split(".")
    spoilt = base64.urlsafe_b64decode(signature + "==")
    spoilt = bytes([spoilt[0] ^ 1]) + spoilt[1:]
    with pytest.raises(Rejected, match="signature"):
        taken(f"{head}.{body}.{base64.urlsafe_b64encode(spoilt).rstrip(b'=').decode()}")


def test_what_the_provider_does_not_offer_is_not_taken() -> None:
    """Though it has such a key: whoever got hold of an old one would else have a choice of algorithms."""
    keys = parse_provider_keys(published(*KEYS.values()), ["RS256"])
    with pytest.raises(Rejected, match="expected RS256"):
        taken(signed(claims(), KEYS["ES256"]), keys=keys)


def test_a_key_is_for_its_algorithm_alone() -> None:
    keys = parse_provider_keys(published(KEYS["RS256"]), ["RS256", "PS256", "RS512"])
    text = signed(claims(), KEYS["RS256"])
    assert taken(text, keys=keys).subject == "ana"
    with pytest.raises(StrangeKey):
        taken(signed(claims(), new_key("RS256", "RS512")), keys=keys)


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"alg": "RSA-OAEP"},
        {"alg": "HS256"},
        {"key_ops": ["encrypt"]},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "EC"},
        {"n": "AQAB"},
        {"n": "A" * 5000},
        {"n": 7},
        {"e": ""},
        {"kid": 7},
        {"kty": None},
    ],
)
def test_keys_that_sign_nothing_here_are_left_out(change: dict[str, object]) -> None:
    spoilt = {**KEYS["RS256"].as_dict(private=False), **change}
    with pytest.raises(Rejected, match="no key"):
        parse_provider_keys({"keys": [spoilt, 7, None, {}]}, OFFERED)
    beside = parse_provider_keys({"keys": [spoilt, KEYS["ES256"].as_dict(private=False)]}, OFFERED)
    assert len(beside.keys) == 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["keys", "kty", "n", "e", "crv", "x", "y", "kid"]), x),
        max_leaves=12,
    )
)
def test_whatever_a_key_set_is_nothing_else_is_raised(form: object) -> None:
    for each in (form, {"keys": form}, {"keys": [form]}):
        with pytest.raises(Rejected):
            parse_provider_keys(each, OFFERED)


def test_without_a_key_id_there_must_be_no_choice() -> None:
    text = signed(claims(), KEYS["RS256"], kid=None)
    assert taken(text, keys=parse_provider_keys(published(KEYS["RS256"], KEYS["ES256"]), OFFERED)).subject == "ana"
    two = parse_provider_keys(published(KEYS["RS256"], new_key("x")), OFFERED)
    with pytest.raises(StrangeKey):
        taken(text, keys=two)


def test_what_must_be_understood_and_is_not_is_refused() -> None:
    """RFC 7515, section 4.1.11, though the library knows `b64`: nothing here was agreed on."""
    for more in ({"crit": ["b64"], "b64": True}, {"crit": ["exp"], "exp": 1}, {"crit": []}, {"crit": "b64"}):
        with pytest.raises(Rejected):
            taken(signed_as(claims(), KEYS["RS256"], more))


# Times: a minute either way, and not a second more


@pytest.mark.parametrize(
    "said, holds",
    [
        ({"exp": NOW - 59}, True),
        ({"exp": NOW - 60}, False),
        ({"iat": NOW + 60}, True),
        ({"iat": NOW + 61}, False),
        ({"iat": NOW - 70}, True),  # the sign-in began ten seconds ago
        ({"iat": NOW - 71}, False),
        ({"nbf": NOW + 60}, True),
        ({"nbf": NOW + 61}, False),
        ({"exp": True}, False),
        ({"exp": 1e300}, False),
        ({"iat": -1}, False),
        ({"iat": NOW + 0.5}, True),
    ],
)
def test_clocks_differ_by_a_minute_at_most(said: dict[str, object], holds: bool) -> None:
    text = signed(claims(**said), KEYS["RS256"])
    if holds:
        assert taken(text).subject == "ana"
    else:
        with pytest.raises(Rejected, match=r"\((exp|iat|nbf)\)"):
            taken(text)


def test_every_problem_is_told_at_once() -> None:
    wrong = claims(iss="https://evil.example", aud="x", azp="y", exp=1, nonce="z", sub=None)
    with pytest.raises(Rejected) as error:
        taken(signed(wrong, KEYS["RS256"]))
    assert len(error.value.problems) == 6


def test_an_access_token_belongs_to_its_id_token() -> None:
    """The example of OpenID Connect Core, appendix A.4, and a half of SHA-512 for Ed25519."""
    example = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
    text = signed(claims(at_hash="77QmUPtjPfzWtF2AnpK9RQ"), KEYS["RS256"])
    assert taken(text, access_token=example).subject == "ana"
    with pytest.raises(Rejected, match="at_hash"):
        taken(text, access_token=example + "x")
    with pytest.raises(Rejected, match="at_hash"):
        taken(signed(claims(at_hash="77QmUPtjPfzWtF2AnpK9RQ"), KEYS["EdDSA"]), access_token=example)


# What the settings ask


@pytest.mark.parametrize(
    "rules, said, holds",
    [
        ({"max_age": 300}, {"auth_time": NOW - 360}, True),
        ({"max_age": 300}, {"auth_time": NOW - 361}, False),
        ({"max_age": 300}, {"auth_time": NOW + 61}, False),
        ({"max_age": 300}, {}, False),
        ({"max_age": 300}, {"auth_time": "now"}, False),
        ({"amr": ("mfa",)}, {"amr": ["pwd", "mfa"]}, True),
        ({"amr": ("mfa", "hwk")}, {"amr": ["mfa"]}, False),
        ({"amr": ("mfa",)}, {"amr": "mfa"}, False),
        ({"amr": ("mfa",)}, {}, False),
        ({"acr": ("a", "b")}, {"acr": "b"}, True),
        ({"acr": ("a", "b")}, {"acr": "c"}, False),
        ({"acr": ("a",)}, {"acr": ["a"]}, False),
        ({"acr": ("a",)}, {}, False),
    ],
)
def test_how_somebody_proved_who_they_are(rules: dict[str, Any], said: dict[str, object], holds: bool) -> None:
    asked = ClaimRules(issuer=RULES.issuer, client_id="gate", **rules)
    text = signed(claims(**said), KEYS["RS256"])
    if holds:
        assert taken(text, rules=asked).subject == "ana"
    else:
        with pytest.raises(Rejected, match=r"\((auth_time|amr|acr)\)"):
            taken(text, rules=asked)


def test_one_claim_names_the_person_and_the_rest_is_dropped() -> None:
    about = {"nationality": "XX", "birthdate": "1970-01-01", "groups": ["a"], "email": "a@x.example", "zoneinfo": "X/Y"}
    found = taken(signed(claims(**about, sid="s"), KEYS["RS256"]))
    assert (found.subject, found.session, found.named) == ("ana", "s", "ana")
    assert {*found.__slots__} == {"subject", "session", "named"} and "ana" not in repr(found)


def test_an_address_names_nobody_unless_it_is_verified() -> None:
    rules = ClaimRules(issuer=RULES.issuer, client_id="gate", person="email")
    for verified in (None, False, "true", 1):
        text = signed(claims(email="a@x.example", email_verified=verified), KEYS["RS256"])
        assert taken(text, rules=rules).named is None
        with pytest.raises(Rejected, match="email_verified"):
            check_user_info({"sub": "ana", "email": "a", "email_verified": verified}, rules=rules, subject="ana")
    text = signed(claims(email="a@x.example", email_verified=True), KEYS["RS256"])
    assert taken(text, rules=rules).named == "a@x.example"


@pytest.mark.parametrize(
    "said", [{"sub": "bo", "x": "ana"}, {"x": "ana"}, [], None, "ana", {"sub": "ana"}, {"sub": "ana", "x": 7}]
)
def test_an_answer_about_somebody_else_is_not_taken(said: object) -> None:
    """A second token, for another's answer, could be slipped in between (Core, section 5.3.2)."""
    rules = ClaimRules(issuer=RULES.issuer, client_id="gate", person="x")
    with pytest.raises(Rejected):
        check_user_info(said, rules=rules, subject="ana")
    assert check_user_info({"sub": "ana", "x": "bo"}, rules=rules, subject="ana") == "bo"


def test_who_is_listed_is_somebody_and_nobody_else() -> None:
    listed = ClaimRules(issuer="i", client_id="c", people=MappingProxyType({"77": PersonId("ana")}))
    assert person_named("77", listed) == "ana"
    for other in ("ana", "7", "77 ", ""):
        with pytest.raises(Rejected, match="name nobody"):
            person_named(other, listed)
    assert person_named("ana", RULES) == "ana"


# Tokens of the other kind


def test_no_id_token_signs_out_and_no_logout_token_in() -> None:
    out = {"iss": RULES.issuer, "aud": "gate", "iat": NOW, "exp": NOW + 60, "events": EVENTS, "sub": "ana", "jti": "j"}
    assert check_logout_token(signed(out, KEYS["RS256"]), ALL, rules=RULES, now=NOW).subject == "ana"
    assert check_logout_token(signed(out, KEYS["RS256"], typ="logout+jwt"), ALL, rules=RULES, now=NOW).at == NOW
    with pytest.raises(Rejected):
        check_logout_token(signed(claims(), KEYS["RS256"]), ALL, rules=RULES, now=NOW)
    with pytest.raises(Rejected):
        taken(signed({**out, "nonce": "n"}, KEYS["RS256"]))
    for typ in ("at+jwt", "application/at+jwt", 7, ["JWT"]):
        with pytest.raises(Rejected):
            taken(signed_as(claims(), new_key("RS256"), {"typ": typ}))


@given(
    st.text(max_size=200) | st.lists(st.text(alphabet="eyJhbGciOiJub25lIn0.=_-", max_size=40), max_size=4).map(".".join)
)
def test_whatever_is_sent_nothing_else_is_raised(text: str) -> None:
    with pytest.raises(Rejected):
        taken(text)
    with pytest.raises(Rejected):
        check_logout_token(text, ALL, rules=RULES, now=NOW)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "x5c"]), _JSON, max_size=4))
def test_whatever_stands_in_a_header_nothing_else_is_raised(header: dict[str, object]) -> None:
    with pytest.raises(Rejected):
        taken(f"{plain({'alg': 'RS256', **header})}.{plain(claims())}.AAAA")


@given(st.dictionaries(st.sampled_from([*claims(), "azp", "nbf", "at_hash", "events", "sid", "auth_time"]), _JSON))
def test_whatever_is_signed_is_taken_or_told_why(said: dict[str, object]) -> None:
    """The provider's signature holds, and still nothing but a refusal comes of what cannot be read."""
    text = signed({**claims(), **json.loads(json.dumps(said))}, KEYS["Ed25519"])
    try:
        found = taken(text, access_token="x")
    except Rejected as error:
        assert error.problems
    else:
        assert isinstance(found.subject, str)
