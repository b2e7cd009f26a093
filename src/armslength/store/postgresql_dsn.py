"""Where a PostgreSQL server is and who asks it, from a connection string and from where libpq looks, never with the
password in an argument.

As libpq has it (the manual's "Connection Strings", "Environment Variables", "The Password File", "The Connection
Service File"), but that TLS is verified with the host's name unless `sslmode=disable` says that there shall be none.
"""

from __future__ import annotations

import getpass
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from armslength.store.failure import StoreError
from armslength.store.plain_file import NotPlain, read_plain

MOST_BYTES = 1_000_000
"""Of a password or service file."""
ENVIRONMENT = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "service": "PGSERVICE",
    "passfile": "PGPASSFILE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}
USED = frozenset({*ENVIRONMENT, "connect_timeout", "application_name", "client_encoding", "target_session_attrs"})
MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
SOCKETS = "/var/run/postgresql"
_PAIR = re.compile(r"\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?:\s+|$)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlAddress:
    """`host` that begins with `/` is the folder of a socket. `tls` is false only where that was asked for."""

    host: str
    port: int
    user: str
    database: str
    tls: bool
    roots: str = ""
    certificate: tuple[str, str] = ("", "")
    password: str | None = field(default=None, repr=False)

    @property
    def socket(self) -> str | None:
        return f"{self.host}/.s.PGSQL.{self.port}" if self.host.startswith("/") else None

    def __str__(self) -> str:
        """For people; an IPv6 address, or a folder, as it was given."""
        return f"{self.host}:{self.port}"


def postgresql_address(
    dsn: str, environment: Mapping[str, str] = os.environ, *, what: str = "--dsn"
) -> PostgresqlAddress:
    """`what` is the flag or the setting that gave it. Raises `StoreError`; no message repeats a value that may be a
    password."""
    given = check_dsn(dsn, what)
    settled = {key: environment[name] for key, name in ENVIRONMENT.items() if environment.get(name)}
    password: str | None = environment.get("PGPASSWORD") or None
    if service := given.get("service", settled.get("service", "")):
        served = _service(service, environment)
        password = served.pop("password", password)
        settled |= served
    settled |= given
    mode = settled.get("sslmode", "verify-full")
    if mode not in MODES:
        raise StoreError(f"sslmode={mode!r}: expected verify-full or disable")
    user = settled.get("user") or getpass.getuser()
    host = settled.get("host") or settled.get("hostaddr") or SOCKETS
    if "," in host or not settled.get("port", "5432").isdecimal():
        raise StoreError(f"{what} names several hosts, or a port that is no number: expected one host and its port")
    said = settled.get("port", "5432")
    port = int(said) if len(said) < 10 else 0
    if not 0 < port < 65536:
        raise StoreError(f"port {said[:20]}: expected 1 to 65535")
    database = settled.get("dbname") or user
    if password is None:
        known = "localhost" if host.startswith("/") else host
        password = _from_file(settled.get("passfile"), (known, str(port), database, user), environment)
    return PostgresqlAddress(
        host=host,
        port=port,
        user=user,
        database=database,
        tls=not host.startswith("/") and mode != "disable",
        roots="" if settled.get("sslrootcert") == "system" else settled.get("sslrootcert", ""),
        certificate=(settled.get("sslcert", ""), settled.get("sslkey", "")),
        password=password,
    )


def check_dsn(dsn: str, what: str = "--dsn") -> dict[str, str]:
    """What a connection string says, wherever it is read. Raises `StoreError` as `postgresql_address` does."""
    given = _uri(dsn, what) if dsn.startswith(("postgresql://", "postgres://")) else _pairs(dsn, what)
    if "password" in given:
        raise StoreError(f"{what} holds a password, which others can see: put it into PGPASSWORD or a password file")
    if unknown := sorted(key for key in given if key not in USED):
        raise StoreError(f"{what} has {unknown[0]!r}: expected of {', '.join(sorted(USED))}")
    return given


def _uri(dsn: str, what: str) -> dict[str, str]:
    try:
        parts = urlsplit(dsn)
        found = {
            "host": unquote(parts.hostname or ""),
            "port": str(parts.port or ""),
            "user": unquote(parts.username or ""),
            "dbname": unquote(parts.path.removeprefix("/")),
        }
    except ValueError:
        raise StoreError(f"{what} is no URI that can be read: expected postgresql://USER@HOST:PORT/DATABASE") from None
    if parts.password is not None:
        found["password"] = "given"
    return {key: value for key, value in found.items() if value} | dict(parse_qsl(parts.query))


def _pairs(text: str, what: str) -> dict[str, str]:
    found: dict[str, str] = {}
    place = 0
    text = text.strip()
    while place < len(text):
        match = _PAIR.match(text, place)
        if match is None:
            raise StoreError(f"{what} cannot be read: expected KEY=VALUE …, or postgresql://USER@HOST:PORT/DATABASE")
        found[match[1]] = re.sub(r"\\(.)", r"\1", match[2] if match[2] is not None else match[3], flags=re.DOTALL)
        place = match.end()
    return found


def _lines(path: Path) -> list[str]:
    try:
        return read_plain(path, MOST_BYTES).data.decode().splitlines()
    except (OSError, NotPlain, UnicodeDecodeError):
        return []


def _service(name: str, environment: Mapping[str, str]) -> dict[str, str]:
    home = Path(environment.get("HOME") or Path.home())
    places = [Path(environment.get("PGSERVICEFILE") or home / ".pg_service.conf")]
    if folder := environment.get("PGSYSCONFDIR"):
        places.append(Path(folder) / "pg_service.conf")
    for path in places:
        found: dict[str, str] | None = None
        for line in _lines(path):
            line = line.strip()
            if line.startswith("["):
                if found is not None:
                    break
                found = {} if line == f"[{name}]" else None
            elif found is not None and line and not line.startswith("#"):
                key, _, value = line.partition("=")
                found[key.strip()] = value.strip()
        if found is not None:
            return {key: value for key, value in found.items() if key in USED or key == "password"}
    raise StoreError(f"service {name!r} stands in no service file: looked into {', '.join(map(str, places))}")


def _from_file(path: str | None, wanted: tuple[str, ...], environment: Mapping[str, str]) -> str | None:
    """The password of the first line that fits. As libpq does it, a file that others can read is not used."""
    file = Path(path) if path else Path(environment.get("HOME") or Path.home()) / ".pgpass"
    try:
        mode = file.stat().st_mode
    except OSError:
        return None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise StoreError(f"{file}: others can read it, so it is not used: chmod 600")
    for line in _lines(file):
        fields = [re.sub(r"\\(.)", r"\1", part) for part in re.findall(r"(?:^|:)((?:[^:\\]|\\.)*)", line)]
        if not line.startswith("#") and len(fields) == 5:
            if all(field in ("*", want) for field, want in zip(fields[:4], wanted, strict=True)):
                return fields[4]
    return None
