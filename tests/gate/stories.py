"""Requests, leases and events of one small gate, and a story: events applied one after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from armslength.gate import (
    Adopted,
    Approval,
    ApprovalId,
    Approved,
    Assertion,
    Changed,
    Enrolled,
    Enrolment,
    Erased,
    Event,
    Evidence,
    Hold,
    Ignored,
    Leased,
    LeaseId,
    LeaseTerms,
    PersonId,
    Request,
    Requested,
    RequestId,
    State,
    Target,
    Used,
    Window,
    id_bytes,
    moment,
    new_id,
)
from armslength.tlog import format_base64url
from tests.gate.passkeys import Passkey

ORIGIN = "ledger.example/acts"
ESTATE = "e5" * 32
MADE = 1_795_640_000
"""2026-11-25T20:53:20Z"""
WINDOW = (MADE, MADE + 7200)
EXPIRES = MADE + 3600
DOCUMENT = Evidence(digest=hashlib.sha256(b"order").digest(), media_type="application/pdf", name="order.pdf", size=5)

ANA, BO, CY, DEE, EVE = (Passkey(person, seed) for seed, person in enumerate(("ana", "bo", "cy", "dee", "eve"), 1))
PASSKEYS = (ANA, BO, CY, DEE, EVE)


def chance(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]


def request_id(name: str) -> RequestId:
    return RequestId(new_id("req", chance(name)))


def lease_id(name: str) -> LeaseId:
    return LeaseId(new_id("lease", chance(name)))


def a_request(name: str = "r", **changed: Any) -> Request:
    """Ana would read what is in `recordings` of two customers, for Bo."""
    members: dict[str, Any] = {
        "id": request_id(name),
        "gate": ORIGIN,
        "executor": PersonId("ana"),
        "asker": PersonId("bo"),
        "author": None,
        "action": "read",
        "resource": Target(type="asset", id="recordings"),
        "customers": ("acme", "zenith"),
        "purpose": "a court asks for them",
        "context": {"ticket": "T-1", "count": 2},
        "evidence": (DOCUMENT,),
        "window": Window(start=moment(WINDOW[0]), end=moment(WINDOW[1])),
        "made": moment(MADE),
        "expires": moment(EXPIRES),
        "hold": Hold(reason="court-order", until=moment(WINDOW[1])),
    }
    return Request(**{**members, **changed})


def lease_terms(name: str = "l", request: str = "r", **changed: Any) -> LeaseTerms:
    """What `a_request` asks for, as Cy and Dee approved it."""
    members: dict[str, Any] = {
        "id": lease_id(name),
        "gate": ORIGIN,
        "request": request_id(request),
        "executor": PersonId("ana"),
        "action": "read",
        "resource": Target(type="asset", id="recordings"),
        "customers": ("acme", "zenith"),
        "start": moment(MADE + 60),
        "end": moment(MADE + 3660),
        "uses": None,
        "most_customers": None,
        "rule": "read-recordings",
        "terms": "two-apart",
        "approvers": (PersonId("cy"), PersonId("dee")),
        "estate": ESTATE,
    }
    return LeaseTerms(**{**members, **changed})


def enrolled(passkey: Passkey, *, voucher: Passkey | None = None, at: int = MADE - 100) -> Enrolled:
    enrolment = Enrolment(
        gate=ORIGIN,
        person=PersonId(passkey.person),
        credential=passkey.credential,
        public_key=passkey.public_key,
        made=moment(at),
    )
    if voucher is None:
        return enrolment.founding(at=moment(at))
    signed = voucher.sign(enrolment.challenge())
    return enrolment.vouched(at=moment(at), voucher=PersonId(voucher.person), assertion=signed)


def requested(request: Request | None = None, *, at: int = MADE) -> Requested:
    return Requested(at=at, form=dict((request or a_request()).form()), estate=ESTATE)


def unsigned(passkey: Passkey) -> Assertion:
    """What the fold looks at of an assertion; nobody's signature."""
    return Assertion(credential=passkey.credential, authenticator_data=b"a", client_data=b"c", signature=b"s")


def approved(
    passkey: Passkey, request: str = "r", *, at: int = MADE + 10, name: str | None = None, opened: bool = True
) -> Approved:
    approval = Approval(
        id=ApprovalId(new_id("appr", chance(name or f"{passkey.person} {request}"))),
        request=request_id(request),
        approver=PersonId(passkey.person),
        assertion=unsigned(passkey),
        opened=(DOCUMENT.digest,) if opened else (),
        at=moment(at),
    )
    return approval.event()


def leased(terms: LeaseTerms | None = None, *, at: int = MADE + 60) -> Leased:
    return Leased(at=at, lease=dict((terms or lease_terms()).form()))


def used(
    name: str = "u",
    lease: str | None = "l",
    *,
    at: int = MADE + 100,
    customers: tuple[str, ...] = ("acme",),
    done: int | None = None,
    **changed: Any,
) -> Used:
    members: dict[str, Any] = {
        "at": at,
        "use": format_base64url(chance(name)),
        "lease": None if lease is None else lease_id(lease),
        "rule": "read-recordings",
        "executor": "ana",
        "action": "read",
        "resource": "asset:recordings",
        "customers": customers,
        "point": "nginx",
        "done": done,
    }
    return Used(**{**members, **changed})


def adopted(after: str = ESTATE, *, before: str | None = None, request: str | None = None, at: int = MADE) -> Adopted:
    id = None if request is None else request_id(request)
    return Adopted(at=at - 200, before=before, after=after, what=("estate",), request=id, by="ana")


@dataclass(slots=True)
class Story:
    """A state and the events it was given, each at the next index under an act id of its own."""

    state: State = field(default_factory=State)
    told: list[tuple[Event | Erased, bytes, int]] = field(default_factory=list)

    def tell(self, *events: Event | Erased) -> Changed | Ignored:
        """The outcome of the last one."""
        outcome: Changed | Ignored = Changed()
        for event in events:
            index = len(self.told)
            act = id_bytes(str(event.lease["id"])) if isinstance(event, Leased) else chance(f"act {index}")
            self.told.append((event, act, index))
            outcome = self.state.apply(event, act=act, index=index, origin=ORIGIN)
        return outcome

    def fits(self, *events: Event | Erased) -> None:
        for event in events:
            outcome = self.tell(event)
            assert isinstance(outcome, Changed), outcome

    def ignored(self, event: Event | Erased) -> str:
        """The reason; nothing of the state but its time and position is another."""
        before = documents(self.state)
        outcome = self.tell(event)
        assert isinstance(outcome, Ignored), outcome
        assert documents(self.state) == before
        return outcome.reason


def founded() -> Story:
    """An estate, and a founding key for each of the five."""
    story = Story()
    story.fits(adopted(), *(enrolled(passkey) for passkey in PASSKEYS))
    return story


def asked(**changed: Any) -> Story:
    story = founded()
    story.fits(requested(a_request(**changed)))
    return story


def lent(request: Callable[[], Request] = a_request, **terms: Any) -> Story:
    """A live lease that Cy and Dee approved."""
    story = founded()
    story.fits(requested(request()), approved(CY), approved(DEE), leased(lease_terms(**terms)))
    return story


def documents(state: State) -> dict[tuple[str, str], bytes]:
    return {(kind, id): state.document(kind, id) for kind, id in state.objects()}


def replayed(told: list[tuple[Event | Erased, bytes, int]], into: State | None = None) -> State:
    state = State() if into is None else into
    for event, act, index in told:
        state.apply(event, act=act, index=index, origin=ORIGIN)
    return state
