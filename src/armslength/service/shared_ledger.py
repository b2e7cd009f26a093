"""A ledger that several gates share: its stores are in PostgreSQL, one gate at a time writes, and the others hand it
their acts.

To its gate it is a ledger like any other. A thread looks after it: it follows what is new in the log, takes the
writer's seat when that is free or its holder has fallen silent, records what all gates ask for while it holds the seat,
and hands over its own gate's acts while it does not. A gate that does not reach the stores is cut off: it records
nothing, and says so.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from armslength.gate import State, Tampered
from armslength.service.act import Act
from armslength.service.gate_clock import machine_seconds
from armslength.service.gate_row import Object
from armslength.service.ledger import Ledger, LedgerHealth
from armslength.service.ledger_failure import AppendError, Stopped, Unsettled
from armslength.service.publisher import PublisherHealth
from armslength.service.shared_act import Sealer
from armslength.service.shared_beating import AGREE, OPENS, Beating
from armslength.service.shared_following import Following
from armslength.service.shared_handing import Handing
from armslength.service.shared_leading import Leading
from armslength.service.shared_publication import Publication
from armslength.service.shared_waiting import WaitingActs
from armslength.service.writer import WriterHealth
from armslength.store import (
    Damaged,
    Held,
    LedgerFolder,
    Overtaken,
    Seat,
    StorageFailed,
    StoreError,
    Wakeups,
    open_log,
    read_lock,
)
from armslength.tlog import Malformed, Receipt, TlogError

QUICK, SLOW = 0.005, 0.05
"""Seconds between two looks, while acts of this gate wait and while none do; whatever is notified is looked at at
once."""
LISTENS = 0.5
SILENT = 3.0
"""Seconds of silence after which another gate takes the writer's seat."""
CUT = 3.0
"""Seconds without the stores, or without a word of the gate that writes, after which a gate is cut off and records
nothing."""
FIRST = 5.0
"""Seconds that a start waits until it is known whether this gate has all that there is."""
LONG = 86_400.0


class Follower(Protocol):
    """What takes in what is new in the log: the gate's book."""

    state: State

    def follow(self) -> None:
        """Raises `StoreError`, `Tampered`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedHealth:
    """`holder` is the site that holds the writer's seat, None if nobody does; `leads`: this one. `cut` is for how many
    seconds the stores were not reached, `handed` how many acts of this gate wait, `problem` what is wrong. `apart`: how
    many refusals and ends of leases stand on this gate's own disk until they can be recorded."""

    site: str
    holder: str | None
    leads: bool
    cut: float
    handed: int
    problem: str | None
    apart: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Promise:
    """At `since`, a moment of the steady clock, the log had `size` entries; `lock` is what the lock said after it."""

    since: float
    size: int
    lock: Held | None = None


class _Untrue(Exception):
    """The log is not what was signed, or holds what no gate writes."""


class SharedLedger:
    """One gate's share of a ledger. Any number of threads may append."""

    def __init__(
        self,
        folder: LedgerFolder,
        *,
        site: str,
        row_key: bytes,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] | None = None,
        monotonic: Callable[[], float] = machine_seconds,
        chance: Callable[[int], bytes] = secrets.token_bytes,
        step: Callable[[str], None] = lambda step: None,
    ) -> None:
        """`site` is the gate's name among the others, `row_key` the secret that they share. `steady` is a clock that
        nobody sets, None where `clock` is believed, as where a test sets it: otherwise it is compared with the
        database's. Raises `StoreError` where the stores cannot be reached."""
        self.folder, self.site = folder, site
        me = f"{site}/{chance(8).hex()}"  # another process of the same name is another
        self._clock, self._monotonic, self._chance, self._step = clock, monotonic, chance, step
        self._compares = steady is not None
        self._sealer = Sealer(row_key)
        self._leading: Leading | None = None
        self.following = Following(folder)
        self._waiting = WaitingActs(folder.settings.queue, monotonic=monotonic)
        self._handing = Handing(
            folder,
            site,
            self._sealer,
            self._waiting,
            following=self.following,
            clock=clock,
            chance=chance,
            monotonic=monotonic,
        )
        try:
            self._beating = Beating(
                Seat(folder),
                me,
                silent=SILENT,
                pledge=self._pledge,
                lock=lambda: read_lock(folder),
                steady=monotonic,
                clock=clock if self._compares else None,
            )
        except BaseException:
            self._handing.close()
            raise
        self._follower: Follower | None = None
        self._publishes = False
        self._publication = Publication(folder, monotonic=monotonic)
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        self._confirmed, self._confirmed_at = monotonic() - LONG, clock() - LONG
        """When it was last known that this gate has all that there is, by both clocks."""
        self._first = threading.Event()
        self._problem: str | None = None
        self._refused: str | None = None
        """Why nothing is recorded until somebody looked: the log is not what was signed."""
        self._recorded = self._failures = 0

    def size(self) -> int:
        """Of the log as it is said to be, which nobody proved yet. Raises `StoreError`."""
        with open_log(self.folder) as log:
            return log.head()[0]

    def attach(self, follower: Follower) -> None:
        """From here on the thread looks after it."""
        self._follower = follower
        self._threads = [
            threading.Thread(target=self._run, name="shared-ledger", daemon=True),
            threading.Thread(target=self._listen, name="shared-ledger-listening", daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        self._first.wait(FIRST)

    # As a ledger

    def append(self, act: Act, seen: Mapping[Object, int] | None = None) -> Future[Receipt]:
        """As `Ledger.append`; `seen` are the versions of the objects that it was decided on. The future may raise
        `Outrun` as well. Raises `Stopped` where nothing can be recorded."""
        if (stopped := self.stopped()) is not None:
            raise Stopped(stopped)
        try:
            future = self._waiting.add(act, seen or {})
        except Malformed as error:
            future = Future()
            future.set_exception(error)
        self._wake.set()
        return future

    def start(self) -> None:
        """Publish while it leads."""
        self._publishes = True
        if (leading := self._leading) is not None:
            leading.ledger.start()

    def publish(self) -> PublisherHealth:
        """Have the newest checkpoint published, if this gate leads."""
        leading = self._leading
        return self._publication.health(self.following.size) if leading is None else leading.ledger.publish()

    def witnessed(self, receipt: Receipt) -> bool:
        """As `Ledger.witnessed`."""
        ours = receipt.origin == self.folder.settings.origin
        return ours and receipt.first + len(receipt.leaves) <= self._published()

    def _published(self) -> int:
        leading = self._leading
        return self._publication.size if leading is None else leading.ledger.health().publisher.published

    def reload(self) -> None:
        """Look again. Raises `StoreError` where that is of no use."""
        if self._refused is not None:
            raise Overtaken(self._refused)
        self._wake.set()

    def health(self) -> LedgerHealth:
        leading = self._leading
        if leading is not None:
            found = leading.ledger.health()
            writer, publisher, unasked = found.writer, found.publisher, found.unasked
        else:
            writer, publisher, unasked = None, self._publication.health(self.following.size), ()
        stopped = self.stopped()
        return LedgerHealth(
            writer=WriterHealth(
                size=self.following.size,
                waiting=len(self._waiting),
                recorded=self._recorded,
                batches=0 if writer is None else writer.batches,
                failures=self._failures,
                stopped=stopped,
            ),
            publisher=publisher,
            unasked=unasked,
        )

    def shared(self) -> SharedHealth:
        return SharedHealth(
            site=self.site,
            holder=None if (holder := self._beating.holder) is None else holder.split("/")[0],
            leads=self.leads,
            cut=self.cut,
            handed=len(self._waiting),
            problem=self._refused or self._problem,
        )

    def close(self) -> None:
        """Let go of the seat, so that another gate takes it at once. Once closed it stays so."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._wake.set()
        for thread in self._threads:
            thread.join()
        self._step_down(wait=True)
        self._beating.close()
        self._handing.close()
        self._waiting.fail_all(Stopped("the ledger is closed"))

    # How it is

    @property
    def leads(self) -> bool:
        """Whether this gate holds the writer's seat, as far as it knows."""
        return self._leading is not None

    @property
    def cut(self) -> float:
        """Seconds since the stores were last reached and everything in them was taken in. A machine that slept may
        have counted them on one clock only."""
        slept = self._clock() - self._confirmed_at if self._compares else 0.0
        return max(0.0, self._monotonic() - self._confirmed, slept)

    def stopped(self) -> str | None:
        """Why nothing is recorded; None: it is."""
        if self._refused is not None:
            return self._refused
        if self._closed.is_set():
            return "the ledger is closed"
        if not self._first.is_set():
            return f"it is not known yet whether this gate has all that was recorded: {self._problem or 'no answer'}"
        if self.cut > CUT:
            return f"this gate is cut off from the others since {int(self.cut)} seconds: {self._problem or 'no answer'}"
        return None

    # The thread

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.clear()
            busy = False
            try:
                busy = self._once()
            except Exception as error:
                self._failed(error)
            if not busy:
                self._wake.wait(QUICK if self._waiting else SLOW)

    def _listen(self) -> None:
        """Look at once when another gate did something. Without it, what is new is found a little later."""
        wakeups: Wakeups | None = None
        while not self._closed.is_set():
            try:
                wakeups = wakeups or Wakeups(self.folder)
                if wakeups.wait(LISTENS):
                    self._wake.set()
            except StoreError:
                self._closed.wait(LISTENS)
        if wakeups is not None:
            wakeups.close()

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        self._problem = (
            str(error) if isinstance(error, StoreError | AppendError) else f"{type(error).__name__}: {error}"
        )
        if isinstance(error, _Untrue):
            self._refused = str(error)
        if isinstance(error, _Untrue | Stopped | Unsettled) or not self._beating.holds:
            self._step_down(wait=False)
        self._waiting.give_up()
        self._closed.wait(SLOW * 5)

    def _once(self) -> bool:
        """One look. Whether there is more to do at once."""
        assert self._follower is not None
        self._beating.alive()
        if not self._beating.agrees:
            self._step_down(wait=False)
            self._beating.pledged()
            raise StorageFailed(
                f"this gate's clock differs from that of the ledger's database by {self._beating.off:+.0f} seconds"
            )
        if (leading := self._leading) is not None:
            stopped = leading.ledger.health().writer.stopped
            if stopped is not None or not self._beating.holds:
                self._step_down(wait=False)
        if self._leading is None and not self._closed.is_set() and (epoch := self._beating.wanted()) is not None:
            self._step_up(epoch)
        more = False
        if self._leading is not None:
            outcomes, more = self._handing.record_all(self._leading, self._follower.state, self._follow_own)
            self._recorded += sum(isinstance(each, Receipt) for each in outcomes)
        else:
            self._handing.hand_over()
        promise = self._promised()
        self._follow()
        self._confirm(promise)
        self._handing.settle(self.following.size)
        self._waiting.give_up()
        return more

    def _follow(self) -> None:
        assert self._follower is not None
        try:
            self._follower.follow()
        except (Damaged, Overtaken, Tampered) as error:
            raise _Untrue(str(error)) from error

    def _pledge(self) -> bytes:
        """What this gate tells the others while it holds the seat: how far the log goes, and when that was so."""
        leading = self._leading
        if leading is None:
            return b""  # the ledger is still being opened
        return self._sealer.seal_pledge(leading.ledger.health().writer.size, int(1000 * self._clock()))

    def _follow_own(self) -> None:
        """Follow, up to what this gate has written itself."""
        self._follow()
        leading = self._leading
        if leading is not None and self.following.size < (size := leading.ledger.health().writer.size):
            raise StorageFailed(f"the log shows {self.following.size} entries, but {size} were written")

    def _promised(self) -> _Promise | None:
        """What the gate that writes promises before this one follows; None: nothing that counts. That the database
        shows nothing more proves nothing: it may be held at what was once true. So whoever writes pledges how far the
        log goes, and itself asks the lock."""
        if (leading := self._leading) is not None:
            proof = self._beating.proof
            if proof is None:
                return None
            return _Promise(since=proof.since, size=leading.ledger.health().writer.size, lock=proof.lock)
        now = self._monotonic()
        pledged = self._sealer.open_pledge(self._beating.pledged())
        if pledged is None:
            return None
        size, milliseconds = pledged
        age = self._clock() - milliseconds / 1000
        return None if age < -AGREE else _Promise(since=now - max(0.0, age - AGREE), size=size)

    def _confirm(self, promise: _Promise | None) -> None:
        """After following: whether all that was promised is taken in."""
        size, lock = self.following.size, None if promise is None else promise.lock
        if promise is None or promise.size > size or (lock is not None and lock.size > size):
            self._problem = "nothing new of the gate that writes"
            return
        if lock is not None and lock.size == size and lock.root != self.following.root:
            raise _Untrue(f"{self.folder.path}: another root than the one signed at size {size}")
        if promise.since > self._confirmed:
            self._confirmed_at = self._clock() - (self._monotonic() - promise.since)
            self._confirmed, self._problem = promise.since, None
            if self.cut <= CUT:
                self._first.set()

    def _step_up(self, epoch: int) -> None:
        self._beating.alive(OPENS)
        try:
            ledger = Ledger(
                self.folder,
                seat=epoch,
                clock=self._clock,
                monotonic=self._monotonic,
                chance=self._chance,
                step=self._step,
            )
        except BaseException:
            self._beating.leave()
            raise
        self._leading = Leading(ledger, epoch)
        self._beating.hurry()
        if self._publishes:
            ledger.start()

    def _step_down(self, *, wait: bool) -> None:
        leading, self._leading = self._leading, None
        if leading is None:
            return
        for waiting in self._waiting.all():
            waiting.put = False

        def close() -> None:
            with suppress(StoreError, AppendError, TlogError):
                leading.close()

        if wait:
            close()
            self._beating.leave()
        else:
            self._beating.leave()
            # Its stores may not answer for a while; what it still tries to write is refused for its epoch.
            threading.Thread(target=close, name="shared-ledger-leaving", daemon=True).start()
