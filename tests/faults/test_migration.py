"""Files that are not what this version of the program wrote: refused, and left as they are."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from armslength.service import create_ledger
from armslength.store import LedgerFolder, LedgerSettings, StoreError, read_ledger_folder
from tests.faults.checker import check, rows
from tests.faults.history import History
from tests.service.ledgers import ORIGIN, Chance, Clock, act, copied, ledger_folder, opened, record

STORES = ("log.db", "keys.db", "lock.db")


def sql(*statements: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            for statement in statements:
                db.execute(statement)

    return change


def foreign(path: Path) -> None:
    """Another program's database, in another mode than ours."""
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (one)")
        db.commit()


def filled(data: bytes) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.write_bytes(data)

    return change


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


CHANGES: dict[str, Callable[[Path], None]] = {
    "of a later version": sql("PRAGMA user_version=2"),
    "of an earlier version": sql("PRAGMA user_version=0"),
    "of another program": sql("PRAGMA application_id=1"),
    "another program's": foreign,
    "empty": filled(b""),
    "cut short": cut,
    "no database": filled(b"<html>502 Bad Gateway</html>" * 400),
    "zeroes": filled(bytes(32_768)),
    "missing": lambda path: path.unlink(),
}


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    """A ledger with each store in one file, no write-ahead log beside it."""
    made = ledger_folder(tmp_path / "ledger")
    record(made, act("first", "ann"), act("second", "bob"))
    for name in STORES:
        with closing(sqlite3.connect(made.path / name)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return made


def main_files(folder: LedgerFolder) -> dict[str, bytes | None]:
    return {name: (folder.path / name).read_bytes() if (folder.path / name).exists() else None for name in STORES}


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("change", CHANGES)
def test_a_store_that_is_not_ours_is_refused_and_not_touched(folder: LedgerFolder, name: str, change: str) -> None:
    """A file that was replaced by mistake may be somebody's only copy; and a log must not go on from half of one."""
    path = folder.path / name
    for part in (f"{name}-wal", f"{name}-shm"):
        (folder.path / part).unlink(missing_ok=True)
    CHANGES[change](path)
    before = main_files(folder)
    with pytest.raises(StoreError) as refused:
        opened(folder)
    assert str(path) in str(refused.value)
    assert main_files(folder)[name] == before[name]


@pytest.mark.parametrize(
    ("name", "table"),
    [
        *(("log.db", table) for table in ("entries", "state", "heads", "tiles", "records", "customers", "erasures")),
        *(("log.db", table) for table in ("acts", "payloads")),
        *(("keys.db", table) for table in ("customers", "openings", "staged", "state")),
        ("lock.db", "lock"),
    ],
)
def test_a_store_without_one_of_its_tables_costs_no_record(folder: LedgerFolder, name: str, table: str) -> None:
    """Oak 2022: a migration that stopped in the middle. It is refused at the start, or at the first batch that needs
    the table; nothing that was recorded is lost, and nothing new is acknowledged."""
    backup = copied(folder.path, folder.path.with_name("backup"))
    published = (folder.public / "checkpoint").read_text()
    sql(f"DROP TABLE {table}")(folder.path / name)
    with pytest.raises(Exception, match="no such table|is missing"):
        with opened(folder) as ledger:
            ledger.append(act("third", "ann")).result()
    history = History()
    history.checkpoint(published)
    shutil.copy(backup / name, folder.path / name)
    for part in (f"{name}-wal", f"{name}-shm"):
        (folder.path / part).unlink(missing_ok=True)
    with opened(folder) as ledger:
        ledger.append(act("third", "ann")).result()
    assert check(folder.path, history) == []


@pytest.mark.parametrize("last", ["log.db", "keys.db", "lock.db", "ledger.toml"])
def test_a_ledger_that_was_made_only_half_is_none(tmp_path: Path, last: str) -> None:
    """What a crash leaves of `init` must not be taken for a ledger with nothing in it, nor be made one by a second try
    with other keys."""
    made = ledger_folder(tmp_path / "ledger")
    names = ["signing.keys", "policy", "log.db", "keys.db", "lock.db", "ledger.toml"]
    for name in names[names.index(last) :]:
        (made.path / name).unlink()
    with pytest.raises(StoreError):
        opened(read_ledger_folder(made.path))
    keys = (made.path / "signing.keys").read_bytes()
    with pytest.raises(StoreError):
        create_ledger(
            made.path, settings=LedgerSettings(origin=ORIGIN), witnesses="", clock=Clock(), chance=Chance("again")
        )
    assert (made.path / "signing.keys").read_bytes() == keys


def test_files_of_a_later_version_name_both_versions(folder: LedgerFolder) -> None:
    """Whoever goes back to an older program after an upgrade has to be told that this is why."""
    sql("PRAGMA user_version=7")(folder.log)
    with pytest.raises(StoreError, match="of version 7; this armslength knows version 1"):
        opened(folder)
    assert rows(folder.log, "PRAGMA user_version") == [(7,)]
