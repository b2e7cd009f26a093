"""An enforcement point beside a PostgreSQL server: a person brings a lease and gets a role of its own, with exactly the
lease's privileges, for as long as the lease.

How one is made is in postgresql_opening.py, how one ends in postgresql_kept.py; here is when. Sessions end with the
lease: when it runs out, is taken away, or nobody can know whether it was for a minute; and when what they do cannot be
recorded: the log is not written, or lost, or our disk is full. All of it at once, then.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from armslength.enforce.client import GateClient
from armslength.enforce.failure import SpoolFailed, Unreachable
from armslength.enforce.postgresql_checks import clocks_differ, server_problems
from armslength.enforce.postgresql_delivery import Delivery
from armslength.enforce.postgresql_gate import GateSeen
from armslength.enforce.postgresql_journal import PostgresqlJournal
from armslength.enforce.postgresql_kept import KeptRoles
from armslength.enforce.postgresql_log import LogLost
from armslength.enforce.postgresql_opening import Opened, Opening, Step
from armslength.enforce.postgresql_roles import LeaseRoles
from armslength.enforce.postgresql_server import Connect, PostgresqlServer, ServerFailed
from armslength.enforce.postgresql_settings import PostgresqlPointSettings
from armslength.enforce.postgresql_watch import LogWatch
from armslength.gate import Refused, Why

__all__ = ["Opened", "PostgresqlHealth", "PostgresqlPoint"]

LOG = logging.getLogger("armslength.enforce.postgresql")

LOOK_SECONDS = 0.5
"""Between two looks at the log and the server while a role is there."""
IDLE_SECONDS = 5.0
"""And while none is."""
STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlHealth:
    """`refuses` says why no role is made now, None: they are; `waiting` batches of `bytes` are not with the gate yet,
    `odd` ones it did not want."""

    refuses: str | None
    gate: str | None
    roles: int
    waiting: int
    bytes: int
    odd: int


class PostgresqlPoint:
    """For any number of threads that ask; its own look at the server, the log and the gate."""

    def __init__(
        self,
        settings: PostgresqlPointSettings,
        connect: Connect,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        look_seconds: float = LOOK_SECONDS,
        step: Step = lambda name: None,
    ) -> None:
        """Raises `SpoolFailed` where the journal cannot be had."""
        self._settings, self._clock, self._look_seconds = settings, clock, look_seconds
        self._stop, self._news, self._roused = threading.Event(), threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        self._closed: str | None = "the point has not looked at its server yet"
        self._problems: tuple[str, ...] = ()
        self._lost = False
        """Whether the last look found the log not to tell everything."""
        self._journal = PostgresqlJournal(settings.state)
        self._server = PostgresqlServer(connect, settings.databases[0])
        self._roles = LeaseRoles(self._server, settings.gate.gate, settings.databases)
        self._client = GateClient(settings.gate)
        self._watch = LogWatch(settings, self._journal, self._server, steady=steady)
        self._delivery = Delivery(self._journal, self._client, settings.most_bytes)
        self._gate = GateSeen(self._client, self._delivery, settings.gate.gate, clock=clock, steady=steady)
        self._kept = KeptRoles(
            self._journal, self._roles, self._watch, self._gate, rouse=self._roused.set, news=self._news.set
        )
        self._opening = Opening(
            settings,
            self._roles,
            self._kept,
            self._gate,
            self._client,
            unfit=self._unfit,
            clocks=self._clocks,
            step=step,
        )

    # Its life

    def check(self) -> list[str]:
        """What keeps the server from being guarded. Raises `ServerFailed`."""
        return server_problems(self._server, self._settings, self._clock)

    def start(self) -> None:
        """Find what an earlier run left, look at the gate and the server now, and from here on in threads. Raises
        `ServerFailed`, `SpoolFailed`; a server with problems is looked at and opened to nobody."""
        self._problems = tuple(self.check())
        self._kept.load()
        self.look_at_gate()
        self.look()
        for name, work in (("server", self._watch_server), ("gate", self._watch_gate)):
            thread = threading.Thread(target=work, name=f"armslength-postgresql-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """End every role: who is not here cannot end them later. What the gate does not have yet waits."""
        self._stop.set()
        self._news.set()
        self._roused.set()
        for thread in self._threads:
            thread.join(STOP_SECONDS)
        try:
            self._kept.end_all("the point stops")
            self.look()
        except (ServerFailed, SpoolFailed, LogLost) as error:
            LOG.error("stopping: %s", error)
        try:
            self._delivery.send()
        except (SpoolFailed, Unreachable) as error:
            LOG.warning("statements wait for the gate: %s", error)
        self.leave()

    def leave(self) -> None:
        """Let go of a point that was not started."""
        self._server.close()
        self._client.close()
        self._journal.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def health(self) -> PostgresqlHealth:
        try:
            count, size, odd = self._journal.waiting()
        except SpoolFailed:
            count = size = odd = 0
        refuses = self._unfit()
        return PostgresqlHealth(
            refuses=None if refuses is None else refuses.says,
            gate=self._gate.said,
            roles=len(self._kept),
            waiting=count,
            bytes=size,
            odd=odd,
        )

    # Opening

    def open(
        self, token: str, verifier: str, *, customers: Sequence[str] = (), person: str | None = None
    ) -> Opened | Refused:
        """A role for the lease, with this SCRAM verifier for its password. Asked again with the same it is the same;
        with another one, the role gets another password and the lease another use. `customers` are those that a lease
        which counts them is used for; `person` who asks, where that is known. Nothing is raised: an error refuses."""
        try:
            return self._opening.open(token, verifier, customers, person)
        except ServerFailed as error:
            LOG.error("opening failed: %s", error)
            return Refused(why=Why.STORE, says=f"the database does not make the role: {error}")
        except SpoolFailed as error:
            LOG.error("opening failed: %s", error)
            return Refused(why=Why.STORE, says="this cannot be recorded on the point's machine, so nothing is opened")
        except Exception as error:
            LOG.error("opening failed: %s", type(error).__name__, exc_info=LOG.isEnabledFor(logging.DEBUG))
            return Refused(why=Why.ERROR, says=f"opening failed with {type(error).__name__}")

    def _unfit(self) -> Refused | None:
        """Why nothing is opened now, whoever asks."""
        if self._problems:
            more = f", and {len(self._problems) - 1} more" if len(self._problems) > 1 else ""
            return Refused(why=Why.STORE, says=f"the database is not guarded: {self._problems[0]}{more}")
        if self._closed is not None:
            return Refused(why=Why.STORE, says=self._closed)
        return None

    def _clocks(self) -> str | None:
        """How the server's clock differs from ours, if by too much. Raises `ServerFailed`."""
        return clocks_differ(self._server, self._clock, self._settings.clock_seconds)

    # Looking

    def look_at_gate(self) -> None:
        """Ask for its list, and bring it what waits."""
        self._gate.look(self._kept.leases)

    def look(self) -> None:
        """Read the log; end what has to end; see whether roles may be made. Raises `ServerFailed` where the server
        cannot be asked."""
        self._lost = False
        closed = self._seen_all() or self._kept.stuck
        self._kept.stuck = None
        if closed is not None:
            self._kept.end_all(closed)
        self._kept.end_due(self._roles.seen())
        self._roles.end_strays()
        if self._lost and not self._kept:
            closed = self._begin_again()
        if self._kept.stuck is not None:
            LOG.error("%s", self._kept.stuck)
        self._closed = self._kept.stuck or closed

    def _seen_all(self) -> str | None:
        """Why what is done may be done unseen, or None."""
        try:
            self._kept.read_log()
            if self._delivery.full():
                return "more waits for the gate than may: nothing is opened until it is there"
            roles = self._kept.live()
            if roles and (said := self._clocks()) is not None:
                return said
            if (fault := self._watch.fault(self._roles.sessions(), beat=bool(roles))) is not None:
                self._lost = True
            return fault
        except LogLost as error:
            self._lost = True
            return f"the database's log is lost: {error}"
        except SpoolFailed as error:
            return f"nothing can be recorded here: {error}"

    def _begin_again(self) -> str | None:
        """With nobody in, the log is read from where it is written now, if it is."""
        try:
            self._watch.begin_again()
            return None
        except (LogLost, SpoolFailed) as error:
            return str(error)

    def _watch_server(self) -> None:
        while not self._stop.is_set():
            if self._kept or self._closed:
                self._stop.wait(self._look_seconds)
            else:
                self._roused.wait(IDLE_SECONDS)
                self._roused.clear()
            if self._stop.is_set():
                return
            try:
                self.look()
            except ServerFailed as error:
                LOG.error("the server: %s", error)
                self._closed = f"the database cannot be looked at: {error}"
            except Exception as error:  # the thread must not end: nothing would end any more
                LOG.error("looking failed: %s", type(error).__name__)
                self._closed = f"looking at the database failed with {type(error).__name__}"

    def _watch_gate(self) -> None:
        while not self._stop.is_set():
            self._news.wait(self._settings.gate.poll_seconds)
            self._news.clear()
            if not self._stop.is_set():
                try:
                    self.look_at_gate()
                except Exception as error:
                    LOG.error("looking at the gate failed: %s", type(error).__name__)
                    self._gate.said = f"looking at the gate failed with {type(error).__name__}"
                self._stop.wait(min(1.0, self._settings.gate.poll_seconds))
