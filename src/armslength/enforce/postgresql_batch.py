"""Lines of a server's log become batches of statements, session by session, for the record.

A batch commits to its lines as they stand in the firm's own log; what it tells of them in words is without literals.
The server numbers a session's lines, so one that is missing is seen.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from armslength.enforce.postgresql_log import LogLine
from armslength.enforce.postgresql_names import ROLE
from armslength.enforce.postgresql_statement import told
from armslength.tlog import Json, format_base64url

MOST_STATEMENTS = 100
MOST_TEXT = 15_000
"""Characters of all statements of a batch."""
MOST_LINES = 5_000
MOST_OTHERS = 10_000
"""Sessions of which it is remembered how many lines they had before they were anybody's."""
NAMED = "named_by_the_client "
"""Before a statement of which this may be true."""
FIRST_LINES = 4
"""So many lines a session may have had before it was somebody's, where nobody remembers them: its connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLines:
    """Some lines of one session of a role, as a record tells of them."""

    role: str
    session: str
    first: int
    last: int
    sha256: bytes
    statements: tuple[tuple[str, int, int], ...]
    """Text, times run, times failed."""
    done: int

    @property
    def id(self) -> bytes:
        """16 bytes that follow from what it is of, so that the same lines make one record."""
        text = f"armslength statements {self.session} {self.first} {self.last} {self.sha256.hex()}"
        return hashlib.sha256(text.encode()).digest()[:16]

    def form(self, *, lease: str, customers: tuple[str, ...], source: str) -> dict[str, Json]:
        """As the gate takes it."""
        return {
            "batch": format_base64url(self.id),
            "customers": list(customers),
            "done": self.done,
            "first": self.first,
            "last": self.last,
            "lease": lease,
            "session": self.session,
            "sha256": self.sha256.hex(),
            "source": source,
            "statements": [{"text": text, "times": times, "failed": failed} for text, times, failed in self.statements],
        }


class Sessions:
    """How far each session of a role was followed. `next` is the number of the line that comes next in it."""

    def __init__(self, known: Iterable[tuple[str, int]] = ()) -> None:
        self.next: dict[str, int] = dict(known)
        self.heard: dict[str, float] = {}
        """When the last line of each was written, in POSIX seconds by the server's clock."""
        self._others: OrderedDict[str, int] = OrderedDict()

    def forget(self, session: str) -> None:
        self.next.pop(session, None)
        self.heard.pop(session, None)

    def other(self, line: LogLine) -> None:
        """A line that is no role's: perhaps the first of a session that will be one's."""
        self._others[line.session] = line.number
        self._others.move_to_end(line.session)
        while len(self._others) > MOST_OTHERS:
            self._others.popitem(last=False)

    def missing(self, line: LogLine) -> bool | None:
        """Whether lines are missing before this one; None: it was read before."""
        expected = self.next.get(line.session)
        if expected is None:
            before = self._others.pop(line.session, None)
            return line.number > FIRST_LINES if before is None else line.number != before + 1
        if line.number < expected:
            return None
        return line.number > expected

    def follow(self, line: LogLine, at: float) -> None:
        self.next[line.session] = line.number + 1
        self.heard[line.session] = at


class Gathering:
    """The lines of one look, until they are batches."""

    def __init__(self) -> None:
        self._open: dict[str, _Session] = {}
        self._done: list[SessionLines] = []

    def add(self, line: LogLine, role: str, at: float) -> None:
        found, statement = self._open.get(line.session), statement_of(line)
        shown = None if statement is None else (statement[0], told(statement[1]))
        if found is not None and not found.fits(shown):
            self._done.append(self._open.pop(line.session).made())
            found = None
        if found is None:
            found = self._open[line.session] = _Session(role, line)
        found.add(line, shown, at)

    def batches(self) -> list[SessionLines]:
        made = [*self._done, *(each.made() for each in self._open.values())]
        self._open, self._done = {}, []
        return made


class _Session:
    def __init__(self, role: str, line: LogLine) -> None:
        self._role, self._session, self._first = role, line.session, line.number
        self._last, self._done = line.number, 0
        self._digest, self._lines, self._text = hashlib.sha256(), 0, 0
        self._counts: dict[str, list[int]] = {}
        """By text: how often it was run, and failed; of what was only parsed or bound, neither."""

    def fits(self, shown: tuple[str, str] | None) -> bool:
        if self._lines >= MOST_LINES:
            return False
        if shown is None or shown[1] in self._counts:
            return True
        return len(self._counts) < MOST_STATEMENTS and self._text + len(shown[1]) <= MOST_TEXT

    def add(self, line: LogLine, shown: tuple[str, str] | None, at: float) -> None:
        # A line that is too long to be held stands for itself by its own digest (docs/formats/gate-records.md).
        self._digest.update(line.data if line.data is not None else line.whole)
        self._lines, self._last, self._done = self._lines + 1, line.number, int(at)
        if shown is None:
            return
        how, text = shown
        if text not in self._counts:
            self._text += len(text)
        counts = self._counts.setdefault(text, [0, 0])
        if how != "prepared":
            counts[how == "failed"] += 1

    def made(self) -> SessionLines:
        return SessionLines(
            role=self._role,
            session=self._session,
            first=self._first,
            last=self._last,
            sha256=self._digest.digest(),
            statements=tuple((text, counts[0], counts[1]) for text, counts in self._counts.items()),
            done=self._done,
        )


def statement_of(line: LogLine) -> tuple[str, str] | None:
    """How a line tells of a statement (`run`, `prepared` or `failed`), and its text; None: it tells of none."""
    message = str(line.fields.get("message", ""))
    if isinstance(statement := line.fields.get("statement"), str):
        return "failed", statement
    if line.fields.get("error_severity") != "LOG":
        return None
    if message.startswith("statement: "):
        return "run", message.removeprefix("statement: ")
    if message.startswith("fastpath function call: "):
        # The name is a function's, and its arguments stand in no text.
        return "run", f"fastpath {message.removeprefix('fastpath function call: ')}"
    if message.startswith("execute "):
        return "run", _after_name(message.removeprefix("execute ").removeprefix("fetch from "))
    if message.startswith("duration: "):
        for step in (" parse ", " bind "):
            before, found, rest = message.partition(step)
            if found and before.rstrip().endswith(" ms"):
                return "prepared", _after_name(rest)
    return None


def _after_name(text: str) -> str:
    """Behind the name of a prepared statement and of its portal. A client chose them, and one that holds `: ` could
    have words pass for the statement that are not: where that may be so, it is said. The digest is of what is so."""
    _, colon, rest = text.partition(": ")
    return f"{NAMED if ': ' in rest else ''}{rest}" if colon else NAMED


def time_of(line: LogLine) -> float:
    """When it was written, in POSIX seconds; 0 where the line's time is in a zone that is not told by its distance."""
    text = str(line.fields.get("timestamp", ""))
    moment, _, zone = text.rpartition(" ")
    try:
        found = dt.datetime.strptime(moment, "%Y-%m-%d %H:%M:%S.%f")
    except ValueError:
        return 0.0
    return found.replace(tzinfo=dt.UTC).timestamp() if zone in ("UTC", "GMT", "Etc/UTC") else 0.0


def roles_in(lines: Iterable[LogLine]) -> Iterator[tuple[LogLine, str | None]]:
    """Each line, with the lease's role that wrote it."""
    for line in lines:
        user = line.user
        yield line, user if user is not None and ROLE.fullmatch(user) else None


def dumped(form: dict[str, Json]) -> str:
    return json.dumps(form, separators=(",", ":"), sort_keys=True)
