"""A lease: access for a time, bound to a person, an action, a resource or customers, and a number of uses.

INVARIANT: `issue` and `verify` alone make one. `issue` takes the terms that a quorum gave and the receipt of their
durable record, so no lease exists before its record does; `verify` takes what the gate signed.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import ClassVar, NewType

from armslength.gate.failure import Rejected
from armslength.gate.moment import Moment
from armslength.gate.request import PersonId, RequestId, Target
from armslength.tlog import Receipt

LeaseId = NewType("LeaseId", str)
"""`lease_` and 16 bytes of chance in base64url; those bytes are the act id of its record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTerms:
    """What a lease is for: everything of it but the proof that it may exist.

    `customers` empty: of customers that are named at each use, if `most_customers` limits how many, else none.
    `uses` None: any number. Times are half open.
    """

    id: LeaseId
    gate: str
    request: RequestId
    executor: PersonId
    action: str
    resource: Target
    customers: tuple[str, ...]
    start: Moment
    end: Moment
    uses: int | None
    most_customers: int | None
    rule: str
    terms: str
    approvers: tuple[PersonId, ...]
    estate: str
    """The estate's digest, in hex."""

    @property
    def online(self) -> bool:
        """Whether each use has to be redeemed at the gate: it alone can count them."""
        return self.uses is not None or self.most_customers is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """`origin` and `index` say where its record stands in the ledger."""

    MADE: ClassVar[object] = object()

    terms: LeaseTerms
    origin: str
    index: int
    _made: InitVar[object] = None

    def __post_init__(self, _made: object) -> None:
        if _made is not Lease.MADE:
            raise TypeError("only issue() and verify() make a Lease")


def issue(terms: LeaseTerms, receipt: Receipt, act: bytes) -> Lease:
    """The lease whose record `act` is durable. Raises `Rejected` if the receipt is for another act or another log."""
    if receipt.act != act or receipt.origin != terms.gate:
        raise Rejected(["the receipt is for another act than this lease's record"])
    return Lease(terms=terms, origin=receipt.origin, index=receipt.first, _made=Lease.MADE)


def covers(terms: LeaseTerms, *, executor: PersonId, action: str, resource: Target, customers: frozenset[str]) -> bool:
    """Whether the lease is for this at all, whatever the time and what was used of it."""
    if (terms.executor, terms.action, terms.resource) != (executor, action, resource):
        return False
    if terms.customers:
        return customers <= set(terms.customers)
    return not customers or terms.most_customers is not None
