"""A ledger on PostgreSQL whose writers are killed, stopped and raced, and whose server is killed under them: what a
receipt was given for is there, once, and what is there adds up."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import count
from pathlib import Path

import pytest

from armslength.service import AppendError, Ledger, Unsettled, adopt_keys, check_ledger
from armslength.store import LedgerFolder, Overtaken, Seat, StoreError, open_keys, open_log, read_lock
from tests.intake.postgresql.server import BIN, PostgresqlServer, _other_user, running_postgresql
from tests.service.ledgers import act, erasure, ledger_folder, record
from tests.store.places import ServerPlace

STEPS = ("signed", "keys", "log", "lock", "erased")


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgresqlServer]:
    with running_postgresql() as found:
        for name in ("keys", "lock"):
            found.sql(f"CREATE DATABASE {name}")
        yield found


@pytest.fixture
def folder(postgresql: PostgresqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LedgerFolder:
    """A ledger each of whose stores has a database of its own."""
    monkeypatch.setenv("ARMSLENGTH_TESTS_WITHOUT_FSYNC", "1")
    places = {"log": "postgres", "keys": "keys", "lock": "lock"}
    for store, database in places.items():
        postgresql.sql(f"DROP SCHEMA IF EXISTS ledger_{store} CASCADE", database=database)
    dsns = {store: ServerPlace(postgresql, database=database).dsn for store, database in places.items()}
    return ledger_folder(tmp_path / "ledger", witness_timeout=1.0, **dsns)


def child(work: Callable[[], None]) -> int:
    """A process of its own that does this. It ends with status 0, 1 if it raises."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", flush=True)
        finally:
            os._exit(status)
    return pid


def ended(pid: int, within: float = 60.0) -> int:
    """Its status, as a shell gives it."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError("it did not end")


def sound(folder: LedgerFolder) -> None:
    found = check_ledger(folder)
    assert found.findings == ()
    assert found.lost == 0
    with open_log(folder) as log:
        assert read_lock(folder).size == log.head()[0] == found.size


@pytest.mark.parametrize("seated", [True, False], ids=["seat", "alone"])
@pytest.mark.parametrize("step", STEPS)
def test_a_writer_that_is_killed_at_a_step_leaves_a_whole_ledger(folder: LedgerFolder, step: str, seated: bool) -> None:
    """Asked again with the same ids, every act is there once, and an erasure that was recorded is done."""
    record(folder, act("before", "acme", "beta"))
    wanted = [act("one", "acme", "gamma"), act("two"), erasure("gone", "acme")]

    def die() -> None:
        def at(done: str) -> None:
            if done == step and (step != "erased" or ledger.health().writer.size > 4):
                os.kill(os.getpid(), signal.SIGKILL)

        epoch = None
        if seated:
            with closing(Seat(folder)) as seat:
                epoch = seat.take("paris", silent=0.0)
        ledger = Ledger(folder, step=at, seat=epoch)
        for each in wanted:
            ledger.append(each).result()

    assert ended(child(die)) == -signal.SIGKILL
    if seated:
        with closing(Seat(folder)) as seat:
            epoch = seat.take("turin", silent=-1.0)
        with Ledger(folder, seat=epoch) as ledger:
            receipts = [ledger.append(each).result() for each in wanted]
            ledger.publish()
    else:
        time.sleep(0.2)  # the server finds out that the connection that held the lock is gone
        receipts = record(folder, *wanted)
    assert len({receipt.first for receipt in receipts}) == 3
    sound(folder)
    with open_log(folder) as log:
        assert {each.id: log.act(each.id) for each in wanted} == {
            each.id: (receipt.first, len(receipt.leaves)) for each, receipt in zip(wanted, receipts, strict=True)
        }
        assert log.payload(0) is None  # acme's, erased


@pytest.mark.parametrize("step", ["signed", "keys", "log", "lock"])
def test_a_writer_that_was_stopped_and_wakes_up_writes_nothing_more(folder: LedgerFolder, step: str) -> None:
    """Both would believe that they write: one machine paused by its hypervisor, the other that took its seat."""
    told = folder.path / "stopped"

    def stop() -> None:
        def at(done: str) -> None:
            if done == step:
                told.write_text("stopped")
                # Sent to the process, another thread may take it, and this one writes on for a moment.
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)

        with closing(Seat(folder)) as seat:
            epoch = seat.take("paris", silent=0.0)
        ledger = Ledger(folder, step=at, seat=epoch)
        try:
            ledger.append(act("theirs", "acme")).result()
            # Recorded before it was stopped: then the next one has it. From here on it records nothing.
            assert step == "lock"
            with suppress(AppendError):
                ledger.append(act("more", "acme")).result()
                raise AssertionError
        except Unsettled:
            assert step != "lock"
        assert ledger.health().writer.stopped is not None

    pid = child(stop)
    until = time.monotonic() + 20
    while not told.exists() and time.monotonic() < until:
        time.sleep(0.02)
    with closing(Seat(folder)) as seat:
        assert seat.take("turin", silent=60.0) is None
        time.sleep(0.2)
        epoch = seat.take("turin", silent=0.1)
    with Ledger(folder, seat=epoch) as ledger:
        first = ledger.append(act("ours", "acme", "beta")).result()
        os.kill(pid, signal.SIGCONT)
        assert ended(pid) == 0
        second = ledger.append(act("ours too", "acme")).result()
        assert ledger.append(act("theirs", "acme")).result().first in (0, second.first + 1)
        ledger.publish()
    with open_log(folder) as log:
        assert log.act(act("more", "acme").id) is None
        assert log.act(act("ours", "acme", "beta").id) == (first.first, 2)
    sound(folder)


def test_writers_that_race_for_the_seat_write_one_history(folder: LedgerFolder) -> None:
    """Every receipt that any of them gave is in the log, under the act that it is for."""
    writers, seconds = 3, 30.0

    def race(name: str) -> None:
        until = time.monotonic() + seconds
        turns = 0
        with closing(Seat(folder)) as seat, (folder.path / f"{name}.receipts").open("w") as kept:
            number = count()
            while turns < 3 and time.monotonic() < until:
                # Every now and then by force, from one that writes.
                epoch = None
                with suppress(StoreError):  # such as: too many connections
                    epoch = seat.take(name, silent=-1.0 if next(number) % 40 == 39 else 2.0)
                if epoch is None:
                    time.sleep(0.01)
                    continue
                ledger = None
                try:
                    ledger = Ledger(folder, seat=epoch)
                    for _ in range(15):
                        asked = act(f"{name} {next(number)}", "acme", name)
                        receipt = ledger.append(asked).result()
                        kept.write(f"{asked.id.hex()} {receipt.first}\n")
                        kept.flush()
                    turns += 1
                except (StoreError, AppendError):
                    pass
                finally:
                    if ledger is not None:
                        with suppress(StoreError):
                            ledger.close()
                    with suppress(StoreError):
                        seat.leave(name, epoch)

    pids = [child(lambda name=f"gate{number}": race(name)) for number in range(writers)]  # type: ignore[misc]
    assert [ended(pid) for pid in pids] == [0] * writers
    receipts = [line.split() for path in folder.path.glob("*.receipts") for line in path.read_text().splitlines()]
    assert len({name for name in folder.path.glob("*.receipts") if name.stat().st_size}) > 1
    with closing(Seat(folder)) as seat, Ledger(folder, seat=seat.take("last", silent=-1.0)) as ledger:
        ledger.publish()
    with open_log(folder) as log:
        for act_id, first in receipts:
            assert log.act(bytes.fromhex(act_id)) == (int(first), 2)
    sound(folder)


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_server_that_is_restarted_loses_no_receipt(
    folder: LedgerFolder, postgresql: PostgresqlServer, how: str
) -> None:
    """The writer goes on by itself once the server is there again, or says that it does not."""
    kept = folder.path / "receipts"
    stop = folder.path / "stop"

    def work() -> None:
        with closing(Seat(folder)) as seat:
            epoch = seat.take("paris", silent=0.0)
        ledger = Ledger(folder, seat=epoch)
        with kept.open("w") as file:
            number = count()
            while not stop.exists():
                asked = act(f"act {next(number)}", "acme")
                while True:
                    try:
                        receipt = ledger.append(asked).result()
                        break
                    except AppendError:
                        time.sleep(0.05)
                        with suppress(StoreError):
                            ledger.reload()
                file.write(f"{asked.id.hex()} {receipt.first}\n")
                file.flush()
        ledger.close()

    pid = child(work)
    time.sleep(0.7)
    for _ in range(3):
        before = len(kept.read_text().splitlines())
        restarted(postgresql, how)
        until = time.monotonic() + 20
        while len(kept.read_text().splitlines()) <= before + 3 and time.monotonic() < until:
            time.sleep(0.02)
        assert len(kept.read_text().splitlines()) > before + 3
    stop.touch()
    assert ended(pid) == 0
    lines = [line.split() for line in kept.read_text().splitlines()]
    with open_log(folder) as log:
        assert [log.act(bytes.fromhex(act_id)) for act_id, _ in lines] == [(int(first), 1) for _, first in lines]
    sound(folder)


@pytest.mark.parametrize("store", ["log", "keys", "lock"])
def test_a_store_restored_from_an_old_dump_is_found(
    folder: LedgerFolder, postgresql: PostgresqlServer, store: str
) -> None:
    """A log that was rolled back would sign a second history, old keys would open what was erased since."""
    record(folder, act("one", "acme", "beta"))
    database = {"log": "postgres"}.get(store, store)
    old = dumped(postgresql, database, f"ledger_{store}")
    record(folder, act("two", "acme"), erasure("gone", "acme"))
    postgresql.sql(f"DROP SCHEMA ledger_{store} CASCADE", database=database)
    postgresql.sql(old, database=database)
    match store:
        case "log":
            with pytest.raises(Overtaken, match="it was rolled back; restore what is missing, and never sign on"):
                Ledger(folder)
        case "keys":
            with pytest.raises(Overtaken, match="it is an older copy; find the newest, or go on without what it lacks"):
                Ledger(folder)
            with pytest.raises(Overtaken):  # and a gate that has a seat neither
                with closing(Seat(folder)) as seat:
                    Ledger(folder, seat=seat.take("paris", silent=-1.0))
            with closing(Seat(folder)) as seat:
                held = seat.holder()
                assert held is not None
                seat.leave("paris", held.epoch)
            adopted = adopt_keys(folder.path, chance=os.urandom)
            assert adopted.followed < adopted.size
            found = check_ledger(folder)
            assert found.findings == ()
            with closing(open_keys(folder)) as keys:
                assert keys.customer("acme") is None  # erased anew, before anything was read
        case "lock":
            record(folder, act("three", "beta"))
            sound(folder)


def dumped(server: PostgresqlServer, database: str, schema: str) -> str:
    assert BIN is not None
    command = [BIN / "pg_dump", "-h", server.folder, "-p", server.port, "-U", "root", "-n", schema, database]
    return subprocess.run([str(part) for part in command], capture_output=True, check=True, text=True).stdout


def test_two_writers_without_a_seat_are_told_apart_by_the_lock(folder: LedgerFolder) -> None:
    """A command at a terminal beside a ledger that runs would end it."""
    with Ledger(folder) as ledger:
        ledger.append(act("one", "acme")).result()
        with pytest.raises(Overtaken, match="another writer holds this log's lock"):
            Ledger(folder)
        ledger.append(act("two", "acme")).result()
    sound(folder)


def restarted(server: PostgresqlServer, how: str) -> None:
    assert BIN is not None
    data = server.folder / "data"
    command = [*_other_user(server.folder), BIN / "pg_ctl", "-D", data, "-l", server.folder / "log"]
    ran = subprocess.run(
        [str(part) for part in [*command, "-m", how, "-w", "-t", "60", "restart"]],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
