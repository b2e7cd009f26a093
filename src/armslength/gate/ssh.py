"""What the gate and a server's enforcement point have to agree on about certificates for SSH (docs/formats/ssh.md).

What a session may be is annotations of the permit that leads to the lease, so they change as all policy does, and a
client cannot choose them:

    @ssh_command("/usr/local/sbin/restart-meeting")     the only thing that runs (`force-command`)
    @ssh_pty("no")                                      a terminal: yes or no; with a command no, else yes
    @ssh_source("10.0.0.0/8,2001:db8::/32")             from where (`source-address`)
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from armslength.gate.failure import Rejected
from armslength.gate.lease import LeaseId

LEASE_EXTENSION = "lease@armslength"
"""The extension that holds the lease as the gate signed it, so that a point can check it while the gate is away."""
LONGEST_COMMAND = 1000

_WORDS = ("ssh_command", "ssh_pty", "ssh_source")


@dataclass(frozen=True, slots=True, kw_only=True)
class SshLimits:
    """What a session may be, by the policy that leads to it. `source` empty: from anywhere."""

    command: str | None
    pty: bool
    source: tuple[str, ...]


def ssh_principal(id: LeaseId) -> str:
    """The one name that the certificate of a lease is for."""
    return f"lease:{id}"


def ssh_limits(said: Mapping[str, str]) -> SshLimits:
    """What a permit's annotations ask of a session. A word that nobody knows might have been meant to forbid something,
    so it refuses. Raises `Rejected` with every problem."""
    problems = [
        f"@{word} of the policy: expected one of {', '.join('@' + each for each in _WORDS)}"
        for word in sorted(said)
        if word.lower().startswith("ssh") and word not in _WORDS
    ]
    command, pty, source = said.get("ssh_command"), said.get("ssh_pty"), said.get("ssh_source")
    if command is not None and (problem := ssh_command_problem(command)):
        problems.append(f"@ssh_command of the policy {problem}")
    if pty not in (None, "yes", "no"):
        problems.append('@ssh_pty of the policy: expected "yes" or "no"')
    places: list[str] = []
    for each in [] if source is None else source.split(","):
        try:
            places.append(str(ipaddress.ip_network(each.strip())))
        except ValueError:
            problems.append(f"@ssh_source of the policy: {each.strip()[:60]!r} is no network such as 10.0.0.0/8")
    if problems:
        raise Rejected(problems)
    return SshLimits(command=command, pty=command is None if pty is None else pty == "yes", source=tuple(places))


def ssh_command_problem(command: str) -> str | None:
    """Why sshd could take this command for another one, or None."""
    if not command.strip() or not command.isascii() or not command.isprintable() or len(command) > LONGEST_COMMAND:
        return f"is no command: expected 1 to {LONGEST_COMMAND} printable characters of ASCII"
    # sshd takes the quote behind it for a part of the text.
    return "ends in a backslash" if command.endswith("\\") else None
