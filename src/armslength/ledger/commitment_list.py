"""The commitments to many fields at once, as `commit` makes them one at a time: a bundle discloses a million of them.

Labels and openings are taken as `parse_bundle` has checked them.
"""

from __future__ import annotations

from collections.abc import Iterable

from armslength.ledger.commitment import INNER, OPENING_LENGTH, OUTER


class Committing:
    """Remembers the part of the message that fields of one label share."""

    def __init__(self) -> None:
        self._labels: dict[str, bytes] = {}

    def commitments(self, fields: Iterable[tuple[str, bytes, bytes]]) -> list[bytes]:
        """The commitment to each (label, opening, canonical value)."""
        labels = self._labels
        made = []
        for label, opening, value in fields:
            named = labels.get(label)
            if named is None:
                named = labels[label] = len(label).to_bytes(4, "big") + label.encode("ascii")
            inner = INNER.copy()
            inner.update(b"%b%b%b%b%b" % (OPENING_LENGTH, opening, named, len(value).to_bytes(4, "big"), value))
            outer = OUTER.copy()
            outer.update(inner.digest())
            made.append(outer.digest())
        return made
