"""The processes of this machine, as far as they belong to one SSH connection (Linux's /proc).

A connection is the process of sshd that holds it. What runs in it are that process's descendants; what has the same
audit session, which the kernel hands on and nobody but root can shake off (pam_loginuid sets it); what says in its
environment that this connection started it; and whatever was seen as one of these before, so that a process which
leaves its parents is not lost.
"""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from socket import SO_PEERCRED, SOL_SOCKET, socket

NO_SESSION = 2**32 - 1


@dataclass(frozen=True, slots=True, order=True)
class Process:
    """`started` is in clock ticks since the machine's start: a number that is used again is another process."""

    pid: int
    started: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One process as it was a moment ago. `terminal` is its device number, 0 for none."""

    process: Process
    parent: int
    name: str
    terminal: int


def look_at(pid: int) -> Seen | None:
    """None: it is gone, or dead and not yet waited for."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    before, _, after = text.rpartition(b")")
    fields = after.split()
    if len(fields) < 20 or fields[0] in (b"Z", b"X"):
        return None
    name = before.partition(b"(")[2].decode("utf-8", "replace")
    process = Process(pid=pid, started=int(fields[19]))
    return Seen(process=process, parent=int(fields[1]), name=name, terminal=int(fields[4]))


def everything() -> dict[int, Seen]:
    found = (look_at(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return {each.process.pid: each for each in found if each is not None}


def alive(process: Process) -> bool:
    seen = look_at(process.pid)
    return seen is not None and seen.process == process


def audit_session(pid: int) -> int | None:
    """None: it has none, or this kernel keeps none."""
    try:
        with open(f"/proc/{pid}/sessionid", encoding="ascii") as file:
            number = int(file.read())
    except (OSError, ValueError):
        return None
    return None if number == NO_SESSION else number


def outer_audit_session(connection: Process) -> int | None:
    """That of the sshd that listens, asked while the connection is being let in: later its parent may be another."""
    seen = look_at(connection.pid)
    return None if seen is None else audit_session(seen.parent)


def _untouched() -> set[int]:
    """Whatever is found, not these: ourselves, what started us, and the first process."""
    found, pid = {1}, os.getpid()
    while pid not in found and (seen := look_at(pid)) is not None:
        found.add(pid)
        pid = seen.parent
    return found


def members(
    connection: Process,
    *,
    known: Iterable[Process],
    session: int | None,
    mark: bytes | None,
    among: Mapping[int, Seen],
) -> set[Process]:
    """All that belongs to the connection, with itself. `session` is its audit session, `mark` what `mark_of` found."""
    roots = {each for each in (connection, *known) if each.pid in among and among[each.pid].process == each}
    if mark is not None:
        later = (seen for seen in among.values() if seen.process.started >= connection.started)
        roots |= {seen.process for seen in later if mark in _environment(seen.process.pid)}
    if session is not None:
        roots |= {seen.process for pid, seen in among.items() if audit_session(pid) == session}
    children: dict[int, list[Seen]] = {}
    for seen in among.values():
        children.setdefault(seen.parent, []).append(seen)
    found: set[Process] = set()
    untouched = _untouched()
    waiting = [each for each in roots if each.pid not in untouched]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += [child.process for child in children.get(one.pid, ()) if child.process.started >= one.started]
    return found


def mark_of(processes: Iterable[Process]) -> bytes | None:
    """What sshd put into the environment of those that it started for a connection: the addresses and ports of its two
    ends, which no other has meanwhile. None: it started none yet, or we may not look."""
    for each in processes:
        found = next((line for line in _environment(each.pid) if line.startswith(b"SSH_CONNECTION=")), None)
        if found is not None:
            return found
    return None


def _environment(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read(1 << 20).split(b"\0")
    except OSError:
        return []


def end(process: Process, how: int) -> bool:
    """Signal it, if it is still the same (0: see whether one may); whether that was allowed. A pidfd cannot come to
    mean another process."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    try:
        if alive(process):
            signal.pidfd_send_signal(handle, how)
        return True
    except ProcessLookupError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)


def write_to_terminals(processes: Iterable[Process], among: Mapping[int, Seen], text: str) -> None:
    """Where that is allowed; nobody waits for it."""
    for terminal in {among[each.pid].terminal for each in processes if each.pid in among}:
        major, minor = os.major(terminal), os.minor(terminal)
        if 136 <= major <= 143:  # a pseudo-terminal (admin-guide/devices.txt of Linux)
            with suppress(OSError):
                handle = os.open(f"/dev/pts/{(major - 136) * 256 + minor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
                try:
                    os.write(handle, text.encode())
                finally:
                    os.close(handle)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who is at the other end of a socket of this machine."""

    pid: int
    user: int


def peer_of(connection: socket) -> Peer:
    pid, user, _ = struct.unpack("3i", connection.getsockopt(SOL_SOCKET, SO_PEERCRED, struct.calcsize("3i")))
    return Peer(pid=pid, user=user)


def sshd_of(helper: int) -> Process | None:
    """The connection on whose behalf this helper of sshd was started; None where it was started by something else."""
    seen = look_at(helper)
    above = None if seen is None else look_at(seen.parent)
    if above is None or not above.name.startswith("sshd"):
        return None
    # Its effective user is the helper's for as long as it waits for the helper.
    return above.process if _user(above.process.pid) in (0, os.geteuid()) else None


def _user(pid: int) -> int | None:
    """The real one."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("Uid:")), None)
    except (OSError, ValueError):
        return None


def boot() -> str:
    """Which start of the machine this is: process numbers mean nothing in another one."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()
