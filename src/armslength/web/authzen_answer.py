"""How the gate's answers are written for AuthZEN: a decision and why."""

from __future__ import annotations

import secrets
from typing import Literal

from msgspec import UNSET

from armslength.gate import Open, Passage, Refused, Standing, Why, format_moment, moment, new_id
from armslength.web.access_requests_binding import Clock
from armslength.web.authzen_wire import ApprovalEcho, Decision, DecisionContext, EvaluationError, Requestable

NextAction = Literal["request", "retry", "none"]

USE_REQUIRED = "use_required"
"""Standing access to customers: each act is recorded, so the question has to say which act it is."""
APPROVAL_EXPIRED = "approval_expired"
OUT_OF_SCOPE = "out_of_scope"
POLICY_DENIED = "policy_denied"
UNVERIFIABLE = "approval_unverifiable"
"""Of the access request profile, section 12: why an approval that was presented does not help."""

RETRY_SECONDS = 5
PASSING = frozenset({Why.LEDGER, Why.STORE, Why.CLOCK})
"""What the gate's operator will mend: asking again later may help."""


class Stamp:
    """What every answer carries: an id of its own and the time, spelled once for each second."""

    __slots__ = ("_clock", "_second", "_text")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second, self._text = -1, ""

    def id(self) -> str:
        return new_id("eval", secrets.token_bytes(16))

    def time(self) -> str:
        second = int(self._clock())
        if second != self._second:
            self._text = format_moment(moment(second))
            self._second = second
        return self._text


def standing(answer: Standing, stamp: Stamp, estate: str) -> Decision:
    return Decision(
        decision=True,
        context=DecisionContext(
            evaluation_id=stamp.id(), evaluated_at=stamp.time(), estate=estate, policies=(answer.passage.rule,)
        ),
    )


def redeemed(rules: tuple[str, ...], approval: ApprovalEcho | None, stamp: Stamp, estate: str) -> Decision:
    return Decision(
        decision=True,
        context=DecisionContext(
            evaluation_id=stamp.id(),
            evaluated_at=stamp.time(),
            estate=estate,
            policies=rules,
            approval=UNSET if approval is None else approval,
        ),
    )


def refused(answer: Refused, stamp: Stamp, estate: str) -> Decision:
    passing = answer.why in PASSING
    return Decision(
        decision=False,
        context=DecisionContext(
            evaluation_id=stamp.id(),
            evaluated_at=stamp.time(),
            estate=estate,
            policies=answer.rules,
            reason=str(answer.why),
            reason_user=answer.says,
            next_action="retry" if passing else UNSET,
            retry_after=RETRY_SECONDS if passing else UNSET,
        ),
    )


def requestable(answer: Open, id: str, how: Requestable, stamp: Stamp, estate: str) -> Decision:
    return Decision(
        decision=False,
        context=DecisionContext(
            evaluation_id=id,
            evaluated_at=stamp.time(),
            estate=estate,
            policies=tuple(each.rule for each in answer.passages),
            reason=str(Why.APPROVAL_REQUIRED),
            reason_user=says(answer.passages),
            access_request=how,
        ),
    )


def denied(
    reason: str,
    says: str,
    stamp: Stamp,
    estate: str,
    *,
    rules: tuple[str, ...] = (),
    next_action: NextAction = "none",
    how: tuple[str, Requestable] | None = None,
) -> Decision:
    """No, for a reason of the protocol. `how` is the evaluation's id and how to ask anew."""
    return Decision(
        decision=False,
        context=DecisionContext(
            evaluation_id=stamp.id() if how is None else how[0],
            evaluated_at=stamp.time(),
            estate=estate,
            policies=rules,
            reason=reason,
            reason_user=says,
            next_action=next_action,
            retry_after=RETRY_SECONDS if next_action == "retry" else UNSET,
            access_request=UNSET if how is None else how[1],
        ),
    )


def malformed(problems: tuple[str, ...], stamp: Stamp) -> Decision:
    """One of several evaluations is not one."""
    return Decision(
        decision=False,
        context=DecisionContext(
            evaluation_id=stamp.id(),
            evaluated_at=stamp.time(),
            reason="malformed",
            error=EvaluationError(status=400, message="; ".join(problems)),
        ),
    )


def says(passages: tuple[Passage, ...]) -> str:
    terms = list(dict.fromkeys(str(each.terms) for each in passages))
    return f"this needs approvals ({' or '.join(terms)}): ask for them"
