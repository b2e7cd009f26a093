"""A request: who would do what, on what, of which customers, why, on what evidence and when.

It is what approvers sign: the challenge of their passkey is SHA-256 of its RFC 8785 form, so that changing a byte of it
voids every approval (docs/formats/request.md).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NewType

from armslength.gate.failure import Rejected
from armslength.gate.moment import Moment, format_moment
from armslength.tlog import Json, Malformed, canonical, format_base64url, parse_base64url

RequestId = NewType("RequestId", str)
"""`req_` and 16 bytes of chance in base64url."""

PersonId = NewType("PersonId", str)
"""As in people.csv."""

MOST_CUSTOMERS = 1000
MOST_EVIDENCE = 100
LONGEST_TEXT = 4000
LONGEST_ID = 1024

TARGETS = frozenset({"asset", "group", "person", "terms"})
"""What can be asked for: assets, and the targets of powers."""

_EVIDENCE_NAME = re.compile(r"[^\x00-\x1f\x7f/\\]{1,200}")
_MEDIA = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Target:
    """What is acted on: `Target(type="asset", id="meetings-us")`. `type` is one of `TARGETS`."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Evidence:
    """A document by what it is, whatever it is called: `digest` is SHA-256 of its bytes, `size` their number."""

    digest: bytes
    media_type: str
    name: str
    size: int

    def form(self) -> dict[str, Json]:
        return {"digest": self.digest.hex(), "media_type": self.media_type, "name": self.name, "size": self.size}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From when to when the access would be used; the end is no longer in it."""

    start: Moment
    end: Moment

    def form(self) -> dict[str, Json]:
        return {"start": format_moment(self.start), "end": format_moment(self.end)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why a customer is not told yet, as a short code, and the end of that, which comes by itself."""

    reason: str
    until: Moment

    def form(self) -> dict[str, Json]:
        return {"reason": self.reason, "until": format_moment(self.until)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, as it will be signed.

    `executor` would use the access and is the subject of AuthZEN; `asker` wants it done; `author` wrote the command,
    where somebody else did. `gate` is the origin of the gate's ledger. `context` is what policy may look at;
    `customers` are the firm's names for them, ascending. `expires` is when an unanswered request ends.
    """

    id: RequestId
    gate: str
    executor: PersonId
    asker: PersonId
    author: PersonId | None
    action: str
    resource: Target
    customers: tuple[str, ...]
    purpose: str
    context: Mapping[str, Json]
    evidence: tuple[Evidence, ...]
    window: Window
    made: Moment
    expires: Moment
    hold: Hold | None = None
    _canonical: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises `Rejected` with every problem."""
        problems = list(self._problems())
        if not problems:
            try:
                object.__setattr__(self, "_canonical", canonical(self.form(), label="request"))
            except Malformed as error:
                problems.append(str(error))
        if problems:
            raise Rejected(problems)

    def form(self) -> dict[str, Json]:
        """What is signed, and what is recorded. Every member is always there; `kind` keeps a signature under a request
        from being one under anything else."""
        return {
            "action": self.action,
            "asker": self.asker,
            "author": self.author,
            "context": dict(self.context),
            "customers": list(self.customers),
            "evidence": [each.form() for each in self.evidence],
            "executor": self.executor,
            "expires": format_moment(self.expires),
            "gate": self.gate,
            "hold": None if self.hold is None else self.hold.form(),
            "id": self.id,
            "kind": "request",
            "made": format_moment(self.made),
            "purpose": self.purpose,
            "resource": {"type": self.resource.type, "id": self.resource.id},
            "version": 1,
            "window": self.window.form(),
        }

    def canonical(self) -> bytes:
        """RFC 8785."""
        return self._canonical

    def challenge(self) -> bytes:
        """SHA-256 of the canonical form: what an approver's passkey signs."""
        return hashlib.sha256(self._canonical).digest()

    def parties(self) -> frozenset[PersonId]:
        """Who may not approve it."""
        return frozenset(filter(None, (self.executor, self.asker, self.author)))

    def _problems(self) -> list[str]:
        found = [
            f"the {what} {value[:40]!r}: expected 1 to {LONGEST_ID} printable characters without spaces around them"
            for what, value in (
                ("gate", self.gate),
                ("executor", self.executor),
                ("asker", self.asker),
                ("author", "-" if self.author is None else self.author),
                ("action", self.action),
                ("resource", self.resource.id),
                *(("customer", name) for name in self.customers),
            )
            if not is_name(value)
        ]
        if not is_id(self.id, "req"):
            found.append(f"the request id {self.id[:40]!r}: expected req_ and 22 characters of base64url")
        if self.resource.type not in TARGETS:
            found.append(f"the resource type {self.resource.type[:40]!r}: expected one of {', '.join(sorted(TARGETS))}")
        if len(self.customers) > MOST_CUSTOMERS:
            found.append(f"{len(self.customers)} customers: expected at most {MOST_CUSTOMERS}; make several requests")
        if list(self.customers) != sorted(set(self.customers)):
            found.append("the customers are not in ascending order, each once")
        if not self.purpose.strip() or len(self.purpose) > LONGEST_TEXT:
            found.append(f"a purpose of {len(self.purpose)} characters: expected 1 to {LONGEST_TEXT}")
        if len(self.evidence) > MOST_EVIDENCE or len({e.digest for e in self.evidence}) < len(self.evidence):
            found.append(f"the evidence: expected at most {MOST_EVIDENCE} documents, each once")
        for each in self.evidence:
            if len(each.digest) != 32 or each.size < 0 or not _MEDIA.fullmatch(each.media_type):
                found.append(f"the evidence {each.name[:40]!r}: expected a SHA-256, a size and a media type")
            if not _EVIDENCE_NAME.fullmatch(each.name):
                found.append(f"the evidence {each.name[:40]!r}: expected a plain file name")
        if not self.window.start < self.window.end:
            found.append("the window ends before it starts")
        if not self.made < self.expires <= self.window.end:
            found.append("the request expires before it was made, or after its window")
        if self.hold is not None and not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", self.hold.reason):
            found.append(f"the hold's reason {self.hold.reason[:40]!r}: expected a short code such as court-order")
        return found


def is_name(text: str) -> bool:
    """Whether this may be an id of the estate, a customer's name, an origin."""
    return 0 < len(text) <= LONGEST_ID and text == text.strip() and text.isprintable()


def new_id(prefix: str, chance: bytes) -> str:
    """An id from 16 bytes of chance."""
    if len(chance) != 16:
        raise ValueError("an id is made of 16 bytes")
    return f"{prefix}_{format_base64url(chance)}"


def is_id(text: str, prefix: str) -> bool:
    return re.fullmatch(rf"{prefix}_[A-Za-z0-9_-]{{21}}[AQgw]", text) is not None


def id_bytes(text: str) -> bytes:
    """The 16 bytes of chance that an id was made from."""
    return parse_base64url(text.partition("_")[2], 16)
