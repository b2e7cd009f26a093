"""Idempotency: a caller that asks again with the same key gets the same answer, and nothing happens twice."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from armslength.store.failure import Overtaken
from armslength.store.gate_insert import insert
from armslength.store.gate_schema import IDEMPOTENCY

TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """`body` is the SHA-256 of what was asked, `answer` the id that it was answered with."""

    body: bytes
    answer: str


class GateIdempotency:
    """Within one transaction."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def recall(self, caller: str, key: str, *, now: int) -> Remembered | None:
        """What this caller's key was used for, unless that is over."""
        wanted = select(IDEMPOTENCY.c.body, IDEMPOTENCY.c.answer).where(
            IDEMPOTENCY.c.caller == caller, IDEMPOTENCY.c.key == key, IDEMPOTENCY.c.ends > now
        )
        found = self._db.execute(wanted).one_or_none()
        return None if found is None else Remembered(body=found.body, answer=found.answer)

    def remember(self, caller: str, key: str, *, body: bytes, answer: str, now: int, ends: int) -> Remembered:
        """Use a key, until `ends`, for what has this SHA-256; gives what stands there now. Where that is not what was
        given, somebody used the key before: for the same if `body` is equal, and for something else if not.

        The answer is remembered before it is so: a crash in between leaves an id that nothing has, and whoever asks
        again goes on with that id.
        """
        over = delete(IDEMPOTENCY).where(
            IDEMPOTENCY.c.caller == caller, IDEMPOTENCY.c.key == key, IDEMPOTENCY.c.ends <= now
        )
        values = {"caller": caller, "key": key, "body": body, "answer": answer, "ends": ends}
        used = insert(self._db, IDEMPOTENCY).values(values).on_conflict_do_nothing()
        for _ in range(TRIES):
            self._db.execute(over)
            if self._db.execute(used).rowcount == 1:
                return Remembered(body=body, answer=answer)
            if (found := self.recall(caller, key, now=now)) is not None:
                return found
            # Another gate had used it, and forgot it in between.
        raise Overtaken("an idempotency key is used and forgotten over and over; ask again")

    def forget(self, caller: str, key: str) -> None:
        """What was asked was refused and left nothing: the key may be used again."""
        self._db.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.caller == caller, IDEMPOTENCY.c.key == key))

    def sweep(self, *, now: int) -> int:
        """Drop what is over; gives how many."""
        return self._db.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.ends <= now)).rowcount
