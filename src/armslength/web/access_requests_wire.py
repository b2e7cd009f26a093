"""The messages of the AuthZEN Access Request and Approval profile (draft) as types."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from armslength.web.authzen_wire import Action, Context, Display, Open, Resource, Subject, Wire

_ERROR = "urn:openid:authzen:access-request:error:"
BLANK = "about:blank"
NOT_REQUESTABLE, EXPIRED = _ERROR + "not_requestable", _ERROR + "expired_denial"
INVALID_BINDING, INVALID_STATE = _ERROR + "invalid_denial_binding", _ERROR + "invalid_task_state"
DUPLICATE, UNKNOWN_TASK, TASK_EXPIRED = _ERROR + "duplicate_request", _ERROR + "unknown_task", _ERROR + "task_expired"
ErrorType = Literal[
    "about:blank",
    "urn:openid:authzen:access-request:error:not_requestable",
    "urn:openid:authzen:access-request:error:expired_denial",
    "urn:openid:authzen:access-request:error:invalid_denial_binding",
    "urn:openid:authzen:access-request:error:duplicate_request",
    "urn:openid:authzen:access-request:error:unknown_task",
    "urn:openid:authzen:access-request:error:task_expired",
    "urn:openid:authzen:access-request:error:invalid_task_state",
]
Status = Literal["pending", "approved", "denied", "expired", "cancelled", "failed"]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Denial(Wire, frozen=True):
    """The denied decision, echoed. `binding_token` is what counts; the rest has to agree with it."""

    expires_at: str
    binding_token: str | UnsetType = UNSET
    evaluation_id: str | UnsetType = UNSET
    evaluated_at: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    template: str | UnsetType = UNSET


class HoldAsked(Wire, frozen=True):
    """Why the customers are not told yet, as a short code, and until when."""

    reason: str
    until: str


class Document(Wire, frozen=True):
    """A document that was handed in before: SHA-256 of its bytes in hex, and the name that approvers see."""

    digest: Digest
    name: str


class RequestedAccess(Wire, frozen=True):
    """What is asked for. `purpose` says why, in words for the approvers (or `context.business_justification` does);
    the access would be used from `requested_from` until `requested_until`, times as in RFC 3339."""

    purpose: str | UnsetType = UNSET
    evidence: list[Document] | UnsetType = UNSET
    requested_from: str | UnsetType = UNSET
    requested_until: str | UnsetType = UNSET
    hold: HoldAsked | UnsetType = UNSET
    renews: str | UnsetType = UNSET
    emergency: bool | UnsetType = UNSET


class Submission(Wire, frozen=True):
    """An access request. `items` (several at once) are not taken: each act is asked for on its own."""

    subject: Subject
    resource: Resource
    action: Action
    denial: Denial
    context: Context | UnsetType = UNSET
    requested_access: RequestedAccess | UnsetType = UNSET
    client: Open | UnsetType = UNSET
    callback: Open | UnsetType = UNSET
    items: list[Open] | UnsetType = UNSET


class ApprovalGiven(Wire, frozen=True):
    """What to carry, unchanged, in `context.approval`. `state` is the lease as the gate signed it."""

    id: str
    approved_at: str
    approved_until: str
    state: str | UnsetType = UNSET


class Result(Wire, frozen=True):
    """Of an approved task: evaluate again, with the approval."""

    mode: Literal["reevaluate"]
    approval: ApprovalGiven


class Links(Wire, frozen=True):
    """Where the person sees it, and where the point takes it back."""

    ticket: str
    cancel: str | UnsetType = UNSET


class Task(Wire, frozen=True):
    """How a request stands. It names nobody."""

    id: str
    status: Status
    status_endpoint: str
    expires_at: str
    links: Links
    display: Display


class TaskAnswer(Wire, frozen=True):
    """`result` is there once it is approved."""

    task: Task
    result: Result | UnsetType = UNSET


class Cancellation(Wire, frozen=True):
    """Why it is taken back. It is not kept."""

    reason: str | UnsetType = UNSET
    comment: str | UnsetType = UNSET


class Problem(Wire, frozen=True):
    """RFC 9457. `problems` names each thing that is wrong."""

    type: ErrorType
    title: str
    status: int
    detail: str
    problems: tuple[str, ...] = ()
