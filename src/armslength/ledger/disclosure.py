"""That what is told of the records is what their leaves were made from, and that what is said to be erased was erased.

A commitment binds each value to its label and its record. What a closed field holds is not to be known; that it is
there, is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from armslength.ledger.bundle import Bundle, Disclosed, Erased, Opened, OpenedField, Withheld
from armslength.ledger.check import Check, CheckName, counted
from armslength.ledger.commitment import fold
from armslength.ledger.commitment_list import Committing
from armslength.ledger.completeness import Shown
from armslength.ledger.erasure import SCOPE, Everything, Records, Scope, excuses, parse_scope
from armslength.ledger.record import Kind, Record
from armslength.tlog import Malformed, parse_canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """What was told: how many fields are `disclosed`, `withheld` and `erased` in records that match, and of how many
    records nothing is told (`closed`), `closed_erased` of them covered whole by an erasure."""

    openings: Check
    erasures: Check
    disclosed: int
    withheld: int
    erased: int
    closed: int
    closed_erased: int


def check_disclosure(bundle: Bundle, shown: Shown) -> Disclosure:
    committing = Committing()
    faults: list[str] = []
    matched: list[tuple[Record, Opened]] = []
    disclosed = withheld = erased = 0
    for opened in bundle.opened:
        record = shown.records[opened.sequence] if opened.sequence < len(shown.records) else None
        if record is None:
            faults.append(f"something is told of record {opened.sequence}, which is not among yours")
            continue
        if fold(_commitments(committing, opened.fields)) != record.commitment:
            faults.append(f"what is told of record {opened.sequence} is not what was recorded")
            continue
        matched.append((record, opened))
        for field in opened.fields:
            match field:
                case Disclosed():
                    disclosed += 1
                case Withheld():
                    withheld += 1
                case Erased():
                    erased += 1
    told = "nothing is told of any record"
    if matched:
        told = f"{counted(disclosed, 'field')} of {counted(len(matched), 'record')} told, exactly as recorded"
    index = _Erasures(matched)
    erasure_faults = index.faults + _unexcused(index, matched)
    told_erased = "no field is said to be erased"
    if erased:
        told_erased = f"{counted(erased, 'field')} erased, covered by an erasure among your records"
    told_of = {opened.sequence for opened in bundle.opened}
    closed = [record for place, record in enumerate(shown.records) if place not in told_of]
    return Disclosure(
        openings=Check.of(CheckName.OPENINGS, faults, told),
        erasures=Check.of(CheckName.ERASURES, erasure_faults, told_erased),
        disclosed=disclosed,
        withheld=withheld,
        erased=erased,
        closed=len(closed),
        closed_erased=sum(record is not None and index.whole(record) for record in closed),
    )


def _commitments(committing: Committing, fields: Sequence[OpenedField]) -> list[tuple[str, bytes]]:
    """Label and commitment of a record's fields, in their order: computed where a field is disclosed, else as given."""
    made = iter(committing.commitments(field for field in fields if isinstance(field, Disclosed)))
    return [(field.label, next(made) if isinstance(field, Disclosed) else field.commitment) for field in fields]


class _Erasures:
    """The erasure records whose scope is told, found by the record they cover: a bundle may hold many of both."""

    def __init__(self, matched: Sequence[tuple[Record, Opened]]) -> None:
        self.faults: list[str] = []
        self._everything: list[Record] = []
        self._records: dict[int, list[tuple[Record, Scope]]] = {}
        for record, opened in matched:
            if record.kind is Kind.ERASURE:
                for field in opened.fields:
                    if isinstance(field, Disclosed) and field.label == SCOPE:
                        self._take(record, field.value)

    def _take(self, record: Record, value: bytes) -> None:
        try:
            scope = parse_scope(parse_canonical(value, label=SCOPE))
        except Malformed as error:
            self.faults.append(f"the erasure in record {record.sequence} says no scope: {error}")
            return
        match scope:
            case Everything():
                self._everything.append(record)
            case Records(records=records):
                for sequence, labels in records:
                    part = Records(records=((sequence, labels),))
                    self._records.setdefault(sequence, []).append((record, part))

    def excuse(self, record: Record, label: str) -> bool:
        # Of the erasures of everything the last one covers what any does.
        candidates = [(erasure, Everything()) for erasure in self._everything[-1:]]
        return any(
            excuses(erasure, scope, record, label)
            for erasure, scope in (*candidates, *self._records.get(record.sequence, ()))
        )

    def whole(self, record: Record) -> bool:
        """Whether an erasure covers every field, whatever its label."""
        if any(erasure.sequence > record.sequence for erasure in self._everything[-1:]):
            return record.kind is not Kind.ERASURE
        return any(
            labels is None and excuses(erasure, scope, record, SCOPE)
            for erasure, scope in self._records.get(record.sequence, ())
            if isinstance(scope, Records)
            for _, labels in scope.records
        )


def _unexcused(index: _Erasures, matched: Sequence[tuple[Record, Opened]]) -> list[str]:
    return [
        f'the field "{field.label}" of record {opened.sequence} is said to be erased, and no erasure of yours covers it'
        for record, opened in matched
        for field in opened.fields
        if isinstance(field, Erased) and not index.excuse(record, field.label)
    ]
