"""Watches the server's log: that it is written, that nothing is missing in it, and what leases' sessions do.

Whether it is written is seen by a mark of our own, which the server is asked to write: a log that was switched off,
moved, or has no more room shows it no more. What is missing is seen by the numbers that the server gives to a session's
lines, and by statements that it shows as begun and that are in no line.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from armslength.enforce.postgresql_batch import Gathering, Sessions, roles_in, time_of
from armslength.enforce.postgresql_journal import PostgresqlJournal, RoleKept
from armslength.enforce.postgresql_log import JsonLog, LogLine, LogLost
from armslength.enforce.postgresql_roles import SessionSeen
from armslength.enforce.postgresql_server import PostgresqlServer
from armslength.enforce.postgresql_settings import PostgresqlPointSettings

LOG = logging.getLogger("armslength.enforce.postgresql")

EVERY_SECONDS = 2.0
"""Between two marks while a role is there."""
LATE_SECONDS = 8.0
"""After which a mark that is not in the log says that it is not written."""
UNSEEN_SECONDS = 5.0
"""After which a statement that the server shows has to be in the log."""
_MARK = "armslength-mark-"
_SLACK = 0.05


class LogWatch:
    """One reads at a time."""

    def __init__(
        self,
        settings: PostgresqlPointSettings,
        journal: PostgresqlJournal,
        server: PostgresqlServer,
        *,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._journal, self._server, self._steady = settings, journal, server, steady
        self._reading = threading.RLock()
        self._log: JsonLog | None = None
        self._sessions = Sessions(journal.sessions())
        self._of: dict[str, str] = {}
        """Sessions, and the role of each."""
        self._marks: dict[str, float] = {}
        """Those that are not in the log yet, and when the server was asked for them."""
        self._awaited: dict[str, threading.Event] = {}
        """Those that somebody waits for."""
        self._marked = -1e9
        self._user: str | None = None
        self._unseen: dict[str, float] = {}
        self._lost: str | None = None

    def read(self, roles: Mapping[str, RoleKept]) -> bool:
        """What was added to the log, into the journal; whether there is something for the gate. Raises `LogLost`,
        `SpoolFailed`."""
        with self._reading:
            if self._lost is not None:
                raise LogLost(self._lost)
            try:
                return self._read(roles)
            except LogLost as error:
                self._lost = str(error)
                raise

    def _read(self, roles: Mapping[str, RoleKept]) -> bool:
        if self._log is None:
            place = self._journal.place()
            self._log = JsonLog(self._settings.log, place)
        before, gathered, went_on = self._log.place, Gathering(), dict[str, tuple[str, int]]()
        known = dict(self._sessions.next)
        try:
            for line, role in roles_in(self._log.read()):
                if role is None or role not in roles:
                    self._other(line)
                    continue
                missing = self._sessions.missing(line)
                if missing is None:
                    continue
                if missing:
                    raise LogLost(f"lines of the session {line.session} are missing before its line {line.number}")
                at = time_of(line)
                gathered.add(line, role, at)
                self._sessions.follow(line, at)
                went_on[line.session] = (role, line.number + 1)
            forms = []
            for batch in gathered.batches():
                kept = roles[batch.role]
                forms.append(batch.form(lease=kept.lease, customers=kept.customers, source=self._settings.source))
            if self._log.place != before or forms:
                self._journal.read(self._log.place, went_on, forms)
            self._of.update({session: role for session, (role, _) in went_on.items()})
            return bool(forms)
        except BaseException:
            # Nothing of it is kept, so all of it is read again.
            self._log.place, self._sessions.next = before, known
            raise

    def _other(self, line: LogLine) -> None:
        self._sessions.other(line)
        message = line.fields.get("message")
        if isinstance(message, str) and message.startswith(_MARK) and line.user == self._user:
            self._marks.pop(message, None)
            if (awaited := self._awaited.get(message)) is not None:
                awaited.set()

    def forget(self, role: str) -> None:
        """Its sessions are over, and read."""
        with self._reading:
            for session in [session for session, owner in self._of.items() if owner == role]:
                self._sessions.forget(session)
                self._of.pop(session, None)
                self._unseen.pop(session, None)

    def beat(self, seconds: float, read: Callable[[], None]) -> bool:
        """Have a mark written now and read it; whether it came. Raises `ServerFailed`, `LogLost`, `SpoolFailed`."""
        mark, seen = f"{_MARK}{secrets.token_hex(16)}", threading.Event()
        self._awaited[mark] = seen
        try:
            self._write(mark)
            until = time.monotonic() + seconds
            while True:
                read()
                if seen.is_set():
                    return True
                if time.monotonic() > until:
                    return False
                time.sleep(0.01)
        finally:
            del self._awaited[mark]

    def _mark(self) -> None:
        """One that has to be in the log soon."""
        mark = f"{_MARK}{secrets.token_hex(16)}"
        self._marks[mark] = self._marked = self._steady()
        try:
            self._write(mark)
        except BaseException:
            self._marks.pop(mark, None)
            raise

    def _write(self, mark: str) -> None:
        if self._user is None:
            self._user = str(self._server.rows("SELECT session_user::text")[0][0])
        self._server.run([f"DO $$ BEGIN RAISE LOG '{mark}'; END $$"])

    def fault(self, sessions: Sequence[SessionSeen], *, beat: bool) -> str | None:
        """Why the log does not tell all that is done, or None. `beat`: a mark is due now and then. Raises
        `ServerFailed`."""
        now = self._steady()
        if not beat:
            self._marks.clear()
            self._unseen.clear()
            return None
        if now - self._marked >= EVERY_SECONDS:
            self._mark()
        if late := [asked for asked in list(self._marks.values()) if now - asked > LATE_SECONDS]:
            return f"the database has written nothing into its log for {now - min(late):.0f} s"
        for session in sessions:
            heard = self._sessions.heard.get(session.id, 0.0)
            if session.asked is None or session.asked <= heard + _SLACK:
                self._unseen.pop(session.id, None)
            elif now - self._unseen.setdefault(session.id, now) > UNSEEN_SECONDS:
                return f"the session {session.id} of {session.role} runs statements that are not in the database's log"
        live = {session.id for session in sessions}
        self._unseen = {id: since for id, since in self._unseen.items() if id in live}
        return None

    def begin_again(self) -> None:
        """Nobody is in: what is lost stays lost, and reading goes on where the server writes now. Raises `LogLost`,
        `SpoolFailed`."""
        with self._reading:
            if self._lost is not None:
                self._log = JsonLog(self._settings.log, None)
                self._sessions, self._of = Sessions(), {}
                self._journal.read(self._log.place, {}, [])
                LOG.warning("reading the log goes on behind what is lost: %s", self._lost)
                self._lost = None
            self._marks.clear()
            self._unseen.clear()
