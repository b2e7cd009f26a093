"""A real sshd that asks a real point, before which stands a real gate; and ssh, with a key and a certificate."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from armslength.enforce import (
    GivenCertificate,
    SshAccount,
    SshPoint,
    SshPointSettings,
    ask_certificate,
    put_certificate,
    put_helper,
    sshd_config,
)
from armslength.gate import LeaseState, Target
from armslength.store import make_ssh_ca, ssh_ca_line
from tests.enforce.nginx import free_port
from tests.enforce.real_gate import RealGate, real_gate
from tests.service.gates import MEETINGS, ORIGIN

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
SSH = shutil.which("ssh") or "/usr/bin/ssh"
SECONDS = 25.0
ME = getpass.getuser()
HELPER = "nobody" if os.geteuid() == 0 else ME
SHELL = pwd.getpwuid(os.geteuid()).pw_shell

# In CI they have to be there, and tests fail where they are not.
needs_sshd = pytest.mark.skipif(
    not (Path(SSHD).exists() and Path(SSH).exists()) and not os.environ.get("CI"),
    reason="sshd or ssh is not installed: apt-get install openssh-server openssh-client",
)
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="sshd runs helpers of root alone, and logs in others, as root"
)


@dataclass(kw_only=True)
class Server:
    """sshd at `port`, its point, and the folder that sshd believes. `log` is what sshd says."""

    port: int
    folder: Path
    log: Path
    settings: SshPointSettings

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")


@dataclass(kw_only=True)
class Person:
    """Somebody with a key of their own, who gets certificates for leases."""

    gate: RealGate
    key: Path
    port: int
    options: list[str] = field(default_factory=list)

    def certificate(self, lease: LeaseState | str) -> GivenCertificate:
        token = lease if isinstance(lease, str) else self.gate.gate.token(lease.terms.id)
        given = ask_certificate(self.gate.url, token, self.key.with_suffix(".pub").read_text())
        put_certificate(self.key.with_suffix(".pub"), given.text)
        return given

    @property
    def shown(self) -> Path:
        return self.key.with_name(f"{self.key.name}-cert.pub")

    def command(self, *words: str, account: str = ME, port: int | None = None) -> list[str]:
        said = {
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "BatchMode": "yes",
            "ConnectTimeout": "10",
            "LogLevel": "ERROR",
        }
        given = [word for key, value in said.items() for word in ("-o", f"{key}={value}")]
        where = ["-p", str(port or self.port), *self.options, f"{account}@127.0.0.1"]
        return [SSH, "-F", "none", "-i", str(self.key), *given, *where, *words]

    def ssh(self, *words: str, account: str = ME, port: int | None = None, text: str | None = None) -> tuple[int, str]:
        """Exit status and what came back, on both outputs."""
        done = subprocess.run(
            self.command(*words, account=account, port=port),
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            text=True,
        )
        return done.returncode, done.stdout

    def opens(self, *, port: int | None = None) -> None:
        found = self.ssh("echo in", port=port)
        assert found == (0, "in\n"), found

    def is_refused(self, *, account: str = ME, port: int | None = None) -> None:
        status, said = self.ssh("echo in", account=account, port=port)
        assert status == 255 and "Permission denied" in said, (status, said)

    @contextmanager
    def staying(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """A session that goes on until the block ends; what it runs has said `up`."""
        process = subprocess.Popen(
            self.command(*(words or ("echo up; exec sleep 600",))),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            yield process
        finally:
            process.kill()
            process.communicate()


@contextmanager
def believed_folder() -> Iterator[Path]:
    """One that sshd runs a helper from: a folder of pytest lies under one that all may write into."""
    path = Path(tempfile.mkdtemp(prefix="armslength-ssh-", dir="/run" if os.geteuid() == 0 else None))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def ssh_gate(folder: Path, **more: Any) -> Iterator[RealGate]:
    """The real gate with a key for certificates."""
    opened = more.pop("opened", True)
    with real_gate(folder, opened=False, **more) as gate:
        make_ssh_ca(folder, chance=os.urandom)
        if opened:
            gate.open()
        yield gate


def point_settings(gate: RealGate, folder: Path, state: Path, **more: Any) -> SshPointSettings:
    """A point for `end` on the meetings service, as this account; each login is asked at the gate unless `offline`."""
    spool = state / "spool" if more.pop("offline", False) else None
    helper = pwd.getpwnam(HELPER).pw_uid
    said: dict[str, Any] = {
        "point": replace(gate.settings(spool), **more.pop("point", {})),
        "resource": MEETINGS,
        "accounts": {ME: SshAccount(action="end", command=None, pty=True)},
        "state": state,
        "socket": folder / "point" / "ssh.sock",
        "helper": helper,
        **more,
    }
    return SshPointSettings(**said)


@contextmanager
def running_sshd(
    gate: RealGate, settings: SshPointSettings, folder: Path, work: Path, *, more: str = "", pam: bool = False
) -> Iterator[Server]:
    work.mkdir(parents=True, exist_ok=True)
    from armslength.store import read_ssh_ca

    key = read_ssh_ca(gate.path)
    assert key is not None
    authority = work / "ca.pub"
    authority.write_text(ssh_ca_line(key, ORIGIN) + "\n")
    helper = put_helper(folder) if os.geteuid() == 0 else folder / "ssh-principals"
    host_key = work / "host"
    _keygen(host_key)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port = free_port()
    text = f"""\
ListenAddress 127.0.0.1
Port {port}
HostKey {host_key}
PidFile none
LogLevel VERBOSE
UsePAM {"yes" if pam else "no"}
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
{more}
{sshd_config(settings, helper=helper, authority=str(authority), user=HELPER)}"""
    (work / "sshd_config").write_text(text)
    log = work / "sshd.log"
    with open(log, "wb") as out:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(work / "sshd_config")], stdout=out, stderr=out)
    try:
        server = Server(port=port, folder=folder, log=log, settings=settings)
        until(lambda: "Server listening" in server.said() or process.poll() is not None)
        assert process.poll() is None, server.said()
        yield server
    finally:
        process.terminate()
        process.wait(SECONDS)


@dataclass(kw_only=True)
class Stand:
    gate: RealGate
    server: Server
    point: SshPoint
    bo: Person
    lease: LeaseState


@contextmanager
def stand(
    folder: Path, *, action: str = "end", sshd: str = "", gate: Mapping[str, Any] | None = None, **more: Any
) -> Iterator[Stand]:
    """All of it, with a live lease of bo's and a certificate for it. `more` are settings of the point."""
    with ExitStack() as stack:
        made = stack.enter_context(ssh_gate(folder / "gate", **(gate or {})))
        yield stack.enter_context(standing(folder, made, action=action, sshd=sshd, **more))


@contextmanager
def standing(folder: Path, gate: RealGate, *, action: str = "end", sshd: str = "", **more: Any) -> Iterator[Stand]:
    with ExitStack() as stack:
        believed = stack.enter_context(believed_folder())
        lease = gate.leased(action, *more.pop("customers", ()), by="di ed" if action == "end" else "di")
        pam, clock = more.pop("pam", False), more.pop("clock", gate.clock)
        accounts = {"accounts": {ME: SshAccount(action=action, command=None, pty=True)}}
        settings = point_settings(gate, believed, folder / "state", **{**accounts, **more})
        point = stack.enter_context(SshPoint(settings, clock=clock, look_seconds=0.1))
        server = stack.enter_context(running_sshd(gate, settings, believed, folder / "sshd", more=sshd, pam=pam))
        bo = person(folder, gate, server.port, "bo")
        bo.certificate(lease)
        yield Stand(gate=gate, server=server, point=point, bo=bo, lease=lease)


def person(folder: Path, gate: RealGate, port: int, name: str) -> Person:
    folder.mkdir(parents=True, exist_ok=True)
    _keygen(folder / name)
    return Person(gate=gate, key=folder / name, port=port)


def until(holds: Callable[[], bool], seconds: float = SECONDS) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def other(id: str) -> Target:
    return Target(type="asset", id=id)


def _keygen(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
