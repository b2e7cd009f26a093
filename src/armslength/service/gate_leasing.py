"""Leasing: a quorum becomes a lease, and a lease ends.

INVARIANT: the lease is made by `issue`, which takes the receipt of its durable record. A crash after the record leaves
a lease that exists and was not told; the next start finds it in the ledger.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Sequence

from armslength.gate import (
    Conflict,
    Ended,
    Granted,
    Ignored,
    Lapsed,
    Leased,
    LeaseId,
    LeaseKey,
    LeaseState,
    LeaseTerms,
    Moment,
    PersonId,
    Quorum,
    Rejected,
    Request,
    RequestId,
    RequestState,
    RevocationList,
    Revoked,
    issue,
    jwks,
    new_id,
    posix,
    sign_lease,
    sign_revocations,
)
from armslength.ledger import Json
from armslength.service.gate_adopting import Adopting
from armslength.service.gate_failure import Unavailable
from armslength.service.gate_notice import NoticeKind, customer_told, told
from armslength.service.gate_office import HOST, SELF, Office
from armslength.service.gate_reviewing import overdue
from armslength.service.gate_row import GATE, Object, of_lease, of_request
from armslength.tlog import Receipt

LONGEST_REASON = 500
MOST_TOKENS = 10_000
LIST_AGE = dt.timedelta(seconds=2)
"""For how long a list of revoked leases is given out again, if nothing was revoked meanwhile."""
MOST_TOLD = 200


class Leasing:
    def __init__(self, office: Office, adopting: Adopting) -> None:
        self._office, self._book, self._adopting = office, office.book, adopting
        self._keys = tuple(LeaseKey(key) for key in office.folder.lease_keys)
        self._tokens: dict[LeaseId, str] = {}
        self._told: dict[RequestId, Moment] = {}
        """When customers were told, where that was later than when the request was made."""
        self._judged: dict[RequestId, tuple[object, ...]] = {}
        self._standing: tuple[str, dt.date] | None = None
        """The estate and the day by which live leases were last judged; None: not since the start, and what was before
        it may have been another day."""
        self.unfinished = True
        """Whether a lease may be there that has still to be ended, or a change that has still to be adopted."""
        self._listing = threading.Lock()
        self._list: tuple[RevocationList, str] | None = None

    # From a quorum to a lease

    def objects(self, request: Request) -> tuple[Object, ...]:
        """What is held while a request may become a lease."""
        change = (GATE,) if self._office.is_change(request) else ()
        return (of_request(request.id), *change)

    def overtaken(self, request: Request) -> bool:
        """Whether it is for a change of an estate that no longer holds."""
        return self._adopting.overtaken(request)

    def carry_on(self, id: RequestId) -> RequestState:
        """Open the lease if the request's quorum is there and nothing else is waited for. The caller holds `objects`.

        What fails here is tried again by `tick`: the approval that came before is on record, and stands.
        """
        try:
            for _ in range(2):  # once more if the estate changed between judging and recording
                state = self._office.request(id)
                if not state.waiting or self._opened(state):
                    break
        except (Conflict, Unavailable):
            self.unfinished = True
        return self._office.request(id)

    def _opened(self, state: RequestState) -> bool:
        """Whether nothing more is to be done now."""
        now = self._office.fit()
        request, decider = state.request, self._office.decider
        if self._adopting.overtaken(request):
            self._adopting.call_off(request)
            return True
        judgement = self._office.judged(state)
        if not isinstance(judgement, Quorum):
            # Nothing changes that but another approval, another estate or another day.
            self._judged[request.id] = (state.version, decider.digest, decider.day)
            return True
        if not self._may_open(state, judgement, now):
            return True
        terms = self._terms(request, judgement, now)
        if terms is None:
            return True
        event = Leased(at=posix(now), lease=dict(terms.form()))
        recorded = self._book.record(event, act=terms.act, on=self.objects(request), of=request)
        if isinstance(recorded.outcome, Ignored):
            return False
        self._token(terms, recorded.receipt)
        self._judged.pop(request.id, None)
        self._told.pop(request.id, None)
        self._tell_everyone(terms, now)
        if self._office.is_change(request):
            self._adopting.carry_out(request.id)
        return True

    def _terms(self, request: Request, quorum: Quorum, now: Moment) -> LeaseTerms | None:
        """None: its window is over."""
        terms = self._office.terms(quorum.rule.terms)
        start = max(now, request.window.start)
        end = min(request.window.end, start + dt.timedelta(minutes=terms.minutes))
        if not start < end:
            return None
        return LeaseTerms(
            id=LeaseId(new_id("lease", self._office.draw())),
            gate=self._office.settings.origin,
            request=request.id,
            executor=request.executor,
            action=request.action,
            resource=request.resource,
            customers=request.customers,
            start=start,
            end=end,
            uses=terms.uses,
            most_customers=terms.customers,
            rule=quorum.passage.rule,
            terms=quorum.rule.terms,
            approvers=quorum.people(),
            estate=self._office.decider.digest,
        )

    def _may_open(self, state: RequestState, quorum: Quorum, now: Moment) -> bool:
        """Whether a review that is late, a customer's window, or the state of the estate keeps it waiting."""
        terms = self._office.terms(quorum.rule.terms)
        if terms.id in self._office.settings.break_glass and overdue(self._office, now):
            return False
        if terms.customer == "veto" and not set(state.request.customers) <= state.agreed:
            return now >= self._veto_from(state, now) + dt.timedelta(minutes=self._office.settings.veto_minutes)
        return True

    def _veto_from(self, state: RequestState, now: Moment) -> Moment:
        """From when the customers' window runs: since they were told. A notice that is not there yet, for a crash or
        for somebody's meddling with the database, is put there now, and the window runs from now."""
        request = state.request
        says = f"somebody asks for {request.action} on your data, and you may say yes or no"
        notices = [customer_told(request.id, says, customer, at=posix(now)) for customer in request.customers]
        new = self._book.copies.change(
            lambda tables: [
                tables.outbox.add(one.mark, one.kind, one.body, at=one.at, person=one.person) for one in notices
            ]
        )
        if any(new):
            self._told[request.id] = now
        return self._told.get(request.id, request.made)

    def _tell_everyone(self, terms: LeaseTerms, now: Moment) -> None:
        """Break-glass is told to everyone who could have been asked."""
        if terms.terms not in self._office.settings.break_glass:
            return
        says = f"{terms.executor} has a lease under break-glass terms: {terms.action} {terms.resource}"
        people = self._office.decider.roster.approvers(terms.terms)[:MOST_TOLD]
        self._book.copies.write(
            told=[
                told(NoticeKind.GRANTED, terms.id, says, at=posix(now), person=person, more={"terms": terms.terms})
                for person in people
            ]
        )

    def resume(self) -> None:
        """Judge again the waiting requests for which something may have changed: approvals before a crash, another
        estate, another day, a window that is over."""
        for state in self._book.state.waiting():
            key = (state.version, self._office.decider.digest, self._office.decider.day)
            if state.approvals and self._judged.get(state.request.id) != key:
                with self._book.holding(*self.objects(state.request)):
                    self.carry_on(state.request.id)

    def lapse(self, state: RequestState) -> RequestState:
        """End a request whose time is over. The caller holds it."""
        event = Lapsed(at=posix(self._book.now()), request=state.request.id)
        self._office.record(event, on=[of_request(state.request.id)], of=state.request)
        return self._office.request(state.request.id)

    # As a token

    def token(self, id: LeaseId) -> str:
        state = self._office.lease(id)
        now = self._office.fit()
        self._book.copies.check(of_lease(id))
        if not state.live or now >= state.terms.end:
            raise Conflict("the lease is over")
        kept = self._tokens.get(id)
        if kept is not None:
            return kept
        request = self._office.request(state.terms.request)
        if not isinstance(request.status, Granted):
            raise Conflict("the lease's request cannot be read any more")
        # The ledger gives the receipt again for exactly the record that it has.
        event = Leased(at=posix(request.status.at), lease=dict(state.terms.form()))
        return self._token(state.terms, self._book.receipt(event, act=state.terms.act, of=request.request))

    def _token(self, terms: LeaseTerms, receipt: Receipt) -> str:
        made = sign_lease(issue(terms, receipt, terms.act), self._keys[0])
        if len(self._tokens) >= MOST_TOKENS:
            self._tokens.clear()
        self._tokens[terms.id] = made
        return made

    @property
    def signing(self) -> LeaseKey:
        return self._keys[0]

    def publics(self) -> dict[str, bytes]:
        """By `kid`."""
        return {key.kid: key.public for key in self._keys}

    def jwks(self) -> dict[str, Json]:
        return jwks(key.public for key in self._keys)

    def revocations(self) -> str:
        now = self._office.fit()
        revoked = self._book.state.ended_early(now)
        with self._listing:
            kept = self._list
            if kept is not None and kept[0].revoked == revoked and now - kept[0].made < LIST_AGE:
                return kept[1]
            number = posix(now)
            if kept is not None:
                number = kept[0].number if kept[0].revoked == revoked else max(number, kept[0].number + 1)
            made = RevocationList(gate=self._office.settings.origin, number=number, made=now, revoked=revoked)
            text = sign_revocations(made, self._keys[0])
            self._list = (made, text)
            return text

    # The end of a lease

    def give_back(self, id: LeaseId, by: PersonId) -> LeaseState:
        now = self._office.fit()
        with self._book.holding(of_lease(id)):
            state = self._live(id)
            request = self._book.state.requests.get(state.terms.request)
            if by not in {state.terms.executor, *(() if request is None else request.request.parties())}:
                raise Rejected(["a lease is given back by its executor, or by who asked for it"])
            return self.end(state, Ended(at=posix(now), lease=id, how="returned"))

    def revoke(self, id: LeaseId, by: PersonId, reason: str) -> LeaseState:
        """`by` `HOST`: whoever looks after the gate's host."""
        now = self._office.fit()
        if not reason.strip() or len(reason) > LONGEST_REASON:
            raise Rejected([f"a reason of {len(reason)} characters: expected 1 to {LONGEST_REASON}"])
        with self._book.holding(of_lease(id)):
            state = self._live(id)
            if by not in (HOST, SELF) and not self._concerned(state, by):
                raise Rejected(["a lease is revoked by those who asked for it, approved it, or could have approved it"])
            return self.end(state, Revoked(at=posix(now), lease=id, by=by, reason=reason))

    def end(self, state: LeaseState, event: Ended | Revoked) -> LeaseState:
        """The caller holds the lease."""
        self._office.record(event, on=[of_lease(state.terms.id)], of=state.terms, used=state.customers_used)
        self._tokens.pop(state.terms.id, None)
        return self._office.lease(state.terms.id)

    def _live(self, id: LeaseId) -> LeaseState:
        state = self._office.lease(id)
        if not state.live:
            raise Conflict("the lease is over")
        return state

    def _concerned(self, state: LeaseState, by: PersonId) -> bool:
        request = self._book.state.requests.get(state.terms.request)
        parties = frozenset() if request is None else request.request.parties()
        if by in {state.terms.executor, *state.terms.approvers, *parties}:
            return True
        decider = self._office.decider
        known = any(terms.id == state.terms.terms for terms in decider.estate.settings.terms)
        return known and decider.roster.knows(by) and decider.roster.member(by, state.terms.terms).may_approve

    # Leases judged again

    def catch_up(self) -> None:
        """After a change of the estate, and with a new day: revoke the leases whose quorum would be none any more.
        Until it is done each use asks for itself (`Office.holds`)."""
        decider = self._office.decider
        if self._standing == (decider.digest, decider.day):
            return
        self.revoke_unheld(self._book.state.live())
        self._standing = (decider.digest, decider.day)

    def judge_again(self) -> None:
        """Have the next sweep judge every live lease."""
        self._standing = None

    def revoke_unheld(self, leases: Sequence[LeaseState]) -> None:
        for state in leases:
            refused = self._office.holds(state)
            if refused is None:
                continue
            with self._book.holding(of_lease(state.terms.id)):
                now = self._office.fit()
                if self._office.lease(state.terms.id).live:
                    why = f"{refused.why}: {refused.says}"[:LONGEST_REASON]
                    event = Revoked(at=posix(now), lease=state.terms.id, by=SELF, reason=why)
                    self.end(self._office.lease(state.terms.id), event)
