"""Sweeping: what time alone brings, and what a failure left to be done. Each part fails for itself, and is tried again
the next time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from armslength.gate import (
    Ended,
    GateError,
    LeaseId,
    RequestId,
    Tampered,
    Why,
    posix,
)
from armslength.service.gate_adopting import Adopting
from armslength.service.gate_asking import Asking
from armslength.service.gate_directory import Directories
from armslength.service.gate_drill import Drills
from armslength.service.gate_failure import Unavailable, Unfounded
from armslength.service.gate_leasing import Leasing
from armslength.service.gate_leaving import Leaving
from armslength.service.gate_notice import NoticeKind, told
from armslength.service.gate_office import Office
from armslength.service.gate_reviewing import late, unreviewed
from armslength.service.gate_revoking import Revoking
from armslength.service.gate_rounds import one_by_one
from armslength.service.gate_row import HELD, of_lease, of_request
from armslength.service.gate_snapshot import write_snapshot
from armslength.service.ledger_failure import AppendError
from armslength.store import StoreError

EVERY = 2.0
"""Seconds between two sweeps."""
HOUSEKEEPING = 600
"""Seconds between two rounds of what is not urgent."""
RELOAD = 10.0
"""Seconds after which a ledger that stopped is asked to look at its stores again."""
DATES = 60.0
"""Seconds after which it is looked whether another gate was told of fresher rows."""
JUDGING = 2.0
"""Seconds of a sweep in which leases are judged again and revoked; the next one goes on."""
MOST_STRAYS = 100
"""Rows of nothing that are told of one by one."""
CHECKED = 50
"""Rows that are compared with the ledger in one sweep, whether somebody uses them or not."""
LED = frozenset({"requests", "changes", "quorums", "leases", "judging", "reviews"})
"""What time alone brings and is recorded: of several gates the one that leads does it."""
UNNAMED = 86_400
"""Seconds for which evidence that no request names is kept."""
TOLD = 90 * 86_400
"""Seconds for which notices that were sent are kept."""


class Sweeping:
    def __init__(
        self,
        office: Office,
        asking: Asking,
        adopting: Adopting,
        leasing: Leasing,
        revoking: Revoking,
        leaving: Leaving,
        directories: Directories,
    ) -> None:
        self._office, self._book = office, office.book
        self._asking, self._adopting, self._leasing, self._revoking = asking, adopting, leasing, revoking
        self._leaving, self.directories = leaving, directories
        self.drills = Drills(office)
        self._once = threading.Lock()
        self._cleaned = 0
        self._reloaded = self._dated = 0.0
        self._place = 0
        self._told = self._led = False
        self._snapshot: threading.Thread | None = None
        self.problems: dict[str, str] = {}

    def tick(self) -> None:
        """One sweep; if one is under way already, nothing."""
        if not self._once.acquire(blocking=False):
            return
        try:
            parts: dict[str, Callable[[], None]] = {
                "ledger": self._ledger,
                "rows": self._book.settle,
                "notes": self._book.drain,
                "directories": self.directories.tick,
                "leavers": self._leaving.resume,
                "keys": self._revoking.resume,
                "ends": self._leasing.end_late,
                "apart": lambda: self._book.deliver_apart(self._office.ending),
                "requests": self._requests,
                "unfinished": self._unfinished,
                "changes": self._adopting.call_off_overtaken,
                "quorums": self._leasing.resume,
                "leases": self._leases,
                "judging": lambda: self._leasing.catch_up(JUDGING),
                "reviews": self._reviews,
                "notices": self._notices,
                "drills": self.drills.sweep,
                "checking": self._check,
                "dates": self._dates,
                "housekeeping": self._clean,
            }
            if self._book.leads and not self._led:
                self._book.unfinished = True  # whoever led before may have left something
            self._led = self._book.leads
            for name, part in parts.items():
                if not self._led and name in LED:
                    continue
                try:
                    part()
                    self.problems.pop(name, None)
                except (GateError, StoreError, AppendError, Unfounded) as error:
                    self.problems[name] = str(error)
                except Exception as error:
                    self.problems[name] = f"{type(error).__name__}: {error}"
        finally:
            self._once.release()

    # Parts

    def _ledger(self) -> None:
        stopped = self._book.ledger.health().writer.stopped
        if stopped is None:
            return
        if time.monotonic() - self._reloaded >= RELOAD:
            self._reloaded = time.monotonic()
            self._book.ledger.reload()
            return
        raise Unavailable(Why.LEDGER, f"the ledger records nothing: {stopped}")

    def _requests(self) -> None:
        now = self._office.fit()
        due = [state.request.id for state in self._book.state.due_requests(now)]
        one_by_one(due, self._lapse, str)

    def _lapse(self, id: RequestId) -> None:
        with self._book.holding(of_request(id)):
            if (state := self._office.request(id)).waiting:
                self._leasing.lapse(state)

    def _leases(self) -> None:
        now = self._office.fit()
        due = [state.terms.id for state in self._book.state.due_leases(now)]
        one_by_one(due, lambda id: self._end(id, "ran-out"), str)

    def _unfinished(self) -> None:
        """What a crash, or a failure, came between, here or at another gate: a lease and its adoption, a last use and
        the end of its lease. Of several gates that come to it at once one is first."""
        if not self._book.unfinished:
            return
        self._book.unfinished = False
        try:
            steps: list[Callable[[], None]] = [
                self._adopting.resume,
                lambda: one_by_one(self._used_up(), lambda id: self._end(id, "spent"), str),
            ]
            one_by_one(steps, lambda step: step(), lambda step: "resuming")
        except BaseException:
            self._book.unfinished = True
            raise
        if self._adopting.granted() or self._used_up():  # somebody else was first to something of it
            self._book.unfinished = True

    def _used_up(self) -> list[LeaseId]:
        return [
            state.terms.id
            for state in self._book.state.live()
            if state.terms.uses is not None and state.uses >= state.terms.uses
        ]

    def _end(self, id: LeaseId, how: Literal["ran-out", "spent"]) -> None:
        with self._book.holding(of_lease(id)):
            if (state := self._office.lease(id)).live:
                self._leasing.end(state, Ended(at=posix(self._office.fit()), lease=id, how=how))

    def _reviews(self) -> None:
        self._book.copies.write(told=list(late(self._office, self._office.fit())))

    def _notices(self) -> None:
        """After a start: what a crash may have kept from being told of requests that wait."""
        if not self._told:
            now = self._office.fit()
            for state in self._book.state.waiting():
                self._book.copies.write(told=self._asking.told(state, self._office.candidates(state), now))
            self._told = True

    def _check(self) -> None:
        """Some rows each time, so that one which nobody uses is found out too."""
        objects = self._book.state.objects()
        if not objects:
            return
        start = self._place % len(objects)
        self._place = start + CHECKED
        for which in objects[start : start + CHECKED]:
            with self._book.holding(which), suppress(Tampered):
                self._book.copies.check(which)
        if self._book.copies.tampered:
            at = posix(self._book.now())
            self._book.copies.write(
                told=[
                    told(NoticeKind.ALARM, f"{which[0]} {which[1]}", says, at=at)
                    for which, says in list(self._book.copies.tampered.items())
                ]
            )

    def _dates(self) -> None:
        """Where others share the database: how fresh rows are that one of them was told about."""
        if self._office.settings.site and time.monotonic() - self._dated >= DATES:
            self._dated = time.monotonic()
            self._office.follow_dates()

    def _clean(self) -> None:
        now = posix(self._office.fit())
        if now - self._cleaned < HOUSEKEEPING:
            return
        self._cleaned = now
        self._strays()
        self._book.copies.change(
            lambda tables: (
                tables.evidence.sweep(before=now - UNNAMED),
                tables.idempotency.sweep(now=now),
                tables.sessions.sweep(now=now),
                tables.ceremonies.sweep(now=now),
                tables.outbox.sweep(before=now - TOLD),
                tables.away.sweep(now=now),
            )
        )
        keep = {lease.terms.id for lease in unreviewed(self._office)}
        self._book.forget(self._book.now() - HELD, keep=keep)
        if self._snapshot is None or not self._snapshot.is_alive():  # of a large gate it takes long
            self._snapshot = threading.Thread(target=self._keep, name="gate-snapshot", daemon=True)
            self._snapshot.start()

    def _keep(self) -> None:
        try:
            write_snapshot(self._office)
            self.problems.pop("snapshot", None)
        except Exception as error:
            self.problems["snapshot"] = f"{type(error).__name__}: {error}"

    def close(self) -> None:
        """Wait for a snapshot that is being written."""
        if self._snapshot is not None:
            self._snapshot.join()

    def _strays(self) -> None:
        """Rows that stand for nothing in the ledger. Nobody decides on them, and somebody put them there."""
        for kind, id in self._book.strays()[:MOST_STRAYS]:
            says = f"the row of {kind} {id[:80]} is not known to the ledger"
            self._book.copies.tampered[kind, id] = says
            self._book.finding((kind, id), says)
