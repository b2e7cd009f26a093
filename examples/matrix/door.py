"""The staff's door: nginx. It knows people by their certificates, asks the gate, and then shows Synapse its token."""

from __future__ import annotations

import getpass
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from armslength.enforce import ClientCertificate, NginxSite, nginx_secrets, nginx_site
from examples.matrix.certificates import Certificate

HERE = Path(__file__).resolve().parent
HOST = "staff.fernbank.example"
SECONDS = 20


class NoDoor(Exception):
    """nginx is not there, or did not start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What the door leads to: the gate's and the homeserver's URLs, the point's secret, the administrator's token."""

    gate: str
    homeserver: str
    point: str
    token: str


class Door:
    """nginx at `port`. All it writes is in `folder`."""

    def __init__(self, *, folder: Path, port: int, server: Certificate, authority: Path, behind: Behind) -> None:
        self.port = port
        self._folder = folder
        self._behind = behind
        self._site = NginxSite(
            host=HOST,
            listen=(f"127.0.0.1:{port} ssl",),
            gate=behind.gate,
            upstream=behind.homeserver,
            socket=str(folder / "second.sock"),
            secrets=str(folder / "secrets.conf"),
            subject=ClientCertificate(authority=str(authority)),
            ask=f"{behind.gate}/ask",
            certificate=str(server.certificate),
            key=str(server.key),
            credential=True,
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it listens. Raises `NoDoor`."""
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            raise NoDoor("nginx is missing: apt-get install nginx")
        self._write()
        command = [program, "-p", str(self._folder), "-c", str(self._folder / "nginx.conf"), "-g", "daemon off;"]
        with (self._folder / "nginx.out").open("wb") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
        until = time.monotonic() + SECONDS
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > until:
                said = (self._folder / "nginx.out").read_text("utf-8", "replace")
                self.close()
                raise NoDoor(f"nginx did not start: {said.strip()}")
            time.sleep(0.02)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _write(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True)
        held = self._folder / "secrets.conf"
        held.touch(mode=0o600)
        credential = f"Bearer {self._behind.token}"
        held.write_text(
            nginx_secrets(self._site, point=self._behind.point, held=secrets.token_urlsafe(24), credential=credential)
        )
        (self._folder / "staff.conf").write_text(nginx_site(self._site))
        text = (HERE / "nginx.conf").read_text("utf-8")
        for name, value in (("USER", getpass.getuser()), ("FOLDER", str(self._folder)), ("PORT", str(self.port))):
            text = text.replace(f"@{name}@", value)
        (self._folder / "nginx.conf").write_text(text)

    def _listens(self) -> bool:
        pid = self._folder / "nginx.pid"
        return pid.exists() and bool(pid.read_text().strip())
