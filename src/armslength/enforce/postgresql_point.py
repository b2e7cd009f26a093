"""An enforcement point beside a PostgreSQL server: a person brings a lease and gets a role of its own, with exactly the
lease's privileges, for as long as the lease.

What happens for one, in this order, and what a crash after each step leaves:

    kept        the journal says what is about to be made; nothing is there, and the next start forgets it
    redeemed    the gate has the use on record; who asks again with the same verifier gets the same use
    made        the role, whole; the next start finds it by the journal, and ends it unless its lease runs
    live        everything; only the answer is missing

Sessions end with the lease: when it runs out, is taken away, or nobody can know whether it was for a minute; and when
what they do cannot be recorded: the log is not written, or lost, or our disk is full. All of it at once, then.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from armslength.enforce.act import Act
from armslength.enforce.checker import Checker
from armslength.enforce.client import GateClient
from armslength.enforce.counted import CountedLeases
from armslength.enforce.failure import SpoolFailed, Unreachable
from armslength.enforce.postgresql_checks import clocks_differ, server_problems
from armslength.enforce.postgresql_delivery import Delivery
from armslength.enforce.postgresql_journal import PostgresqlJournal, RoleKept
from armslength.enforce.postgresql_log import LogLost
from armslength.enforce.postgresql_names import role_name
from armslength.enforce.postgresql_password import is_verifier
from armslength.enforce.postgresql_roles import LeaseRoles, NameTaken, RoleSeen
from armslength.enforce.postgresql_server import Connect, PostgresqlServer, ServerFailed
from armslength.enforce.postgresql_settings import PostgresqlPointSettings
from armslength.enforce.postgresql_watch import LogWatch
from armslength.gate import (
    MOST_CUSTOMERS,
    LeaseId,
    LeaseTerms,
    Moment,
    Refused,
    Rejected,
    UnknownKey,
    Why,
    covers,
    is_name,
    moment,
    verify_lease,
)

LOG = logging.getLogger("armslength.enforce.postgresql")

LOOK_SECONDS = 0.5
"""Between two looks at the log and the server while a role is there."""
IDLE_SECONDS = 5.0
"""And while none is."""
BEAT_SECONDS = 5.0
"""For which a mark in the log may take to be read, when a role is about to be made."""
STOP_SECONDS = 20.0
Step = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A role that is there for the lease, until then."""

    role: str
    database: str
    until: Moment


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
        self._settings, self._clock, self._look_seconds, self._step = settings, clock, look_seconds, step
        self._journal = PostgresqlJournal(settings.state)
        self._server = PostgresqlServer(connect, settings.databases[0])
        self._roles = LeaseRoles(self._server, settings.gate.gate, settings.databases)
        self._client = GateClient(settings.gate)
        self._checker = Checker(settings.gate.gate, clock=clock, steady=steady)
        self._counted = CountedLeases(steady)
        self._watch = LogWatch(settings, self._journal, self._server, steady=steady)
        self._delivery = Delivery(self._journal, self._client, settings.most_bytes)
        self._keys: dict[str, bytes] = {}
        self._kept: dict[str, RoleKept] = {}
        self._ending: dict[str, str] = {}
        """Roles that are to be gone, and why."""
        self._stuck: str | None = None
        """A role that the server does not let us end: then nobody else is let in either."""
        self._lost = False
        """Whether the last look found the log not to tell everything."""
        self._making: set[str] = set()
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._stop, self._news, self._roused = threading.Event(), threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        self._closed: str | None = "the point has not looked at its server yet"
        self._problems: tuple[str, ...] = ()
        self._gate_said: str | None = "the gate was not asked yet"

    # Its life

    def check(self) -> list[str]:
        """What keeps the server from being guarded. Raises `ServerFailed`."""
        return server_problems(self._server, self._settings, self._clock)

    def start(self) -> None:
        """Find what an earlier run left, look at the gate and the server now, and from here on in threads. Raises
        `ServerFailed`, `SpoolFailed`; a server with problems is looked at and opened to nobody."""
        self._problems = tuple(self.check())
        with self._lock:
            self._kept = self._journal.roles()
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
            self.end_all("the point stops")
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
            gate=self._gate_said,
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
            return self._open(token, verifier, customers, person)
        except ServerFailed as error:
            LOG.error("opening failed: %s", error)
            return Refused(why=Why.STORE, says=f"the database does not make the role: {error}")
        except SpoolFailed as error:
            LOG.error("opening failed: %s", error)
            return Refused(why=Why.STORE, says="this cannot be recorded on the point's machine, so nothing is opened")
        except Exception as error:
            LOG.error("opening failed: %s", type(error).__name__, exc_info=LOG.isEnabledFor(logging.DEBUG))
            return Refused(why=Why.ERROR, says=f"opening failed with {type(error).__name__}")

    def _open(self, token: str, verifier: str, customers: Sequence[str], person: str | None) -> Opened | Refused:
        if not is_verifier(verifier):
            return Refused(why=Why.ERROR, says="the password is no SCRAM-SHA-256 verifier")
        if len(customers) > MOST_CUSTOMERS or not all(map(is_name, customers)):
            return Refused(why=Why.ERROR, says="a customer that is named is no name")
        terms = self._terms(token)
        if isinstance(terms, Refused):
            return terms
        if person is not None and person != terms.executor:
            return Refused(why=Why.OUTSIDE, says="the lease is another person's")
        named = tuple(sorted(set(customers))) or terms.customers
        act = Act(person=terms.executor, action=terms.action, resource=terms.resource, customers=named)
        if not covers(
            terms,
            executor=terms.executor,
            action=terms.action,
            resource=terms.resource,
            customers=frozenset(named),
        ):
            return Refused(why=Why.OUTSIDE, says="the lease is for other customers, or each use has to name them")
        grant = self._settings.grant(terms.action, terms.resource)
        if grant is None:
            says = f"nothing says here what {terms.action} on {terms.resource} opens in this database"
            return Refused(why=Why.UNKNOWN_RESOURCE, says=says)
        if grant.rows == "customers" and not named:
            return Refused(
                why=Why.OUTSIDE, says="the lease names no customers, and these tables are opened by customer"
            )
        name = role_name(terms.id)
        with self._lock:
            own = self._locks.setdefault(name, threading.Lock())
        with own:  # two who bring the same lease, one after the other
            return self._opened(token, terms, act, name, verifier)

    def _opened(self, token: str, terms: LeaseTerms, act: Act, name: str, verifier: str) -> Opened | Refused:
        grant = self._settings.grant(terms.action, terms.resource)
        assert grant is not None
        use = _use_of(terms, verifier, act.customers)
        if (refused := self._unfit() or self._not_now(terms)) is not None:
            return refused
        kept = self._kept.get(name)
        answer = Opened(role=name, database=grant.database, until=terms.end)
        if kept is not None and kept.live and kept.use == use and name not in self._ending:
            return answer  # its answer was lost
        if self._ending.get(name) is not None:
            return Refused(why=Why.STORE, says="an earlier role of this lease is not gone yet: try again")
        if (said := clocks_differ(self._server, self._clock, self._settings.clock_seconds)) is not None:
            return Refused(why=Why.CLOCK, says=said)
        if not self._watch.beat(BEAT_SECONDS, self._read_log):
            return Refused(
                why=Why.STORE, says="the database's log cannot be read, so nothing that is done would be seen"
            )
        about = RoleKept(
            name=name,
            lease=terms.id,
            executor=terms.executor,
            action=terms.action,
            resource=terms.resource,
            customers=act.customers,
            ends=int(terms.end.timestamp()),
            use=use,
            counted=terms.online,
            live=False,
        )
        with self._lock:
            self._making.add(name)
        try:
            if kept is None:
                self._keep(about)
            self._step("kept")
            # INVARIANT: the use is durable in the gate's ledger before anything is opened by it.
            redeemed = self._client.redeem(act, use=use, token=token)
            if isinstance(redeemed, Refused):
                if kept is None:
                    self._forget(name)
                return redeemed
            if redeemed.lease != terms.id or redeemed.end is None:
                if kept is None:
                    self._forget(name)
                return Refused(why=Why.ERROR, says="the gate's yes is for something else")
            self._step("redeemed")
            if kept is not None:  # with another password, or for other customers, or one that a crash left
                if not self._gone(kept):
                    return Refused(why=Why.STORE, says="an earlier role of this lease is not gone yet: try again")
                self._keep(about)
            end = min(redeemed.end, terms.end)
            try:
                self._roles.make(name, terms.id, grant, verifier=verifier, end=end, customers=act.customers)
            except NameTaken:
                self._forget(name)
                return Refused(why=Why.STORE, says=f"a role {name} is in the database that this point did not make")
            except ServerFailed:
                self._ending[name] = "nobody knows whether it was made"
                raise
            self._step("made")
            try:
                self._keep(replace(about, live=True))
            except SpoolFailed:
                self._ending[name] = "it cannot be kept in the journal"
                raise
            self._step("live")
            LOG.info("opened %s until %s", name, end.isoformat())
            return replace(answer, until=end)
        except Unreachable as error:
            LOG.warning("the gate: %s", error)
            if kept is None:
                self._forget(name)
            return Refused(why=Why.GATE, says="the gate does not answer, so nothing is opened")
        finally:
            with self._lock:
                self._making.discard(name)
            self._news.set()

    def _terms(self, token: str) -> LeaseTerms | Refused:
        """Those of a lease that the gate signed, with keys that it has now."""
        try:
            try:
                terms = verify_lease(token, self._keys).terms
            except UnknownKey:
                self._learn_keys()
                terms = verify_lease(token, self._keys).terms
        except Unreachable:
            return Refused(why=Why.GATE, says="the gate does not answer, so nothing is opened")
        except Rejected as error:
            return Refused(why=Why.UNSIGNED, says=f"the lease was not signed by the gate: {error}"[:300])
        if terms.gate != self._settings.gate.gate:
            return Refused(why=Why.UNSIGNED, says="the lease is another gate's")
        return terms

    def _not_now(self, terms: LeaseTerms) -> Refused | None:
        now = self._checker.now()
        if isinstance(now, Refused):
            return now
        if moment(now) < terms.start:
            return Refused(why=Why.EXPIRED, says="the lease has not begun")
        return self._running(terms.id, terms.end, terms.online)

    def _running(self, lease: LeaseId, end: Moment, counted: bool) -> Refused | None:
        """Why what the lease opened has to end, or None. One that counts and is over may only be used up, and then what
        its last use opened goes on: the gate knows."""
        refused = self._checker.running(lease, end)
        return self._counted.why(lease) if refused is not None and refused.why is Why.REVOKED and counted else refused

    def _unfit(self) -> Refused | None:
        """Why nothing is opened now, whoever asks."""
        if self._problems:
            more = f", and {len(self._problems) - 1} more" if len(self._problems) > 1 else ""
            return Refused(why=Why.STORE, says=f"the database is not guarded: {self._problems[0]}{more}")
        if self._closed is not None:
            return Refused(why=Why.STORE, says=self._closed)
        return None

    def _keep(self, role: RoleKept) -> None:
        self._journal.put_role(role)
        with self._lock:
            self._kept[role.name] = role
        self._roused.set()

    def _forget(self, name: str) -> None:
        with self._lock:
            self._kept.pop(name, None)
        self._journal.drop_role(name)

    # Ending

    def end_all(self, why: str) -> None:
        """No new session, no session; at once for all. Raises `ServerFailed`."""
        names = self._named()
        if not names:
            return
        LOG.warning("ending every session: %s", why)
        for name in names:
            self._ending.setdefault(name, why)
        there = {each.name for each in self._roles.seen()}
        self._stuck = self._roles.shut([name for name in names if name in there])

    def _named(self) -> list[str]:
        seen = {each.name for each in self._roles.seen() if self._roles.ours(each.mark)}
        with self._lock:
            return sorted(seen | {name for name, kept in self._kept.items() if kept.live})

    def _gone(self, kept: RoleKept) -> bool:
        """End one role, and drop it; whether that was done, and all that it did was read."""
        name = kept.name
        there = any(each.name == name for each in self._roles.seen())
        if there and (stuck := self._roles.shut([name])):
            self._stuck = stuck
            self._ending.setdefault(name, "it cannot be ended yet")
            return False
        read = self._read_to_its_end()
        if there:
            self._roles.drop(name)
        if not read:
            self._ending.setdefault(name, "what it did is not in the journal yet")
            return False  # until the journal can be written, it has to be known whose lines these are
        self._watch.forget(name)
        try:
            self._forget(name)
        except SpoolFailed as error:
            LOG.error("the journal: %s", error)
        self._ending.pop(name, None)
        LOG.info("ended %s", name)
        return True

    def _read_to_its_end(self) -> bool:
        """Read all that is in the log by now, which a mark behind it shows; False: the journal does not take it."""
        try:
            if not self._watch.beat(BEAT_SECONDS, self._read_log):
                LOG.error("what an ended role did last cannot be read: the log is not written")
        except LogLost as error:
            LOG.error("what an ended role did last cannot be read: %s", error)
        except SpoolFailed as error:
            LOG.error("the journal: %s", error)
            return False
        return True

    # Looking

    def look_at_gate(self) -> None:
        """Ask for its list, and bring it what waits."""
        try:
            text = self._client.revocations()
            try:
                self._checker.learn(text)
            except UnknownKey:
                self._learn_keys()
                self._checker.learn(text)
            self._counted.ask(self._client, [each.lease for each in list(self._kept.values())])
            self._delivery.send()
            self._gate_said = None
        except (Unreachable, Rejected) as error:
            if self._gate_said is None:
                LOG.warning("the gate: %s", error)
            self._gate_said = str(error)
        except SpoolFailed as error:
            LOG.error("the journal: %s", error)
            self._gate_said = str(error)

    def _learn_keys(self) -> None:
        """Raises `Unreachable`."""
        self._keys = self._client.keys()
        self._checker.keys(self._keys)

    def look(self) -> None:
        """Read the log; end what has to end; see whether roles may be made. Raises `ServerFailed` where the server
        cannot be asked."""
        self._lost = False
        closed = self._seen_all() or self._stuck
        self._stuck = None
        if closed is not None:
            self.end_all(closed)
        self._end_due(self._roles.seen())
        self._roles.end_strays()
        if self._lost and not self._kept:
            closed = self._begin_again()
        if self._stuck is not None:
            LOG.error("%s", self._stuck)
        self._closed = self._stuck or closed

    def _seen_all(self) -> str | None:
        """Why what is done may be done unseen, or None."""
        try:
            self._read_log()
            if self._delivery.full():
                return "more waits for the gate than may: nothing is opened until it is there"
            roles = [kept.name for kept in list(self._kept.values()) if kept.live]
            if roles and (said := clocks_differ(self._server, self._clock, self._settings.clock_seconds)) is not None:
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

    def _read_log(self) -> None:
        with self._lock:
            roles = dict(self._kept)
        if self._watch.read(roles):
            self._news.set()

    def _end_due(self, seen: Iterable[RoleSeen]) -> None:
        on_server = {each.name: each for each in seen}
        with self._lock:
            kept, making = dict(self._kept), set(self._making)
        for name, role in kept.items():
            if name in making:
                continue
            found = on_server.get(name)
            why = self._ending.get(name) or self._why_ended(role, found)
            if why is not None:
                if name not in self._ending:
                    LOG.warning("ending %s: %s", name, why)
                self._ending[name] = why
                try:
                    self._gone(role)
                except ServerFailed as error:
                    if not error.code:
                        raise
                    # One that cannot be dropped is closed, and must not keep others from being ended.
                    LOG.error("%s cannot be dropped: %s", name, error)
        for name, found in on_server.items():
            if name not in kept and name not in making and self._roles.ours(found.mark):
                LOG.warning("ending %s: the journal does not know it", name)
                if stuck := self._roles.shut([name]):
                    self._stuck = stuck
                    continue
                try:
                    self._roles.drop(name)
                except ServerFailed as error:
                    if not error.code:
                        raise
                    LOG.error("%s cannot be dropped: %s", name, error)

    def _why_ended(self, role: RoleKept, found: RoleSeen | None) -> str | None:
        if found is None:
            return "it is not on the server"
        if found.mark != self._roles.mark(role.lease):
            return "its comment was changed"
        if found.fault is not None:
            return found.fault
        if not role.live:
            return "it was never given to anybody"
        refused = self._running(role.lease, moment(role.ends), role.counted)
        return None if refused is None else refused.says

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
                    self._gate_said = f"looking at the gate failed with {type(error).__name__}"
                self._stop.wait(min(1.0, self._settings.gate.poll_seconds))


def _use_of(terms: LeaseTerms, verifier: str, customers: tuple[str, ...]) -> bytes:
    """16 bytes for the use of this lease with this verifier, which holds chance: who asks again asks for the same."""
    parts = ("armslength postgresql", terms.id, verifier, *customers)
    return hashlib.sha256("\0".join(parts).encode()).digest()[:16]
