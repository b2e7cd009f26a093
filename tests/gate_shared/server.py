"""A PostgreSQL server for gates that share it, which can be killed and started again; and founded firms to copy."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.intake.postgresql.server import BIN, INSTALL

WITHOUT_FSYNC = "ARMSLENGTH_TESTS_WITHOUT_FSYNC"
"""What is killed here are processes; the machine's own memory keeps what they wrote."""
DATABASES = ("gate", "log", "keys", "lock")


@dataclass
class SharedServer:
    """`host` is where gates find it: its folder, for its socket, or an address."""

    folder: Path
    port: int
    host: str
    user: list[str] = field(default_factory=list)

    def place(self, name: str, database: str) -> str:
        """The connection string of one of a firm's databases."""
        return f"postgresql:///{name}_{database}?host={self.host}&port={self.port}&user=root&sslmode=disable"

    def make(self, name: str) -> None:
        """Empty databases for a firm."""
        for each in DATABASES:
            self.sql(f"CREATE DATABASE {name}_{each}")

    def copy(self, name: str, into: str) -> None:
        """A firm's databases, which nobody uses at the moment, once more."""
        for each in DATABASES:
            # Connections that a process keeps for later.
            self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}_{each}'")
            self.sql(f"CREATE DATABASE {into}_{each} TEMPLATE {name}_{each}")

    def drop(self, name: str) -> None:
        for each in DATABASES:
            self.sql(f"DROP DATABASE IF EXISTS {name}_{each} WITH (FORCE)")

    def sql(self, text: str, database: str = "postgres") -> str:
        """As the superuser; gives what was selected, unaligned."""
        assert BIN is not None
        command = [str(BIN / "psql"), "-h", str(self.folder), "-p", str(self.port), "-U", "root", "-d", database]
        ended = subprocess.run([*command, "-X", "-q", "-At", "-c", text], text=True, capture_output=True, check=False)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def start(self) -> None:
        self._control("start")

    def stop(self, how: str = "immediate") -> None:
        """`immediate` is what a crash leaves."""
        self._control("stop", "-m", how)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """No process of it does anything meanwhile, and its connections stand."""
        pids = self._pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _pids(self) -> list[int]:
        master = int((self.folder / "data/postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        return [master, *map(int, children)]

    def _control(self, *words: str) -> None:
        assert BIN is not None
        command = [*self.user, str(BIN / "pg_ctl"), "-D", str(self.folder / "data"), "-l", str(self.folder / "log")]
        ended = subprocess.run([*command, "-w", "-t", "60", *words], capture_output=True, text=True, cwd="/")
        assert ended.returncode == 0, ended.stdout + ended.stderr


@contextmanager
def shared_server(host: str = "", *, namespace: str = "", fsync: bool = False) -> Iterator[SharedServer]:
    """`host`: the address that it listens on, in the network `namespace`; or nothing, for its socket alone."""
    if BIN is None:
        pytest.fail(INSTALL)
    folder = Path(tempfile.mkdtemp(prefix="armslength-several-", dir=None if fsync else _memory()))
    user: list[str] = []
    if os.geteuid() == 0:
        folder.chmod(0o755)
        shutil.chown(folder, "nobody")
        user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    if namespace:
        user = ["ip", "netns", "exec", namespace, *user]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = SharedServer(folder=folder, port=port, host=host or str(folder), user=user)
    try:
        data = folder / "data"
        made = [*user, BIN / "initdb", "-D", data, "-A", "trust", "-U", "root", "--no-sync", "-E", "UTF8"]
        ended = subprocess.run([str(each) for each in made], capture_output=True, text=True, cwd="/")
        assert ended.returncode == 0, ended.stderr
        (data / "pg_hba.conf").write_text("local all all trust\nhost all all 10.0.0.0/8 trust\n", "utf-8")
        with (data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(
                f"listen_addresses = '{host}'\nport = {port}\nunix_socket_directories = '{folder}'\n"
                f"fsync = {'on' if fsync else 'off'}\n"
                "max_connections = 150\nautovacuum = off\nshared_buffers = 32MB\n"
            )
        server.start()
        yield server
    finally:
        with suppress(AssertionError):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _memory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def until(true: object, seconds: float = 20.0) -> None:
    """Wait until a question is answered with yes."""
    assert callable(true)
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)
