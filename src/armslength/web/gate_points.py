"""Who calls the gate: an enforcement point, by its secret (`Authorization: Bearer pt_…`, RFC 6750).

The gate keeps SHA-256 of each secret only. All points are compared, each in constant time, so that how long an answer
takes says nothing of a secret.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Literal

from armslength.gate import Refused, Why
from armslength.store import GatePoint
from armslength.web.gate_exchange import Exchange, Refusal, said

May = Literal["evaluate", "forward", "redeem"]
"""What a point may ask for: decisions and requests, `auth_request` answers, uses of leases."""

_SECRET = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +(pt_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])")
_CHALLENGE = (b"www-authenticate", b'Bearer realm="armslength"')


class Points:
    """The points of the gate's settings."""

    def __init__(self, points: Sequence[GatePoint]) -> None:
        self._points = tuple((bytes.fromhex(each.secret_sha256), each) for each in points)

    def caller(self, exchange: Exchange, may: May) -> GatePoint:
        """The point that calls. Raises `Refusal`: 401 for nobody that is known, 403 for one that may not do this."""
        given = exchange.headers.get(b"authorization")
        match = None if given is None or b"authorization" in exchange.repeated else _SECRET.fullmatch(given)
        if match is None:
            raise Refusal(said(401, "expected Authorization: Bearer and a point's secret", headers=(_CHALLENGE,)))
        digest = hashlib.sha256(match[1]).digest()
        found = None
        for secret, point in self._points:
            if hmac.compare_digest(secret, digest):
                found = point
        if found is None:
            raise Refusal(said(401, "no point has this secret", headers=(_CHALLENGE,)))
        permitted(found, may)
        return found


def permitted(point: GatePoint, may: May) -> None:
    """Raises `Refusal`, 403, for a point that may not do this."""
    if may not in point.may:
        raise Refusal(said(403, f"the point {point.id} may not {may}"))


def not_guarded() -> Refused:
    """For a question about an action or a resource that the point has nothing to do with, by its settings."""
    return Refused(why=Why.NO_RULE, says="this point may not ask about this action on this resource")
