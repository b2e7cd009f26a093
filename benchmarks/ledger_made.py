"""Ledgers made for the benchmark, and what it reads back from them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path

from armslength.ledger import FIRM, Record, parse_entry, parse_openings, unseal
from armslength.service import create_ledger, open_ledger
from armslength.store import KeyDatabase, LedgerFolder, LedgerSettings, LogDatabase
from armslength.tlog import Receipt
from benchmarks.ledger_acts import Drawn
from benchmarks.ledger_load import Recorder, saturate

ORIGIN = "ledger.example/benchmark"
ROUND = 4096
"""Acts asked for at once: fewer than may wait in the ledger's queue."""


def make(path: Path, *, witnesses: str = "") -> LedgerFolder:
    """A ledger with the settings that everybody gets."""
    settings = LedgerSettings(origin=ORIGIN)
    return create_ledger(path, settings=settings, witnesses=witnesses, clock=time.time, chance=secrets.token_bytes)


class Ours:
    """The ledger as a recorder."""

    def __init__(self, path: Path) -> None:
        self.ledger = open_ledger(path)

    def append(self, act: Drawn) -> Future[Receipt]:
        return self.ledger.append(act.act())

    def close(self) -> None:
        self.ledger.close()


def fill(recorder: Recorder, acts: Iterable[Drawn]) -> None:
    """Record so many that the queue never overflows."""
    some: list[Drawn] = []
    for act in acts:
        some.append(act)
        if len(some) == ROUND:
            saturate(recorder, some)
            some = []
    saturate(recorder, some)


def read_back(folder: LedgerFolder) -> list[Drawn]:
    """Every act on a customer, from what the stores hold, in the log's order."""
    acts: list[Drawn] = []
    keys = KeyDatabase(folder.keys)
    with LogDatabase(folder.log) as log:
        for index, leaf in enumerate(log.leaves(0, log.state().size)):
            record = parse_entry(leaf)
            if not isinstance(record, Record) or record.customer == FIRM:
                continue  # a map head, or a heartbeat
            kept, box = keys.openings(index, record.commitment), log.payload(index)
            customer = keys.by_handle(record.customer)
            if kept is None or box is None or customer is None:
                raise ValueError(f"entry {index}: what the record says is not there")
            fields = unseal(key=customer.key, wrapped=kept.wrapped, box=box, commitment=record.commitment)
            if {field.label for field in parse_openings(kept.openings)} != fields.keys():
                raise ValueError(f"entry {index}: a field has no opening")
            acts.append(Drawn(id=record.act, kind=record.kind, customer=customer.name, fields=fields))
    keys.close()
    return acts
