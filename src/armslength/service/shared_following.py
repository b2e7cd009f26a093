"""Following a ledger that somebody else may write: what is new in it, once it is proven to be signed and to go on from
what was seen before.

The database that holds the log is not believed. What is read is hashed into the tree that was seen last, and only if
that gives the root which one of the log's keys signed is any of it given on.
"""

from __future__ import annotations

from itertools import chain

from armslength.store import Damaged, LedgerFolder, LogState, LogStore, Overtaken, log_nodes, open_log, read_lock
from armslength.tlog import Checkpoint, Edge, Note, TlogError, edge_at, leaf_hash, root_at

MOST = 4096
"""Entries that are kept in memory at a time."""


class Following:
    """For one thread at a time. `size` is how much of the log is proven."""

    def __init__(self, folder: LedgerFolder) -> None:
        self._folder = folder
        self._edge = Edge.empty()

    @property
    def size(self) -> int:
        return self._edge.size

    def begin(self, since: int) -> int:
        """Prove the log from index `since` on, and that the lock knows a prefix of it; gives its size. Raises
        `Damaged`, `Overtaken`, `StoreError`."""
        held = read_lock(self._folder)  # first: the log may go on meanwhile
        with open_log(self._folder) as log:
            with log.snapshot():
                state = log.state()
                if since > state.size:
                    raise self._rolled_back(state.size, f"{since} were seen")
                nodes = log_nodes(log, state.size)
                try:
                    before = edge_at(since, nodes) if since else Edge.empty()
                except TlogError as error:
                    raise Damaged(f"{self._folder.path}: {error}") from None
                leaves = chain.from_iterable(log.pieces(since, state.size))
                edge = before.extended(map(leaf_hash, leaves))
                self._check(log, state, edge)
                if held.size <= state.size and root_at(held.size, nodes) != held.root:
                    raise Overtaken(f"{self._folder.path}: another root than the one signed at size {held.size}")
        if held.size > edge.size:
            raise self._rolled_back(edge.size, f"{held.size} were signed")
        self._edge = edge
        return edge.size

    def new(self) -> list[bytes]:
        """The leaves after `size`, proven; `size` is then behind them. Raises as `begin` does."""
        with open_log(self._folder) as log:
            if log.head() == (self._edge.size, self._edge.root()):
                return []
            with log.snapshot():
                state = log.state()
                if state.size < self._edge.size:
                    raise self._rolled_back(state.size, f"{self._edge.size} were seen")
                leaves = list(chain.from_iterable(log.pieces(self._edge.size, state.size, MOST)))
                edge = self._edge.extended(map(leaf_hash, leaves))
                self._check(log, state, edge)
        self._edge = edge
        return leaves

    def _rolled_back(self, size: int, known: str) -> Overtaken:
        return Overtaken(
            f"{self._folder.path}: the log holds {size} entries, but {known}: it was rolled back; restore what is"
            " missing, and never go on from here"
        )

    def _check(self, log: LogStore, state: LogState, edge: Edge) -> None:
        """That the log's state is signed, and is that of the edge which its entries give."""
        try:
            note = Note.parse(state.note)
            checkpoint = Checkpoint.parse(note.text)
            signed = self._folder.policy.signed_by_log(note)
        except TlogError as error:
            raise Damaged(f"{self._folder.path}: the stored checkpoint: {error}") from None
        origin = self._folder.settings.origin
        if not signed or checkpoint.origin != origin or state.origin != origin:
            raise Damaged(f"{self._folder.path}: the stored checkpoint is signed by no key of {origin}")
        if (checkpoint.size, checkpoint.root) != (edge.size, edge.root()):
            raise Overtaken(
                f"{self._folder.path}: its entries do not give the root that was signed, or not those that were seen"
                " before: this is not the log that was signed"
            )
