"""What a customer reads in their bundle: each record about them, in order. That it is all of it, `verify` shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from armslength.ledger import Disclosed, Kind, Record, parse_bundle, parse_entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One record: what kind of act, and the fields of it that were told."""

    kind: Kind
    fields: Mapping[str, Any]

    def line(self) -> str:
        """As one line, without ids and the evident."""
        roles = ("asker", "executor", "approver", "author")
        who = [f"{role} {self.fields[role]}" for role in roles if role in self.fields]
        what = [str(self.fields[name]) for name in ("action", "resource") if name in self.fields]
        why = [f"“{self.fields['reason']}”"] if "reason" in self.fields else []
        return " · ".join([self.kind.value, *what, *who, *why])


def told(data: bytes) -> tuple[Told, ...]:
    bundle = parse_bundle(data)
    entries = [parse_entry(leaf) for leaf in (*bundle.leaves, *bundle.tail)]
    records = [each for each in entries if isinstance(each, Record) and each.customer == bundle.customer]
    opened = {each.sequence: each.fields for each in bundle.opened}
    return tuple(
        Told(
            kind=record.kind,
            fields={
                field.label: json.loads(field.value)
                for field in opened.get(record.sequence, ())
                if isinstance(field, Disclosed)
            },
        )
        for record in records
    )
