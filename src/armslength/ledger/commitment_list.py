"""The commitments to many fields at once, as `commit` makes them one at a time: a bundle discloses a million of them.

Labels and openings are taken as `parse_bundle` has checked them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from armslength.ledger.commitment import KEY, OPENING_SIZE

_INNER = hashlib.sha256(bytes(byte ^ 0x36 for byte in KEY.ljust(64, b"\0")))
_OUTER = hashlib.sha256(bytes(byte ^ 0x5C for byte in KEY.ljust(64, b"\0")))
_OPENING_LENGTH = OPENING_SIZE.to_bytes(4, "big")


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
            inner = _INNER.copy()
            inner.update(b"%b%b%b%b%b" % (_OPENING_LENGTH, opening, named, len(value).to_bytes(4, "big"), value))
            outer = _OUTER.copy()
            outer.update(inner.digest())
            made.append(outer.digest())
        return made
