"""AuthZEN's evaluations: a question in, a decision with its reason out.

An evaluation has no effect, so it may be asked for any purpose, unless it says that the act is about to happen: by the
approval that it carries (`context.approval`), or by a use of its own (`context.use`). Then it is redeemed, and a yes is
in the ledger before it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from armslength.gate import Open, Refused, Rejected, Standing
from armslength.service import Gate
from armslength.store import GatePoint
from armslength.web import authzen_answer as answer
from armslength.web.access_requests_binding import Binder, Clock
from armslength.web.authzen_names import NamesOf
from armslength.web.authzen_question import Asked, asked_of, situation_of
from armslength.web.authzen_redeeming import Redeeming
from armslength.web.authzen_wire import Decision, Decisions, Evaluation, Evaluations, Semantic
from armslength.web.gate_body import convert
from armslength.web.gate_points import not_guarded

_MEMBERS = ("subject", "action", "resource", "context")


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """An evaluation as it was put, and what the gate makes of it: a question, a refusal, or in words why it is none."""

    evaluation: Evaluation | None
    asked: Asked | Refused | tuple[str, ...]

    @property
    def effective(self) -> bool:
        """Whether deciding it has an effect."""
        asked = self.asked
        if not isinstance(asked, Asked):
            return False
        return asked.situation.approval is not UNSET or asked.situation.use is not None


class Evaluator:
    """Answers evaluations from a gate."""

    def __init__(self, gate: Gate, names: NamesOf, binder: Binder, clock: Clock) -> None:
        self._gate = gate
        self._names = names
        self._binder = binder
        self._stamp = answer.Stamp(clock)
        self._redeeming = Redeeming(gate, binder, self._stamp)

    def question(self, evaluation: Evaluation) -> Put:
        """Raises `Rejected` with every problem."""
        return Put(evaluation=evaluation, asked=asked_of(evaluation, self._names()))

    def questions(self, asked: Evaluations) -> Sequence[Put] | Evaluation:
        """Several, or the one that it is without an array. What one of several lacks is a part of it; what the whole
        lacks raises `Rejected`, and so does a context for all of them that is none, though each brings its own."""
        shared = {name: value for name in _MEMBERS if (value := getattr(asked, name)) is not UNSET}
        if asked.evaluations is UNSET or not asked.evaluations:
            return convert(shared, Evaluation)
        situation_of(asked.context)
        return [self._one(each, shared) for each in asked.evaluations]

    def _one(self, own: dict[str, Any], shared: dict[str, Any]) -> Put:
        try:
            members = {**shared, **{name: own[name] for name in _MEMBERS if name in own}}
            return self.question(convert(members, Evaluation))
        except Rejected as error:
            return Put(evaluation=None, asked=error.problems)

    def decide_all(self, questions: Sequence[Put], semantic: Semantic, point: GatePoint) -> Decisions:
        """The answers in order, as far as the semantic goes."""
        decisions: list[Decision] = []
        for each in questions:
            decisions.append(self.decide(each, point))
            granted = decisions[-1].decision
            if semantic == ("permit_on_first_permit" if granted else "deny_on_first_deny"):
                break
        return Decisions(evaluations=tuple(decisions))

    def decide(self, put: Put, point: GatePoint) -> Decision:
        """Where it is `effective`, this waits for the ledger."""
        asked, evaluation, digest = put.asked, put.evaluation, self._gate.digest
        if isinstance(asked, Refused):
            return answer.refused(asked, self._stamp, digest)
        if not isinstance(asked, Asked) or evaluation is None:
            return answer.malformed(asked if isinstance(asked, tuple) else (), self._stamp)
        if not point.guards(asked.question.action, asked.question.resource):
            return answer.refused(not_guarded(), self._stamp, digest)
        if put.effective:
            return self._redeeming.decide(evaluation, asked, point)
        look = self._gate.look(asked.question)
        match look:
            case Standing():
                if asked.situation.customers:
                    says = "access to customers is recorded: say in context.use which act it is"
                    rules = (look.passage.rule,)
                    return answer.denied(answer.USE_REQUIRED, says, self._stamp, digest, rules=rules)
                return answer.standing(look, self._stamp, digest)
            case Open():
                id = self._stamp.id()
                return answer.requestable(
                    look, id, self._binder.requestable(id, look, evaluation, point), self._stamp, digest
                )
            case Refused():
                return answer.refused(look, self._stamp, digest)
