"""Reviews: what was done under break-glass terms is looked at by somebody who had no part in it, within the hours that
the settings say. Until then no more is given through terms of that sort."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from armslength.gate import (
    Conflict,
    Granted,
    LeaseId,
    LeaseState,
    LeaseTerms,
    Moment,
    PersonId,
    Rejected,
    Reviewed,
    Roster,
    posix,
)
from armslength.service.gate_failure import Unfounded
from armslength.service.gate_notice import NoticeKind, Told, told
from armslength.service.gate_office import Office
from armslength.service.gate_row import of_lease

LONGEST = 4000


def unreviewed(office: Office) -> tuple[LeaseState, ...]:
    """Leases under break-glass terms that nobody looked at yet, the oldest first."""
    glass = office.settings.break_glass
    if not glass:
        return ()
    with office.book.reading:
        found = [
            each for each in office.book.state.leases.values() if each.terms.terms in glass and each.review is None
        ]
    return tuple(sorted(found, key=lambda each: each.index))


def overdue(office: Office, now: Moment) -> tuple[LeaseState, ...]:
    """Those of them for which it is late."""
    return tuple(each for each in unreviewed(office) if due(office, each) <= now)


def due(office: Office, lease: LeaseState) -> Moment:
    """When the review is late: counted from when the lease was given."""
    request = office.book.state.requests.get(lease.terms.request)
    given = lease.terms.start
    if request is not None and isinstance(request.status, Granted):
        given = request.status.at
    return given + dt.timedelta(hours=office.settings.review_hours)


def review(office: Office, id: LeaseId, by: PersonId, outcome: str) -> LeaseState:
    """Raises `Rejected`, `Conflict`."""
    now = office.fit()
    lease = office.lease(id)
    roster = office.decider.roster
    problems = []
    if not outcome.strip() or len(outcome) > LONGEST:
        problems.append(f"an outcome of {len(outcome)} characters: expected 1 to {LONGEST}")
    if not roster.knows(by):
        problems.append(f"{by[:40]!r} is not in the people table")
    request = office.book.state.requests.get(lease.terms.request)
    parties = {lease.terms.executor, *lease.terms.approvers}
    if request is not None:
        parties |= request.request.parties()
    if by in parties:
        problems.append("nobody reviews what they took part in")
    if not problems and not _may_review(office, lease.terms, by):
        problems.append(f"{by} is not among the approvers of {lease.terms.terms}")
    if problems:
        raise Rejected(problems)
    if lease.live and now < lease.terms.end:
        raise Conflict("the lease still runs: review it when it is over")
    with office.book.holding(of_lease(id)):
        lease = office.lease(id)
        if lease.review is not None:
            raise Conflict(f"{lease.review.by} reviewed it already")
        event = Reviewed(at=posix(now), lease=id, by=by, outcome=outcome)
        office.record(event, on=[of_lease(id)], of=lease.terms, used=lease.customers_used)
        return office.lease(id)


def _may_review(office: Office, terms: LeaseTerms, by: PersonId) -> bool:
    """Whether they are among the approvers of the lease's terms: by the estate that holds, or by the lease's own where
    the terms are gone since. Raises `Rejected` where that one cannot be read."""
    roster = office.decider.roster
    if all(each.id != terms.terms for each in office.decider.estate.settings.terms):
        try:
            roster = Roster(office.estate(terms.estate), office.decider.day)
        except Unfounded as error:
            raise Rejected([f"its terms are gone, and with them who may review it: {error}"]) from error
    return roster.knows(by) and roster.member(by, terms.terms).may_approve


def late(office: Office, now: Moment) -> Iterator[Told]:
    """Who hears that a review is late."""
    for lease in overdue(office, now):
        says = f"what {lease.terms.executor} did under {lease.terms.terms} was not reviewed in time"
        yield told(NoticeKind.REVIEW_OVERDUE, lease.terms.id, says, at=posix(now))
