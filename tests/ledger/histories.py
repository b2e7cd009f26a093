"""Leaves of whole logs, placed by the journal itself, for what reads logs back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import count

from armslength.ledger import Draft, Journal, Kind
from armslength.tlog import Edge

START = 1_795_628_040
"""A minute in November 2026."""


def history(batches: Sequence[Sequence[int]], *, heads: bool = True, name: str = "", start: int = START) -> list[bytes]:
    """The entries of a log: for each batch a record of each customer in it, by number, and then a map head; a minute
    for each batch, from `start` on."""
    journal = Journal(edge=Edge.empty(), chains={})
    numbers = count()
    leaves: list[bytes] = []
    for minute, batch in enumerate(batches):
        drafts = []
        for customer in batch:
            chance = hashlib.sha512(f"{name} {next(numbers)}".encode()).digest()
            handle = hashlib.sha256(f"customer {customer}".encode()).digest()
            drafts.append(Draft(act=chance[:16], kind=Kind.USE, customer=handle, commitment=chance[32:]))
        placed = journal.place(drafts, now=start + 60 * minute, map_head=heads)
        journal.adopt(placed)
        leaves += placed.leaves
    return leaves
