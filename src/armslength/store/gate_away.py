"""Who cannot be asked for a time: on leave, ill, gone. It decides nothing; it says who could approve now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, or_, select

from armslength.store.gate_insert import insert
from armslength.store.gate_schema import AWAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """From `start` until `ends`, in POSIX seconds; None: until somebody says otherwise. `by` is who said so."""

    person: str
    start: int
    ends: int | None
    by: str


class GateAway:
    """Within one transaction."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def put(self, away: Away) -> None:
        """Say it of a person, in the place of what was said before."""
        values = {"person": away.person, "start": away.start, "ends": away.ends, "by": away.by}
        said = {name: values[name] for name in ("start", "ends", "by")}
        put = insert(self._db, AWAY).values(values)
        self._db.execute(put.on_conflict_do_update(index_elements=[AWAY.c.person], set_=said))

    def back(self, person: str) -> bool:
        """Whether they were said to be away."""
        return self._db.execute(delete(AWAY).where(AWAY.c.person == person)).rowcount == 1

    def at(self, now: int) -> frozenset[str]:
        """Who is away at that time."""
        wanted = select(AWAY.c.person).where(AWAY.c.start <= now, or_(AWAY.c.ends.is_(None), AWAY.c.ends > now))
        return frozenset(self._db.execute(wanted).scalars())

    def all(self) -> tuple[Away, ...]:
        """Everyone of whom it is said, times that are over or to come included, by person."""
        return tuple(Away(**found._mapping) for found in self._db.execute(select(AWAY).order_by(AWAY.c.person)))

    def sweep(self, *, now: int) -> int:
        """Drop what is over; gives how many."""
        return self._db.execute(delete(AWAY).where(AWAY.c.ends <= now)).rowcount
