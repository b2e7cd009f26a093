"""What the gate signs: compact JWS (RFC 7515) by one algorithm, over canonical JSON, in one spelling.

`typ` says what is signed, so that none of these can be shown for another (RFC 8725, section 3.11).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from armslength.gate.failure import Rejected
from armslength.gate.signing_key import ALGORITHM, LeaseKey
from armslength.tlog import Json, Malformed, canonical, format_base64url, parse_base64url, parse_canonical

LARGEST = 8 * 1024 * 1024
"""Characters of a signed text; a list of 200,000 revoked leases has less."""


class _Registry(JWSRegistry):
    """The library stops at 128,000 bytes, which a list of 4,200 revoked leases has."""

    max_payload_length = LARGEST


_REGISTRY = _Registry(algorithms=[ALGORITHM])


class UnknownKey(Rejected):
    """Signed by a key that is not among those given; a fresh set of keys may have it."""

    def __init__(self, kid: str) -> None:
        self.kid = kid
        super().__init__([f"the key {kid[:50]!r} is none of the gate's"])


def sign(claims: Json, typ: str, key: LeaseKey) -> str:
    """The same text for the same claims and key, always."""
    header = {"alg": ALGORITHM, "kid": key.kid, "typ": typ}
    return jws.serialize_compact(
        header, canonical(claims, label=typ), _private(key.private), registry=_REGISTRY
    )


def verify(text: str, typ: str, keys: Mapping[str, bytes]) -> Json:
    """The claims. `keys` are public keys by `kid`. Raises `Rejected`, or `UnknownKey`."""
    parts = text.split(".", 3) if len(text) <= LARGEST else []
    if len(parts) != 3:
        raise Rejected([f"a text of {len(text)} characters is not a compact JWS"])
    try:
        header = parse_canonical(_part(parts[0]), label="header")
        claims = parse_canonical(_part(parts[1]), label="claims")
        _part(parts[2])
    except Malformed as error:
        raise Rejected([f"the signed text: {error}"]) from None
    kid = header.get("kid") if isinstance(header, dict) else None
    if not isinstance(kid, str) or header != {"alg": ALGORITHM, "kid": kid, "typ": typ}:
        raise Rejected([f"the signed text's header: expected {ALGORITHM}, a kid and the type {typ}"])
    if kid not in keys:
        raise UnknownKey(kid)
    try:
        jws.deserialize_compact(text, _public(keys[kid]), registry=_REGISTRY)
    except (JoseError, ValueError):
        raise Rejected(["the gate's signature does not hold"]) from None
    return claims


def _part(text: str) -> bytes:
    return parse_base64url(text, len(text) * 3 // 4)


@lru_cache(maxsize=8)
def _private(private: Ed25519PrivateKey) -> OKPKey:
    return OKPKey.import_key(private)


@lru_cache(maxsize=64)
def _public(public: bytes) -> OKPKey:
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": format_base64url(public)})
