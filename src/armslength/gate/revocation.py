"""The list of leases that ended before their time, which enforcement points fetch and check leases against.

Leases whose time is past are not in it: they have ended by themselves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from armslength.gate.failure import Rejected
from armslength.gate.form import LARGEST_NUMBER, Form
from armslength.gate.jws import sign, verify
from armslength.gate.lease import LeaseId
from armslength.gate.moment import Moment, posix
from armslength.gate.request import is_id, is_name
from armslength.gate.signing_key import LeaseKey
from armslength.tlog import Json

REVOCATIONS_TYPE = "armslength-revocations+jwt"

MOST_AGE = dt.timedelta(seconds=60)
"""A list that is older says nothing about now."""
ROOM = 2**16
"""Numbers for each place of the log."""
SKEW = dt.timedelta(seconds=5)
"""By how much the clocks of a point and of the gate may differ."""

_CLAIMS = frozenset({"aud", "iat", "iss", "number", "revoked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationList:
    """`number` grows with how much of the log the list is made from, and at one place in it with time; `made` is up to
    when the gate is sure to know everything."""

    gate: str
    number: int
    made: Moment
    revoked: frozenset[LeaseId]

    def __post_init__(self) -> None:
        """Raises `Rejected` with every problem."""
        problems = [f"the lease id {id[:40]!r} in the list" for id in sorted(self.revoked) if not is_id(id, "lease")]
        if not is_name(self.gate):
            problems.append(f"the list's gate {self.gate[:40]!r}")
        if not 0 <= self.number <= LARGEST_NUMBER:
            problems.append(f"the list's number {self.number}")
        if problems:
            raise Rejected(problems)

    def age(self, now: Moment) -> dt.timedelta:
        """Negative where `now` is before it was made."""
        return now - self.made

    def fresh(self, now: Moment) -> bool:
        """Whether it may be decided on: made at most `MOST_AGE` ago, and not in the future by more than `SKEW`."""
        return -SKEW <= self.age(now) <= MOST_AGE

    def beside(self, other: RevocationList) -> bool:
        """Whether both are made from as much of the log: then either may hold what its gate alone knows so far."""
        return self.gate == other.gate and self.number // ROOM == other.number // ROOM

    def follows(self, other: RevocationList) -> bool:
        """Whether it may take the place of the other: of the same gate and not an earlier one, whatever was served."""
        return self.gate == other.gate and (self.number, self.made) >= (other.number, other.made)


def sign_revocations(revocations: RevocationList, key: LeaseKey) -> str:
    claims: Json = {
        "aud": revocations.gate,
        "iat": posix(revocations.made),
        "iss": revocations.gate,
        "number": revocations.number,
        "revoked": sorted(revocations.revoked),
    }
    return sign(claims, REVOCATIONS_TYPE, key)


def verify_revocations(text: str, keys: Mapping[str, bytes]) -> RevocationList:
    """The list that the gate signed. Raises `Rejected`, or `UnknownKey`. How old it is, the caller asks: `fresh`."""
    read = Form(verify(text, REVOCATIONS_TYPE, keys), "list", _CLAIMS)
    gate, number, revoked = read.text("iss"), read.number("number"), read.texts("revoked")
    made = read.seconds("iat")
    read.exactly("aud", gate)
    read.done()
    if list(revoked) != sorted(set(revoked)):
        raise Rejected(["the list's leases are not in ascending order, each once"])
    return RevocationList(gate=gate, number=number, made=made, revoked=frozenset(LeaseId(id) for id in revoked))
