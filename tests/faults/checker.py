"""Everything a ledger's folder promises, checked again from the stored bytes, by none of the code that writes them.

`check` reads the tables with SQL of its own and recomputes what they hold with the pure functions of `tlog` and
`ledger`. It is for a folder that a writer has opened, so whatever recovery owes must be there.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from armslength.ledger import (
    FIRM,
    Chain,
    ErasedField,
    Everything,
    Json,
    Kind,
    MapHead,
    PrefixMap,
    Record,
    Scope,
    check_fields,
    check_next,
    excuses,
    fold,
    parse_entry,
    parse_openings,
    parse_scope,
    unseal,
)
from armslength.service import Act
from armslength.tlog import (
    WIDTH,
    Checkpoint,
    Edge,
    Note,
    Policy,
    TlogError,
    fsck,
    leaf_hash,
    tree_root,
    verify_signature,
)
from tests.faults.history import History


def check(folder: Path, history: History, *, lock: Path | None = None) -> list[str]:
    """What is wrong with the ledger in a folder, given what was said of it; [] if nothing is. `lock` where it does not
    stand in the folder."""
    checker = _Checker(folder=folder, history=history, lock=lock or folder / "lock.db")
    try:
        checker.run()
    except (TlogError, sqlite3.Error, OSError) as error:
        checker.problems.append(f"{type(error).__name__}: {error}")
    return [*history.problems, *checker.problems]


def rows(path: Path, query: str) -> list[tuple]:  # type: ignore[type-arg]
    """What a database holds, read by a connection that changes nothing."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


@dataclass(slots=True)
class _Checker:
    folder: Path
    history: History
    lock: Path
    problems: list[str] = field(default_factory=list)
    records: dict[int, Record] = field(default_factory=dict)
    hashes: list[bytes] = field(default_factory=list)
    size: int = 0
    root: bytes = b""
    policy: Policy = field(init=False)

    def run(self) -> None:
        self._log()
        self._told()
        self._lock()
        self._secrets()
        self._public()

    def _find(self, problem: str) -> None:
        self.problems.append(problem)

    # The log

    def _log(self) -> None:
        log = self.folder / "log.db"
        ((origin, size, root, note, mapped, time),) = rows(log, "SELECT origin,size,root,note,mapped,time FROM state")
        self.size, self.root, self.policy = size, root, Policy.parse((self.folder / "policy").read_bytes())
        leaves = rows(log, "SELECT idx, leaf FROM entries ORDER BY idx")
        if [index for index, _ in leaves] != list(range(size)):
            self._find(f"the log of size {size} holds {len(leaves)} entries, or not 0 to {size - 1}")
        chains: dict[bytes, Chain] = {}
        tree = PrefixMap()
        last = at_head = 0
        acts: dict[bytes, list[int]] = defaultdict(list)
        heads: dict[bytes, Chain] = {}
        for index, leaf in leaves:
            hashed = leaf_hash(leaf)
            self.hashes.append(hashed)
            entry = parse_entry(leaf)
            if entry.time < last:
                self._find(f"entry {index}: its time is before the one before it")
            last = entry.time
            match entry:
                case MapHead():
                    for handle, chain in chains.items():
                        tree.set(handle, chain.edge.size, chain.edge.root())
                    if (entry.size, entry.customers, entry.root) != (index, len(chains), tree.root()):
                        self._find(f"entry {index}: not the map of the entries before it")
                    at_head, heads = index, dict(chains)
                case Record():
                    chains[entry.customer] = check_next(chains.get(entry.customer) or Chain.empty(), entry, hashed)
                    self.records[index] = entry
                    acts[entry.act].append(index)
        if tree_root(self.hashes) != root:
            self._find(f"the root stored at size {size} is not that of the entries")
        if (mapped, time) != (at_head, last):
            self._find(f"the state says mapped {mapped} at {time}, the entries {at_head} at {last}")
        self._note(note, origin)
        self._derived(acts, heads)

    def _note(self, text: str, origin: str) -> None:
        note = Note.parse(text)
        shown = Checkpoint.parse(note.text)
        if (shown.origin, shown.size, shown.root) != (origin, self.size, self.root):
            self._find("the stored checkpoint is not that of the stored state")
        if not all(verify_signature(note, log.key) for log in self.policy.logs):
            self._find("the stored checkpoint is not signed by every key")

    def _derived(self, acts: Mapping[bytes, list[int]], heads: Mapping[bytes, Chain]) -> None:
        """The tables that follow from the entries."""
        log = self.folder / "log.db"
        spans = {act: list(range(first, first + count)) for act, first, count in rows(log, "SELECT * FROM acts")}
        if spans != acts:
            self._find("the acts are not those of the entries, or an act is there twice")
        placed = rows(log, "SELECT handle, sequence, idx FROM records JOIN customers USING (customer)")
        if {(r.customer, r.sequence, i) for i, r in self.records.items()} != set(placed):
            self._find("the customers' records are not those of the entries")
        erasures = [index for (index,) in rows(log, "SELECT idx FROM erasures ORDER BY idx")]
        if erasures != [i for i, record in self.records.items() if record.kind is Kind.ERASURE]:
            self._find("the erasures are not those of the entries")
        level, row = 0, self.hashes
        full: dict[tuple[int, int], bytes] = {}
        while len(row) >= WIDTH:
            cut = [row[at : at + WIDTH] for at in range(0, len(row) - len(row) % WIDTH, WIDTH)]
            full |= {(level, n): b"".join(tile) for n, tile in enumerate(cut)}
            level, row = level + 1, [tree_root(tile) for tile in cut]
        if {(at, n): data for at, n, data in rows(log, "SELECT level, n, hashes FROM tiles")} != full:
            self._find("the full tiles are not those of the entries")
        kept = {
            handle: (size, edge, last)
            for handle, size, edge, last in rows(
                log, "SELECT handle, size, edge, last FROM heads JOIN customers USING (customer)"
            )
        }
        if kept != {h: (c.edge.size, b"".join(c.edge.hashes), c.last) for h, c in heads.items()}:
            self._find("the chains kept with the map head are not those of the entries before it")

    # What was said outside

    def _told(self) -> None:
        for index, leaf in self.history.leaves.items():
            if index >= self.size:
                self._find(f"index {index} was acknowledged and is lost: the log has {self.size} entries")
            elif self.hashes[index] != leaf:
                self._find(f"index {index} was acknowledged and holds another leaf now")
        for act, (first, leaves) in self.history.given.items():
            records = [self.records.get(index) for index in range(first, first + len(leaves))]
            if any(record is None or record.act != act for record in records):
                self._find(f"the receipt of act {act.hex()} names entries that are not its own")
        edge, at = Edge.empty(), 0
        for size, root in sorted(self.history.signed.items()):
            if size > self.size:
                self._find(f"a checkpoint of {size} was signed, and the log has {self.size} entries now")
                continue
            edge, at = edge.extended(self.hashes[at:size]), size
            if edge.root() != root:
                self._find(f"the checkpoint that was signed at size {size} is of another history")

    def _lock(self) -> None:
        held = rows(self.lock, "SELECT size, root FROM lock")
        if held != [(self.size, self.root)]:
            self._find(f"the lock is at {[size for size, _ in held]}, the log at {self.size}")

    # What can be erased

    def _secrets(self) -> None:
        keys = self.folder / "keys.db"
        names = {handle: (name, key) for handle, name, key in rows(keys, "SELECT handle, name, key FROM customers")}
        # Those of a batch that never reached the log may stand beside those of the records that did.
        openings = {
            at: [commitment, wrapped, fields]
            for at, commitment, wrapped, fields in rows(keys, "SELECT idx, commitment, wrapped, openings FROM openings")
            if at in self.records and self.records[at].commitment == commitment
        }
        boxes = dict(rows(self.folder / "log.db", "SELECT idx, box FROM payloads"))
        ((erased,),) = rows(keys, "SELECT erased FROM state")
        late = [i for i, record in self.records.items() if i >= erased and record.kind is Kind.ERASURE]
        if late or erased > self.size or rows(keys, "SELECT * FROM staged"):
            self._find(f"erasures are obeyed up to {erased} of {self.size}, or a payload is still staged")
        if stray := sorted(boxes.keys() - self.records.keys()):
            self._find(f"there are payloads of entries that are no records: {stray}")
        orders: dict[bytes, list[tuple[Record, Scope]]] = defaultdict(list)
        for index, record in self.records.items():
            if record.kind is Kind.ERASURE:
                values = self._values(index, record, names[FIRM][1], openings.get(index), boxes.get(index))
                if values is not None:
                    orders[record.customer].append((record, parse_scope(values["scope"])))
        for handle, given in orders.items():
            if handle in names and any(isinstance(scope, Everything) for _, scope in given):
                self._find(f"customer {handle.hex()} was erased and has a key")
        for index, record in self.records.items():
            if record.kind is not Kind.ERASURE:
                self._record(index, record, orders[record.customer], names, openings.get(index), boxes.get(index))

    def _record(
        self,
        index: int,
        record: Record,
        orders: list[tuple[Record, Scope]],
        names: Mapping[bytes, tuple[str, bytes]],
        secrets: list[bytes] | None,
        box: bytes | None,
    ) -> None:
        if secrets is None:
            self._find(f"entry {index}: its commitments are gone")
            return
        fields = parse_openings(secrets[2])
        gone = {f.label for f in fields if isinstance(f, ErasedField)}
        must = {f.label for f in fields if any(excuses(order, scope, record, f.label) for order, scope in orders)}
        if gone != must:
            self._find(f"entry {index}: {sorted(gone)} are erased, {sorted(must)} had to be")
        if len(gone) == len(fields):
            if secrets[1] or box is not None:
                self._find(f"entry {index} was erased, and its key or its payload is still there")
            if fold([(f.label, f.commitment) for f in fields]) != record.commitment:
                self._find(f"entry {index} was erased, and its commitments are not those of its leaf")
            return
        if record.customer not in names:
            self._find(f"entry {index}: something of it was not erased, and its customer's key is gone")
            return
        name, key = names[record.customer]
        values = self._values(index, record, key, secrets, box)
        asked = self.history.asked.get(record.act)
        if values is not None and asked is not None:
            self._as_asked(index, record, asked, name, values, gone)

    def _as_asked(
        self, index: int, record: Record, asked: Act, name: str, values: Mapping[str, Json], gone: set[str]
    ) -> None:
        left = {label: json.loads(value) for label, value in asked.values.items() if label not in gone}
        if dict(values) != left or record.kind is not asked.kind:
            self._find(f"entry {index} says something else than what was asked for")
        if name not in (asked.customers or ("",)):
            self._find(f"entry {index} is recorded of {name!r}, the act was on {asked.customers}")

    def _values(
        self, index: int, record: Record, key: bytes, secrets: list[bytes] | None, box: bytes | None
    ) -> dict[str, Json] | None:
        if secrets is None or box is None:
            self._find(f"entry {index}: nothing was erased of it, and its opening or its payload is gone")
            return None
        try:
            values = unseal(key=key, wrapped=secrets[1], box=box, commitment=record.commitment)
            check_fields(commitment=record.commitment, fields=parse_openings(secrets[2]), values=values)
        except TlogError as error:
            self._find(f"entry {index} does not open: {error}")
            return None
        return dict(values)

    # What anyone may read

    def _public(self) -> None:
        public = self.folder / "public"
        try:
            note = Note.parse((public / "checkpoint").read_bytes())
        except FileNotFoundError:
            return
        shown = Checkpoint.parse(note.text)
        if not all(verify_signature(note, log.key) for log in self.policy.logs):
            self._find("the published checkpoint is not signed by every key")
        if shown.size > self.size or tree_root(self.hashes[: shown.size]) != shown.root:
            self._find(f"the published checkpoint of {shown.size} is not of this log")

        def read(path: str) -> bytes | None:
            try:
                return (public / path).read_bytes()
            except FileNotFoundError:
                return None

        for finding in fsck(read, shown):
            self._find(f"published: {finding.path}: {finding.problem}")
