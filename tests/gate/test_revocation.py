"""The list of revoked leases: signed, numbered, and of no use when it is old."""

from __future__ import annotations

import pytest

from armslength.gate import (
    LEASE_TYPE,
    REVOCATIONS_TYPE,
    LeaseId,
    Rejected,
    moment,
    new_id,
    sign_lease,
    sign_revocations,
    verify_revocations,
)
from armslength.tlog import Json
from tests.gate.stories import MADE, ORIGIN, lease_id
from tests.gate.tokens import KEY, KEYS, OTHER_KEY, a_lease, a_list, forged

HEADER: dict[str, Json] = {"alg": "Ed25519", "kid": KEY.kid, "typ": REVOCATIONS_TYPE}
CLAIMS: dict[str, Json] = {
    "aud": ORIGIN,
    "iat": MADE,
    "iss": ORIGIN,
    "number": 7,
    "revoked": sorted((lease_id("a"), lease_id("b"))),
}


def test_a_list_reads_back() -> None:
    """A point would let a revoked lease be used."""
    for revocations in (a_list(), a_list(revoked=frozenset())):
        assert verify_revocations(sign_revocations(revocations, KEY), KEYS) == revocations
    assert sign_revocations(a_list(), KEY) == forged(HEADER, CLAIMS)


def test_a_list_of_many_reads_back() -> None:
    """A change of the estate that ends thousands of leases would stop every enforcement point."""
    many = a_list(revoked=frozenset(LeaseId(new_id("lease", n.to_bytes(16, "big"))) for n in range(20_000)))
    assert verify_revocations(sign_revocations(many, KEY), KEYS) == many


@pytest.mark.parametrize(
    "text",
    [
        forged({**HEADER, "typ": LEASE_TYPE}, CLAIMS),
        forged(HEADER, CLAIMS, OTHER_KEY),
        forged(HEADER, {**CLAIMS, "revoked": list(reversed(CLAIMS["revoked"]))}),  # type: ignore[arg-type]
        forged(HEADER, {**CLAIMS, "revoked": [lease_id("a")] * 2}),
        forged(HEADER, {**CLAIMS, "revoked": ["lease_"]}),
        forged(HEADER, {**CLAIMS, "revoked": None}),
        forged(HEADER, {**CLAIMS, "number": -1}),
        forged(HEADER, {**CLAIMS, "iat": 1.5}),
        forged(HEADER, {**CLAIMS, "aud": "x"}),
        forged(HEADER, {**CLAIMS, "more": 1}),
        *(forged(HEADER, {n: v for n, v in CLAIMS.items() if n != dropped}) for dropped in CLAIMS),
        sign_lease(a_lease(), KEY),
        "",
    ],
)
def test_what_the_gate_would_not_have_written_is_no_list(text: str) -> None:
    """An empty list that somebody made up would bring every revoked lease back."""
    with pytest.raises(Rejected):
        verify_revocations(text, KEYS)


def test_a_list_older_than_a_minute_or_from_the_future_says_nothing() -> None:
    """Whoever holds back new lists, or sets a clock back, would keep a revoked lease alive."""
    fresh = {MADE - 6: False, MADE - 5: True, MADE: True, MADE + 60: True, MADE + 61: False}
    assert {now: a_list().fresh(moment(now)) for now in fresh} == fresh
    assert a_list().age(moment(MADE + 9)).total_seconds() == 9


def test_an_older_list_does_not_take_the_place_of_a_newer_one() -> None:
    """Whoever stands between a point and the gate would play yesterday's list."""
    assert a_list().follows(a_list()) and a_list(number=8).follows(a_list()) and not a_list().follows(a_list(number=8))
    assert a_list(made=moment(MADE + 1)).follows(a_list()) and not a_list().follows(a_list(made=moment(MADE + 1)))
    assert not a_list(number=8, gate="other.example/acts").follows(a_list())


def test_a_list_names_leases_only() -> None:
    """A mistake of the gate would be found by its points, all at once."""
    for wrong in ({"revoked": frozenset({LeaseId("x")})}, {"gate": ""}, {"number": -1}):
        with pytest.raises(Rejected):
            a_list(**wrong)
