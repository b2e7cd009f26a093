"""Leasing: a quorum becomes a lease, and a lease ends.

INVARIANT: the lease is made by `issue`, which takes the receipt of its durable record. A crash after the record leaves
a lease that exists and was not told; the next start finds it in the ledger.
"""

from __future__ import annotations

import datetime as dt
import math
import threading
import time
from dataclasses import dataclass

import msgspec

from armslength.gate import (
    LONGEST,
    ROOM,
    Conflict,
    Ended,
    GateError,
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
    Refused,
    Rejected,
    Request,
    RequestId,
    RequestState,
    RevocationList,
    Revoked,
    Why,
    format_moment,
    issue,
    jwks,
    moment,
    new_id,
    posix,
    sign_lease,
    sign_revocations,
)
from armslength.ledger import Json
from armslength.service.gate_adopting import Adopting
from armslength.service.gate_failure import Unavailable
from armslength.service.gate_fit import over
from armslength.service.gate_judging import PASSING, Judging
from armslength.service.gate_notice import NoticeKind, Told, channels, customer_asked
from armslength.service.gate_office import HOST, SELF, Office
from armslength.service.gate_reviewing import overdue
from armslength.service.gate_rounds import one_by_one
from armslength.service.gate_row import GATE, Object, of_lease, of_leaver, of_request
from armslength.service.gate_seal import DELIVERY, delivered
from armslength.store import GateTables
from armslength.tlog import Receipt

LONGEST_REASON = 500
MOST_TOKENS = 10_000
LIST_WAIT = 1.0
"""Seconds that a list waits for leases to be judged again, before the one before it is given out once more."""
FIRST_NUMBER = 2**32
"""Above every time in POSIX seconds, which lists were numbered by once: points may hold such a list."""
TURN = 20
"""Seconds of one turn: one or two after a list that knows more than the log, one that does not takes its place."""
AT_ONCE = 0.5
"""Seconds that an answer may take to end the leases that do not hold any more by what it brought about."""
LIST_AGE = dt.timedelta(seconds=2)
"""For how long a list of revoked leases is given out again, if nothing was revoked meanwhile."""


class Leasing:
    def __init__(self, office: Office, adopting: Adopting) -> None:
        self._office, self._book, self._adopting = office, office.book, adopting
        self._keys = tuple(LeaseKey(key) for key in office.folder.lease_keys)
        self._tokens: dict[LeaseId, str] = {}
        self._delivery = office.derived(f"for {DELIVERY}")
        self._judged: dict[RequestId, tuple[object, ...]] = {}
        self._judging = Judging(office)
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
                people = sorted({state.request.executor, *state.request.parties()})
                with self._book.seeing(*map(of_leaver, people)):
                    if not state.waiting or self._opened(state):
                        break
        except (Conflict, Unavailable):
            self._book.unfinished = True
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
        if self._office.is_change(request):
            self._adopting.carry_out(request.id)
        return True

    def _terms(self, request: Request, quorum: Quorum, now: Moment) -> LeaseTerms | None:
        """None: its window is over."""
        terms = self._office.terms(quorum.rule.terms)
        start = max(now, request.window.start)
        end = min(request.window.end, start + dt.timedelta(minutes=terms.minutes), now + LONGEST)
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
            told = self._told(state, now)
            return told is not None and now >= told + dt.timedelta(minutes=self._office.settings.veto_minutes)
        return True

    def _told(self, state: RequestState, now: Moment) -> Moment | None:
        """From when the customers' window runs: since the last of those who said nothing was told; None: not yet. A
        notice is told once a channel took it and the gate sealed that. One that is not there, was given up, or says
        something else, for a crash or for somebody's meddling with the database, is put there again."""
        if not channels(self._office.settings, NoticeKind.TOLD_CUSTOMER):
            return None
        asked = [
            customer_asked(state.request, customer, at=posix(now))
            for customer in state.request.customers
            if customer not in state.agreed
        ]
        found = self._book.copies.read(lambda tables: [tables.outbox.find(one.mark) for one in asked])
        times: list[int] = []
        lost: list[Told] = []
        for one, notice in zip(asked, found, strict=True):
            at = None if notice is None else delivered(notice, self._delivery, body=one.body, now=posix(now))
            if at is not None:
                times.append(at)
            elif notice is None or notice.due is None or (notice.kind, notice.body) != (one.kind, one.body):
                lost.append(one)

        def again(tables: GateTables) -> None:
            for one in lost:
                tables.outbox.again(one.mark, one.kind, one.body, at=one.at, person=one.person)

        if lost:
            self._book.copies.change(again)
        return moment(max(times)) if len(times) == len(asked) else None

    def resume(self) -> None:
        """Judge again the waiting requests for which something may have changed: approvals before a crash, another
        estate, another day, a window that is over. Raises `Unfinished`."""

        def judged(state: RequestState) -> None:
            with self._book.holding(*self.objects(state.request)):
                self.carry_on(state.request.id)

        waiting = self._book.state.waiting()
        decider = self._office.decider
        keys = {each.request.id: (each.version, decider.digest, decider.day) for each in waiting}
        for id in set(self._judged) - set(keys):
            self._judged.pop(id, None)  # it waits no more; one that is just made is judged once more than needed
        one_by_one(
            [each for each in waiting if each.approvals and self._judged.get(each.request.id) != keys[each.request.id]],
            judged,
            lambda state: state.request.id,
        )

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
        if (refused := self._office.holds(state)) is not None:
            raise Conflict(refused.says)
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
        with self._listing:
            self._office.fit()
            kept = self._list
            made = self._book.confirmed()  # first: the list has at least what was recorded by then
            found = self._revoked(made, math.inf if kept is None else time.monotonic() + LIST_WAIT)
            if found is None:
                assert kept is not None
                return kept[1]  # it says when it was true
            if kept is not None and kept[0].revoked == found.revoked and made - kept[0].made < LIST_AGE:
                return kept[1]
            number = _number(found, made)
            if kept is not None:
                made = max(made, kept[0].made)
                another = made == kept[0].made and found.revoked != kept[0].revoked
                number = max(number, kept[0].number + another)
            listed = RevocationList(gate=self._office.settings.origin, number=number, made=made, revoked=found.revoked)
            text = sign_revocations(listed, self._keys[0])
            self._list = (listed, text)
            return text

    def _revoked(self, now: Moment, until: float) -> _Ended | None:
        """None where that cannot be said before `until`. The caller holds `_listing`, so that no list which misses one
        comes after a list which has it."""
        unheld = self._judging.unheld(until)
        if unheld is None:
            return None
        found = [self._book.state.leases.get(id) for id in unheld | frozenset(self._office.ending)]
        late = frozenset(each.terms.id for each in found if each is not None and each.live and each.terms.end > now)
        position, since = self._position()
        while True:  # read last: what is no longer live above is in it
            early = self._book.state.ended_early(now)
            before, (position, since) = position, self._position()
            if before == position:
                return _Ended(early=early, late=late - early, position=position, since=since)

    def _position(self) -> tuple[int, int]:
        """How much of the log the state is made from, and the time of the newest event in it."""
        with self._book.reading:
            return self._book.state.position, self._book.state.time

    # The end of a lease

    def give_back(self, id: LeaseId, by: PersonId) -> LeaseState:
        with self._book.holding(of_lease(id)):
            state = self._live(id)
            request = self._book.state.requests.get(state.terms.request)
            if by not in {state.terms.executor, *(() if request is None else request.request.parties())}:
                raise Rejected(["a lease is given back by its executor, or by who asked for it"])
            return self.end(state, Ended(at=self._book.state.time, lease=id, how="returned"))

    def revoke(self, id: LeaseId, by: PersonId, reason: str) -> LeaseState:
        """`by` `HOST`: whoever looks after the gate's host."""
        if not reason.strip() or len(reason) > LONGEST_REASON:
            raise Rejected([f"a reason of {len(reason)} characters: expected 1 to {LONGEST_REASON}"])
        with self._book.holding(of_lease(id)):
            state = self._office.lease(id)
            if not (state.spent and self._book.now() < state.terms.end):
                state = self._live(id)
            if by not in (HOST, SELF) and not self._concerned(state, by):
                raise Rejected(["a lease is revoked by those who asked for it, approved it, or could have approved it"])
            return self.end(state, Revoked(at=self._book.state.time, lease=id, by=by, reason=reason))

    def stands(self, id: LeaseId) -> Refused | None:
        """Why what the lease opened has to end now, or None. One that is spent goes on to bear what its last use
        opened. Raises `Rejected` where there is none, `Unavailable`."""
        now = self._office.fit()
        state = self._office.lease(id)
        if not state.spent and (ended := over(state)) is not None:
            return ended
        if now >= state.terms.end:
            return Refused(why=Why.EXPIRED, says=f"the lease ended at {format_moment(state.terms.end)}")
        return self._office.holds(state)

    def end(self, state: LeaseState, event: Ended | Revoked) -> LeaseState:
        """The caller holds the lease. It is recorded as of now; where nothing can be, the lease opens nothing all the
        same, and the sweep records its end. Raises `Unavailable`, `Conflict`."""
        id = state.terms.id
        first = id not in self._office.ending
        self._office.ending[id] = event
        try:
            now = self._office.fit()
            event = msgspec.structs.replace(event, at=posix(now))
            self._office.record(event, on=[of_lease(id)], of=state.terms, used=state.customers_used)
        except Unavailable as error:
            if first:
                self._book.keep_apart(event, self._office.draw())
            says = f"{error}; the lease opens nothing from here on, and its end is recorded once that is possible"
            raise Unavailable(error.why, says) from error
        except GateError:
            self._office.ending.pop(id, None)
            raise
        self._office.ending.pop(id, None)
        self._tokens.pop(id, None)
        return self._office.lease(id)

    def end_late(self) -> None:
        """Record the ends that could not be recorded before. Raises `Unfinished`."""
        one_by_one(list(self._office.ending), self._end_late, str)

    def _end_late(self, id: LeaseId) -> None:
        with self._book.holding(of_lease(id)):
            event, state = self._office.ending.get(id), self._book.state.leases.get(id)
            taken = state is not None and state.spent and isinstance(event, Revoked)
            if event is None or state is None or not (state.live or taken):
                self._office.ending.pop(id, None)
            else:
                self.end(state, event)

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

    def catch_up(self, seconds: float = AT_ONCE) -> None:
        """Judge again what may not hold any more, and revoke it, as far as that goes in so many seconds; the next sweep
        goes on. Until it is done each use asks for itself (`Office.holds`), and the list names what does not hold.
        Raises `Unfinished`."""
        until = time.monotonic() + seconds
        self._judging.again()
        while time.monotonic() < until and self._judging.go_on(online=True):
            pass
        self.revoke_unheld(until)

    def judge_again(self) -> None:
        """Have every live lease judged, whatever is under way."""
        self._book.turns += 1

    def look_again(self) -> None:
        """The same, and every request that waits: others count than before."""
        self._judged.clear()
        self.judge_again()

    def revoke_unheld(self, until: float) -> None:
        """Begin no more of it after `until` (of `time.monotonic`). Raises `Unfinished`."""
        one_by_one(self._judging.lost(), self._revoke_unheld, str, until)

    def _revoke_unheld(self, id: LeaseId) -> None:
        self._judging.postpone(id)
        with self._book.holding(of_lease(id)):
            state = self._book.state.leases.get(id)
            refused = None if state is None or not state.live else self._office.holds(state)
            if state is None or refused is None:
                self._judging.drop(id)
            elif refused.why not in PASSING and id not in self._office.ending:
                why = f"{refused.why}: {refused.says}"[:LONGEST_REASON]
                self.end(state, Revoked(at=posix(self._office.fit()), lease=id, by=SELF, reason=why))
                self._judging.drop(id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """The leases that ended `early`, and those that have to still (`late`): what does not hold any more, and what
    somebody took away while that could not be recorded. `position` of the log says so much, `since` its newest time."""

    early: frozenset[LeaseId]
    late: frozenset[LeaseId]
    position: int
    since: int

    @property
    def revoked(self) -> frozenset[LeaseId]:
        return self.early | self.late


def _number(ended: _Ended, made: Moment) -> int:
    """The number of a list that a gate makes of it.

    A point takes no list with a smaller number than it has seen. So it grows first of all with how much of the log a
    list is made from: of two gates' lists the one that knows less never takes the place of the other, however their
    clocks go. At one position it grows by turns of time. A list with leases of whose end the log says nothing yet is
    more than a turn ahead, so that another gate's, which does not know of them, comes after it only when it is old; but
    it does come, or a point would be left without a list where that gate is gone and nothing more happens.
    """
    turns, last = max(0, posix(made) - ended.since) // TURN, ROOM // 2 - 2
    early = 3 if ended.late and turns < last else 0  # after days without a record time alone decides
    return FIRST_NUMBER + ended.position * ROOM + 2 * min(turns, last) + early
