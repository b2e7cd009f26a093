"""The checkpoint lock: of two writers one loses, and it only moves from where it is."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from armslength.store import Damaged, Held, Lock, Overtaken, StorageFailed, StoreError
from armslength.store.lock import lock_at
from tests.store.places import Place

ORIGIN = "log.example.com/acts"


def at(size: int) -> Held:
    return Held(size=size, root=bytes([size]) * 32)


@pytest.fixture
def made(place: Place) -> Place:
    with closing(place.lock(create=True)) as lock:
        lock.create(ORIGIN, at(0))
    return place


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "lock.db"
    with closing(Lock(made, create=True)) as lock:
        lock.create(ORIGIN, at(0))
    return made


def test_it_moves_from_where_it_is_and_stays_there_for_whoever_opens_it_next(made: Place) -> None:
    """A lock that forgets lets a log that was rolled back sign a second history."""
    with closing(made.lock()) as lock:
        assert lock.held(ORIGIN) == at(0)
        lock.advance(ORIGIN, before=at(0), after=at(3))
        lock.advance(ORIGIN, before=at(3), after=at(7))
        assert made.held() == at(7)
    with closing(made.lock()) as lock:
        assert lock.held(ORIGIN) == at(7)
    assert made.held() == at(7)


@pytest.mark.parametrize("before", [at(0), at(2), at(4), Held(size=3, root=bytes(32))])
def test_it_does_not_move_from_where_it_is_not(made: Place, before: Held) -> None:
    """Two writers that both believe to be at one size would both sign the next."""
    with closing(made.lock()) as lock:
        lock.advance(ORIGIN, before=at(0), after=at(3))
        with pytest.raises(Overtaken) as refused:
            lock.advance(ORIGIN, before=before, after=at(9))
        assert str(refused.value) == f"{made}: the lock of {ORIGIN!r} is no longer at size {before.size}"
        assert lock.held(ORIGIN) == at(3)


def test_one_process_holds_it_and_another_is_told_what_to_do(path: Path) -> None:
    """Whoever starts a second writer by mistake has to learn that, and how to serve all the same."""
    code = "import sys; from pathlib import Path; from armslength.store import Lock; Lock(Path(sys.argv[1]))"
    with closing(Lock(path)):
        ran = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
        assert ran.returncode == 1
        said = ran.stderr.splitlines()[-1]
        assert said.startswith(f"armslength.store.failure.Overtaken: {path}: another writer holds this log's lock")
        assert lock_at(path, ORIGIN) == at(0)
    assert subprocess.run([sys.executable, "-c", code, path], check=False).returncode == 0


def test_it_is_let_go_when_its_process_dies(path: Path) -> None:
    """After a crash nobody could start the ledger again."""
    code = (
        "import os, sys; from pathlib import Path; from armslength.store import Lock\n"
        "lock = Lock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Overtaken):
            Lock(path)
        holder.kill()
        holder.wait()
    Lock(path).close()


def test_letting_go_twice_closes_nothing_of_others(path: Path) -> None:
    """The number of a closed file is given to the next: another ledger's database would be closed under it."""
    lock = Lock(path)
    lock.close()
    with open(path, "rb") as other:
        lock.close()
        assert other.read(6) == b"SQLite"


def test_a_lock_that_could_not_be_opened_is_not_held(path: Path) -> None:
    """A start that failed would keep out every later one of the same process."""
    path.write_bytes(b"no database" * 1000)
    for _ in range(2):
        with pytest.raises(Damaged):
            Lock(path)


def test_two_logs_share_one_lock_store(made: Place) -> None:
    """An organisation keeps the lock store of several logs apart, on one machine."""
    with closing(made.lock()) as lock:
        lock.create("other.example.com/acts", at(5))
        lock.advance(ORIGIN, before=at(0), after=at(1))
        assert (lock.held(ORIGIN), lock.held("other.example.com/acts")) == (at(1), at(5))


def test_a_log_is_entered_once(made: Place) -> None:
    """Making a log again would take its lock back to nothing."""
    with closing(made.lock()) as lock:
        lock.advance(ORIGIN, before=at(0), after=at(4))
        with pytest.raises(StoreError, match=f"{made}: already knows a log {ORIGIN!r}"):
            lock.create(ORIGIN, at(0))
        assert lock.held(ORIGIN) == at(4)


def test_a_log_that_it_does_not_know_is_no_log_at_nothing(made: Place) -> None:
    """Taken for size 0, a lock store of somebody else would let any history begin."""
    with closing(made.lock()) as lock, pytest.raises(Damaged, match=f"{made}: knows no log 'unknown.example'"):
        lock.held("unknown.example")
    with pytest.raises(Damaged, match=f"{made}: knows no log 'unknown.example'"):
        made.held("unknown.example")


@pytest.mark.parametrize("call", [Lock, partial(lock_at, origin=ORIGIN)])
def test_a_lock_store_that_is_not_there_is_not_made(tmp_path: Path, call: Callable[[Path], object]) -> None:
    """A mistyped path, or a disk that is not mounted, would begin with an empty lock."""
    missing = tmp_path / "lock.db"
    with pytest.raises(StorageFailed, match=f"{missing}: unable to open database file"):
        call(missing)
    assert not missing.exists()
    with pytest.raises(StorageFailed):
        call(tmp_path / "nowhere" / "lock.db")


def test_a_file_of_another_program_or_version_is_refused(path: Path) -> None:
    """Its tables could mean something else."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=2")
    with pytest.raises(StoreError, match=f"{path}: of version 2; this armslength knows version 1"):
        Lock(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA application_id=1")
    with pytest.raises(Damaged, match=f"{path}: not a file of armslength"):
        Lock(path)


def test_only_its_owner_may_read_it(path: Path) -> None:
    """Nobody else has any business with the lock."""
    assert os.stat(path).st_mode & 0o077 == 0
    assert os.stat(path.with_name("lock.db.held")).st_mode & 0o077 == 0


@pytest.mark.parametrize("value", ["", "wrong", 5])
def test_a_root_that_is_no_root_is_damage(path: Path, value: object) -> None:
    """What was altered must not be carried on from."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE lock SET root=?", (value,))
        db.commit()
    with pytest.raises(StoreError):
        lock_at(path, ORIGIN)
