"""What an enforcement point beside a PostgreSQL server has to be told: a TOML file, read with every problem at once."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from armslength.enforce.postgresql_names import LONGEST
from armslength.enforce.postgresql_privilege import Privilege, parse_privilege
from armslength.enforce.settings import PointSettings
from armslength.gate import TARGETS, Target, is_name

MOST_BYTES = 1_000_000
Rows = Literal["customers", "any"]

_KEYS: Mapping[str, frozenset[str]] = {
    "": frozenset({"gate", "point", "server", "grant"}),
    "gate": frozenset({"url", "origin", "secret_file", "authority", "poll_seconds", "timeout_seconds"}),
    "point": frozenset({"listen", "state", "people", "word_file", "most_mb"}),
    "server": frozenset({"dsn", "log", "people", "clock_seconds", "reviewed", "source"}),
    "grant": frozenset(
        {
            "action",
            "resource",
            "database",
            "rows",
            "privileges",
            "max_connections",
            "statement_timeout_seconds",
            "idle_transaction_seconds",
        }
    ),
}
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")
_LISTEN = re.compile(r"(?P<host>[^:\[\]]+|\[[0-9a-fA-F:]+\]):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseGrant:
    """What a lease for this action on this resource opens. `rows` says whether the tables keep the role to the
    lease's customers: `any` is all rows, and an approver has to know that."""

    action: str
    resource: Target
    database: str
    rows: Rows
    privileges: tuple[Privilege, ...]
    max_connections: int = 3
    statement_timeout_seconds: int = 300
    idle_transaction_seconds: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlPointSettings:
    """`dsn` reaches the server as the point's own role; `people` is how people do, for their connection string; `log`
    the folder of the server's JSON log; `state` ours; `listen` where people's programs ask.

    `subject`: the header in which a web server in front says who asks, which it proves by `word`; None: whoever holds
    a lease's token is taken for its executor.
    """

    gate: PointSettings
    dsn: str
    people: str
    log: Path
    state: Path
    listen: tuple[str, int]
    grants: tuple[DatabaseGrant, ...]
    subject: str | None = None
    word: str = field(default="", repr=False)
    clock_seconds: float = 30.0
    """By which the server's clock may differ from ours."""
    reviewed: frozenset[str] = frozenset()
    """Functions that run as their owner and that somebody read: `schema.name`."""
    source: str = "postgresql"
    """What the records call this server."""
    most_bytes: int = 64 * 1024 * 1024
    """Of what waits for the gate; then every session ends."""

    def grant(self, action: str, resource: Target) -> DatabaseGrant | None:
        return next((each for each in self.grants if (each.action, each.resource) == (action, resource)), None)

    @property
    def databases(self) -> tuple[str, ...]:
        return tuple(sorted({each.database for each in self.grants}))


def read_postgresql_settings(path: Path) -> PostgresqlPointSettings:
    """Raises `ValueError` with every problem, a line each."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise ValueError(f"{path}: more than {MOST_BYTES} bytes")
    try:
        given = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: {error}") from None
    reading = _Reading(given, path)
    found = reading.settings()
    if reading.problems or found is None:
        raise ValueError("\n".join(f"{path}: {problem}" for problem in reading.problems))
    return found


class _Reading:
    def __init__(self, given: Mapping[str, Any], path: Path) -> None:
        self._given, self._path = given, path
        self.problems: list[str] = [f"{key}: unknown" for key in sorted(given.keys() - _KEYS[""])]

    def settings(self) -> PostgresqlPointSettings | None:
        gate, point, server = (self._table(name) for name in ("gate", "point", "server"))
        asked = self._gate(gate)
        listen = self._listen(self._text(point, "point", "listen"))
        people = self._text(point, "point", "people", "token")
        subject = None if people == "token" else people
        word = ""
        if subject is not None:
            if not _HEADER.fullmatch(subject):
                self.problems.append(f"point.people = {subject[:40]!r}: expected token, or the name of a header")
            word = self._secret(point, "point", "word_file")
            if len(word) < 20:
                self.problems.append("point.word_file: expected 20 characters of chance or more, which nginx sends too")
        elif "word_file" in point:
            self.problems.append("point.word_file: only where point.people names a header")
        grants = tuple(self._grants())
        state, log = (
            self._place(self._text(table, name, key))
            for table, name, key in ((point, "point", "state"), (server, "server", "log"))
        )
        source = self._text(server, "server", "source", "postgresql")
        if not is_name(source):
            self.problems.append(f"server.source = {source[:40]!r}: expected printable characters")
        reviewed = server.get("reviewed", [])
        if not isinstance(reviewed, list) or not all(isinstance(each, str) for each in reviewed):
            self.problems.append("server.reviewed: expected a list of schema.name")
            reviewed = []
        dsn, people_dsn = self._text(server, "server", "dsn"), self._text(server, "server", "people", "")
        clock = self._number(server, "server", "clock_seconds", 30, 1, 60)
        most = self._number(point, "point", "most_mb", 64, 1, 10_000)
        if self.problems or asked is None:
            return None
        return PostgresqlPointSettings(
            gate=asked,
            dsn=dsn,
            people=people_dsn,
            log=log,
            state=state,
            listen=listen,
            grants=grants,
            subject=subject,
            word=word,
            clock_seconds=clock,
            reviewed=frozenset(reviewed),
            source=source,
            most_bytes=int(most) * 1024 * 1024,
        )

    def _gate(self, table: Mapping[str, Any]) -> PointSettings | None:
        authority = self._text(table, "gate", "authority", "")
        secret, before = self._secret(table, "gate", "secret_file"), len(self.problems)
        url, origin = self._text(table, "gate", "url"), self._text(table, "gate", "origin")
        poll = self._number(table, "gate", "poll_seconds", 5, 0.05, 30)
        timeout = self._number(table, "gate", "timeout_seconds", 5, 0.1, 60)
        try:
            return PointSettings(
                url=url,
                gate=origin,
                secret=secret,
                spool=None,
                authority=self._place(authority) if authority else None,
                poll_seconds=poll,
                timeout_seconds=timeout,
            )
        except ValueError as error:
            # What is missing altogether was said already.
            if len(self.problems) == before and secret:
                self.problems += [f"gate: {problem}" for problem in str(error).split("; ")]
            return None

    def _grants(self) -> Iterator[DatabaseGrant]:
        tables = self._given.get("grant", [])
        if not isinstance(tables, list) or not tables or not all(isinstance(each, dict) for each in tables):
            self.problems.append("[[grant]]: expected one or more")
            return
        seen: set[tuple[str, str]] = set()
        for number, table in enumerate(tables, 1):
            where = f"grant {number}"
            self._known(table, "grant", where)
            action, resource = self._text(table, where, "action"), self._text(table, where, "resource")
            kind, _, id = resource.partition(":")
            if resource and (kind not in TARGETS or not is_name(id)):
                self.problems.append(f"{where}.resource = {resource[:60]!r}: expected such as asset:accounts")
            if (action, resource) in seen:
                self.problems.append(f"{where}: another grant is for the same action and resource")
            seen.add((action, resource))
            rows = self._text(table, where, "rows")
            if rows and rows not in ("customers", "any"):
                self.problems.append(f"{where}.rows = {rows[:20]!r}: expected customers or any")
            database = self._text(table, where, "database")
            if len(database.encode()) > LONGEST or "\0" in database:
                self.problems.append(f"{where}.database: expected at most {LONGEST} bytes")
            yield DatabaseGrant(
                action=action,
                resource=Target(type=kind, id=id),
                database=database,
                rows="customers" if rows == "customers" else "any",
                privileges=tuple(self._privileges(table, where)),
                max_connections=int(self._number(table, where, "max_connections", 3, 1, 100)),
                statement_timeout_seconds=int(self._number(table, where, "statement_timeout_seconds", 300, 1, 86_400)),
                idle_transaction_seconds=int(self._number(table, where, "idle_transaction_seconds", 300, 1, 86_400)),
            )

    def _privileges(self, table: Mapping[str, Any], where: str) -> Iterator[Privilege]:
        written = table.get("privileges")
        if not isinstance(written, list) or not written or not all(isinstance(each, str) for each in written):
            self.problems.append(f"{where}.privileges: expected a list of texts such as 'SELECT (id) ON app.accounts'")
            return
        for text in written:
            try:
                found = parse_privilege(text)
                found.grant("lease")
                yield found
            except ValueError as error:
                self.problems.append(f"{where}: {error}")

    def _table(self, name: str) -> Mapping[str, Any]:
        found = self._given.get(name)
        if not isinstance(found, dict):
            self.problems.append(f"[{name}]: missing")
            return {}
        self._known(found, name, name)
        return found

    def _known(self, table: Mapping[str, Any], name: str, where: str) -> None:
        self.problems += [f"{where}.{key}: unknown" for key in sorted(table.keys() - _KEYS[name])]

    def _text(self, table: Mapping[str, Any], where: str, key: str, otherwise: str | None = None) -> str:
        found = table.get(key, otherwise)
        if isinstance(found, str) and (found or otherwise == ""):
            return found
        if table or found is not None:
            self.problems.append(f"{where}.{key}: expected a text" if key in table else f"{where}.{key}: missing")
        return ""

    def _number(
        self, table: Mapping[str, Any], where: str, key: str, otherwise: float, least: float, most: float
    ) -> float:
        found = table.get(key, otherwise)
        if isinstance(found, bool) or not isinstance(found, int | float) or not least <= found <= most:
            self.problems.append(f"{where}.{key}: expected {least:g} to {most:g}")
            return otherwise
        return float(found)

    def _listen(self, text: str) -> tuple[str, int]:
        match = _LISTEN.fullmatch(text)
        if match is None or int(match["port"]) > 65_535:
            if text:
                self.problems.append(f"point.listen = {text[:60]!r}: expected HOST:PORT")
            return "", 0
        return match["host"].strip("[]"), int(match["port"])

    def _place(self, text: str) -> Path:
        """Beside the file of the settings, if it is not absolute."""
        return self._path.parent / text

    def _secret(self, table: Mapping[str, Any], where: str, key: str) -> str:
        written = self._text(table, where, key)
        if not written:
            return ""
        path = self._place(written)
        try:
            with open(path, "rb") as file:
                if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                    self.problems.append(f"{where}.{key}: others can read {path}: chmod 600")
                return file.read(1000).decode("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "expected text"
            self.problems.append(f"{where}.{key}: {path}: {said}")
            return ""
