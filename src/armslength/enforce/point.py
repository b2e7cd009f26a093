"""An enforcement point inside a program: asks the gate before an act happens, or checks a lease that a person brought.

    with Point(settings) as point:
        answer = point.allow(act, token=lease)

A lease that counts nothing is checked here, and its use is on this machine's disk before the act: so it goes on for a
minute when the gate is away. Everything else is asked of the gate. Whatever cannot be checked is refused, and nothing
here raises: a refusal says why.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from armslength.enforce.act import Act, Allowed
from armslength.enforce.checker import Checker
from armslength.enforce.client import GateClient, Redeemed
from armslength.enforce.failure import EnforceError, SpoolFailed, Unreachable
from armslength.enforce.settings import PointSettings
from armslength.enforce.spool import Spool, SpooledUse
from armslength.gate import (
    MOST_CUSTOMERS,
    TARGETS,
    LeaseTerms,
    PersonId,
    Refused,
    Rejected,
    Routes,
    Target,
    UnknownKey,
    Why,
    is_name,
)

LOG = logging.getLogger("armslength.enforce")

MOST_KEPT = 4096
"""Leases that the gate gave us for people who did not bring them."""
STOP_SECONDS = 10.0
_OWN = frozenset({Why.EXPIRED, Why.OUTSIDE, Why.REVOKED, Why.UNSIGNED, Why.GATE, Why.OLD_LIST})
"""Refusals after which the gate may know more: of another lease, or of a key that is newer than our list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointHealth:
    """`gate` says what was wrong with the last look at the gate, None if nothing; `spooled` bytes wait for it; `kept`
    are damaged files of the spool that somebody should look at."""

    gate: str | None
    spool: str | None
    spooled: int
    kept: int
    routes: int


class Point:
    """One program's enforcement point; any number of threads may use it."""

    def __init__(
        self,
        settings: PointSettings,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        chance: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """`clock` in POSIX seconds, `steady` seconds that never go back. Raises `SpoolFailed` where the folder of the
        spool cannot be had: a point that would refuse everything should not start."""
        self._settings, self._clock, self._chance = settings, clock, chance
        self._spool = None if settings.spool is None else Spool(settings.spool, most_bytes=settings.most_spool_bytes)
        self._client = GateClient(settings)
        self._checker = Checker(settings.gate, clock=clock, steady=steady)
        self._routes: Routes | None = None
        self._kept: OrderedDict[tuple[PersonId, str, Target], str] = OrderedDict()
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._said: str | None = "the gate was not asked yet"
        self._spool_said: str | None = None

    def start(self) -> None:
        """Look at the gate now, and from here on in a thread."""
        self.look()
        self._thread = threading.Thread(target=self._watch, name="armslength-point", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send what waits, if the gate is there, and let go."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
        self._send()
        if self._spool is not None:
            self._spool.close()
        self._client.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def ask_url(self) -> str:
        """Where people ask for access."""
        return f"{self._settings.url.rstrip('/')}/ask"

    def routes(self) -> Routes | Refused:
        """Those of the estate that the gate had when it was last looked at."""
        if self._routes is None:
            return Refused(why=Why.GATE, says="the gate did not answer yet, so it is not known what this request means")
        return self._routes

    def health(self) -> PointHealth:
        try:
            waiting = 0 if self._spool is None else self._spool.waiting()
        except OSError:
            waiting = 0
        return PointHealth(
            gate=self._said,
            spool=self._spool_said,
            spooled=waiting,
            kept=0 if self._spool is None else self._spool.kept,
            routes=0 if self._routes is None else len(self._routes),
        )

    def allow(self, act: Act, *, token: str | None = None, use: bytes | None = None) -> Allowed | Refused:
        """Whether the act may happen now. A yes is on record before it is given. `token`: the lease that the person
        brought; `use`: the 16 bytes that are this act's alone, however often it is asked about (None: they are drawn).
        Waits for the disk or the gate."""
        try:
            return self._allow(act, token, self._chance(16) if use is None else use)
        except Exception as error:  # an error is a refusal
            LOG.error("deciding failed: %s", type(error).__name__, exc_info=LOG.isEnabledFor(logging.DEBUG))
            return Refused(why=Why.ERROR, says=f"deciding failed with {type(error).__name__}")

    def running(self, allowed: Allowed) -> Refused | None:
        """Why what was allowed has to end now, or None. Standing access has no end of its own."""
        if allowed.lease is None or allowed.end is None:
            return None
        return self._checker.running(allowed.lease, allowed.end)

    def left(self, allowed: Allowed) -> float | None:
        """Seconds to the end of what was allowed; None: it has none."""
        return None if allowed.end is None else allowed.end.timestamp() - self._clock()

    def look(self) -> None:
        """Ask the gate for its keys, its list and its routes, and send the uses that wait."""
        try:
            text = self._client.revocations()
            try:
                self._checker.learn(text)
            except UnknownKey:
                self._checker.keys(self._client.keys())
                self._checker.learn(text)
            self._routes = self._client.routes(self._routes)
            if isinstance(now := self._checker.now(), Refused):
                self._said = now.says
            else:
                behind = self._checker.blind(now)
                self._said = None if behind is None else behind.says
        except (Unreachable, Rejected) as error:
            if self._said is None:
                LOG.warning("the gate: %s", error)
            self._said = str(error)
            return
        self._send()

    def _allow(self, act: Act, token: str | None, use: bytes) -> Allowed | Refused:
        if problem := _problem(act):
            return Refused(why=Why.ERROR, says=problem)
        if isinstance(now := self._checker.now(), Refused):
            return now
        key = (act.person, act.action, act.resource)
        brought = token if token is not None else self._kept.get(key)
        here: Refused | None = None
        if brought is not None and self._spool is not None:
            checked = self._checker.check(
                brought,
                executor=act.person,
                action=act.action,
                resource=act.resource,
                customers=frozenset(act.customers),
            )
            if isinstance(checked, LeaseTerms):
                return self._spooled(self._spool, act, checked, use, now)
            here = checked
            if here.why not in _OWN:
                return here
            if token is None and here.why is not Why.OLD_LIST:
                with self._lock:
                    self._kept.pop(key, None)
        try:
            answer = self._client.redeem(act, use=use, token=token)
        except Unreachable as error:
            LOG.warning("the gate: %s", error)
            if here is not None and here.why is not Why.GATE:
                return here
            return Refused(why=Why.GATE, says="the gate does not answer, so nothing is let through")
        if isinstance(answer, Refused):
            return answer
        self._keep(key, answer)
        return Allowed(act=act, lease=answer.lease, end=answer.end)

    def _spooled(self, spool: Spool, act: Act, terms: LeaseTerms, id: bytes, now: float) -> Allowed | Refused:
        use = SpooledUse(
            id=id,
            lease=terms.id,
            executor=act.person,
            action=act.action,
            resource=act.resource,
            customers=act.customers,
            at=int(now),
        )
        try:
            # INVARIANT: the use is durable before the act. A crash after this line leaves a use that may not have been.
            spool.add(use)
        except SpoolFailed as error:
            LOG.error("the spool: %s", error)
            self._spool_said = str(error)
            return Refused(why=Why.STORE, says="this act cannot be recorded on this machine, so it is not let through")
        self._spool_said = None
        return Allowed(act=act, lease=terms.id, end=terms.end)

    def _keep(self, key: tuple[PersonId, str, Target], answer: Redeemed) -> None:
        """A lease that counts nothing serves the next act without the gate."""
        if answer.token is None or self._spool is None:
            return
        terms = self._checker.read(answer.token)
        if isinstance(terms, LeaseTerms) and not terms.online:
            with self._lock:
                self._kept[key] = answer.token
                self._kept.move_to_end(key)
                while len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)

    def _send(self) -> None:
        """The uses that wait, file by file, until the gate has them all or says no."""
        if self._spool is None:
            return
        with self._sending:
            try:
                while (batch := self._spool.next()) is not None:
                    try:
                        sent = self._client.send(batch.uses)
                    except (EnforceError, Rejected) as error:
                        LOG.warning("uses wait: %s", error)
                        self._spool.back(batch)
                        return
                    for said in sent.problems:
                        # The act has happened, and what the gate says of it now is for people to look at.
                        LOG.error("a use does not fit its lease: %s", said)
                    self._spool.done(batch, keep=sent.turned_away > 0)
            except SpoolFailed as error:
                LOG.error("the spool: %s", error)
                self._spool_said = str(error)

    def _watch(self) -> None:
        while not self._stop.wait(self._settings.poll_seconds):
            try:
                self.look()
            except Exception as error:  # the thread must not end: nothing would be allowed any more
                LOG.error("looking at the gate failed: %s", type(error).__name__)
                self._said = f"looking at the gate failed with {type(error).__name__}"


def _problem(act: Act) -> str | None:
    """Why this is no act that a gate would record: a use that it turned away would wait here for ever."""
    if not all(map(is_name, (act.person, act.action, act.resource.id, *act.customers))):
        return "the act names something that is no name"
    if act.resource.type not in TARGETS:
        return f"the act is on a {act.resource.type[:40]!r}: expected one of {', '.join(sorted(TARGETS))}"
    if len(act.customers) > MOST_CUSTOMERS or list(act.customers) != sorted(set(act.customers)):
        return f"the act's customers: expected at most {MOST_CUSTOMERS} in ascending order, each once"
    return None
