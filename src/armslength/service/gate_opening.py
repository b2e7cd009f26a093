"""Opening a gate: its state from the last snapshot and the ledger, and its rows made what the state says.

What the rows lack because a crash came between a record and its row is made good and counted. A row that differs for
no such reason was changed by somebody who had no business to: it is written anew, and a finding says so.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from armslength.gate import Adopted, State, Tampered, posix
from armslength.service.gate_book import Book, Step
from armslength.service.gate_change import parts
from armslength.service.gate_failure import Unfounded
from armslength.service.gate_office import HOST, Office
from armslength.service.gate_replay import replay
from armslength.service.gate_row import GATE, KINDS, Object, row_of
from armslength.service.ledger import Ledger
from armslength.store import GateDatabase, GateFolder, GateRow, GateSnapshot, GateTables, read_ledger_folder
from armslength.tlog import Json, Malformed, canonical, parse_canonical

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


def open_ledger_of(folder: GateFolder, clock: Callable[[], float], chance: Callable[[int], bytes]) -> Ledger:
    """The gate's own ledger, for writing. Raises `StoreError`."""
    return Ledger(read_ledger_folder(folder.ledger), clock=clock, chance=chance)


def open_office(
    folder: GateFolder,
    database: GateDatabase,
    ledger: Ledger,
    *,
    clock: Callable[[], float],
    chance: Callable[[int], bytes] = secrets.token_bytes,
    step: Step,
) -> tuple[Office, Recovered]:
    """Raises `Unfounded` for a gate that cannot be started, `StoreError`."""
    if ledger.folder.settings.origin != folder.settings.origin:
        raise Unfounded(f"the ledger is that of {ledger.folder.settings.origin!r}; expected {folder.settings.origin!r}")
    if folder.row_key is None or not folder.lease_keys:
        raise Unfounded(f"{folder.path}: its keys were left alone; a gate needs them")
    size = ledger.health().writer.size
    state, adopted, genuine = _snapshot(database, folder.row_key, size)
    taken = 0
    book = Book(database=database, ledger=ledger, state=state, adopted=adopted, clock=clock, step=step)

    def take(*args: object) -> object:
        nonlocal taken
        taken += 1
        return book.take(*args)  # type: ignore[arg-type]

    try:
        replay(ledger.folder, state.position, take)  # type: ignore[arg-type]
    except Tampered as error:
        raise Unfounded(f"the ledger holds what no gate writes: {error}") from error
    book.believe(state.time)
    tampered = [] if genuine else ["the snapshot of the state is not one that the gate wrote"]
    mended, differing = _mended(book)
    if state.estate is None:
        _adopt_first(folder, book, chance)
    for which, says in differing:
        book.finding(which, says)
        tampered.append(says)
    if not genuine:
        book.finding(("snapshot", ""), tampered[0])
    book.copies.forget_told(before=int(clock()) - OLD_NEWS)
    book.copies.write()  # what replaying tells
    return Office(folder, book, chance=chance), Recovered(replayed=taken, rows=mended, tampered=tuple(tampered))


def write_snapshot(office: Office) -> None:
    """Keep the state as it is now. Raises `Unavailable`."""
    book = office.book
    with book.still() as state:
        snapshot, position = state.snapshot(), state.position
    text = canonical({"adopted": book.adopted, "state": snapshot()}, label="snapshot")
    made = GateSnapshot(position=position, mac=_mac(office.folder.row_key or b"", position, text), state=text)
    book.copies.change(lambda tables: tables.snapshots.write(made))


def _snapshot(database: GateDatabase, key: bytes, size: int) -> tuple[State, int, bool]:
    """The state, when its estate was adopted, and whether what stood there was the gate's. Raises `Unfounded` where the
    ledger has lost what the gate has seen."""
    with database.reading() as tables:
        kept = tables.snapshots.read()
    if kept is None:
        return State(), 0, True
    if not hmac.compare_digest(kept.mac, _mac(key, kept.position, kept.state)):
        return State(), 0, False
    if kept.position > size:
        raise Unfounded(
            f"the ledger has {size} entries, and the gate has seen {kept.position}: it was rolled back, or is another"
        )
    try:
        read: Json = parse_canonical(kept.state, label="snapshot")
        assert isinstance(read, dict) and isinstance(read["adopted"], int)
        return State.restore(read["state"]), read["adopted"], True
    except (Malformed, Tampered, KeyError, AssertionError):
        return State(), 0, True  # of another version of this program


def _mac(key: bytes, position: int, text: bytes) -> bytes:
    return hmac.digest(key, f"snapshot {position}\n".encode() + text, sha256)


def _mended(book: Book) -> tuple[int, list[tuple[Object, str]]]:
    """Make the rows what the state says; gives how many were behind, and which differed for no reason of ours."""
    behind = book.copies.behind()
    mended = 0
    differing: list[tuple[Object, str]] = []

    def work(tables: GateTables) -> None:
        nonlocal mended
        mended = 0
        differing.clear()
        wrong: list[GateRow] = []
        for which, row, should in _pairs(tables, book.state):
            if row is not None and should is not None and _same(row, should):
                if row.claim is not None:
                    wrong.append(should)
                continue
            found = 0 if row is None else row.version
            if should is not None and which in behind and min(behind[which]) <= found < should.version:
                mended += 1
            else:
                what = "was missing" if row is None else "was not known to the ledger" if should is None else "differed"
                differing.append((which, f"the row of {which[0]} {which[1]} {what}: the ledger says otherwise"))
            if should is None:
                tables.rows.delete(which[0], [which[1]])
            else:
                wrong.append(should)
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
    )
    with book.holding(GATE):
        book.record(event, act=chance(16))
