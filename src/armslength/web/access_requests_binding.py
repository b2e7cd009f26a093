"""How a denial says that access can be asked for, and what a request that comes back with it is held to.

The binding token is signed by the gate and names what was denied, member by member, so that nobody gets approval for
one thing by showing the denial of another (Access Request and Approval, sections 6 and 16).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from armslength.gate import Binding, Open, Rejected, format_moment, moment, parse_jwks, posix, verify_binding
from armslength.service import Gate
from armslength.store import GatePoint
from armslength.tlog import Malformed
from armslength.web.access_requests_wire import EXPIRED, INVALID_BINDING, Submission
from armslength.web.authzen_metadata import REQUESTS, SCHEMA
from armslength.web.authzen_question import UNBOUND
from armslength.web.authzen_wire import Action, Display, Evaluation, Requestable, Resource, Subject

Clock = Callable[[], float]
"""POSIX seconds."""

ASKING_SECONDS = 600
"""For which a denial can be answered with a request."""
SKEW_SECONDS = 30
"""By which a point's clock may differ."""


class Binder:
    """Binds requests to the denials of one gate."""

    def __init__(self, gate: Gate, clock: Clock) -> None:
        self._gate, self._clock = gate, clock
        url = gate.settings.url
        self._audience = url
        self._endpoint, self._form, self._schema = url + REQUESTS, f"{url}/ask", url + SCHEMA

    def requestable(self, id: str, look: Open, evaluation: Evaluation, point: GatePoint) -> Requestable:
        """What the denial `id` of this evaluation says to this point of how to ask."""
        now = self._clock()
        binding = Binding(
            gate=self._gate.settings.origin,
            audience=self._audience,
            evaluation=id,
            subject=entity(evaluation.subject),
            action=entity(evaluation.action),
            resource=entity(evaluation.resource),
            context=bound(evaluation.context),
            made=moment(now),
            expires=moment(now + ASKING_SECONDS),
            point=point.id,
        )
        terms = str(look.passages[0].terms)
        return Requestable(
            endpoint=self._endpoint,
            template=terms,
            expires_at=format_moment(binding.expires),
            binding_token=self._gate.bind(binding),
            form_url=self._form,
            request_schema_url=self._schema,
            display=Display(
                title="Ask for access",
                description=f"It is given once the approvals of {terms} are there.",
            ),
        )

    def denied(self, submission: Submission, point: GatePoint) -> Binding:
        """What was denied to this point, if this asks for exactly that and in time. Raises `Unbound`."""
        denial = submission.denial
        if denial.binding_token is UNSET:
            raise Unbound(INVALID_BINDING, ["denial.binding_token is missing: expected the one of the denied decision"])
        try:
            keys = parse_jwks(self._gate.jwks())
            binding = verify_binding(denial.binding_token, keys, audience=self._audience)
        except Rejected as error:
            raise Unbound(INVALID_BINDING, [f"denial.binding_token: {each}" for each in error.problems]) from None
        if binding.point != point.id:
            raise Unbound(INVALID_BINDING, ["denial.binding_token: of a denial that another point was given"])
        if posix(binding.expires) + SKEW_SECONDS <= self._clock():
            raise Unbound(EXPIRED, [f"the denial could be answered until {format_moment(binding.expires)}"])
        problems = []
        if denial.expires_at != format_moment(binding.expires):
            problems.append("denial.expires_at is not that of the denied decision")
        if denial.evaluation_id is not UNSET and denial.evaluation_id != binding.evaluation:
            problems.append("denial.evaluation_id is not that of the denied decision")
        problems += self._differences(submission, binding)
        if problems:
            raise Unbound(INVALID_BINDING, problems)
        return binding

    @staticmethod
    def _differences(submission: Submission, binding: Binding) -> list[str]:
        try:
            found = binding.differences(
                subject=entity(submission.subject),
                action=entity(submission.action),
                resource=entity(submission.resource),
                context={} if submission.context is UNSET else submission.context,
            )
        except Malformed as error:
            return [str(error)]
        return [f"{each} is not what was denied" for each in found]


class Unbound(Exception):
    """A request that cannot be tied to a denial; `type` is the profile's name for why."""

    def __init__(self, type: str, problems: list[str]) -> None:
        super().__init__(type)
        self.type, self.problems = type, tuple(problems)


def entity(value: Subject | Action | Resource) -> dict[str, Any]:
    """As it came, without the members that nobody knows."""
    made: dict[str, Any] = msgspec.to_builtins(value)
    return made


def bound(context: dict[str, Any] | UnsetType) -> dict[str, Any]:
    """The members of a context that a request has in common with its denial."""
    if context is UNSET:
        return {}
    return {name: value for name, value in context.items() if name not in UNBOUND}
