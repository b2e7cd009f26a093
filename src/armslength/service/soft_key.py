"""A passkey in software, for the demo and the tests: it makes what a person's authenticator makes.

It signs whatever it is asked to and asks nobody, so it proves nothing about a person; and a gate, which asks for no
attestation, cannot tell. That is what the second person at an enrolment is for.

Registrations carry no attestation ("none"); signatures are ES256, with the flags for a person who was present and was
verified (W3C Web Authentication, sections 6.1 and 6.5).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor

from armslength.gate import Assertion
from armslength.tlog import Json, format_base64url

SEED_SIZE = 32
_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftRegistration:
    """A new passkey as the authenticator tells of it: the bytes as they come."""

    credential: bytes
    client_data: bytes
    attestation: bytes

    def document(self) -> dict[str, Json]:
        """As a browser's `toJSON()` writes it."""
        named = format_base64url(self.credential)
        response = {
            "attestationObject": format_base64url(self.attestation),
            "clientDataJSON": format_base64url(self.client_data),
            "transports": ["internal"],
        }
        return _document(named, response)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftKey:
    """The passkey that `seed` (32 bytes) makes, for the domain `rp_id` and the page at `origin`."""

    seed: bytes = field(repr=False)
    rp_id: str
    origin: str
    _private: ec.EllipticCurvePrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.seed) != SEED_SIZE:
            raise ValueError(f"a seed of {len(self.seed)} bytes, expected {SEED_SIZE}")
        drawn = int.from_bytes(hashlib.sha512(b"soft key" + self.seed).digest(), "big")
        object.__setattr__(self, "_private", ec.derive_private_key(1 + drawn % (_ORDER - 1), ec.SECP256R1()))

    @property
    def credential(self) -> bytes:
        """Its id."""
        return hashlib.sha256(b"credential" + self.seed).digest()

    @property
    def public_key(self) -> bytes:
        """As a COSE_Key (RFC 9053, section 7.1)."""
        point = self._private.public_key().public_numbers()
        x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
        return encode_cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})

    def register(self, challenge: bytes, *, verified: bool = True) -> SoftRegistration:
        """What a browser gives for `navigator.credentials.create()`; without `verified` it says that nobody showed who
        they are."""
        named = self.credential
        public = bytes(16) + len(named).to_bytes(2, "big") + named + self.public_key
        data = self._data(_ATTESTED | (_VERIFIED if verified else 0)) + public
        return SoftRegistration(
            credential=named,
            client_data=self._client_data("webauthn.create", challenge),
            attestation=encode_cbor({"fmt": "none", "attStmt": {}, "authData": data}),
        )

    def sign(self, challenge: bytes, *, verified: bool = True) -> Assertion:
        """What a browser gives for `navigator.credentials.get()`."""
        data = self._data(_VERIFIED if verified else 0)
        client_data = self._client_data("webauthn.get", challenge)
        signed = data + hashlib.sha256(client_data).digest()
        return Assertion(
            credential=self.credential,
            authenticator_data=data,
            client_data=client_data,
            signature=self._private.sign(signed, ec.ECDSA(hashes.SHA256())),
        )

    def _data(self, flags: int) -> bytes:
        """Authenticator data up to its counter, which stays at 0 as with every passkey that can be synced."""
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([_PRESENT | flags]) + bytes(4)

    def _client_data(self, kind: str, challenge: bytes) -> bytes:
        said = {
            "type": kind,
            "challenge": format_base64url(challenge),
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(said, separators=(",", ":")).encode()


def assertion_document(assertion: Assertion) -> dict[str, Json]:
    """A signature as a browser's `toJSON()` writes it."""
    response = {
        "authenticatorData": format_base64url(assertion.authenticator_data),
        "clientDataJSON": format_base64url(assertion.client_data),
        "signature": format_base64url(assertion.signature),
    }
    return _document(format_base64url(assertion.credential), response)


def _document(named: str, response: Mapping[str, Json]) -> dict[str, Json]:
    return {
        "id": named,
        "rawId": named,
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "clientExtensionResults": {},
        "response": response,
    }
