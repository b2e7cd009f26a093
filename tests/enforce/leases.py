"""Leases and lists as a gate signs them, with a key of the tests."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from armslength.gate import (
    LeaseId,
    LeaseKey,
    LeaseTerms,
    PersonId,
    RequestId,
    RevocationList,
    Target,
    issue,
    moment,
    new_id,
    sign_lease,
    sign_revocations,
)
from armslength.tlog import Receipt

GATE = "gate.example/ledger"
KEY = LeaseKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER_KEY = LeaseKey(Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
KEYS = {KEY.kid: KEY.public}
START = 1_800_000_000
ROOMS = Target(type="asset", id="rooms")


def terms(number: int = 1, **more: object) -> LeaseTerms:
    """A lease of one hour for ana to read rooms of two customers."""
    fields: dict[str, object] = {
        "id": LeaseId(new_id("lease", number.to_bytes(16, "big"))),
        "gate": GATE,
        "request": RequestId(new_id("req", bytes(16))),
        "executor": PersonId("ana"),
        "action": "read",
        "resource": ROOMS,
        "customers": ("c-1", "c-2"),
        "start": moment(START),
        "end": moment(START + 3600),
        "uses": None,
        "most_customers": None,
        "rule": "grants:2",
        "terms": "two-apart",
        "approvers": (PersonId("bea"), PersonId("cem")),
        "estate": "ab" * 32,
    }
    return LeaseTerms(**{**fields, **more})  # type: ignore[arg-type]


def signed(found: LeaseTerms, key: LeaseKey = KEY) -> str:
    act = found.act
    receipt = Receipt(origin=found.gate, act=act, first=7, leaves=(bytes(32),), size=8, _durable=Receipt.DURABLE)
    return sign_lease(issue(found, receipt, act), key)


def listed(*revoked: LeaseId, made: float = START, number: int = 1, gate: str = GATE, key: LeaseKey = KEY) -> str:
    found = RevocationList(gate=gate, number=number, made=moment(made), revoked=frozenset(revoked))
    return sign_revocations(found, key)
