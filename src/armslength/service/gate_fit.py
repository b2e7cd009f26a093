"""Whether a lease lets an act happen now, by its own terms and by what was used of it. Who gave it, and whether its
quorum still holds, is not asked here.
"""

from __future__ import annotations

from armslength.gate import (
    LeaseState,
    Live,
    Moment,
    Over,
    Question,
    Refused,
    Taken,
    Unreadable,
    Why,
    covers,
    format_moment,
)


def unusable(state: LeaseState, question: Question, customers: frozenset[str], now: Moment) -> Refused | None:
    """Why it does not; None: it does."""
    terms = state.terms
    for_it = {"executor": question.executor, "action": question.action, "resource": question.resource}
    if (terms.executor, terms.action, terms.resource) != tuple(for_it.values()):
        return Refused(why=Why.OUTSIDE, says="the lease is somebody else's, or for something else")
    if (ended := over(state)) is not None:
        return ended
    if now < terms.start:
        return Refused(why=Why.NO_LEASE, says=f"the lease begins at {format_moment(terms.start)}")
    if now >= terms.end:
        return Refused(why=Why.EXPIRED, says=f"the lease ended at {format_moment(terms.end)}")
    if not covers(
        terms,
        executor=question.executor,
        action=question.action,
        resource=question.resource,
        customers=customers,
    ):
        unnamed = "each use of the lease has to name its customers"
        says = "the lease is for other customers" if customers else unnamed
        return Refused(why=Why.OUTSIDE, says=says)
    if terms.uses is not None and state.uses >= terms.uses:
        return Refused(why=Why.SPENT, says=f"the lease was for {terms.uses} uses, and they are spent")
    if terms.most_customers is not None and len(state.customers_used | customers) > terms.most_customers:
        return Refused(why=Why.SPENT, says=f"the lease is for at most {terms.most_customers} customers")
    return None


def over(state: LeaseState) -> Refused | None:
    """Why it lets nothing happen any more; None: it is live."""
    match state.status:
        case Live():
            return None
        case Taken():  # by whom, and why, is not for every point
            return Refused(why=Why.REVOKED, says="the lease was revoked")
        case Over(how="spent"):
            return Refused(why=Why.SPENT, says="the lease is spent")
        case Over():
            return Refused(why=Why.EXPIRED, says=f"the lease ended at {format_moment(state.status.at)}")
        case Unreadable():
            return Refused(why=Why.EXPIRED, says="a record of the lease was erased, so it counts as ended")
