"""A ledger moved into PostgreSQL and back: the same ledger, checked, and nothing of the old one touched."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from armslength.service import Refusal, check_ledger, ledger_status, move_ledger
from armslength.store import LedgerFolder, StoreError, open_log, read_ledger_folder
from tests.service.ledgers import act, erasure, ledger_folder, opened, record, recorded
from tests.store.conftest import postgresql, server
from tests.store.places import ServerPlace

__all__ = ["postgresql", "server"]


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    """A ledger with some of everything."""
    made = ledger_folder(tmp_path / "ledger")
    with opened(made) as ledger:
        for each in [ledger.append(act(f"many {number}", f"customer {number % 7}", "acme")) for number in range(300)]:
            each.result()
        recorded(
            ledger, act("own"), erasure("some", "acme", [{"labels": ["note"], "sequence": 3}]), act("again", "beta")
        )
        recorded(ledger, erasure("all", "customer 3"))
        ledger.publish()
    return made


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.db")}


def test_a_ledger_that_was_moved_is_the_same_ledger(folder: LedgerFolder, server: ServerPlace) -> None:
    """A record, a key or a proof that is lost on the way is lost for good."""
    before = ledger_status(folder)
    places = dict.fromkeys(("log", "keys", "lock"), server.dsn)
    left = move_ledger(folder.path, places)
    assert left == (folder.log, folder.keys, folder.lock)
    moved = read_ledger_folder(folder.path)
    assert {str(place) for place in (moved.log, moved.keys, moved.lock)} == {str(server)}
    assert ledger_status(moved) == before
    with open_log(folder) as old, open_log(moved) as new:
        size = old.state().size
        assert new.state() == old.state()
        assert new.leaves(0, size) == old.leaves(0, size)
        assert new.heads() == old.heads()
        assert new.erasures(0) == old.erasures(0)
        assert [new.payload(index) for index in range(size)] == [old.payload(index) for index in range(size)]
    (again,) = record(moved, act("own"))
    assert again.first == 600
    record(moved, act("later", "acme", "customer 3"), erasure("more", "beta"))
    found = check_ledger(moved)
    assert (found.findings, found.lost) == ((), 0)
    # And back, with nothing in between that tells where it has been.
    files = {name: str(folder.path / f"back-{name}.db") for name in places}
    move_ledger(folder.path, files)
    home = read_ledger_folder(folder.path)
    assert check_ledger(home).findings == ()
    record(home, act("home", "acme"))
    assert check_ledger(home).size > found.size


def test_what_cannot_be_moved_stays_what_it_was(folder: LedgerFolder, server: ServerPlace, tmp_path: Path) -> None:
    """A move that fails half-way would leave two ledgers, or none."""
    settings = (folder.path / "ledger.toml").read_bytes()
    before = digests(folder.path)
    with pytest.raises(Refusal, match="nothing to move"):
        move_ledger(folder.path, {"log": "log.db"})
    with pytest.raises(StoreError, match='database "nowhere" does not exist'):
        move_ledger(folder.path, {"log": ServerPlace(server.server, database="nowhere").dsn})
    with pytest.raises(StoreError, match="the connection string holds a password"):
        move_ledger(folder.path, {"log": "postgresql://root:" + "secret@localhost/ledger"})
    ledger_folder(tmp_path / "other", origin="other.example.com/acts", log=server.dsn)
    with pytest.raises(StoreError, match="already holds a log"):
        move_ledger(folder.path, {"log": server.dsn})
    with opened(folder), pytest.raises(StoreError, match="another writer holds this log's lock"):
        move_ledger(folder.path, {"keys": server.dsn})
    assert (folder.path / "ledger.toml").read_bytes() == settings
    assert digests(folder.path).keys() == before.keys()
    assert check_ledger(folder).findings == ()


def test_one_store_may_be_moved_alone(folder: LedgerFolder, server: ServerPlace) -> None:
    """The lock belongs on another machine than the log, wherever that one is."""
    assert move_ledger(folder.path, {"lock": server.dsn}) == (folder.lock,)
    moved = read_ledger_folder(folder.path)
    assert (moved.log, moved.keys) == (folder.log, folder.keys)
    record(moved, act("later", "acme"))
    assert check_ledger(moved).findings == ()
    assert ledger_status(moved).held == ledger_status(moved).size
