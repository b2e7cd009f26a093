"""What the browser is asked for, and what it gave: passkeys as W3C Web Authentication has them, bytes in base64url.

A passkey is discoverable, so that nobody types who they are, and always verifies its user. Attestation is not asked
for: which maker's device it is decides nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from armslength.gate import Assertion, Party, PersonId, Rejected, parse_assertion
from armslength.tlog import Json, format_base64url

PATIENCE_MS = 300_000
"""For which the browser waits for the person."""
_ALGORITHMS = (-8, -7, -257)
"""EdDSA, ES256 and RS256 (COSE), what platforms and keys have."""
LONGEST = 65_536
_MADE = ("id", "client_data", "attestation")


def ask_for_new(
    party: Party, *, gate: str, person: PersonId, name: str, user: bytes, challenge: bytes, held: Sequence[bytes]
) -> dict[str, Json]:
    """Options of `navigator.credentials.create`; `held` are the person's passkeys, so that none is made twice. `user`
    tells nobody who has the device in hand whose it is (section 14.6.1)."""
    return {
        "rp": {"id": party.rp_id, "name": gate},
        "user": {"id": format_base64url(user), "name": person, "displayName": name},
        "challenge": format_base64url(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": each} for each in _ALGORITHMS],
        "timeout": PATIENCE_MS,
        "excludeCredentials": [_named(each) for each in held],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
    }


def ask_for_signature(party: Party, *, challenge: bytes, held: Sequence[bytes]) -> dict[str, Json]:
    """Options of `navigator.credentials.get`; without `held` the device offers whatever it has for this place."""
    return {
        "rpId": party.rp_id,
        "challenge": format_base64url(challenge),
        "timeout": PATIENCE_MS,
        "allowCredentials": [_named(each) for each in held],
        "userVerification": "required",
    }


def read_assertion(text: str) -> Assertion:
    """Raises `Rejected`."""
    return parse_assertion(_read(text))


def read_registration(text: str) -> dict[str, Json]:
    """As py_webauthn and the standard's own `toJSON` write it. Raises `Rejected`."""
    made = _read(text)
    if not isinstance(made, dict) or any(not isinstance(made.get(name), str) for name in _MADE):
        raise Rejected([f"the new passkey cannot be read: expected {', '.join(_MADE)}"])
    return {
        "id": made["id"],
        "rawId": made["id"],
        "type": "public-key",
        "response": {"clientDataJSON": made["client_data"], "attestationObject": made["attestation"]},
    }


def _named(credential: bytes) -> dict[str, Json]:
    return {"type": "public-key", "id": format_base64url(credential)}


def _read(text: str) -> Json:
    if len(text) > LONGEST:
        raise Rejected([f"the passkey's answer has more than {LONGEST} characters"])
    try:
        value: Json = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise Rejected(["the passkey's answer cannot be read: expected what this page's form sends"]) from None
    return value
