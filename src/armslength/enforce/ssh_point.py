"""The enforcement point of a server that people log in to with SSH: what sshd's helper asks, over a socket.

sshd shows a certificate twice at each login, before and after its owner proves to have the key. The first yes redeems
the lease, by a use that is this connection's alone, and the second one finds it again. Before sshd hears of it the use
is on record, and the connection stands in the table of those that end with their lease (ssh_guard.py).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from armslength.enforce.act import Act, Allowed
from armslength.enforce.client import GateClient
from armslength.enforce.counted import CountedLeases
from armslength.enforce.failure import EnforceError, SpoolFailed
from armslength.enforce.point import Point
from armslength.enforce.ssh_certificate import ShownCertificate, read_certificate
from armslength.enforce.ssh_guard import SshGuard
from armslength.enforce.ssh_journal import SshJournal
from armslength.enforce.ssh_processes import Peer, Process, alive, boot, end, outer_audit_session, peer_of, sshd_of
from armslength.enforce.ssh_settings import SshAccount, SshPointSettings
from armslength.enforce.ssh_table import SshSession
from armslength.gate import LeaseId, PersonId, Refused, Rejected, Why, moment, posix, ssh_principal
from armslength.tlog import format_base64url

LOG = logging.getLogger("armslength.enforce.ssh")

LOOK_SECONDS = 0.5
"""Between two looks at the sessions."""
ASK_SECONDS = 1.0
"""Between two questions about leases that the gate counts."""
STILL_SECONDS = 5.0
"""After which a guard that did not look is taken for dead."""
HEARD_SECONDS = 50.0
"""For which sessions go on after a start while the gate cannot be asked, since it was last heard."""
STUCK_SECONDS = 30.0
"""After which the program ends, so that what watches it ends the sessions."""
HOLD_SECONDS = 1.0
READ_SECONDS = 5.0
MOST_ASKED = 131_072
MOST_AT_ONCE = 64
LOCK, HEARD = "point.lock", "heard"


class SshPoint:
    """One server's point, from `start` to `close`."""

    def __init__(
        self,
        settings: SshPointSettings,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """Raises `EnforceError` where another point runs on this state, or it cannot be had."""
        self._settings, self._clock, self._steady, self._every = settings, clock, steady, look_seconds
        try:
            settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SpoolFailed(f"{settings.state}: {error.strerror}") from error
        end = steady() + HOLD_SECONDS
        while (held := hold(settings.state)) is None and steady() < end:
            time.sleep(0.1)  # what watches has it for a moment
        self._held = held
        if self._held is None:
            raise EnforceError(f"{settings.state}: another point runs on it")
        try:
            self._point = Point(settings.point, clock=clock, steady=steady)
            self._journal = SshJournal(settings.state)
            self._guard = SshGuard(settings.state, self._why, self._over, steady=steady)
            self._client = GateClient(settings.point)
        except BaseException:
            os.close(self._held)
            raise
        self._counted = CountedLeases(steady)
        self._boot = boot()
        self._sure = False
        self._beat = steady()
        self._stop = threading.Event()
        self._asking: dict[tuple[Process, bytes], threading.Lock] = {}
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._threads: list[threading.Thread] = []
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Raises `EnforceError` where the socket cannot be had, or others could put theirs in its place."""
        self._socket = self._listening()
        self._point.start()
        self._guard.look()
        for name, work in (
            ("armslength-ssh-guard", self._watch),
            ("armslength-ssh-asking", self._ask),
            ("armslength-ssh", self._serve),
        ):
            thread = threading.Thread(target=work, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Let go. What is open goes on for a moment, and ends unless another point takes over (ssh_watch.py)."""
        self._stop.set()
        if self._socket is not None:
            with suppress(OSError):
                self._settings.socket.unlink()
            self._socket.close()
        for thread in self._threads:
            thread.join(2 * STILL_SECONDS)
        self._point.close()
        self._client.close()
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def sessions(self) -> tuple[SshSession, ...]:
        return self._guard.sessions()

    def status(self) -> dict[str, object]:
        """What `armslength ssh status` shows."""
        health = self._point.health()
        problems = [each for each in (health.gate, health.spool, self._still()) if each is not None]
        shown = [
            {"account": each.account, "lease": each.lease, "serial": each.serial, "pid": each.pid, "end": each.end}
            for each in self.sessions()
        ]
        return {"problems": problems, "spooled": health.spooled, "kept": health.kept, "sessions": shown}

    @property
    def stuck(self) -> bool:
        """Whether sessions were not looked at for so long that somebody else has to."""
        return self._steady() - self._beat > STUCK_SECONDS

    # One login

    def login(self, account: str, certificate: str, connection: Process | None) -> str | Refused:
        """The line that sshd is to read: what the session may be, and the name that the certificate is for."""
        try:
            if connection is None:
                return Refused(why=Why.ERROR, says="it was not sshd that asked")
            known = self._settings.accounts.get(account)
            if known is None:
                return Refused(why=Why.OUTSIDE, says="no lease opens this account here")
            shown = read_certificate(certificate)
            if (refused := _untimely(shown, self._clock())) is not None:
                return refused
            command = _command(shown, known)
            if isinstance(command, Refused):
                return command
            if (still := self._still()) is not None:
                return Refused(why=Why.ERROR, says=still)
            with self._one_by_one(connection, shown):
                refused = self._opened(account, known, shown, command, connection)
            return refused if refused is not None else _line(shown, known, command)
        except Rejected as error:
            return Refused(why=Why.UNSIGNED, says=str(error))
        except Exception as error:  # an error is a refusal
            LOG.error("deciding failed: %s", type(error).__name__, exc_info=LOG.isEnabledFor(logging.DEBUG))
            return Refused(why=Why.ERROR, says=f"deciding failed with {type(error).__name__}")

    def _opened(
        self, account: str, known: SshAccount, shown: ShownCertificate, command: str | None, connection: Process
    ) -> Refused | None:
        digest = shown.digest.hex()
        for each in self._guard.sessions():
            if (each.connection, each.digest, each.account) == (connection, digest, account):
                return self._why(each)
        use = self._use(account, shown, connection)
        act = Act(person=shown.person, action=known.action, resource=self._settings.resource)
        allowed = self._point.allow(act, token=shown.token, use=use)
        if isinstance(allowed, Refused):
            return allowed
        if allowed.lease != shown.lease or allowed.end is None:
            return Refused(why=Why.OUTSIDE, says="the certificate and its lease do not fit")
        if not alive(connection):
            return Refused(why=Why.ERROR, says="the connection is gone")
        if not end(connection, 0):
            return Refused(why=Why.ERROR, says="this session could not be ended, so it does not begin")
        session = SshSession(
            pid=connection.pid,
            started=connection.started,
            account=account,
            action=known.action,
            lease=shown.lease,
            counted=shown.counted,
            person=shown.person,
            serial=shown.serial,
            digest=digest,
            use=format_base64url(use),
            begun=int(self._clock()),
            end=posix(allowed.end),
            outer=outer_audit_session(connection),
        )
        try:
            # INVARIANT: the use is on record, and the connection is in the table, before sshd reads the name.
            self._guard.add(session)
            self._journal.begun(session, command)
        except SpoolFailed as error:
            LOG.error("the table of sessions: %s", error)
            return Refused(why=Why.STORE, says="this session cannot be noted on this machine, so it does not begin")
        return None

    def _use(self, account: str, shown: ShownCertificate, connection: Process) -> bytes:
        """The same for this connection and certificate, whoever asks again, and never the same for another."""
        said = f"{self._boot}\0{connection.pid}\0{connection.started}\0{account}\0".encode() + shown.digest
        return hashlib.sha256(b"armslength ssh use\0" + said).digest()[:16]

    def _one_by_one(self, connection: Process, shown: ShownCertificate) -> threading.Lock:
        with self._lock:
            if len(self._asking) > 4096:
                self._asking = {key: lock for key, lock in self._asking.items() if lock.locked()}
            return self._asking.setdefault((connection, shown.digest), threading.Lock())

    # While it lasts

    def _why(self, session: SshSession) -> Refused | None:
        """Why it has to end now, or None."""
        act = Act(person=PersonId(session.person), action=session.action, resource=self._settings.resource)
        allowed = Allowed(act=act, lease=LeaseId(session.lease), end=moment(session.end))
        refused = self._point.running(allowed)
        if refused is None:
            self._sure = True
        elif refused.why is Why.OLD_LIST and not self._sure and self._heard_of_late():
            return None
        elif refused.why is Why.REVOKED and session.counted:
            return self._counted.why(LeaseId(session.lease))
        return refused

    def _over(self, session: SshSession, why: str | None) -> None:
        try:
            self._journal.over(session, at=int(self._clock()), why=why)
        except SpoolFailed as error:
            LOG.error("the end of a session is not noted: %s", error)

    def _still(self) -> str | None:
        """Why no session may begin now, or None."""
        if self._guard.failed is not None:
            return self._guard.failed
        if self._steady() - self._beat > STILL_SECONDS:
            return "nobody ends sessions here at the moment, so none begins"
        return None

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self._guard.look()
                if self._point.health().gate is None:
                    (self._settings.state / HEARD).write_text(f"{int(self._clock())}\n", "ascii")
                self._beat = self._steady()
            except OSError as error:
                LOG.error("looking at the sessions failed: %s", error.strerror)
                self._beat = self._steady()
            except Exception as error:  # the thread must not end
                LOG.error("looking at the sessions failed: %s", type(error).__name__)
            left = [each.end - self._clock() for each in self._guard.sessions()]
            self._stop.wait(max(0.02, min([self._every, *(each for each in left if each > 0)])))

    def _ask(self) -> None:
        """Apart from who ends sessions, whom a silent gate must not hold up."""
        while not self._stop.wait(ASK_SECONDS):
            self._counted.ask(self._client, {LeaseId(each.lease) for each in self._guard.sessions() if each.counted})
            try:
                self._journal.deliver(self._client)
            except EnforceError as error:
                LOG.warning("lines of sessions wait: %s", error)
            except Exception as error:  # the thread must not end
                LOG.error("delivering lines of sessions failed: %s", type(error).__name__)

    def _heard_of_late(self) -> bool:
        try:
            return 0 <= self._clock() - int((self._settings.state / HEARD).read_text("ascii")) < HEARD_SECONDS
        except (OSError, ValueError):
            return False

    # The socket

    def _listening(self) -> socket.socket:
        place = self._settings.socket
        try:
            place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            about = os.stat(place.parent)
            if about.st_uid not in (0, os.geteuid()) or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise EnforceError(f"{place.parent}: others may write into it, and could take the socket's place")
            with suppress(FileNotFoundError):
                place.unlink()  # whoever made it runs no more, or runs on another state
            made = socket.socket(socket.AF_UNIX)
            made.bind(str(place))
            os.chmod(place, 0o600)
            if self._settings.helper not in (None, os.geteuid()):
                os.chown(place, self._settings.helper or 0, -1)
            made.listen(MOST_AT_ONCE)
            made.settimeout(0.2)
        except OSError as error:
            raise EnforceError(f"{place}: {error.strerror or error}") from error
        return made

    def _serve(self) -> None:
        assert self._socket is not None
        while not self._stop.is_set():
            try:
                link, _ = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                if not self._stop.wait(0.1):
                    continue
                return
            self._room.acquire()
            threading.Thread(target=self._served, args=(link,), daemon=True).start()

    def _served(self, link: socket.socket) -> None:
        try:
            with link:
                link.settimeout(READ_SECONDS)
                answer = self._answer(_read(link), peer_of(link))
                link.sendall(json.dumps(answer).encode() + b"\n")
        except (OSError, ValueError):
            pass  # nobody waits any more, or asked for nothing
        finally:
            self._room.release()

    def _answer(self, asked: Mapping[str, object], peer: Peer) -> dict[str, object]:
        if peer.user not in (0, os.geteuid(), self._settings.helper):
            return {"refused": "not you"}
        if asked.get("ask") == "status":
            return self.status()
        account, certificate = asked.get("account"), asked.get("certificate")
        if asked.get("ask") != "login" or not isinstance(account, str) or not isinstance(certificate, str):
            return {"refused": "expected a login"}
        found = self.login(account, certificate, sshd_of(peer.pid))
        shown = account if account in self._settings.accounts else "(another)"
        if isinstance(found, Refused):
            LOG.warning("refused: account %s: %s (%s)", shown, found.says, found.why)
            return {"refused": str(found.why)}
        LOG.info("let in: account %s, %s", shown, found.rpartition(" ")[2])
        return {"line": found}


def hold(folder: Path) -> int | None:
    """A hold on the state, which ends with this process; None: another has it. Raises `SpoolFailed`."""
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SpoolFailed(f"{folder / LOCK}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _untimely(shown: ShownCertificate, now: float) -> Refused | None:
    """sshd looks at this only after it has asked, and a use would be on record."""
    if now >= shown.before:
        return Refused(why=Why.EXPIRED, says="the certificate is over")
    if now < shown.after:
        return Refused(why=Why.CLOCK, says="the certificate has not begun, by this server's clock")
    return None


def _command(shown: ShownCertificate, account: SshAccount) -> str | None | Refused:
    """What alone runs, by policy and by this server. Where both say something else, sshd would refuse it too."""
    if None not in (shown.command, account.command) and shown.command != account.command:
        return Refused(why=Why.OUTSIDE, says="policy and this server's settings ask for two different commands")
    return shown.command if shown.command is not None else account.command


def _line(shown: ShownCertificate, account: SshAccount, command: str | None) -> str:
    """As in sshd(8), AUTHORIZED_KEYS: nothing is forwarded, whatever the certificate says."""
    options = ["restrict"]
    if shown.pty and account.pty:
        options.append("pty")
    if command is not None:
        quoted = command.replace('"', '\\"')
        options.append(f'command="{quoted}"')
    return f"{','.join(options)} {ssh_principal(shown.lease)}"


def _read(link: socket.socket) -> Mapping[str, object]:
    found = b""
    end = time.monotonic() + READ_SECONDS
    while not found.endswith(b"\n"):
        part = link.recv(65_536)
        found += part
        if not part or len(found) > MOST_ASKED or time.monotonic() > end:
            raise ValueError("no question")
    said = json.loads(found)
    if not isinstance(said, dict):
        raise ValueError("no question")
    return said
