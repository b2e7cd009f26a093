"""That a customer was told: sealed by who delivers it, believed by who waits for it.

A customer's time to say no runs from a delivery that a channel took. Whoever has the gate's database could write that
one was; without the gate's key they cannot seal it, nor move a seal to another notice, another text or an earlier time.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from armslength.store import Notice
from armslength.tlog import canonical

DELIVERY = "delivery"
"""The purpose for which the key is derived (`Gate.derived`)."""


def delivery_seal(key: bytes, *, mark: str, body: bytes, at: int) -> bytes:
    """Over the notice and when it was taken, in POSIX seconds."""
    said = canonical({"at": at, "body": sha256(body).hexdigest(), "mark": mark}, label="delivery")
    return hmac.digest(key, said, sha256)


def delivered(notice: Notice, key: bytes, *, body: bytes, now: int) -> int | None:
    """When this notice, with that body, was taken; None: it was not, or nobody can believe it."""
    at, seal = notice.sent_at, notice.seal
    if at is None or seal is None or not 0 <= at <= now:
        return None
    return at if hmac.compare_digest(seal, delivery_seal(key, mark=notice.mark, body=body, at=at)) else None
