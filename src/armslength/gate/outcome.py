"""What the gate answers: five classes, matched exhaustively; never None, a bool or a word.

A refusal says its reason, so that the person learns why, and what would satisfy.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from armslength.gate.quorum import Member, Rule, Shortfall
from armslength.gate.request import PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One way in: the permit or the grant that lets somebody ask, and the terms it asks for, None for standing access.

    `rule` is a policy's `@id`, or `grants:N` with the line N of the grants table.
    """

    rule: str
    terms: str | None


class Why(StrEnum):
    """Why something is refused: a code that programs may rely on."""

    UNKNOWN_SUBJECT = "unknown_subject"
    UNKNOWN_RESOURCE = "unknown_resource"
    UNKNOWN_ACTION = "unknown_action"
    STALE = "stale_entity"
    LEFT = "left"
    NO_RULE = "no_rule"
    FORBIDDEN = "forbidden"
    ERROR = "evaluation_error"
    APPROVAL_REQUIRED = "approval_required"
    IMPOSSIBLE = "nobody_could_approve"
    DECLINED = "declined"
    CUSTOMER = "customer_refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    SPENT = "spent"
    OUTSIDE = "outside_the_lease"
    NO_LEASE = "no_lease"
    UNMAPPED = "unmapped_route"
    AMBIGUOUS = "ambiguous_path"
    LEDGER = "ledger_unavailable"
    STORE = "store_unavailable"
    CLOCK = "clock_went_back"
    OLD_LIST = "revocation_list_too_old"
    TAMPERED = "tampered"
    OVERDUE = "review_overdue"
    UNSIGNED = "not_signed_by_the_gate"
    GATE = "gate_unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """No, with the reason. `rules` are the ids of the policies that decided it, `says` one sentence for the person."""

    why: Why
    says: str
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Yes, without a lease: a permit that carries no terms."""

    passage: Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Not yet: these passages would do once their terms are met. Never empty."""

    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A request that still lacks something: for each passage its terms and what is missing of them."""

    lacks: tuple[tuple[Passage, tuple[Shortfall, ...]], ...]
    customers: tuple[str, ...] = ()
    """Whose own word is awaited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """A quorum as it was found, and the rule it satisfies: enough to judge it again."""

    passage: Passage
    rule: Rule
    asking: tuple[Member, ...]
    approvers: tuple[Member, ...]

    def people(self) -> tuple[PersonId, ...]:
        return tuple(one.person for one in self.approvers)


Look = Standing | Open | Refused
"""What policy says of a question, before anybody approved anything."""
Judgement = Quorum | Pending | Refused
"""What becomes of a request with the approvals it has."""
