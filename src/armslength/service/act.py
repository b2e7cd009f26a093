"""An act to be recorded: what a caller asks the ledger to keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from armslength.ledger import Json, Kind, Records, check_label, parse_scope
from armslength.tlog import Malformed

ACT_SIZE = 16
MOST_CUSTOMERS = 1000
LONGEST_NAME = 1024
SCOPE = "scope"
"""The field of an erasure record that says what it erases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act, recorded in the log of each customer it concerns, or in the firm's own if it concerns none.

    `id` is 16 random bytes that the caller draws once and keeps: asking again with the same id is the same act,
    whatever became of the first try. `customers` are the firm's names for them; the log itself holds only handles.
    """

    id: bytes
    kind: Kind
    fields: Mapping[str, Json]
    customers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises `Malformed` with every problem."""
        problems: list[str] = []
        if len(self.id) != ACT_SIZE:
            problems.append(f"an act id has {len(self.id)} bytes, expected {ACT_SIZE}")
        if not self.fields:
            problems.append("an act has no fields, expected at least one")
        for label in self.fields:
            try:
                check_label(label)
            except Malformed as error:
                problems.append(str(error))
        if len(self.customers) > MOST_CUSTOMERS:
            problems.append(
                f"an act on {len(self.customers)} customers, expected at most {MOST_CUSTOMERS}: record it as several"
            )
        for name in self.customers:
            if not name or name != name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
                problems.append(f"a customer named {name[:40]!r}, expected 1 to {LONGEST_NAME} printable characters")
        if len(set(self.customers)) != len(self.customers):
            problems.append("a customer is named twice")
        if self.kind is Kind.ERASURE:
            problems += self._erasure()
        if problems:
            raise Malformed("; ".join(problems))

    def _erasure(self) -> list[str]:
        problems = []
        if len(self.customers) > 1:
            problems.append("an erasure of several customers, expected one: each has its own")
        try:
            scope = parse_scope(self.fields.get(SCOPE))
        except Malformed as error:
            return [*problems, str(error)]
        if not self.customers and not isinstance(scope, Records):
            problems.append(
                "an erasure of everything of the firm itself, expected single records: its key opens the erasures"
            )
        return problems
