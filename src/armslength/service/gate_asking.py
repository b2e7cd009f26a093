"""Asking: a request is made, if policy lets it be asked for and somebody could approve it.

The order, and what a crash after each step leaves: the caller's key is remembered with the id that the request will
have (asking again with that key goes on with it); its evidence is kept (swept if no request comes to name it); the
request is recorded; its row is written.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from armslength.gate import (
    Candidates,
    Conflict,
    Evidence,
    Hold,
    LeaseId,
    Moment,
    Open,
    PersonId,
    Question,
    Refused,
    Rejected,
    Request,
    Requested,
    RequestId,
    RequestState,
    Standing,
    Tampered,
    Target,
    Why,
    Window,
    covers,
    format_moment,
    id_bytes,
    new_id,
    posix,
    who_could,
)
from armslength.ledger import Json, canonical
from armslength.service.gate_change import CHANGE
from armslength.service.gate_denials import Denials
from armslength.service.gate_documents import Documents
from armslength.service.gate_failure import Unavailable
from armslength.service.gate_filing import FILED_BY, misfiled, unfiled
from armslength.service.gate_notice import NoticeKind, Told, channels, customer_asked, told
from armslength.service.gate_office import Office
from armslength.service.gate_reviewing import overdue
from armslength.service.gate_row import GATE, Object, of_leaver, of_request
from armslength.tlog import Malformed

REMEMBERED = dt.timedelta(days=7)
"""For how long a caller's key stands for what it was used for."""
LONGEST_WAIT = dt.timedelta(days=90)
"""For how long a request may wait."""
LONGEST_AHEAD = dt.timedelta(days=365)
"""How far ahead a window may begin, and a hold end."""
MOST_TOLD = 100
"""People who are told that their approval is awaited; the others find it in the console."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asks for. `evidence` are documents that were put in before (`put_evidence`). `window` None: from
    now until it expires and the longest lease after that; `expires` None: as long as the settings say. `renews` is a
    live lease that this one is to follow: the same may then be asked for again while it lasts."""

    executor: PersonId
    asker: PersonId
    author: PersonId | None = None
    action: str
    resource: Target
    customers: tuple[str, ...] = ()
    purpose: str
    context: Mapping[str, Json] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    window: Window | None = None
    expires: Moment | None = None
    hold: Hold | None = None
    renews: LeaseId | None = None

    def digest(self) -> bytes:
        """SHA-256 of all of it: what an idempotency key was used for. Raises `Rejected`."""
        window, hold = self.window, self.hold
        form: dict[str, Json] = {
            "action": self.action,
            "asker": self.asker,
            "author": self.author,
            "context": dict(self.context),
            "customers": list(self.customers),
            "evidence": [each.form() for each in self.evidence],
            "executor": self.executor,
            "expires": None if self.expires is None else format_moment(self.expires),
            "hold": None if hold is None else hold.form(),
            "purpose": self.purpose,
            "renews": self.renews,
            "resource": str(self.resource),
            "window": None if window is None else window.form(),
        }
        try:
            return hashlib.sha256(canonical(form, label="request")).digest()
        except Malformed as error:
            raise Rejected([str(error)]) from None


AskOutcome = RequestState | Refused


class Asking:
    def __init__(self, office: Office, denials: Denials, documents: Documents) -> None:
        self._office, self._book, self._denials, self._documents = office, office.book, denials, documents

    def ask(self, asked: Asked, *, caller: str, key: str | None, change: bool = False) -> AskOutcome:
        """`change`: the gate itself asks, for another estate."""
        if CHANGE in asked.context and not change:
            raise Rejected([f"the context's member {CHANGE} is the gate's own: propose the change"])
        if misfiled(asked.context, caller):
            raise Rejected([f"the context's member {FILED_BY} is the gate's own"])
        if change and asked.resource != self._office.gate_asset():
            raise Rejected(["another estate is asked for on the gate alone"])
        try:
            now = self._office.fit()
            people = {asked.executor, asked.asker, *(() if asked.author is None else (asked.author,))}
            with self._book.seeing(*map(of_leaver, sorted(people))):
                if key is None:
                    return self._ask(asked, RequestId(new_id("req", self._office.draw())), now)
                return self._keyed(asked, caller, key, now)
        except Unavailable as error:
            return error.refused()

    def draft(self, asked: Asked) -> Request:
        """The request as it would be made now. Raises `Rejected`, `Unavailable`."""
        return self._made(asked, RequestId(new_id("req", bytes(16))), self._office.fit())

    def who_could(self, asked: Asked) -> Candidates:
        request = self.draft(asked)
        states = self._office.barred(request)
        return who_could(self._office.decider, request, (), self._office.available(), barred=states)

    # With a key

    def _keyed(self, asked: Asked, caller: str, key: str, now: Moment) -> AskOutcome:
        body = asked.digest()
        fresh = new_id("req", self._office.draw())
        remembered = self._book.copies.change(
            lambda tables: tables.idempotency.remember(
                caller, key, body=body, answer=fresh, now=posix(now), ends=posix(now + REMEMBERED)
            )
        )
        if remembered.body != body:
            raise Conflict("this key was used for another request")
        id = RequestId(remembered.answer)
        made = self._book.state.requests.get(id)
        if made is not None:
            if _differs(made.request, asked):
                raise Tampered("the row of an idempotency key names another request than was asked for")
            return made
        outcome: AskOutcome | None = None
        try:
            outcome = self._ask(asked, id, now)
        finally:
            # What was refused left nothing, so that the key may be used again. After a failure it stays: the request
            # may be there all the same, and has this id.
            if isinstance(outcome, Refused):
                with suppress(Unavailable):
                    self._book.copies.change(lambda tables: tables.idempotency.forget(caller, key))
        return outcome

    # Asking

    def _ask(self, asked: Asked, id: RequestId, now: Moment) -> AskOutcome:
        request = self._made(asked, id, now)
        self._documents.check(request)
        look = self._office.decider.look(Question.of(request))
        match look:
            case Refused():
                return self._denied(request, look)
            case Standing():
                raise Rejected(["this is standing access: it needs no request"])
            case Open():
                pass
        if (refused := self._unaskable(request, look, now)) is not None:
            return self._denied(request, refused)
        states = self._office.barred(request)
        candidates = who_could(self._office.decider, request, (), self._office.available(), barred=states)
        if candidates.complete and not candidates.sets:
            says = "nobody could approve this: no quorum can be made of the people who have a passkey and are not away"
            if states:
                says += f" and whom none of the states can compel whose reach it widens ({', '.join(sorted(states))})"
            return self._denied(request, Refused(why=Why.IMPOSSIBLE, says=says))
        # The first request ends the founding, which is a change of the gate itself.
        on = [] if self._book.state.founded else [GATE]
        with self._book.holding(of_request(id), _same(request), *on):
            self._check_single(request, asked.renews)
            self._documents.keep(request)
            event = Requested(at=posix(now), form=dict(request.form()), estate=self._office.digest)
            on = [] if self._book.state.founded else [GATE]
            self._office.record(event, act=id_bytes(id), on=on, of=request)
            state = self._office.request(id)
        with suppress(Unavailable):  # what is not told now is told at the next start
            self._book.copies.write(told=self.told(state, candidates, now))
        return state

    def told(self, state: RequestState, candidates: Candidates, now: Moment) -> list[Told]:
        """Who hears of a new request: those who could approve it, and customers whose word is asked for."""
        request, at = state.request, posix(now)
        says = f"{request.asker} asks for {request.action} on {request.resource}; your approval could complete it"
        people = candidates.people[:MOST_TOLD]
        notices = [told(NoticeKind.WAITING, request.id, says, at=at, person=person) for person in people]
        if self.voices(request):
            notices += [customer_asked(request, customer, at=at) for customer in request.customers]
        return notices

    def voices(self, request: Request) -> bool:
        """Whether terms that it could pass through give the customers a word."""
        look = self._office.decider.look(Question.of(request))
        passages = look.passages if isinstance(look, Open) else ()
        return any(each.terms and self._office.terms(each.terms).customer is not None for each in passages)

    def _made(self, asked: Asked, id: RequestId, now: Moment) -> Request:
        if problems := list(_too_far(asked, now)):
            raise Rejected(problems)
        settings = self._office.settings
        expires = asked.expires or now + dt.timedelta(minutes=settings.request_minutes)
        window = asked.window
        if window is None:
            longest = max((terms.minutes for terms in self._office.decider.estate.settings.terms), default=0)
            start = now
            if asked.renews is not None and (renewed := self._book.state.leases.get(asked.renews)) is not None:
                start = max(now, renewed.terms.end)
                expires = max(expires, start) if asked.expires is None else expires
            window = Window(start=start, end=max(expires, start) + dt.timedelta(minutes=max(1, longest)))
        elif asked.expires is None:
            expires = min(expires, window.end)
        return Request(
            id=id,
            gate=settings.origin,
            executor=asked.executor,
            asker=asked.asker,
            author=asked.author,
            action=asked.action,
            resource=asked.resource,
            customers=tuple(sorted(set(asked.customers))),
            purpose=asked.purpose,
            context=asked.context,
            evidence=asked.evidence,
            window=window,
            made=now,
            expires=expires,
            hold=asked.hold,
        )

    def _unaskable(self, request: Request, look: Open, now: Moment) -> Refused | None:
        terms = [self._office.terms(each.terms) for each in look.passages if each.terms is not None]
        if request.hold is not None and any(each.customer is not None for each in terms):
            raise Rejected(["a hold keeps customers from being told, and these terms ask for their word"])
        veto = bool(request.customers and terms) and all(each.customer == "veto" for each in terms)
        if veto and not channels(self._office.settings, NoticeKind.TOLD_CUSTOMER):
            says = (
                "customers are to be told before this and have time to say no, and nothing here can tell them:"
                " gate.toml has no channel for told-customer"
            )
            return Refused(why=Why.IMPOSSIBLE, says=says)
        glass = self._office.settings.break_glass
        if terms and all(each.id in glass for each in terms) and (late := overdue(self._office, now)):
            says = f"{len(late)} leases under break-glass terms are not reviewed in time: review them first"
            return Refused(why=Why.OVERDUE, says=says)
        return None

    def _check_single(self, request: Request, renews: LeaseId | None) -> None:
        """That nobody waits for the same, or has it. Raises `Conflict`, `Rejected`."""
        for other in self._book.state.waiting():
            if _alike(other.request, request):
                raise Conflict(f"the same is asked for already: {other.request.id}")
        live = self._book.state.leases_for(request.executor, request.action, request.resource)
        customers = frozenset(request.customers)
        if renews is not None and renews not in {lease.terms.id for lease in live}:
            raise Rejected([f"{renews[:40]!r} is no live lease for the same: expected one to renew"])
        for lease in live:
            terms, made = lease.terms, self._book.state.requests.get(lease.terms.request)
            same = made is not None and unfiled(made.request.context) == unfiled(request.context)
            for_it = request.customers == terms.customers or covers(
                terms,
                executor=request.executor,
                action=request.action,
                resource=request.resource,
                customers=customers,
            )
            if same and for_it and terms.id != renews and request.window.start < terms.end:
                raise Conflict(f"there is a live lease for this already: {terms.id}; ask to renew it")

    def _denied(self, request: Request, refused: Refused) -> Refused:
        self._denials.note(
            refused,
            executor=request.executor,
            asker=request.asker,
            author=request.author,
            action=request.action,
            resource=request.resource,
            customers=request.customers,
            point="request",
        )
        return refused


def _too_far(asked: Asked, now: Moment) -> Iterator[str]:
    """What lies too far ahead to be meant: a hold that never ends would be a way never to tell a customer."""
    times = (
        ("the request expires", asked.expires, LONGEST_WAIT),
        ("the window begins", None if asked.window is None else asked.window.start, LONGEST_AHEAD),
        ("the hold ends", None if asked.hold is None else asked.hold.until, LONGEST_AHEAD),
    )
    for what, at, most in times:
        if at is not None and posix(at) - posix(now) > most.total_seconds():
            yield f"{what} at {format_moment(at)}: expected at most {most.days} days from now"


def _same(request: Request) -> Object:
    """Stands for all requests for the same: of two that are made at once, one is first."""
    return "request", f"{request.executor} {request.action} {request.resource}"


def _alike(one: Request, other: Request) -> bool:
    for_what = [(each.executor, each.asker, each.author, each.action, each.resource) for each in (one, other)]
    same = unfiled(one.context) == unfiled(other.context)
    return same and for_what[0] == for_what[1] and one.customers == other.customers


def _differs(made: Request, asked: Asked) -> bool:
    """Whether a request is not what was asked for; what was left to the gate is not compared."""
    mine = (made.executor, made.asker, made.author, made.action, made.resource, made.purpose, made.customers)
    theirs = (asked.executor, asked.asker, asked.author, asked.action, asked.resource, asked.purpose)
    return (
        mine != (*theirs, tuple(sorted(set(asked.customers))))
        or (made.evidence, dict(made.context), made.hold) != (asked.evidence, dict(asked.context), asked.hold)
        or asked.window not in (None, made.window)
        or asked.expires not in (None, made.expires)
    )
