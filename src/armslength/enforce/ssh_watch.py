"""What is left when the point of a server dies: it waits for the point's end, and unless another one takes over within
seconds, ends the sessions that leases opened.

A process of its own. The point starts it, and starts it again; whoever kills both has to be root.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from armslength.enforce.failure import EnforceError, SpoolFailed
from armslength.enforce.ssh_guard import SshGuard
from armslength.enforce.ssh_journal import SshJournal
from armslength.enforce.ssh_point import LOCK, hold
from armslength.enforce.ssh_table import SshSession
from armslength.gate import Refused, Why

LOG = logging.getLogger("armslength.enforce.ssh")


def watch(folder: Path, *, over_seconds: float) -> None:
    """Returns when the point of this state has ended and another one runs, or no session is left. `over_seconds` are
    those in which another point may take over: a restart ends nobody's session. Raises `SpoolFailed`."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends with its work: a stop is when it is needed
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _wait(folder)
    time.sleep(over_seconds)
    held = hold(folder)
    if held is None:
        return
    try:
        LOG.error("the point is gone, so the sessions end")
        gone = Refused(why=Why.GATE, says="the point is gone")
        journal = SshJournal(folder)

        def over(session: SshSession, why: str | None) -> None:
            try:
                journal.over(session, at=int(time.time()), why=why)
            except SpoolFailed as error:
                LOG.error("the end of a session is not noted: %s", error)

        guard = SshGuard(folder, lambda session: gone, over)
        while guard.sessions():
            guard.look()
            time.sleep(0.2)
    finally:
        os.close(held)


def _wait(folder: Path) -> None:
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SpoolFailed(f"{folder / LOCK}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    finally:
        os.close(handle)


class Watcher:
    """The point's hold on that process."""

    def __init__(self, settings: Path) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def keep(self) -> None:
        """Start it if it does not run. Raises `EnforceError`."""
        if self._process is not None and self._process.poll() is None:
            return
        command = [sys.executable, "-m", "armslength", "ssh", "watch", str(self._settings)]
        try:
            # In a session of its own: what ends the point by its group, a terminal's hang-up, leaves it.
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        except OSError as error:
            raise EnforceError(f"cannot start what watches the point: {error.strerror}") from error
