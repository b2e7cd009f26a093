"""An act to be recorded: what a caller asks the ledger to keep."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field

from armslength.ledger import SCOPE, Json, Kind, Records, Scope, canonical, check_label, parse_canonical, parse_scope
from armslength.tlog import Malformed

ACT_SIZE = 16
MOST_CUSTOMERS = 1000
MOST_FIELDS = 1000
MOST_BYTES = 1 << 20
"""Of all values together, in canonical form."""
LONGEST_NAME = 1024
REASON = "reason"
"""The field of an erasure record that says why, as a short code: it is never erased itself, so it must name nobody."""

_CODE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act, recorded in the log of each customer it concerns, or in the firm's own if it concerns none.

    `id` is 16 random bytes that the caller draws once and keeps: asking again with the same id is the same act,
    whatever became of the first try. `fields` are taken as they are now, into `values`, their canonical bytes by
    label. `customers` are the firm's names for them; the log itself holds only handles.
    """

    id: bytes
    kind: Kind
    fields: InitVar[Mapping[str, Json]]
    customers: tuple[str, ...] = ()
    values: Mapping[str, bytes] = field(init=False, repr=False)

    def __post_init__(self, fields: Mapping[str, Json]) -> None:
        """Raises `Malformed` with every problem."""
        problems = [*self._shape(), *self._names()]
        values, wrong = _values(fields)
        object.__setattr__(self, "values", values)
        problems += wrong
        if self.kind is Kind.ERASURE and not wrong:
            problems += self._erasure()
        if problems:
            raise Malformed("; ".join(problems))

    @property
    def scope(self) -> Scope:
        """What an erasure erases. Raises `Malformed`."""
        return parse_scope(parse_canonical(self.values.get(SCOPE, b"null"), label=SCOPE))

    def _shape(self) -> list[str]:
        problems = []
        if not isinstance(self.id, bytes) or len(self.id) != ACT_SIZE:
            problems.append(f"an act id of {len(self.id)} bytes, expected {ACT_SIZE} bytes")
        if not isinstance(self.kind, Kind):
            problems.append(f"a kind {self.kind!r}, expected a Kind")
        return problems

    def _names(self) -> list[str]:
        problems = []
        if len(self.customers) > MOST_CUSTOMERS:
            problems.append(
                f"an act on {len(self.customers)} customers, expected at most {MOST_CUSTOMERS}: record it as several"
            )
        for name in self.customers:
            if not name or name != name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
                problems.append(f"a customer named {name[:40]!r}, expected 1 to {LONGEST_NAME} printable characters")
            elif not unicodedata.is_normalized("NFC", name):
                # Two spellings of one name would be two customers, each of whom is shown half.
                problems.append(f"a customer named {name[:40]!r}, expected the name in Unicode's form NFC")
        if len(set(self.customers)) != len(self.customers):
            problems.append("a customer is named twice")
        return problems

    def _erasure(self) -> list[str]:
        problems = []
        if len(self.customers) > 1:
            problems.append("an erasure of several customers, expected one: each has its own")
        unknown = sorted(self.values.keys() - {SCOPE, REASON})
        if unknown:
            problems.append(f"an erasure with the fields {', '.join(unknown)}, expected {SCOPE} and {REASON} only")
        reason = parse_canonical(self.values.get(REASON, b'""'), label=REASON)
        if REASON in self.values and not (isinstance(reason, str) and _CODE.fullmatch(reason)):
            problems.append(f"the {REASON} {reason!r} of an erasure, expected a short code such as gdpr-17")
        try:
            scope = self.scope
        except Malformed as error:
            return [*problems, str(error)]
        if not self.customers and not isinstance(scope, Records):
            problems.append(
                "an erasure of everything of the firm itself, expected single records: its key opens the erasures"
            )
        return problems


def _values(fields: Mapping[str, Json]) -> tuple[dict[str, bytes], list[str]]:
    """Canonical bytes by label, in ascending order, and what is wrong with the fields."""
    if not fields:
        return {}, ["an act has no fields, expected at least one"]
    if len(fields) > MOST_FIELDS:
        return {}, [f"an act has {len(fields)} fields, expected at most {MOST_FIELDS}"]
    values: dict[str, bytes] = {}
    problems: list[str] = []
    for label in sorted(fields, key=str):
        try:
            check_label(label)
            values[label] = canonical(fields[label], label=label)
        except Malformed as error:
            problems.append(str(error))
    size = sum(map(len, values.values()))
    if size > MOST_BYTES:
        problems.append(f"the values of an act take {size} bytes, expected at most {MOST_BYTES}")
    return values, problems
