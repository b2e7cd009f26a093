"""The steps that a gate's database takes: each earlier version reaches the newest with what it holds, whole or not at
all, and a later one is left alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, event, inspect

from armslength.store import (
    Away,
    Ceremony,
    Damaged,
    GateDatabase,
    GateRow,
    GateSnapshot,
    Remembered,
    RowClaim,
    RowColumns,
    StoreError,
)
from armslength.store.gate_migrations import STEPS, check_gate_tables, gate_version, migrate_gate
from armslength.store.gate_schema import METADATA

ORIGIN = "gate.example.com/acts"
NOW = 1_800_000_000
GOLDEN = Path(__file__).parent / "golden"
VERSIONS = range(1, len(STEPS) + 1)


def of_version(version: int, path: Path) -> None:
    """The database that this version made and filled, at `path`."""
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript((GOLDEN / f"gate-{version}.sql").read_text())


@contextmanager
def changing(path: Path) -> Iterator[Connection]:
    """A transaction on the file, whatever it is."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"isolation_level": None})
    event.listen(engine, "begin", lambda db: db.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.connect() as db, db.begin():
            yield db
    finally:
        engine.dispose()


def schema(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").fetchall()


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def test_every_version_is_kept() -> None:
    """A step that was edited after its release would leave databases that nobody can open."""
    assert sorted(path.name for path in GOLDEN.glob("gate-*.sql")) == [f"gate-{version}.sql" for version in VERSIONS]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_older_database_keeps_what_it_holds(tmp_path: Path, version: int) -> None:
    """A new version of the program would cost a gate its sessions, its evidence and its claims."""
    path = tmp_path / "gate.db"
    of_version(version, path)
    with closing(GateDatabase(path, origin=ORIGIN)) as database:
        assert database.version() == len(STEPS)
        assert database.integrity() == []
        with database.reading() as tables:
            lease = GateRow(
                kind="lease",
                id="lease_1",
                version=3,
                doc=b"{}",
                columns=RowColumns(person="ana", status="live", due=NOW + 3600),
            )
            request = tables.rows.read("request", "req_1")
            assert list(tables.rows.all("lease")) == [lease]
            assert request is not None
            assert request.claim == b"a" * 16
            assert tables.rows.claims() == (RowClaim(kind="request", id="req_1", act=b"a" * 16, at=NOW + 1),)
            (digest,) = tables.evidence.opened("req_1", "bo")
            document = tables.evidence.get(digest)
            assert document is not None
            assert document.data == b"why"
            assert tables.idempotency.recall("web-1", "key", now=NOW) == Remembered(body=b"1" * 32, answer="req_1")
            session = tables.sessions.read(b"2" * 32, now=NOW + 60)
            assert session is not None
            assert session.person == "bo"
            ceremony = Ceremony(kind="enrol", person="cy", doc=b"{}", ends=NOW + 300)
            assert tables.ceremonies.look(b"3" * 32, "enrol", now=NOW) == ceremony
            (notice,) = tables.outbox.newest(person="bo")
            assert (notice.mark, notice.tries, notice.problem) == ("lease_1", 1, "no answer")
            assert tables.away.all() == (Away(person="dee", start=NOW - 10_000, ends=None, by="dee"),)
            assert tables.snapshots.read() == GateSnapshot(position=7, mac=b"mac", state=b"state")


@pytest.mark.parametrize("version", VERSIONS)
def test_an_older_database_gets_the_tables_of_a_new_one(tmp_path: Path, version: int) -> None:
    """Two gates of one version would behave in two ways."""
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    of_version(version, old)
    GateDatabase(old, origin=ORIGIN).close()
    GateDatabase(new, origin=ORIGIN, create=True).close()
    assert schema(old) == schema(new)


def test_the_tables_are_those_that_the_code_names(tmp_path: Path) -> None:
    """A column that a step forgot is found by whoever needs it first."""
    path = tmp_path / "gate.db"
    GateDatabase(path, origin=ORIGIN, create=True).close()
    engine = create_engine(f"sqlite:///{path}")
    found = inspect(engine)
    assert set(found.get_table_names()) == set(METADATA.tables)
    for name, table in METADATA.tables.items():
        columns = {each["name"]: (str(each["type"]), bool(each["nullable"])) for each in found.get_columns(name)}
        assert columns == {
            each.name: (each.type.compile(engine.dialect), bool(each.nullable)) for each in table.columns
        }, name
        assert set(found.get_pk_constraint(name)["constrained_columns"]) == {c.name for c in table.primary_key}, name
        indexes = {each["name"]: (each["column_names"], bool(each["unique"])) for each in found.get_indexes(name)}
        assert indexes == {
            each.name: ([column.name for column in each.columns], bool(each.unique)) for each in table.indexes
        }, name
    engine.dispose()


# Steps to come

LATER = (
    *STEPS,
    ("ALTER TABLE away ADD COLUMN why TEXT", "UPDATE away SET why='before ' || person"),
    ("CREATE TABLE more (one INTEGER NOT NULL PRIMARY KEY) STRICT", "INSERT INTO more VALUES (1)"),
)


def migrated(path: Path, steps: Sequence[Sequence[str]]) -> int:
    with changing(path) as db:
        taken = migrate_gate(db, path, steps)
        check_gate_tables(db, path, steps)
        return taken


def test_steps_that_are_missing_are_taken_in_their_order(tmp_path: Path) -> None:
    """A database two versions behind would miss what is between."""
    path = tmp_path / "gate.db"
    of_version(1, path)
    assert migrated(path, LATER) == len(LATER) - 1
    assert migrated(path, LATER) == 0
    with changing(path) as db:
        assert gate_version(db, path, len(LATER)) == len(LATER)
        assert db.exec_driver_sql("SELECT person, why FROM away").all() == [("dee", "before dee")]
        assert db.exec_driver_sql("SELECT one FROM more").all() == [(1,)]
    fresh = tmp_path / "fresh.db"
    assert migrated(fresh, LATER) == len(LATER)
    assert schema(path) == schema(fresh)


def test_a_step_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    """A crash or a full disk in the middle would leave a database of no version."""
    path = tmp_path / "gate.db"
    of_version(1, path)
    before = dump(path)
    with pytest.raises(Exception, match="no such table: absent"):
        migrated(path, (*LATER, ("CREATE TABLE last (one INTEGER)", "INSERT INTO absent VALUES (1)")))
    assert dump(path) == before
    GateDatabase(path, origin=ORIGIN).close()


def test_a_database_of_a_later_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    """An old program beside a new one would undo what it does not know of."""
    path = tmp_path / "gate.db"
    GateDatabase(path, origin=ORIGIN, create=True).close()
    migrated(path, LATER)
    before = dump(path)
    with pytest.raises(StoreError, match=f"of version {len(LATER)}; this armslength knows version {len(STEPS)}"):
        GateDatabase(path, origin=ORIGIN)
    assert dump(path) == before


@pytest.mark.parametrize("seen", [(), (2,), (1, 3), (-1,), (0, 1)])
def test_versions_with_a_gap_are_damage(tmp_path: Path, seen: tuple[int, ...]) -> None:
    """A step that was left out would be taken for done."""
    path = tmp_path / "gate.db"
    of_version(1, path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM versions")
        db.executemany("INSERT INTO versions VALUES (?)", [(each,) for each in seen])
    with pytest.raises(Damaged, match="says that it is of the versions"):
        GateDatabase(path, origin=ORIGIN)
