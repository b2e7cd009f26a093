"""A lease: access for a time, bound to a person, an action, a resource or customers, and a number of uses.

INVARIANT: `issue` and `verify_lease` alone make one. `issue` takes the terms that a quorum gave and the receipt of
their durable record, so no lease exists before its record does; `verify_lease` (token.py) takes what the gate signed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import InitVar, dataclass
from typing import ClassVar, NewType

from armslength.gate.failure import Rejected
from armslength.gate.form import Form
from armslength.gate.moment import Moment, format_moment
from armslength.gate.request import MOST_CUSTOMERS, TARGETS, PersonId, RequestId, Target, id_bytes, is_id, is_name
from armslength.gate.request_form import parse_target
from armslength.tlog import Json, Receipt

LeaseId = NewType("LeaseId", str)
"""`lease_` and 16 bytes of chance in base64url; those bytes are the act id of its record."""

MOST_USES = 1_000_000
LONGEST = dt.timedelta(days=366)
"""From when a lease is given to its end, at most: so long one of which nothing can be read is told of as revoked."""
_DIGEST = re.compile(r"[0-9a-f]{64}")

_MEMBERS = frozenset(
    "action approvers customers end estate executor gate id most_customers request resource rule start terms "
    "uses".split()
)


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

    def __post_init__(self) -> None:
        """Raises `Rejected` with every problem."""
        if problems := list(self._problems()):
            raise Rejected(problems)

    @property
    def online(self) -> bool:
        """Whether each use has to be redeemed at the gate: it alone can count them."""
        return self.uses is not None or self.most_customers is not None

    @property
    def act(self) -> bytes:
        """The act id of its record."""
        return id_bytes(self.id)

    def form(self) -> dict[str, Json]:
        """What is recorded. Every member is always there."""
        return {
            "action": self.action,
            "approvers": list(self.approvers),
            "customers": list(self.customers),
            "end": format_moment(self.end),
            "estate": self.estate,
            "executor": self.executor,
            "gate": self.gate,
            "id": self.id,
            "most_customers": self.most_customers,
            "request": self.request,
            "resource": {"type": self.resource.type, "id": self.resource.id},
            "rule": self.rule,
            "start": format_moment(self.start),
            "terms": self.terms,
            "uses": self.uses,
        }

    def _problems(self) -> Iterator[str]:
        if not is_id(self.id, "lease"):
            yield f"the lease id {self.id[:40]!r}: expected lease_ and 22 characters of base64url"
        if not is_id(self.request, "req"):
            yield f"the request id {self.request[:40]!r}: expected req_ and 22 characters of base64url"
        names = (self.gate, self.executor, self.action, self.resource.id, *self.customers, self.rule, self.terms)
        for name in (*names, *self.approvers):
            if not is_name(name):
                yield f"the lease names {name[:40]!r}: expected printable characters without spaces around them"
        if self.resource.type not in TARGETS:
            yield f"the resource type {self.resource.type[:40]!r}: expected one of {', '.join(sorted(TARGETS))}"
        if list(self.customers) != sorted(set(self.customers)) or len(self.customers) > MOST_CUSTOMERS:
            yield f"the lease's customers: expected at most {MOST_CUSTOMERS} in ascending order, each once"
        if len(set(self.approvers)) < len(self.approvers) or not self.approvers or self.executor in self.approvers:
            yield "the lease's approvers: expected at least one, each once, none of them the executor"
        if not self.start < self.end:
            yield "the lease ends before it starts"
        if self.uses is not None and not 1 <= self.uses <= MOST_USES:
            yield f"a lease of {self.uses} uses: expected 1 to {MOST_USES}"
        if self.most_customers is not None and not 1 <= self.most_customers <= MOST_CUSTOMERS:
            yield f"a lease on {self.most_customers} customers: expected 1 to {MOST_CUSTOMERS}"
        if not _DIGEST.fullmatch(self.estate):
            yield f"the lease's estate {self.estate[:70]!r}: expected a SHA-256 in hex"


def parse_lease_terms(form: Json) -> LeaseTerms:
    """The terms whose `form` this is. Raises `Rejected` with every problem."""
    read = Form(form, "lease", _MEMBERS)
    texts = {name: read.text(name) for name in ("id", "gate", "request", "executor", "action", "rule", "terms")}
    resource = read.inner("resource", parse_target, Target(type="asset", id="-"))
    customers, approvers, estate = read.texts("customers"), read.texts("approvers"), read.text("estate")
    start, end = read.moment("start"), read.moment("end")
    uses = read.number("uses") if read.has("uses") else None
    most_customers = read.number("most_customers") if read.has("most_customers") else None
    read.done()
    return LeaseTerms(
        id=LeaseId(texts["id"]),
        gate=texts["gate"],
        request=RequestId(texts["request"]),
        executor=PersonId(texts["executor"]),
        action=texts["action"],
        resource=resource,
        customers=customers,
        start=start,
        end=end,
        uses=uses,
        most_customers=most_customers,
        rule=texts["rule"],
        terms=texts["terms"],
        approvers=tuple(PersonId(approver) for approver in approvers),
        estate=estate,
    )


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
            raise TypeError("only issue() and verify_lease() make a Lease")


def issue(terms: LeaseTerms, receipt: Receipt, act: bytes) -> Lease:
    """The lease whose record `act` is durable. Raises `Rejected` if the receipt is for another act or another log."""
    if not receipt.act == act == terms.act or receipt.origin != terms.gate:
        raise Rejected(["the receipt is for another act than this lease's record"])
    return Lease(terms=terms, origin=receipt.origin, index=receipt.first, _made=Lease.MADE)


def covers(terms: LeaseTerms, *, executor: PersonId, action: str, resource: Target, customers: frozenset[str]) -> bool:
    """Whether the lease is for this at all, whatever the time and what was used of it. A use that names no customer is
    one of all that the lease names; where it counts customers, each use has to name some."""
    if (terms.executor, terms.action, terms.resource) != (executor, action, resource):
        return False
    if not customers:
        return terms.most_customers is None
    return customers <= set(terms.customers) if terms.customers else terms.most_customers is not None
