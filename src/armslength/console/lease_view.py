"""A lease as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from armslength.console.people import Face, Faces
from armslength.console.request_row import Status
from armslength.console.words import moment_text, span_text
from armslength.gate import LeaseState, LeaseTerms, Live, Moment, Over, Taken, Unreadable
from armslength.report import counted, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRow:
    id: str
    headline: str
    executor: Face
    status: Status
    when: str
    start: Moment
    review: Status
    """Whether somebody looked at what was done, where the terms want that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    by: Face
    outcome: str
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseView:
    id: str
    index: int
    headline: str
    status: Status
    executor: Face
    action: str
    resource: str
    customers: str
    start: Moment
    end: Moment
    uses: str
    approvers: tuple[Face, ...]
    terms: str
    rule: str
    request: str
    review: ReviewView | None
    may_give_back: bool
    may_revoke: bool
    may_review: bool


def lease_row(state: LeaseState, now: Moment, faces: Faces) -> LeaseRow:
    terms = state.terms
    reviewed = state.review is not None
    return LeaseRow(
        id=terms.id,
        headline=lease_headline(terms),
        executor=faces.of(terms.executor),
        status=lease_status(state, now, faces),
        when=f"{moment_text(terms.start)} to {moment_text(terms.end)}",
        start=terms.start,
        review=Status(kind="yes", word="reviewed") if reviewed else Status(kind="wait", word="to be reviewed"),
    )


def lease_view(
    state: LeaseState, now: Moment, faces: Faces, *, give_back: bool, revoke: bool, review: bool
) -> LeaseView:
    """The flags say what the person who looks may do; what is over needs nothing done."""
    terms = state.terms
    running = state.live and now < terms.end
    found = state.review
    return LeaseView(
        id=terms.id,
        index=state.index,
        headline=lease_headline(terms),
        status=lease_status(state, now, faces),
        executor=faces.of(terms.executor),
        action=terms.action,
        resource=str(terms.resource),
        customers=_customers(state),
        start=terms.start,
        end=terms.end,
        uses=_uses(state),
        approvers=tuple(faces.of(who) for who in terms.approvers),
        terms=terms.terms,
        rule=terms.rule,
        request=terms.request,
        review=None if found is None else ReviewView(by=faces.of(found.by), outcome=found.outcome, at=found.at),
        may_give_back=running and give_back,
        may_revoke=(state.live or state.spent) and now < terms.end and revoke,
        may_review=found is None and review and not running,
    )


def lease_headline(terms: LeaseTerms) -> str:
    what = f"{terms.action} {terms.resource.id if terms.resource.type == 'asset' else terms.resource}"
    return f"{what} of {counted(len(terms.customers), 'customer')}" if terms.customers else what


def lease_status(state: LeaseState, now: Moment, faces: Faces) -> Status:
    status, terms = state.status, state.terms
    match status:
        case Live():
            if now < terms.start:
                return Status(kind="wait", word="not yet", says=f"It begins in {span_text(terms.start - now)}.")
            if now >= terms.end:
                return Status(kind="over", word="over", says="Its time is up.")
            return Status(kind="yes", word="running", says=f"It ends in {span_text(terms.end - now)}.")
        case Over():
            how = {"ran-out": "Its time was up", "returned": "It was given back", "spent": "It was used up"}
            return Status(kind="over", word="over", says=f"{how[status.how]} on {moment_text(status.at)}.")
        case Taken():
            by = faces.of(status.by).name
            return Status(
                kind="no", word="revoked", says=f"{by} took it away on {moment_text(status.at)}: {status.reason}"
            )
        case Unreadable():
            return Status(kind="over", word="over", says="A record of it was erased, so it counts as ended.")


def _customers(state: LeaseState) -> str:
    terms = state.terms
    if terms.customers:
        return listed(list(terms.customers), 20)
    if terms.most_customers is None:
        return "none"
    return f"named at each use, {terms.most_customers} at most; {len(state.customers_used)} so far"


def _uses(state: LeaseState) -> str:
    so_far = f"{counted(state.uses, 'use')} so far"
    return f"any number; {so_far}" if state.terms.uses is None else f"{counted(state.terms.uses, 'use')}; {so_far}"
