"""Signing keys and leases for the tests of what the gate signs."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from armslength.gate import Binding, Lease, LeaseKey, LeaseTerms, RevocationList, issue, moment
from armslength.tlog import Json, Receipt, canonical, format_base64url
from tests.gate.stories import MADE, ORIGIN, lease_id, lease_terms

KEY = LeaseKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER_KEY = LeaseKey(Ed25519PrivateKey.from_private_bytes(bytes(32)))
KEYS = {KEY.kid: KEY.public}


def receipt(terms: LeaseTerms, **changed: Any) -> Receipt:
    members = {"origin": terms.gate, "act": terms.act, "first": 41, "leaves": (bytes(32),), "size": 60}
    return Receipt(**{**members, **changed}, _durable=Receipt.DURABLE)


def a_lease(**changed: Any) -> Lease:
    terms = lease_terms(**changed)
    return issue(terms, receipt(terms), terms.act)


def a_list(**changed: Any) -> RevocationList:
    members = {"gate": ORIGIN, "number": 7, "made": moment(MADE), "revoked": frozenset({lease_id("a"), lease_id("b")})}
    return RevocationList(**{**members, **changed})


def a_binding(**changed: Any) -> Binding:
    members = {
        "gate": ORIGIN,
        "audience": "https://gate.example",
        "evaluation": "eval_1",
        "subject": {"type": "person", "id": "ana", "properties": {"device": "laptop"}},
        "action": {"name": "read"},
        "resource": {"type": "asset", "id": "recordings"},
        "context": {"ticket": "T-1", "count": 2},
        "made": moment(MADE),
        "expires": moment(MADE + 600),
    }
    return Binding(**{**members, **changed})


def forged(header: Json, claims: Json | bytes, key: LeaseKey = KEY) -> str:
    """A compact JWS with any header and claims, signed by `key`, written without the code under test."""
    parts = [
        format_base64url(canonical(header, label="header")),
        format_base64url(claims if isinstance(claims, bytes) else canonical(claims, label="claims")),
    ]
    return ".".join([*parts, format_base64url(key.private.sign(".".join(parts).encode()))])
