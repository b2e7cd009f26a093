"""What directories said of people and groups, as the gate keeps it: one row for each user or group of a directory.

A row is sealed by whoever writes it (`mac`), since it says who is there and how old that word is. Its other columns
only find it. What was deleted stays as a row of the kind `gone`, which says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import ColumnElement, Connection, Row, func, select

from armslength.store.gate_insert import insert
from armslength.store.gate_schema import DIRECTORY

DirectoryKind = Literal["user", "group", "gone", "state"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryRow:
    """`name` is what `eq` finds a user or group by, in lower case; `external` the provider's own id. `stamp` is when it
    was written, in POSIX seconds."""

    directory: str
    kind: DirectoryKind
    id: str
    name: str
    external: str
    stamp: int
    doc: bytes = field(repr=False)
    mac: bytes = field(repr=False)


class GateDirectories:
    """Within one transaction."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def put(self, row: DirectoryRow) -> None:
        """Write it, in the place of what was said before of the same, whatever that was."""
        values = {column.name: getattr(row, column.name) for column in DIRECTORY.columns}
        said = {name: value for name, value in values.items() if name not in ("directory", "id")}
        put = insert(self._db, DIRECTORY).values(values)
        self._db.execute(put.on_conflict_do_update(index_elements=[DIRECTORY.c.directory, DIRECTORY.c.id], set_=said))

    def read(self, directory: str, id: str) -> DirectoryRow | None:
        found = self._db.execute(select(DIRECTORY).where(*_of(directory), DIRECTORY.c.id == id)).one_or_none()
        return None if found is None else _row(found)

    def named(self, directory: str, kind: DirectoryKind, name: str) -> tuple[DirectoryRow, ...]:
        """Those of this name."""
        return self._found(*_of(directory, kind), DIRECTORY.c.name == name)

    def external(self, directory: str, kind: DirectoryKind, external: str) -> tuple[DirectoryRow, ...]:
        """Those of this id of the provider's."""
        return self._found(*_of(directory, kind), DIRECTORY.c.external == external)

    def count(self, directory: str, kind: DirectoryKind) -> int:
        wanted = select(func.count()).select_from(DIRECTORY).where(*_of(directory, kind))
        return int(self._db.execute(wanted).scalar_one())

    def page(self, directory: str, kind: DirectoryKind, *, skip: int, limit: int) -> tuple[DirectoryRow, ...]:
        """Some of them, by id."""
        wanted = select(DIRECTORY).where(*_of(directory, kind)).order_by(DIRECTORY.c.id)
        return tuple(_row(found) for found in self._db.execute(wanted.offset(skip).limit(limit)))

    def written(self, directory: str, *, since: int) -> Iterator[DirectoryRow]:
        """Those that were written at that time or after it, in POSIX seconds."""
        wanted = select(DIRECTORY).where(*_of(directory), DIRECTORY.c.stamp >= since)
        for found in self._db.execute(wanted):
            yield _row(found)

    def _found(self, *conditions: ColumnElement[bool]) -> tuple[DirectoryRow, ...]:
        found = self._db.execute(select(DIRECTORY).where(*conditions).order_by(DIRECTORY.c.id))
        return tuple(_row(each) for each in found)


def _of(directory: str, kind: DirectoryKind | None = None) -> tuple[ColumnElement[bool], ...]:
    mine = (DIRECTORY.c.directory == directory,)
    return mine if kind is None else (*mine, DIRECTORY.c.kind == kind)


def _row(found: Row[tuple[object, ...]]) -> DirectoryRow:
    return DirectoryRow(**found._mapping)
