"""Who is signed in, and what is good once: challenges of a passkey, and links to enrol with.

Each is known by the SHA-256 of a secret that the person's browser holds, so that whoever reads the database can be
nobody. Whoever writes into it can end a session; that one goes on, the console does not believe from here alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, or_, select, update

from armslength.store.failure import Overtaken
from armslength.store.gate_insert import insert
from armslength.store.gate_schema import CEREMONIES, SESSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Times are POSIX seconds. It is over at `ends`, and once nobody was `seen` in it for `idle` seconds."""

    digest: bytes = field(repr=False)
    person: str
    made: int
    seen: int
    idle: int
    ends: int


class GateSessions:
    """Within one transaction."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def create(self, digest: bytes, person: str, *, now: int, idle: int, ends: int) -> Session:
        """Raises `Overtaken` if a session of this digest is or was there: a secret is drawn once."""
        values = {"digest": digest, "person": person, "made": now, "seen": now, "idle": idle, "ends": ends}
        if self._db.execute(insert(self._db, SESSIONS).values(values).on_conflict_do_nothing()).rowcount != 1:
            raise Overtaken("there is a session with this secret already")
        return Session(digest=digest, person=person, made=now, seen=now, idle=idle, ends=ends)

    def read(self, digest: bytes, *, now: int) -> Session | None:
        """None: there is none, or it is over."""
        wanted = select(SESSIONS).where(SESSIONS.c.digest == digest, SESSIONS.c.ends > now)
        found = self._db.execute(wanted.where(SESSIONS.c.seen + SESSIONS.c.idle > now)).one_or_none()
        return None if found is None else Session(**found._mapping)

    def touch(self, digest: bytes, *, now: int) -> bool:
        """Somebody is here. Whether the session goes on: one that is over does not begin again, and a clock that went
        back makes none longer."""
        alive = (SESSIONS.c.ends > now, SESSIONS.c.seen + SESSIONS.c.idle > now)
        touched = update(SESSIONS).where(SESSIONS.c.digest == digest, *alive)
        return self._db.execute(touched.where(SESSIONS.c.seen <= now).values(seen=now)).rowcount == 1 or (
            self.read(digest, now=now) is not None
        )

    def of(self, person: str, *, now: int) -> tuple[Session, ...]:
        """A person's sessions that are not over, the newest first."""
        wanted = select(SESSIONS).where(SESSIONS.c.person == person, SESSIONS.c.ends > now)
        going = wanted.where(SESSIONS.c.seen + SESSIONS.c.idle > now).order_by(SESSIONS.c.made.desc())
        return tuple(Session(**found._mapping) for found in self._db.execute(going))

    def end(self, digest: bytes) -> bool:
        """Whether there was one."""
        return self._db.execute(delete(SESSIONS).where(SESSIONS.c.digest == digest)).rowcount == 1

    def end_all(self, person: str) -> int:
        """End each of a person's sessions, as when a key of theirs is revoked; gives how many there were."""
        return self._db.execute(delete(SESSIONS).where(SESSIONS.c.person == person)).rowcount

    def sweep(self, *, now: int) -> int:
        """Drop those that are over; gives how many."""
        over = or_(SESSIONS.c.ends <= now, SESSIONS.c.seen + SESSIONS.c.idle <= now)
        return self._db.execute(delete(SESSIONS).where(over)).rowcount


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceremony:
    """Something begun that a browser is to finish, once, before `ends` (POSIX seconds): `kind` says what, `doc` what
    the gate has to know of it then."""

    kind: str
    person: str | None
    doc: bytes = field(repr=False)
    ends: int


_CEREMONY = (CEREMONIES.c.kind, CEREMONIES.c.person, CEREMONIES.c.doc, CEREMONIES.c.ends)


class GateCeremonies:
    """Within one transaction."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def begin(self, digest: bytes, ceremony: Ceremony) -> None:
        """Raises `Overtaken` if one of this digest is there."""
        values = {"digest": digest, "kind": ceremony.kind, "person": ceremony.person, "doc": ceremony.doc}
        begun = insert(self._db, CEREMONIES).values({**values, "ends": ceremony.ends}).on_conflict_do_nothing()
        if self._db.execute(begun).rowcount != 1:
            raise Overtaken("this was begun already")

    def look(self, digest: bytes, kind: str, *, now: int) -> Ceremony | None:
        """What was begun, left as it is; None: nothing of this kind, or it was finished, or is over."""
        wanted = select(*_CEREMONY).where(
            CEREMONIES.c.digest == digest, CEREMONIES.c.kind == kind, CEREMONIES.c.ends > now
        )
        found = self._db.execute(wanted).one_or_none()
        return None if found is None else Ceremony(**found._mapping)

    def take(self, digest: bytes, kind: str, *, now: int) -> Ceremony | None:
        """As `look`, and it is gone: of two who take it, one gets it."""
        gone = delete(CEREMONIES).where(CEREMONIES.c.digest == digest, CEREMONIES.c.kind == kind)
        found = self._db.execute(gone.returning(*_CEREMONY)).one_or_none()
        return Ceremony(**found._mapping) if found is not None and found.ends > now else None

    def sweep(self, *, now: int) -> int:
        """Drop what is over; gives how many."""
        return self._db.execute(delete(CEREMONIES).where(CEREMONIES.c.ends <= now)).rowcount
