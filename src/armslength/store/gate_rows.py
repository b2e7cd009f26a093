"""Rows of a gate's database: a copy, to find by and to race for, of each object that the gate's state holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, delete, func, or_, select, update
from sqlalchemy import Row as Found

from armslength.store.failure import Damaged, Overtaken
from armslength.store.gate_insert import insert
from armslength.store.gate_schema import ROWS

MOST = 500
"""Ids in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowColumns:
    """What a row can be found by. `person` is whose it is, `status` a short word, `due` POSIX seconds at which
    something has to happen to it."""

    person: str | None = None
    status: str | None = None
    due: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    """`doc` is the object's canonical document and `version` its version, from 1 on, which each change raises. `claim`
    is the act id of the operation that is under way on it; nobody else may change the row meanwhile."""

    kind: str
    id: str
    version: int
    doc: bytes
    columns: RowColumns = field(default_factory=RowColumns)
    claim: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowClaim:
    """An operation that was begun and not ended. `at`: POSIX seconds of its beginning."""

    kind: str
    id: str
    act: bytes
    at: int


class GateRows:
    """Within one transaction."""

    def __init__(self, db: Connection, where: str, table: Table = ROWS) -> None:
        self._db, self._where, self._table = db, where, table
        columns = table.c
        self._read = select(
            columns.kind,
            columns.id,
            columns.version,
            columns.doc,
            columns.person,
            columns.status,
            columns.due,
            columns.act,
        )

    def _at(self, kind: str, id: str, version: int) -> tuple[Any, ...]:
        columns = self._table.c
        return columns.kind == kind, columns.id == id, columns.version == version

    def read(self, kind: str, id: str) -> GateRow | None:
        """Raises `Damaged` for a row that no gate wrote, as all reading here does."""
        found = self._db.execute(self._read.where(self._table.c.kind == kind, self._table.c.id == id)).one_or_none()
        return None if found is None else self._row(found)

    def all(self, kind: str) -> Iterator[GateRow]:
        """Every row of a kind, by id. Read it to its end within the transaction."""
        for found in self._db.execute(self._read.where(self._table.c.kind == kind).order_by(self._table.c.id)):
            yield self._row(found)

    def find(
        self,
        kind: str,
        *,
        person: str | None = None,
        status: str | None = None,
        due: int | None = None,
        limit: int = 1000,
    ) -> tuple[GateRow, ...]:
        """The rows of this person, of this status, due at `due` or before, as far as given; those due first come
        first."""
        wanted = self._read.where(self._table.c.kind == kind)
        if person is not None:
            wanted = wanted.where(self._table.c.person == person)
        if status is not None:
            wanted = wanted.where(self._table.c.status == status)
        if due is not None:
            wanted = wanted.where(self._table.c.due <= due)
        ordered = wanted.order_by(self._table.c.due.is_(None), self._table.c.due, self._table.c.id).limit(limit)
        return tuple(self._row(found) for found in self._db.execute(ordered))

    def count(self, kind: str) -> int:
        return int(
            self._db.execute(
                select(func.count()).select_from(self._table).where(self._table.c.kind == kind)
            ).scalar_one()
        )

    def ids(self, kind: str) -> tuple[str, ...]:
        """Of every row of a kind."""
        return tuple(map(str, self._db.execute(select(self._table.c.id).where(self._table.c.kind == kind)).scalars()))

    def kinds(self) -> frozenset[str]:
        return frozenset(self._db.execute(select(self._table.c.kind).distinct()).scalars())

    # Changing

    def insert(self, row: GateRow) -> None:
        """Enter an object that is new. Raises `Overtaken` if there is a row of this kind and id. A claim in `row` is
        not entered."""
        if self._db.execute(insert(self._db, self._table).values(_values(row)).on_conflict_do_nothing()).rowcount != 1:
            raise Overtaken(f"{self._where}: there is a {row.kind} {row.id} already")

    def claim(self, kind: str, id: str, *, version: int, act: bytes, at: int) -> None:
        """Begin an operation, whose record will have the id `act`, on the row as it was at `version`. Raises
        `Overtaken` if it is at another version, gone, or claimed by another act."""
        free = or_(self._table.c.act.is_(None), self._table.c.act == act)
        claimed = update(self._table).where(*self._at(kind, id, version), free).values(act=act, claimed=at)
        if self._db.execute(claimed).rowcount != 1:
            raise self._overtaken(kind, id, version)

    def settle(
        self, kind: str, id: str, *, version: int, act: bytes | None, doc: bytes, becomes: int, columns: RowColumns
    ) -> None:
        """End an operation: the row claimed by `act` (None: by nobody) goes from `version` to `becomes`, and the claim
        is gone. Raises `Overtaken`."""
        mine = self._table.c.act.is_(None) if act is None else self._table.c.act == act
        changed = update(self._table).where(*self._at(kind, id, version), mine)
        row = GateRow(kind=kind, id=id, version=becomes, doc=doc, columns=columns)
        if self._db.execute(changed.values(_values(row))).rowcount != 1:
            raise self._overtaken(kind, id, version)

    def release(self, kind: str, id: str, *, act: bytes) -> bool:
        """End an operation without a change. Whether there was one of this act."""
        released = update(self._table).where(
            self._table.c.kind == kind, self._table.c.id == id, self._table.c.act == act
        )
        return self._db.execute(released.values(act=None, claimed=None)).rowcount == 1

    def claims(self) -> tuple[RowClaim, ...]:
        """Every operation that was begun and not ended: after a start, those that a crash interrupted."""
        wanted = select(self._table.c.kind, self._table.c.id, self._table.c.act, self._table.c.claimed).where(
            self._table.c.act.is_not(None)
        )
        return tuple(
            RowClaim(kind=kind, id=id, act=act, at=at)
            for kind, id, act, at in self._db.execute(wanted.order_by(self._table.c.kind, self._table.c.id))
        )

    # Writing again from the state

    def put_many(self, rows: Iterable[GateRow]) -> int:
        """Make these rows be as they are given, unclaimed, whatever is there; gives how many of them were not. For a
        start only: it asks nobody."""
        values = [_values(row) for row in rows]
        if not values:
            return 0
        put = insert(self._db, self._table)
        changing = ("version", "doc", "person", "status", "due", "act", "claimed")
        differs = or_(*(self._table.c[name].is_distinct_from(put.excluded[name]) for name in changing))
        put = put.on_conflict_do_update(
            index_elements=[self._table.c.kind, self._table.c.id],
            set_={name: put.excluded[name] for name in changing},
            where=differs,
        )
        if self._db.dialect.name == "postgresql":  # one way to the server and back, and not one for each row
            some = [values[start : start + MOST] for start in range(0, len(values), MOST)]
            return sum(self._db.execute(put.values(each)).rowcount for each in some)
        return int(self._db.execute(put, values).rowcount)

    def delete(self, kind: str, ids: Sequence[str]) -> int:
        """Drop rows; gives how many there were."""
        gone = 0
        for start in range(0, len(ids), MOST):
            some = ids[start : start + MOST]
            gone += self._db.execute(
                delete(self._table).where(self._table.c.kind == kind, self._table.c.id.in_(some))
            ).rowcount
        return gone

    def _row(self, found: Found[*tuple[Any, ...]]) -> GateRow:
        kind, id, version, doc, person, status, due, act = tuple(found)
        whole = isinstance(kind, str) and isinstance(id, str) and isinstance(version, int) and isinstance(doc, bytes)
        findable = isinstance(person, str | None) and isinstance(status, str | None) and isinstance(due, int | None)
        if not whole or not findable or not isinstance(act, bytes | None):
            raise Damaged(f"{self._where}: the row {id!r} of kind {kind!r} holds values of another type than written")
        columns = RowColumns(person=person, status=status, due=due)
        return GateRow(kind=kind, id=id, version=version, doc=doc, columns=columns, claim=act)

    def _overtaken(self, kind: str, id: str, version: int) -> Overtaken:
        there = self.read(kind, id)
        if there is None:
            return Overtaken(f"{self._where}: there is no {kind} {id}")
        if there.version != version:
            return Overtaken(f"{self._where}: the {kind} {id} is no longer at version {version}")
        return Overtaken(f"{self._where}: another operation is under way on the {kind} {id}, or this one was ended")


def _values(row: GateRow) -> dict[str, object]:
    return {
        "kind": row.kind,
        "id": row.id,
        "version": row.version,
        "doc": row.doc,
        "person": row.columns.person,
        "status": row.columns.status,
        "due": row.columns.due,
        "act": None,
        "claimed": None,
    }
