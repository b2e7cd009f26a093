"""Whom the guard of SSH sessions ends, and whom it never touches; and what the next one knows of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from armslength.enforce.failure import SpoolFailed
from armslength.enforce.ssh_guard import SshGuard
from armslength.enforce.ssh_processes import (
    Process,
    audit_session,
    end,
    everything,
    look_at,
    mark_of,
    members,
    sshd_of,
)
from armslength.enforce.ssh_table import SshSession, read_table, write_table
from armslength.gate import Refused, Why
from tests.enforce.ssh.sshd import until

TREE = 'sh -c "sleep 300 & sleep 300 & wait" & (setsid sleep 300 &) ; echo up; wait'


def started() -> subprocess.Popen[str]:
    """A shell with two children of a child, and one that left."""
    env = {**os.environ, "SSH_CONNECTION": f"192.0.2.1 {os.getpid()} 192.0.2.2 {time.monotonic_ns()}"}
    made = subprocess.Popen(["sh", "-c", TREE], stdout=subprocess.PIPE, text=True, env=env)
    assert made.stdout is not None and made.stdout.readline() == "up\n"
    return made


def process(pid: int) -> Process:
    seen = look_at(pid)
    assert seen is not None
    return seen.process


def session_of(connection: Process) -> SshSession:
    return SshSession(
        pid=connection.pid,
        started=connection.started,
        account="deploy",
        action="ssh",
        lease="lease_AAAAAAAAAAAAAAAAAAAAAA",
        counted=False,
        person="bo",
        serial=1,
        digest="ab" * 32,
        use="A" * 21 + "A",
        begun=1,
        end=2,
        outer=audit_session(os.getpid()),
    )


def named(name: str, among: set[Process]) -> list[Process]:
    return [each for each in among if (seen := look_at(each.pid)) is not None and seen.name == name]


def test_what_a_connection_started_ends_and_nothing_else(tmp_path: Path) -> None:
    """A process that left its parents would stay; or the machine's other users would be thrown out."""
    bystander = started()
    made = started()
    try:
        connection = process(made.pid)
        until(
            lambda: len(named("sleep", members(connection, known=(), session=None, mark=None, among=everything()))) == 2
        )
        mark = mark_of([connection])
        assert mark is not None
        until(
            lambda: len(named("sleep", members(connection, known=(), session=None, mark=mark, among=everything()))) == 3
        )
        write_table(tmp_path, [session_of(connection)])
        gone: list[tuple[SshSession, str | None]] = []
        refused = Refused(why=Why.REVOKED, says="")
        guard = SshGuard(tmp_path, lambda session: refused, lambda session, why: gone.append((session, why)))
        guard.look()
        until(lambda: guard.look() is None and not guard.sessions(), 10)
        assert [(each.lease, why) for each, why in gone] == [("lease_AAAAAAAAAAAAAAAAAAAAAA", str(Why.REVOKED))]
        assert read_table(tmp_path) == ()
        left = [seen for seen in everything().values() if mark_of([seen.process]) == mark]
        assert left == []
        assert bystander.poll() is None
    finally:
        for each in (made, bystander):
            for one in (
                members(process(each.pid), known=(), session=None, mark=None, among=everything())
                if each.poll() is None
                else ()
            ):
                end(one, signal.SIGKILL)
            each.wait()


def test_a_number_that_is_used_again_is_another_process(tmp_path: Path) -> None:
    """Somebody else's process would be killed."""
    made = subprocess.Popen(["sleep", "300"])
    try:
        real = process(made.pid)
        other = Process(pid=real.pid, started=real.started - 1)
        assert members(other, known=(), session=None, mark=None, among=everything()) == set()
        assert end(other, signal.SIGKILL)
        time.sleep(0.1)
        assert made.poll() is None
        assert end(Process(pid=2**22 - 1, started=1), signal.SIGKILL)
    finally:
        made.kill()
        made.wait()


def test_the_guard_ends_neither_itself_nor_what_started_it() -> None:
    """An sshd that somebody started from their own shell would take that shell with it, or the machine."""
    ours = process(os.getpid())
    own = audit_session(os.getpid())
    found = members(ours, known=(process(1),), session=own, mark=None, among=everything())
    assert ours not in found and process(1) not in found and process(os.getppid()) not in found


def test_only_a_child_of_sshd_is_sshds_helper() -> None:
    """Any program could ask in sshd's name."""
    assert sshd_of(os.getpid()) is None and sshd_of(2**22 - 1) is None


def test_the_next_point_knows_who_is_in(tmp_path: Path) -> None:
    """A restart would forget whom to end; a restart of the machine would end whoever has the number now."""
    one = session_of(Process(pid=5, started=6))
    assert read_table(tmp_path) == ()
    write_table(tmp_path, [one, replace(one, pid=7)])
    assert read_table(tmp_path) == (one, replace(one, pid=7))
    place = tmp_path / "ssh-sessions.json"
    said = json.loads(place.read_text())
    place.write_text(json.dumps({**said, "boot": "another"}))
    assert read_table(tmp_path) == ()
    for damaged in ("", "{", "[]", "{}", json.dumps({**said, "sessions": [{"pid": 1}]})):
        place.write_text(damaged)
        with pytest.raises(SpoolFailed, match="damaged"):
            read_table(tmp_path)
    place.unlink()
    place.mkdir()
    with pytest.raises(SpoolFailed):
        write_table(tmp_path, [one])
