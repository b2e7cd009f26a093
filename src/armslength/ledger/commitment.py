"""Commitments to a record's fields: each binds one value under one label and, without its opening, says nothing of it.

The leaf holds the fold of them, so a field can be disclosed without the others and erased without the others.
docs/formats/commitment.md gives the bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TypeAlias

from armslength.tlog import Malformed

Opening: TypeAlias = bytes
"""32 bytes of chance. Whoever has it can test a guess at the value; once it is destroyed nobody can."""

OPENING_SIZE = 32
KEY = hashlib.sha256(b"armslength/commitment/v1").digest()
"""Fixed and public: it sets these commitments apart from every other use of HMAC; secrecy comes from the opening."""
FOLD = b"armslength/fields/v1\0"
LABEL = re.compile(r"[a-z][a-z0-9_]{0,63}")

# HMAC's two hashes with the key already in (RFC 2104): a copy of each is 2.5 times as fast as hmac.digest.
INNER = hashlib.sha256(bytes(byte ^ 0x36 for byte in KEY.ljust(64, b"\0")))
OUTER = hashlib.sha256(bytes(byte ^ 0x5C for byte in KEY.ljust(64, b"\0")))
OPENING_LENGTH = OPENING_SIZE.to_bytes(4, "big")


def check_label(label: str) -> None:
    """Raises `Malformed` for what cannot be a field's label."""
    if not LABEL.fullmatch(label):
        raise Malformed(f'"{label[:80]}" is no label of a field: expected [a-z][a-z0-9_]*, at most 64 characters')


def commit(opening: Opening, label: str, value: bytes) -> bytes:
    """The commitment to a value's canonical bytes under a label, 32 bytes. Raises `Malformed`."""
    check_label(label)
    if len(opening) != OPENING_SIZE:
        raise Malformed(f'the opening of the field "{label}" has {len(opening)} bytes, expected {OPENING_SIZE}')
    named = label.encode("ascii")
    inner = INNER.copy()
    inner.update(
        b"%b%b%b%b%b%b"
        % (OPENING_LENGTH, opening, len(named).to_bytes(4, "big"), named, len(value).to_bytes(4, "big"), value)
    )
    outer = OUTER.copy()
    outer.update(inner.digest())
    return outer.digest()


def fold(fields: Sequence[tuple[str, bytes]]) -> bytes:
    """What the leaf holds: a hash over (label, commitment) of each field, labels ascending. Raises `Malformed`.

    It binds the labels too, or the label of a field that is not shown would be its maker's word: one that was withheld
    could be passed off under a label that an erasure covers.
    """
    parts = [FOLD, len(fields).to_bytes(4, "big")]
    for label, commitment in fields:
        if len(commitment) != 32:
            raise Malformed("a field's commitment has 32 bytes")
        named = label.encode("ascii")
        parts += (len(named).to_bytes(1, "big"), named, commitment)
    return hashlib.sha256(b"".join(parts)).digest()
