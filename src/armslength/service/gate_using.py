"""Using: an act may happen now, or not. A yes that concerns a customer or rests on a lease is recorded before it is
given.

A crash after the record leaves a use that nobody was told of; the point asks again with the same id, and is told.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from armslength.gate import (
    LATEST_SECONDS,
    Conflict,
    Ended,
    GateError,
    Granted,
    Ignored,
    LeaseId,
    LeaseState,
    Look,
    Moment,
    Open,
    Over,
    PersonId,
    Question,
    Refused,
    Rejected,
    Standing,
    Tampered,
    Target,
    Used,
    Why,
    format_moment,
    is_name,
    moment,
    posix,
    verify_lease,
)
from armslength.ledger import Json
from armslength.service.gate_anew import anew
from armslength.service.gate_denials import Denials
from armslength.service.gate_failure import Raced, Unavailable
from armslength.service.gate_fit import over, unusable
from armslength.service.gate_leasing import Leasing
from armslength.service.gate_notice import NoticeKind, told
from armslength.service.gate_office import Office, derived_act
from armslength.service.gate_row import Object, of_lease, of_leaver
from armslength.service.gate_uses import AGAIN
from armslength.tlog import Receipt, format_base64url

USE_SIZE = 16
OLDEST = 86_400
"""Seconds after which a use that a point let pass itself is no longer taken."""
MOST_CUSTOMERS = 1000
GATE_POINT = "gate"
"""The point that the gate itself is, where it uses a lease for what it guards of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """Yes, this once. `lease` None: standing access, through `rule`. `until` is when a stream that was opened by it has
    to end; `uses_left` None: any number. `receipt` is that of its record, None for standing access that concerns no
    customer, and for an answer that was given before."""

    rule: str
    lease: LeaseState | None
    until: Moment | None
    uses_left: int | None
    receipt: Receipt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineUse:
    """A use that a point let pass by a lease that it checked itself. `done` is when, by its clock (POSIX seconds)."""

    use: bytes
    lease: LeaseId
    executor: PersonId
    action: str
    resource: Target
    customers: tuple[str, ...]
    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineAnswer:
    """`use` is on record. `problem`: what was wrong with it, so that somebody has to look; None: it fits its lease."""

    use: bytes
    problem: str | None


class Using:
    def __init__(self, office: Office, leasing: Leasing, denials: Denials) -> None:
        self._office, self._book, self._leasing, self._denials = office, office.book, leasing, denials
        self._points = frozenset(point.id for point in office.settings.points) | {GATE_POINT}
        self._limits = {point.id: point for point in office.settings.points}

    def redeem(
        self,
        *,
        point: str,
        executor: PersonId,
        action: str,
        resource: Target,
        customers: Sequence[str],
        use: bytes,
        token: str | None,
        context: Mapping[str, Json],
    ) -> Redeemed | Refused:
        question = Question(
            executor=executor, asker=executor, author=None, action=action, resource=resource, context=context
        )
        named = tuple(sorted(set(customers)))
        try:
            answer = anew(self._redeem)(point, question, named, use, token)
        except Unavailable as error:
            answer = error.refused()
        except Tampered:
            says = "what is stored of this is not what the ledger has; nothing is decided on it until somebody looked"
            answer = Refused(why=Why.TAMPERED, says=says)
        except GateError as error:
            answer = Refused(why=Why.ERROR, says=str(error))
        except Exception as error:
            answer = Refused(why=Why.ERROR, says=f"deciding failed with {type(error).__name__}")
        if isinstance(answer, Refused):
            self._denials.note(
                answer,
                executor=executor,
                asker=executor,
                author=None,
                action=action,
                resource=resource,
                customers=named,
                point=point,
            )
        return answer

    def _redeem(
        self, point: str, question: Question, customers: tuple[str, ...], use: bytes, token: str | None
    ) -> Redeemed | Refused:
        self._book.now()
        if problems := self._problems(point, customers, use):
            raise Rejected(problems)
        if token is None and not customers:
            look = self._office.decider.look(question)
            if isinstance(look, Standing):  # of which no record is kept, so it waits for none
                return Redeemed(rule=look.passage.rule, lease=None, until=None, uses_left=None, receipt=None)
        now = self._office.fit()
        with self._book.holding(_of_use(point, use)), self._book.seeing(of_leaver(question.executor)):
            if (before := self._book.uses.find(point, format_base64url(use))) is not None:
                return self._again(before, question, customers, now)
            look = self._office.decider.look(question)
            if token is None and isinstance(look, Standing):
                return self._standing(point, question, customers, use, look, now)
            return self._by_lease(point, question, customers, use, token, look)

    def _problems(self, point: str, customers: tuple[str, ...], use: bytes) -> list[str]:
        problems = [] if point in self._points else [f"no enforcement point {point[:40]!r} in the settings"]
        if len(use) != USE_SIZE:
            problems.append(f"a use of {len(use)} bytes: expected {USE_SIZE} that were drawn for it")
        if len(customers) > MOST_CUSTOMERS:
            problems.append(f"{len(customers)} customers: expected at most {MOST_CUSTOMERS}")
        return [*problems, *(f"the customer {name[:40]!r}" for name in customers if not is_name(name))]

    def _standing(
        self, point: str, question: Question, customers: tuple[str, ...], use: bytes, look: Standing, now: Moment
    ) -> Redeemed:
        rule = look.passage.rule
        event = self._event(point, question, customers, use, None, rule, now)
        receipt = self._office.record(event, act=_act_of(point, use))
        return Redeemed(rule=rule, lease=None, until=None, uses_left=None, receipt=receipt)

    # By a lease

    def _by_lease(
        self, point: str, question: Question, customers: tuple[str, ...], use: bytes, token: str | None, look: Look
    ) -> Redeemed | Refused:
        first: Refused | None = None
        for id in self._leases(question, token):
            state = self._office.lease(id)
            with self._book.holding(of_lease(id)), self._book.seeing(*self._office.rests_on(state)):
                now = self._office.fit()
                state = self._office.lease(id)
                refused = unusable(state, question, frozenset(customers), now) or self._office.holds(state)
                if refused is None:
                    return self._used(point, question, customers, use, state, now)
                first = first or refused
        return first or self._none(question, look)

    def _leases(self, question: Question, token: str | None) -> list[LeaseId]:
        """The leases that could do, those first that lose nothing by it. Raises `Rejected` for a token that is none."""
        if token is not None:
            lease = verify_lease(token, self._leasing.publics())
            if lease.terms.gate != self._office.settings.origin or lease.terms.id not in self._book.state.leases:
                raise Rejected(["the lease is none of this gate's, or no longer known"])
            return [lease.terms.id]
        found = self._book.state.leases_for(question.executor, question.action, question.resource)
        return [each.terms.id for each in sorted(found, key=lambda each: (each.terms.online, each.terms.end))]

    def _used(
        self,
        point: str,
        question: Question,
        customers: tuple[str, ...],
        use: bytes,
        state: LeaseState,
        now: Moment,
    ) -> Redeemed:
        id = state.terms.id
        event = self._event(point, question, customers, use, id, state.terms.rule, now)
        receipt = self._office.record(event, act=_act_of(point, use), on=[of_lease(id)], of=state.terms)
        state = self._office.lease(id)
        left = None if state.terms.uses is None else state.terms.uses - state.uses
        if left == 0:
            try:
                state = self._leasing.end(state, Ended(at=posix(now), lease=id, how="spent"))
            except GateError:  # no use is left of it in any case; `tick` ends it
                self._book.unfinished = True
        return Redeemed(rule=state.terms.rule, lease=state, until=state.terms.end, uses_left=left, receipt=receipt)

    def _again(self, before: Used, question: Question, customers: tuple[str, ...], now: Moment) -> Redeemed | Refused:
        """The answer to a use that was given before: the same, if the same is asked a short while after, and what it
        rests on still holds."""
        same = (before.executor, before.action, before.resource, before.customers) == (
            question.executor,
            question.action,
            str(question.resource),
            customers,
        )
        if not same or now - moment(before.at) > dt.timedelta(seconds=AGAIN):
            return Refused(why=Why.SPENT, says="this use was redeemed before: draw another for another act")
        if before.lease is None:
            look = self._office.decider.look(question)
            if not isinstance(look, Standing):
                return self._none(question, look)
            return Redeemed(rule=before.rule, lease=None, until=None, uses_left=None, receipt=None)
        state = self._office.lease(LeaseId(before.lease))
        spent = isinstance(state.status, Over) and state.status.how == "spent"  # by this use, perhaps
        refused = None if spent else over(state)
        if refused is None and now >= state.terms.end:
            refused = Refused(why=Why.EXPIRED, says=f"the lease ended at {format_moment(state.terms.end)}")
        if refused := refused or self._office.holds(state):
            return refused
        left = None if state.terms.uses is None else state.terms.uses - state.uses
        return Redeemed(rule=before.rule, lease=state, until=state.terms.end, uses_left=left, receipt=None)

    def _none(self, question: Question, look: Look) -> Refused:
        """Why there is no lease: what became of the last one, or what policy says."""
        newest: LeaseState | None = None
        for request in self._book.state.requests_of(question.executor):
            if not isinstance(request.status, Granted):
                continue
            lease = self._book.state.leases.get(request.status.lease)
            if lease is None or (lease.terms.action, lease.terms.resource) != (question.action, question.resource):
                continue
            newest = lease if newest is None or lease.index > newest.index else newest
        if newest is not None and isinstance(look, Open) and (ended := over(newest)) is not None:
            return ended
        match look:
            case Refused():
                return look
            case Open() | Standing():
                says = "this needs a lease, and there is none: ask for it"
                return Refused(why=Why.APPROVAL_REQUIRED, says=says, rules=self._office.decider.reasons(look))

    @staticmethod
    def _event(
        point: str,
        question: Question,
        customers: tuple[str, ...],
        use: bytes,
        lease: LeaseId | None,
        rule: str,
        now: Moment,
    ) -> Used:
        return Used(
            at=posix(now),
            use=format_base64url(use),
            lease=lease,
            rule=rule,
            executor=question.executor,
            action=question.action,
            resource=str(question.resource),
            customers=customers,
            point=point,
        )

    def _spent(self, id: LeaseId) -> bool:
        state = self._book.state.leases.get(id)
        return state is not None and state.terms.uses is not None and state.uses >= state.terms.uses

    # Uses that were let pass elsewhere

    def take_uses(self, point: str, uses: Sequence[OfflineUse]) -> tuple[OfflineAnswer, ...]:
        """Raises `Rejected` with every problem of their form, and then none is taken; `Unavailable`."""
        now = self._office.fit()
        problems = [each for use in uses for each in self._problems(point, use.customers, use.use)]
        problems += [f"a use done at {use.done}: expected POSIX seconds" for use in uses if not _is_time(use.done)]
        if problems:
            raise Rejected(problems)
        return tuple(self._taken(point, use, now) for use in uses)

    def _taken(self, point: str, use: OfflineUse, now: Moment) -> OfflineAnswer:
        with self._book.holding(_of_use(point, use.use), of_lease(use.lease)):
            state = self._book.state.leases.get(use.lease)
            if self._book.state.used(use.lease, use.use):
                return OfflineAnswer(use=use.use, problem=None)
            if (refusal := self._unbelievable(point, use, now)) is not None:
                return self._told(point, use, refusal, now)
            event = Used(
                at=posix(now),
                use=format_base64url(use.use),
                lease=use.lease,
                rule="unknown" if state is None else state.terms.rule,
                executor=use.executor,
                action=use.action,
                resource=str(use.resource),
                customers=tuple(sorted(set(use.customers))),
                point=point,
                done=use.done,
            )
            on = [] if state is None else [of_lease(use.lease)]
            of = None if state is None else state.terms
            try:
                recorded = self._book.record(event, act=_act_of(point, use.use), on=on, of=of)
            except Raced:
                raise
            except Conflict:
                return OfflineAnswer(use=use.use, problem="it was recorded before")
            if isinstance(recorded.outcome, Ignored):
                reason = recorded.outcome.reason
            else:
                self._book.unfinished |= self._spent(use.lease)  # `tick` ends it
                if state is None or not state.terms.online:
                    return OfflineAnswer(use=use.use, problem=None)
                reason = "it counts, so that each use has to be redeemed first"
        # It happened, so it is on record; and somebody has to look at it.
        return self._told(point, use, reason, now)

    def _unbelievable(self, point: str, use: OfflineUse, now: Moment) -> str | None:
        """Why a delivered use is not taken into anybody's records: whoever has a point's secret could write there."""
        if posix(now) - use.done > OLDEST:
            return "it is said to be older than a day, so it is not on record"
        limits = self._limits.get(point)
        if limits is not None and not limits.guards(use.action, use.resource):
            return "the point may not ask about this action on this resource, so it is not on record"
        return None

    def _told(self, point: str, use: OfflineUse, reason: str, now: Moment) -> OfflineAnswer:
        says = f"the point {point} let a use pass that its lease {use.lease} did not allow: {reason}"
        self._book.finding(("use", use.lease), says)
        more = {"use": format_base64url(use.use)}
        self._book.copies.write(told=[told(NoticeKind.ALARM, use.lease, says, at=posix(now), more=more)])
        return OfflineAnswer(use=use.use, problem=reason)


def _is_time(seconds: int) -> bool:
    return 0 <= seconds <= LATEST_SECONDS


def _of_use(point: str, use: bytes) -> Object:
    """Stands for one use: of two that ask for it at once, one is first."""
    return "request", f"use {point} {use.hex()}"


def _act_of(point: str, use: bytes) -> bytes:
    """So that the ledger takes each use once."""
    return derived_act("use", point, use.hex())
