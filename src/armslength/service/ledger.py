"""A ledger that is open: what a program that records acts holds.

    with open_ledger(folder) as ledger:
        receipt = ledger.append(Act(...)).result()

Opening refuses to go on from a state that disagrees with the lock, with what is published, or with a witness: who
restored an old backup learns it before anything is signed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from armslength.service.act import Act
from armslength.service.ledger_state import LedgerState
from armslength.service.publisher import Publisher, PublisherHealth
from armslength.service.witnesses import WitnessAnswer, Witnesses
from armslength.service.writer import Writer, WriterHealth
from armslength.store import (
    LedgerFolder,
    Overtaken,
    StorageFailed,
    WitnessClient,
    log_nodes,
    open_log,
    open_public,
    read_ledger_folder,
)
from armslength.tlog import (
    Checkpoint,
    Node,
    Note,
    Receipt,
    TlogError,
    TlogProof,
    Unverified,
    inclusion_proof,
    root_at,
)


def _nothing(step: str) -> None:
    """Nobody follows the steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerHealth:
    """`unasked` are the witnesses that did not answer when the ledger was opened, so that nobody can say whether they
    know more than it does."""

    writer: WriterHealth
    publisher: PublisherHealth
    unasked: tuple[WitnessAnswer, ...]


class OpenLedger(Protocol):
    """What records acts, alone or with others: `Ledger`, or a gate's share of one (`SharedLedger`)."""

    folder: LedgerFolder

    def append(self, act: Act) -> Future[Receipt]: ...

    def start(self) -> None: ...

    def publish(self) -> PublisherHealth: ...

    def witnessed(self, receipt: Receipt) -> bool: ...

    def reload(self) -> None: ...

    def health(self) -> LedgerHealth: ...

    def close(self) -> None: ...


class Ledger:
    """One process's hold on a ledger. Any number of threads may append."""

    def __init__(
        self,
        folder: LedgerFolder,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[int], bytes] = secrets.token_bytes,
        step: Callable[[str], None] = _nothing,
        client: WitnessClient | None = None,
        old_keys: bool = False,
        seat: int | None = None,
    ) -> None:
        """`seat` is the epoch of the writer's seat that the caller holds, where several may write. Raises `StoreError`
        if the stores cannot be opened or do not add up, `Overtaken` if this is not the newest history."""
        self.folder = folder
        self._closed = False
        self._client = client or WitnessClient()
        self._witnesses = Witnesses(folder.policy, self._client, timeout=folder.settings.witness_timeout)
        try:
            given = {} if seat is None else {"seat": seat}
            self._state = state = LedgerState(folder, clock=clock, chance=chance, step=step, old_keys=old_keys, **given)
            try:
                state.load()
                self._unasked = _agreed(folder, self._witnesses)
                self._publisher = Publisher(
                    folder,
                    self._witnesses,
                    clock=clock,
                    step=step,
                    newest=lambda: state.newest,
                    contradicted=lambda reason: self._writer.stop(reason),
                )
                self._writer = Writer(state, folder.settings, monotonic=monotonic, chance=chance)
            except BaseException:
                state.close()
                raise
        except BaseException:
            self._witnesses.close()
            self._client.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, act: Act) -> Future[Receipt]:
        """Ask for an act to be recorded; see `Writer.append`. The receipt says that it is durable, not yet that it is
        witnessed."""
        return self._writer.append(act)

    def start(self) -> None:
        """Publish from now on, as often as the settings say."""
        self._publisher.start(self.folder.settings.publish)

    def publish(self) -> PublisherHealth:
        """Have the newest checkpoint cosigned and published now."""
        return self._publisher.publish()

    def witnessed(self, receipt: Receipt) -> bool:
        """Whether what a receipt is for lies in a published checkpoint, cosigned as the policy asks."""
        ours = receipt.origin == self.folder.settings.origin
        return ours and receipt.first + len(receipt.leaves) <= self._publisher.health().published

    def reload(self) -> None:
        """Look at the stores again after a stop. Raises `StoreError` if they still do not add up."""
        self._writer.reload()

    def health(self) -> LedgerHealth:
        return LedgerHealth(writer=self._writer.health(), publisher=self._publisher.health(), unasked=self._unasked)

    def close(self) -> None:
        """Record what waits, publish it, and let go. Once closed it stays so."""
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        self._publisher.publish()
        # The stores' writing connections go last: they empty the write-ahead logs into the files, and nothing else
        # does.
        self._publisher.close()
        self._state.close()
        self._witnesses.close()
        self._client.close()


def open_ledger(path: Path) -> Ledger:
    """Open the ledger in the folder at `path` for writing. Raises `StoreError`."""
    return Ledger(read_ledger_folder(path))


def prove_entry(folder: LedgerFolder, index: int) -> tuple[bytes, TlogProof]:
    """An entry and its proof of inclusion in the newest published checkpoint.

    Raises `StoreError`, and `Unverified` if that checkpoint does not hold the entry yet.
    """
    note = open_public(folder).published()
    size = Checkpoint.parse(note.text).size if note else 0
    if note is None or index >= size:
        raise Unverified(f"entry {index} is not in a published checkpoint yet: the newest has {size} entries")
    with open_log(folder) as log:
        (leaf,) = log.leaves(index, index + 1)
        hashes = inclusion_proof(index, size, log_nodes(log, size))
    return leaf, TlogProof(index=index, hashes=hashes, checkpoint=note, extra=None)


def _agreed(folder: LedgerFolder, witnesses: Witnesses) -> tuple[WitnessAnswer, ...]:
    """That nothing published and no witness knows another history. Gives the witnesses that left it open."""
    with open_log(folder) as log:
        state = log.state()
        node = log_nodes(log, state.size)
        published = _published(folder)
        if published is not None:
            _agrees(folder, published, state.size, node)
        proven, answers = witnesses.contradiction(Note.parse(state.note), state.edge, node, shown=published)
        if proven is not None:
            raise Overtaken(f"{folder.log}: {proven}; restore what is missing, and never sign on from here")
    return tuple(answer for answer in answers if answer.problem is not None)


def _published(folder: LedgerFolder) -> Note | None:
    """What is published. A bucket that is away leaves it open: acts are recorded, and the publisher looks at what
    stands there before it writes."""
    try:
        return open_public(folder).published()
    except StorageFailed:
        if folder.bucket is None:
            raise
        return None


def _agrees(folder: LedgerFolder, published: Note, size: int, node: Node) -> None:
    try:
        checkpoint = Checkpoint.parse(published.text)
        signed = folder.policy.signed_by_log(published)
    except TlogError:
        return  # not ours: it is published afresh
    if not signed or checkpoint.origin != folder.settings.origin:
        return
    if checkpoint.size > size:
        raise Overtaken(
            f"{folder.log}: holds {size} entries, but a checkpoint of {checkpoint.size} is published in"
            f" {folder.public_name}: it was rolled back; restore what is missing, and never sign on from here"
        )
    if root_at(checkpoint.size, node) != checkpoint.root:
        raise Overtaken(
            f"{folder.log}: has another root than was published in {folder.public_name} at size {checkpoint.size}:"
            " there are two histories; keep both, and never sign on from here"
        )
