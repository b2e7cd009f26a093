"""The roles that a point made and did not drop yet: what is known of each, and how it ends.

To end one: nobody comes in by it any more, its sessions are ended, all that they did is read from the log, and it is
dropped. Until the journal has what they did, it has to be known whose lines those are.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from armslength.enforce.failure import SpoolFailed
from armslength.enforce.postgresql_gate import GateSeen
from armslength.enforce.postgresql_journal import PostgresqlJournal, RoleKept
from armslength.enforce.postgresql_log import LogLost
from armslength.enforce.postgresql_roles import LeaseRoles, RoleSeen
from armslength.enforce.postgresql_server import ServerFailed
from armslength.enforce.postgresql_watch import LogWatch
from armslength.gate import LeaseId, moment

LOG = logging.getLogger("armslength.enforce.postgresql")

BEAT_SECONDS = 5.0
"""For which a mark in the log may take to be read, when a role is about to be made or dropped."""


class KeptRoles:
    """For any number of threads; one of them looks, and ends what is due."""

    def __init__(
        self,
        journal: PostgresqlJournal,
        roles: LeaseRoles,
        watch: LogWatch,
        gate: GateSeen,
        *,
        rouse: Callable[[], None],
        news: Callable[[], None],
    ) -> None:
        """`rouse` is called when there is one to look at, `news` when there is something for the gate."""
        self._journal, self._roles, self._watch, self._gate = journal, roles, watch, gate
        self._rouse, self._news = rouse, news
        self._kept: dict[str, RoleKept] = {}
        self._ending: dict[str, str] = {}
        """Roles that are to be gone, and why."""
        self._making: set[str] = set()
        self._lock = threading.Lock()
        self.stuck: str | None = None
        """A role that the server does not let us end: then nobody else is let in either."""

    def load(self) -> None:
        """Those of an earlier run. Raises `SpoolFailed`."""
        with self._lock:
            self._kept = self._journal.roles()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, name: str) -> RoleKept | None:
        return self._kept.get(name)

    def live(self) -> list[str]:
        return [kept.name for kept in list(self._kept.values()) if kept.live]

    def leases(self) -> list[LeaseId]:
        return [each.lease for each in list(self._kept.values())]

    def ending(self, name: str) -> str | None:
        """Why it is to be gone, or None."""
        return self._ending.get(name)

    def end_soon(self, name: str, why: str) -> None:
        self._ending[name] = why

    @contextmanager
    def making(self, name: str) -> Iterator[None]:
        """While one is made, whoever looks leaves it alone."""
        with self._lock:
            self._making.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._making.discard(name)
            self._news()

    def keep(self, role: RoleKept) -> None:
        """Raises `SpoolFailed`."""
        self._journal.put_role(role)
        with self._lock:
            self._kept[role.name] = role
        self._rouse()

    def forget(self, name: str) -> None:
        """Raises `SpoolFailed`."""
        with self._lock:
            self._kept.pop(name, None)
        self._journal.drop_role(name)

    def read_log(self) -> None:
        """Raises `LogLost`, `SpoolFailed`."""
        with self._lock:
            roles = dict(self._kept)
        if self._watch.read(roles):
            self._news()

    def heard(self) -> bool:
        """Whether the log shows now what is done. Raises `ServerFailed`, `LogLost`, `SpoolFailed`."""
        return self._watch.beat(BEAT_SECONDS, self.read_log)

    def end_all(self, why: str) -> None:
        """No new session, no session; at once for all. Raises `ServerFailed`."""
        names = self._named()
        if not names:
            return
        LOG.warning("ending every session: %s", why)
        for name in names:
            self._ending.setdefault(name, why)
        there = {each.name for each in self._roles.seen()}
        self.stuck = self._roles.shut([name for name in names if name in there])

    def _named(self) -> list[str]:
        seen = {each.name for each in self._roles.seen() if self._roles.ours(each.mark)}
        with self._lock:
            return sorted(seen | {name for name, kept in self._kept.items() if kept.live})

    def gone(self, kept: RoleKept) -> bool:
        """End one role, and drop it; whether that was done, and all that it did was read."""
        name = kept.name
        there = any(each.name == name for each in self._roles.seen())
        if there and (stuck := self._roles.shut([name])):
            self.stuck = stuck
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
            self.forget(name)
        except SpoolFailed as error:
            LOG.error("the journal: %s", error)
        self._ending.pop(name, None)
        LOG.info("ended %s", name)
        return True

    def _read_to_its_end(self) -> bool:
        """Read all that is in the log by now, which a mark behind it shows; False: the journal does not take it."""
        try:
            if not self.heard():
                LOG.error("what an ended role did last cannot be read: the log is not written")
        except LogLost as error:
            LOG.error("what an ended role did last cannot be read: %s", error)
        except SpoolFailed as error:
            LOG.error("the journal: %s", error)
            return False
        return True

    def end_due(self, seen: Iterable[RoleSeen]) -> None:
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
                    self.gone(role)
                except ServerFailed as error:
                    if not error.code:
                        raise
                    # One that cannot be dropped is closed, and must not keep others from being ended.
                    LOG.error("%s cannot be dropped: %s", name, error)
        for name, found in on_server.items():
            if name not in kept and name not in making and self._roles.ours(found.mark):
                LOG.warning("ending %s: the journal does not know it", name)
                if stuck := self._roles.shut([name]):
                    self.stuck = stuck
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
        refused = self._gate.running(role.lease, moment(role.ends), role.counted)
        return None if refused is None else refused.says
