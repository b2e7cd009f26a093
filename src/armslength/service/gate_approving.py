"""Approving: people's signatures and customers' words come in, until a quorum is there or somebody says no.

An approval is recorded before it counts. What a crash leaves between the last approval and the lease is a request whose
quorum is there: the next start, as each `tick`, judges waiting requests again by the same code (`Leasing.carry_on`).
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from armslength.gate import (
    Approval,
    ApprovalId,
    Assertion,
    Conflict,
    Declined,
    KeyState,
    Moment,
    Open,
    PersonId,
    Question,
    Refused,
    Rejected,
    RequestId,
    RequestState,
    Unapproved,
    Voiced,
    Withdrawn,
    asking,
    check_approval,
    id_bytes,
    new_id,
    posix,
    rule_for,
    unfit,
)
from armslength.service.gate_documents import Documents
from armslength.service.gate_failure import Unavailable
from armslength.service.gate_filing import caller_of, is_filed_by
from armslength.service.gate_leasing import Leasing
from armslength.service.gate_office import Office
from armslength.service.gate_row import of_key, of_request
from armslength.tlog import Malformed, format_base64url, parse_base64url

LONGEST_REASON = 500
MAC = 32


class Approving:
    def __init__(self, office: Office, leasing: Leasing, documents: Documents) -> None:
        self._office, self._book, self._leasing, self._documents = office, office.book, leasing, documents
        self._voice = office.derived("voice")

    # Yes and no

    def approve(self, id: RequestId, approver: PersonId, assertion: Assertion) -> RequestState:
        now = self._office.fit()
        request = self._office.request(id).request
        objects = self._leasing.objects(request)
        with self._book.holding(*objects):
            state = self._waiting(id, now)
            credential = format_base64url(assertion.credential)
            key = self._key(credential, approver)
            if approver in state.approvers():
                raise Conflict(f"{approver} approved it already")
            if approver in state.took_back:
                raise Rejected(["an approval that was taken back is not given again: ask anew"])
            if problem := self.unable(state, approver):
                raise Rejected([problem])
            self._book.copies.check(of_key(credential), *objects)
            approval = Approval(
                id=ApprovalId(new_id("appr", self._office.draw())),
                request=id,
                approver=approver,
                assertion=assertion,
                opened=tuple(sorted(self._documents.shown(id, approver))),
                at=now,
            )
            check_approval(approval, request, key.key, self._office.party)
            self._office.record(
                approval.event(),
                act=id_bytes(approval.id),
                on=[of_request(id)],
                beside=[of_key(credential)],
                of=request,
            )
            return self._leasing.carry_on(id)

    def unable(self, state: RequestState, person: PersonId) -> str | None:
        """Why this person's approval could not be part of any quorum for it; None: it could, with others'."""
        request, decider = state.request, self._office.decider
        if person in request.parties():
            return "nobody approves what they ask for, write or carry out"
        if not decider.roster.knows(person):
            return f"{person[:40]!r} is not in the people table"
        look = decider.look(Question.of(request))
        if isinstance(look, Refused):
            return f"the request would be refused now: {look.says}"
        try:
            states = self._office.barred(request)
        except Unavailable as error:
            return str(error)
        problems: set[str] = set()
        for passage in look.passages if isinstance(look, Open) else ():
            rule = rule_for(decider, passage, states)
            seat, member = asking(decider, request, rule.terms), decider.roster.member(person, rule.terms)
            if not unfit(rule, seat, member):
                return None
            if not member.may_approve:
                problems.add(f"{person} is not among the approvers of {rule.terms}")
            else:
                # Of what, it is not said: an exposure may be by a tie that somebody declared.
                problems.add(f"{person} could not be in a quorum of {rule.terms} for this")
        return "; ".join(sorted(problems)) or "no terms lead to this any more"

    def unapprove(self, id: RequestId, approver: PersonId) -> RequestState:
        now = self._office.fit()
        with self._book.holding(of_request(id)):
            state = self._waiting(id, now)
            if approver not in state.approvers():
                raise Conflict(f"no approval of {approver} stands")
            event = Unapproved(at=posix(now), request=id, approver=approver)
            self._office.record(event, on=[of_request(id)], of=state.request)
            return self._office.request(id)

    def decline(self, id: RequestId, approver: PersonId, reason: str) -> RequestState:
        now = self._office.fit()
        if not reason.strip() or len(reason) > LONGEST_REASON:
            raise Rejected([f"a reason of {len(reason)} characters: expected 1 to {LONGEST_REASON}"])
        with self._book.holding(of_request(id)):
            state = self._waiting(id, now)
            if problem := self.unable(state, approver):
                raise Rejected([problem])
            event = Declined(at=posix(now), request=id, approver=approver, reason=reason)
            self._office.record(event, on=[of_request(id)], of=state.request)
            return self._office.request(id)

    def withdraw(self, id: RequestId, by: PersonId) -> RequestState:
        now = self._office.fit()
        with self._book.holding(of_request(id)):
            state = self._waiting(id, now)
            if by not in state.request.parties():
                raise Rejected(["a request is withdrawn by those who made it"])
            event = Withdrawn(at=posix(now), request=id, by=by)
            self._office.record(event, on=[of_request(id)], of=state.request)
            return self._office.request(id)

    def withdraw_filed(self, id: RequestId, point: str) -> RequestState:
        now = self._office.fit()
        with self._book.holding(of_request(id)):
            state = self._waiting(id, now)
            if not is_filed_by(state.request, point):
                raise Rejected([f"the point {point} did not file this request"])
            event = Withdrawn(at=posix(now), request=id, by=caller_of(point))
            self._office.record(event, on=[of_request(id)], of=state.request)
            return self._office.request(id)

    # Customers

    def voice_token(self, id: RequestId, customer: str) -> str:
        """`voice_`, the request, and a MAC over the request and the customer: nobody makes one without the gate's key,
        and it says nothing of whose it is."""
        request = self._office.request(id).request
        if customer not in request.customers:
            raise Rejected([f"{id} is not about this customer"])
        return f"voice_{format_base64url(id_bytes(id) + self._mac(id, customer))}"

    def voice_of(self, token: str) -> tuple[RequestState, str]:
        problem = Rejected(["this link is none of the gate's, or its request is no longer known"])
        try:
            data = parse_base64url(token.removeprefix("voice_"), 16 + MAC)
        except Malformed:
            raise problem from None
        id = RequestId(new_id("req", data[:16]))
        state = self._book.state.requests.get(id)
        for customer in () if state is None else state.request.customers:
            if hmac.compare_digest(self._mac(id, customer), data[16:]):
                assert state is not None
                return state, customer
        raise problem

    def voice(self, token: str, agrees: bool) -> RequestState:
        now = self._office.fit()
        found, customer = self.voice_of(token)
        request = found.request
        with self._book.holding(*self._leasing.objects(request)):
            state = self._waiting(request.id, now)
            if agrees and customer in state.agreed:
                return state
            event = Voiced(at=posix(now), request=request.id, customer=customer, agrees=agrees)
            self._office.record(event, on=[of_request(request.id)], of=request)
            return self._leasing.carry_on(request.id)

    # Finding

    def waiting_for(self, person: PersonId) -> tuple[RequestState, ...]:
        found = []
        for state in self._book.state.waiting():
            if person in state.approvers() or person in state.took_back or self.unable(state, person) is not None:
                continue
            candidates = self._office.candidates(state)
            if person in candidates.people or not candidates.complete:
                found.append(state)
        return tuple(found)

    # Within

    def _waiting(self, id: RequestId, now: Moment) -> RequestState:
        """The request, if it still waits; one whose time is over ends here. Raises `Conflict`."""
        state = self._office.request(id)
        if state.waiting and state.request.expires <= now:
            state = self._leasing.lapse(state)
        if state.waiting and self._leasing.overtaken(state.request):
            state = self._leasing.carry_on(id)
        if not state.waiting:
            raise Conflict(f"the request is over: {type(state.status).__name__.lower()}")
        return state

    def _key(self, credential: str, person: PersonId) -> KeyState:
        key = self._book.state.keys.get(credential)
        if key is None or key.key.person != person:
            raise Rejected([f"this passkey is not enrolled for {person}"])
        if key.revoked is not None:
            raise Rejected(["this passkey was revoked"])
        return key

    def _mac(self, id: RequestId, customer: str) -> bytes:
        return hmac.digest(self._voice, f"{id}|{customer}".encode(), sha256)
