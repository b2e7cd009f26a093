"""The book of a gate that shares its ledger with others: its state follows the log, whoever wrote what is in it.

What this gate records is taken in like what the others do, by reading it back once it is proven; an operation is told
what became of its own. It is refused where another gate was first (`Raced`), and may be tried again.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
import threading
from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from armslength.gate import (
    Changed,
    Conflict,
    Erased,
    Event,
    Happened,
    Ignored,
    KeyRevoked,
    Leased,
    LeaseId,
    Left,
    Moment,
    PersonId,
    Ran,
    RequestId,
    State,
    Tampered,
    Used,
    Why,
    events_in,
)
from armslength.service.gate_apart import Apart
from armslength.service.gate_book import NOTHING, PATIENCE, Book, Recorded, Sent
from armslength.service.gate_change import change_of
from armslength.service.gate_failure import Raced, Unavailable
from armslength.service.gate_record import act_of, takes_away
from armslength.service.gate_replay import records_of
from armslength.service.gate_row import GATE, Object
from armslength.service.ledger_failure import AppendError, Late
from armslength.service.shared_ledger import SharedHealth, SharedLedger
from armslength.service.shared_waiting import Outrun
from armslength.store import StoreError
from armslength.tlog import Receipt, TlogError

LOG = logging.getLogger("armslength.gate")

ALONE = 60.0
"""Seconds for which a gate that is cut off goes on with what needs no record: as long as a list of revoked leases is
believed."""


class SharedBook(Book):
    """As `Book`. Once its state is what the ledger said up to `position`, `follow` takes it on from there."""

    def __init__(self, *, ledger: SharedLedger, apart: Apart, **given: Any) -> None:
        """`apart` keeps what cannot be recorded now."""
        super().__init__(ledger=ledger, **given)
        self.apart = apart
        self._shared = ledger
        self._alone_on, self.holding = self.holding, self._holding
        self._held = threading.local()
        """By thread: the objects that it holds or decides on, at the versions that it saw; and at which the estate was
        when it began to decide."""
        self._expected: dict[bytes, Sent] = {}
        self._outcomes: dict[bytes, Changed | Ignored] = {}
        """Of the acts that are expected."""
        self._at = 0
        """How much of the log was read."""
        self._read: deque[Happened] = deque()
        """What was read and has still to be taken in."""
        self._unread: list[bytes] = []
        """Proven leaves from `_at` on."""

    def begin(self, size: int) -> None:
        """The state is what the ledger says up to `size`, and is taken on from there by the ledger's thread."""
        self._at = size
        self._shared.attach(self)

    def shared(self) -> SharedHealth:
        return replace(self._shared.shared(), apart=self.apart.waiting)

    @property
    def leads(self) -> bool:
        return self._shared.leads

    def dated(self) -> Moment:
        return super().now()

    def now(self) -> Moment:
        if self._shared.cut > ALONE:
            raise Unavailable(Why.LEDGER, f"{self._shared.stopped() or 'this gate is cut off'}; nothing is decided")
        return super().now()

    def confirmed(self) -> Moment:
        cut = self._shared.cut  # first: what is taken in meanwhile is more than is said
        return super().now() - dt.timedelta(seconds=math.ceil(cut))

    # Holding

    def begin_deciding(self) -> None:
        self._held.estate = self.state.version_of(*GATE)

    @contextmanager
    def _holding(self, *objects: Object) -> Iterator[None]:
        with self._alone_on(*objects), self.seeing(*objects):
            yield

    @contextmanager
    def seeing(self, *objects: Object) -> Iterator[None]:
        seen = self._versions()
        fresh = [each for each in objects if each not in seen]
        seen.update({each: self.state.version_of(*each) for each in fresh})
        try:
            yield
        finally:
            for each in fresh:
                seen.pop(each, None)

    def _versions(self) -> dict[Object, int]:
        held: dict[Object, int] | None = getattr(self._held, "versions", None)
        if held is None:
            held = self._held.versions = {}
        return held

    @contextmanager
    def still(self) -> Iterator[State]:
        with self._taking, self.reading:
            yield self.state

    # Recording

    def note(self, event: Event, *, act: bytes) -> None:
        def lost(future: Future[Receipt]) -> None:
            match future.exception():
                case AppendError():
                    self.apart.keep(event, act)
                case Exception() as error:
                    LOG.error("what was noted is not recorded", extra={"act": act.hex(), "problem": str(error)})
                case _:
                    pass

        sent = Sent(act_of(event, act, None), event)
        try:
            self._send(sent)
        except Unavailable:
            if not self.apart.keep(event, act):
                raise
        else:
            sent.future.add_done_callback(lost)

    @property
    def keeps_apart(self) -> bool:
        return True

    def keep_apart(self, event: Event, act: bytes) -> bool:
        return self.apart.keep(event, act)

    def deliver_apart(self, ending: Collection[LeaseId]) -> None:
        if self._shared.stopped() is None:
            self.apart.settle(ending)
            self.apart.deliver(self._shared)

    def drain(self) -> None:
        """Nothing to do: the ledger's thread takes it in."""

    def recover(self) -> None:
        """Nothing to do: what became of an append, the log tells, which is followed."""

    def _send(self, sent: Sent) -> None:
        seen = {} if sent.objects is None else self._seen(sent.event, sent.objects)
        if sent.objects is not None:
            self._expected[sent.act.id] = sent
        try:
            sent.future = self._shared.append(sent.act, seen)
        except AppendError as error:
            self._expected.pop(sent.act.id, None)
            raise Unavailable(Why.LEDGER, NOTHING) from error

    def _seen(self, event: Event, objects: Collection[Object]) -> dict[Object, int]:
        """The versions that it was decided on. What gives something was decided as well by the estate that held when
        that began."""
        seen = {each: self.state.version_of(*each) for each in objects}
        if not (takes_away(event) or _happened(event)):
            now = self.state.version_of(*GATE)
            seen[GATE] = getattr(self._held, "estate", now)
        return {**seen, **self._versions()}

    def _await(self, sent: Sent) -> None:
        try:
            wait([sent.future], timeout=PATIENCE)
            if sent.future.done():
                self._step("recorded")
                sent.outcome = self._became(sent)
        finally:
            self._expected.pop(sent.act.id, None)
            self._outcomes.pop(sent.act.id, None)
        held = self._versions()
        held.update({each: self.state.version_of(*each) for each in held})

    def _became(self, sent: Sent) -> Recorded | Exception:
        match sent.future.exception():
            case None:
                receipt = sent.future.result()
            case Outrun() as error:
                with suppress(StoreError, Tampered):
                    self.follow()  # whoever decides anew is to see what happened
                self.begin_deciding()
                return Raced(str(error))
            case Late() as error:
                return Unavailable(Why.LEDGER, f"this was not recorded: {error}")
            case TlogError() as error:
                return Conflict(f"the ledger does not take this: {error}")
            case _:
                return Unavailable(Why.LEDGER, "the ledger failed; whether this was recorded is not known yet")
        if sent.act.id not in self._outcomes:
            try:
                self.follow()
            except (StoreError, Tampered) as error:
                return Unavailable(Why.LEDGER, f"this is recorded, but the ledger failed: {type(error).__name__}")
        outcome = self._outcomes.get(sent.act.id)
        return Conflict("this was recorded before") if outcome is None else Recorded(receipt=receipt, outcome=outcome)

    # Following

    def follow(self) -> None:
        """Take in what is new in the log. Raises `StoreError`, `Tampered`; what was taken in by then is."""
        changed: list[Object] = []
        with self._taking:
            try:
                self._read_on()
                while self._read:
                    happened = self._read[0]
                    outcome = self.take_back(
                        happened.event, happened.act, happened.index, self.ledger.folder.settings.origin
                    )
                    self._read.popleft()
                    changed += outcome.objects if isinstance(outcome, Changed) else ()
            finally:
                self.believe(self.state.time)  # whether it changed anything or not
        if changed:
            self.copies.write_if_possible(changed)

    def _read_on(self) -> None:
        self._unread += self._shared.following.new()
        if self._unread:
            records = records_of(self.ledger.folder, self._at, self._unread)
            self._read.extend(list(events_in(records)))
            self._at += len(self._unread)
            self._unread = []

    def take_back(self, event: Event | Erased, act: bytes, index: int, origin: str) -> Changed | Ignored:
        outcome = super().take_back(event, act, index, origin)
        if act in self._expected:
            self._outcomes[act] = outcome
        else:
            self._look_after(event)
        return outcome

    def _look_after(self, event: Event | Erased) -> None:
        """What has to follow on another gate's event is this one's to do as well: that one may not come to it."""
        match event:
            case KeyRevoked():
                self.revoked_elsewhere = True
            case Left(person=person):
                self.left_elsewhere.append(PersonId(person))
            case _ if self._has_to_follow(event):
                self.unfinished = True
            case _:
                pass

    def _has_to_follow(self, event: Event | Erased) -> bool:
        """Whether something follows on it by itself: on a change's lease its adoption, on a last use the end."""
        match event:
            case Leased(lease=terms):
                request = self.state.requests.get(RequestId(str(terms.get("request"))))
                return request is not None and change_of(request.request) is not None
            case Used(lease=str() as id):
                lease = self.state.leases.get(LeaseId(id))
                return lease is not None and lease.terms.uses is not None and lease.uses >= lease.terms.uses
            case _:
                return False


def _happened(event: Event) -> bool:
    """Whether it tells of what was done somewhere already, whatever estate holds."""
    return isinstance(event, Ran) or (isinstance(event, Used) and event.done is not None)
