"""A ledger that is open for writing: its stores, its state, and the one way in which either changes.

The order of a commit, and what a crash after each step leaves:

    signed      nothing: the checkpoint is in memory only
    keys        keys and openings of records that no log has; they open nothing
    log         the batch, whole; the lock is behind, and the next start moves it on
    lock        everything; only the answer is missing, and asking again with the same act id gives it
    erased      an erasure's record is there and the erasure is done; before this step the next start does it

`load` is how a ledger starts and how it goes on after a storage error: both read the stores again and trust no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from armslength.ledger import Batch, Kind, Placed, Sealed
from armslength.service.act import Act
from armslength.service.ledger_erasing import obey
from armslength.service.ledger_loading import check_keys, check_lock, check_note, replayed
from armslength.service.ledger_preparing import Preparation, Prepared, Preparing, Recorded, Repeated
from armslength.store import Damaged, Held, LedgerFolder, LogBatch, LogState, Openings, open_keys, open_lock, open_log
from armslength.tlog import Checkpoint, Edge, Note, Receipt, Tiling, TlogError, leaf_hash, sign_note

Outcome = Receipt | Exception
"""What became of one act of a batch: an exception where this act was refused and the others were not."""

UNSETTLED = 64
"""Customers that the map may lag behind by while nobody waits: to catch up on so many takes about 2 ms."""


class LedgerState:
    """The stores of a ledger, held by this process alone, and its journal. For one thread at a time."""

    def __init__(
        self,
        folder: LedgerFolder,
        *,
        clock: Callable[[], float],
        chance: Callable[[int], bytes],
        step: Callable[[str], None],
        old_keys: bool = False,
        seat: int | None = None,
    ) -> None:
        """`clock` in POSIX seconds; `chance` gives random bytes fit for keys; `step` is told the name of each step of
        a commit when it is done; `old_keys` goes on with a store of keys that is behind the log; `seat` is the epoch
        under which this process writes, where gates share the log. Raises `StoreError`, `Overtaken` where another
        process writes."""
        self._folder, self._clock, self._chance, self._step = folder, clock, chance, step
        self._old_keys = old_keys
        self._lock = open_lock(folder, seated=seat is not None)
        try:
            self._log = open_log(folder, writing=True, seat=seat)
            try:
                self._keys = open_keys(folder, writing=True, seat=self._log.seat)
            except BaseException:
                self._log.close()
                raise
        except BaseException:
            self._lock.close()
            raise
        self._stamp = 0

    def close(self) -> None:
        self._log.close()
        self._keys.close()
        self._lock.close()

    @property
    def size(self) -> int:
        return self._journal.size

    @property
    def edge(self) -> Edge:
        return self._journal.edge

    @property
    def newest(self) -> LogState:
        """The newest checkpoint that may be shown: the lock knows it. One that the lock refused stands in the log's
        database of the writer that lost, and is another history."""
        return self._newest

    @property
    def held(self) -> Held:
        """Where the lock is."""
        return self._before

    @property
    def time(self) -> int:
        """The newest entry's, in POSIX seconds."""
        return self._journal.time

    @property
    def unmapped(self) -> bool:
        """Whether there are records that no map head covers."""
        return self._journal.unmapped

    def load(self) -> None:
        """Take the state from the stores.

        Raises `Overtaken` if the lock knows more than the log: it was rolled back, or another writer went on from
        here. Raises `Damaged` if the log does not add up, and then nothing is signed.
        """
        self._log.settle()  # or a batch that is not there could come back, its keys replaced
        state = self._log.state()
        self._stamp = max(self._stamp, check_note(self._folder, self._keys, state))
        check_keys(self._folder, self._keys, state, old_keys=self._old_keys)
        check_lock(self._folder, self._log, self._lock, state)
        journal = replayed(self._folder, self._log, state)
        self._tiling = Tiling.at(state.size, self._hashes, self._log.tile)
        self._journal = journal
        self._newest = state
        self._before = Held(size=state.size, root=state.edge.root())
        self._obey()

    def settle(self) -> None:
        """Do some of the next map head's work now, as nobody waits: with many customers it would hold up a batch."""
        self._journal.settle(beyond=UNSETTLED)

    def commit(self, acts: Sequence[Act], *, map_head: bool) -> list[Outcome]:
        """Record a batch of acts, durably, and a map head after them if asked for and there is something new. Gives
        each act's outcome. An erasure is a batch by itself, so that nothing is sealed under a key that it is about to
        destroy.

        Raises `StoreError` if the batch as a whole failed: it is in the log or not, and only `load` tells.
        """
        if len(acts) > 1 and any(act.kind is Kind.ERASURE for act in acts):
            raise ValueError("an erasure among other acts")
        preparing = Preparing(self._log, self._keys, size=self._journal.size, chance=self._chance)
        prepared = preparing.all(acts)
        fresh = [each for each in prepared if isinstance(each, Prepared)]
        drafts = [draft for each in fresh for draft in each.drafts]
        map_head = map_head and (bool(drafts) or self.unmapped)
        batch = self._journal.place(drafts, now=int(self._clock()), map_head=map_head)
        if batch.leaves:
            secrets = [sealed for each in fresh for sealed in each.sealed]
            state = self._signed(batch.edge, mapped=batch.mapped, time=batch.time)
            after = Held(size=batch.size, root=batch.edge.root())
            self._step("signed")
            self._keys.write(preparing.customers.values(), map(_openings, batch.records, secrets), size=batch.size)
            self._step("keys")
            self._log.write(
                LogBatch(
                    before=self._journal.edge,
                    after=state,
                    leaves=batch.leaves,
                    records=batch.records,
                    acts=_spans(fresh, batch.first),
                    erasures=tuple(
                        _openings(p, s)
                        for p, s in zip(batch.records, secrets, strict=True)
                        if p.record.kind is Kind.ERASURE
                    ),
                    payloads=tuple((p.index, s.box) for p, s in zip(batch.records, secrets, strict=True)),
                    tiles=tuple(self._tiling.extend(batch.hashes)),
                    heads=self._journal.moved(batch) if map_head else {},
                )
            )
            self._step("log")
            self._lock.advance(self._folder.settings.origin, before=self._before, after=after)
            self._step("lock")
            self._journal.adopt(batch)
            self._newest = state
            self._before = after
            if any(placed.record.kind is Kind.ERASURE for placed in batch.records):
                self._obey()
                self._step("erased")
        return self._outcomes(acts, prepared, batch)

    # Of a commit

    def _signed(self, edge: Edge, *, mapped: int, time: int) -> LogState:
        """The checkpoint of an edge, signed by every key. A clock that stepped back does not take the time signed
        with it."""
        text = Checkpoint(origin=self._folder.settings.origin, size=edge.size, root=edge.root()).format()
        self._stamp = max(self._stamp, int(self._clock()))
        signatures = [
            sign_note(text, key, timestamp=self._stamp if key.algorithm.timestamped else None)
            for key in self._folder.signers
        ]
        note = Note(text=text, signatures=tuple(signatures)).format()
        return LogState(origin=self._folder.settings.origin, edge=edge, note=note, mapped=mapped, time=time)

    def _receipt(self, act: Act, *, first: int, leaves: tuple[bytes, ...]) -> Receipt:
        return Receipt(
            origin=self._folder.settings.origin,
            act=act.id,
            first=first,
            leaves=leaves,
            size=self._journal.size,
            _durable=Receipt.DURABLE,
        )

    def _outcomes(self, acts: Sequence[Act], prepared: Sequence[Preparation], batch: Batch) -> list[Outcome]:
        outcomes: list[Outcome] = []
        at = 0
        for act, each in zip(acts, prepared, strict=True):
            match each:
                case Prepared(drafts=drafts):
                    leaves = batch.hashes[at : at + len(drafts)]
                    outcomes.append(self._receipt(act, first=batch.first + at, leaves=leaves))
                    at += len(drafts)
                case Recorded(first=first, leaves=leaves):
                    outcomes.append(self._receipt(act, first=first, leaves=leaves))
                case Repeated(place=place):
                    outcomes.append(outcomes[place])
                case TlogError():
                    outcomes.append(each)
        return outcomes

    def _obey(self) -> None:
        try:
            obey(self._log, self._keys, size=self._journal.size, chance=self._chance)
        except TlogError as error:
            raise Damaged(f"{self._folder.keys}: {error}") from None

    def _hashes(self, first: int, until: int) -> list[bytes]:
        return [leaf_hash(leaf) for leaf in self._log.leaves(first, until)]


def _openings(placed: Placed, sealed: Sealed) -> Openings:
    return Openings(
        index=placed.index,
        commitment=sealed.commitment,
        wrapped=sealed.wrapped,
        openings=sealed.kept,
    )


def _spans(prepared: Sequence[Prepared], first: int) -> tuple[tuple[bytes, int, int], ...]:
    """(act, first index, number of leaves) of each."""
    spans = []
    for each in prepared:
        spans.append((each.drafts[0].act, first, len(each.drafts)))
        first += len(each.drafts)
    return tuple(spans)
