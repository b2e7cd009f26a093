"""An evaluation of an act that is about to happen: the approval it carries is an input, and the gate stays the judge.

An approval's `id` is a lease's and its `state` the lease as the gate signed it. Neither is a grant: what is asked has
to be what the lease is for, under today's policy, with the lease still live, and the use has to be recorded first
(Access Request and Approval, section 12).
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from msgspec import UNSET

from armslength.gate import (
    Conflict,
    LeaseId,
    LeaseState,
    Open,
    Question,
    Refused,
    Rejected,
    Why,
    covers,
    format_moment,
    parse_jwks,
    verify_lease,
)
from armslength.service import FILED_BY, Gate, Redeemed, is_filed_by
from armslength.store import GatePoint
from armslength.web import authzen_answer as answer
from armslength.web.access_requests_binding import Binder
from armslength.web.authzen_question import Asked, Situation
from armslength.web.authzen_wire import ApprovalEcho, Decision, Evaluation, Presented

_OVER = frozenset({Why.EXPIRED, Why.REVOKED, Why.SPENT, Why.WITHDRAWN})


class Redeeming:
    """Decides what has an effect. Waits for the ledger, so it belongs in a thread."""

    def __init__(self, gate: Gate, binder: Binder, stamp: answer.Stamp) -> None:
        self._gate, self._binder, self._stamp = gate, binder, stamp

    def decide(self, evaluation: Evaluation, asked: Asked, point: GatePoint) -> Decision:
        approval = asked.situation.approval
        if approval is UNSET:
            return self._without(asked, point)
        found = self._found(approval, point)
        if isinstance(found, str):
            return answer.denied(answer.UNVERIFIABLE, found, self._stamp, self._gate.digest)
        lease, token = found
        question = self._in_scope(asked, lease)
        if question is None:
            return self._anew(
                evaluation, point, asked.question, answer.OUT_OF_SCOPE, "the approval is for something else"
            )
        if token is None:
            return self._anew(evaluation, point, question, answer.APPROVAL_EXPIRED, "the approval is over")
        look = self._gate.look(question)
        if isinstance(look, Refused):
            return self._denied(look)
        customers = asked.situation.customers or lease.terms.customers
        redeemed = self._redeemed(question, asked.situation, customers, point, token)
        if isinstance(redeemed, Redeemed):
            return answer.redeemed((redeemed.rule,), echo_of(lease), self._stamp, self._gate.digest)
        if redeemed.why in _OVER:
            return self._anew(evaluation, point, question, answer.APPROVAL_EXPIRED, redeemed.says)
        if redeemed.why is Why.OUTSIDE:
            return self._anew(evaluation, point, question, answer.OUT_OF_SCOPE, redeemed.says)
        return self._denied(redeemed)

    def _without(self, asked: Asked, point: GatePoint) -> Decision:
        """An act that is about to happen without an approval at hand: by standing access, or a lease that is live."""
        redeemed = self._redeemed(asked.question, asked.situation, asked.situation.customers, point, None)
        if isinstance(redeemed, Refused):
            return answer.refused(redeemed, self._stamp, self._gate.digest)
        return answer.redeemed((redeemed.rule,), None, self._stamp, self._gate.digest)

    def _redeemed(
        self, question: Question, situation: Situation, customers: tuple[str, ...], point: GatePoint, token: str | None
    ) -> Redeemed | Refused:
        return self._gate.redeem(
            point=point.id,
            executor=question.executor,
            action=question.action,
            resource=question.resource,
            customers=customers,
            use=situation.use or secrets.token_bytes(16),
            token=token,
            context=question.context,
        )

    def _found(self, presented: Presented, point: GatePoint) -> tuple[LeaseState, str | None] | str:
        """The lease, and its token if it is not over; or in words why this is no approval."""
        try:
            lease = self._gate.lease(LeaseId(presented.id))
        except Rejected:
            return "no approval has this id"
        if presented.state is not UNSET:
            try:
                signed = verify_lease(presented.state, parse_jwks(self._gate.jwks()))
            except Rejected:
                return "the approval's state was not signed by this gate"
            if signed.terms != lease.terms:
                return "the approval's state is of another approval"
        elif not is_filed_by(self._gate.request(lease.terms.request).request, point.id):
            return "the approval's state is missing: only the point that filed its request goes without"
        try:
            return lease, self._gate.token(lease.terms.id)
        except Conflict:
            return lease, None

    def _in_scope(self, asked: Asked, lease: LeaseState) -> Question | None:
        """The question as it was approved, if this is the same member for member: who else wants it done counts as it
        was asked for."""
        question, situation = asked.question, asked.situation
        request = self._gate.request(lease.terms.request).request
        asked_context = {name: value for name, value in request.context.items() if name != FILED_BY}
        the_same = (
            covers(
                lease.terms,
                executor=question.executor,
                action=question.action,
                resource=question.resource,
                customers=frozenset(situation.customers),
            )
            and situation.asker in (None, request.asker)
            and situation.author in (None, request.author)
            and same(situation.lasting(), asked_context)
        )
        return replace(question, asker=request.asker, author=request.author) if the_same else None

    def _denied(self, refused: Refused) -> Decision:
        """The approval is sound, and the answer is no all the same."""
        digest = self._gate.digest
        if refused.why in answer.PASSING:
            return answer.refused(refused, self._stamp, digest)
        return answer.denied(answer.POLICY_DENIED, refused.says, self._stamp, digest, rules=refused.rules)

    def _anew(self, evaluation: Evaluation, point: GatePoint, question: Question, reason: str, says: str) -> Decision:
        """No, but it can be asked for again, if policy lets it."""
        look, digest = self._gate.look(question), self._gate.digest
        if isinstance(look, Open):
            id = self._stamp.id()
            how = (id, self._binder.requestable(id, look, evaluation, point))
            return answer.denied(reason, says, self._stamp, digest, next_action="request", how=how)
        return answer.denied(reason, says, self._stamp, digest)


def echo_of(lease: LeaseState) -> ApprovalEcho:
    return ApprovalEcho(id=lease.terms.id, approved_until=format_moment(lease.terms.end))


def same(one: object, other: object) -> bool:
    """Whether two values of JSON are the same: 1 and 1.0 are, 1 and true are not (the profile, section 16.1.4)."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other
