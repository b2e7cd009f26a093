"""`armslength postgresql`: a role of one's own for people with a lease, and the enforcement point beside a server."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from armslength.cli.log_lines import log_lines
from armslength.cli.screen import Screen
from armslength.enforce import (
    Connect,
    DatabaseAccess,
    EnforceError,
    Keeper,
    PostgresqlApp,
    PostgresqlPoint,
    PostgresqlPointSettings,
    keep_watch,
    open_database,
    postgresql_problems,
    read_postgresql_settings,
    setup_sql,
)
from armslength.service import Refusal
from armslength.store import StoreError, connect_postgresql, postgresql_address

ANSWER = 30.0
"""Seconds for an answer of the server."""
LOOK = 1.0
"""Seconds between looks at whether what watches the point is there."""


def run(options: argparse.Namespace, screen: Screen) -> int:
    """0; 1 where `check` tells of a problem; whatever cannot be done ends elsewhere, with status 2."""
    verbs: dict[str, Callable[[argparse.Namespace, Screen], int]] = {
        "open": _open,
        "setup": _setup,
        "check": _check,
        "point": _point,
        "watch": _watch,
    }
    try:
        return verbs[options.verb](options, screen)
    except (EnforceError, StoreError, ValueError) as error:
        raise Refusal(str(error).splitlines()) from None


def _settings(options: argparse.Namespace) -> PostgresqlPointSettings:
    return read_postgresql_settings(Path(options.settings))


def _connect(settings: PostgresqlPointSettings) -> Connect:
    address = postgresql_address(settings.dsn, what="server.dsn")

    def connect(database: str) -> Any:
        to = replace(address, database=database)
        return connect_postgresql(to, application="armslength-point", extra="postgresql", answer=ANSWER)

    return connect


def _setup(options: argparse.Namespace, screen: Screen) -> int:
    settings = _settings(options)
    screen.say(setup_sql(settings, postgresql_address(settings.dsn, what="server.dsn").user).splitlines())
    return 0


def _check(options: argparse.Namespace, screen: Screen) -> int:
    settings = _settings(options)
    problems = postgresql_problems(_connect(settings), settings)
    screen.say(problems or ["the server can be guarded"])
    return 1 if problems else 0


def _point(options: argparse.Namespace, screen: Screen) -> int:
    from armslength.web import Listener, serve

    log_lines(sys.stderr)
    settings = _settings(options)
    if problems := postgresql_problems(_connect(settings), settings):
        raise Refusal([f"the server cannot be guarded: {problem}" for problem in problems])
    point = PostgresqlPoint(settings, _connect(settings))
    command = [sys.executable, "-m", "armslength", "postgresql", "watch", str(Path(options.settings).absolute())]
    with contextlib.ExitStack() as stack:
        keeping = _Keeping(command)
        stack.callback(keeping.goodbye)  # last, when everything is ended
        stack.enter_context(point)
        keeping.start()

        def started(urls: tuple[str, ...]) -> None:
            grants = f"{len(settings.grants)} grant{'' if len(settings.grants) == 1 else 's'}"
            screen.say([f"for people at {urls[0]}; {grants} in {', '.join(settings.databases)}"])

        host, port = settings.listen
        try:
            serve([Listener(app=PostgresqlApp(point, settings), host=host, port=port)], started)
        except OSError as error:
            raise Refusal([f"cannot listen: {Screen.reason(error)}"]) from None
    return 0


class _Keeping:
    """Sees that a keeper is there for as long as the point."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._keeper = Keeper(command)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="armslength-keeping", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def goodbye(self) -> None:
        self._over.set()
        self._keeper.goodbye()

    def _look(self) -> None:
        while not self._over.wait(LOOK):
            if not self._keeper.alive():
                self._keeper = Keeper(self._command)


def _watch(options: argparse.Namespace, screen: Screen) -> int:
    log_lines(sys.stderr)
    settings = _settings(options)
    keep_watch(sys.stdin.buffer, settings, _connect(settings))
    return 0


def _open(options: argparse.Namespace, screen: Screen) -> int:
    try:
        lease = (Path(options.lease).read_text("ascii") if options.lease else sys.stdin.read()).strip()
    except (OSError, UnicodeDecodeError) as error:
        told = screen.reason(error) if isinstance(error, OSError) else "expected a lease as its page shows it"
        raise Refusal([f"{options.lease or 'standard input'}: {told}"]) from None
    authority = None if options.authority is None else Path(options.authority)
    access = open_database(options.point, lease, customers=options.customer, authority=authority)
    screen.note(f"until {access.until}, or until the lease is taken away; the password is kept nowhere else")
    if options.run is None:
        screen.say([access.connection, access.password])
        return 0
    return _run(options.run, access)


def _run(program: str, access: DatabaseAccess) -> int:
    """In our place, so that it has the terminal; where the lease came by standard input it has that, at its end."""
    environment = {**os.environ, **_environment(access)}
    try:
        os.execvpe(program, [program], environment)
    except OSError as error:
        raise Refusal([f"cannot run {program!r}: {error.strerror}"]) from None


def _environment(access: DatabaseAccess) -> Mapping[str, str]:
    """As libpq takes it ("Environment Variables" in the manual)."""
    names = {"host": "PGHOST", "port": "PGPORT", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
    said = dict(part.partition("=")[::2] for part in access.server.split())
    found = {names[key]: value for key, value in said.items() if key in names}
    return {**found, "PGUSER": access.role, "PGDATABASE": access.database, "PGPASSWORD": access.password}
