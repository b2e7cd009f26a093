"""What some entries of a log, with their places, show to be wrong with it, whatever the entries that are not shown.

A log's record that is missing shows only where every entry between two of its customer is there; a map head that is
wrong only where every entry before it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from armslength.ledger.audit import Audit, AuditState, Problem, Rule
from armslength.ledger.entry import Entry, parse_entry
from armslength.ledger.map_head import MapHead
from armslength.ledger.minute import format_minute
from armslength.ledger.record import NO_RECORD, Record
from armslength.ledger.run import Run
from armslength.tlog import Malformed, format_base64url, leaf_hash


def breaches(runs: Sequence[Run]) -> tuple[Problem, ...]:
    """Every problem that these runs of one log show, in the order of the entries."""
    found: list[Problem] = []
    judge = _Judge(found)
    for run in sorted(runs, key=lambda run: run.first):
        if run.first == 0:
            found += Audit(AuditState.empty()).extend(run.entries).problems
        for place, leaf in enumerate(run.entries):
            judge.take(run, run.first + place, leaf)
    once = {(problem.index, problem.rule): problem for problem in reversed(found)}
    return tuple(once[key] for key in sorted(once))


class _Judge:
    """Goes over the entries that are shown, and remembers the last time and each customer's last record."""

    def __init__(self, found: list[Problem]) -> None:
        self._found = found
        self._time: tuple[int, int] | None = None
        self._last: dict[bytes, tuple[Run, int, Record, bytes]] = {}

    def take(self, run: Run, index: int, leaf: bytes) -> None:
        try:
            entry: Entry = parse_entry(leaf)
        except Malformed as error:
            self._find(index, Rule.FORM, f"neither a record nor a map head: {error}")
            return
        if self._time is not None and entry.time < self._time[1]:
            before = f"that of entry {self._time[0]}, {format_minute(self._time[1])}"
            self._find(index, Rule.TIME, f"its time {format_minute(entry.time)} is before {before}")
        self._time = index, entry.time
        if isinstance(entry, MapHead):
            if entry.size != index:
                self._find(index, Rule.MAP, f"a map head that says it covers {entry.size} entries, expected {index}")
            return
        if words := self._chain(run, index, entry):
            self._find(index, Rule.CHAIN, f"customer {format_base64url(entry.customer)}: {words}")
        self._last[entry.customer] = run, index, entry, leaf_hash(leaf)

    def _chain(self, run: Run, index: int, record: Record) -> str | None:
        if (record.sequence == 0) != (record.previous == NO_RECORD):
            return f"record {record.sequence} names a previous one wrongly: only the first has none"
        last = self._last.get(record.customer)
        if last is None:
            return None
        before_run, at, before, hashed = last
        if record.sequence <= before.sequence:
            return f"record {record.sequence} comes after record {before.sequence}, which is entry {at}"
        if record.sequence == before.sequence + 1:
            if record.previous != hashed:
                return f"record {record.sequence} does not follow on record {before.sequence}, which is entry {at}"
            return None
        if before_run is run:
            return f"record {record.sequence} comes after record {before.sequence}, entry {at}: some are missing"
        return None

    def _find(self, index: int, rule: Rule, words: str) -> None:
        self._found.append(Problem(index=index, rule=rule, words=words))
