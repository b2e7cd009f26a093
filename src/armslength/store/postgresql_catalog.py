"""The catalogs of a live PostgreSQL cluster, read and never written: one read-only snapshot a database.

Every wait has an end, and so has every answer. The server's name is verified wherever TLS is not switched off by name.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from armslength.store.failure import StorageFailed, StoreError
from armslength.store.postgresql_dsn import PostgresqlAddress
from armslength.store.postgresql_questions import cluster_questions, database_questions

CONNECT_SECONDS = 15.0
STATEMENT_SECONDS = 120
MOST_ROWS = 20_000_000
"""Of one answer."""
AT_ONCE = 20_000
"""Rows that are fetched with one question."""
OLDEST = 12
Rows = list[Sequence[object]]
Tell = Callable[[str], None]
NOT_ALLOWED = "the role that asked may not connect to it: what is in it is not known"
NOT_ASKED = "it was not asked for: what is in it is not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlCatalog:
    """`version`: the server's major one. Rows by the name of the question; `left`: databases that were not looked into,
    with the reason."""

    version: int
    cluster: dict[str, Rows]
    databases: dict[str, dict[str, Rows]]
    left: dict[str, str]


def read_postgresql(
    address: PostgresqlAddress, databases: Sequence[str] = (), tell: Tell = lambda _: None
) -> PostgresqlCatalog:
    """`databases`: which to look into; none: all that the role may connect to, templates left out.

    Raises `StoreError`.
    """
    tell(f"asking {address} for roles")
    with _Session(address) as session:
        version = session.version
        if version < OLDEST:
            raise StoreError(f"{address} is PostgreSQL {version}: expected {OLDEST} or later")
        cluster = {name: session.rows(question) for name, question in cluster_questions(version).items()}
    wanted, left = _chosen(address, cluster.pop("open"), databases)
    found: dict[str, dict[str, Rows]] = {}
    for name in wanted:
        with _Session(replace(address, database=name)) as session:
            found[name] = {}
            for question, text in database_questions(version).items():
                tell(f"asking database {name} for {question.replace('_', ' ')}")
                found[name][question] = session.rows(text)
    return PostgresqlCatalog(version=version, cluster=cluster, databases=found, left=left)


def _chosen(address: PostgresqlAddress, known: Rows, asked: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    states = {str(name): (bool(open_), bool(template), bool(may)) for name, open_, template, may in known}
    for name in asked:
        if name not in states:
            raise StoreError(f"{address} has no database {name!r}")
    wanted, left = [], {}
    for name, (open_, template, may) in states.items():
        if name in asked or (not asked and open_ and may and not template):
            wanted.append(name)
        elif open_ and not template:
            left[name] = NOT_ASKED if asked else NOT_ALLOWED
    return wanted, left


class _Session:
    """One connection and one transaction that can only read."""

    def __init__(self, address: PostgresqlAddress) -> None:
        try:
            from pg8000.native import Connection
        except ImportError:
            raise StoreError("PostgreSQL needs the package pg8000: pip install 'armslength[intake]'") from None
        self._address = address
        password, how = address.password, _tls(address)
        try:
            self._connection: Any = Connection(
                address.user,
                host=None if address.socket else address.host,
                port=address.port,
                unix_sock=address.socket,
                database=address.database,
                password=password,
                ssl_context=how,
                timeout=CONNECT_SECONDS,
                application_name="armslength intake",
            )
        except Exception as error:  # a server, or whatever answers in its place, may say anything
            raise self._failed(error) from None
        try:
            # A statement has its own end; this one is for a server that went away.
            self._connection._usock.settimeout(STATEMENT_SECONDS + CONNECT_SECONDS)
            self.rows_of("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self.rows_of(f"SET LOCAL statement_timeout = {STATEMENT_SECONDS * 1000}")
            # As pg_dump has it: names of types are spelled out, and nobody's own functions are found first.
            self.rows_of("SET LOCAL search_path = ''")
            told = self.rows_of("SHOW server_version_num")
            self.version = int(str(told[0][0])) // 10_000
        except (IndexError, ValueError):
            self._close()
            raise StoreError(f"{address} does not tell its version: expected PostgreSQL") from None
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        try:
            self._connection.close()
        except Exception:  # it is gone already
            return

    def rows_of(self, text: str) -> Rows:
        try:
            return self._connection.run(text) or []
        except Exception as error:
            raise self._failed(error) from None

    def rows(self, question: str) -> Rows:
        """The whole answer, fetched piece by piece."""
        self.rows_of(f"DECLARE answer NO SCROLL CURSOR FOR {question}")
        found: Rows = []
        while part := self.rows_of(f"FETCH {AT_ONCE} FROM answer"):
            found += part
            if len(found) > MOST_ROWS:
                raise StoreError(f"{self._address} has more than {MOST_ROWS:,} rows of one kind")
        self.rows_of("CLOSE answer")
        return found

    def _failed(self, error: Exception) -> StoreError:
        """The server's own sentence, or the network's; nothing of what we sent."""
        place = f"{self._address} database {self._address.database}"
        told = error.args[0] if error.args else ""
        if isinstance(told, dict):
            return StorageFailed(f"{place}: {' '.join(str(told.get('M', 'refused')).split())[:300]}")
        because = error.__cause__ if isinstance(error.__cause__, OSError) else error
        if isinstance(because, TimeoutError):
            return StorageFailed(f"{place}: no answer in time")
        if isinstance(because, ssl.SSLCertVerificationError):
            return StorageFailed(f"{place}: its certificate is not trusted ({because.verify_message}): name its roots")
        if self._address.password is None and (isinstance(because, AttributeError) or "password" in str(because)):
            return StorageFailed(f"{place}: it asks for a password: no password in PGPASSWORD, PGPASSFILE or ~/.pgpass")
        words = because.strerror if isinstance(because, OSError) and because.strerror else str(because)
        more = ": sslmode=disable asks without TLS" if "refuses SSL" in words else ""
        return StorageFailed(f"{place}: {' '.join(words.split())[:300] or type(because).__name__}{more}")


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
