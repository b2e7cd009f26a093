"""The state as it was folded up to a position of the ledger, so that a start need not read all of it.

It carries a MAC under a key that is not in the database. An old one put in its place makes a start slower, and nothing
else: what follows it is read from the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, select

from armslength.store.gate_insert import insert
from armslength.store.gate_schema import SNAPSHOT


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSnapshot:
    """`position` is how many entries of the ledger are folded in."""

    position: int
    mac: bytes = field(repr=False)
    state: bytes = field(repr=False)


class GateSnapshots:
    """Within one transaction."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def write(self, snapshot: GateSnapshot) -> bool:
        """Keep this one, and no other, unless one of a later position is there; whether it was kept. `drop` one that
        is not to be believed first."""
        values = {"position": snapshot.position, "mac": snapshot.mac, "state": snapshot.state}
        put = insert(self._db, SNAPSHOT).values({"one": 1, **values})
        newer = put.on_conflict_do_update(
            index_elements=[SNAPSHOT.c.one], set_=values, where=SNAPSHOT.c.position <= snapshot.position
        )
        return self._db.execute(newer).rowcount == 1

    def read(self) -> GateSnapshot | None:
        """As it stands there, whoever wrote it: the MAC is the caller's to check."""
        found = self._db.execute(select(SNAPSHOT.c.position, SNAPSHOT.c.mac, SNAPSHOT.c.state)).one_or_none()
        return None if found is None else GateSnapshot(**found._mapping)

    def drop(self) -> None:
        self._db.execute(delete(SNAPSHOT))
