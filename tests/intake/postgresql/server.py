"""A real PostgreSQL server in a folder of its own, that listens on a socket and, with TLS, on 127.0.0.1."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PASSWORD = "only-for-tests"
INSTALL = "PostgreSQL is not installed: apt-get install postgresql"


def _binaries() -> Path | None:
    """Debian keeps them off the PATH, a folder a version."""
    given = os.environ.get("POSTGRESQL_BIN")
    places = [Path(given)] if given else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: p.parent.name.zfill(4), reverse=True)
    if found := shutil.which("initdb"):
        places.append(Path(found).resolve().parent)
    return next((place for place in places if (place / "initdb").exists() and (place / "pg_dumpall").exists()), None)


BIN = _binaries()
# In CI it has to be there, and tests fail where it is not.
needs_postgresql = pytest.mark.skipif(BIN is None and not os.environ.get("CI"), reason=INSTALL)


@dataclass(frozen=True, kw_only=True)
class PostgresqlServer:
    folder: Path
    port: int
    certificate: Path
    tls: bool

    def dsn(self, user: str = "root", database: str = "postgres") -> str:
        return f"host={self.folder} port={self.port} user={user} dbname={database}"

    def sql(self, text: str, database: str = "postgres") -> str:
        """As the superuser, one statement after the other; gives what was selected, unaligned."""
        command = [*self._tool("psql"), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", database]
        ended = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def globals(self) -> bytes:
        return self._dump("pg_dumpall", "--globals-only")

    def dump(self, database: str) -> bytes:
        return self._dump("pg_dump", "--schema-only", "--create", database)

    def _dump(self, tool: str, *arguments: str) -> bytes:
        return subprocess.run([*self._tool(tool), *arguments], capture_output=True, check=True).stdout

    def _tool(self, name: str) -> list[str]:
        assert BIN is not None
        return [str(BIN / name), "-h", str(self.folder), "-p", str(self.port), "-U", "root"]


@contextmanager
def running_postgresql() -> Iterator[PostgresqlServer]:
    if BIN is None:
        pytest.fail(INSTALL)
    # Not pytest's folder: the path of a socket has at most 107 characters, and another user has to get there.
    folder = Path(tempfile.mkdtemp(prefix="armslength-pg-"))
    try:
        as_user = _other_user(folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        data = folder / "data"
        _run([*as_user, BIN / "initdb", "-D", data, "-A", "trust", "-U", "root", "--no-sync", "-E", "UTF8"])
        certificate = _certificate(data)
        (data / "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n", "utf-8")
        with (data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(
                f"listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{folder}'\nfsync = off\n"
                "ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\nmax_connections = 20\n"
            )
        if as_user:
            for path in data.iterdir():
                _own(path)
        start = [*as_user, BIN / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-t", "60"]
        tls = _has_tls()
        if not tls:
            with (data / "postgresql.conf").open("a", encoding="utf-8") as settings:
                settings.write("ssl = off\n")
        _run([*start, "start"])
        try:
            yield PostgresqlServer(folder=folder, port=port, certificate=certificate, tls=tls)
        finally:
            _run([*start, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[object]) -> None:
    ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd="/")
    assert ended.returncode == 0, ended.stdout + ended.stderr


def _has_tls() -> bool:
    """Debian's has; some that are built to be carried about have not."""
    assert BIN is not None
    given = subprocess.run([str(BIN / "pg_config"), "--configure"], capture_output=True, text=True, check=False)
    return given.returncode != 0 or "openssl" in given.stdout or "with-ssl" in given.stdout


def _other_user(folder: Path) -> list[str]:
    """The server refuses to run as root: then it is nobody who runs it."""
    if os.geteuid() != 0:
        return []
    folder.chmod(0o755)
    _own(folder)
    return ["setpriv", f"--reuid={_nobody().pw_uid}", f"--regid={_nobody().pw_gid}", "--clear-groups"]


def _nobody() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def _own(path: Path) -> None:
    if path.stat().st_uid == 0:
        os.chown(path, _nobody().pw_uid, _nobody().pw_gid)


def _certificate(data: Path) -> Path:
    """For 127.0.0.1 alone, signed by itself."""
    import datetime as dt
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "postgresql.test")])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    certificate = data / "server.crt"
    certificate.write_bytes(made.public_bytes(pem))
    plain = serialization.NoEncryption()
    (data / "server.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    (data / "server.key").chmod(0o600)
    outside = data.parent / "roots.crt"
    shutil.copy(certificate, outside)
    return outside
