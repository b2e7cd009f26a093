"""Sessions for reading, kept for the next reader of the same database, so that to open a store costs no connection."""

from __future__ import annotations

import os
import threading
import time

from armslength.store.postgresql_dsn import PostgresqlAddress
from armslength.store.postgresql_session import PostgresqlSession

MOST_IDLE = 2
"""Sessions of one database that wait to be used."""
LONGEST_IDLE = 60.0
"""Seconds that one waits at most: what a firewall forgot would be found out by a timeout only."""


class PostgresqlPool:
    """A process has one; any thread may lease. As many sessions are open as are leased at a time, and a few more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[PostgresqlAddress, list[tuple[float, PostgresqlSession]]] = {}

    def lease(self, address: PostgresqlAddress) -> PostgresqlSession:
        """A session that nobody else uses until it is given back. Raises `StoreError`."""
        while (kept := self._taken(address)) is not None:
            since, session = kept
            if session.usable and time.monotonic() - since < LONGEST_IDLE:
                return session
            session.close()
        return PostgresqlSession(address, writing=False)

    def give_back(self, session: PostgresqlSession) -> None:
        """One that failed, or on which something is under way, is ended and never given to anybody again."""
        if session.usable:
            with self._lock:
                idle = self._idle.setdefault(session.address, [])
                if len(idle) < MOST_IDLE:
                    idle.append((time.monotonic(), session))
                    return
        session.close()

    def empty(self) -> None:
        """End those that nobody uses."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for sessions in idle.values():
            for _, session in sessions:
                session.close()

    def _taken(self, address: PostgresqlAddress) -> tuple[float, PostgresqlSession] | None:
        with self._lock:
            idle = self._idle.get(address)
            return idle.pop() if idle else None


POOL = PostgresqlPool()


def _forked() -> None:
    """A child must not speak over its parent's connections, nor end them."""
    POOL.__init__()  # type: ignore[misc]


os.register_at_fork(after_in_child=_forked)
