"""What sshd has to be told, and the files that it needs beside it."""

from __future__ import annotations

import os
import pwd
import stat
from importlib.resources import files
from pathlib import Path

from armslength.enforce.failure import EnforceError
from armslength.enforce.ssh_settings import SshPointSettings

HELPER = "ssh-principals"


def sshd_config(settings: SshPointSettings, *, helper: Path, authority: str, user: str) -> str:
    """A part of `sshd_config`, for a file in `sshd_config.d`. `helper` is where `ssh-principals` stands, `authority`
    the file with the gate's public key, `user` who runs the helper. Raises `EnforceError` with every problem."""
    _check(settings, authority=Path(authority), user=user)
    names = ",".join(settings.accounts)
    return f"""\
# Accounts that leases of the gate open, and nothing else does. Written by: armslength ssh sshd
Match User {names}
    AuthenticationMethods publickey
    PubkeyAuthentication yes
    AuthorizedKeysFile none
    TrustedUserCAKeys {authority}
    AuthorizedPrincipalsCommand {helper} {settings.socket} %u %k
    AuthorizedPrincipalsCommandUser {user}
    PasswordAuthentication no
    KbdInteractiveAuthentication no
    GSSAPIAuthentication no
    HostbasedAuthentication no
    DisableForwarding yes
    PermitTunnel no
    PermitUserRC no
    # A use of a lease is a connection: with one session each, it is a session.
    MaxSessions 1
Match all
"""


def _check(settings: SshPointSettings, *, authority: Path, user: str) -> None:
    """Raises `EnforceError` where sshd could not use the key, run the helper, or let anybody in. `sshd -t` says nothing
    of these: it would let nobody in, and tell its log alone."""
    problems = [
        f"account {name!r}: there is no such user here: adduser --disabled-password {name}"
        for name in settings.accounts
        if not _there(name)
    ]
    if not _there(user):
        problems.append(f"--user {user!r}: there is no such user here; the point's own user is meant")
    try:
        words = authority.read_bytes().split()
        if len(words) < 2 or words[0] != b"ssh-ed25519":
            problems.append(f"{authority}: is not what armslength gate ssh-ca prints")
    except OSError as error:
        problems.append(f"{authority}: {error.strerror}; bring what armslength gate ssh-ca prints here")
    if problems:
        raise EnforceError("\n".join(problems))


def _there(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except (KeyError, ValueError):
        return False
    return True


def helper_text() -> str:
    return files("armslength.enforce").joinpath("ssh_principals.py").read_text("utf-8")


def put_helper(into: Path) -> Path:
    """Write the helper into a folder that sshd believes. Raises `EnforceError` where others may write into it or above
    it: sshd would not run the helper, and say so in its log alone."""
    place = into / HELPER
    try:
        into.mkdir(mode=0o755, parents=True, exist_ok=True)
        for each in (into, *into.resolve().parents):
            about = os.stat(each)
            if about.st_uid != 0 or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise EnforceError(
                    f"{each}: belongs to somebody else than root, or others may write into it; sshd runs nothing there"
                )
        made = into / f".{HELPER}.new"
        made.write_text(helper_text(), "utf-8")
        made.chmod(0o755)
        os.rename(made, place)
    except OSError as error:
        raise EnforceError(f"{place}: {error.strerror}") from None
    return place
