"""A record: what one act on one customer leaves in the log. Its leaf holds no personal data and no free text.

The bytes are RFC 8785 JSON with a fixed set of members, so each record has one spelling and each spelling is one record
(docs/formats/record.md). What a record says lies sealed elsewhere; the leaf holds a commitment to it.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from enum import StrEnum

from armslength.ledger.minute import LAST, SECONDS, format_minute, parse_minute
from armslength.tlog import Malformed

FIRM = bytes(32)
"""The handle that stands for the firm itself; no customer has it."""
NO_RECORD = bytes(32)
"""`previous` of a customer's first record."""
LAST_SEQUENCE = 2**53 - 1
"""The largest integer that every reader of JSON takes for what it is (RFC 7493, section 2.2)."""


class Kind(StrEnum):
    """What sort of act a record tells of."""

    REQUEST = "request"
    APPROVAL = "approval"
    REFUSAL = "refusal"
    LEASE = "lease"
    USE = "use"
    LEASE_END = "lease-end"
    REVOCATION = "revocation"
    POLICY_CHANGE = "policy-change"
    ESTATE_CHANGE = "estate-change"
    PEOPLE_CHANGE = "people-change"
    DEMAND = "demand"
    DEMAND_DECISION = "demand-decision"
    FINDING = "finding"
    DISPOSITION = "disposition"
    ERASURE = "erasure"
    KEY_CHANGE = "key-change"
    HEARTBEAT = "heartbeat"


_KINDS = {kind.value.encode("ascii"): kind for kind in Kind}

_32 = rb"([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])"
_16 = rb"([A-Za-z0-9_-]{21}[AQgw])"
_LEAF = re.compile(
    rb'\{"act":"' + _16 + rb'","commitment":"' + _32 + rb'","customer":"' + _32 + rb'","kind":"([a-z-]+)"'
    rb',"previous":"' + _32 + rb'","sequence":(0|[1-9][0-9]{0,15}),"time":"([0-9T:Z-]{17})","version":1\}'
)  # fmt: skip
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One leaf. An act on several customers is one record for each of them, joined by `act`.

    `customer` is the handle (32 bytes), `sequence` the number of the customer's records before this one, `previous` the
    RFC 6962 leaf hash of the last of those (`NO_RECORD` if there is none), `time` POSIX seconds of a whole minute,
    `commitment` the fold of the fields' commitments (32 bytes), `act` 16 bytes of chance.
    """

    kind: Kind
    customer: bytes
    sequence: int
    previous: bytes
    time: int
    commitment: bytes
    act: bytes

    def __post_init__(self) -> None:
        """Raises `Malformed` for a value that no leaf can hold."""
        if not (len(self.customer) == len(self.previous) == len(self.commitment) == 32 and len(self.act) == 16):
            raise Malformed("a record has a customer, previous and commitment of 32 bytes and an act of 16 bytes")
        if not 0 <= self.sequence <= LAST_SEQUENCE:
            raise Malformed(f"the sequence number {self.sequence} is not between 0 and 2^53 - 1")
        if self.time % SECONDS or not 0 <= self.time <= LAST:
            format_minute(self.time)  # says what is wrong with it

    def leaf(self) -> bytes:
        """The entry of the main log and of the customer's own: the same bytes in both."""
        # One pass over all four: a zero byte after 32 makes them end on a group of three, and spells "A".
        raw = b"%b\0%b\0%b\0%b" % (self.commitment, self.customer, self.previous, self.act)
        text = binascii.b2a_base64(raw, newline=False).translate(_TO_URL).decode("ascii")
        return (
            f'{{"act":"{text[132:154]}","commitment":"{text[:43]}","customer":"{text[44:87]}","kind":"{self.kind.value}"'
            f',"previous":"{text[88:131]}","sequence":{self.sequence},"time":"{format_minute(self.time)}","version":1}}'
        ).encode("ascii")


def parse_record(leaf: bytes) -> Record:
    """The record whose leaf this is, to the byte. Raises `Malformed`."""
    found = _LEAF.fullmatch(leaf)
    if found is None:
        raise Malformed(f"not the leaf of a record, version 1: {_shown(leaf)}")
    act, commitment, customer, kind, previous, sequence, time = found.groups()
    if kind not in _KINDS:
        raise Malformed(f'unknown kind "{kind.decode("ascii")}", expected one of {", ".join(Kind)}')
    raw = binascii.a2b_base64((b"%bA%bA%bA%b==" % (commitment, customer, previous, act)).translate(_FROM_URL))
    return Record(
        kind=_KINDS[kind],
        customer=raw[33:65],
        sequence=int(sequence),
        previous=raw[66:98],
        time=parse_minute(time.decode("ascii")),
        commitment=raw[:32],
        act=raw[99:],
    )


def _shown(leaf: bytes) -> str:
    return f'"{leaf[:120].decode("utf-8", "backslashreplace")}{"…" if len(leaf) > 120 else ""}"'
