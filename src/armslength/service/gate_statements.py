"""What was done by a lease in a system that writes its own log: a database whose enforcement point opened a session
and reads what the session did.

It is recorded after it happened, so nothing of it is refused: only what no lease can be found for, or what somebody who
has a point's secret would write into other people's records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from armslength.gate import (
    LATEST_SECONDS,
    Conflict,
    LeaseId,
    LeaseState,
    Moment,
    Ran,
    RanStatement,
    Rejected,
    is_name,
    posix,
)
from armslength.service.gate_office import Office, derived_act
from armslength.tlog import format_base64url

BATCH_SIZE = 16
MOST_STATEMENTS = 200
LONGEST_TEXT = 1_000
"""Characters of one statement."""
MOST_TEXT = 20_000
"""Characters of all of a batch."""
OLDEST = 30 * 86_400
"""Seconds after the last of them for which they are taken: a gate that was away for long still gets them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementBatch:
    """As `Ran` has it. `customers` are those that the session was opened for."""

    batch: bytes
    lease: LeaseId
    customers: tuple[str, ...]
    source: str
    session: str
    first: int
    last: int
    sha256: bytes
    statements: tuple[RanStatement, ...]
    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementAnswer:
    """`problem` None: it is on record. Else it never will be, and somebody has to look."""

    batch: bytes
    problem: str | None


class Statements:
    def __init__(self, office: Office) -> None:
        self._office, self._book = office, office.book
        self._limits = {point.id: point for point in office.settings.points}

    def take(self, point: str, batches: Sequence[StatementBatch]) -> tuple[StatementAnswer, ...]:
        """Raises `Rejected` with every problem of their form, and then none is taken; `Unavailable`."""
        now = self._office.fit()
        if problems := [each for batch in batches for each in _problems(batch)]:
            raise Rejected(problems)
        return tuple(StatementAnswer(batch=batch.batch, problem=self._taken(point, batch, now)) for batch in batches)

    def _taken(self, point: str, batch: StatementBatch, now: Moment) -> str | None:
        state = self._book.state.leases.get(batch.lease)
        if state is None:
            return "the gate knows no such lease"
        if problem := self._unbelievable(point, batch, state, now):
            return problem
        terms = state.terms
        event = Ran(
            at=posix(now),
            batch=format_base64url(batch.batch),
            lease=terms.id,
            executor=terms.executor,
            action=terms.action,
            resource=str(terms.resource),
            customers=batch.customers,
            point=point,
            source=batch.source,
            session=batch.session,
            first=batch.first,
            last=batch.last,
            sha256=batch.sha256.hex(),
            statements=batch.statements,
            done=batch.done,
        )
        try:
            self._book.record(event, act=derived_act("ran", point, batch.batch.hex()), of=terms)
        except Conflict:
            return None  # it was recorded before
        except Rejected as error:
            return str(error)
        return None

    def _unbelievable(self, point: str, batch: StatementBatch, state: LeaseState, now: Moment) -> str | None:
        terms = state.terms
        limits = self._limits.get(point)
        if limits is None or not limits.guards(terms.action, str(terms.resource)):
            return "the point may not ask about this action on this resource"
        if posix(now) - batch.done > OLDEST:
            return "it is said to be older than 30 days"
        if batch.done < posix(terms.start):
            return "it is said to be from before the lease"
        if not set(batch.customers) <= {*terms.customers, *state.customers_used}:
            return "it names customers that the lease was not used for"
        return None


def _problems(batch: StatementBatch) -> list[str]:
    """Why this is no batch that a point makes."""
    problems = []
    if len(batch.batch) != BATCH_SIZE:
        problems.append(f"a batch whose id has {len(batch.batch)} bytes: expected {BATCH_SIZE}")
    if len(batch.sha256) != 32:
        problems.append("a batch whose digest is no SHA-256")
    if not is_name(batch.source) or not is_name(batch.session):
        problems.append("a batch whose source or session is no name")
    if not 1 <= batch.first <= batch.last:
        problems.append(f"a batch of the lines {batch.first} to {batch.last}")
    if not 0 <= batch.done <= LATEST_SECONDS:
        problems.append(f"a batch done at {batch.done}: expected POSIX seconds")
    if list(batch.customers) != sorted(set(batch.customers)):
        problems.append("a batch's customers: expected ascending order, each once")
    if len(batch.statements) > MOST_STATEMENTS:
        problems.append(f"a batch of {len(batch.statements)} statements: expected at most {MOST_STATEMENTS}")
    if sum(len(each.text) for each in batch.statements) > MOST_TEXT:
        problems.append(f"a batch whose statements have more than {MOST_TEXT} characters in all")
    for each in batch.statements:
        if len(each.text) > LONGEST_TEXT or min(each.times, each.failed) < 0:
            problems.append(f"a statement of {len(each.text)} characters, run {each.times} times")
    return problems
