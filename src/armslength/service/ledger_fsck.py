"""A whole ledger re-verified from what is stored: every entry, chain, map head, tile, index, payload and opening.

It trusts nothing that the writer derived, and writes nothing. A ledger in use can be checked: what is read is of one
moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass

from armslength.ledger import Chain, Journal, Kind, Placed
from armslength.service.ledger_fsck_secrets import Orders, SecretsCheck
from armslength.store import (
    Integrity,
    KeyStore,
    LedgerFolder,
    LogState,
    LogStore,
    PublicStore,
    StoreError,
    log_entries,
    log_nodes,
    log_tile,
    open_keys,
    open_log,
    open_public,
    read_lock,
)
from armslength.tlog import (
    WIDTH,
    Checkpoint,
    Edge,
    Entries,
    Malformed,
    Note,
    Tile,
    Tiling,
    TlogError,
    fsck,
    root_at,
    verify_signature,
)

MOST = 1000
"""After so many findings no more are looked for."""

TRIES, PAUSE = 20, 0.05
"""Times that a writer is given to end an erasure it is at, and seconds between them."""

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
    progress = progress or (lambda what, done, total: None)
    with open_log(folder) as log, closing(open_keys(folder)) as keys:
        tries = 0
        while True:
            tries += 1
            with log.snapshot(), keys.snapshot():
                if tries == TRIES or _at_rest(log, keys):
                    return _Check(folder, log, keys, progress).run()
            time.sleep(PAUSE)


def _at_rest(log: LogStore, keys: KeyStore) -> bool:
    """Whether both stores are seen as they are when no erasure is under way between them. The first read fixes what is
    seen of a store, the log's first: its records' keys are in the other before they are in it."""
    try:
        size = log.state().size
        return keys.erased() <= size and not keys.staged() and not log.erasures(keys.erased())
    except StoreError:
        return True  # the check says what it is


class _Check:
    def __init__(self, folder: LedgerFolder, log: LogStore, keys: KeyStore, progress: Progress) -> None:
        self._folder, self._log, self._keys, self._progress = folder, log, keys, progress
        self._findings: list[LedgerFinding] = []
        self._size = self._records = self._customers = self._published = 0
        self._secrets: SecretsCheck | None = None

    def run(self) -> LedgerCheck:
        try:
            if all([self._sound("log.db", self._log), self._sound("keys.db", self._keys)]):
                self._all()
        except _Enough:
            pass
        secrets = self._secrets
        return LedgerCheck(
            size=self._size,
            records=self._records,
            customers=self._customers,
            opened=secrets.opened if secrets else 0,
            erased=secrets.erased if secrets else 0,
            lost=secrets.lost if secrets else 0,
            published=self._published,
            findings=tuple(self._findings),
        )

    def _sound(self, name: str, store: Integrity) -> bool:
        """Whether the file itself is whole, and holds values of the right types; nothing else can be asked of it if
        not."""
        problems = store.integrity()
        for where, problem in problems:
            self._found(f"{name} {where}".strip(), problem)
        return not problems

    def _all(self) -> None:
        try:
            state = self._log.state()
        except StoreError as error:
            self._found("log.db state", str(error))
            return
        self._size = state.size
        self._checkpoint(state)
        try:
            self._entries(state, done=self._keys_state(state))
        except StoreError as error:
            self._found("log.db entries", str(error))
        for where, check in (("lock.db", self._lock), ("public", self._public)):
            try:
                check(state)
            except (StoreError, TlogError) as error:
                self._found(where, str(error))

    def _found(self, where: str, problem: str) -> None:
        self._findings.append(LedgerFinding(where=where, problem=problem))
        if len(self._findings) >= MOST:
            raise _Enough

    def _checkpoint(self, state: LogState) -> None:
        origin = self._folder.settings.origin
        if state.origin != origin:
            self._found("log.db state", f"the log is of {state.origin!r}, the settings say {origin!r}")
        try:
            note = Note.parse(state.note)
            checkpoint = Checkpoint.parse(note.text)
            # Every one is asked: a signature by a known key that does not verify makes the whole note worthless.
            signed = [verify_signature(note, log.key) is not None for log in self._folder.policy.logs]
        except TlogError as error:
            self._found("log.db state", f"the checkpoint: {error}")
            return
        if not any(signed):
            self._found("log.db state", "the checkpoint is signed by no log key of the policy")
        if checkpoint.origin != state.origin:
            self._found("log.db state", f"the checkpoint is of {checkpoint.origin!r}, the state of {state.origin!r}")
        if checkpoint.size != state.size:
            self._found("log.db state", f"the checkpoint is of size {checkpoint.size}, the state of {state.size}")
        elif checkpoint.root != state.edge.root():
            self._found("log.db state", f"the checkpoint of size {checkpoint.size} has another root than the state")

    def _keys_state(self, state: LogState) -> int:
        """Gives how far the erasures were done; where nothing says so, they should have been."""
        try:
            origin, followed, erased, staged = (
                self._keys.origin(),
                self._keys.followed(),
                self._keys.erased(),
                self._keys.staged(),
            )
        except StoreError as error:
            self._found("keys.db state", str(error))
            return state.size
        if origin != state.origin:
            self._found("keys.db state", f"the keys are of {origin!r}, the log of {state.origin!r}")
        if followed < state.size:
            self._found("keys.db state", f"was written for {followed} entries, the log has {state.size}: an older copy")
        if erased > state.size:
            self._found("keys.db state", f"the erasures up to {erased} were done, the log has {state.size} entries")
        if staged:
            self._found(
                "keys.db staged",
                f"an erasure ended half-way: the ledger ends it when it is next opened (entries {_listed(staged)})",
            )
        return erased

    def _entries(self, state: LogState, *, done: int) -> None:
        """Go through the log from its first entry."""
        journal = Journal(edge=Edge.empty(), chains={})
        tiling, tiles = Tiling(), 0
        orders = Orders(self._log, self._keys, self._found, done=done)
        acts = _Acts(self._log, self._found)
        secrets = self._secrets = SecretsCheck(self._log, self._keys, orders, self._found)
        heads: dict[bytes, Chain] = {}
        erasures: set[int] = set()
        for until in (min(state.mapped, state.size), state.size):
            for leaves in self._log.pieces(journal.size, until):
                try:
                    batch = journal.replay(leaves)
                except TlogError as error:
                    self._found("log.db entries", str(error))
                    return
                tiles += self._tiles(tiling.extend(batch.hashes))
                for placed in batch.records:
                    self._record(placed)
                    acts.record(placed)
                    secrets.record(placed)
                    if placed.record.kind is Kind.ERASURE:
                        erasures.add(placed.index)
                journal.adopt(batch)
                self._progress("entries", journal.size, state.size)
            if journal.size == state.mapped:
                heads = journal.chains()
        self._customers = len(journal.chains())
        acts.end()
        secrets.end()
        if journal.edge != state.edge:
            self._found("log.db state", "the entries do not give the root that was signed")
        if state.mapped != journal.mapped:
            self._found("log.db state", f"the newest map head is at {journal.mapped}, not {state.mapped}")
        if state.time != journal.time:
            self._found("log.db state", f"the newest entry is of {journal.time}, not {state.time}")
        if self._log.heads() != heads:
            self._found("log.db heads", "not the customers' chains at the newest map head")
        for index in sorted(erasures - orders.secrets.keys()):
            self._found(f"log.db erasures, entry {index}", "an erasure that would not be done again with older keys")
        expected = {
            "entries": state.size,
            "customers": self._customers,
            "records": self._records,
            "acts": acts.count,
            "erasures": len(erasures),
            "tiles": tiles,
            "payloads": secrets.payloads,
            "heads": len(heads),
        }
        for table, rows in self._log.sizes().items():
            if rows != expected[table]:
                self._found(f"log.db {table}", f"{rows} rows, expected {expected[table]}")

    def _tiles(self, full: Iterable[tuple[Tile, bytes]]) -> int:
        count = 0
        for tile, data in full:
            count += 1
            try:
                if self._log.tile(tile.level, tile.index) != data:
                    self._found(f"log.db {tile.path}", "not what the entries hash to")
            except StoreError as error:
                self._found(f"log.db {tile.path}", str(error))
        return count

    def _record(self, placed: Placed) -> None:
        record, index = placed.record, placed.index
        self._records += 1
        if self._log.index_of(record.customer, record.sequence) != index:
            self._found(f"log.db records, entry {index}", "the record is not found by its customer and sequence number")

    def _lock(self, state: LogState) -> None:
        try:
            held = read_lock(self._folder)
        except StoreError as error:
            self._found("lock.db", str(error))
            return
        # A writer at work may have moved on since the snapshot was taken; behind it, the last commit ended half-way.
        if held.size <= state.size and root_at(held.size, log_nodes(self._log, state.size)) != held.root:
            self._found("lock.db", f"another root at size {held.size} than the log has: there are two histories")
        if held.size > self._newest():
            self._found("lock.db", f"{held.size} entries were signed, the log has {self._newest()}: it was rolled back")

    def _newest(self) -> int:
        with open_log(self._folder) as log:
            return log.state().size

    def _public(self, state: LogState) -> None:
        public = open_public(self._folder)
        note = public.published()
        if note is None:
            if public.read("checkpoint") is not None:
                self._found("public/checkpoint", "is no checkpoint")
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
        self._older(public, checkpoint.size, state.size)

    def _older(self, public: PublicStore, published: int, size: int) -> None:
        """The partial tiles that stand there for readers of an older checkpoint."""
        for name in public.partials():
            try:
                part = Entries.parse(name) if name.startswith("tile/entries/") else Tile.parse(name)
            except Malformed:
                continue  # none of ours: nobody is sent there
            level = part.level if isinstance(part, Tile) else 0
            end = part.index * WIDTH + part.width
            if end == published >> 8 * level or end > size >> 8 * level:
                continue  # checked above, or newer than what is looked at
            whole = log_tile(self._log)(part) if isinstance(part, Tile) else log_entries(self._log, part)
            if public.read(name) not in (whole, None):
                self._found(f"public/{name}", "not what the log has there")


class _Acts:
    """The check of the table by which an act that is asked for again is found: each act stands in one run of
    entries."""

    def __init__(self, log: LogStore, found: Callable[[str, str], None]) -> None:
        self._log, self._found = log, found
        self._act, self._first, self._leaves = b"", 0, 0
        self.count = 0

    def record(self, placed: Placed) -> None:
        if placed.record.act == self._act and placed.index == self._first + self._leaves:
            self._leaves += 1
            return
        self.end()
        self._act, self._first, self._leaves = placed.record.act, placed.index, 1

    def end(self) -> None:
        if self._leaves:
            self.count += 1
            if self._log.act(self._act) != (self._first, self._leaves):
                self._found(f"log.db acts, entry {self._first}", "the act is not found by its id")
            self._leaves = 0


def _listed(indexes: Iterable[int]) -> str:
    """Some numbers, the first few of them spelled out."""
    ordered = sorted(indexes)
    return ", ".join(map(str, ordered[:5])) + (", …" if len(ordered) > 5 else "")
