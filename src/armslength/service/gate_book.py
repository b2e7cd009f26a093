"""The gate's book: its state, the rows that copy it, and the one way in which either changes.

An operation holds the objects that it is about (`holding`), decides on the state, and calls `record`. The order of a
record, and what a crash after each step leaves:

    claimed     the rows say which act is under way on them; no ledger has it, so the next start drops the claim
    recorded    the act, whole, in the ledger; the next start folds it in and writes the rows, as if it were now
    taken       the same: the state is in memory only
    written     everything; only the answer is missing

Before the claim each row is compared with what the ledger says of it. One that differs is a `Tampered`: nothing is
decided, a finding is recorded, and it stays so until a start has written the row again.

What only takes away (`TAKES_AWAY`) needs neither: it is decided on the state alone, and recorded whatever the rows say
and whether the database answers or not. Its rows are written after it, or left behind; nothing is given on them before.

INVARIANT: the state takes events in the order of the ledger. Whoever appends stands in a queue in that order, and an
append of which nobody knows whether it took effect is looked up in the ledger before anything else is taken.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass

from armslength.gate import (
    Adopted,
    Changed,
    Conflict,
    Erased,
    Event,
    Ignored,
    KeyRevoked,
    Leased,
    LeaseId,
    LeaseTerms,
    Left,
    Moment,
    PersonId,
    Rejected,
    Request,
    State,
    Tampered,
    Used,
    Why,
)
from armslength.ledger import Kind
from armslength.service.act import Act
from armslength.service.gate_copies import Copies
from armslength.service.gate_failure import Unavailable
from armslength.service.gate_holdings import Holdings
from armslength.service.gate_notice import Concerned, notices
from armslength.service.gate_record import act_of, takes_away
from armslength.service.gate_replay import replay
from armslength.service.gate_row import KINDS, Object, of_lease, of_request
from armslength.service.gate_time import Time
from armslength.service.gate_uses import RecentUses
from armslength.service.ledger import OpenLedger
from armslength.service.ledger_failure import AppendError, Stopped, Unsettled
from armslength.service.shared_ledger import SharedHealth
from armslength.store import GateDatabase, GateTables, StoreError
from armslength.tlog import Receipt, TlogError

Step = Callable[[str], None]

PATIENCE = 20.0
"""Seconds to wait for the ledger."""
NOTHING = "the ledger records nothing now, so nothing is allowed"
DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event that is durable: the receipt of its record, and what it changed."""

    receipt: Receipt
    outcome: Changed | Ignored


class Sent:
    """An append that is under way."""

    def __init__(self, act: Act, event: Event, objects: Sequence[Object] | None = None) -> None:
        """`objects`: what it was decided on; None: nobody waits for it."""
        self.act, self.event, self.objects = act, event, objects
        self.future: Future[Receipt] = Future()
        self.outcome: Recorded | Exception | None = None


class Book:
    """For any number of threads. `copies` are its rows."""

    def __init__(
        self,
        *,
        database: GateDatabase,
        ledger: OpenLedger,
        state: State,
        adopted: int,
        verify: Callable[[Event | Erased, State], str | None],
        clock: Callable[[], float],
        steady: Callable[[], float] | None = None,
        step: Step,
    ) -> None:
        """`adopted`: when the estate of the state was, in POSIX seconds. `verify` says why an event that is read back
        from the ledger does not hold; None: it does. `steady` is a clock that nobody sets, with which `clock` has to
        keep pace; None: it is believed."""
        self.ledger, self.state, self.adopted = ledger, state, adopted
        self._verify, self._step = verify, step
        self._time = Time(clock, steady, since=state.time)
        self.holding = Holdings().holding
        """Alone on objects."""
        self._order = threading.RLock()
        """Held while an act is put into the ledger's queue and ours, so that both have one order."""
        self._sent: deque[Sent] = deque()
        self._lingering: list[Future[Receipt]] = []
        """Appends that had no answer when the ledger was last looked at."""
        self._taking = threading.Lock()
        """Held while events are taken in."""
        self.reading = threading.RLock()
        """Held while the state changes, and by whoever reads several things of it as of one moment."""
        self.files: str | None = None
        """Which files make the estate that holds, as its adoption says; None: it does not say."""
        self.turns = 0
        """How often something happened by which a live lease may be one that does not hold any more."""
        self.given: deque[LeaseId] = deque()
        """Leases that were given since somebody last took them from here."""
        self.unfinished = True
        """Whether a lease may be there that has still to be ended, or a change that has still to be adopted."""
        self.revoked_elsewhere = False
        """Whether another gate revoked a passkey since somebody last looked here: more may have to end with it."""
        self.left_elsewhere: deque[PersonId] = deque()
        """Who left, as another gate recorded, since somebody last took them from here."""
        self.concerned: Concerned = lambda terms: ()
        self._gone: set[Object] = set()
        """Objects that were let go of, whose rows have still to be dropped."""
        self._unsettled: str | None = None
        self.unsound: dict[str, str] = {}
        """What was read back from the ledger and does not hold: where it is, and why."""
        self.uses = RecentUses()
        self.copies = Copies(database, state, reading=self.reading, finding=self.finding)

    def now(self) -> Moment:
        """As `Time.now`. Raises `Unavailable`."""
        return self._time.now()

    def dated(self) -> Moment:
        """The time, to date a record with that gives nothing. Raises `Unavailable` for a clock that is wrong."""
        return self._time.now()

    def believe(self, time: int) -> None:
        """The clock is not to go back behind `time`, in POSIX seconds."""
        self._time.believe(time)

    def shared(self) -> SharedHealth | None:
        """How it stands with the other gates; None: there are none."""
        return None

    @property
    def leads(self) -> bool:
        """Whether what time alone brings is this process's to record."""
        return True

    # Holding

    def seeing(self, *objects: Object) -> AbstractContextManager[None]:
        """What is recorded within it was decided on these objects as they are now, without being alone on them: where
        other gates write, one that has changed by then makes it `Raced`."""
        return nullcontext()

    def begin_deciding(self) -> None:
        """What this thread decides from here on is decided by the estate that holds now: where other gates write, what
        gives something is `Raced` once another one holds."""

    def confirmed(self) -> Moment:
        """Up to when the state is sure to have everything that was recorded. Raises `Unavailable`."""
        return self.now()

    @contextmanager
    def still(self) -> Iterator[State]:
        """The state, with nothing on its way from the ledger into it."""
        with self._taking:
            with self._order:
                wait([each.future for each in self._sent], timeout=PATIENCE)
                self._take_done()
                if self._sent:
                    raise Unavailable(Why.LEDGER, "the ledger does not answer")
                with self.reading:
                    yield self.state

    # Recording

    def record(
        self,
        event: Event,
        *,
        act: bytes,
        on: Sequence[Object] = (),
        beside: Sequence[Object] = (),
        of: Request | LeaseTerms | None = None,
        used: Iterable[str] = (),
    ) -> Recorded:
        """Record what happened to the objects `on`, which the caller holds, decided on those and the ones `beside`.
        `act`: 16 bytes that are this event's alone. `of` is the request or the lease that it is about, `used` the
        customers who were named at uses of the lease.

        Raises `Conflict` where somebody else is at it or this act was recorded before, `Tampered`, `Unavailable`;
        `Rejected` for an event that no record can hold. Nothing has happened then, unless it is `Unavailable`: ask
        again, with the same `act`, or look.
        """
        sent = Sent(act_of(event, act, of, used), event, (*on, *beside))
        if takes_away(event):
            self.copies.foresee(on)
        else:
            self.copies.claim(sent.act.id, on, beside, at=self._time.latest)
        self._step("claimed")
        try:
            self._send(sent)
            self._await(sent)
        except BaseException:
            self.copies.release(sent.act.id, on)
            raise
        match sent.outcome:
            case Recorded() as recorded:
                pass
            case Exception() as error:
                self.copies.release(sent.act.id, on)
                raise error
            case None:
                self.copies.release(sent.act.id, on)
                raise Unavailable(Why.LEDGER, "the ledger has not said whether this was recorded; look again")
        self._step("taken")
        changed = recorded.outcome.objects if isinstance(recorded.outcome, Changed) else ()
        try:
            if takes_away(event):
                self.copies.write_if_possible(changed)
            else:
                self.copies.write(*changed)
        finally:
            self.copies.release(sent.act.id, [each for each in on if each not in changed])
        self._step("written")
        return recorded

    def note(self, event: Event, *, act: bytes) -> None:
        """Have an event recorded that changes nothing, without waiting for it. Raises `Unavailable`, `Rejected`."""
        if self._unsettled is not None:
            raise Unavailable(Why.LEDGER, NOTHING)
        self._send(Sent(act_of(event, act, None), event))

    @property
    def keeps_apart(self) -> bool:
        """Whether `keep_apart` keeps anything."""
        return False

    def keep_apart(self, event: Event, act: bytes) -> bool:
        """Have an event that cannot be recorded now kept until it can be, over a start as well; whether that is so."""
        return False

    def deliver_apart(self, ending: Collection[LeaseId]) -> None:
        """Have what was kept apart recorded, but for the ends of leases, which are those `ending`. Raises `StoreError`,
        `AppendError`."""

    def drain(self) -> None:
        """Take in what was noted."""
        with self._taking:
            self._take_done()

    def receipt(self, event: Event, *, act: bytes, of: Request | LeaseTerms | None = None) -> Receipt:
        """The receipt of an event that was recorded before: the ledger gives it again to whoever asks for exactly the
        same act. Raises `Unavailable`, `Rejected`."""
        try:
            return self.ledger.append(act_of(event, act, of)).result(PATIENCE)
        except TlogError as error:
            raise Rejected([str(error)]) from None
        except (AppendError, TimeoutError) as error:
            raise Unavailable(Why.LEDGER, "the ledger does not answer") from error

    def finding(self, what: Object | tuple[str, str], says: str) -> None:
        """Tell that something stored is not what it must be: a record of its own, without waiting for it."""
        told = ("finding", *what, says, str(self._time.latest // DAY))  # once a day
        mark = hashlib.sha256("\0".join(told).encode()).digest()[:16]
        fields = {"detection": f"gate-{what[0]}", "evidence": says}
        with suppress(AppendError, TlogError):
            self.ledger.append(Act(id=mark, kind=Kind.FINDING, fields=fields))

    def settle(self) -> None:
        """Make good what a failure left: acts that nobody knows of, rows that were not written. Raises `Unavailable`,
        `Tampered`."""
        self.recover()
        self.copies.probe()
        self.copies.catch_up()

    def recover(self) -> None:
        """Read the ledger again, if it has to be. Raises `Unavailable`."""
        if self._unsettled is not None:
            with self._taking:
                self._recover()
            if self._unsettled is not None:
                raise Unavailable(Why.LEDGER, NOTHING)

    def forget(self, before: Moment, *, keep: Collection[LeaseId]) -> None:
        """Let go of what ended before then. Its rows go with the next snapshot, in one transaction: a start that found
        the one without the other would say that somebody had been at them. Raises `Unavailable`."""
        with self.still() as state:
            gone = state.forget(before, keep=keep)
            self._gone.update(map(of_request, gone.requests), map(of_lease, gone.leases))

    def gone(self) -> frozenset[Object]:
        """What was let go of and has rows still. The caller holds the state still."""
        return frozenset(self._gone)

    def are_gone(self, rows: Collection[Object]) -> None:
        """A snapshot without them is written, and so are their rows no more."""
        with self.reading:
            self._gone.difference_update(rows)

    def strays(self) -> list[Object]:
        """Rows that stand for nothing in the ledger. Raises `Unavailable`."""

        def ids(tables: GateTables) -> list[Object]:
            return [(kind, id) for kind in KINDS for id in tables.rows.ids(kind)]

        # What has a row by now was in the state before it.
        return [each for each in self.copies.read(ids) if not self.state.version_of(*each) and each not in self._gone]

    @property
    def unsettled(self) -> str | None:
        """Why the ledger has to be read again before anything is recorded; None: it has not."""
        return self._unsettled

    # The ledger

    def _send(self, sent: Sent) -> None:
        self.recover()
        with self._order:
            if self._unsettled is not None:
                raise Unavailable(Why.LEDGER, NOTHING)
            try:
                sent.future = self.ledger.append(sent.act)
            except AppendError as error:
                raise Unavailable(Why.LEDGER, NOTHING) from error
            self._sent.append(sent)

    def _await(self, sent: Sent) -> None:
        """Until it is recorded and taken in, or refused, or the patience is over."""
        wait([sent.future], timeout=PATIENCE)
        if sent.future.done():
            self._step("recorded")
            with self._taking:
                self._take_done()

    def _take_done(self) -> None:
        """Take in what is recorded, from the head of the queue on. The caller holds `_taking`."""
        while self._sent and self._sent[0].future.done():
            sent = self._sent[0]
            error = sent.future.exception()
            if isinstance(error, Unsettled):
                self._unsettled = f"the ledger has to be read again: {error}"
                self._recover()
                return
            self._sent.popleft()
            match error:
                case None:
                    sent.outcome = self._taken(sent.event, sent.act.id, sent.future.result())
                case TlogError():
                    sent.outcome = Conflict(f"the ledger does not take this: {error}")
                case _:
                    sent.outcome = Unavailable(Why.LEDGER, NOTHING)

    def _taken(self, event: Event, act: bytes, receipt: Receipt) -> Recorded | Exception:
        if receipt.first < self.state.position:
            return Conflict("this was recorded before")
        try:
            return Recorded(receipt=receipt, outcome=self.take(event, act, receipt.first, receipt.origin))
        except Tampered as error:
            return error

    def take_back(self, event: Event | Erased, act: bytes, index: int, origin: str) -> Changed | Ignored:
        """As `take`, of an event that is read from the ledger, whoever wrote it: one that does not hold has no effect,
        and is told."""
        if (says := self._verify(event, self.state)) is not None:
            where = f"ledger:{index}"
            self.unsound[where] = f"the record at {index} of the ledger has no effect: {says}"
            self.finding(("record", where), self.unsound[where])
            return Ignored(reason=says)
        return self.take(event, act, index, origin)

    def take(self, event: Event | Erased, act: bytes, index: int, origin: str) -> Changed | Ignored:
        """Fold in a recorded event."""
        with self.reading:
            outcome = self.state.apply(event, act=act, index=index, origin=origin)
            if isinstance(outcome, Changed):
                told = () if isinstance(event, Erased) else notices(event, self.state, self.concerned)
                self.copies.changed(outcome.objects, told)
                if isinstance(event, Adopted | Erased | KeyRevoked | Left):
                    self.turns += 1
                if isinstance(event, Leased):
                    self.given.append(LeaseId(str(event.lease["id"])))
                if isinstance(event, Adopted):
                    self.adopted, self.files = event.at, event.files
                if isinstance(event, Used):
                    self.uses.remember(event)
            return outcome

    def _recover(self) -> None:
        """After an append of which nobody knows whether it took effect: read the ledger from where the state stands,
        as a start does. The caller holds `_taking`; nothing is appended meanwhile."""
        with self._order:
            sent = list(self._sent)
            self._sent.clear()
        _, late = wait([*self._lingering, *(each.future for each in sent)], timeout=PATIENCE)
        self._lingering = list(late)
        found: dict[bytes, Changed | Ignored] = {}
        failed: Exception | None = None
        try:
            if late:
                raise Unsettled("the ledger does not answer")
            if (stopped := self.ledger.health().writer.stopped) is not None:
                raise Stopped(stopped)  # until it was asked to look again, what it has may still change
            wanted = {each.act.id for each in sent}
            found = replay(self.ledger.folder, self.state.position, self.take_back, wanted=wanted)
            self._unsettled = None
        except (AppendError, StoreError, TlogError, Tampered) as error:
            failed = error
        for each in sent:
            each.outcome = self._looked_up(each, found, failed)

    def _looked_up(
        self, sent: Sent, found: dict[bytes, Changed | Ignored], failed: Exception | None
    ) -> Recorded | Exception:
        if sent.act.id not in found:
            reason = "whether this was recorded is not known yet" if failed is not None else "this was not recorded"
            return Unavailable(Why.LEDGER, f"the ledger failed; {reason}")
        try:
            receipt = self.ledger.append(sent.act).result(PATIENCE)
        except (AppendError, TlogError, TimeoutError) as error:
            return Unavailable(Why.LEDGER, f"this is recorded, but the ledger failed: {type(error).__name__}")
        return Recorded(receipt=receipt, outcome=found[sent.act.id])
