"""What a customer keeps from one verification, to hold the log to it at the next: docs/formats/bundle.md.

It is the customer's own file: made only from a bundle of which everything verified, and not asked for signatures again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from armslength.ledger.document_reading import NotReadable, Reading
from armslength.ledger.strict_json import read_json
from armslength.tlog import Checkpoint, Malformed, Note, format_base64url

FORMAT = "armslength.saved/v1"
MOST_BYTES = 4_000_000
"""Bytes of the file: a note of the longest sort, with room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The customer then had `records` records, whose tree had `root`, in the log of `checkpoint`."""

    origin: str
    customer: bytes
    note: Note
    checkpoint: Checkpoint
    records: int
    root: bytes


def format_saved(saved: Saved) -> str:
    return (
        json.dumps(
            {
                "format": FORMAT,
                "origin": saved.origin,
                "customer": format_base64url(saved.customer),
                "checkpoint": saved.note.format(),
                "records": saved.records,
                "root": format_base64url(saved.root),
            },
            ensure_ascii=False,
            indent=1,
        )
        + "\n"
    )


def parse_saved(data: bytes) -> Saved:
    """Raises `NotReadable` with every problem."""
    try:
        document = read_json(data, most=MOST_BYTES)
    except Malformed as error:
        raise NotReadable(str(error).splitlines()) from None
    reading = Reading()
    given = reading.members(document, "the file", {"format", "origin", "customer", "checkpoint", "records", "root"})
    if given is None:
        raise NotReadable(reading.told())
    reading.form(given["format"], FORMAT)
    origin = reading.text(given["origin"], "origin")
    customer = reading.bytes32(given["customer"], "customer")
    signed = reading.note(given["checkpoint"], "checkpoint")
    records = reading.whole(given["records"], "records")
    root = reading.bytes32(given["root"], "root")
    if reading.problems or origin is None or customer is None or signed is None or records is None or root is None:
        raise NotReadable(reading.told())
    return Saved(origin=origin, customer=customer, note=signed[0], checkpoint=signed[1], records=records, root=root)
