"""A whole ledger re-verified from what is stored: every entry, chain, map head, tile, index, payload and opening.

It trusts nothing that the writer derived, and writes nothing. A ledger in use can be checked: what is read is of one
moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from armslength.ledger import (
    FIRM,
    Chain,
    ErasedField,
    Journal,
    Kind,
    Placed,
    Record,
    check_fields,
    parse_openings,
    unseal,
)
from armslength.store import (
    KeyDatabase,
    LedgerFolder,
    LogDatabase,
    LogState,
    PublicFolder,
    StoreError,
    log_nodes,
    read_lock,
)
from armslength.tlog import (
    Checkpoint,
    Edge,
    Note,
    Tile,
    Tiling,
    TlogError,
    Unverified,
    fsck,
    root_at,
    verify_signature,
)

MOST = 1000
"""After so many findings no more are looked for."""

Progress = Callable[[str, int, int], None]
"""(what is checked, entries done, entries in all)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFinding:
    """`where` names the store and the place in it."""

    where: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCheck:
    """What was checked, in numbers, and what is wrong. `lost` are records that no one can read though nothing erased
    them: a key store restored from a backup leaves such."""

    size: int
    records: int
    customers: int
    opened: int
    erased: int
    lost: int
    published: int
    findings: tuple[LedgerFinding, ...]


class _Enough(Exception):
    """There are more findings than anybody reads."""


def check_ledger(folder: LedgerFolder, *, progress: Progress | None = None) -> LedgerCheck:
    """Check everything. Raises `StoreError` where a store cannot be opened at all."""
    with LogDatabase(folder.log) as log, log.snapshot():
        keys = KeyDatabase(folder.keys)
        try:
            return _Check(folder, log, keys, progress or (lambda what, done, total: None)).run()
        finally:
            keys.close()


class _Check:
    def __init__(self, folder: LedgerFolder, log: LogDatabase, keys: KeyDatabase, progress: Progress) -> None:
        self._folder, self._log, self._keys, self._progress = folder, log, keys, progress
        self._findings: list[LedgerFinding] = []
        self._records = self._opened = self._erased = self._lost = self._published = 0

    def run(self) -> LedgerCheck:
        size, customers = 0, 0
        try:
            state = self._log.state()
            size = state.size
            self._checkpoint(state)
            customers = self._entries(state)
            self._lock(state)
            self._public(state)
        except StoreError as error:
            self._findings.append(LedgerFinding(where=str(self._folder.log), problem=str(error)))
        except _Enough:
            pass
        return LedgerCheck(
            size=size,
            records=self._records,
            customers=customers,
            opened=self._opened,
            erased=self._erased,
            lost=self._lost,
            published=self._published,
            findings=tuple(self._findings),
        )

    def _found(self, where: str, problem: str) -> None:
        self._findings.append(LedgerFinding(where=where, problem=problem))
        if len(self._findings) >= MOST:
            raise _Enough

    def _checkpoint(self, state: LogState) -> None:
        try:
            note = Note.parse(state.note)
            checkpoint = Checkpoint.parse(note.text)
            if not any(verify_signature(note, log.key) for log in self._folder.policy.logs):
                self._found("log.db state", "the checkpoint is signed by no log key of the policy")
        except TlogError as error:
            self._found("log.db state", f"the checkpoint: {error}")
            return
        if (checkpoint.size, checkpoint.root) != (state.size, state.edge.root()):
            self._found("log.db state", f"the checkpoint is of size {checkpoint.size}, the state of {state.size}")

    def _entries(self, state: LogState) -> int:
        """Go through the log from its first entry. Gives the number of customers."""
        journal = Journal(edge=Edge.empty(), chains={})
        tiling = Tiling()
        derived = _Derived()
        heads: dict[bytes, Chain] = {}
        for until in (state.mapped, state.size):
            for leaves in self._log.pieces(journal.size, until):
                try:
                    batch = journal.replay(leaves)
                except TlogError as error:
                    self._found("log.db entries", str(error))
                    return len(journal.chains())
                self._tiles(tiling.extend(batch.hashes), derived)
                for placed in batch.records:
                    self._record(placed, derived)
                journal.adopt(batch)
                self._progress("entries", journal.size, state.size)
            if until == state.mapped:
                heads = journal.chains()
        if journal.edge != state.edge:
            self._found("log.db state", "the entries do not give the root that was signed")
        if state.mapped != journal.mapped:
            self._found("log.db state", f"the newest map head is at {journal.mapped}, not {state.mapped}")
        if self._log.heads() != heads:
            self._found("log.db heads", "not the customers' chains at the newest map head")
        self._tables(derived, len(journal.chains()), state)
        return len(journal.chains())

    def _tiles(self, full: Iterable[tuple[Tile, bytes]], derived: _Derived) -> None:
        for tile, data in full:
            derived.tiles += 1
            try:
                if self._log.tile(tile.level, tile.index) != data:
                    self._found(f"log.db {tile.path}", "not what the entries hash to")
            except StoreError as error:
                self._found(f"log.db {tile.path}", str(error))

    def _record(self, placed: Placed, derived: _Derived) -> None:
        record, index = placed.record, placed.index
        self._records += 1
        derived.acts.add(record.act)
        derived.erasures += record.kind is Kind.ERASURE
        found = self._log.act(record.act)
        if found is None or not found[0] <= index < found[0] + found[1]:
            self._found(f"log.db acts, entry {index}", "the act is not found by its id")
        if self._log.index_of(record.customer, record.sequence) != index:
            self._found(f"log.db records, entry {index}", "the record is not found by its customer and sequence number")
        try:
            self._secrets(index, record)
        except (TlogError, StoreError) as error:
            self._found(f"keys.db, entry {index}", str(error))

    def _secrets(self, index: int, record: Record) -> None:
        """What the record says is what its leaf commits to; what is not there was erased, or is lost."""
        kept, box = self._keys.openings(index, record.commitment), self._log.payload(index)
        if kept is None:
            self._lost += 1
            return
        fields = parse_openings(kept.openings)
        if all(isinstance(each, ErasedField) for each in fields):
            self._erased += 1
            if box is not None or kept.wrapped:
                raise Unverified("the record was erased, and its payload or key is still there")
            check_fields(commitment=record.commitment, fields=fields, values={})
            return
        customer = self._keys.by_handle(FIRM if record.kind is Kind.ERASURE else record.customer)
        if customer is None or box is None:
            self._lost += 1
            return
        values = unseal(key=customer.key, wrapped=kept.wrapped, box=box, commitment=record.commitment)
        check_fields(commitment=record.commitment, fields=fields, values=values)
        self._opened += 1

    def _tables(self, derived: _Derived, customers: int, state: LogState) -> None:
        """No table holds more than follows from the entries."""
        sizes = self._log.sizes()
        expected = {
            "entries": state.size,
            "customers": customers,
            "records": self._records,
            "acts": len(derived.acts),
            "erasures": derived.erasures,
            "tiles": derived.tiles,
        }
        for table, count in expected.items():
            if sizes[table] != count:
                self._found(f"log.db {table}", f"{sizes[table]} rows, expected {count}")
        if sizes["payloads"] > self._records:
            self._found("log.db payloads", f"{sizes['payloads']} rows for {self._records} records")

    def _lock(self, state: LogState) -> None:
        try:
            held = read_lock(self._folder.lock, state.origin)
        except StoreError as error:
            self._found("lock.db", str(error))
            return
        # A writer at work may have moved on since the snapshot was taken; behind it, the last commit ended half-way.
        if held.size <= state.size and root_at(held.size, log_nodes(self._log, state.size)) != held.root:
            self._found("lock.db", f"another root at size {held.size} than the log has: there are two histories")
        if held.size > self._newest():
            self._found("lock.db", f"{held.size} entries were signed, the log has {self._newest()}: it was rolled back")

    def _newest(self) -> int:
        with LogDatabase(self._folder.log) as log:
            return log.state().size

    def _public(self, state: LogState) -> None:
        public = PublicFolder(self._folder.public)
        note = public.published()
        if note is None:
            return
        try:
            assessment = self._folder.policy.assess(note)
        except TlogError as error:
            self._found("public/checkpoint", str(error))
            return
        checkpoint = assessment.checkpoint
        self._published = checkpoint.size
        if not assessment.quorum_met:
            self._found("public/checkpoint", assessment.words)
        if checkpoint.size > self._newest():
            self._found("public/checkpoint", f"of size {checkpoint.size}, which the log has not: it was rolled back")
        elif checkpoint.size <= state.size:
            if root_at(checkpoint.size, log_nodes(self._log, state.size)) != checkpoint.root:
                self._found("public/checkpoint", "another root than the log has at that size: there are two histories")
        total = checkpoint.size
        for finding in fsck(public.read, checkpoint, progress=lambda done, _: self._progress("published", done, total)):
            self._found(f"public/{finding.path}", finding.problem)


@dataclass(slots=True)
class _Derived:
    """What the tables must hold, counted from the entries."""

    acts: set[bytes] = field(default_factory=set)
    tiles: int = 0
    erasures: int = 0
