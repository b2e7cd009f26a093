"""Notices: written down with what they tell of, sent later, and tried again until they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from armslength.store.failure import Overtaken
from armslength.store.gate_insert import insert
from armslength.store.gate_schema import OUTBOX

LONGEST_PROBLEM = 500
TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`mark` names what it tells of, so that replaying the ledger tells nothing twice; `person` whom it is for, None
    for everyone who gets that kind. Times are POSIX seconds: `due` when it is to be sent, `sent_at` when a channel took
    it, which `seal` vouches for where that matters. With neither it stands in the console alone, or was given up."""

    number: int
    mark: str
    kind: str
    person: str | None
    body: bytes = field(repr=False)
    made: int
    tries: int
    problem: str | None
    due: int | None
    sent_at: int | None
    seal: bytes | None = field(repr=False)

    @property
    def sent(self) -> bool:
        return self.sent_at is not None


class GateOutbox:
    """Within one transaction."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def add(self, mark: str, kind: str, body: bytes, *, at: int, person: str | None = None) -> bool:
        """Whether it is new: one of this mark is there once."""
        values = {"mark": mark, "kind": kind, "person": person, "body": body, "made": at, "due": at, "tries": 0}
        added = insert(self._db, OUTBOX).values(values).on_conflict_do_nothing()
        return self._db.execute(added.inline()).rowcount == 1  # without asking for its number

    def find(self, mark: str) -> Notice | None:
        """The notice of this mark."""
        found = self._db.execute(select(*_COLUMNS).where(OUTBOX.c.mark == mark)).one_or_none()
        return None if found is None else _notice(found)

    def again(self, mark: str, kind: str, body: bytes, *, at: int, person: str | None = None) -> None:
        """Written down anew, whatever stands there of this mark, and not sent yet."""
        for _ in range(TRIES):
            self._db.execute(delete(OUTBOX).where(OUTBOX.c.mark == mark))
            if self.add(mark, kind, body, at=at, person=person):
                return
            # Another gate has written it down in between; it may have sent it since.
        raise Overtaken("a notice is written down over and over; ask again")

    def take(self, *, now: int, again: int, limit: int = 20) -> tuple[Notice, ...]:
        """Notices to send now, the oldest first. Each is given once until `again`, to one of several gates: who ends
        between taking and `done` sends it twice rather than never."""
        wanted = select(*_COLUMNS).where(OUTBOX.c.due <= now).order_by(OUTBOX.c.due, OUTBOX.c.number).limit(limit)
        wanted = wanted.with_for_update(skip_locked=True)  # what another gate is taking is not waited for
        taken = tuple(_notice(found) for found in self._db.execute(wanted).all())
        for each in taken:
            of = update(OUTBOX).where(OUTBOX.c.number == each.number)
            self._db.execute(of.values(due=again, tries=each.tries + 1))
        return taken

    def sent(self, number: int, *, at: int, seal: bytes | None) -> None:
        """A channel took it."""
        said = {"due": None, "problem": None, "sent": at, "seal": seal}
        self._db.execute(update(OUTBOX).where(OUTBOX.c.number == number).values(said))

    def stands(self, number: int) -> None:
        """There is no channel for it: it stands in the console."""
        self._db.execute(update(OUTBOX).where(OUTBOX.c.number == number).values(due=None, problem=None))

    def failed(self, number: int, problem: str, *, again: int | None) -> None:
        """It could not be sent, and is to be tried at `again`; None: no more."""
        said = {"due": again, "problem": problem[:LONGEST_PROBLEM]}
        self._db.execute(update(OUTBOX).where(OUTBOX.c.number == number).values(said))

    def waiting(self) -> int:
        """How many are to be sent."""
        counted = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.due.is_not(None))
        return int(self._db.execute(counted).scalar_one())

    def newest(self, *, person: str | None, limit: int = 50) -> tuple[Notice, ...]:
        """The newest that are for this person; with None, those for nobody alone."""
        whose = OUTBOX.c.person.is_(None) if person is None else OUTBOX.c.person == person
        wanted = select(*_COLUMNS).where(whose).order_by(OUTBOX.c.number.desc()).limit(limit)
        return tuple(_notice(found) for found in self._db.execute(wanted))

    def sweep(self, *, before: int) -> int:
        """Drop notices made before that which are sent or given up; gives how many."""
        return self._db.execute(delete(OUTBOX).where(OUTBOX.c.due.is_(None), OUTBOX.c.made < before)).rowcount


_COLUMNS = (
    OUTBOX.c.number,
    OUTBOX.c.mark,
    OUTBOX.c.kind,
    OUTBOX.c.person,
    OUTBOX.c.body,
    OUTBOX.c.made,
    OUTBOX.c.tries,
    OUTBOX.c.problem,
    OUTBOX.c.due,
    OUTBOX.c.sent.label("sent_at"),
    OUTBOX.c.seal,
)


def _notice(found: Row[*tuple[Any, ...]]) -> Notice:
    return Notice(**dict(found._mapping))
