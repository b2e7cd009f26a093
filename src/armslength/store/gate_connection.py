"""A gate's connections to the PostgreSQL server of its database: what each of them says first, and what the server
has to be."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from typing import Any

from armslength.store.failure import StorageFailed, StoreError
from armslength.store.gate_postgresql_tables import SHARED, own_schema
from armslength.store.postgresql_place import PostgresqlPlace
from armslength.store.postgresql_server import connect_postgresql, postgresql_failure
from armslength.store.postgresql_tables import DURABLE, UNSAFE

CONNECT, ANSWER = 3.0, 5.0
"""Seconds that connecting and each answer may take."""
LOCKED = 2.0
"""Seconds to wait for a row that another gate is changing."""
LONG = 60.0
"""Seconds for what a server does at most, whoever waits for it: a large answer may take longer than its first part."""
LEFT = 120.0
"""Seconds after which the server undoes the transaction of a gate that says nothing more."""
HELD = 3.0
"""Seconds to wait for a process that ended to be gone for the server."""
OLDEST = 140_000
"""PostgreSQL 14."""

_SETTINGS = """
SET client_encoding = 'UTF8'; SET standard_conforming_strings = on; SET bytea_output = 'hex'; SET jit = off;
SET search_path = {schemas}, pg_temp; SET row_security = off;
SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
SET tcp_user_timeout = 20000; SET idle_session_timeout = 0;
SET lock_timeout = {locked}; SET statement_timeout = {long}; SET idle_in_transaction_session_timeout = {left};
SELECT pg_catalog.set_config('synchronous_commit', pg_catalog.current_setting('synchronous_commit'), false)
"""
"""Nothing that a database or role has set otherwise may change what a statement means. What was looked at when it was
opened holds for the session: how far a commit waits is not changed under it. A gate whose host is gone is found out
within half a minute, so that another can take its place."""
_LOOK = (
    "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),"
    " current_setting('session_replication_role'), current_setting('synchronous_commit'), "
    + ", ".join(f"current_setting('{name}')" for name in DURABLE)
)


def gate_connection(place: PostgresqlPlace, site: str) -> Any:
    """A connection of the gate of this name, in autocommit. Raises `StoreError`."""
    raw = connect_postgresql(
        place.address, application=f"armslength gate {site}", extra="postgresql", connect=CONNECT, answer=ANSWER
    )
    try:
        raw.autocommit = True
        raw.execute_simple(
            _SETTINGS.format(
                schemas=f"{own_schema(site)}, {SHARED}",
                locked=int(1000 * LOCKED),
                long=int(1000 * LONG),
                left=int(1000 * LEFT),
            )
        )
        _fit(place, *raw.execute_simple(_LOOK).rows[0])
    except StoreError:
        ended(raw)
        raise
    except Exception as error:
        ended(raw)
        raise postgresql_failure(place.address, error) from None
    return raw


def _fit(place: PostgresqlPlace, version: int, encoding: str, role: str, commit: str, *durable: str) -> None:
    """That the server keeps what it says it keeps."""
    if int(version) < OLDEST or encoding != "UTF8":
        raise StoreError(f"{place}: expected PostgreSQL 14 or newer, and a database in UTF8")
    if role != "origin":
        raise StoreError(f"{place}: session_replication_role = {role}, which checks no references; expected origin")
    off = [name for name, value in zip(DURABLE, durable, strict=True) if value != "on"]
    off = [] if os.environ.get(UNSAFE) else off
    if commit == "off":
        off.append("synchronous_commit")
    if off:
        raise StorageFailed(
            f"{place}: {' and '.join(off)} is off on this server: a power failure would take what was said to be kept;"
            " set it on"
        )


class HeldSite:
    """Of the processes that serve as the gate of one name, one writes: a folder that was copied, and not made by `gate
    join`, would have two of them overwrite each other's rows."""

    def __init__(self, place: PostgresqlPlace, site: str) -> None:
        self._place, self._site = place, site
        self._lock = f"armslength {own_schema(site)}"
        self._mine: tuple[int, str] | None = None
        """The server's process of the connection that held it last."""

    def connection(self) -> Any:
        """One that holds the name for as long as it stands. Raises `StoreError`."""
        raw = gate_connection(self._place, self._site)
        try:
            self._hold(raw)
        except StoreError:
            ended(raw)
            raise
        except Exception as error:
            ended(raw)
            raise postgresql_failure(self._place.address, error) from None
        return raw

    def _hold(self, raw: Any) -> None:
        until = time.monotonic() + HELD
        while not _asked(raw, "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", self._lock)[0]:
            if self._mine is not None:  # the server has not seen yet that the connection is no more
                _asked(raw, _GONE, *self._mine)
            if time.monotonic() > until:
                raise StorageFailed(
                    f"{self._place}: another process serves as the gate {self._site}, or did on a host that is gone,"
                    " which is found out within half a minute"
                )
            time.sleep(0.1)
        pid, since = _asked(raw, _SELF)
        self._mine = int(pid), str(since)


_SELF = "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()"
_GONE = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE pid = $1::int AND backend_start::text = $2"""


def _asked(raw: Any, sql: str, *values: int | str) -> Any:
    return raw.execute_unnamed(sql, vals=values).rows[0]


def ended(raw: Any) -> None:
    """End it, whatever state it is in, and wait for nobody."""
    with suppress(Exception):
        raw._usock.settimeout(0.2)
        raw.close()
    with suppress(Exception):
        raw._usock.shutdown(socket.SHUT_RDWR)
    with suppress(Exception):
        raw._usock.close()
