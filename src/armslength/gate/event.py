"""What happens at the gate, as its ledger has it: one event, one record.

The gate's state is what these events make of it, in the order of the ledger (state.py). Each is written as the fields
of a record: `firm_event` holds all of it and is shown to nobody but the firm and its auditors; the other fields are
what a customer reads in their bundle, and follow from it (docs/formats/gate-records.md).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from armslength.tlog import Json

Seconds = int
"""POSIX seconds."""


class _Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="event"):
    """`at` is by the gate's own clock, whoever reported it."""

    at: Seconds


class Adopted(_Event, frozen=True, kw_only=True, omit_defaults=True, tag="adopted"):
    """From here on another estate holds: `before` and `after` are digests in hex, `before` None for the first one.
    `what` says which parts differ; `request` is the lease's request that allowed it, None for the first. `files` is
    which files make it, as `armslength.estate.content` has it; None, and not written, where nobody said."""

    before: str | None
    after: str
    what: tuple[Literal["policy", "estate", "people"], ...]
    request: str | None
    by: str
    files: str | None = None


class Enrolled(_Event, frozen=True, kw_only=True, tag="enrolled"):
    """A person's passkey is known from here on. Bytes are base64url; `made` is when it was registered; `assertion` is
    the voucher's signature over the enrolment (enrolment.py), both None for a founding key."""

    person: str
    credential: str
    public_key: str
    made: Seconds
    voucher: str | None
    assertion: dict[str, str] | None


class KeyRevoked(_Event, frozen=True, kw_only=True, tag="key-revoked"):
    credential: str
    by: str
    reason: str


class Requested(_Event, frozen=True, kw_only=True, tag="requested"):
    """`form` is the request as it is signed (request.py); `estate` the digest it was made under."""

    form: dict[str, object]
    estate: str


class Approved(_Event, frozen=True, kw_only=True, tag="approved"):
    """Bytes of the assertion are base64url, the digests of what was `opened` hex, as in a request's form."""

    id: str
    request: str
    approver: str
    assertion: dict[str, str]
    opened: tuple[str, ...]


class Unapproved(_Event, frozen=True, kw_only=True, tag="unapproved"):
    """An approver takes a yes back, before there is a lease. They cannot give it again to the same request: whoever
    kept the first signature could give it for them."""

    request: str
    approver: str


class Declined(_Event, frozen=True, kw_only=True, tag="declined"):
    """An approver says no: the request is over."""

    request: str
    approver: str
    reason: str


class Voiced(_Event, frozen=True, kw_only=True, tag="voiced"):
    """A customer's own word on a request: yes, or no, which ends it."""

    request: str
    customer: str
    agrees: bool


class Lapsed(_Event, frozen=True, kw_only=True, tag="lapsed"):
    """Nobody answered in time."""

    request: str


class Withdrawn(_Event, frozen=True, kw_only=True, tag="withdrawn"):
    request: str
    by: str


class Leased(_Event, frozen=True, kw_only=True, tag="leased"):
    """`lease` holds its terms (lease.py); the record's act id is that of the lease."""

    lease: dict[str, object]


class Used(_Event, frozen=True, kw_only=True, tag="used"):
    """`lease` None: standing access, through `rule`. `point` is the enforcement point, `use` 16 bytes that it drew, in
    base64url. `done` is when it let the act happen, by its own clock, where it told the gate only later."""

    use: str
    lease: str | None
    rule: str
    executor: str
    action: str
    resource: str
    customers: tuple[str, ...]
    point: str
    done: Seconds | None = None


class RanStatement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`text` without its literals and comments, as somebody may read it; run `times`, of which `failed` failed. Of what
    was prepared and not run `times` is 0."""

    text: str
    times: int
    failed: int


class Ran(_Event, frozen=True, kw_only=True, tag="ran"):
    """What was done by a lease in a system that writes its own log, some lines of one session's at a time. `batch` is
    16 bytes that follow from them, in base64url; `source` names the system, `first` and `last` are the lines' numbers
    in the session, `sha256` is over these lines as they stand there, each with its newline; `done` is the last one's
    time, by that system's clock."""

    batch: str
    lease: str
    executor: str
    action: str
    resource: str
    customers: tuple[str, ...]
    point: str
    source: str
    session: str
    first: int
    last: int
    sha256: str
    statements: tuple[RanStatement, ...]
    done: Seconds


class Ended(_Event, frozen=True, kw_only=True, tag="ended"):
    lease: str
    how: Literal["ran-out", "returned", "spent"]


class Revoked(_Event, frozen=True, kw_only=True, tag="revoked"):
    lease: str
    by: str
    reason: str


class Denied(_Event, frozen=True, kw_only=True, omit_defaults=True, tag="denied"):
    """Refused by the rule: at an enforcement point, where nobody but the executor is known, or when it was asked for:
    whoever wanted it, or wrote it, is on record with whose hands they would have used. `more` is how many customers it
    was about besides those that are named; not written where there were none."""

    executor: str
    asker: str
    author: str | None
    action: str
    resource: str
    customers: tuple[str, ...]
    why: str
    point: str
    more: int = 0


class Reviewed(_Event, frozen=True, kw_only=True, tag="reviewed"):
    """Somebody else looked at what was done under break-glass."""

    lease: str
    by: str
    outcome: str


class Left(_Event, frozen=True, kw_only=True, tag="left"):
    """A person is gone: `source`, a directory's id or the gate's host, said so. Their keys never count again, and they
    do nothing more until an adopted change names them as returning."""

    person: str
    source: str


Event = (
    Adopted
    | Enrolled
    | KeyRevoked
    | Requested
    | Approved
    | Unapproved
    | Declined
    | Voiced
    | Lapsed
    | Withdrawn
    | Leased
    | Used
    | Ran
    | Ended
    | Revoked
    | Denied
    | Reviewed
    | Left
)

FIRM = "firm_event"
"""The field that holds an event whole."""


def parse_event(value: Json) -> Event:
    """The event of a `firm_event`. Raises `msgspec.ValidationError` for anything else."""
    event: Event = msgspec.convert(value, Event, strict=True)
    return event


def format_event(event: Event) -> dict[str, Json]:
    """The value of `firm_event`, as it would be read back: lists, not tuples. Raises `ValueError` for text that has no
    bytes."""
    written: dict[str, Json] = msgspec.json.decode(msgspec.json.encode(event))
    return written
