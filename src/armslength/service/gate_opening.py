"""Opening a gate: its state from the last snapshot and the ledger, and its rows made what the state says.

What the rows lack because a crash came between a record and its row is made good and counted. A row that differs for
no such reason was changed by somebody who had no business to: it is written anew, and a finding says so.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from armslength.gate import Adopted, State, Tampered, posix
from armslength.service.gate_apart import Apart
from armslength.service.gate_book import Book, Step
from armslength.service.gate_change import parts
from armslength.service.gate_failure import Raced, Unfounded
from armslength.service.gate_glass import glass_problems
from armslength.service.gate_notice import NoticeKind, told, told_widely
from armslength.service.gate_office import HOST, Office
from armslength.service.gate_replay import replay
from armslength.service.gate_row import GATE, KINDS, Object, of_lease, row_of
from armslength.service.gate_shared_book import SharedBook
from armslength.service.gate_snapshot import earlier, empty_snapshot, read_snapshot
from armslength.service.gate_verification import Verification
from armslength.service.ledger import Ledger, OpenLedger
from armslength.service.shared_ledger import SharedLedger
from armslength.store import (
    EventJournal,
    GateDatabase,
    GateFolder,
    GateRow,
    GateSnapshot,
    GateTables,
    read_ledger_folder,
)

OLD_NEWS = 86_400
"""Seconds after which what a start finds in the ledger is told to nobody any more: most of it was, long ago."""
SOME = 500
"""Rows written in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What a start found: records taken in since the snapshot, rows that were behind them, and what differed for no
    such reason."""

    replayed: int
    rows: int
    tampered: tuple[str, ...]


def open_ledger_of(
    folder: GateFolder,
    clock: Callable[[], float],
    steady: Callable[[], float] | None,
    chance: Callable[[int], bytes],
) -> OpenLedger:
    """The gate's own ledger, or its share of the one that several gates have. Raises `StoreError`."""
    ledger, site = read_ledger_folder(folder.ledger), folder.settings.site
    if not site:
        return Ledger(ledger, clock=clock, chance=chance)
    return SharedLedger(ledger, site=site, row_key=folder.row_key or b"", clock=clock, steady=steady, chance=chance)


def open_office(
    folder: GateFolder,
    database: GateDatabase,
    ledger: OpenLedger,
    *,
    clock: Callable[[], float],
    steady: Callable[[], float] | None = None,
    chance: Callable[[int], bytes] = secrets.token_bytes,
    step: Step,
) -> tuple[Office, Recovered]:
    """Raises `Unfounded` for a gate that cannot be started, `StoreError`."""
    if ledger.folder.settings.origin != folder.settings.origin:
        raise Unfounded(f"the ledger is that of {ledger.folder.settings.origin!r}; expected {folder.settings.origin!r}")
    if folder.row_key is None or not folder.lease_keys:
        raise Unfounded(f"{folder.path}: its keys were left alone; a gate needs them")
    shared = ledger if isinstance(ledger, SharedLedger) else None
    size = ledger.health().writer.size if shared is None else shared.size()
    kept = read_snapshot(database, folder.row_key, size)
    taken, since = 0, kept.state.position
    verification = Verification(folder)
    apart = None if shared is None else Apart(EventJournal(folder.apart))
    book = _book(
        ledger,
        apart,
        database=database,
        state=kept.state,
        adopted=kept.adopted,
        verify=verification.problem,
        clock=clock,
        steady=steady,
        step=step,
    )
    book.files = kept.files
    book.copies.left_behind(kept.behind)
    for use in kept.uses:
        book.uses.remember(use)

    def take(*args: object) -> object:
        nonlocal taken
        taken += 1
        return book.take_back(*args)  # type: ignore[arg-type]

    until = None if shared is None else shared.following.begin(since)
    try:
        replay(ledger.folder, since, take, until=until)  # type: ignore[arg-type]
    except Tampered as error:
        raise Unfounded(f"the ledger holds what no gate writes: {error}") from error
    book.believe(book.state.time)
    tampered = [] if kept.doubt is None else [kept.doubt]
    mended, differing = _mended(
        book,
        lambda wanted: earlier(kept, ledger.folder, wanted, verification.problem),
        None if kept.text is not None else empty_snapshot(folder.row_key),
    )
    if isinstance(book, SharedBook):
        book.begin(until or 0)
    if book.state.estate is None:
        with suppress(Raced):  # another gate is founded at this moment, on the same
            _adopt_first(folder, book, chance)
    for which, says in differing:
        book.finding(which, says)
        tampered.append(says)
    if kept.doubt is not None:
        book.finding(("snapshot", ""), kept.doubt)
    book.copies.forget_told(before=int(clock()) - OLD_NEWS)
    office = Office(folder, book, chance=chance)
    if apart is not None:
        office.ending.update(apart.ends())
    if problems := list(glass_problems(folder.settings.break_glass, office.decider.estate)):
        raise Unfounded("; ".join(problems))
    office.unsound = verification.unsound(office, since)
    for lease, says in office.unsound.items():
        book.unsound[lease] = f"the lease {lease} does not hold: {says}"
        book.finding(of_lease(lease), book.unsound[lease])
    tampered += book.unsound.values()
    at = int(clock())
    alarms = [told(NoticeKind.ALARM, where, says, at=at) for where, says in book.unsound.items()]
    book.concerned = office.concerned
    for record in book.state.leases.values():
        if record.index >= since and posix(record.terms.end) >= at - OLD_NEWS:
            alarms += told_widely(record, office.concerned, at=at)
    book.copies.write(told=alarms)  # and what replaying tells
    return office, Recovered(replayed=taken, rows=mended, tampered=tuple(tampered))


def _book(ledger: OpenLedger, apart: Apart | None, **given: Any) -> Book:
    if apart is None or not isinstance(ledger, SharedLedger):
        return Book(ledger=ledger, **given)
    return SharedBook(ledger=ledger, apart=apart, **given)


def _mended(
    book: Book, earlier: Callable[[Mapping[Object, int]], Mapping[Object, bytes]], first: GateSnapshot | None
) -> tuple[int, list[tuple[Object, str]]]:
    """Make the rows what the state says; gives how many were behind, and which differed for no reason of ours.
    `earlier` gives what rows said at earlier versions, as far as that can be known; `first` is written with them where
    there is no snapshot."""
    behind = book.copies.behind()
    mended = 0
    differing: list[tuple[Object, str]] = []

    def work(tables: GateTables) -> None:
        nonlocal mended
        mended = 0
        differing.clear()
        wrong: list[GateRow] = []
        late: dict[Object, GateRow] = {}
        for which, row, should in _pairs(tables, book.state):
            if row is not None and should is not None and _same(row, should):
                if row.claim is not None:
                    wrong.append(should)
                continue
            found = 0 if row is None else row.version
            if should is not None and which in behind and min(behind[which]) <= found < should.version:
                mended += 1
                if row is not None:
                    late[which] = row
            else:
                what = "was missing" if row is None else "was not known to the ledger" if should is None else "differed"
                differing.append((which, f"the row of {which[0]} {which[1]} {what}: the ledger says otherwise"))
            if should is None:
                tables.rows.delete(which[0], [which[1]])
            else:
                wrong.append(should)
        was = earlier({which: row.version for which, row in late.items()}) if late else {}
        for which, row in late.items():
            if was.get(which, row.doc) != row.doc:
                mended -= 1
                differing.append((which, f"the row of {which[0]} {which[1]} differed: the ledger says otherwise"))
        if first is not None:
            tables.snapshots.write(first)
        for start in range(0, len(wrong), SOME):
            tables.rows.put_many(wrong[start : start + SOME])

    book.copies.change(work)
    book.copies.written()
    return mended, differing


def _pairs(tables: GateTables, state: State) -> Iterator[tuple[Object, GateRow | None, GateRow | None]]:
    """Each object with its row as it is and as it must be."""
    seen: set[Object] = set()
    for kind in KINDS:
        for row in list(tables.rows.all(kind)):
            which: Object = (kind, row.id)
            seen.add(which)
            yield which, row, row_of(state, which)
    for which in state.objects():
        if which not in seen:
            yield which, None, row_of(state, which)


def _same(row: GateRow, should: GateRow) -> bool:
    return (row.version, row.doc, row.columns) == (should.version, should.doc, should.columns)


def _adopt_first(folder: GateFolder, book: Book, chance: Callable[[int], bytes]) -> None:
    """A new gate: the estate that its folder was made with holds from here on."""
    kept = folder.estates.all()
    if len(kept) != 1:
        raise Unfounded(f"{folder.path}: no estate was adopted yet, and {len(kept)} are there; expected one")
    event = Adopted(
        at=posix(book.now()),
        before=None,
        after=kept[0],
        what=parts({}, folder.estates.files(kept[0])),
        request=None,
        by=HOST,
        files=folder.estates.kept(kept[0])[1],
    )
    with book.holding(GATE):
        book.record(event, act=chance(16))
