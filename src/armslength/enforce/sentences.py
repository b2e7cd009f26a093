"""What a person is told where only the reason's code travels: at nginx, which drops the body of the gate's answer."""

from __future__ import annotations

from collections.abc import Mapping

from armslength.gate import Why

SENTENCES: Mapping[Why, str] = {
    Why.UNKNOWN_SUBJECT: "The gate does not know you as one of the firm's people.",
    Why.UNKNOWN_RESOURCE: "What this is about is not in the estate.",
    Why.UNKNOWN_ACTION: "The estate knows no such action.",
    Why.STALE: "What is known of you or of this resource is too old to decide on. Ask whoever keeps the estate.",
    Why.LEFT: "The firm's directory says that somebody who is needed for this has left.",
    Why.NO_RULE: "No rule allows you this as it was asked here. If it takes a case or an order, ask for it with that.",
    Why.FORBIDDEN: "A rule forbids this.",
    Why.ERROR: "The rules could not be evaluated, so the answer is no.",
    Why.APPROVAL_REQUIRED: "This needs an approval, and you have none for it.",
    Why.IMPOSSIBLE: "Nobody could approve this now.",
    Why.DECLINED: "The request for this was declined.",
    Why.CUSTOMER: "The customer said no.",
    Why.EXPIRED: "Your access has run out.",
    Why.WITHDRAWN: "The request for this was withdrawn.",
    Why.REVOKED: "Your access was revoked.",
    Why.SPENT: "Your access was for a number of uses, and they are used.",
    Why.OUTSIDE: "Your access is for something else: another action, resource or customer, or another person.",
    Why.NO_LEASE: "This needs an approval, and you have no running access for it.",
    Why.UNMAPPED: "No route says what this request means, so it is not let through.",
    Why.AMBIGUOUS: "The request is written so that two programs could take it for different things.",
    Why.LEDGER: "The ledger cannot record now, so nothing is let through. Try again later.",
    Why.STORE: "The gate's storage does not answer now, so nothing is let through. Try again later.",
    Why.CLOCK: "A clock went back or jumped ahead, so nothing is let through until it is right again.",
    Why.OLD_LIST: "It is not known whether your access was revoked, because the gate does not answer. Try again later.",
    Why.TAMPERED: "What the gate has stored is not what its ledger says, so nothing is let through.",
    Why.OVERDUE: "An earlier emergency access was not reviewed in time.",
    Why.UNSIGNED: "This access was not signed by the gate.",
    Why.GATE: "The gate does not answer here, so nothing is let through. Try again later.",
}
"""One sentence or two for each reason."""
