"""The front that the ledger has, for its peers: many ask, one thread records a batch, each is told when it is kept."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Protocol

from benchmarks.ledger_acts import Drawn


class Store(Protocol):
    def record(self, records: Sequence[bytes]) -> None: ...

    def close(self) -> None: ...


class GroupCommit:
    """Records in `store` at most `most` acts for each commit."""

    def __init__(self, store: Store, most: int) -> None:
        self._store, self._most = store, most
        self._queue: SimpleQueue[tuple[Drawn, Future[None]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def append(self, act: Drawn) -> Future[None]:
        future: Future[None] = Future()
        self._queue.put((act, future))
        return future

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()
        self._store.close()

    def _run(self) -> None:
        while (taken := self._queue.get()) is not None:
            batch, ended = [taken], False
            while len(batch) < self._most:
                try:
                    more = self._queue.get_nowait()
                except Empty:
                    break
                if more is None:
                    ended = True
                    break
                batch.append(more)
            self._record(batch)
            if ended:
                break

    def _record(self, batch: list[tuple[Drawn, Future[None]]]) -> None:
        try:
            self._store.record([act.spelled() for act, _ in batch])
        except BaseException as error:
            for _, future in batch:
                future.set_exception(error)
        else:
            for _, future in batch:
                future.set_result(None)
