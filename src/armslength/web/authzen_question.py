"""From AuthZEN's subject, action, resource and context to a question of the gate.

What a policy may look at is the context as it came, without what the protocol itself carries in it, and with the
properties of subject, resource and action as `context.subject`, `context.resource` and `context.action`. Of the members
that are the gate's own, `asker` and `author` are people, `customers` the customers whom it touches, and `use` the act
that an enforcement point is about to let happen. They and the protocol's `approval` are read before anybody asks whom
and what it is about: what is no question is refused as such, of an unknown subject too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from armslength.gate import MACHINERY, MOST_CUSTOMERS, PersonId, Question, Refused, Rejected, Why, is_name
from armslength.service import FILED_BY
from armslength.tlog import Json, Malformed, parse_base64url
from armslength.web.authzen_names import Names
from armslength.web.authzen_wire import Evaluation, Open, Presented
from armslength.web.gate_body import convert

OURS = frozenset({"asker", "author", "customers", "use"})
VOLATILE = frozenset({"business_justification", "time"})
"""What may differ between a denial, the request that follows it, and the evaluation after that."""
UNBOUND = MACHINERY | VOLATILE | {"use"}
"""What does not tie a request to its denial; all other members of a context do."""
PROPERTIES = ("subject", "resource", "action")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a context says. `policy` is what a policy may look at, `approval` what is carried with it."""

    policy: Mapping[str, Json]
    asker: PersonId | None = None
    author: PersonId | None = None
    customers: tuple[str, ...] = ()
    use: bytes | None = None
    approval: Presented | UnsetType = UNSET

    def lasting(self) -> dict[str, Json]:
        """What a request keeps of `policy`. Who acts for the subject (`properties.act`) is no part of it: a caller may
        say it elsewhere."""
        lasting = {name: value for name, value in self.policy.items() if name not in VOLATILE}
        if isinstance(subject := lasting.get("subject"), Mapping) and "act" in subject:
            lasting["subject"] = {name: value for name, value in subject.items() if name != "act"}
        return lasting


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One evaluation as the gate takes it."""

    question: Question
    situation: Situation


_NOTHING = Situation(policy={})


def situation_of(
    context: Open | UnsetType,
    subject: Open | UnsetType = UNSET,
    resource: Open | UnsetType = UNSET,
    action: Open | UnsetType = UNSET,
) -> Situation:
    """What a context and the properties beside it say. Raises `Rejected` with every problem."""
    if context is UNSET or not context:
        if subject is UNSET and resource is UNSET and action is UNSET:
            return _NOTHING
        context = {}
    policy = {name: value for name, value in context.items() if name not in MACHINERY and name not in OURS}
    problems = [f"context.{name}: the gate puts the {name}'s properties there" for name in PROPERTIES if name in policy]
    if FILED_BY in policy:
        problems.append(f"context.{FILED_BY}: the gate says there who filed a request")
    for name, properties in zip(PROPERTIES, (subject, resource, action), strict=True):
        if properties is not UNSET:
            policy[name] = properties
    approval: Presented | UnsetType = UNSET
    if "approval" in context:
        try:
            approval = convert(context["approval"], Presented, place="context.approval")
        except Rejected as error:
            problems += error.problems
    ours = not OURS.isdisjoint(context)
    problems += _problems(context) if ours else ()
    if problems:
        raise Rejected(problems)
    if not ours:
        return Situation(policy=policy, approval=approval)
    return Situation(
        approval=approval,
        policy=policy,
        asker=_person(context.get("asker")),
        author=_person(context.get("author")),
        customers=tuple(sorted(set(context.get("customers", ())))),
        use=None if "use" not in context else parse_base64url(context["use"], 16),
    )


def asked_of(evaluation: Evaluation, names: Names) -> Asked | Refused:
    """The question, or why there is none. Raises `Rejected` with every problem."""
    situation = situation_of(
        evaluation.context,
        evaluation.subject.properties,
        evaluation.resource.properties,
        evaluation.action.properties,
    )
    executor = names.person(evaluation.subject.type, evaluation.subject.id)
    if executor is None:
        return Refused(
            why=Why.UNKNOWN_SUBJECT, says=f"there are no subjects of type {evaluation.subject.type[:40]!r} here"
        )
    resource = names.target(evaluation.resource.type, evaluation.resource.id)
    if resource is None:
        return Refused(why=Why.UNKNOWN_RESOURCE, says=f"there is no such {evaluation.resource.type[:40]!r} here")
    question = Question(
        executor=executor,
        asker=situation.asker or executor,
        author=situation.author,
        action=evaluation.action.name,
        resource=resource,
        context=situation.policy,
    )
    return Asked(question=question, situation=situation)


def _person(id: str | None) -> PersonId | None:
    return None if id is None else PersonId(id)


def _problems(context: Open) -> Iterator[str]:
    for name in ("asker", "author"):
        if name in context and not _named(context[name]):
            yield f"context.{name}: expected the id of a person"
    customers = context.get("customers", [])
    if not isinstance(customers, list) or not all(_named(each) for each in customers):
        yield "context.customers: expected an array of texts"
    elif len(customers) > MOST_CUSTOMERS:
        yield f"context.customers: {len(customers)}, expected at most {MOST_CUSTOMERS}"
    if "use" in context:
        try:
            parse_base64url(str(context["use"]), 16)
        except Malformed:
            yield "context.use: expected 16 bytes of chance in base64url"


def _named(value: object) -> bool:
    return isinstance(value, str) and is_name(value)
