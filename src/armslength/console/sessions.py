"""Who is signed in: a secret in the browser's cookie, and what this process remembers of it.

INVARIANT: a session is alive only while this process remembers opening it, and never longer, nor as anybody else, than
it remembers. The row in the gate's database, under the secret's SHA-256, can end a session and do nothing else: whoever
writes into the database signs nobody in, brings back nobody who signed out, and makes no session longer. So everybody
signs in again after the gate was started again.

The challenge of a sign-in is a MAC over its secret, under a key that the database does not have, so no signature that
was made for something else passes for a sign-in.

A session begins with a new secret at each sign-in, so one that somebody planted beforehand is worth nothing, and ends
after some time of silence, after a longer time in any case, at sign-out, and when a passkey of its person is revoked.
The token that each form carries is made from the secret: whoever cannot read the page cannot know it.

A sign-in at an identity provider begins with a secret of its own, in a cookie of its own, from which all that it has to
remember follows. What signs it out from there again is remembered with the session, and by rows that can do nothing but
end sessions too.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass, field, replace

from starlette.requests import Request
from starlette.responses import Response

from armslength.gate import PersonId, Rejected
from armslength.store import Ceremony, GateDatabase, GateTables, Overtaken
from armslength.tlog import Malformed, format_base64url, parse_base64url

VISIT = 10 * 60
"""Seconds in which a sign-in that was begun has to be finished."""
VISIT_COOKIE = 3600
"""Seconds for which the browser of somebody who is not signed in is known from one page to the next."""
TOUCH = 60
"""Seconds after which being seen is written down again."""
MOST_SESSIONS = 20
"""Of a person; with one more the oldest ends."""
SIGNED_OUT_SKEW = 60
"""Seconds by which a session may seem younger than the word of its end, by the provider's clock."""
_SIZE = 32
_TIME = 5
"""Bytes of a visit's secret that say when it was drawn, in POSIX seconds."""
_SIGN_IN = "sign-in"
_AWAY, _OUT = "sign-in-away", "signed-out-by"
_OVER = "this sign-in took too long or was used already; try again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Through:
    """An identity provider's names for whom it signed in: by these it signs them out."""

    issuer: str
    subject: str = field(repr=False)
    session: str | None = field(repr=False)

    def names(self) -> tuple[bytes, ...]:
        """SHA-256 of each name: of all that the subject does, and of this session."""
        said = [("sub", self.subject)] + ([] if self.session is None else [("sid", self.session)])
        return tuple(_name(self.issuer, kind, name) for kind, name in said)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session that goes on. `secret` is what the browser holds; it began at `made` (POSIX seconds); `through`: by a
    provider, not by a passkey."""

    person: PersonId
    secret: bytes = field(repr=False)
    made: int
    through: Through | None = None

    @property
    def csrf(self) -> str:
        return csrf_of(self.secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remembered:
    """A session as it was opened, and when somebody was last seen in it (POSIX seconds)."""

    person: PersonId
    made: int
    seen: int
    through: Through | None


class Sessions:
    """Those of one gate in one process. `https`: cookies are marked so that no other host and no plain connection can
    set or see them; on plain http, which passkeys allow on localhost alone, browsers refuse that mark."""

    def __init__(self, database: GateDatabase, *, key: bytes, https: bool, idle: int, longest: int) -> None:
        """`key` is for this alone; `idle` and `longest` in seconds."""
        self._database, self._key = database, key
        self._https, self._idle, self._longest = https, idle, longest
        prefix = "__Host-" if https else ""
        self.cookie, self.visit_cookie = f"{prefix}armslength", f"{prefix}armslength-visit"
        self.away_cookie = f"{prefix}armslength-away"
        self._remembered: dict[bytes, _Remembered] = {}
        """By the secret's SHA-256, the oldest first."""
        self._lock = threading.Lock()

    # Before somebody is known

    def begin(self, *, now: int) -> tuple[bytes, bytes]:
        """(secret, challenge) of a sign-in that begins; the secret, which says when, goes into the visit's cookie.

        Nothing is written down: whoever begins many keeps nobody else from beginning one.
        """
        secret = self._drawn(now)
        return secret, self._mac(b"challenge", secret)

    def begin_away(self, path: str, *, now: int) -> tuple[bytes, str]:
        """(secret, cookie) of a sign-in at a provider, after which the browser goes to `path`. As little is written
        down."""
        secret = self._drawn(now)
        return secret, f"{format_base64url(secret)}.{format_base64url(path.encode())}"

    def away(self, request: Request, *, now: int) -> tuple[bytes, int, str] | None:
        """(secret, when it began, path) of the sign-in at a provider that this browser began; None: none, or it took
        too long."""
        head, _, tail = request.cookies.get(self.away_cookie, "").partition(".")
        secret = _secret(head)
        if secret is None or not 0 <= now - _begun(secret) < VISIT:
            return None
        try:
            path = parse_base64url(tail, len(tail) * 3 // 4).decode()
        except (Malformed, UnicodeDecodeError):
            path = "/"
        return secret, _begun(secret), path

    def finish_away(self, secret: bytes, *, now: int) -> None:
        """It was answered, and is of no more use. Raises `Rejected` for one that was answered before."""
        self._once(secret, _AWAY, now)

    def challenge(self, request: Request, *, now: int) -> bytes:
        """The challenge of the sign-in that this browser began. Raises `Rejected`."""
        secret = self.visit(request)
        # A browser that says another time needs the challenge of that secret, and gets those alone that we drew.
        if secret is None or not 0 <= now - _begun(secret) < VISIT:
            raise Rejected([_OVER])
        return self._mac(b"challenge", secret)

    def finish(self, request: Request, *, now: int) -> None:
        """The challenge was signed, and is of no more use. Raises `Rejected` for one that was signed before."""
        secret = self.visit(request)
        if secret is None:
            raise Rejected([_OVER])
        self._once(secret, _SIGN_IN, now)

    def visit(self, request: Request) -> bytes | None:
        """The secret of a browser in which nobody is signed in."""
        return _secret(request.cookies.get(self.visit_cookie, ""))

    def _drawn(self, now: int) -> bytes:
        return secrets.token_bytes(_SIZE - _TIME) + now.to_bytes(_TIME, "big")

    def _once(self, secret: bytes, kind: str, now: int) -> None:
        done = Ceremony(kind=kind, person=None, doc=b"", ends=now + VISIT)
        try:
            self._database.change(lambda tables: tables.ceremonies.begin(_digest(secret), done))
        except Overtaken:
            raise Rejected([_OVER]) from None

    # Once they are

    def open(self, person: PersonId, *, now: int, through: Through | None = None) -> bytes:
        """The secret of a new session; `through` a provider, if it was one that said who they are."""
        secret = secrets.token_bytes(_SIZE)
        digest, ends = _digest(secret), now + self._longest

        def opened(tables: GateTables) -> None:
            tables.sessions.create(digest, person, now=now, idle=self._idle, ends=ends)
            for name in through.names() if through is not None else ():
                before = tables.ceremonies.take(name, _OUT, now=now)
                known = (b"" if before is None else before.doc)[-_SIZE * (MOST_SESSIONS - 1) :]
                named = Ceremony(kind=_OUT, person=person, doc=known + digest, ends=ends)
                tables.ceremonies.begin(name, named)

        self._database.change(opened)
        with self._lock:
            self._forget_what_is_over(now)
            mine = [each for each, session in self._remembered.items() if session.person == person]
            for each in mine[: max(0, len(mine) + 1 - MOST_SESSIONS)]:
                del self._remembered[each]
            self._remembered[digest] = _Remembered(person=person, made=now, seen=now, through=through)
        return secret

    def whose(self, request: Request) -> PersonId | None:
        """Whose session this browser holds, by memory alone: for counting, before anybody looks whether it goes on."""
        secret = _secret(request.cookies.get(self.cookie, ""))
        session = None if secret is None else self._remembered.get(_digest(secret))
        return None if session is None else session.person

    def of(self, request: Request, *, now: int) -> SignedIn | None:
        """Who is signed in in this browser; being here is noted."""
        secret = _secret(request.cookies.get(self.cookie, ""))
        if secret is None:
            return None
        digest = _digest(secret)
        session = self._remembered.get(digest)
        if session is None:
            return None
        with self._database.reading() as tables:
            row = tables.sessions.read(digest, now=now)
        if row is None or row.person != session.person or self._over(session, now):
            self._forget(digest)
            return None
        if now - row.seen >= TOUCH:
            self._database.change(lambda tables: tables.sessions.touch(digest, now=now))
        with self._lock:
            if (session := self._remembered.get(digest)) is None:
                return None  # it was ended meanwhile
            self._remembered[digest] = replace(session, seen=max(now, session.seen))
        return SignedIn(person=session.person, secret=secret, made=session.made, through=session.through)

    def end(self, request: Request) -> None:
        """End the browser's session, whoever's it is."""
        secret = _secret(request.cookies.get(self.cookie, ""))
        if secret is not None:
            digest = _digest(secret)
            self._forget(digest)
            self._database.change(lambda tables: tables.sessions.end(digest))

    def end_all(self, person: PersonId) -> None:
        with self._lock:
            for digest in [each for each, session in self._remembered.items() if session.person == person]:
                del self._remembered[digest]
        self._database.change(lambda tables: tables.sessions.end_all(person))

    def end_named(self, issuer: str, *, subject: str | None, session: str | None, at: int, now: int) -> int:
        """End what a provider signed in, by its names for it, as it says that it did `at` (POSIX seconds): who signed
        in again since then stays. Gives how many of them this process knew; other processes end theirs by their rows.

        By both names, only what both name.
        """
        # The provider counts whole seconds by its own clock: within one, being signed out is the safer reading.
        with self._lock:
            gone = [
                digest
                for digest, each in self._remembered.items()
                if (way := each.through) is not None
                and way.issuer == issuer
                and (session is None or way.session == session)
                and (subject is None or way.subject == subject)
                and each.made <= at + SIGNED_OUT_SKEW
            ]
            for digest in gone:
                del self._remembered[digest]
        kind, said = ("sid", session) if session is not None else ("sub", subject)
        name = _name(issuer, kind, said or "")

        def ended(tables: GateTables) -> None:
            known = tables.ceremonies.look(name, _OUT, now=now)
            doc = b"" if known is None else known.doc
            rows = [doc[place : place + _SIZE] for place in range(0, len(doc), _SIZE)]
            for digest in {*gone, *rows}:
                row = tables.sessions.read(digest, now=now)
                if row is not None and row.made <= at + SIGNED_OUT_SKEW:
                    tables.sessions.end(digest)

        self._database.change(ended)
        return len(gone)

    def _over(self, session: _Remembered, now: int) -> bool:
        return now >= session.made + self._longest or now >= session.seen + self._idle

    def _forget(self, digest: bytes) -> None:
        with self._lock:
            self._remembered.pop(digest, None)

    def _forget_what_is_over(self, now: int) -> None:
        """The caller holds the lock."""
        for digest in [each for each, session in self._remembered.items() if self._over(session, now)]:
            del self._remembered[digest]

    def _mac(self, what: bytes, data: bytes) -> bytes:
        return hmac.digest(self._key, what + b"\0" + data, "sha256")

    # Cookies

    def set_session(self, response: Response, secret: bytes) -> None:
        self._set(response, self.cookie, secret, self._longest)
        self._delete(response, self.visit_cookie)

    def set_visit(self, response: Response, secret: bytes) -> None:
        self._set(response, self.visit_cookie, secret, VISIT_COOKIE)

    def set_away(self, response: Response, cookie: str) -> None:
        self._set(response, self.away_cookie, cookie, VISIT)

    def forget_away(self, response: Response) -> None:
        self._delete(response, self.away_cookie)

    def forget(self, response: Response) -> None:
        self._delete(response, self.cookie)

    def _set(self, response: Response, name: str, secret: bytes | str, seconds: int) -> None:
        response.set_cookie(
            name,
            secret if isinstance(secret, str) else format_base64url(secret),
            max_age=seconds,
            path="/",
            secure=self._https,
            httponly=True,
            samesite="strict",
        )

    def _delete(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path="/", secure=self._https, httponly=True, samesite="strict")


def csrf_of(secret: bytes) -> str:
    """The token of the forms shown to the browser that holds `secret`; says nothing of the secret."""
    return format_base64url(hmac.digest(secret, b"armslength console form", "sha256"))


def _name(issuer: str, kind: str, name: str) -> bytes:
    return hashlib.sha256("\0".join((issuer, kind, name)).encode()).digest()


def _begun(secret: bytes) -> int:
    return int.from_bytes(secret[-_TIME:], "big")


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


def _secret(text: str) -> bytes | None:
    try:
        return parse_base64url(text, _SIZE)
    except Malformed:
        return None
