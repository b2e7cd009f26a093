"""The seat of the writer that several gates share: one holds it, silence loses it, and no epoch comes twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from armslength.store import LedgerFolder, Overtaken, Seat, SeatHeld, StorageFailed, StoreError, open_log
from armslength.store.postgresql_session import PostgresqlSession
from tests.service.ledgers import ledger_folder
from tests.store.places import ServerPlace
from tests.store.stores import ADA, Growth

LONG = 1000.0


@pytest.fixture
def folder(server: ServerPlace, tmp_path: Path) -> LedgerFolder:
    return ledger_folder(tmp_path / "ledger", log=server.dsn, keys=server.dsn, lock=server.dsn)


@pytest.fixture
def seat(folder: LedgerFolder) -> Iterator[Seat]:
    with closing(Seat(folder)) as found:
        yield found


def held(seat: Seat) -> tuple[str, int] | None:
    found = seat.holder()
    return None if found is None else (found.gate, found.epoch)


def test_it_is_taken_by_one_and_left_to_the_next(seat: Seat) -> None:
    """Two writers would sign two histories; none would stop every gate."""
    assert seat.holder() is None
    first = seat.take("frankfurt", silent=LONG)
    assert first is not None
    assert held(seat) == ("frankfurt", first)
    assert seat.take("paris", silent=LONG) is None
    seat.beat("frankfurt", first)
    seat.leave("paris", first)
    assert held(seat) == ("frankfurt", first)
    seat.leave("frankfurt", first)
    assert seat.holder() is None
    with pytest.raises(Overtaken):
        seat.beat("frankfurt", first)
    assert seat.take("paris", silent=LONG) == first + 1


def test_the_same_gate_takes_it_again_as_a_new_epoch(seat: Seat) -> None:
    """A gate that was restarted must not share its epoch with what its former process still sends."""
    first = seat.take("paris", silent=LONG)
    again = seat.take("paris", silent=LONG)
    assert first is not None
    assert again == first + 1
    with pytest.raises(Overtaken, match="the seat of this log's writer is another's by now"):
        seat.beat("paris", first)
    seat.leave("paris", first)
    assert held(seat) == ("paris", again)


def test_silence_loses_it_by_the_databases_clock(seat: Seat, server: ServerPlace) -> None:
    """A gate that was lost would keep all others from writing; one whose clock is wrong would take what is held."""
    first = seat.take("paris", silent=LONG)
    assert first is not None
    time.sleep(0.3)
    found = seat.holder()
    assert isinstance(found, SeatHeld)
    assert 0.3 <= found.silent < 5
    seat.beat("paris", first)
    assert seat.take("turin", silent=0.2) is None
    time.sleep(0.3)
    second = seat.take("turin", silent=0.2)
    assert second == first + 1
    with pytest.raises(Overtaken):
        seat.beat("paris", first)
    # A clock that was set back an hour would leave the seat to nobody for that long.
    server.server.sql("UPDATE ledger_log.seat SET seen = now() + interval '1 h'")
    assert seat.take("paris", silent=60) == first + 2


def test_of_many_who_reach_for_it_one_has_it(folder: LedgerFolder, seat: Seat) -> None:
    """After a gate is lost all others reach at the same moment."""
    taken: list[tuple[str, int | None]] = []
    start = threading.Barrier(6)

    def reach(gate: str) -> None:
        with closing(Seat(folder)) as mine:
            start.wait()
            taken.append((gate, mine.take(gate, silent=LONG)))

    threads = [threading.Thread(target=reach, args=(f"gate{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [(gate, epoch) for gate, epoch in taken if epoch is not None]
    assert len(won) == 1
    assert held(seat) == won[0]


def test_it_is_not_taken_while_its_holder_writes(seat: Seat, server: ServerPlace) -> None:
    """Taken in the middle of a batch, the next one would begin on a state that is about to change."""
    seat.take("paris", silent=LONG)
    server.server.sql("UPDATE ledger_log.seat SET seen = now() - interval '1 h'")
    with closing(PostgresqlSession(server.place.address, writing=True)) as writer:
        writer.order("BEGIN")
        writer.tell("UPDATE ledger_log.seat SET seen = clock_timestamp()")
        begun = time.monotonic()
        assert seat.take("turin", silent=60) is None
        assert time.monotonic() - begun < 4
        writer.order("COMMIT")
    assert seat.take("turin", silent=60) is None
    assert held(seat) is not None


def test_whoever_takes_it_fences_what_the_last_holder_still_sends(folder: LedgerFolder, seat: Seat) -> None:
    """A gate that was stopped for a minute and wakes up believes that it writes."""
    growth = Growth()
    old = seat.take("paris", silent=LONG)
    with open_log(folder, writing=True, seat=old) as stopped:
        stopped.write(growth.next([ADA]))
        new = seat.take("turin", silent=-1)
        batch = growth.next([ADA])
        with open_log(folder, writing=True, seat=new) as log:
            with pytest.raises(Overtaken):
                stopped.write(batch)
            log.write(batch)
            assert stopped.head() == log.head() == (2, batch.after.edge.root())


def test_a_log_in_a_file_has_no_seat(tmp_path: Path) -> None:
    """Two gates on one file would be two writers."""
    folder = ledger_folder(tmp_path / "ledger")
    with pytest.raises(StoreError, match="its log is in a file; several gates share a log in PostgreSQL"):
        Seat(folder)
    with pytest.raises(StoreError, match="a log in a file has one writer, and no seat"):
        open_log(folder, writing=True, seat=1)


def test_a_database_that_does_not_answer_is_a_failure_and_then_goes_on(seat: Seat, server: ServerPlace) -> None:
    """Taken for the answer that the seat is lost, every restart of the server would stop the writer."""
    first = seat.take("paris", silent=LONG)
    assert first is not None
    server.server.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'armslength ledger'"
    )
    time.sleep(0.2)
    seat.beat("paris", first)
    session = seat._connection._tables.session()
    with pytest.raises(StorageFailed), seat._connection.changing():
        session.ask("SELECT pg_terminate_backend(pg_backend_pid())::text")
    seat.beat("paris", first)
