"""Following a ledger that somebody else may write: what is new in it, once it is proven to be signed and to go on from
what was seen before.

The database that holds the log is not believed. What is read is hashed into the tree that was seen last, and only if
that gives the root which one of the log's keys signed is any of it given on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from armslength.store import Damaged, Held, LedgerFolder, LogState, LogStore, Overtaken, log_nodes, open_log, read_lock
from armslength.tlog import (
    WIDTH,
    Checkpoint,
    Edge,
    Note,
    TlogError,
    consistency_proof,
    leaf_hash,
    subtree_consistency_proof,
    tree_root,
    verify_consistency,
    verify_subtree_consistency,
)

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

    @property
    def root(self) -> bytes:
        """Of what is proven."""
        return self._edge.root()

    def begin(self, since: int) -> int:
        """Take the log as it stands signed, once the lock is seen to know a prefix of it; gives its size. What is in it
        up to there, `proven` reads. Raises `Damaged`, `Overtaken`, `StoreError`."""
        held = read_lock(self._folder)  # first: the log may go on meanwhile
        with open_log(self._folder) as log:
            edge = _signed_edge(self._folder, log, held)
        if since > edge.size:
            raise _rolled_back(self._folder, edge.size, f"{since} were seen")
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
                    raise _rolled_back(self._folder, state.size, f"{self._edge.size} were seen")
                leaves = list(chain.from_iterable(log.pieces(self._edge.size, state.size, MOST)))
                edge = self._edge.extended(map(leaf_hash, leaves))
                _check_signed(self._folder, state, edge)
        self._edge = edge
        return leaves


def proven(folder: LedgerFolder, log: LogStore, since: int, until: int | None = None) -> Iterator[Sequence[bytes]]:
    """The leaves from index `since` on, and before `until` if that is given, some at a time. Each is proven before it
    is given: it stands at its place in the log that was signed, and of which the lock knows a prefix.

    Raises `Damaged`, `Overtaken`, `StoreError`.
    """
    edge = _signed_edge(folder, log, read_lock(folder))
    size, root = edge.size, edge.root()
    end = size if until is None else until
    if max(since, end) > size:
        raise _rolled_back(folder, size, f"{max(since, end)} were seen")
    nodes = log_nodes(log, size)
    for first in range(since - since % WIDTH, end, WIDTH):
        last = min(first + WIDTH, end)
        leaves = log.leaves(first, last)
        try:
            verify_subtree_consistency(
                start=first,
                end=last,
                size=size,
                subtree=tree_root(map(leaf_hash, leaves)),
                root=root,
                proof=subtree_consistency_proof(start=first, end=last, size=size, node=nodes),
            )
        except TlogError as error:
            raise Damaged(
                f"{folder.log}: entries {first} to {last - 1} are not those that were signed: {error}"
            ) from None
        yield leaves[max(0, since - first) :]


def _signed_edge(folder: LedgerFolder, log: LogStore, held: Held) -> Edge:
    """The edge of the log as it is; `held` is what the lock said before."""
    state = log.state()
    _check_signed(folder, state, state.edge)
    size = state.edge.size
    if held.size > size:
        raise _rolled_back(folder, size, f"{held.size} were signed")
    try:
        if held.size:
            proof = consistency_proof(held.size, size, log_nodes(log, size))
            root = state.edge.root()
            verify_consistency(old=held.size, new=size, old_root=held.root, new_root=root, proof=proof)
    except TlogError as error:
        raise Overtaken(
            f"{folder.path}: another root than the one signed at size {held.size}, or what shows it is damaged: {error}"
        ) from None
    return state.edge


def _rolled_back(folder: LedgerFolder, size: int, known: str) -> Overtaken:
    return Overtaken(
        f"{folder.path}: the log holds {size} entries, but {known}: it was rolled back; restore what is"
        " missing, and never go on from here"
    )


def _check_signed(folder: LedgerFolder, state: LogState, edge: Edge) -> None:
    """That the log's state is signed, and is that of the edge."""
    try:
        note = Note.parse(state.note)
        checkpoint = Checkpoint.parse(note.text)
        signed = folder.policy.signed_by_log(note)
    except TlogError as error:
        raise Damaged(f"{folder.path}: the stored checkpoint: {error}") from None
    origin = folder.settings.origin
    if not signed or checkpoint.origin != origin or state.origin != origin:
        raise Damaged(f"{folder.path}: the stored checkpoint is signed by no key of {origin}")
    if (checkpoint.size, checkpoint.root) != (edge.size, edge.root()):
        raise Overtaken(
            f"{folder.path}: its entries do not give the root that was signed, or not those that were seen"
            " before: this is not the log that was signed"
        )
