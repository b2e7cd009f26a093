"""The binding token of a denial that can be asked about: what exactly was denied, until when one may ask.

As the AuthZEN Access Request and Approval profile has it (binding token integrity, the inline form): whoever hands in a
request gives the token back, and what they ask for is compared with what was denied, member by member.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from armslength.gate.failure import Rejected
from armslength.gate.form import Form
from armslength.gate.jws import sign, verify
from armslength.gate.moment import Moment, format_moment, posix
from armslength.gate.signing_key import LeaseKey
from armslength.tlog import Json, canonical

BINDING_TYPE = "armslength-binding+jwt"

MACHINERY = frozenset({"access_request", "approval", "evaluation_id", "evaluated_at", "reason"})
"""Members of a context that are never part of what is asked."""

_CLAIMS = frozenset(
    "action aud binding_context_members context denial_expires_at evaluation_id exp iat iss jti resource "
    "subject".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A denied evaluation: AuthZEN's subject, action and resource whole, and the members of its context that policy
    may look at. `audience` is whose access request service may take it, `point` the enforcement point that was told
    and alone may answer. Times: made, and until when one may ask."""

    gate: str
    audience: str
    evaluation: str
    subject: Mapping[str, Json]
    action: Mapping[str, Json]
    resource: Mapping[str, Json]
    context: Mapping[str, Json]
    made: Moment
    expires: Moment
    point: str = ""

    def differences(
        self,
        *,
        subject: Mapping[str, Json],
        action: Mapping[str, Json],
        resource: Mapping[str, Json],
        context: Mapping[str, Json],
    ) -> tuple[str, ...]:
        """In what this differs from what was denied; none if it is the same.

        Values are equal when their RFC 8785 forms are. `subject.properties.act` is not compared, nor are members of
        the context that the denial did not name. Raises `Malformed` for what RFC 8785 cannot write.
        """
        named = {name: value for name, value in context.items() if name in self.context}
        pairs: tuple[tuple[str, Json, Json], ...] = (
            ("subject", _without_actor(self.subject), _without_actor(subject)),
            ("action", self.action, action),
            ("resource", self.resource, resource),
            ("context", self.context, named),
        )
        return tuple(what for what, one, other in pairs if canonical(one, label=what) != canonical(other, label=what))


def sign_binding(binding: Binding, key: LeaseKey) -> str:
    claims: dict[str, Json] = {
        "action": binding.action,
        "aud": binding.audience,
        "binding_context_members": sorted(binding.context),
        "context": binding.context,
        "denial_expires_at": format_moment(binding.expires),
        "evaluation_id": binding.evaluation,
        "exp": posix(binding.expires),
        "iat": posix(binding.made),
        "iss": binding.gate,
        "jti": binding.evaluation,
        "resource": binding.resource,
        "subject": _without_actor(binding.subject),
    }
    if binding.point:
        claims["azp"] = binding.point
    return sign(claims, BINDING_TYPE, key)


def verify_binding(token: str, keys: Mapping[str, bytes], *, audience: str) -> Binding:
    """What was denied, as the gate signed it for this audience. Raises `Rejected`, or `UnknownKey`. The caller looks at
    `expires`, and takes no token twice."""
    claims = verify(token, BINDING_TYPE, keys)
    names = _CLAIMS | {"azp"} if isinstance(claims, Mapping) and "azp" in claims else _CLAIMS
    read = Form(claims, "binding", names)
    read.exactly("aud", audience)
    binding = Binding(
        gate=read.text("iss"),
        audience=audience,
        evaluation=read.text("evaluation_id"),
        subject=read.mapping("subject"),
        action=read.mapping("action"),
        resource=read.mapping("resource"),
        context=read.mapping("context"),
        made=read.seconds("iat"),
        expires=read.seconds("exp"),
        point=read.text("azp") if "azp" in names else "",
    )
    read.exactly("jti", binding.evaluation)
    read.exactly("denial_expires_at", format_moment(binding.expires))
    members = read.texts("binding_context_members")
    read.done()
    if list(members) != sorted(binding.context):
        raise Rejected(["the binding's context has other members than it says"])
    return binding


def _without_actor(subject: Mapping[str, Json]) -> Mapping[str, Json]:
    """The caller may have moved it elsewhere, as the profile allows."""
    properties = subject.get("properties")
    if not isinstance(properties, Mapping) or "act" not in properties:
        return subject
    return {**subject, "properties": {name: value for name, value in properties.items() if name != "act"}}
