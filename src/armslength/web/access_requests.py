"""The AuthZEN Access Request and Approval profile: a denial is answered with a request, and its task is followed.

The task is the request itself, and its id is the request's: a handle of 16 bytes of chance. The point that filed it,
and no other, can look at it and take it back; a request says in its context which point that was. An approved task
gives the approval to carry in `context.approval` of a new evaluation: the lease, as the gate signed it. No task names
who approves.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

import msgspec
from msgspec import UNSET

from armslength.gate import (
    Binding,
    CalledOff,
    Conflict,
    Evidence,
    Expired,
    Granted,
    Hold,
    LeaseId,
    Moment,
    Refused,
    Rejected,
    RequestId,
    RequestState,
    TurnedDown,
    Unreadable,
    Vetoed,
    Waiting,
    Window,
    format_moment,
    moment,
    posix,
)
from armslength.service import Asked, Gate, caller_of, filed, is_filed_by
from armslength.store import GatePoint, GateTables, StoreError
from armslength.web import access_requests_wire as wire
from armslength.web.access_requests_binding import SKEW_SECONDS, Binder, Clock, Unbound
from armslength.web.access_requests_wire import (
    ApprovalGiven,
    Cancellation,
    Links,
    Problem,
    RequestedAccess,
    Result,
    Status,
    Submission,
    Task,
    TaskAnswer,
)
from armslength.web.authzen_answer import PASSING
from armslength.web.authzen_metadata import REQUESTS
from armslength.web.authzen_names import NamesOf
from armslength.web.authzen_question import situation_of
from armslength.web.authzen_wire import Display
from armslength.web.gate_body import parse_body
from armslength.web.gate_exchange import (
    LOG,
    PROBLEM,
    Answer,
    Exchange,
    Header,
    Refusal,
    answered,
    encode,
    json_body,
    waited,
)
from armslength.web.gate_points import Points, not_guarded

RETRY_SECONDS = 5
"""That a point should wait before it looks at a task again."""
LONGEST_KEY = 255
DENIALS = "denials"
"""The caller under whose name it is remembered which denials were answered, and by which key."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

_STATUS = {
    wire.NOT_REQUESTABLE: (400, "Access is not requestable"),
    wire.EXPIRED: (410, "The denial is too old"),
    wire.INVALID_BINDING: (400, "The request is not for what was denied"),
    wire.DUPLICATE: (409, "The key was used for another request"),
    wire.UNKNOWN_TASK: (404, "There is no such task"),
    wire.TASK_EXPIRED: (410, "The task is over"),
    wire.INVALID_STATE: (409, "The task can no longer be taken back"),
}


class AccessRequests:
    """The endpoints, over a gate."""

    def __init__(self, gate: Gate, points: Points, names: NamesOf, binder: Binder, clock: Clock) -> None:
        self._gate, self._points, self._names, self._binder, self._clock = gate, points, names, binder, clock

    async def submit(self, exchange: Exchange) -> Answer:
        point = self._points.caller(exchange, "evaluate")
        body = await json_body(exchange)
        return await waited(self._submit, body, _key(exchange), point)

    async def task(self, exchange: Exchange) -> Answer:
        point = self._points.caller(exchange, "evaluate")
        return await waited(self._task, RequestId(exchange.id), point)

    async def cancel(self, exchange: Exchange) -> Answer:
        point = self._points.caller(exchange, "evaluate")
        body = await exchange.body()
        return await waited(self._cancel, RequestId(exchange.id), body, point)

    def _submit(self, body: bytes, key: str | None, point: GatePoint) -> Answer:
        try:
            submission = parse_body(body, Submission)
            if unwanted := list(_unwanted(submission)):
                raise Rejected(unwanted)
            binding = self._binder.denied(submission, point)
            asked = self._asked(submission, binding, point)
        except Unbound as error:
            return trouble(error.type, error.problems)
        except Rejected as error:
            return trouble(wire.BLANK, error.problems, status=400)
        if not point.guards(asked.action, asked.resource):
            return trouble(wire.NOT_REQUESTABLE, [not_guarded().says])
        caller, key = caller_of(point.id), key or f"denial:{binding.evaluation}"
        fresh = self._take(binding, caller, key)
        if fresh is None:
            return trouble(wire.INVALID_BINDING, ["denial.binding_token was used for another request"])
        made = False
        try:
            outcome = self._gate.ask(asked, caller=caller, key=key)
            made = not isinstance(outcome, Refused)
        except Rejected as error:
            return trouble(wire.BLANK, error.problems, status=400)
        except Conflict as error:
            reused = self._is_for_another(caller, key, asked)
            return trouble(wire.DUPLICATE if reused else wire.BLANK, [str(error)], status=409)
        finally:
            if fresh and not made:
                self._leave(binding)
        if isinstance(outcome, Refused):
            if outcome.why in PASSING:
                raise Refusal(trouble(wire.BLANK, [outcome.says], status=503))
            return trouble(wire.NOT_REQUESTABLE, [f"{outcome.why}: {outcome.says}"])
        return self._answer(outcome, 202 if outcome.waiting else 201)

    def _take(self, binding: Binding, caller: str, key: str) -> bool | None:
        """Answer this denial with this key, durably, before anything comes of it: whether that is new, or None where
        another key answered it."""
        by, now = hashlib.sha256(f"{caller}\0{key}".encode()).digest(), int(self._clock())
        ends = posix(binding.expires) + 2 * SKEW_SECONDS

        def take(tables: GateTables) -> bool | None:
            before = tables.idempotency.recall(DENIALS, binding.evaluation, now=now)
            if before is not None:
                return None if before.body != by else False
            tables.idempotency.remember(DENIALS, binding.evaluation, body=by, answer=caller, now=now, ends=ends)
            return True

        try:
            return self._gate.database.change(take)
        except StoreError as error:
            raise _unstored(error) from None

    def _leave(self, binding: Binding) -> None:
        """Nothing came of it: the denial may be answered again."""
        with suppress(StoreError):
            self._gate.database.change(lambda tables: tables.idempotency.forget(DENIALS, binding.evaluation))

    def _is_for_another(self, caller: str, key: str, asked: Asked) -> bool:
        """Whether the key was used for something else."""
        with self._gate.database.reading() as tables:
            remembered = tables.idempotency.recall(caller, key, now=int(self._clock()))
        return remembered is not None and remembered.body != asked.digest()

    def _asked(self, submission: Submission, binding: Binding, point: GatePoint) -> Asked:
        """What was denied, as the gate itself wrote it down, and what the request adds for its approvers. Raises
        `Rejected` with every problem."""
        names, access = self._names(), submission.requested_access
        properties = [
            dict(each["properties"]) if isinstance(each.get("properties"), Mapping) else UNSET  # type: ignore[arg-type]
            for each in (binding.subject, binding.resource, binding.action)
        ]
        situation = situation_of(dict(binding.context), *properties)
        executor = names.person(submission.subject.type, submission.subject.id)
        resource = names.target(submission.resource.type, submission.resource.id)
        if executor is None or resource is None:
            raise Rejected(["what was denied is no longer in the estate"])
        access = RequestedAccess() if access is UNSET else access
        problems: list[str] = []
        context = {} if submission.context is UNSET else submission.context
        purpose = access.purpose if access.purpose is not UNSET else context.get("business_justification")
        if not isinstance(purpose, str) or not purpose.strip():
            problems.append("requested_access.purpose is missing: approvers have to see why")
        evidence = self._evidence(access, problems)
        window, hold = _window(access, moment(self._clock()), problems), _hold(access, problems)
        if problems:
            raise Rejected(problems)
        return Asked(
            executor=executor,
            asker=situation.asker or executor,
            author=situation.author,
            action=submission.action.name,
            resource=resource,
            customers=situation.customers,
            purpose=str(purpose),
            context={**situation.lasting(), **filed(point.id)},
            evidence=evidence,
            window=window,
            hold=hold,
            renews=None if access.renews is UNSET else LeaseId(access.renews),
        )

    def _evidence(self, access: RequestedAccess, problems: list[str]) -> tuple[Evidence, ...]:
        found = []
        for each in [] if access.evidence is UNSET else access.evidence:
            digest = bytes.fromhex(each.digest)
            try:
                media_type, data = self._gate.evidence(digest)
            except Rejected as error:
                problems += error.problems
                continue
            found.append(Evidence(digest=digest, media_type=media_type, name=each.name, size=len(data)))
        return tuple(found)

    def _task(self, id: RequestId, point: GatePoint) -> Answer:
        try:
            return self._answer(self._filed(id, point), 200)
        except Rejected:
            return trouble(wire.UNKNOWN_TASK, ["there is no such task, or no longer"])

    def _filed(self, id: RequestId, point: GatePoint) -> RequestState:
        """A request that this point filed. Raises `Rejected`: of others' it is not told that they are there."""
        state = self._gate.request(id)
        if not is_filed_by(state.request, point.id):
            raise Rejected(["another point's request, or a person's"])
        return state

    def _cancel(self, id: RequestId, body: bytes, point: GatePoint) -> Answer:
        try:
            if body:
                parse_body(body, Cancellation)
        except Rejected as error:
            return trouble(wire.BLANK, error.problems, status=400)
        try:
            self._filed(id, point)
            return self._answer(self._gate.withdraw_filed(id, point.id), 200)
        except Rejected:
            return trouble(wire.UNKNOWN_TASK, ["there is no such task, or no longer"])
        except Conflict as error:
            return trouble(wire.INVALID_STATE, [str(error)])

    def _answer(self, state: RequestState, status: int) -> Answer:
        request = state.request
        endpoint = f"{self._gate.settings.url}{REQUESTS}/{request.id}"
        reached, says = _reached(state)
        result, ends = self._result(state)
        task = Task(
            id=request.id,
            status=reached,
            status_endpoint=endpoint,
            expires_at=format_moment(max(request.expires, ends or request.expires)),
            links=Links(
                ticket=f"{self._gate.settings.url}/requests/{request.id}",
                cancel=f"{endpoint}/cancel" if state.waiting else UNSET,
            ),
            display=Display(title="Access request", description=says),
        )
        headers: tuple[Header, ...] = ()
        if status in (201, 202):
            headers += ((b"location", endpoint.encode()),)
        if state.waiting:
            headers += ((b"retry-after", b"%d" % RETRY_SECONDS),)
        answer = TaskAnswer(task=task, result=UNSET if result is None else result)
        return answered(answer, status, headers=headers)

    def _result(self, state: RequestState) -> tuple[Result | None, Moment | None]:
        match state.status:
            case Granted(lease=id, at=at):
                lease = self._gate.lease(id)
                try:
                    token: str | msgspec.UnsetType = self._gate.token(id)
                except Conflict:
                    token = UNSET  # it is over
                approval = ApprovalGiven(
                    id=id,
                    approved_at=format_moment(at),
                    approved_until=format_moment(lease.ended or lease.terms.end),
                    state=token,
                )
                return Result(mode="reevaluate", approval=approval), lease.terms.end
            case _:
                return None, None


def _unstored(error: StoreError) -> Refusal:
    LOG.error("denials: %s", error)
    return Refusal(trouble(wire.BLANK, ["the gate can store nothing now"], status=503))


def trouble(type: str, problems: tuple[str, ...] | list[str], *, status: int | None = None) -> Answer:
    """A problem of the profile (RFC 9457)."""
    known, title = _STATUS.get(type, (status or 400, "The request was not taken"))
    problem = Problem(
        type=type,  # type: ignore[arg-type]
        title=title,
        status=status or known,
        detail="; ".join(problems),
        problems=tuple(problems),
    )
    headers: tuple[Header, ...] = ((b"retry-after", b"5"),) if status == 503 else ()
    return Answer(status=status or known, body=encode(problem), media=PROBLEM, headers=headers)


def _reached(state: RequestState) -> tuple[Status, str]:
    match state.status:
        case Waiting():
            return "pending", "The people who could approve it have been asked."
        case Granted():
            return "approved", "It was approved."
        case TurnedDown():
            return "denied", "An approver said no."
        case Vetoed():
            return "denied", "A customer said no."
        case Expired():
            return "expired", "Nobody answered in time."
        case CalledOff():
            return "cancelled", "It was taken back."
        case Unreadable():
            return "failed", "What became of it can no longer be read."


def _key(exchange: Exchange) -> str | None:
    """The Idempotency-Key. Raises `Refusal` for one that is none."""
    given = exchange.one(b"idempotency-key")
    if given is None:
        return None
    key = given.decode("latin-1")
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        problem = f"Idempotency-Key: expected 1 to {LONGEST_KEY} printable characters of ASCII"
        raise Refusal(trouble(wire.BLANK, [problem], status=400))
    return f"key:{key}"


def _unwanted(submission: Submission) -> Iterator[str]:
    """What the profile knows and the gate does not take; ignored, the caller would wait for it in vain."""
    if submission.items is not UNSET:
        yield "items: not taken here; ask for each act on its own"
    if submission.callback is not UNSET:
        yield "callback: not given here; ask for the task's status"
    if submission.client is not UNSET and "actor" in submission.client:
        yield "client.actor: cannot be verified here; say in context.asker who wants it done"


def _window(access: RequestedAccess, now: Moment, problems: list[str]) -> Window | None:
    start = _time("requested_from", access.requested_from, problems)
    until = _time("requested_until", access.requested_until, problems)
    if until is None:
        if start is not None:
            problems.append("requested_access.requested_until is missing, and requested_from is there")
        return None
    start = start or now
    if until <= start:
        problems.append("requested_access.requested_until is not after the start")
        return None
    return Window(start=start, end=until)


def _hold(access: RequestedAccess, problems: list[str]) -> Hold | None:
    if access.hold is UNSET:
        return None
    until = _time("hold.until", access.hold.until, problems)
    return None if until is None else Hold(reason=access.hold.reason, until=until)


def _time(name: str, text: str | msgspec.UnsetType, problems: list[str]) -> Moment | None:
    """A time of RFC 3339, cut to the second; None if there is none, or it is none, which is added to `problems`."""
    if text is UNSET:
        return None
    try:
        at = dt.datetime.fromisoformat(text.upper())
        if at.tzinfo is None or not _RFC3339.fullmatch(text):
            raise ValueError(text)
        return moment(at.timestamp())
    except (ValueError, OverflowError):
        problems.append(f"requested_access.{name}: expected a time such as 2026-11-25T20:53:14Z")
        return None
