"""A passkey in software for the tests of the core: ES256 assertions as an authenticator makes them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from armslength.gate import Assertion, Party, PersonId, PersonKey, moment
from armslength.tlog import format_base64url

PARTY = Party(rp_id="gate.example", origins=("https://gate.example",))
PRESENT, VERIFIED = 0x01, 0x04
ENROLLED = 1_795_000_000


@dataclass(frozen=True, slots=True)
class Passkey:
    """`person`'s; the private key and the credential id follow from `seed`."""

    person: str
    seed: int

    @property
    def credential(self) -> bytes:
        return hashlib.sha256(b"credential %d" % self.seed).digest()[:20]

    @property
    def public_key(self) -> bytes:
        """COSE_Key (RFC 9053, section 7.1.1), written by hand."""
        numbers = self._private().public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        return b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + x + b"\x22\x58\x20" + y

    def key(self, voucher: str | None = None) -> PersonKey:
        return PersonKey(
            credential=self.credential,
            public_key=self.public_key,
            person=PersonId(self.person),
            voucher=None if voucher is None else PersonId(voucher),
            made=moment(ENROLLED),
        )

    def sign(
        self,
        challenge: bytes,
        *,
        flags: int = PRESENT | VERIFIED,
        rp_id: str = PARTY.rp_id,
        origin: str = PARTY.origins[0],
        kind: str = "webauthn.get",
    ) -> Assertion:
        client = {"type": kind, "challenge": format_base64url(challenge), "origin": origin, "crossOrigin": False}
        client_data = json.dumps(client, separators=(",", ":")).encode()
        authenticator_data = hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + bytes(4)
        signed = authenticator_data + hashlib.sha256(client_data).digest()
        return Assertion(
            credential=self.credential,
            authenticator_data=authenticator_data,
            client_data=client_data,
            signature=self._private().sign(signed, ec.ECDSA(hashes.SHA256())),
        )

    def _private(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(self.seed + 1, ec.SECP256R1())
