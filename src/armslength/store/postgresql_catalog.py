"""The catalogs of a live PostgreSQL cluster, read and never written: one read-only snapshot a database.

Every wait has an end, and so has every answer. The server's name is verified wherever TLS is not switched off by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from armslength.store.failure import StoreError
from armslength.store.postgresql_dsn import PostgresqlAddress
from armslength.store.postgresql_questions import cluster_questions, database_questions
from armslength.store.postgresql_server import CONNECT_SECONDS, connect_postgresql, postgresql_failure

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
        self._address = address
        self._connection = connect_postgresql(
            address,
            application="armslength intake",
            extra="intake",
            connect=CONNECT_SECONDS,
            answer=STATEMENT_SECONDS + CONNECT_SECONDS,
        )
        self._connection.autocommit = True  # transactions are begun by hand
        try:
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
            cursor = self._connection.cursor()
            cursor.execute(text)
            return list(cursor.fetchall()) if cursor.description else []
        except Exception as error:
            raise postgresql_failure(self._address, error) from None

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
