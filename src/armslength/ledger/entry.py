"""An entry of the main log: a record, or a map head. There is nothing else in it."""

from __future__ import annotations

from armslength.ledger.map_head import MapHead, parse_map_head
from armslength.ledger.record import Record, parse_record

Entry = Record | MapHead


def parse_entry(leaf: bytes) -> Entry:
    """What the entry says. Raises `Malformed` for anything but the one spelling of either."""
    # A record's first member is "act", a map head's "customers": RFC 8785 sorts them.
    return parse_map_head(leaf) if leaf.startswith(b'{"customers"') else parse_record(leaf)
