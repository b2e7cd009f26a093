"""What an erasure record erases: the field `scope` of it, and which missing fields it excuses.

An erasure record stands in the customer's own log, is sealed under the firm's key, is never erased and holds no
personal data. A field that is missing and that no erasure record excuses was withheld. docs/formats/commitment.md gives
the JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from armslength.ledger.commitment import check_label
from armslength.ledger.record import LAST_SEQUENCE, Kind, Record
from armslength.tlog import Json, Malformed

SCOPE = "scope"
"""The field of an erasure record that says what it erases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """All that the customer's earlier records held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Some of the customer's records, by sequence number in ascending order, each with the labels of the fields erased,
    in ascending order, or None for all of its fields."""

    records: tuple[tuple[int, tuple[str, ...] | None], ...]

    def __post_init__(self) -> None:
        """Raises `Malformed`."""
        if not self.records:
            raise Malformed("an erasure of no records")
        before = -1
        for sequence, labels in self.records:
            if not before < sequence <= LAST_SEQUENCE:
                raise Malformed(f"an erasure names the record {sequence} after {before}, expected ascending numbers")
            before = sequence
            if labels is not None:
                if not labels or list(labels) != sorted(set(labels)):
                    raise Malformed(f"the labels erased of record {sequence} are not ascending, one at least")
                for label in labels:
                    check_label(label)


Scope: TypeAlias = Everything | Records


def format_scope(scope: Scope) -> Json:
    """The JSON value of the field `scope`."""
    match scope:
        case Everything():
            return "everything"
        case Records(records=records):
            return [
                {"sequence": sequence} if labels is None else {"labels": list(labels), "sequence": sequence}
                for sequence, labels in records
            ]


def parse_scope(value: Json) -> Scope:
    """Raises `Malformed` for what `format_scope` would not have written."""
    if value == "everything":
        return Everything()
    if not isinstance(value, list):
        raise Malformed('the scope of an erasure is neither "everything" nor a list of records')
    return Records(records=tuple(_parse_record(item) for item in value))


def excuses(erasure: Record, scope: Scope, record: Record, label: str) -> bool:
    """Whether `erasure`, an erasure record with this scope, accounts for the missing field of `record`.

    It does so only for an earlier record of the same customer, and never for another erasure record.
    """
    if erasure.kind is not Kind.ERASURE or record.kind is Kind.ERASURE:
        return False
    if erasure.customer != record.customer or erasure.sequence <= record.sequence:
        return False
    match scope:
        case Everything():
            return True
        case Records(records=records):
            return any(n == record.sequence and (labels is None or label in labels) for n, labels in records)


def _parse_record(item: Json) -> tuple[int, tuple[str, ...] | None]:
    if isinstance(item, Mapping) and set(item) <= {"labels", "sequence"}:
        sequence, labels = item.get("sequence"), item.get("labels")
        if type(sequence) is int:
            if "labels" not in item:
                return sequence, None
            if isinstance(labels, list) and all(isinstance(label, str) for label in labels):
                return sequence, tuple(str(label) for label in labels)
    raise Malformed(
        'a record in the scope of an erasure is {"sequence": N}, with "labels": [...] if only fields are erased'
    )
