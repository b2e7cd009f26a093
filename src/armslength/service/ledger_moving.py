"""A ledger's stores moved to another place: from files into PostgreSQL, so that several gates may share them, or back.

What is copied is checked on the way, as a monitor would: the entries give the root that was signed. The settings name
the new places once everything in them adds up; until then the old ones are the ledger, and afterwards they are what is
to be destroyed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from armslength.ledger import FIRM, Batch, Journal
from armslength.service.ledger_fsck import Progress, check_ledger
from armslength.service.ledger_state import LedgerState
from armslength.service.question import Refusal
from armslength.store import (
    Customer,
    Damaged,
    LedgerFolder,
    LedgerSettings,
    LogBatch,
    LogState,
    LogStore,
    StoreError,
    StorePlace,
    finish_ledger_folder,
    open_keys,
    open_lock,
    open_log,
    read_ledger_folder,
)
from armslength.tlog import Edge, Tiling, TlogError

TOGETHER = 1000
"""Customers that are written in one transaction."""


def move_ledger(path: Path, places: Mapping[str, str], *, progress: Progress | None = None) -> tuple[StorePlace, ...]:
    """Copy the stores of the ledger at `path` that `places` names (`log`, `keys`, `lock`) to where it says, and make it
    the ledger's. Gives where they were: nothing there is touched.

    Nobody else may write it meanwhile. Raises `Refusal` where there is nothing to move, `Damaged` where what was copied
    does not add up, `StoreError` where a new place holds a store already or does not answer; the ledger is then what it
    was.
    """
    old = read_ledger_folder(path)
    new = replace(old, settings=_settled(old.settings, places))
    moved = [name for name in ("log", "keys", "lock") if getattr(new, name) != getattr(old, name)]
    if not moved:
        raise Refusal(["every store is where it is to go: nothing to move"])
    progress = progress or (lambda what, done, total: None)
    state = LedgerState(old, clock=time.time, chance=secrets.token_bytes, step=lambda step: None)
    with closing(state):  # it holds the old lock
        state.load()
        try:
            if "log" in moved:
                _log(old, new, progress)
            if "keys" in moved:
                _keys(old, new)
            if "lock" in moved:
                with closing(open_lock(new, create=True)) as lock:
                    lock.create(old.settings.origin, state.held)
            found = check_ledger(new, progress=progress).findings
        except TlogError as error:
            raise Damaged(f"{old.log}: {error}") from None
        if found:
            raise Damaged(f"{new.log}: {found[0].where}: {found[0].problem}")
        finish_ledger_folder(new)
    return tuple(getattr(old, name) for name in moved)


def _settled(settings: LedgerSettings, places: Mapping[str, str]) -> LedgerSettings:
    return replace(
        settings,
        log=places.get("log", settings.log),
        keys=places.get("keys", settings.keys),
        lock=places.get("lock", settings.lock),
    )


def _log(old: LedgerFolder, new: LedgerFolder, progress: Progress) -> None:
    with open_log(old) as source, source.snapshot(), open_log(new, writing=True, create=True) as target:
        state = source.state()
        target.create(replace(state, edge=Edge.empty(), mapped=0, time=0))
        journal, tiling = Journal(edge=Edge.empty(), chains={}), Tiling()
        for leaves in source.pieces(0, state.size):
            batch = journal.replay(leaves)
            last = batch.size == state.size
            if last and (batch.edge, batch.mapped, batch.time) != (state.edge, state.mapped, state.time):
                raise Damaged(f"{old.log}: the entries do not give the root that was signed")
            target.write(_batch(source, journal.edge, batch, state, tiling, last=last))
            journal.adopt(batch)
            progress("copying", batch.size, state.size)


def _batch(source: LogStore, before: Edge, batch: Batch, state: LogState, tiling: Tiling, *, last: bool) -> LogBatch:
    known = source.acts(list({placed.record.act for placed in batch.records}))
    payloads = ((placed.index, source.payload(placed.index)) for placed in batch.records)
    return LogBatch(
        before=before,
        after=replace(state, edge=batch.edge, mapped=batch.mapped, time=batch.time),
        leaves=batch.leaves,
        records=batch.records,
        acts=tuple((act, first, count) for act, (first, count) in known.items() if first >= batch.first),
        erasures=tuple(each for each in source.erasures(batch.first) if each.index < batch.size),
        payloads=tuple((index, box) for index, box in payloads if box is not None),
        tiles=tuple(tiling.extend(batch.hashes)),
        heads=source.heads() if last else {},
    )


def _keys(old: LedgerFolder, new: LedgerFolder) -> None:
    with closing(open_keys(old)) as source, source.snapshot():
        if source.staged():
            raise StoreError(f"{old.keys}: an erasure is under way; open the ledger once, and move it then")
        firm = source.by_handle(FIRM)
        if firm is None:
            raise Damaged(f"{old.keys}: the firm's own key is missing")
        with closing(open_keys(new, writing=True, create=True)) as target:
            target.create(source.origin(), firm.key)
            some: list[Customer] = []
            for customer in source.customers():
                if customer.handle != FIRM:
                    some.append(customer)
                if len(some) == TOGETHER:
                    target.write(some, (), size=0)
                    some = []
            target.write(some, (), size=0)
            for piece in source.pieces():
                target.write((), piece, size=0)
            # Last: a copy that was cut short is behind the log, and nobody goes on with it.
            target.follow(source.followed())
            target.settle(source.erased())
