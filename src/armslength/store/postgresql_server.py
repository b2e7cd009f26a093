"""A connection to a PostgreSQL server: every wait has an end, TLS is verified, and what fails is a `StoreError` that
repeats nothing of what was sent.

pg8000 is an extra, so it is imported where it is used.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any

from armslength.store.failure import StorageFailed, StoreError
from armslength.store.postgresql_dsn import PostgresqlAddress

CONNECT_SECONDS = 15.0
GONE_MS = 10_000
"""Milliseconds after which what was sent and not acknowledged says that the other side is gone."""


def connect_postgresql(
    address: PostgresqlAddress, *, application: str, extra: str, connect: float = CONNECT_SECONDS, answer: float
) -> Any:
    """A connection of pg8000's DB-API, not in autocommit. `application` is what the server shows of it, `extra` which
    extra of Armslength brings pg8000, `connect` and `answer` the seconds that connecting and each answer may take.

    Raises `StoreError`.
    """
    try:
        from pg8000.dbapi import connect as connected
    except ImportError:
        raise StoreError(f"PostgreSQL needs the package pg8000: pip install 'armslength[{extra}]'") from None
    how = _tls(address)
    try:
        connection = connected(
            address.user,
            host=None if address.socket else address.host,
            port=address.port,
            unix_sock=address.socket,
            database=address.database,
            password=address.password,
            ssl_context=how,
            timeout=connect,
            application_name=application,
        )
    except Exception as error:  # a server, or whatever answers in its place, may say anything
        raise postgresql_failure(address, error) from None
    wait_for(connection, answer)
    return connection


def wait_for(connection: Any, seconds: float) -> None:
    """How long each answer may take from here on. A server that went away without a word is found out sooner, while
    something that was sent to it is not acknowledged."""
    usock: socket.socket = connection._usock
    usock.settimeout(seconds)
    if usock.family != socket.AF_UNIX:
        usock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, min(GONE_MS, int(1000 * seconds)))


def postgresql_failure(address: PostgresqlAddress, error: Exception) -> StoreError:
    """The server's own sentence, or the network's; nothing of what we sent."""
    place = f"{address} database {address.database}"
    error = _first(error)
    told = error.args[0] if error.args else ""
    if isinstance(told, dict):
        return StorageFailed(f"{place}: {' '.join(str(told.get('M', 'refused')).split())[:300]}")
    because = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(because, TimeoutError):
        return StorageFailed(f"{place}: no answer in time")
    if isinstance(because, ssl.SSLCertVerificationError):
        return StorageFailed(f"{place}: its certificate is not trusted ({because.verify_message}): name its roots")
    if address.password is None and (isinstance(because, AttributeError) or "password" in str(because)):
        return StorageFailed(f"{place}: it asks for a password: no password in PGPASSWORD, PGPASSFILE or ~/.pgpass")
    words = because.strerror if isinstance(because, OSError) and because.strerror else str(because)
    more = ": sslmode=disable asks without TLS" if "refuses SSL" in words else ""
    return StorageFailed(f"{place}: {' '.join(words.split())[:300] or type(because).__name__}{more}")


def _first(error: Exception) -> Exception:
    """What the server said, where hanging up after it failed as well: it had hung up first."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, Exception) and seen.args and isinstance(seen.args[0], dict):
            return seen
        seen = seen.__cause__ or seen.__context__
    return error


def postgresql_code(error: Exception) -> str:
    """The SQLSTATE that the server gave, or nothing."""
    told = error.args[0] if error.args else ""
    return str(told.get("C", "")) if isinstance(told, dict) else ""


def _tls(address: PostgresqlAddress) -> ssl.SSLContext | bool:
    if not address.tls:
        return False
    try:
        context = ssl.create_default_context(cafile=address.roots or None)
        certificate, key = address.certificate
        if certificate:
            context.load_cert_chain(certificate, key or None)
    except (OSError, ssl.SSLError) as error:
        raise StoreError(f"sslrootcert or sslcert cannot be read: {error.strerror or 'no certificate'}") from None
    return context
