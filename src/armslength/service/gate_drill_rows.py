"""What the host of a gate and the gate itself hand each other through the gate's database: drills and what comes of
them, and transcripts to be put on record.

Each row is sealed with a key that the database does not have, over its name too: whoever administers it can lose one,
and neither make one up nor put one in another's place. One drill at a time is under way. What is lost with a row, the
ledger tells all the same, which holds each step.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from armslength.gate import Tampered
from armslength.store import Ceremony, GateTables, Overtaken
from armslength.tlog import Json, Malformed, canonical, parse_canonical

KIND = "drill"
MAC = 32
FOR_EVER = 10 * 365 * 86_400
"""Seconds for which a row stays that has no end of its own."""


class SealedRows:
    """Rows by their name, which is some words. Within a transaction of the caller's."""

    def __init__(self, row_key: bytes) -> None:
        expand = HKDFExpand(algorithm=SHA256(), length=32, info=b"armslength gate drills")
        self._key = expand.derive(row_key)

    def put(self, tables: GateTables, *name: str, doc: Mapping[str, Json], ends: int) -> bool:
        """Whether it is new; one that is there stays as it is. `ends` in POSIX seconds."""
        try:
            tables.ceremonies.begin(_mark(name), self._ceremony(name, doc, ends))
        except Overtaken:
            return False
        return True

    def replace(self, tables: GateTables, *name: str, doc: Mapping[str, Json], now: int, ends: int) -> None:
        """In the place of whatever is there of this name."""
        self.drop(tables, *name, now=now)
        tables.ceremonies.begin(_mark(name), self._ceremony(name, doc, ends))

    def drop(self, tables: GateTables, *name: str, now: int) -> None:
        tables.ceremonies.take(_mark(name), KIND, now=now)

    def look(self, tables: GateTables, *name: str, now: int) -> dict[str, Json] | None:
        """None: there is none, or it is over. Raises `Tampered` for one that nobody with the key wrote."""
        found = tables.ceremonies.look(_mark(name), KIND, now=now)
        if found is None:
            return None
        body, seal = found.doc[:-MAC], found.doc[-MAC:]
        if not hmac.compare_digest(self._seal(name, body), seal):
            raise Tampered(f"the row of {name[0]} is none that this gate or its host wrote")
        try:
            doc = parse_canonical(body, label="row")
        except Malformed as error:
            raise Tampered(f"the row of {name[0]} cannot be read: {error}") from None
        if not isinstance(doc, dict):
            raise Tampered(f"the row of {name[0]} is no object")
        return doc

    def _ceremony(self, name: tuple[str, ...], doc: Mapping[str, Json], ends: int) -> Ceremony:
        body = canonical(dict(doc), label="row")
        return Ceremony(kind=KIND, person=None, doc=body + self._seal(name, body), ends=ends)

    def _seal(self, name: tuple[str, ...], body: bytes) -> bytes:
        return hmac.digest(
            self._key, b"\0".join(each.encode() for each in (*name, str(len(body)))) + b"\0" + body, sha256
        )


def _mark(name: tuple[str, ...]) -> bytes:
    return sha256("\0".join(("armslength drill", *name)).encode()).digest()
