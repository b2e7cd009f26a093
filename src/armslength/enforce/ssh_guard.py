"""Ends SSH sessions when their lease ends: the connection with all that is multiplexed on it, and what runs in it."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from armslength.enforce.failure import SpoolFailed
from armslength.enforce.sentences import SENTENCES
from armslength.enforce.ssh_processes import (
    Process,
    Seen,
    alive,
    audit_session,
    end,
    everything,
    mark_of,
    members,
    write_to_terminals,
)
from armslength.enforce.ssh_table import SshSession, read_table, write_table
from armslength.gate import Refused

LOG = logging.getLogger("armslength.enforce.ssh")

KILL_SECONDS = 1.0
"""After which what was told to end is ended."""


@dataclass(slots=True)
class _Guarded:
    known: set[Process] = field(default_factory=set)
    audit: int | None = None
    mark: bytes | None = None
    reason: str | None = None
    told: float | None = None
    """When it was told to end, by a clock that nobody sets."""


class SshGuard:
    """The sessions of one machine. `why` says why a session has to end now, or None; `over` is told
    of one that is over, and why it was ended. Threads may add; one looks."""

    def __init__(
        self,
        folder: Path,
        why: Callable[[SshSession], Refused | None],
        over: Callable[[SshSession, str | None], None] = lambda session, why: None,
        *,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Goes on with those that the table in `folder` has. Raises `SpoolFailed`."""
        self._folder, self._why, self._over, self._steady = folder, why, over, steady
        self._lock = threading.Lock()
        self._sessions: dict[SshSession, _Guarded] = {each: _Guarded() for each in read_table(folder)}
        self.failed: str | None = None
        """Why sessions cannot be ended here, if they cannot."""

    def sessions(self) -> tuple[SshSession, ...]:
        with self._lock:
            return tuple(self._sessions)

    def add(self, session: SshSession) -> None:
        """From here on it is guarded. Raises `SpoolFailed`: it must not be let in then."""
        with self._lock:
            write_table(self._folder, [*self._sessions, session])
            self._sessions[session] = _Guarded()

    def look(self) -> None:
        """Once over all of them."""
        with self._lock:
            found = list(self._sessions.items())
        if not found:
            return
        among = everything()
        over = [(session, guarded.reason) for session, guarded in found if not self._followed(session, guarded, among)]
        if over:
            for session, reason in over:
                self._over(session, reason)
            with self._lock:
                left = [each for each in self._sessions if each not in dict(over)]
                try:
                    write_table(self._folder, left)
                except SpoolFailed as error:  # it names some who are gone, whose numbers nobody takes for others
                    LOG.error("the table of sessions: %s", error)
                for session, _ in over:
                    self._sessions.pop(session, None)
                    LOG.info("over: account %s, lease %s, use %s", session.account, session.lease, session.use)

    def _followed(self, session: SshSession, guarded: _Guarded, among: dict[int, Seen]) -> bool:
        """Whether anything is left of it."""
        if guarded.audit is None and (number := audit_session(session.pid)) != session.outer:
            guarded.audit = number if alive(session.connection) else None
        mark = None if guarded.told is None and session.connection.pid in among else guarded.mark
        mine = members(session.connection, known=guarded.known, session=guarded.audit, mark=mark, among=among)
        guarded.known = mine
        guarded.mark = guarded.mark or mark_of(mine - {session.connection})
        if not mine:
            return False
        if guarded.told is None:
            refused = self._why(session)
            if refused is not None:
                guarded.told, guarded.reason = self._steady(), str(refused.why)
                LOG.info("ending: account %s, lease %s: %s", session.account, session.lease, refused.why)
                write_to_terminals(mine, among, f"\r\narmslength: {SENTENCES[refused.why]}\r\n")
                self._end(session.connection, signal.SIGTERM)  # which has sshd close what it holds
                for each in mine - {session.connection}:
                    if not among[each.pid].name.startswith("sshd"):
                        self._end(each, signal.SIGHUP)
        elif self._steady() - guarded.told >= KILL_SECONDS:
            for each in mine:
                self._end(each, signal.SIGKILL)
        return True

    def _end(self, process: Process, how: int) -> None:
        if not end(process, how):
            self.failed = "sessions cannot be ended here: the point needs to be root, or to have CAP_KILL"
            LOG.critical("%s", self.failed)
