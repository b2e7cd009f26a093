"""When each SSH session began and ended, and its command where it had one: lines of a log of this machine, and records
in the gate's ledger that commit to them.

The beginning is on the disk before sshd hears that the session may begin. What the gate does not have yet waits in a
folder, a file for each line; a file that the gate will never take is kept beside, for the operator.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from armslength.enforce.client import GateClient
from armslength.enforce.failure import SpoolFailed, Unreachable
from armslength.enforce.ssh_table import SshSession, keep
from armslength.tlog import Json, format_base64url

LOG = logging.getLogger("armslength.enforce.ssh")

PATH = "/gate/v1/statements"
SOURCE = "sshd"
MOST_WAITING = 10_000
"""Lines that the gate does not have; with more of them no session begins."""
MOST_SENT = 50
LINES, WAITING, KEPT = "ssh-sessions.log", "ssh-waiting", ".kept"
BEGUN, OVER = 1, 2
"""The numbers of a session's lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    path: Path
    form: Mapping[str, Json]


class SshJournal:
    """One machine's. Threads may write; one delivers."""

    def __init__(self, folder: Path) -> None:
        """Raises `SpoolFailed`."""
        self._lines, self._waiting = folder / LINES, folder / WAITING
        try:
            self._waiting.mkdir(mode=0o700, exist_ok=True)
            self._count = sum(path.suffix != KEPT for path in self._waiting.iterdir())
        except OSError as error:
            raise SpoolFailed(f"{self._waiting}: {error.strerror}") from error

    def begun(self, session: SshSession, command: str | None) -> None:
        """Returns once it is on the disk. Raises `SpoolFailed`: the session must not begin then."""
        if self._count >= MOST_WAITING:
            raise SpoolFailed(f"{self._waiting}: holds {MOST_WAITING} lines that the gate has not taken")
        said: dict[str, Json] = {"account": session.account, "command": command, "serial": session.serial}
        self._write(session, BEGUN, session.begun, said, [] if command is None else [command])

    def over(self, session: SshSession, *, at: int, why: str | None) -> None:
        """`why` None: by itself. Raises `SpoolFailed`."""
        self._write(session, OVER, at, {"why": why}, [])

    def deliver(self, client: GateClient) -> None:
        """What waits, until the gate has it all. Raises `Unreachable`, `SpoolFailed`."""
        try:
            waiting = sorted(path for path in self._waiting.iterdir() if path.suffix == ".json")
            self._count = len(waiting)
            for start in range(0, len(waiting), MOST_SENT):
                self._deliver(client, [_read(path) for path in waiting[start : start + MOST_SENT]])
        except OSError as error:
            raise SpoolFailed(f"{self._waiting}: {error.strerror}") from error

    def _deliver(self, client: GateClient, found: list[_Waiting | Path]) -> None:
        for each in found:
            if isinstance(each, Path):
                LOG.error("a line of a session is damaged: %s", each.name)
                each.rename(each.with_suffix(KEPT))
        some = [each for each in found if isinstance(each, _Waiting)]
        if not some:
            return
        status, answer = client.post(PATH, {"batches": [dict(each.form) for each in some]})
        taken = answer.get("taken") if isinstance(answer, dict) else None
        if status == 400:
            problems: list[object] = ["its form is wrong"] * len(some)
        elif isinstance(taken, list) and len(taken) == len(some) and all(isinstance(each, dict) for each in taken):
            problems = [each.get("problem") for each in taken if isinstance(each, dict)]
        else:
            raise Unreachable("the gate's answer is not about what was sent")
        for each, problem in zip(some, problems, strict=True):
            if problem is None:
                each.path.unlink()
            else:
                LOG.error("a line of a session is not on record: %s", str(problem)[:200])
                each.path.rename(each.path.with_suffix(KEPT))
            self._count -= 1

    def _write(
        self, session: SshSession, number: int, at: int, said: Mapping[str, Json], statements: list[str]
    ) -> None:
        what = "begun" if number == BEGUN else "over"
        told = {"at": at, "lease": session.lease, "number": number, "session": session.use, "what": what, **said}
        line = (json.dumps(told, sort_keys=True, separators=(",", ":")) + "\n").encode()
        id = hashlib.sha256(f"armslength ssh line\0{session.use}\0{number}".encode()).digest()[:16]
        form: dict[str, Json] = {
            "batch": format_base64url(id),
            "customers": [],
            "done": at,
            "first": number,
            "last": number,
            "lease": session.lease,
            "session": session.use,
            "sha256": hashlib.sha256(line).hexdigest(),
            "source": SOURCE,
            "statements": [{"text": each, "times": 1, "failed": 0} for each in statements],
        }
        try:
            handle = os.open(self._lines, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                if os.write(handle, line) != len(line):
                    raise OSError(28, "No space left on device")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise SpoolFailed(f"{self._lines}: {error.strerror}") from error
        # In the order of their names they are delivered: of one second, beginnings before ends.
        keep(self._waiting / f"{at:012d}-{number}-{id.hex()}.json", json.dumps(form).encode())
        self._count += 1


def _read(path: Path) -> _Waiting | Path:
    with suppress(ValueError):
        form = json.loads(path.read_bytes())
        if isinstance(form, dict):
            return _Waiting(path=path, form=form)
    return path
