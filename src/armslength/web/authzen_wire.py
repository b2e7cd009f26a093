"""The messages of OpenID AuthZEN Authorization API 1.0 as types: what is parsed, answered and described by OpenAPI.

`UNSET` is a member that is not there. Members that the specification leaves open (`context`, `properties`) are JSON.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from armslength.gate import LONGEST_ID, MOST_CUSTOMERS

Semantic = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]
Open = dict[str, Any]

_ID = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID, "pattern": r"^[!-~]([ -~]*[!-~])?$"}
Context = Annotated[
    Open,
    Meta(
        extra_json_schema={
            "properties": {
                "asker": _ID,
                "author": _ID,
                "customers": {"type": "array", "items": _ID, "maxItems": MOST_CUSTOMERS},
                "use": {"type": "string", "pattern": "^[A-Za-z0-9_-]{21}[AQgw]$"},
                "approval": {
                    "type": "object",
                    "properties": {"id": {"type": "string"}, "state": {"type": "string"}},
                    "required": ["id"],
                },
                **dict.fromkeys(("subject", "resource", "action"), False),
            }
        }
    ),
]
"""What a policy may look at, but for these members, which are the gate's (docs/formats/authzen.md)."""

MOST_EVALUATIONS = 1_000
MOST_RESULTS = 1_000
"""Of one page of a search."""

Count = Annotated[int, Meta(ge=0)]


class Wire(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A JSON object. A member that is not its default is written."""


class Subject(Wire, frozen=True):
    """Who acts: `type` is `person` or `user`, `id` as in people.csv."""

    type: str
    id: str
    properties: Open | UnsetType = UNSET


class Resource(Wire, frozen=True):
    """What is acted on: `type` is `asset` or an asset's kind, or `group`, `person` or `terms`, targets of powers."""

    type: str
    id: str
    properties: Open | UnsetType = UNSET


class Action(Wire, frozen=True):
    """What is done."""

    name: str
    properties: Open | UnsetType = UNSET


class Evaluation(Wire, frozen=True):
    """One question. What stands in `context` is in docs/formats/authzen.md."""

    subject: Subject
    action: Action
    resource: Resource
    context: Context | UnsetType = UNSET


class Options(Wire, frozen=True):
    """How several questions are answered: all of them, or up to the first denial, or up to the first permit."""

    evaluations_semantic: Semantic = "execute_all"


class Evaluations(Wire, frozen=True):
    """Several questions. The members beside `evaluations` stand in for those that an evaluation leaves out, each as a
    whole; without `evaluations` they are one question. What an evaluation lacks is told in its own answer."""

    subject: Subject | UnsetType = UNSET
    action: Action | UnsetType = UNSET
    resource: Resource | UnsetType = UNSET
    context: Context | UnsetType = UNSET
    evaluations: Annotated[list[Open], Meta(max_length=MOST_EVALUATIONS)] | UnsetType = UNSET
    options: Options | UnsetType = UNSET


class Display(Wire, frozen=True):
    """For people."""

    title: str
    description: str


class Requestable(Wire, frozen=True):
    """`context.access_request` of a denial: how access could be asked for (Access Request and Approval, section 6)."""

    endpoint: str
    template: str
    expires_at: str
    binding_token: str
    form_url: str
    request_schema_url: str
    display: Display


class ApprovalEcho(Wire, frozen=True):
    """The lease under which a re-evaluation was permitted."""

    id: str
    approved_until: str


class Presented(Wire, frozen=True):
    """`context.approval`: an approval that is carried into an evaluation."""

    id: str
    state: str | UnsetType = UNSET


class EvaluationError(Wire, frozen=True):
    """Why one of several evaluations is not one."""

    status: int
    message: str


class DecisionContext(Wire, frozen=True):
    """Why the decision is what it is. `reason` is a code, `reason_user` a sentence for the person, `policies` the rules
    that decided, `estate` the digest of what they were decided on."""

    evaluation_id: str
    evaluated_at: str
    estate: str | UnsetType = UNSET
    policies: tuple[str, ...] = ()
    reason: str | UnsetType = UNSET
    reason_user: str | UnsetType = UNSET
    next_action: Literal["request", "retry", "none"] | UnsetType = UNSET
    retry_after: Count | UnsetType = UNSET
    access_request: Requestable | UnsetType = UNSET
    approval: ApprovalEcho | UnsetType = UNSET
    error: EvaluationError | UnsetType = UNSET


class Decision(Wire, frozen=True):
    """True: the act may happen. False: it must not, whatever else is said."""

    decision: bool
    context: DecisionContext | UnsetType = UNSET


class Decisions(Wire, frozen=True):
    """In the order of the questions; fewer of them where the semantic says to stop."""

    evaluations: tuple[Decision, ...]


class PageAsked(Wire, frozen=True):
    """Which part of the results: `token` is the `next_token` of the page before."""

    token: str | UnsetType = UNSET
    limit: Count | UnsetType = UNSET


class PageGiven(Wire, frozen=True):
    """`next_token` is empty on the last page."""

    next_token: str
    count: Count
    total: Count


class AnySubject(Wire, frozen=True):
    """The type that is searched for; an `id` is ignored."""

    type: str
    properties: Open | UnsetType = UNSET


class AnyResource(Wire, frozen=True):
    """The type that is searched for; an `id` is ignored."""

    type: str
    properties: Open | UnsetType = UNSET


class SubjectSearch(Wire, frozen=True):
    """Who may do this?"""

    subject: AnySubject
    action: Action
    resource: Resource
    context: Context | UnsetType = UNSET
    page: PageAsked | UnsetType = UNSET


class ResourceSearch(Wire, frozen=True):
    """On what may they do this?"""

    subject: Subject
    action: Action
    resource: AnyResource
    context: Context | UnsetType = UNSET
    page: PageAsked | UnsetType = UNSET


class ActionSearch(Wire, frozen=True):
    """What may they do with this?"""

    subject: Subject
    resource: Resource
    context: Context | UnsetType = UNSET
    page: PageAsked | UnsetType = UNSET


class FoundSubject(Wire, frozen=True):
    """Somebody who may."""

    type: str
    id: str


class FoundResource(Wire, frozen=True):
    """Something on which they may."""

    type: str
    id: str


class FoundAction(Wire, frozen=True):
    """Something that they may do."""

    name: str


class FoundSubjects(Wire, frozen=True):
    """One page of what was found."""

    page: PageGiven
    results: tuple[FoundSubject, ...]


class FoundResources(Wire, frozen=True):
    """One page of what was found."""

    page: PageGiven
    results: tuple[FoundResource, ...]


class FoundActions(Wire, frozen=True):
    """One page of what was found."""

    page: PageGiven
    results: tuple[FoundAction, ...]


class Metadata(Wire, frozen=True):
    """`/.well-known/authzen-configuration`."""

    policy_decision_point: str
    access_evaluation_endpoint: str
    access_evaluations_endpoint: str
    search_subject_endpoint: str
    search_resource_endpoint: str
    search_action_endpoint: str
    access_request_endpoint: str
    jwks_uri: str
    capabilities: tuple[str, ...]
