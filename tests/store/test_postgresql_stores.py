"""The ledger's stores on a real PostgreSQL server: durable or refused, fenced, bounded, and whole after every fault."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from armslength.ledger import Kind
from armslength.store import Customer, Damaged, Held, Overtaken, StorageFailed, StoreError
from armslength.store.postgresql_dsn import postgresql_address
from armslength.store.postgresql_keys import PostgresqlKeys
from armslength.store.postgresql_lock import PostgresqlLock
from armslength.store.postgresql_log import PostgresqlLog
from armslength.store.postgresql_place import PostgresqlPlace
from armslength.store.postgresql_pool import PostgresqlPool
from armslength.store.postgresql_session import PostgresqlSession
from armslength.tlog import Edge
from tests.service.logs import seed
from tests.store.places import ORIGIN, ServerPlace
from tests.store.proxy import Proxy, proxied
from tests.store.stores import ADA, BEN, Growth, log_state


@pytest.fixture
def made(server: ServerPlace) -> ServerPlace:
    with server.log(writing=True, create=True) as log:
        log.create(log_state(Edge.empty()))
    return server


@pytest.fixture
def proxy(server: ServerPlace) -> Iterator[Proxy]:
    # Not pytest's folder: the path of a socket has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="armslength-px-") as folder:
        with proxied(Path(folder), server.server.folder, server.server.port) as found:
            yield found


def through(proxy: Proxy, server: ServerPlace) -> PostgresqlPlace:
    dsn = f"postgresql://root@/postgres?host={proxy.folder}&port={server.server.port}"
    return PostgresqlPlace(postgresql_address(dsn, {}))


def hasty(monkeypatch: pytest.MonkeyPatch, seconds: float = 1.0) -> None:
    for module in ("postgresql_session", "postgresql_tables"):
        monkeypatch.setattr(f"armslength.store.{module}.CONNECT", seconds)
    monkeypatch.setattr("armslength.store.postgresql_session.ANSWER", seconds)
    monkeypatch.setattr("armslength.store.postgresql_session.IDLE", seconds)


# What is durable


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_writes_to_no_disk_is_refused(
    made: ServerPlace, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    """A receipt would be given for what a power failure takes."""
    monkeypatch.delenv("ARMSLENGTH_TESTS_WITHOUT_FSYNC")
    made.server.sql("ALTER SYSTEM SET fsync = on; ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf()")
    try:
        time.sleep(0.3)
        with made.log(writing=True) as log:
            growth = Growth()
            log.write(growth.next([ADA]))
            made.server.sql(f"ALTER SYSTEM SET {setting} = off; SELECT pg_reload_conf()")
            time.sleep(0.3)
            # A server takes it up while it runs, and so must whoever writes to it.
            with pytest.raises(StorageFailed, match=f"{setting} is off on this server: a receipt would be given"):
                log.write(growth.next([BEN]))
            assert log.head()[0] == 1
        with pytest.raises(StorageFailed, match=f"{made}: {setting} is off on this server"):
            made.log(writing=True)
        with made.log() as reader:  # reading does no harm
            assert reader.head()[0] == 1
    finally:
        made.server.sql("ALTER SYSTEM RESET ALL; SELECT pg_reload_conf()")
        time.sleep(0.3)


def test_a_role_whose_commits_are_not_waited_for_is_refused(made: ServerPlace) -> None:
    """As above: the setting may be a role's or a database's."""
    made.server.sql("ALTER ROLE root SET synchronous_commit = off")
    try:
        with pytest.raises(StorageFailed, match="synchronous_commit is off"):
            made.log(writing=True)
    finally:
        made.server.sql("ALTER ROLE root RESET synchronous_commit")
    with made.log(writing=True) as log:
        made.server.sql("ALTER SYSTEM SET synchronous_commit = off; SELECT pg_reload_conf()")
        try:
            time.sleep(0.3)
            ((now,),) = log._tables.session().ask("SHOW synchronous_commit")  # type: ignore[union-attr]
            assert now == "on"  # what is set later does not reach a session that writes
        finally:
            made.server.sql("ALTER SYSTEM RESET synchronous_commit; SELECT pg_reload_conf()")


# Who writes


def test_a_writer_who_lost_the_seat_writes_nothing(made: ServerPlace) -> None:
    """One that was stopped and wakes up would put its batch under that of the one who took its place."""
    with made.log(writing=True) as old:
        growth, theirs = Growth(), Growth()
        old.write(growth.next([ADA]))
        theirs.next([ADA])
        before = made.everything()
        with made.log(writing=True) as new:
            assert new.seat == (old.seat or 0) + 1
            calls: list[Any] = [
                lambda: old.write(growth.next([BEN])),
                lambda: old.replace_payloads({0: None}),
                old.settle,
            ]
            for call in calls:
                with pytest.raises(Overtaken, match="the seat of this log's writer is another's by now"):
                    call()
            assert made.everything() == before
            assert old.state() == new.state()
            new.settle()
            new.write(theirs.next([BEN]))
            assert new.head()[0] == 2


def test_the_keys_of_a_writer_who_lost_the_seat_are_not_taken(server: ServerPlace) -> None:
    """Its customers would stand under the names that the next one gives other handles, its erasures over newer keys."""
    with closing(PostgresqlKeys(server.place, writing=True, create=True)) as made:
        made.create(ORIGIN, seed("firm"))
    ada, also = (Customer(name="Ada", handle=seed(word), key=seed(f"key {word}")) for word in ("one", "two"))
    with closing(PostgresqlKeys(server.place, writing=True, seat=4)) as old:
        old.write([], [], size=1)
        with closing(PostgresqlKeys(server.place, writing=True, seat=5)) as new:
            calls: list[Any] = [
                lambda: old.write([ada], [], size=2),
                lambda: old.erase(customer=seed("firm"), replaced={}),
                lambda: old.settle(3),
                lambda: old.follow(9),
            ]
            for call in calls:
                with pytest.raises(Overtaken, match="a later writer was here"):
                    call()
            new.write([also], [], size=2)
            assert (new.customer("Ada"), new.followed(), new.erased()) == (also, 2, 0)
    with pytest.raises(Overtaken, match="a later writer was here"):
        PostgresqlKeys(server.place, writing=True, seat=4)


def test_a_writer_without_a_seat_waits_for_a_gate_that_holds_it(made: ServerPlace) -> None:
    """A command at a terminal would throw a gate that is at work out of its seat."""
    made.server.sql("UPDATE ledger_log.seat SET gate = 'frankfurt', epoch = 7, seen = now()")
    with pytest.raises(Overtaken, match=f"{made}: the gate 'frankfurt' holds the seat of this log's writer"):
        made.log(writing=True)
    for when in ("now() - interval '61 s'", "now() + interval '1 h'"):  # killed; or its clock was ahead
        made.server.sql(f"UPDATE ledger_log.seat SET gate = 'frankfurt', seen = {when}")
        with made.log(writing=True) as log:
            assert log.seat is not None
    made.server.sql("UPDATE ledger_log.seat SET gate = ''")
    with PostgresqlLog(made.place, writing=True, seat=3) as wrong, pytest.raises(Overtaken):
        wrong.write(Growth().next([ADA]))


def test_making_a_ledger_where_there_is_one_takes_nothing_from_its_writer(made: ServerPlace) -> None:
    """A mistyped database would end a ledger that runs."""
    with made.log(writing=True) as log:
        with made.log(writing=True, create=True) as again, pytest.raises(StoreError, match="already holds a log"):
            again.create(log_state(Edge.empty()))
        log.write(Growth().next([ADA]))


def test_the_lock_is_held_by_one_writer_without_a_seat_and_goes_with_its_connection(server: ServerPlace) -> None:
    """Two commands at once would write over each other; one that was killed would keep out the next."""
    with closing(PostgresqlLock(server.place, ORIGIN, create=True)) as lock:
        lock.create(ORIGIN, Held(size=0, root=bytes(32)))
        with pytest.raises(Overtaken, match=f"{server}: another writer holds this log's lock"):
            PostgresqlLock(server.place, ORIGIN)
        PostgresqlLock(server.place, "other.example.com/acts").close()
        PostgresqlLock(server.place, ORIGIN, seated=True).close()
        server.server.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'armslength ledger'"
        )
        time.sleep(0.2)
        assert lock.held(ORIGIN).size == 0  # on another connection, which holds it again
        with pytest.raises(Overtaken):
            PostgresqlLock(server.place, ORIGIN)
    PostgresqlLock(server.place, ORIGIN).close()


# What is there


def test_a_database_without_a_ledger_or_with_another_is_told(server: ServerPlace) -> None:
    """A mistyped database would begin a second log."""
    for writing in (True, False):
        with pytest.raises(Damaged, match=f"{server}: has no ledger_log of armslength; armslength ledger init makes"):
            server.log(writing=writing)
    missing = ServerPlace(server.server, database="nowhere")
    with pytest.raises(StorageFailed, match='database "nowhere" does not exist'):
        missing.log()
    with server.log(writing=True, create=True) as log, pytest.raises(Damaged, match=f"{server}: holds no log"):
        log.state()
    server.server.sql("UPDATE ledger_log.about SET version = 2")
    with pytest.raises(StoreError, match=f"{server}: of version 2; this armslength knows version 1"):
        server.log()


def test_a_table_that_was_changed_is_told(made: ServerPlace) -> None:
    """What stands in it may mean something else."""
    with made.log() as log:
        assert log.integrity() == []
        made.server.sql("ALTER TABLE ledger_log.acts ALTER COLUMN first TYPE integer")
        ((table, problem),) = log.integrity()
        assert (table, problem.startswith("has the columns")) == ("acts", True)
        made.server.sql("DROP TABLE ledger_log.acts")
        with pytest.raises(Damaged, match=f'{made}: relation "ledger_log.acts" does not exist'):
            log.act(bytes(16))


def test_roles_without_superuser_suffice(server: ServerPlace) -> None:
    """Nobody should have to give a ledger the whole server."""
    server.server.sql(
        "DROP DATABASE IF EXISTS firm; DROP ROLE IF EXISTS writer; DROP ROLE IF EXISTS looker;"
        "CREATE ROLE writer LOGIN; CREATE ROLE looker LOGIN; CREATE DATABASE firm OWNER writer"
    )
    writer = ServerPlace(server.server, database="firm", user="writer")
    looker = ServerPlace(server.server, database="firm", user="looker")
    growth = Growth()
    with writer.log(writing=True, create=True) as log:
        log.create(log_state(Edge.empty()))
        log.write(growth.next([ADA, BEN], map_head=True))
        log.replace_payloads({0: None})
    with closing(writer.keys(writing=True, create=True)) as keys:
        keys.create(ORIGIN, seed("firm"))
        keys.erase(customer=bytes(32), replaced={})
    with closing(writer.lock(create=True)) as lock:
        lock.create(ORIGIN, Held(size=0, root=bytes(32)))
    with pytest.raises(StorageFailed, match="permission denied for schema ledger_log"):
        looker.log()
    server.server.sql(
        "GRANT USAGE ON SCHEMA ledger_log TO looker; GRANT SELECT ON ALL TABLES IN SCHEMA ledger_log TO looker",
        database="firm",
    )
    with looker.log() as log:
        assert log.leaves(0, 3) == tuple(growth.leaves)
    with pytest.raises(StorageFailed, match="permission denied"):
        looker.log(writing=True)
    with pytest.raises(StorageFailed, match="permission denied"):
        looker.keys()


def test_what_was_replaced_or_deleted_is_in_no_row_of_the_table_after_an_erasure(made: ServerPlace) -> None:
    """A dead row holds what was erased until somebody vacuums the table."""
    made.server.sql("CREATE EXTENSION IF NOT EXISTS pageinspect")
    batch = Growth().next([ADA] * 20)
    dead = (
        "SELECT count(*) FROM generate_series(0, pg_relation_size('ledger_log.payloads') / 8192 - 1) page,"
        " heap_page_items(get_raw_page('ledger_log.payloads', page::int)) item WHERE t_data IS NOT NULL"
    )
    with made.log(writing=True) as log:
        log.write(batch)
        log.replace_payloads({1: None, 2: b"another"})
        assert int(made.server.sql(dead)) == 19


# Faults


def test_a_session_that_the_server_ended_is_replaced_unseen(made: ServerPlace) -> None:
    """Every restart of the server, or a firewall that forgets, would cost a batch."""
    growth = Growth()
    with made.log(writing=True) as log, made.log() as reader:
        log.write(growth.next([ADA]))
        assert reader.head()[0] == 1
        made.server.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'armslength ledger'"
        )
        time.sleep(0.2)
        log.write(growth.next([ADA]))
        assert reader.head()[0] == 2


def test_a_broken_session_is_given_to_nobody(made: ServerPlace) -> None:
    """Whoever reads next would get the rest of somebody else's answer."""
    pool = PostgresqlPool()
    first = pool.lease(made.place.address)
    pool.give_back(first)
    assert pool.lease(made.place.address) is first
    with suppress(StoreError):
        first.ask("SELECT pg_terminate_backend(pg_backend_pid())::text")
    assert first.broken
    pool.give_back(first)
    second = pool.lease(made.place.address)
    assert second is not first
    with suppress(RuntimeError), second.transaction():
        pool.give_back(second)  # with a transaction under way
        raise RuntimeError
    third = pool.lease(made.place.address)
    assert third is not second
    with pytest.raises(StoreError):
        third.ask("SELECT 1 / 0")
    assert not third.broken  # the server refused, and goes on
    pool.give_back(third)
    child = os.fork()
    if child == 0:
        from armslength.store.postgresql_pool import POOL

        os._exit(0 if not POOL._idle else 1)
    assert os.waitpid(child, 0)[1] == 0
    pool.empty()


def test_reading_costs_no_connection_and_many_may_at_once(made: ServerPlace) -> None:
    """A gate that opens the log for every look would be a tenth as fast, or run out of connections."""
    with made.log():
        pass
    begun = time.perf_counter()
    for _ in range(100):
        with made.log() as log:
            log.head()
    assert (time.perf_counter() - begun) / 100 < 0.01
    problems: list[Exception] = []

    def read() -> None:
        try:
            for _ in range(20):
                with made.log() as log, log.snapshot():
                    assert log.state().size == 0
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    open_now = made.server.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'armslength ledger'")
    assert int(open_now) <= 5


def test_a_network_that_says_nothing_is_a_failure_in_bounded_time(
    made: ServerPlace, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate would wait for ever, and so would everybody at it."""
    hasty(monkeypatch)
    place = through(proxy, made)
    growth = Growth()
    with PostgresqlLog(place, writing=True) as log, PostgresqlLog(place) as reader:
        log.write(growth.next([ADA]))
        batch = growth.next([BEN])
        proxy.silence()
        begun = time.monotonic()
        with pytest.raises(StorageFailed, match="no answer in time"):
            log.write(batch)
        with pytest.raises(StorageFailed, match="no answer in time"):
            reader.head()
        with pytest.raises(StorageFailed):
            log.settle()
        with pytest.raises(StorageFailed):
            PostgresqlLog(place)
        assert time.monotonic() - begun < 12
        proxy.heal()
        time.sleep(1.2)  # the server undoes what was begun
        log.settle()
        assert (log.head()[0], reader.head()[0]) == (1, 1)
        log.write(batch)
        assert log.head()[0] == 2


@pytest.mark.parametrize("late", [0.0, 0.9], ids=["answer lost", "still on its way"])
def test_a_commit_whose_answer_is_lost_is_settled_before_anything_else(
    made: ServerPlace, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, late: float
) -> None:
    """Taken for undone, the next batch would be signed on a state that is not there any more."""
    monkeypatch.setattr("armslength.store.postgresql_session.ANSWER", 0.5)
    with PostgresqlLog(through(proxy, made), writing=True) as log:
        growth = Growth()
        log.write(growth.next([ADA]))
        batch = growth.next([BEN])
        proxy.silence_after(b"COMMIT\0", late=late)
        with pytest.raises(StorageFailed, match="no answer in time"):
            log.write(batch)
        log.settle()
        assert log.state() == batch.after  # it was there after all
        log.write(growth.next([ADA]))
        assert log.head()[0] == 3


def test_a_transaction_whose_writer_fell_silent_keeps_the_next_one_out_for_a_moment_only(
    made: ServerPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that is stopped in the middle of a batch holds the rows that the next one needs."""
    hasty(monkeypatch, 1.0)
    stopped = PostgresqlSession(made.place.address, writing=True)
    stopped.order("BEGIN")
    stopped.tell("UPDATE ledger_log.seat SET seen = clock_timestamp()")
    stopped.tell("UPDATE ledger_log.state SET size = size")
    monkeypatch.setattr("armslength.store.postgresql_session.ANSWER", 10.0)
    begun = time.monotonic()
    with made.log(writing=True) as log:
        log.write(Growth().next([ADA]))
    assert 0.3 < time.monotonic() - begun < 4
    with pytest.raises(StorageFailed):
        stopped.order("COMMIT")
    stopped.close()


def test_a_server_that_is_stopped_is_a_failure_in_bounded_time(
    made: ServerPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As above, where the machine hangs and the network does not know."""
    hasty(monkeypatch)
    with made.log(writing=True) as log:
        session = log._tables.session()  # type: ignore[union-attr]
        ((backend,),) = session.ask("SELECT pg_backend_pid()")
        os.kill(backend, signal.SIGSTOP)
        begun = time.monotonic()
        try:
            with pytest.raises(StorageFailed, match="no answer in time"):
                log.write(Growth().next([ADA]))
            assert time.monotonic() - begun < 3
        finally:
            os.kill(backend, signal.SIGCONT)
        log.settle()
        assert log.head()[0] == 0


def test_an_erasure_is_obeyed_though_nobody_could_vacuum(made: ServerPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are gone all the same, and the sweeping is done with the next batch."""
    growth = Growth()
    with made.log(writing=True) as log:
        log.write(growth.next([ADA] * 3))
        held = PostgresqlSession(made.place.address, writing=True)
        held.order("BEGIN; LOCK TABLE ledger_log.payloads IN SHARE UPDATE EXCLUSIVE MODE")
        monkeypatch.setattr("armslength.store.postgresql_session.LOCKED", 0.2)
        log._tables.session().order("SET lock_timeout = 200")  # type: ignore[union-attr]
        log.replace_payloads({1: None})
        assert (log.payload(1), log._stale) == (None, True)  # type: ignore[union-attr]
        held.close()
        log.write(growth.next([BEN], kind=Kind.USE))
        assert not log._stale  # type: ignore[union-attr]


def test_a_batch_of_many_customers_and_acts_goes_in(made: ServerPlace) -> None:
    """What is sent as arrays has to hold any bytes, and none."""
    with made.log(writing=True) as log:
        growth = Growth()
        many = [seed(f"customer {number}") for number in range(700)]
        batch = growth.next(many, map_head=True)
        odd = tuple(
            (index, box) for index, box in zip(range(4), (b"", b"\0", b'"\\{},', bytes(range(256))), strict=True)
        )
        log.write(replace(batch, payloads=odd))
        assert [log.payload(index) for index, _ in odd] == [box for _, box in odd]
        assert log.heads() == growth.heads
        second = growth.next([*many[5:9], seed("new")], map_head=True)
        log.write(second)
        assert log.heads() == growth.heads
        assert len(log.records_of(many[6], until=2000)) == 2
