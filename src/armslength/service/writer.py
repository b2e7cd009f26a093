"""The writer: one thread that records what many ask for, a batch at a time.

Whoever appends waits for the disk once, together with everyone else of the batch. A receipt is given only after the
batch is in the log and the lock has moved on. A storage error makes the writer read its stores again; a second one in
a row, or a store that does not add up, stops it: it signs nothing more until `reload`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from armslength.ledger import Kind
from armslength.service.act import Act
from armslength.service.ledger_failure import Full, Stopped, Unsettled
from armslength.service.ledger_state import LedgerState
from armslength.store import LedgerSettings, LogState, StorageFailed, StoreError
from armslength.tlog import Receipt

PATIENCE = 2
"""Storage errors in a row after which the writer stops: a log lost in the field had two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterHealth:
    """How the writer is. `stopped` says why it records nothing, and is None while it does; `failures` are the storage
    errors since the last batch that went through."""

    size: int
    waiting: int
    recorded: int
    batches: int
    failures: int
    stopped: str | None


class _Reload:
    """Asks the writer's thread to read its stores again."""

    def __init__(self) -> None:
        self.done: Future[None] = Future()


class _Close:
    """Asks it to record what waits, and end."""


_Waiting = tuple[Act, "Future[Receipt]"]


class Writer:
    """Has a loaded `LedgerState` to itself until it is closed; its thread is the only one that touches it."""

    def __init__(
        self,
        state: LedgerState,
        settings: LedgerSettings,
        *,
        monotonic: Callable[[], float],
        chance: Callable[[int], bytes],
    ) -> None:
        self._state, self._settings, self._monotonic, self._chance = state, settings, monotonic, chance
        self._queue: SimpleQueue[_Waiting | _Reload | _Close] = SimpleQueue()
        self._next: _Waiting | _Reload | _Close | None = None
        self._stopped: str | None = None
        self._proven = False
        self._gate = threading.Lock()
        """Held while something is put into the queue, so that nothing is put there after its thread has ended."""
        self._ended = False
        self._recorded = self._batches = self._failures = 0
        self._size = state.size
        self._headed = self._beaten = monotonic()
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def append(self, act: Act) -> Future[Receipt]:
        """Ask for an act to be recorded. The future gives its receipt, or raises `Unsettled`, `Stopped`, or the
        `TlogError` that says what is wrong with the act.

        Raises `Full` and `Stopped` at once.
        """
        with self._gate:
            if self._stopped is not None or self._ended:
                raise Stopped(self._stopped or "the ledger is closed")
            if self._queue.qsize() >= self._settings.queue:
                raise Full(f"{self._settings.queue} acts wait to be recorded")
            future: Future[Receipt] = Future()
            self._queue.put((act, future))
            return future

    def newest(self) -> LogState:
        """The newest checkpoint that may be shown."""
        return self._state.newest

    def health(self) -> WriterHealth:
        return WriterHealth(
            size=self._size,
            waiting=self._queue.qsize(),
            recorded=self._recorded,
            batches=self._batches,
            failures=self._failures,
            stopped=self._stopped,
        )

    def stop(self, reason: str) -> None:
        """Sign nothing more: a witness proved that this log disagrees with what was signed. Only opening the ledger
        again, which asks the witnesses, ends that."""
        self._proven = True
        if self._stopped is None:
            self._stopped = reason

    def reload(self) -> None:
        """Read the stores again and go on. Raises `StoreError` if they still do not add up, and `Stopped` where that
        is not enough."""
        asked = _Reload()
        with self._gate:
            if self._ended or self._proven:
                raise Stopped(self._stopped or "the ledger is closed")
            self._queue.put(asked)
        asked.done.result()

    def close(self) -> None:
        """Record what waits, then end the thread. The stores stay open: they are whoever opened them to close."""
        with self._gate:
            if not self._ended:
                self._ended = True
                self._queue.put(_Close())
        self._thread.join()

    # The thread

    def _run(self) -> None:
        try:
            while True:
                taken = self._take()
                if isinstance(taken, _Close):
                    break
                if isinstance(taken, _Reload):
                    self._reload(taken)
                elif taken or self._due():
                    self._record(taken)
            if self._stopped is None:
                self._record([], last=True)
        except BaseException as error:
            self._stopped = f"{type(error).__name__}: {error}"
            raise
        finally:
            with self._gate:
                self._ended = True
            self._refuse(self._claimed(self._drained()), Stopped(self._stopped or "the ledger is closed"))

    def _take(self) -> list[_Waiting] | _Reload | _Close:
        """What to do next: the acts that wait, up to a batch of them; none if something falls due first. An erasure
        is a batch of its own."""
        first = self._next or self._wait()
        self._next = None
        if first is None:
            return []
        if not isinstance(first, tuple):
            return first
        batch = [first]
        if first[0].kind is Kind.ERASURE:
            return batch
        while len(batch) < self._settings.batch:
            try:
                more = self._queue.get_nowait()
            except Empty:
                break
            if not isinstance(more, tuple) or more[0].kind is Kind.ERASURE:
                self._next = more
                break
            batch.append(more)
        return batch

    def _wait(self) -> _Waiting | _Reload | _Close | None:
        if self._queue.empty() and self._stopped is None:
            self._state.settle()
        try:
            return self._queue.get(timeout=self._rest())
        except Empty:
            return None

    def _rest(self) -> float | None:
        """Seconds until a map head or a heartbeat falls due; None if neither does."""
        if self._stopped is not None:
            return None
        now = self._monotonic()
        rests = []
        if self._state.unmapped:
            rests.append(self._headed + self._settings.epoch - now)
        if self._settings.heartbeat:
            rests.append(self._beaten + self._settings.heartbeat - now)
        return max(0.0, min(rests)) if rests else None

    def _due(self) -> bool:
        rest = self._rest()
        return rest is not None and rest <= 0

    def _record(self, waiting: Sequence[_Waiting], *, last: bool = False) -> None:
        """Record a batch, with a heartbeat and a map head as they fall due."""
        waiting = self._claimed(waiting)
        if self._stopped is not None:
            self._refuse(waiting, Stopped(self._stopped))
            return
        now = self._monotonic()
        acts = [act for act, _ in waiting]
        silent = bool(self._settings.heartbeat) and now >= self._beaten + self._settings.heartbeat
        if not acts and silent and not last:
            acts = [Act(id=self._chance(16), kind=Kind.HEARTBEAT, fields={"entries": self._state.size})]
        head = last or now >= self._headed + self._settings.epoch
        before = self._state.size
        try:
            outcomes = self._state.commit(acts, map_head=head)
        except StoreError as error:
            self._failed(waiting, error)
            return
        except BaseException as error:
            # A fault of this program. What is in memory cannot be trusted to be what is on the disk.
            self._stopped = f"{type(error).__name__}: {error}"
            self._refuse(waiting, Unsettled(self._stopped))
            return
        self._failures = 0
        self._batches += 1
        self._size = self._state.size
        if self._state.size > before:  # repeats and refusals are no sign of life
            self._beaten = now
        if head:
            self._headed = now
        for (_, future), outcome in zip(waiting, outcomes, strict=False):
            if isinstance(outcome, Receipt):
                self._recorded += 1
                future.set_result(outcome)
            else:
                future.set_exception(outcome)

    def _failed(self, waiting: Sequence[_Waiting], error: StoreError) -> None:
        """A batch failed in a store: it is there or not. Look again, once."""
        self._failures += 1
        self._look(error)
        self._refuse(waiting, Unsettled(f"{error}; ask again with the same act id"))

    def _look(self, error: StoreError) -> None:
        if not isinstance(error, StorageFailed):
            self._stopped = str(error)
        elif self._failures >= PATIENCE:
            self._stopped = f"{self._failures} storage errors in a row, the last: {error}"
        else:
            try:
                self._state.load()
                self._size = self._state.size
            except StoreError as again:
                self._failures += 1
                self._look(again)
            except Exception as fault:
                self._stopped = f"{type(fault).__name__}: {fault}"

    def _reload(self, asked: _Reload) -> None:
        try:
            self._state.load()
        except BaseException as error:
            asked.done.set_exception(error)
            return
        self._failures, self._size = 0, self._state.size
        if not self._proven:
            self._stopped = None
        asked.done.set_result(None)

    def _drained(self) -> list[_Waiting]:
        left = [self._next] if isinstance(self._next, tuple) else []
        while not self._queue.empty():
            more = self._queue.get()
            if isinstance(more, tuple):
                left.append(more)
            elif isinstance(more, _Reload):
                more.done.set_exception(Stopped("the ledger is closed"))
        return left

    @staticmethod
    def _claimed(waiting: Sequence[_Waiting]) -> list[_Waiting]:
        """Those whose callers still wait. From here on they can no longer cancel: what is recorded is answered."""
        return [each for each in waiting if each[1].set_running_or_notify_cancel()]

    @staticmethod
    def _refuse(waiting: Sequence[_Waiting], error: Exception) -> None:
        for _, future in waiting:
            future.set_exception(error)
