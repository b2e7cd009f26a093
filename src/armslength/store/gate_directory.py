"""What directories said of people and groups, as the gate keeps it: one row for each user or group of a directory.

A row is sealed by whoever writes it (`mac`), since it says who is there and how old that word is. Its other columns
only find it. What was deleted stays as a row of the kind `gone`, which says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import ColumnElement, Connection, Row, func, select

from armslength.store.gate_insert import insert
from armslength.store.gate_schema import DIRECTORY

_COLUMNS = tuple(DIRECTORY.columns)

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

    def put(self, *rows: DirectoryRow) -> None:
        """Write them, in the place of what was said before of the same, whatever that was; a few hundred at once."""
        if rows:
            put = insert(self._db, DIRECTORY)
            said = {c.name: put.excluded[c.name] for c in _COLUMNS if c.name not in ("directory", "id")}
            put = put.on_conflict_do_update(index_elements=[DIRECTORY.c.directory, DIRECTORY.c.id], set_=said)
            self._db.execute(put, [{c.name: getattr(row, c.name) for c in _COLUMNS} for row in rows])

    def read(self, directory: str, id: str) -> DirectoryRow | None:
        return self.read_some(directory, [id]).get(id)

    def read_some(self, directory: str, ids: Sequence[str]) -> dict[str, DirectoryRow]:
        """Those of these ids that are there, a few hundred at once."""
        found = self._db.execute(select(DIRECTORY).where(*_of(directory), DIRECTORY.c.id.in_(ids)))
        return {each.id: _row(each) for each in found}

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
        # Not ordered by the database: SQLite would read a whole kind in order of ids to find one.
        found = self._db.execute(select(DIRECTORY).where(*conditions))
        return tuple(sorted((_row(each) for each in found), key=lambda row: row.id))


def _of(directory: str, kind: DirectoryKind | None = None) -> tuple[ColumnElement[bool], ...]:
    mine = (DIRECTORY.c.directory == directory,)
    return mine if kind is None else (*mine, DIRECTORY.c.kind == kind)


def _row(found: Row[tuple[object, ...]]) -> DirectoryRow:
    return DirectoryRow(**found._mapping)
