"""What the gate holds: a person's key, a request, a lease, each as far as it has come; frozen, a new one for a change.

`version` counts the events that changed it, from 1 on. `form` is what its row in a database must equal, to the byte.
"""

from __future__ import annotations

from dataclasses import dataclass

from armslength.gate.approval import Approval, ApprovalId, PersonKey, parse_assertion
from armslength.gate.form import Form, read_digest
from armslength.gate.lease import LeaseTerms, parse_lease_terms
from armslength.gate.moment import Moment, format_moment
from armslength.gate.request import PersonId, Request, RequestId
from armslength.gate.request_form import parse_request
from armslength.gate.status import (
    LeaseStatus,
    Live,
    Over,
    RequestStatus,
    Waiting,
    format_status,
    parse_lease_status,
    parse_request_status,
)
from armslength.tlog import Json, format_base64url


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRevocation:
    by: str
    reason: str
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """A passkey that was enrolled. `revoked` None: it counts."""

    key: PersonKey
    revoked: KeyRevocation | None
    index: int
    version: int

    def form(self) -> dict[str, Json]:
        revoked = self.revoked
        return {
            "credential": format_base64url(self.key.credential),
            "index": self.index,
            "kind": "key",
            "made": format_moment(self.key.made),
            "person": self.key.person,
            "public_key": format_base64url(self.key.public_key),
            "revoked": None
            if revoked is None
            else {"at": format_moment(revoked.at), "by": revoked.by, "reason": revoked.reason},
            "version": self.version,
            "voucher": self.key.voucher,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestState:
    """`approvals` are those that stand, in the order they came; `took_back` those who took theirs back, which is final;
    `agreed` the customers who said yes. `estate` is the digest it was made under, `adopted` whether the change of the
    estate that it asked for was carried out, `index` where its record stands."""

    request: Request
    estate: str
    index: int
    version: int
    approvals: tuple[Approval, ...] = ()
    took_back: frozenset[PersonId] = frozenset()
    agreed: frozenset[str] = frozenset()
    status: RequestStatus = Waiting()
    adopted: bool = False

    @property
    def waiting(self) -> bool:
        return isinstance(self.status, Waiting)

    def approvers(self) -> tuple[PersonId, ...]:
        """Whose approval stands."""
        return tuple(approval.approver for approval in self.approvals)

    def form(self) -> dict[str, Json]:
        return {
            "adopted": self.adopted,
            "agreed": sorted(self.agreed),
            "approvals": [_approval_form(approval) for approval in self.approvals],
            "estate": self.estate,
            "index": self.index,
            "kind": "request",
            "request": self.request.form(),
            "status": format_status(self.status),
            "took_back": sorted(self.took_back),
            "version": self.version,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What somebody else found when they looked at what was done under the lease."""

    by: PersonId
    outcome: str
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseState:
    """`uses` and `customers_used` count what fitted the lease. `origin` and `index` say where its record stands."""

    terms: LeaseTerms
    origin: str
    index: int
    version: int
    status: LeaseStatus = Live()
    uses: int = 0
    customers_used: frozenset[str] = frozenset()
    review: Review | None = None

    @property
    def live(self) -> bool:
        """Whether no event ended it. The caller looks at the times too."""
        return isinstance(self.status, Live)

    @property
    def spent(self) -> bool:
        """Whether its last use ended it: what that use opened goes on until its time is up, or somebody ends it."""
        return isinstance(self.status, Over) and self.status.how == "spent"

    @property
    def ended(self) -> Moment | None:
        return None if isinstance(self.status, Live) else self.status.at

    def form(self) -> dict[str, Json]:
        review = self.review
        return {
            "customers_used": sorted(self.customers_used),
            "index": self.index,
            "kind": "lease",
            "origin": self.origin,
            "review": None
            if review is None
            else {"at": format_moment(review.at), "by": review.by, "outcome": review.outcome},
            "status": format_status(self.status),
            "terms": self.terms.form(),
            "uses": self.uses,
            "version": self.version,
        }


def parse_key_state(form: Json) -> KeyState:
    """Raises `Rejected`, as all reading here does."""
    read = Form(form, "key", frozenset("credential index kind made person public_key revoked version voucher".split()))
    read.exactly("kind", "key")
    key = PersonKey(
        credential=read.base64url("credential"),
        public_key=read.base64url("public_key"),
        person=PersonId(read.text("person")),
        voucher=PersonId(read.text("voucher")) if read.has("voucher") else None,
        made=read.moment("made"),
    )
    revoked = read.inner("revoked", _parse_revocation, None) if read.has("revoked") else None
    state = KeyState(key=key, revoked=revoked, index=read.number("index"), version=read.number("version"))
    read.done()
    return state


def _parse_revocation(form: Json) -> KeyRevocation:
    read = Form(form, "revocation", frozenset({"at", "by", "reason"}))
    revocation = KeyRevocation(by=read.text("by"), reason=read.text("reason"), at=read.moment("at"))
    read.done()
    return revocation


_REQUEST = frozenset("adopted agreed approvals estate index kind request status took_back version".split())


def parse_request_state(form: Json) -> RequestState:
    read = Form(form, "request", _REQUEST)
    read.exactly("kind", "request")
    request = read.inner("request", parse_request, None)
    approvals = [read.made("approvals", each, _parse_approval, None) for each in read.items("approvals")]
    status = read.inner("status", parse_request_status, Waiting())
    estate, index, version = read.text("estate"), read.number("index"), read.number("version")
    agreed, took_back, adopted = read.texts("agreed"), read.texts("took_back"), read.flag("adopted")
    read.done()
    assert request is not None
    return RequestState(
        request=request,
        estate=estate,
        index=index,
        version=version,
        approvals=tuple(approval for approval in approvals if approval is not None),
        took_back=frozenset(PersonId(person) for person in took_back),
        agreed=frozenset(agreed),
        status=status,
        adopted=adopted,
    )


_LEASE = frozenset("customers_used index kind origin review status terms uses version".split())


def parse_lease_state(form: Json) -> LeaseState:
    read = Form(form, "lease", _LEASE)
    read.exactly("kind", "lease")
    terms = read.inner("terms", parse_lease_terms, None)
    status = read.inner("status", parse_lease_status, Live())
    review = read.inner("review", _parse_review, None) if read.has("review") else None
    origin, index, version = read.text("origin"), read.number("index"), read.number("version")
    uses, customers_used = read.number("uses"), read.texts("customers_used")
    read.done()
    assert terms is not None
    return LeaseState(
        terms=terms,
        origin=origin,
        index=index,
        version=version,
        status=status,
        uses=uses,
        customers_used=frozenset(customers_used),
        review=review,
    )


def _parse_review(form: Json) -> Review:
    read = Form(form, "review", frozenset({"at", "by", "outcome"}))
    review = Review(by=PersonId(read.text("by")), outcome=read.text("outcome"), at=read.moment("at"))
    read.done()
    return review


def _approval_form(approval: Approval) -> dict[str, Json]:
    return {
        "approver": approval.approver,
        "assertion": approval.assertion.form(),
        "at": format_moment(approval.at),
        "id": approval.id,
        "opened": [digest.hex() for digest in approval.opened],
        "request": approval.request,
    }


def _parse_approval(form: Json) -> Approval:
    read = Form(form, "approval", frozenset({"approver", "assertion", "at", "id", "opened", "request"}))
    assertion = read.inner("assertion", parse_assertion, None)
    texts = {name: read.text(name) for name in ("approver", "id", "request")}
    opened = tuple(read.made("opened", digest, read_digest, b"") for digest in read.texts("opened"))
    at = read.moment("at")
    read.done()
    assert assertion is not None
    return Approval(
        id=ApprovalId(texts["id"]),
        request=RequestId(texts["request"]),
        approver=PersonId(texts["approver"]),
        assertion=assertion,
        opened=opened,
        at=at,
    )
