"""What stays when a point is killed: a process of its own, told by a pipe, that closes every session of a lease.

An orderly point says goodbye and has ended them itself. Where the pipe ends without a word, nobody would end them.
"""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import BinaryIO

from armslength.enforce.postgresql_roles import LeaseRoles
from armslength.enforce.postgresql_server import Connect, PostgresqlServer, ServerFailed
from armslength.enforce.postgresql_settings import PostgresqlPointSettings

LOG = logging.getLogger("armslength.enforce.postgresql")

GOODBYE = b"bye\n"
TRY_SECONDS = 1.0
"""Between two goes, while the server cannot be reached."""


def keep_watch(
    pipe: BinaryIO,
    settings: PostgresqlPointSettings,
    connect: Connect,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Waits until the point is gone; whether sessions had to be ended."""
    while line := pipe.readline(100):
        if line == GOODBYE:
            return False
    LOG.error("the point is gone without a word: ending every session of a lease")
    server = PostgresqlServer(connect, settings.databases[0])
    roles = LeaseRoles(server, settings.gate.gate, settings.databases)
    while True:
        try:
            names = [each.name for each in roles.seen() if roles.ours(each.mark)]
            if not names or (stuck := roles.shut(names)) is None:
                server.close()
                return True
            LOG.error("%s", stuck)
        except ServerFailed as error:
            LOG.error("the server: %s", error)
        sleep(TRY_SECONDS)


class Keeper:
    """The point's hold on that process."""

    def __init__(self, command: Sequence[str]) -> None:
        """Starts it, in a session of its own, so that what stops the one does not stop the other."""
        self._process = subprocess.Popen(list(command), stdin=subprocess.PIPE, start_new_session=True)

    def alive(self) -> bool:
        return self._process.poll() is None

    def goodbye(self) -> None:
        """The point has ended everything itself."""
        if self._process.stdin is not None:
            try:
                self._process.stdin.write(GOODBYE)
                self._process.stdin.close()
            except OSError:
                pass
        self._process.wait(5)
