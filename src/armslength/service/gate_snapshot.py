"""The snapshot of the state, from which a start goes on: under a MAC, so that it is the gate's or none.

With it stands what is not yet in rows: which of them are behind, so that the next start knows them from rows that were
changed, and the notices that are still to be written down.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from armslength.gate import (
    Changed,
    Erased,
    Event,
    Ignored,
    State,
    Tampered,
    Used,
    format_event,
    parse_event,
)
from armslength.service.gate_copies import tell
from armslength.service.gate_failure import Unfounded
from armslength.service.gate_office import Office
from armslength.service.gate_replay import replay
from armslength.service.gate_row import KINDS, Object
from armslength.service.gate_uses import AGAIN
from armslength.store import GateDatabase, GateSnapshot, GateTables, LedgerFolder
from armslength.tlog import Json, Malformed, canonical, parse_canonical

Behind = Mapping[Object, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a start goes on from. `adopted` is when the estate was, `files` which make it; `uses` are the last ones.
    `doubt` says what is wrong with what stood there, whoever did it; None: nothing."""

    state: State = field(default_factory=State)
    adopted: int = 0
    files: str | None = None
    uses: tuple[Used, ...] = ()
    behind: Behind = field(default_factory=dict)
    text: bytes | None = None
    """None: there was none."""
    doubt: str | None = None


def read_snapshot(database: GateDatabase, key: bytes, size: int) -> Kept:
    """Raises `Unfounded` where the ledger, of `size` entries, has lost what the gate has seen."""
    with database.reading() as tables:
        kept = tables.snapshots.read()
        rows = kept is None and any(tables.rows.count(kind) for kind in KINDS)
    if kept is None:
        # A gate writes one before its first row, and one that was restored or made anew has its own, or no rows.
        return Kept(doubt="the snapshot of the state is missing, beside rows of the gate" if rows else None)
    if not hmac.compare_digest(kept.mac, _mac(key, kept.position, kept.state)):
        return Kept(text=b"", doubt="the snapshot of the state is not one that the gate wrote")
    if kept.position > size:
        raise Unfounded(
            f"the ledger has {size} entries, and the gate has seen {kept.position}: it was rolled back, or is another"
        )
    try:
        return _parsed(kept.state)
    except (Malformed, Tampered, ValueError, KeyError, TypeError, AssertionError):
        return Kept(text=b"")  # of another version of this program


def write_snapshot(office: Office) -> None:
    """Keep the state as it is now, unless something is in it that does not hold and has still to be ended. Raises
    `Unavailable`."""
    book = office.book
    with book.still() as state:
        if any(lease.live for id in office.unsound if (lease := state.leases.get(id)) is not None):
            return  # what is written here is not verified again
        snapshot, position = state.snapshot(), state.position
        uses = book.uses.since(state.time - AGAIN)
        adopted, files = book.adopted, book.files
        # Of a row that was found changed, the next start is to say so again.
        behind = {
            each: tuple(sorted(versions))
            for each, versions in book.copies.behind().items()
            if each not in book.copies.tampered
        }
        untold, gone = book.copies.untold(), book.gone()
    text = _text(snapshot(), adopted=adopted, files=files, uses=uses, behind=behind)
    key = office.folder.row_key or b""
    made = _made(key, position, text)

    def put(tables: GateTables) -> None:
        if not tables.snapshots.write(made):
            there = tables.snapshots.read()  # of a later position, if it is to be believed
            if there is None or not hmac.compare_digest(there.mac, _mac(key, there.position, there.state)):
                tables.snapshots.drop()
                tables.snapshots.write(made)
        tell(tables, untold)
        for kind in ("request", "lease"):
            tables.rows.delete(kind, [id for each, id in gone if each == kind])

    book.copies.change(put)
    book.copies.are_told(untold)
    book.are_gone(gone)


def empty_snapshot(key: bytes) -> GateSnapshot:
    """Of a gate that has seen nothing yet."""
    return _made(key, 0, _text(State().snapshot()(), adopted=0, files=None, uses=(), behind={}))


def earlier(
    kept: Kept,
    folder: LedgerFolder,
    wanted: Mapping[Object, int],
    verify: Callable[[Event | Erased, State], str | None],
) -> dict[Object, bytes]:
    """What rows said at these versions, as far as the snapshot and the ledger after it tell; empty for a version that
    no row can have. Of what was erased since, nothing is told. Raises `StoreError`."""
    found: dict[Object, bytes] = {}
    unknown: set[Object] = set()
    start = _parsed(kept.text) if kept.text else Kept()
    state = start.state

    def look(which: Object) -> None:
        if which in wanted and wanted[which] == state.version_of(*which):
            found[which] = state.document(*which)

    for which, version in wanted.items():
        look(which)
        if version < state.version_of(*which) and version not in start.behind.get(which, ()):
            found[which] = b""

    def take(event: Event | Erased, act: bytes, index: int, origin: str) -> Changed | Ignored:
        if (says := verify(event, state)) is not None:
            return Ignored(reason=says)
        outcome = state.apply(event, act=act, index=index, origin=origin)
        for which in outcome.objects if isinstance(outcome, Changed) else ():
            if isinstance(event, Erased):
                unknown.add(which)
            look(which)
        return outcome

    replay(folder, state.position, take)
    return {which: doc for which, doc in found.items() if which not in unknown}


def _text(state: Json, *, adopted: int, files: str | None, uses: tuple[Used, ...], behind: Behind) -> bytes:
    left: list[Json] = [
        {"id": id, "kind": kind, "versions": list(versions)} for (kind, id), versions in sorted(behind.items())
    ]
    said: list[Json] = [format_event(each) for each in uses]
    kept: dict[str, Json] = {"adopted": adopted, "behind": left, "files": files, "state": state, "uses": said}
    return canonical(kept, label="snapshot")


def _parsed(text: bytes) -> Kept:
    read: Json = parse_canonical(text, label="snapshot")
    assert isinstance(read, dict) and isinstance(read["adopted"], int)
    assert isinstance(read["uses"], list) and isinstance(read["behind"], list)
    files = read["files"]
    assert files is None or isinstance(files, str)
    kinds = {str(kind): kind for kind in KINDS}
    behind: dict[Object, tuple[int, ...]] = {}
    for each in read["behind"]:
        assert isinstance(each, dict) and isinstance(each["versions"], list)
        versions = tuple(version for version in each["versions"] if isinstance(version, int))
        behind[kinds[str(each["kind"])], str(each["id"])] = versions
    return Kept(
        state=State.restore(read["state"]),
        adopted=read["adopted"],
        files=files,
        uses=tuple(event for event in map(parse_event, read["uses"]) if isinstance(event, Used)),
        behind=behind,
        text=text,
    )


def _made(key: bytes, position: int, text: bytes) -> GateSnapshot:
    return GateSnapshot(position=position, mac=_mac(key, position, text), state=text)


def _mac(key: bytes, position: int, text: bytes) -> bytes:
    return hmac.digest(key, f"snapshot {position}\n".encode() + text, sha256)
