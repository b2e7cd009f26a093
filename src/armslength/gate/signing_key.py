"""The keys that the gate signs with: Ed25519 (RFC 8032), known by the thumbprint of their JWK (RFC 7638, RFC 8037)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from armslength.gate.failure import Rejected
from armslength.gate.form import Form
from armslength.tlog import Json, Malformed, canonical, format_base64url, parse_base64url

KEY_SIZE = 32
ALGORITHM = "Ed25519"
"""The fully-specified name of RFC 9864; `EdDSA` is deprecated there."""


@dataclass(frozen=True, slots=True)
class LeaseKey:
    """One that can sign. `kid` is the name by which its public key is found."""

    private: Ed25519PrivateKey = field(repr=False)
    public: bytes = field(init=False)
    kid: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "public", self.private.public_key().public_bytes_raw())
        object.__setattr__(self, "kid", thumbprint(self.public))


def thumbprint(public: bytes) -> str:
    """Of an Ed25519 public key, in base64url (RFC 8037, appendix A.3)."""
    jwk: Json = {"crv": "Ed25519", "kty": "OKP", "x": format_base64url(public)}
    return format_base64url(hashlib.sha256(canonical(jwk, label="jwk")).digest())


def jwks(publics: Iterable[bytes]) -> dict[str, Json]:
    """A JWK Set (RFC 7517) of these Ed25519 public keys."""
    return {
        "keys": [
            {
                "alg": ALGORITHM,
                "crv": "Ed25519",
                "kid": thumbprint(public),
                "kty": "OKP",
                "use": "sig",
                "x": format_base64url(public),
            }
            for public in publics
        ]
    }


def parse_jwks(form: Json) -> dict[str, bytes]:
    """The Ed25519 public keys of a JWK Set by their thumbprints; keys of other sorts are left out (RFC 7517, section
    5). Raises `Rejected` for one whose `kid` is not its thumbprint."""
    listed = form.get("keys") if isinstance(form, dict) else None
    if not isinstance(listed, list):
        raise Rejected(["the key set has no list of keys"])
    keys = {}
    for jwk in listed:
        if not isinstance(jwk, dict) or (jwk.get("kty"), jwk.get("crv")) != ("OKP", "Ed25519"):
            continue
        read = Form(jwk, "key", frozenset(jwk))
        text, kid = read.text("x"), read.text("kid")
        read.done()
        try:
            public = parse_base64url(text, KEY_SIZE)
        except Malformed as error:
            raise Rejected([f"the key {kid[:50]!r}: {error}"]) from None
        if "d" in jwk or thumbprint(public) != kid:
            raise Rejected([f"the key {kid[:50]!r}: expected a public key under its thumbprint"])
        keys[kid] = public
    return keys
