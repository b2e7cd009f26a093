"""A gate's database on a PostgreSQL server, which several gates share.

What is a gate's own copy of the ledger stands in the schema `gate_SITE`, what gates share in `gate_shared`. Writers are
at READ COMMITTED: each statement sees what others have committed, and a statement that changes a row waits for whoever
is changing it and then looks again; the tables' classes are written for that (docs/decisions/0019). Readers see one
moment and can change nothing.

Every wait has an end: connecting, an answer, a lock, a transaction that was left open. A connection that failed is
thrown away with all that are like it, and the next one is made when it is needed, so that a server that was away is
found again without anybody's doing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from armslength.store.failure import Damaged, StorageFailed, StoreError
from armslength.store.gate_connection import ANSWER, LONG, HeldSite, ended, gate_connection
from armslength.store.gate_engine import PATIENCE, Undone
from armslength.store.gate_postgresql_tables import (
    SHARED,
    check_postgresql_tables,
    drop_postgresql_tables,
    make_postgresql_tables,
    own_schema,
    postgresql_differences,
    postgresql_version,
)
from armslength.store.postgresql_place import PostgresqlPlace
from armslength.store.postgresql_server import postgresql_code, postgresql_failure, wait_for

PATIENT = 3600.0
"""Seconds for what reads or sweeps whole tables."""
READERS = 4
"""Connections that read and are kept; as many again are made and closed when needed."""
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_UNDONE = ("40", "55P03", "57014")
"""SQLSTATEs of what others were in the way of: a deadlock, a lock that was not to be had, an answer that took long."""
_OWN = ("22", "23", "42P01", "42703", "42804", "42883")
_DAMAGE = ("23", "XX001", "XX002", "3F000", "42P01", "42703", "42804", "42883")
"""SQLSTATEs of what is not as this program left it: a constraint, a page or index, a schema, a table, a column."""


class PostgresqlGate:
    """A `GateEngine`."""

    def __init__(self, place: PostgresqlPlace, site: str, *, serving: bool) -> None:
        """Connects to nothing yet."""
        self.where = str(place)
        self._place, self._site = place, site
        self._own = own_schema(site)
        held = HeldSite(place, site) if serving else None
        self._writer = self._pooled(_WRITE, self._connecting if held is None else held.connection, keep=1, more=0)
        self._readers = self._pooled(_READ, self._connecting, keep=READERS, more=READERS)

    def ready(self, origin: str, *, url: str, create: bool, joining: bool) -> None:
        with self.writing(durable=True) as db:
            raw = _raw(db)
            wait_for(raw, LONG)  # tables that are made, or another gate that makes them
            make_postgresql_tables(db, self.where, self._own, origin, url=url, create=create, joining=joining)
            check_postgresql_tables(db, self.where, self._own)
            wait_for(raw, ANSWER)

    def close(self) -> None:
        self._readers.dispose()
        self._writer.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._failing(), self._begun(self._readers) as db:
            yield db

    @contextmanager
    def writing(self, *, durable: bool) -> Iterator[Connection]:
        """Every commit waits for the disk, `durable` or not, and for whatever else the server waits for. A file's
        changes that do not outlast a power failure are lost with the gate that made them; a server can fail and come
        back under a gate that goes on, and would take rows that it lost for rows that somebody took."""
        with self._failing(), self._begun(self._writer) as db:
            yield db

    def failure(self, error: DBAPIError) -> StoreError:
        code = _code(error)
        said = postgresql_failure(self._place.address, error.orig if isinstance(error.orig, Exception) else error)
        if code.startswith(_UNDONE):
            return Undone(str(said))
        return Damaged(str(said)) if code.startswith(_DAMAGE) else said

    def own(self, error: DBAPIError) -> bool:
        return _code(error).startswith(_OWN)

    def unmake(self, *, shared: bool) -> None:
        with self.writing(durable=True) as db:
            drop_postgresql_tables(db, (self._own, SHARED) if shared else (self._own,))

    def purge(self) -> None:
        """Drop the rows that were deleted or replaced. A server does not overwrite what it drops before it needs the
        place, and keeps its log and its backups as it was told to: that is its administrator's to do."""
        raw = self._connecting()
        try:
            wait_for(raw, PATIENT)
            raw.execute_simple(f"SET statement_timeout = {int(1000 * PATIENT)}")
            for schema, tables in ((self._own, ("rows", "snapshot")), (SHARED, _DROPPED)):
                for table in tables:
                    raw.execute_simple(f"VACUUM {schema}.{table}")
        except Exception as error:
            raise postgresql_failure(self._place.address, error) from None
        finally:
            ended(raw)

    def integrity(self) -> list[tuple[str, str]]:
        """What a page holds, the server checks when it reads it, where its data checksums are on."""
        with self.reading() as db:
            return [("", each) for each in postgresql_differences(db, self._own)]

    def version(self) -> int:
        with self.reading() as db:
            return postgresql_version(db, self.where, SHARED)

    # Connections

    @contextmanager
    def _begun(self, engine: Engine) -> Iterator[Connection]:
        db = self._connection(engine)
        try:
            yield db
            db.commit()
        finally:
            db.close()  # what was not committed is rolled back

    def _connection(self, engine: Engine) -> Connection:
        """One on which a transaction has begun. A kept one whose server went and came back is replaced at once."""
        since = time.monotonic()
        while True:
            db = self._connected(engine)
            try:
                db.begin()
                return db
            except DBAPIError as error:
                db.close()
                if not error.connection_invalidated or time.monotonic() - since > 1:
                    raise
                since = float("-inf")
            except BaseException:
                db.close()
                raise

    def _connected(self, engine: Engine) -> Connection:
        try:
            return engine.connect()
        except (StoreError, SQLAlchemyError):
            raise
        except Exception as error:  # what is asked of the first connection by SQLAlchemy fails in its own words
            raise postgresql_failure(self._place.address, error) from error

    def _connecting(self) -> Any:
        return gate_connection(self._place, self._site)

    def _pooled(self, begin: str, connecting: Callable[[], Any], *, keep: int, more: int) -> Engine:
        engine = create_engine(
            "postgresql+pg8000://",
            creator=connecting,
            poolclass=QueuePool,
            pool_size=keep,
            max_overflow=more,
            pool_timeout=PATIENCE,
            hide_parameters=True,  # they are evidence and the like
        )
        # The driver would send a commit in two parts and wait between them, and to close wait for who is gone.
        for how, work in (("do_commit", _committed), ("do_close", ended), ("do_terminate", ended)):
            setattr(engine.dialect, how, work)
        event.listen(engine, "handle_error", _told, retval=True)
        event.listen(engine, "before_cursor_execute", _sayable)

        @event.listens_for(engine, "begin")
        def _(db: Connection) -> None:
            # As with a file, the driver's connection is in autocommit: a transaction begins when we say, and as we say.
            db.exec_driver_sql(begin)

        return engine

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self.failure(error) from error
        except SQLAlchemyError as error:
            raise StorageFailed(f"{self.where}: {error}") from error


class Unsayable(ValueError):
    """A text that no server takes."""


_UNSAYABLE = re.compile("[\0\ud800-\udfff]")
_DROPPED = ("evidence", "opened", "idempotency", "sessions", "ceremonies", "outbox", "away", "estates", "shared_rows")


def _told(context: ExceptionContext) -> BaseException | None:
    """What the server has not said itself leaves nobody knows what on the connection: it is not used again."""
    error = context.original_exception
    if isinstance(error, DBAPIError | Unsayable) or not isinstance(error, Exception):
        return None
    code = postgresql_code(error)
    if not code or code.startswith(("08", "57P", "25P03")):
        context.is_disconnect = True
    if context.sqlalchemy_exception is None and context.is_disconnect:
        return DBAPIError(context.statement, None, error, connection_invalidated=True)
    return None


def _sayable(db: Connection, cursor: object, statement: str, values: Any, context: object, many: bool) -> None:
    """Raises `Unsayable` before the half of a statement is sent."""
    for each in (value for some in (values if many else (values,)) for value in some or ()):
        if isinstance(each, str) and _UNSAYABLE.search(each):
            raise Unsayable("a text with U+0000, or half of a surrogate pair, cannot be kept")


def _code(error: DBAPIError) -> str:
    return postgresql_code(error.orig) if isinstance(error.orig, Exception) else ""


def _committed(raw: Any) -> None:
    raw.execute_simple("COMMIT")


def _raw(db: Connection) -> Any:
    return db.connection.dbapi_connection
