"""A passkey's fingerprint, short enough to be read aloud."""

from __future__ import annotations

import hashlib


def fingerprint(credential: bytes, public_key: bytes) -> str:
    """What two people read to each other: 80 bits of SHA-256 over the passkey, in groups of four digits of base 16."""
    digest = hashlib.sha256(len(credential).to_bytes(2, "big") + credential + public_key).hexdigest()[:20]
    return " ".join(digest[i : i + 4] for i in range(0, 20, 4))
