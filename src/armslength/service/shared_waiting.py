"""The acts of this gate that have no answer yet, whether it writes them itself or has handed them over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress

from armslength.service.act import Act
from armslength.service.gate_row import Object
from armslength.service.ledger_failure import AppendError, Full, Late, Unsettled
from armslength.service.shared_act import Handed, Sealed, Turned
from armslength.service.shared_leading import Outcome
from armslength.tlog import Malformed, Receipt, TlogError

GIVEN_UP = 40.0
"""Seconds after which nobody waits for an act any more."""


class Outrun(AppendError):
    """Something else happened first, at another gate, to what an act was decided on: decide anew."""


class Waiting:
    """One act, asked for at `since` by the steady clock. `put`: it lies in the inbox, as `sealed`, since `put_at`;
    `sought`: the log was asked for it since."""

    def __init__(self, handed: Handed, now: float) -> None:
        self.handed, self.since = handed, now
        self.future: Future[Receipt] = Future()
        self.put = False
        self.put_at = 0.0
        self.sought = False
        self.sealed: Sealed | None = None

    def fail(self, error: Exception) -> None:
        with suppress(InvalidStateError):
            self.future.set_exception(error)


class WaitingActs:
    """For any number of threads."""

    def __init__(self, most: int, *, monotonic: Callable[[], float]) -> None:
        """`most` acts wait at a time."""
        self._most, self._monotonic = most, monotonic
        self._lock = threading.Lock()
        self._acts: dict[bytes, Waiting] = {}

    def __len__(self) -> int:
        return len(self._acts)

    def add(self, act: Act, seen: Mapping[Object, int]) -> Future[Receipt]:
        """The act's future; that of the same act where it waits already. Raises `Full`, and `Malformed` where another
        act waits under this id."""
        with self._lock:
            there = self._acts.get(act.id)
            if there is not None:
                if there.handed.act != act:
                    raise Malformed("this act id is used for another act")
                return there.future
            if len(self._acts) >= self._most:
                raise Full(f"{self._most} acts wait to be recorded")
            added = self._acts[act.id] = Waiting(Handed(act=act, seen=seen), self._monotonic())
            return added.future

    def all(self) -> list[Waiting]:
        """In the order in which they were added."""
        with self._lock:
            return list(self._acts.values())

    def done(self, act: bytes, outcome: Outcome) -> None:
        """What became of it; nothing where it waits no more."""
        with self._lock:
            waiting = self._acts.pop(act, None)
        if waiting is None:
            return
        match outcome:
            case Receipt():
                with suppress(InvalidStateError):
                    waiting.future.set_result(outcome)
            case Turned(why="raced", says=says):
                waiting.fail(Outrun(says))
            case Turned(why="late", says=says):
                waiting.fail(Late(says))
            case Turned(says=says):
                waiting.fail(TlogError(says))

    def give_up(self) -> None:
        """Tell those who have waited for too long that nobody knows."""
        now = self._monotonic()
        for waiting in self.all():
            if now - waiting.since > GIVEN_UP:
                with self._lock:
                    self._acts.pop(waiting.handed.act.id, None)
                waiting.fail(Unsettled("the ledger does not answer; ask again with the same act id"))

    def fail_all(self, error: Exception) -> None:
        """None of them waits any more."""
        with self._lock:
            left, self._acts = list(self._acts.values()), {}
        for waiting in left:
            waiting.fail(error)
