"""Who is in: the SSH sessions that leases opened on this machine, on the disk before sshd hears of them.

Whoever guards them next reads them there: the point after a restart, or what ends them when there is none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from armslength.enforce.failure import SpoolFailed
from armslength.enforce.ssh_processes import Process, boot

_FILE = "ssh-sessions.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSession:
    """One connection that a lease opened. `end` is the lease's, `begun` when it came, POSIX seconds; `use` is the id of
    its use in the ledger, in base64url; `digest` that of its certificate, in hex; `counted`: the gate counts the
    lease's uses, and this may be the last; `outer`: the audit session of the sshd that listens, if it has one."""

    pid: int
    started: int
    account: str
    action: str
    lease: str
    counted: bool
    person: str
    serial: int
    digest: str
    use: str
    begun: int
    end: int
    outer: int | None = None

    @property
    def connection(self) -> Process:
        return Process(pid=self.pid, started=self.started)


def read_table(folder: Path) -> tuple[SshSession, ...]:
    """Those of this start of the machine. Raises `SpoolFailed` where it cannot be read: then nobody knows who is in."""
    path = folder / _FILE
    try:
        said = json.loads(path.read_bytes())
        if said["boot"] != boot():
            return ()
        return tuple(SshSession(**row) for row in said["sessions"])
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise SpoolFailed(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SpoolFailed(f"{path}: is damaged; move it away, and end the sessions that are open") from error


def write_table(folder: Path, sessions: Iterable[SshSession]) -> None:
    """Returns once it is on the disk. Raises `SpoolFailed`, and then the table is as it was."""
    text = json.dumps({"boot": boot(), "sessions": [asdict(each) for each in sessions]}, indent=1)
    keep(folder / _FILE, text.encode())


def keep(path: Path, data: bytes) -> None:
    """Put it in the file's place, whole. Returns once it is on the disk. Raises `SpoolFailed`, and then the file is as
    it was."""
    made = path.with_name(f"{path.name}.new")
    try:
        handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(handle, left) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(made, path)
        held = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(held)
        finally:
            os.close(held)
    except OSError as error:
        raise SpoolFailed(f"{path}: {error.strerror}") from error
